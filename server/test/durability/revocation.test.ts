/**
 * Four processes on one database: whatever credential is taken away through one is refused by all within a second, and so is
 * every credential of somebody who is suspended or removed.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { identityServices } from '../../src/identity/services.js';
import { Safe } from '../../src/secrets/safe.js';
import { masterKeyFrom, Vault } from '../../src/secrets/vault.js';
import { aFolder, aRealServer, type RealServer } from '../support/a-real-server.js';
import { testDatabase } from '../support/test-database.js';

const PROCESSES = 4;
/** What "at once" may take, from the answer that it is done. */
const WITHIN_MS = 1000;

// Closed below, after the processes that use it.
const { pool, databaseUrl, close } = await testDatabase({ after: () => {} });
const folder = aFolder();
const servers: RealServer[] = [];
for (let n = 0; n < PROCESSES; n++) {
  const env = { DATABASE_URL: databaseUrl, ORRERY_ROLE: 'api' };
  // The first makes the store; the others find it.
  servers.push(await aRealServer(join(folder, `api-${n}`), env));
}
after(async () => {
  await Promise.all(servers.map((server) => server.end('SIGTERM')));
  await close();
});
const [first] = servers as [RealServer];

/** The same services in this process: what dialects without a way to make a credential here would call. */
const key = masterKeyFrom('ab'.repeat(32));
const identity = identityServices({
  pool,
  safe: new Safe({ vault: new Vault(key) }),
  masterKeys: [key],
  throttle: 'off',
  sessionHours: 1,
  signedSeconds: 300,
});
const admin = await identity.callers.actingAs('admin', 'default_tenant', 'test');

/** How a credential is shown to a process, and whether it was let in. */
type Show = (server: RealServer) => Promise<boolean>;

const asCloudify =
  (headers: Record<string, string>): Show =>
  async ({ url }) =>
    (await fetch(`${url}/api/v3.1/status`, { headers })).status === 200;
const asBrowser =
  (value: string): Show =>
  async ({ url }) => {
    const cookie = `provider_token=${value}`;
    return (
      (await fetch(`${url}/security/tokens`, { headers: { cookie }, redirect: 'manual' })).status === 200
    );
  };

const asInsightCloudSec =
  (headers: Record<string, string>): Show =>
  async ({ url }) =>
    (await fetch(`${url}/v2/public/user/info`, { headers })).status === 200;
const asCloudBolt =
  (value: string): Show =>
  async ({ url }) =>
    (await fetch(`${url}/api/v2/groups/`, { headers: { authorization: `Bearer ${value}` } })).status === 200;
const inThisProcess =
  (value: string): Show =>
  () =>
    identity.tokens.verify(value, null, ['security']).then(
      () => true,
      () => false,
    );

interface Held {
  readonly shown: Readonly<Record<string, Show>>;
  /** UUIDs of the rows, by kind. */
  readonly ids: Readonly<Record<string, string>>;
}

async function somebody(name: string): Promise<Held> {
  await identity.users.create(admin, { username: name, password: `${name} password`, role: 'member' });
  await identity.tenants.addUser(admin, 'default_tenant', name, 'viewer');
  const caller = await identity.callers.actingAs(name, 'default_tenant', 'test');
  const who = await identity.credentials.verifyPassword(name, `${name} password`, '127.0.0.1');
  const api = await identity.tokens.issue(caller);
  const session = await identity.tokens.sessionToken(caller);
  const browser = await identity.sessions.begin(who, 'browser', 'test');
  const login = await identity.sessions.begin(who, 'login', 'test');
  const apiKey = await identity.apiKeys.create(admin, { username: name });
  const signed = await identity.signedTokens.issue(who);
  const security = await identity.securityTokens.create(caller, { name: 'ci' });
  const basic = Buffer.from(`${name}:${name} password`).toString('base64');
  const { rows } = await pool.query<{ kind: string; uuid: string }>(
    'select kind, uuid from tokens where user_id = $1',
    [who.userId],
  );
  return {
    shown: {
      api: asCloudify({ 'authentication-token': api.value }),
      session: asCloudify({ 'authentication-token': session.value }),
      browser: asBrowser(browser.value),
      login: asInsightCloudSec({ 'x-auth-token': login.value }),
      key: asInsightCloudSec({ 'api-key': apiKey.value }),
      security: inThisProcess(security.value),
      signed: asCloudBolt(signed.value),
      password: asCloudify({ authorization: `Basic ${basic}` }),
    },
    ids: Object.fromEntries(rows.map(({ kind, uuid }) => [kind, uuid])),
  };
}

async function everywhere(show: Show): Promise<boolean[]> {
  return Promise.all(servers.map(show));
}

async function refusedSoon(what: string, show: Show): Promise<void> {
  const start = performance.now();
  const answers = await everywhere(show);
  assert.deepEqual(
    answers,
    servers.map(() => false),
    `${what}: some process still lets it in`,
  );
  const took = performance.now() - start;
  assert.ok(took < WITHIN_MS, `${what}: ${took} ms`);
}

async function goodEverywhere(held: Held, kinds: readonly string[]): Promise<void> {
  for (const kind of kinds)
    assert.deepEqual(
      await everywhere(held.shown[kind]!),
      servers.map(() => true),
      kind,
    );
}

test('each credential is good in every process until it is revoked through one of them', async () => {
  const held = await somebody('ann');
  const kinds = Object.keys(held.shown);
  await goodEverywhere(held, kinds);
  const revoked: string[] = [];
  for (const kind of ['api', 'session', 'browser']) {
    const { rows } = await pool.query<{ id: string }>('select id from tokens where uuid = $1', [
      held.ids[kind],
    ]);
    if (kind === 'browser') await identity.securityTokens.revoke(admin, held.ids[kind]!);
    else await first.call('DELETE', `/tokens/${rows[0]!.id}`);
    await refusedSoon(kind, held.shown[kind]!);
    revoked.push(kind);
    await goodEverywhere(
      held,
      kinds.filter((one) => !revoked.includes(one)),
    );
  }
  await first.call('POST', '/users/ann', { password: 'another password' });
  await refusedSoon('password', held.shown.password!);
  await refusedSoon('signed', held.shown.signed!);
});

test('whoever is suspended, or removed, through one process is refused by all, whatever they hold', async () => {
  for (const [name, end] of [
    ['bob', () => first.call('POST', '/users/active/bob', { action: 'deactivate' })],
    ['cid', () => identity.profiles.remove(admin, { username: 'cid' })],
    ['dan', () => identity.people.makeApiOnly(admin, { username: 'dan' })],
  ] as const) {
    const held = await somebody(name);
    await goodEverywhere(held, Object.keys(held.shown));
    await end();
    for (const [kind, show] of Object.entries(held.shown)) await refusedSoon(`${name}: ${kind}`, show);
  }
});
