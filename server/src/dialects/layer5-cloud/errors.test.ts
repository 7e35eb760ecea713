import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DomainError } from '../../errors.js';
import { BY_KIND, BY_REASON, badRequest, renderError } from './errors.js';

const silent = { error: () => {}, info: () => {} };

test('docs/errors.md says of this dialect what the code does', () => {
  const text = readFileSync(join(root(), 'docs', 'errors.md'), 'utf8');
  assert.deepEqual(rows(text, 'Layer5 Cloud: by kind'), Object.entries(BY_KIND));
  assert.deepEqual(rows(text, 'Layer5 Cloud: by reason'), Object.entries(BY_REASON));
});

test('an organization that is not there and one that is not the caller’s are told in the same words', () => {
  const [one, other] = ['a', 'b'].map((name) =>
    renderError(new DomainError('forbidden', 'tenant-forbidden', `no ${name}`), silent),
  );
  assert.deepEqual(one, other);
  assert.equal(one?.status, 403);
});

test('a refusal without credentials says which scheme is wanted', () => {
  const { status, headers } = renderError(new DomainError('unauthenticated', 'x', 'who are you'), silent);
  assert.deepEqual([status, headers['www-authenticate']], [401, 'Bearer']);
});

test('a mistake of ours is a 500 that tells nothing and is logged', () => {
  const logged: unknown[] = [];
  const { status, body } = renderError(new TypeError('secret detail'), {
    ...silent,
    error: (entry: unknown) => logged.push(entry),
  });
  assert.equal(status, 500);
  assert.ok(!JSON.stringify(body).includes('secret detail'));
  assert.equal(logged.length, 1);
});

test('every refusal holds the keys that the published client reads', () => {
  assert.deepEqual(Object.keys(renderError(badRequest('no', 'do so'), silent).body), [
    'error',
    'code',
    'severity',
    'probableCause',
    'suggestedRemediation',
    'longDescription',
  ]);
});

function rows(text: string, heading: string): [string, number][] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading));
  assert.ok(section, `docs/errors.md has no section "${heading}"`);
  return [...section.matchAll(/^\| `([\w-]+)` \|(?:[^|]*\|)? (\d{3}) \|$/gm)].map(([, word, status]) => [
    word!,
    Number(status),
  ]);
}

/** The repository, from the built test or its source. */
function root(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package-lock.json'))) folder = dirname(folder);
  return folder;
}
