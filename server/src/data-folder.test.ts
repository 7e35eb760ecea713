import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { keptSecret } from './data-folder.js';

const folder = mkdtempSync(join(tmpdir(), 'orrery-data-'));
after(() => rmSync(folder, { recursive: true }));

test('a kept secret is made once, is private, and leaves nothing beside it', () => {
  const dataDir = join(folder, 'new');
  const first = keptSecret(dataDir, 'key', () => 'one');
  const second = keptSecret(dataDir, 'key', () => 'two');
  assert.deepEqual([first.value, first.fresh], ['one', true]);
  assert.deepEqual([second.value, second.fresh], ['one', false]);
  assert.equal(statSync(first.path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(dataDir), ['key']);
});
