import assert from 'node:assert/strict';
import { test } from 'node:test';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import type { Caller } from '../caller.js';
import { newExecutionId } from '../ids.js';
import { inTransaction } from '../store/transaction.js';
import {
  issueExecutionToken,
  revokeExecutionTokens,
  type TokenField,
  type TokenSettings,
  Tokens,
} from './tokens.js';

const { pool } = await testDatabase();
const house = await people(pool);
const ada = await house.member('ada', { default_tenant: 'user' });
const bob = await house.member('bob', { default_tenant: 'operations', other: 'viewer' });

let now = Date.now();
const service = (settings: Partial<TokenSettings> = {}) => new Tokens({ pool, settings, now: () => now });
const tokens = service();
const refusal = { kind: 'unauthenticated', reason: 'bad-credentials' };

const shape: Record<string, TokenField> = {
  id: 'id',
  value: 'maskedValue',
  owner: 'username',
  used: 'lastUsedAt',
};
async function listed(
  caller: Caller,
): Promise<{ id: string; value: string; owner: string; used: string | null }[]> {
  const page = await tokens.list(caller, { shape, filters: [], sort: [], offset: 0, size: null });
  return JSON.parse(page.items);
}

test('an issued token signs its owner in, with their standing in the tenant named', async () => {
  const { token, value } = await tokens.issue(ada, { description: 'for the pipeline' });
  assert.match(value, /^ctok-[a-z0-9]{10}-[a-z0-9]{40}$/);
  assert.equal(value.split('-')[1], token.id);
  const who = await tokens.verify(value, 'default_tenant');
  assert.equal(who.username, 'ada');
  assert.deepEqual(who.standing.roles, ['user']);
  const caller = await house.callers.callerFor(who, 'default_tenant', 'r1');
  assert.deepEqual([...caller.permissions].sort(), [...ada.permissions].sort());
  await tokens.close();
});

test('a revoked token stops at once', async () => {
  const { token, value } = await tokens.issue(ada);
  await tokens.verify(value);
  await tokens.revoke(ada, token.id);
  await assert.rejects(tokens.verify(value), refusal);
  await assert.rejects(tokens.get(ada, token.id), { kind: 'not-found' });
});

test('only the digest of the secret is stored, and the value is never told again', async () => {
  const { token, value } = await tokens.issue(ada);
  const secret = value.split('-')[2]!;
  const { rows } = await pool.query(`select (select json_agg(k)::text from tokens k)
    || (select json_agg(a)::text from audit a) as all`);
  assert.ok(!rows[0].all.includes(secret));
  const item = (await listed(ada)).find(({ id }) => id === token.id);
  assert.equal(item?.value, `ctok-${token.id}-********`);
  assert.ok(!JSON.stringify(await tokens.get(ada, token.id)).includes(secret));
});

for (const [what, spoil] of [
  ['another secret', (value: string) => value.slice(0, -1) + (value.endsWith('a') ? 'b' : 'a')],
  ['another id', (value: string) => value.replace(/^ctok-./, value[5] === 'a' ? 'ctok-b' : 'ctok-a')],
  ['no form', () => 'hello'],
  ['a NUL', (value: string) => `${value}\0`],
  ['nothing', () => ''],
  ['the masked value', (value: string) => value.replace(/[^-]*$/, '********')],
] as const) {
  test(`a token with ${what} is refused`, async () => {
    const { value } = await tokens.issue(ada);
    await assert.rejects(tokens.verify(spoil(value)), refusal);
  });
}

test('an expired token is refused, and removed when its owner issues another', async () => {
  const { token, value } = await tokens.issue(ada, { expiresAt: new Date(now + 60_000) });
  await tokens.verify(value);
  now += 60_000;
  await assert.rejects(tokens.verify(value), refusal);
  await tokens.issue(ada);
  await assert.rejects(tokens.get(ada, token.id), { kind: 'not-found' });
  await tokens.close();
});

test('an expiration in the past is refused', async () => {
  await assert.rejects(tokens.issue(ada, { expiresAt: new Date(now) }), {
    kind: 'invalid',
    reason: 'token-expiry-past',
  });
  await assert.rejects(tokens.issue(ada, { expiresAt: new Date(Number.NaN) }), { kind: 'invalid' });
});

test('the token of a deactivated user is refused at once', async () => {
  const eve = await house.member('eve');
  const { value } = await tokens.issue(eve);
  await house.users.deactivate(house.admin, 'eve');
  await assert.rejects(tokens.verify(value), refusal);
  await house.users.activate(house.admin, 'eve');
  assert.equal((await tokens.verify(value)).username, 'eve');
  await tokens.close();
});

test("other people's tokens are not there, except for those who manage tokens", async () => {
  const { token, value } = await tokens.issue(ada);
  await assert.rejects(tokens.get(bob, token.id), { kind: 'not-found' });
  await assert.rejects(tokens.revoke(bob, token.id), { kind: 'not-found' });
  assert.ok((await listed(bob)).every(({ owner }) => owner === 'bob'));
  assert.equal((await tokens.verify(value)).username, 'ada');
  assert.ok((await listed(house.admin)).some(({ id }) => id === token.id));
  await tokens.revoke(house.admin, token.id);
  await assert.rejects(tokens.verify(value), refusal);
  await tokens.close();
});

test('a user may have only so many tokens, also when they ask for many at once', async () => {
  const few = service({ apiTokensPerUser: 3 });
  const greedy = await house.member('greedy');
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => few.issue(greedy)));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') assert.equal(outcome.reason.kind, 'limit');
  }
});

test('session tokens are new each time, end by themselves, and the oldest make room', async () => {
  const short = service({ sessionHours: 1, sessionsPerUser: 2 });
  const guest = await house.member('guest');
  const values: string[] = [];
  for (let time = 0; time < 3; time++) values.push((await short.sessionToken(guest)).value);
  await assert.rejects(short.verify(values[0]!), refusal);
  assert.equal((await short.verify(values[1]!)).username, 'guest');
  assert.equal((await short.verify(values[2]!)).username, 'guest');
  now += 3_600_000;
  await assert.rejects(short.verify(values[2]!), refusal);
  await short.close();
});

test('a changed password ends every token of the user, and none of others', async () => {
  const mia = await house.member('mia');
  const session = await tokens.sessionToken(mia);
  const api = await tokens.issue(mia);
  const others = await tokens.issue(ada);
  await house.users.setPassword(mia, 'mia', 'a new password');
  await assert.rejects(tokens.verify(session.value), refusal);
  await assert.rejects(tokens.verify(api.value), refusal);
  assert.equal((await tokens.verify(others.value)).username, 'ada');
  await tokens.close();
});

test('the time of last use is written a moment later and at most once a minute', async () => {
  const { token, value } = await tokens.issue(ada);
  const first = now;
  for (const step of [0, 30_000, 40_000]) {
    now += step;
    await tokens.verify(value);
    await tokens.close();
    const used = (await tokens.get(ada, token.id)).lastUsedAt?.getTime();
    assert.equal(used, step === 40_000 ? first + 70_000 : first);
  }
});

test("an execution's token acts in its tenant alone, manages nothing, and ends with the execution", async () => {
  const execution = newExecutionId();
  const tenant = bob.tenant!;
  const value = await inTransaction(pool, (client) =>
    issueExecutionToken(client, bob.userId, tenant.id, execution),
  );
  const who = await tokens.verify(value, 'default_tenant');
  const caller = await house.callers.callerFor(who, 'default_tenant', 'r1');
  assert.equal(caller.executionId, execution);
  assert.equal(caller.username, 'bob');
  await assert.rejects(house.callers.callerFor(await tokens.verify(value, 'other'), 'other', 'r1'), {
    reason: 'tenant-forbidden',
  });
  await assert.rejects(house.callers.callerFor(who, 'other', 'r1'), { reason: 'tenant-forbidden' });
  await assert.rejects(tokens.issue(caller), { kind: 'forbidden' });
  await assert.rejects(tokens.sessionToken(caller), { kind: 'forbidden' });
  await assert.rejects(house.users.setPassword(caller, 'bob', 'taken over'), { kind: 'forbidden' });
  assert.ok((await listed(house.admin)).every(({ id }) => !value.includes(id)));
  const byAdmin = newExecutionId();
  const strong = await issueExecutionToken(pool, house.admin.userId, tenant.id, byAdmin);
  for (const named of ['default_tenant', null]) {
    const admin = await house.callers.callerFor(await tokens.verify(strong, named), named, 'r1');
    await assert.rejects(house.users.create(admin, { username: 'x', password: 'xxxxx', role: 'admin' }), {
      kind: 'forbidden',
    });
    assert.ok(!admin.permissions.has('all-tenants.read') && !admin.permissions.has('audit.read'));
  }
  await assert.rejects(house.callers.callerFor(await tokens.verify(strong, 'other'), 'other', 'r1'), {
    reason: 'tenant-forbidden',
  });
  await inTransaction(pool, (client) => revokeExecutionTokens(client, execution));
  await assert.rejects(tokens.verify(value), refusal);
  await tokens.close();
});
