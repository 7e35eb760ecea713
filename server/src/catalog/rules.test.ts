import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Plan } from '../dsl/plan.js';
import type { BlueprintUid } from '../ids.js';
import { blueprintFolder } from './archive/layout.js';
import { failureIn, isFailed, isUnderWay } from './blueprint-state.js';
import { Gate } from './gate.js';
import { normalLabels } from './labels.js';
import { PlanCache } from './plan-cache.js';

describe('where the blueprint is in an archive', () => {
  for (const [what, paths, mainFile, folder] of [
    ['one top folder', ['app/blueprint.yaml', 'app/x/y.sh'], 'blueprint.yaml', 'app/'],
    ['no top folder', ['blueprint.yaml', 'x/y.sh'], 'blueprint.yaml', ''],
    ['a main file below the top folder', ['app/a/main.yaml'], 'a/main.yaml', 'app/'],
    ['the root wins over a folder', ['blueprint.yaml', 'app/blueprint.yaml'], 'blueprint.yaml', ''],
  ] as const) {
    test(what, () => assert.equal(blueprintFolder(paths, mainFile), folder));
  }
  for (const [what, paths, message] of [
    ['nothing', [], /no files/],
    [
      'a file beside the folder',
      ['app/blueprint.yaml', 'readme.md'],
      /"app\/", "readme.md".*Right is one top folder/,
    ],
    ['two folders', ['a/blueprint.yaml', 'b/blueprint.yaml'], /Right is one top folder/],
    ['another main file', ['app/main.yaml', 'app/x.sh'], /"main.yaml": name the main file/],
    ['a single file', ['main.yaml'], /"main.yaml": name the main file/],
  ] as const) {
    test(`${what} is refused, saying what is right`, () => {
      assert.throws(
        () => blueprintFolder(paths, 'blueprint.yaml'),
        (error: Error & { reason?: string }) => {
          assert.equal(error.reason, 'archive-layout');
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});

describe('labels', () => {
  test('keys are lower case, both sides are trimmed, one key may have several values', () => {
    assert.deepEqual(
      normalLabels([
        { key: ' Env ', value: ' Test ' },
        { key: 'env', value: 'dev' },
      ]),
      [
        { key: 'env', value: 'Test' },
        { key: 'env', value: 'dev' },
      ],
    );
    assert.equal(normalLabels([{ key: 'csys-obj-type', value: 'x' }]).length, 1);
  });
  for (const [what, labels] of [
    ['an empty key', [{ key: ' ', value: 'x' }]],
    ['a key with a space', [{ key: 'a b', value: 'x' }]],
    ['a key that is too long', [{ key: 'a'.repeat(257), value: 'x' }]],
    ['an empty value', [{ key: 'a', value: '' }]],
    ['a value with a line break', [{ key: 'a', value: 'x\ny' }]],
    ['a reserved key', [{ key: 'CSYS-thing', value: 'x' }]],
    [
      'the same twice',
      [
        { key: 'a', value: 'x' },
        { key: 'A', value: 'x' },
      ],
    ],
    ['too many', Array.from({ length: 1001 }, (_, i) => ({ key: 'a', value: String(i) }))],
  ] as const) {
    test(`${what} is refused`, () => assert.throws(() => normalLabels(labels), { reason: 'label-invalid' }));
  }
});

test('a failure is told by the phase it happened in', () => {
  assert.equal(failureIn('pending', false), 'failed-uploading');
  assert.equal(failureIn('uploading', false), 'failed-uploading');
  assert.equal(failureIn('extracting', false), 'failed-extracting');
  assert.equal(failureIn('parsing', false), 'failed-parsing');
  assert.equal(failureIn('parsing', true), 'invalid');
  assert.equal(
    isFailed('invalid') && isFailed('failed-parsing') && !isFailed('uploaded') && !isFailed('pending'),
    true,
  );
  assert.equal(isUnderWay('parsing') && !isUnderWay('uploaded') && !isUnderWay('invalid'), true);
});

describe('the cache of plans', () => {
  const uid = (n: number) => n as BlueprintUid;
  function cache(most: number) {
    const loads: number[] = [];
    const plans = new PlanCache(async (key) => {
      loads.push(key);
      if (key === 99) throw new Error('gone');
      return JSON.stringify({ language: `plan ${key}` } satisfies Partial<Plan>);
    }, most);
    return { loads, plans };
  }

  test('reads each plan once, also for those who ask at the same time', async () => {
    const { loads, plans } = cache(1000);
    const [one, same] = await Promise.all([plans.get(uid(1)), plans.get(uid(1))]);
    assert.equal(one, same);
    assert.equal(await plans.get(uid(1)), one);
    assert.deepEqual(loads, [1]);
  });

  test('lets the plan go that was not asked for longest', async () => {
    const { loads, plans } = cache(50);
    for (const n of [1, 2, 1, 3, 1, 2]) await plans.get(uid(n));
    assert.deepEqual(loads, [1, 2, 3, 2]);
  });

  test('does not keep failures', async () => {
    const { loads, plans } = cache(50);
    await assert.rejects(plans.get(uid(99)), /gone/);
    await assert.rejects(plans.get(uid(99)), /gone/);
    assert.deepEqual(loads, [99, 99]);
  });
});

test('a gate lets only so many through at once, in order, and turns away a crowd', async () => {
  const gate = new Gate(2, 1);
  const running: string[] = [];
  const ends: (() => void)[] = [];
  const start = (name: string) =>
    gate.run(
      () =>
        new Promise<void>((resolve) => {
          running.push(name);
          ends.push(resolve);
        }),
    );
  const work = [start('a'), start('b'), start('c')];
  await assert.rejects(start('d'), { kind: 'unavailable', reason: 'uploads-busy' });
  assert.deepEqual(running, ['a', 'b']);
  ends[0]!();
  await work[0];
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(running, ['a', 'b', 'c']);
  ends[1]!();
  ends[2]!();
  await Promise.all(work);
});
