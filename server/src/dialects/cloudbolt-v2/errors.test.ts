import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DomainError, notFound } from '../../errors.js';
import { BY_KIND, BY_REASON, badRequest, renderError } from './errors.js';

const silent = { error: () => {}, info: () => {} };

describe('errors on the wire of CloudBolt', () => {
  test('docs/errors.md says of this dialect what the code does', () => {
    const text = readFileSync(join(root(), 'docs', 'errors.md'), 'utf8');
    const expected = (table: Readonly<Record<string, number>>) =>
      Object.entries(table).map(([word, status]) => `${word}: ${status}`);
    assert.deepEqual(rows(text, 'CloudBolt v2: by kind'), expected(BY_KIND));
    assert.deepEqual(rows(text, 'CloudBolt v2: by reason'), expected(BY_REASON));
  });

  test('status, error and detail are always there, and the status is that of the answer', () => {
    for (const error of [
      badRequest('x'),
      new DomainError('conflict', 'x', 'busy'),
      new TypeError('inside'),
    ]) {
      const { status, body } = renderError(error, silent);
      assert.deepEqual(Object.keys(body), ['status_code', 'error', 'detail']);
      assert.equal(body.status_code, status);
    }
  });

  test('what is not found says so in the words that clients look for', () => {
    const { status, body } = renderError(notFound('Group', '7'), silent);
    assert.deepEqual([status, body.error], [404, 'Not found.']);
    assert.match(body.detail, /not found/i);
  });

  test('a refusal for want of credentials challenges for both ways to give them', () => {
    const { headers } = renderError(new DomainError('unauthenticated', 'x', 'who?'), silent);
    assert.equal(headers['www-authenticate'], 'Bearer realm="api", Basic realm="api"');
  });

  test('a mistake of ours is a 500 that tells nothing and is logged', () => {
    const logged: unknown[] = [];
    const log = { ...silent, error: (entry: unknown) => logged.push(entry) };
    const { status, body } = renderError(new TypeError('secret detail'), log);
    assert.deepEqual([status, body.detail], [500, 'An unexpected error occurred.']);
    assert.ok(!JSON.stringify(body).includes('secret detail'));
    assert.equal(logged.length, 1);
  });
});

/** `word: status` of every row in the table under a heading. */
function rows(text: string, heading: string): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading));
  assert.ok(section, `docs/errors.md has no section "${heading}"`);
  return [...section.matchAll(/^\| `([\w-]+)` \|(?:[^|]*\|)? (\d{3}) \|$/gm)].map(
    ([, word, status]) => `${word}: ${status}`,
  );
}

/** The repository, from the built test or its source. */
function root(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package-lock.json'))) folder = dirname(folder);
  return folder;
}
