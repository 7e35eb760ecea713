/**
 * Every blueprint below `testdata/`: a `valid-…` compiles, any other has exactly the troubles it lists.
 *
 * A broken sample ends in comments `# wrong: LINE:COLUMN [CODE] summary`. A new element adds samples, not code here.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { troublesOf } from '../testdata/archive.js';

const ROOT = new URL('../testdata/', import.meta.url);
const MARK = '# wrong: ';

for (const element of readdirSync(ROOT, { withFileTypes: true })) {
  if (!element.isDirectory()) continue;
  for (const name of readdirSync(new URL(`${element.name}/`, ROOT))) {
    const text = readFileSync(new URL(`${element.name}/${name}`, ROOT), 'utf8');
    const expected = text
      .split('\n')
      .flatMap((line) => (line.startsWith(MARK) ? [line.slice(MARK.length)] : []));
    const isValid = name.startsWith('valid-');
    test(`${element.name}/${name} ${isValid ? 'compiles' : `has ${expected.length} troubles, each where it is`}`, () => {
      assert.equal(
        expected.length === 0,
        isValid,
        'a broken sample lists what is wrong with it, a valid one nothing',
      );
      assert.deepEqual(troublesOf(text), expected);
    });
  }
}
