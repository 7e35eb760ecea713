/** Every example of `docs/blueprint-language.md` compiles, and can be prepared. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PREPARE_CONTEXT, planOf } from '../testdata/archive.js';
import { prepare } from './prepare.js';

const PAGE = readFileSync(new URL('../../../../../docs/blueprint-language.md', import.meta.url), 'utf8');
const examples = [...PAGE.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text!);
const parts = examples.find((text) => text.startsWith('# parts.yaml'))!;

test('the page has examples', () => {
  assert.ok(examples.length >= 8 && parts !== undefined);
});

for (const example of examples.filter((text) => text !== parts)) {
  test(`the example "${example.split('\n').slice(1, 4).join(' ').slice(0, 70)}" compiles`, () => {
    const plan = planOf({ 'blueprint.yaml': example, 'parts.yaml': parts });
    assert.equal(prepare(plan, {}, PREPARE_CONTEXT).kind, 'prepared');
  });
}
