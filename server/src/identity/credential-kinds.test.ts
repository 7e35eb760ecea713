import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ADMIN_PASSWORD, people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import type { Caller } from '../caller.js';
import { ApiKeys } from './api-keys.js';
import type { Authenticated, TokenKind } from './callers.js';
import { Credentials } from './credentials.js';
import { People } from './people.js';
import { Profiles } from './profiles.js';
import { type CredentialField, SecurityTokens } from './security-tokens.js';
import { Sessions } from './sessions.js';
import { SignedTokens } from './signed-tokens.js';
import { Tokens } from './tokens.js';

const { pool } = await testDatabase();
const house = await people(pool);
let now = Date.now();
const clock = () => now;
const tokens = new Tokens({ pool, now: clock });
const keys = new ApiKeys({ pool });
const sessions = new Sessions({
  pool,
  now: clock,
  settings: { idleMinutes: 30, browserHours: 8, perUser: 3 },
});
const security = new SecurityTokens({ pool });
const masterKey = randomBytes(32);
const signed = new SignedTokens({ pool, masterKeys: [masterKey], now: clock });
const profiles = new Profiles({ pool });
const peopleService = new People({ pool, passwordHash: house.passwordHash });
const credentials = new Credentials({
  pool,
  passwordHash: house.passwordHash,
  settings: { throttle: 'off' },
});
const refusal = { kind: 'unauthenticated', reason: 'bad-credentials' };

const signIn = (name: string): Promise<Authenticated> =>
  credentials.verifyPassword(name, name === 'admin' ? ADMIN_PASSWORD : `${name} password`, '127.0.0.1');

const EVERY: readonly TokenKind[] = ['api', 'session', 'key', 'login', 'security', 'browser'];

/** One credential of each kind, and how it is shown. */
async function everyKind(name: string): Promise<Record<string, () => Promise<Authenticated>>> {
  const who = await signIn(name);
  const caller = await house.as(name, null);
  const values: Record<string, string> = {
    api: (await tokens.issue(caller)).value,
    session: (await tokens.sessionToken(caller)).value,
    key: (await keys.create(house.admin, { username: name })).value,
    login: (await sessions.begin(who, 'login', 'r')).value,
    browser: (await sessions.begin(who, 'browser', 'r')).value,
    security: (await security.create(caller, { name: 'ci' })).value,
  };
  const shown: Record<string, () => Promise<Authenticated>> = {
    signed: await signed.issue(who).then(
      ({ value }) =>
        () =>
          signed.verify(value),
    ),
    password: () => signIn(name),
  };
  for (const [kind, value] of Object.entries(values)) shown[kind] = () => tokens.verify(value, null, EVERY);
  return shown;
}

async function good(shown: Record<string, () => Promise<Authenticated>>): Promise<string[]> {
  const outcomes = await Promise.all(
    Object.entries(shown).map(async ([kind, show]) =>
      show().then(
        () => [kind],
        (error) => {
          assert.equal(error.kind, 'unauthenticated', kind);
          return [];
        },
      ),
    ),
  );
  return outcomes.flat().sort();
}
const ALL = ['api', 'browser', 'key', 'login', 'password', 'security', 'session', 'signed'];

test('each kind of credential has its vendor’s form, signs its owner in, and only a digest is kept', async () => {
  const ann = await house.member('ann');
  const key = await keys.create(house.admin, { id: ann.userId }, 64);
  assert.match(key.value, /^[A-Za-z0-9]{64}$/);
  assert.match((await keys.create(house.admin, { id: ann.userId }, 5)).value, /^[A-Za-z0-9]{51}$/);
  const login = await sessions.begin(await signIn('ann'), 'login', 'r');
  assert.match(login.value, /^[0-9a-f]{32}$/);
  const named = await security.create(ann, { name: 'laptop', purpose: 'work' });
  assert.match(named.value, /^l5_[a-z0-9]{52}$/);
  assert.deepEqual([named.credential.name, named.credential.purpose], ['laptop', 'work']);
  assert.equal(named.credential.suffix, named.value.slice(-4));
  for (const [value, kind] of [
    [login.value, 'login'],
    [named.value, 'security'],
  ] as const) {
    const who = await tokens.verify(value, null, [kind]);
    assert.deepEqual([who.username, who.tokenKind], ['ann', kind]);
    const { rows } = await pool.query(
      `select (select json_agg(k)::text from tokens k) || (select json_agg(a)::text from audit a) as all`,
    );
    assert.ok(!rows[0].all.includes(value));
  }
});

test('a kind is good only where it is asked for', async () => {
  const shown = await security.create(await house.member('bea'), { name: 'x' });
  await assert.rejects(tokens.verify(shown.value), refusal);
  await assert.rejects(tokens.verify(shown.value, null, ['key', 'login']), refusal);
  await assert.rejects(
    tokens.verify(
      shown.value.replace(/.$/, (end) => (end === 'a' ? 'b' : 'a')),
      null,
      EVERY,
    ),
    refusal,
  );
});

test('a new key ends the one before, and other credentials stay', async () => {
  await house.member('cid');
  const shown = await everyKind('cid');
  assert.deepEqual(await good(shown), ALL);
  const { value } = await keys.create(house.admin, { username: 'cid' });
  assert.deepEqual(
    await good(shown),
    ALL.filter((kind) => kind !== 'key'),
  );
  assert.equal((await tokens.verify(value, null, ['key'])).username, 'cid');
  assert.equal(await keys.deactivate(house.admin, { username: 'cid' }), true);
  await assert.rejects(tokens.verify(value, null, ['key']), refusal);
  assert.equal(await keys.deactivate(house.admin, { username: 'cid' }), false);
});

test('twenty keys at once leave exactly one', async () => {
  const dan = await house.member('dan');
  const made = await Promise.all(
    Array.from({ length: 20 }, () => keys.create(house.admin, { id: dan.userId })),
  );
  const outcomes = await Promise.allSettled(made.map(({ value }) => tokens.verify(value, null, ['key'])));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a key is for oneself only where it was allowed, and for others with authority over them', async () => {
  const eva = await house.member('eva', { default_tenant: 'viewer' });
  const max = await house.member('max', { default_tenant: 'manager' });
  const two = await house.member('two', { default_tenant: 'viewer', other: 'viewer' });
  await assert.rejects(keys.create(eva, { id: eva.userId }), { reason: 'key-forbidden' });
  await profiles.update(house.admin, { id: eva.userId }, { keysAllowed: true });
  await keys.create(eva, { id: eva.userId });
  await keys.create(max, { id: max.userId });
  await keys.create(max, { id: eva.userId });
  await assert.rejects(keys.create(eva, { id: max.userId }), { kind: 'forbidden' });
  await assert.rejects(keys.create(max, { id: two.userId }), { kind: 'forbidden' });
  await assert.rejects(keys.create(max, { id: house.admin.userId }), { kind: 'forbidden' });
  await assert.rejects(keys.create(eva, { id: 999_999 }), { kind: 'not-found' });
});

test('a sign-in ends when it was idle for too long, and not while it is used', async () => {
  await house.member('fay');
  const { value } = await sessions.begin(await signIn('fay'), 'login', 'r');
  for (let round = 0; round < 3; round++) {
    now += 25 * 60_000;
    assert.equal((await tokens.verify(value, null, ['login'])).username, 'fay');
    await tokens.close();
  }
  now += 32 * 60_000;
  await assert.rejects(tokens.verify(value, null, ['login']), refusal);
  now = Date.now();
});

test('the sign-in of a browser ends after its hours, used or not', async () => {
  await house.member('gil');
  const { value } = await sessions.begin(await signIn('gil'), 'browser', 'r');
  now += 7 * 3_600_000;
  await tokens.verify(value, null, ['browser']);
  now += 2 * 3_600_000;
  await assert.rejects(tokens.verify(value, null, ['browser']), refusal);
  now = Date.now();
});

test('signing out ends one session; the others, and keys, stay', async () => {
  await house.member('hal');
  const shown = await everyKind('hal');
  const who = await shown.login!();
  assert.equal(await sessions.end(who, 'r'), true);
  assert.deepEqual(
    await good(shown),
    ALL.filter((kind) => kind !== 'login'),
  );
  assert.equal(await sessions.end(await shown.key!(), 'r'), false);
  assert.deepEqual(
    await good(shown),
    ALL.filter((kind) => kind !== 'login'),
  );
});

test('the oldest sessions make room', async () => {
  await house.member('ida');
  const who = await signIn('ida');
  const begun: string[] = [];
  for (let i = 0; i < 5; i++) begun.push((await sessions.begin(who, 'login', 'r')).value);
  const outcomes = await Promise.allSettled(begun.map((value) => tokens.verify(value, null, ['login'])));
  assert.deepEqual(
    outcomes.map(({ status }) => status === 'fulfilled'),
    [false, false, true, true, true],
  );
});

test('a token does not begin a session', async () => {
  const jon = await house.member('jon');
  const { value } = await security.create(jon, { name: 'x' });
  const who = await tokens.verify(value, null, ['security']);
  await assert.rejects(sessions.begin(who, 'browser', 'r'), { reason: 'session-needs-password' });
});

const ENDS: readonly (readonly [string, (name: string) => Promise<unknown>, string[]])[] = [
  ['suspending', (name) => profiles.setActive(house.admin, { username: name }, false), []],
  ['deactivating', (name) => house.users.deactivate(house.admin, name), []],
  ['removing', (name) => profiles.remove(house.admin, { username: name }), []],
  ['making API-only', (name) => peopleService.makeApiOnly(house.admin, { username: name }), []],
  ['a new password set by others', (name) => house.users.setPassword(house.admin, name, 'quite another'), []],
  [
    'denying the console',
    (name) => profiles.update(house.admin, { username: name }, { consoleDenied: true }),
    ['api', 'key', 'security'],
  ],
  [
    'taking API access away',
    (name) => profiles.update(house.admin, { username: name }, { apiAccess: false }),
    ALL.filter((kind) => kind !== 'signed'),
  ],
];
for (const [what, end, left] of ENDS) {
  test(`${what} leaves ${left.length === 0 ? 'no credential' : left.join(', ')} good`, async () => {
    const name = `u${what.replace(/[^a-zA-Z]/g, '')}`;
    await house.member(name);
    const shown = await everyKind(name);
    assert.deepEqual(await good(shown), ALL);
    await end(name);
    assert.deepEqual(await good(shown), left);
  });
}

test('after a suspension, sign-ins stay over and named tokens are good again', async () => {
  await house.member('kim');
  const shown = await everyKind('kim');
  await profiles.setActive(house.admin, { username: 'kim' }, false);
  await profiles.setActive(house.admin, { username: 'kim' }, true);
  assert.deepEqual(await good(shown), ['api', 'key', 'password', 'security']);
});

test('one’s own new password ends the other sign-ins and signed tokens, and nothing that was made by hand', async () => {
  await house.member('lea');
  const shown = await everyKind('lea');
  const who = await shown.login!();
  await peopleService.changeOwnPassword(await house.as('lea', null), 'a new password', who.tokenId ?? null);
  assert.deepEqual(await good(shown), ['api', 'key', 'login', 'security']);
});

test('a signed token says who and until when, and is no good a moment later or under another key', async () => {
  await house.member('mia');
  await profiles.update(house.admin, { username: 'mia' }, { email: 'mia@example.com' });
  const { value, expiresAt } = await signed.issue(await signIn('mia'));
  const claims = JSON.parse(Buffer.from(value.split('.')[1]!, 'base64url').toString());
  assert.equal(claims.username, 'mia');
  assert.equal(claims.email, 'mia@example.com');
  assert.ok(Number.isInteger(claims.user_id) && Number.isInteger(claims.exp));
  assert.equal(claims.exp * 1000, expiresAt.getTime());
  await signed.verify(value);
  const rotated = new SignedTokens({ pool, masterKeys: [randomBytes(32), masterKey], now: clock });
  await rotated.verify(value);
  const foreign = new SignedTokens({ pool, masterKeys: [randomBytes(32)], now: clock });
  await assert.rejects(foreign.verify(value), refusal);
  const [head, , tail] = value.split('.');
  const forged = Buffer.from(JSON.stringify({ ...claims, user_id: house.admin.userId })).toString(
    'base64url',
  );
  await assert.rejects(signed.verify(`${head}.${forged}.${tail}`), refusal);
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  await assert.rejects(signed.verify(`${none}.${forged}.`), refusal);
  await assert.rejects(signed.verify('hello'), refusal);
  now += 301_000;
  await assert.rejects(signed.verify(value), refusal);
  now = Date.now();
});

test('the list of credentials holds every kind of one’s own, never a value, and any of them can be revoked', async () => {
  await house.member('nic');
  const shown = await everyKind('nic');
  const nic: Caller = await house.as('nic', null);
  const shape = { id: 'uuid', kind: 'kind', suffix: 'suffix', owner: 'username' } as const satisfies Record<
    string,
    CredentialField
  >;
  const page = await security.list(nic, { shape, filters: [], sort: [], offset: 0, size: 50 });
  const rows = JSON.parse(page.items) as { id: string; kind: string; owner: string }[];
  assert.deepEqual(rows.map(({ kind }) => kind).sort(), [
    'api',
    'browser',
    'key',
    'login',
    'security',
    'session',
  ]);
  assert.ok(rows.every(({ owner }) => owner === 'nic'));
  const ann = await house.as('ann', null);
  for (const { id } of rows) {
    await assert.rejects(security.revoke(ann, id), { kind: 'not-found' });
    await security.revoke(nic, id);
    await assert.rejects(security.revoke(nic, id), { kind: 'not-found' });
  }
  assert.deepEqual(await good(shown), ['password', 'signed']);
  await assert.rejects(security.get(nic, 'no uuid'), { kind: 'not-found' });
});
