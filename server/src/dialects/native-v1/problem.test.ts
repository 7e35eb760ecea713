import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BY_KIND, BY_REASON } from './problem.js';

test('docs/errors.md says of this dialect what the code does', () => {
  const text = readFileSync(new URL('../../../../../docs/errors.md', import.meta.url), 'utf8');
  const rows = (heading: string) => {
    const section = text.split(`## ${heading}\n`)[1]!.split('\n## ')[0]!;
    return [...section.matchAll(/^\| `([a-z-]+)` \|.* (\d{3}) \|$/gm)].map(
      ([, word, status]) => `${word}: ${status}`,
    );
  };
  const expected = (table: Readonly<Record<string, number>>) =>
    Object.entries(table).map(([word, status]) => `${word}: ${status}`);
  assert.deepEqual(rows('Orrery v1: by kind'), expected(BY_KIND));
  assert.deepEqual(rows('Orrery v1: by reason'), expected(BY_REASON));
});
