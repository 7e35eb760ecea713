import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DomainError } from '../../errors.js';
import { BY_KIND, BY_REASON, renderError, type WireError } from './errors.js';

const silent = { error: () => {}, info: () => {} };

test('docs/errors.md says of this dialect what the code does', () => {
  const text = readFileSync(new URL('../../../../../docs/errors.md', import.meta.url), 'utf8');
  const rows = (heading: string) => {
    const section = text.split(/^## /m).find((part) => part.startsWith(heading));
    assert.ok(section, heading);
    return [...section.matchAll(/^\| `([\w-]+)` \|(?:[^|]*\|)? (\d{3}) \| `(\w+)` \|$/gm)].map(
      ([, word, status, type]) => `${word}: ${status} ${type}`,
    );
  };
  const expected = (table: Readonly<Record<string, WireError>>) =>
    Object.entries(table).map(([word, { status, type }]) => `${word}: ${status} ${type}`);
  assert.deepEqual(rows('InsightCloudSec: by kind'), expected(BY_KIND));
  assert.deepEqual(rows('InsightCloudSec: by reason'), expected(BY_REASON));
});

test('a mistake of ours is a 500 that tells nothing and is logged', () => {
  const logged: unknown[] = [];
  const log = { ...silent, error: (entry: unknown) => logged.push(entry) };
  const { status, body } = renderError(new TypeError('secret detail'), log);
  assert.deepEqual([status, body.error_type, logged.length], [500, 'internal_error', 1]);
  assert.ok(!JSON.stringify(body).includes('secret detail'));
});

test('a refusal says when to come again, and what else may be asked', () => {
  const throttled = new DomainError('limit', 'sign-in-throttled', 'slowly', {
    details: { retryAfterSeconds: 2.5 },
  });
  assert.deepEqual(renderError(throttled, silent), {
    status: 429,
    body: { error_message: 'slowly', error_type: 'too_many_requests' },
    headers: { 'retry-after': '3' },
  });
});
