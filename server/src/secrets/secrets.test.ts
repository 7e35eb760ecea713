import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import { type Caller, scopeFor } from '../caller.js';
import { type SecretField, Secrets } from './secrets.js';
import { Vault } from './vault.js';

const { pool } = await testDatabase();
const house = await people(pool);
const secrets = new Secrets({ pool, vault: new Vault(randomBytes(32)) });
const ann = await house.member('ann', { red: 'user' });
const ben = await house.member('ben', { red: 'user' });
const meg = await house.member('meg', { red: 'manager' });
const vic = await house.member('vic', { red: 'viewer' });
const bob = await house.member('bob', { blue: 'user' });
const mia = await house.member('mia', { blue: 'manager' });
const adminInRed = await house.as('admin', 'red');

const shape: Record<string, SecretField> = {
  key: 'key',
  seen: 'visibility',
  hidden: 'hidden',
  by: 'createdBy',
};
async function listed(caller: Caller): Promise<string[]> {
  const page = await secrets.list(caller, { shape, filters: [], sort: [], offset: 0, size: null });
  return (JSON.parse(page.items) as { key: string }[]).map(({ key }) => key);
}
const scope = (caller: Caller) => scopeFor(caller, 'secrets.read');
const valueFor = async (caller: Caller, key: string) => (await secrets.get(caller, key)).value?.plain ?? null;
const absent = { kind: 'not-found', reason: 'secret-not-found' };

test('a value comes back to who may read, and to operations', async () => {
  const value = 'pässword "with" \\ everything\n\u0000 in it';
  const { createdAt, updatedAt, ...rest } = await secrets.create(ann, { key: 'first', value });
  assert.deepEqual(rest, {
    key: 'first',
    visibility: 'tenant',
    tenantName: 'red',
    createdBy: 'ann',
    hidden: false,
    schema: null,
  });
  assert.ok(createdAt instanceof Date && updatedAt instanceof Date);
  assert.equal(await valueFor(vic, 'first'), value);
  assert.equal(await secrets.reveal(scope(vic), 'first'), value);
});

test('nothing outside the vault ever holds a value', async () => {
  const canary = 'canary-7f3a91c2e5';
  await secrets.create(ann, { key: 'caged', value: canary });
  await secrets.update(ann, 'caged', { value: `${canary}-2`, hidden: true });
  const schema = { const: 'something else' };
  const messages: string[] = [];
  for (const attempt of [
    () => secrets.create(ann, { key: 'caged', value: canary }),
    () => secrets.create(ann, { key: 'other', value: canary, schema }),
    () => secrets.create(ann, { key: 'other', value: { canary } }),
    () => secrets.update(ann, 'caged', { value: canary, schema }),
    () => secrets.create(ann, { key: 'other', value: canary.repeat(100_000) }),
  ]) {
    await assert.rejects(attempt(), (error: Error) => {
      messages.push(`${error.stack} ${JSON.stringify(error)}`);
      return true;
    });
  }
  assert.ok(messages.every((message) => !message.includes(canary)));
  const { rows: tables } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  let seen = 0;
  for (const { name } of tables) {
    const { rows } = await pool.query<{ all: string | null }>(
      `select json_agg(x)::text as all from "${name}" x`,
    );
    const all = rows[0]!.all ?? '';
    seen += all.length;
    const spellings = [
      canary,
      Buffer.from(canary).toString('hex'),
      Buffer.from(canary).toString('base64').slice(0, -4),
    ];
    for (const spelling of spellings) assert.ok(!all.includes(spelling), `${name} holds the value`);
  }
  assert.ok(seen > 1000, 'the tables were really read');
  const page = await secrets.list(ann, { shape, filters: [], sort: [], offset: 0, size: null });
  assert.ok(page.items.includes('caged') && !page.items.includes(canary));
});

test('tenants do not see each other, whatever the verb', async () => {
  await secrets.create(ann, { key: 'inner', value: 'red value' });
  await assert.rejects(secrets.get(bob, 'inner'), absent);
  await assert.rejects(secrets.update(bob, 'inner', { value: 'x' }), absent);
  await assert.rejects(secrets.remove(bob, 'inner'), absent);
  await assert.rejects(secrets.reveal(scope(bob), 'inner'), absent);
  assert.deepEqual(await secrets.missing(scope(bob), ['inner']), ['inner']);
  assert.ok(!(await listed(bob)).includes('inner'));
  await secrets.create(bob, { key: 'inner', value: 'blue value' });
  assert.equal(await valueFor(ann, 'inner'), 'red value');
  assert.equal(await valueFor(bob, 'inner'), 'blue value');
});

test('a private secret is there for its creator, managers of the tenant and administrators alone', async () => {
  await secrets.create(ann, { key: 'diary', value: 'dear', visibility: 'private' });
  for (const caller of [ann, meg, adminInRed]) {
    assert.equal(await valueFor(caller, 'diary'), 'dear');
    assert.ok((await listed(caller)).includes('diary'));
  }
  for (const caller of [ben, vic, bob, mia]) {
    await assert.rejects(secrets.get(caller, 'diary'), absent);
    assert.ok(!(await listed(caller)).includes('diary'));
  }
  assert.deepEqual(await secrets.missing(scope(ben), ['diary', 'first', 'none']), ['diary', 'none']);
  await assert.rejects(secrets.create(ben, { key: 'diary', value: 'mine' }), { reason: 'secret-exists' });
  await assert.rejects(secrets.create(ben, { key: 'diary', value: 'mine', updateIfExists: true }), absent);
  assert.equal(await valueFor(ann, 'diary'), 'dear');
});

test('a hidden value is told to its creator, managers and administrators, and changed by them alone', async () => {
  await secrets.create(ann, { key: 'veiled', value: 'behind', hidden: true });
  for (const caller of [ann, meg, adminInRed]) assert.equal(await valueFor(caller, 'veiled'), 'behind');
  for (const caller of [ben, vic]) {
    assert.equal((await secrets.get(caller, 'veiled')).value, null);
  }
  const forbidden = { kind: 'forbidden', reason: 'secret-hidden' };
  await assert.rejects(secrets.update(ben, 'veiled', { hidden: false }), forbidden);
  await assert.rejects(secrets.create(ben, { key: 'veiled', value: 'x', updateIfExists: true }), forbidden);
  await assert.rejects(secrets.remove(ben, 'veiled'), forbidden);
  assert.equal(await secrets.reveal(scope(ben), 'veiled'), 'behind');
  await secrets.update(meg, 'veiled', { hidden: false });
  assert.equal(await valueFor(vic, 'veiled'), 'behind');
});

test('viewers read and do not write; who has no role in the tenant does neither', async () => {
  const denied = { kind: 'forbidden' };
  await assert.rejects(secrets.create(vic, { key: 'k', value: 'v' }), denied);
  await assert.rejects(secrets.update(vic, 'first', { value: 'v' }), denied);
  await assert.rejects(secrets.remove(vic, 'first'), denied);
  const nobody = await house.member('nobody');
  await assert.rejects(secrets.get(nobody, 'first'), denied);
  await assert.rejects(secrets.list(nobody, { shape, filters: [], sort: [], offset: 0, size: null }), {
    kind: 'forbidden',
    reason: 'tenant-missing',
  });
});

test('a global secret is made by administrators, read everywhere, changed at home, and its key is taken everywhere', async () => {
  await assert.rejects(secrets.create(meg, { key: 'shared', value: 'x', visibility: 'global' }), {
    kind: 'forbidden',
  });
  await secrets.create(meg, { key: 'shared', value: 'for all' });
  await assert.rejects(secrets.update(meg, 'shared', { visibility: 'global' }), { kind: 'forbidden' });
  await secrets.update(adminInRed, 'shared', { visibility: 'global' });
  assert.equal(await valueFor(bob, 'shared'), 'for all');
  assert.equal(await secrets.reveal(scope(bob), 'shared'), 'for all');
  assert.ok((await listed(bob)).includes('shared'));
  for (const caller of [bob, mia]) {
    await assert.rejects(secrets.update(caller, 'shared', { value: 'x' }), {
      reason: 'global-of-another-tenant',
    });
    await assert.rejects(secrets.remove(caller, 'shared'), { reason: 'global-of-another-tenant' });
    await assert.rejects(secrets.create(caller, { key: 'shared', value: 'x', updateIfExists: true }), {
      reason: 'secret-exists',
    });
  }
  await assert.rejects(secrets.update(adminInRed, 'shared', { visibility: 'tenant' }), {
    kind: 'invalid',
    reason: 'visibility-not-wider',
  });
});

test('the hidden value of a global secret is not told to managers of other tenants', async () => {
  await secrets.create(adminInRed, { key: 'crown', value: 'jewels', visibility: 'global', hidden: true });
  assert.equal((await secrets.get(mia, 'crown')).value, null);
  assert.equal(await valueFor(meg, 'crown'), 'jewels');
  assert.equal(await valueFor(await house.as('admin', 'blue'), 'crown'), 'jewels');
});

test('a key that another tenant has cannot become global', async () => {
  const taken = { kind: 'conflict', reason: 'secret-exists' };
  await secrets.create(bob, { key: 'contested', value: 'blue' });
  await assert.rejects(
    secrets.create(adminInRed, { key: 'contested', value: 'x', visibility: 'global' }),
    taken,
  );
  await secrets.create(ann, { key: 'contested', value: 'red' });
  await assert.rejects(secrets.update(adminInRed, 'contested', { visibility: 'global' }), taken);
});

test('one key is taken once, also by requests at the same time, global or not', async () => {
  const adminInBlue = await house.as('admin', 'blue');
  for (let round = 0; round < 5; round++) {
    const key = `race-${round}`;
    const outcomes = await Promise.allSettled([
      secrets.create(adminInRed, { key, value: 'x', visibility: 'global' }),
      secrets.create(adminInBlue, { key, value: 'x', visibility: 'global' }),
      secrets.create(bob, { key, value: 'x' }),
      secrets.create(ann, { key, value: 'x' }),
    ]);
    const { rows } = await pool.query('select visibility from secrets where key = $1', [key]);
    const kept = outcomes.filter(({ status }) => status === 'fulfilled').length;
    assert.equal(rows.length, kept);
    assert.ok(
      kept === 1 || rows.every((row) => row.visibility === 'tenant'),
      'global and not at the same time',
    );
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.equal(outcome.reason.reason, 'secret-exists');
    }
  }
});

test('an update changes what is given and nothing else, and leaves its row in the audit trail', async () => {
  await secrets.create(ann, { key: 'steps', value: 'one' });
  await assert.rejects(secrets.create(ann, { key: 'steps', value: 'two' }), { reason: 'secret-exists' });
  await secrets.create(ben, { key: 'steps', value: 'two', updateIfExists: true });
  assert.equal(await valueFor(ann, 'steps'), 'two');
  assert.equal((await secrets.update(ann, 'steps', { hidden: true })).createdBy, 'ann');
  assert.equal(await valueFor(ann, 'steps'), 'two');
  await assert.rejects(secrets.update(ann, 'steps', {}), { kind: 'invalid', reason: 'nothing-to-change' });
  assert.equal((await secrets.remove(ann, 'steps')).key, 'steps');
  await assert.rejects(secrets.get(ann, 'steps'), absent);
  const { rows } = await pool.query(
    `select username, action, tenant_name, details from audit where thing = 'secret' and thing_id = 'steps' order by id`,
  );
  assert.deepEqual(
    rows.map((row) => [row.username, row.action, row.tenant_name, row.details.changed ?? null]),
    [
      ['ann', 'create', 'red', null],
      ['ben', 'update', 'red', ['value']],
      ['ann', 'update', 'red', ['hidden']],
      ['ann', 'delete', 'red', null],
    ],
  );
});

test('with a schema the value may be any JSON that obeys it; without one it is a text', async () => {
  const schema = { type: 'object', properties: { port: { type: 'integer' } }, required: ['port'] };
  await secrets.create(ann, { key: 'shaped', value: { port: 22 }, schema });
  assert.deepEqual(await valueFor(ann, 'shaped'), { port: 22 });
  const mismatch = { kind: 'conflict', reason: 'secret-value-mismatch' };
  await assert.rejects(secrets.update(ann, 'shaped', { value: { port: 'x' } }), mismatch);
  await assert.rejects(secrets.update(ann, 'shaped', { schema: { type: 'string' } }), mismatch);
  await assert.rejects(secrets.update(ann, 'shaped', { schema: null }), { reason: 'secret-value-not-text' });
  assert.equal((await secrets.update(ann, 'shaped', { schema: null, value: 'plain' })).schema, null);
});

for (const [what, secret, kind, reason] of [
  ['an empty value', { key: 'bad', value: '' }, 'invalid', 'secret-value-empty'],
  ['a null value', { key: 'bad', value: null }, 'invalid', 'secret-value-empty'],
  ['a number without schema', { key: 'bad', value: 5 }, 'invalid', 'secret-value-not-text'],
  ['a value too long', { key: 'bad', value: 'x'.repeat(1_048_576) }, 'limit', 'secret-too-long'],
  ['a bad key', { key: 'a/b', value: 'x' }, 'invalid', 'name-invalid'],
  ['a bad schema', { key: 'bad', value: 'x', schema: { pattern: 'x' } }, 'invalid', 'secret-schema-invalid'],
] as const) {
  test(`create refuses ${what}`, async () => {
    await assert.rejects(secrets.create(ann, secret), { kind, reason });
    await assert.rejects(secrets.get(ann, 'bad'), absent);
  });
}

test('a value moved to another key or another tenant in the database does not open', async () => {
  await secrets.create(ann, { key: 'source', value: 'precious' });
  await secrets.create(ann, { key: 'target', value: 'cheap' });
  await secrets.create(bob, { key: 'source', value: 'cheap' });
  await pool.query(`update secrets t set sealed = s.sealed, sealed_key = s.sealed_key from secrets s
    where s.key = 'source' and s.created_by = ${ann.userId} and (t.key = 'target' or t.created_by = ${bob.userId})`);
  const unreadable = { kind: 'unavailable', reason: 'secret-unreadable' };
  await assert.rejects(secrets.get(ann, 'target'), unreadable);
  await assert.rejects(secrets.get(bob, 'source'), unreadable);
  assert.equal(await valueFor(ann, 'source'), 'precious');
});

test('a process with another master key than the store was first used with does not start', async (t) => {
  const { pool } = await testDatabase(t);
  const key = randomBytes(32);
  const first = () => new Secrets({ pool, vault: new Vault(key) });
  await Promise.all([first().requireMasterKey(), first().requireMasterKey()]);
  await first().requireMasterKey();
  await assert.rejects(
    new Secrets({ pool, vault: new Vault(randomBytes(32)) }).requireMasterKey(),
    /another master key/,
  );
});
