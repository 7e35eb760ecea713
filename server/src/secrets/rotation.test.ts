import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import { masterKeysOf, rotateMasterKey } from './rotation.js';
import { Secrets } from './secrets.js';
import { Vault } from './vault.js';

const { pool } = await testDatabase();
const house = await people(pool);
const ann = await house.member('ann', { red: 'user' });
const bob = await house.member('bob', { blue: 'user' });

const [first, second, third, fourth] = Array.from({ length: 4 }, () => randomBytes(32)) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];
const valueFor = async (secrets: Secrets, caller = ann, key = 'key-1') =>
  (await secrets.get(caller, key)).value?.plain;

test('everything moves under the new key while a process that knows both reads and writes', async () => {
  const before = new Secrets({ pool, vault: new Vault(first) });
  await before.requireMasterKey();
  for (let n = 0; n < 700; n++)
    await before.create(n % 2 === 0 ? ann : bob, { key: `key-${n}`, value: `value ${n}` });

  const both = new Vault(second, { former: [first] });
  const meanwhile = new Secrets({ pool, vault: both });
  assert.equal(await meanwhile.requireMasterKey(), 'former');
  // Until the rotation begins, values go where processes that know the old key alone can read them.
  await meanwhile.create(ann, { key: 'early', value: 'before the rotation' });
  assert.equal(await valueFor(before, ann, 'early'), 'before the rotation');

  const batches: number[] = [];
  let written = 0;
  const moved = await rotateMasterKey(pool, both, (rows) => batches.push(rows));
  await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      await meanwhile.create(ann, { key: `later-${n}`, value: 'after' });
      written += 1;
    }),
  );
  assert.equal(moved, 701);
  assert.ok(batches.length > 1 && batches.every((rows) => rows <= 500), `in batches: ${batches.join(', ')}`);
  const { pinned, rows } = await masterKeysOf(pool);
  assert.deepEqual([pinned, [...rows]], [both.fingerprint, [[both.fingerprint, 701 + written]]]);

  const afterwards = new Secrets({ pool, vault: new Vault(second) });
  assert.equal(await afterwards.requireMasterKey(), 'current');
  assert.equal(await valueFor(afterwards, ann, 'key-0'), 'value 0');
  assert.equal(await valueFor(afterwards, bob, 'key-699'), 'value 699');
  await assert.rejects(valueFor(before, ann, 'key-0'), { reason: 'master-key-unknown' });
  await assert.rejects(before.requireMasterKey(), /another master key/);
  const { rows: audit } = await pool.query(
    "select action, thing_id as id from audit where thing = 'master-key'",
  );
  assert.deepEqual(audit, [{ action: 'rotate', id: both.fingerprint }]);
  assert.equal(await rotateMasterKey(pool, both), 0, 'a second run finds nothing to do');
});

test('a rotation that breaks off leaves every value readable, and the next run does what is left', async () => {
  const vault = new Vault(third, { former: [second] });
  const broken = rotateMasterKey(pool, vault, () => {
    throw new Error('killed');
  });
  await assert.rejects(broken, /killed/);
  const { rows } = await masterKeysOf(pool);
  assert.equal(rows.size, 2, 'some are moved, some are not');
  const secrets = new Secrets({ pool, vault });
  for (const key of ['key-0', 'key-2', 'key-698', 'early', 'later-19'])
    assert.ok(await valueFor(secrets, ann, key));
  await secrets.create(ann, { key: 'between', value: 'x' });
  const left = [...rows].find(([under]) => under !== vault.fingerprint)![1];
  assert.equal(await rotateMasterKey(pool, vault), left);
  assert.equal((await masterKeysOf(pool)).rows.size, 1);
});

test('a key that is looked for when it is met needs no restart', async () => {
  const found: Buffer[] = [];
  const running = new Secrets({ pool, vault: new Vault(third, { look: () => found }) });
  await rotateMasterKey(pool, new Vault(fourth, { former: [third] }));
  await assert.rejects(valueFor(running, ann, 'key-0'), {
    kind: 'unavailable',
    reason: 'master-key-unknown',
  });
  found.push(fourth);
  assert.equal(await valueFor(running, ann, 'key-0'), 'value 0');
  await running.create(ann, { key: 'written-by-it', value: 'x' });
  assert.equal((await masterKeysOf(pool)).rows.size, 1);
});

test('two rotations at once move everything once, and one without the old key says so and moves nothing', async () => {
  const fifth = randomBytes(32);
  const before = await masterKeysOf(pool);
  await assert.rejects(rotateMasterKey(pool, new Vault(randomBytes(32))), { reason: 'master-key-unknown' });
  const { rows } = await masterKeysOf(pool);
  assert.deepEqual(await masterKeysOf(pool), before);
  const all = [...rows.values()].reduce((sum, count) => sum + count, 0);
  assert.equal(rows.size, 1);
  const vault = () => new Vault(fifth, { former: [fourth] });
  const moved = await Promise.all([rotateMasterKey(pool, vault()), rotateMasterKey(pool, vault())]);
  assert.equal((await masterKeysOf(pool)).rows.get(vault().fingerprint), all);
  assert.equal(moved[0]! + moved[1]!, all);
  assert.equal(await valueFor(new Secrets({ pool, vault: vault() }), ann, 'key-0'), 'value 0');
});
