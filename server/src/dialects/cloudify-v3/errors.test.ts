import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DomainError, notFound } from '../../errors.js';
import { BY_KIND, BY_REASON, badParameters, renderError } from './errors.js';

const silent = { error: () => {}, info: () => {} };

describe('errors on the wire', () => {
  test('docs/errors.md says of this dialect what the code does', () => {
    const text = readFileSync(join(root(), 'docs', 'errors.md'), 'utf8');
    const expected = (table: Readonly<Record<string, { status: number; code: string }>>) =>
      Object.entries(table).map(([word, { status, code }]) => `${word}: ${status} ${code}`);
    assert.deepEqual(rows(text, 'Cloudify v3: by kind'), expected(BY_KIND));
    assert.deepEqual(rows(text, 'Cloudify v3: by reason'), expected(BY_REASON));
  });

  test('a reason with a code of its own outweighs the kind', () => {
    const error = new DomainError('conflict', 'execution-already-running', 'busy');
    assert.deepEqual(renderError(error, silent), {
      status: 400,
      headers: {},
      body: { message: 'busy', error_code: 'existing_running_execution_error', server_traceback: null },
    });
  });

  test('what was not found is named in the reference server’s words', () => {
    const { status, body } = renderError(notFound('Node instance', 'vm_1'), silent);
    assert.equal(status, 404);
    assert.equal(body.message, 'Requested `NodeInstance` with ID `vm_1` was not found');
  });

  test('a refused login begins as clients expect it to', () => {
    const { status, body } = renderError(new DomainError('unauthenticated', 'x', 'wrong'), silent);
    assert.deepEqual(
      [status, body.message, body.error_code],
      [401, 'User unauthorized: wrong', 'unauthorized_error'],
    );
  });

  test('a mistake of ours is a 500 that tells nothing and is logged', () => {
    const logged: unknown[] = [];
    const { status, body } = renderError(new TypeError('secret detail'), {
      ...silent,
      error: (entry: unknown) => logged.push(entry),
    });
    assert.deepEqual([status, body.error_code], [500, 'internal_server_error']);
    assert.ok(!body.message.includes('secret detail'));
    assert.equal(logged.length, 1);
  });

  test('errors of the HTTP layer keep their status', () => {
    const tooLarge = Object.assign(new Error('too large'), { statusCode: 413 });
    assert.equal(renderError(tooLarge, silent).status, 413);
    assert.equal(renderError(badParameters('x'), silent).body.error_code, 'bad_parameters_error');
  });
});

/** `word: status code` of every row in the table under a heading. */
function rows(text: string, heading: string): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading));
  assert.ok(section, `docs/errors.md has no section "${heading}"`);
  return [...section.matchAll(/^\| `([\w-]+)` \|(?:[^|]*\|)? (\d{3}) \| `(\w+)` \|$/gm)].map(
    ([, word, status, code]) => `${word}: ${status} ${code}`,
  );
}

/** The repository, from the built test or its source. */
function root(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package-lock.json'))) folder = dirname(folder);
  return folder;
}
