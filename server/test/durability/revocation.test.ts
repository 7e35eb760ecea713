/**
 * Four processes on one database: whatever credential is taken away through one is refused by all from then on, and so is
 * every credential of somebody who is suspended or removed.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { identityServices } from '../../src/identity/services.js';
import { issueExecutionToken, revokeExecutionTokens } from '../../src/identity/tokens.js';
import type { ExecutionId } from '../../src/ids.js';
import { Safe } from '../../src/secrets/safe.js';
import { masterKeyFrom, Vault } from '../../src/secrets/vault.js';
import { aFolder, aRealServer, type RealServer } from '../support/a-real-server.js';
import { testDatabase } from '../support/test-database.js';

const PROCESSES = 4;

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

/** The same services in this process: credentials are made here, since how one comes to them is not looked at. */
const key = masterKeyFrom('ab'.repeat(32));
const identity = identityServices({
  pool,
  safe: new Safe({ vault: new Vault(key) }),
  masterKeys: [key],
  signIn: { throttle: 'off' },
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
const asLayer5 =
  (value: string): Show =>
  async ({ url }) =>
    (await fetch(`${url}/api/identity/users/profile`, { headers: { authorization: `Bearer ${value}` } }))
      .status === 200;
const both =
  (one: Show, other: Show): Show =>
  async (server) => {
    const good = await Promise.all([one(server), other(server)]);
    assert.equal(good[0], good[1], 'one dialect lets in what another refuses');
    return good[0];
  };

/** Every kind of credential that a person, or an execution of theirs, may hold. */
const KINDS = [
  'api',
  'session',
  'browser',
  'login',
  'key',
  'security',
  'execution',
  'signed',
  'password',
] as const;
type Kind = (typeof KINDS)[number];

interface Held {
  readonly name: string;
  readonly userId: number;
  readonly shown: Readonly<Record<Kind, Show>>;
  readonly values: Readonly<Record<Exclude<Kind, 'password'>, string>>;
  /** Ids and UUIDs of the rows, by kind. */
  readonly rows: Readonly<Record<string, { readonly id: string; readonly uuid: string }>>;
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
  const execution = await issueExecutionToken(
    pool,
    who.userId,
    caller.tenant!.id,
    randomUUID() as ExecutionId,
  );
  const basic = Buffer.from(`${name}:${name} password`).toString('base64');
  const { rows } = await pool.query<{ kind: string; id: string; uuid: string }>(
    'select kind, id, uuid from tokens where user_id = $1',
    [who.userId],
  );
  return {
    name,
    userId: who.userId,
    shown: {
      api: both(asCloudify({ 'authentication-token': api.value }), asLayer5(api.value)),
      session: both(asCloudify({ 'authentication-token': session.value }), asLayer5(session.value)),
      browser: both(asBrowser(browser.value), asLayer5(browser.value)),
      login: both(asInsightCloudSec({ 'x-auth-token': login.value }), asLayer5(login.value)),
      key: asInsightCloudSec({ 'api-key': apiKey.value }),
      security: asLayer5(security.value),
      execution: asCloudify({ 'execution-token': execution, tenant: 'default_tenant' }),
      signed: asCloudBolt(signed.value),
      password: asCloudify({ authorization: `Basic ${basic}` }),
    },
    values: {
      api: api.value,
      session: session.value,
      browser: browser.value,
      login: login.value,
      key: apiKey.value,
      security: security.value,
      execution,
      signed: signed.value,
    },
    rows: Object.fromEntries(rows.map(({ kind, id, uuid }) => [kind, { id, uuid }])),
  };
}

async function everywhere(show: Show): Promise<boolean[]> {
  return Promise.all(servers.map(show));
}

async function refusedEverywhere(what: string, show: Show): Promise<void> {
  const answers = await everywhere(show);
  assert.deepEqual(
    answers,
    servers.map(() => false),
    `${what}: some process still lets it in`,
  );
}

async function goodEverywhere(held: Held, kinds: readonly Kind[]): Promise<void> {
  for (const kind of kinds)
    assert.deepEqual(
      await everywhere(held.shown[kind]),
      servers.map(() => true),
      kind,
    );
}

/** How each is ended through the first process, as clients do it. */
const ENDING: readonly (readonly [ended: readonly Kind[], how: (held: Held) => Promise<unknown>])[] = [
  [['api'], ({ rows }) => first.call('DELETE', `/tokens/${rows.api!.id}`)],
  [['session'], ({ rows }) => first.call('DELETE', `/tokens/${rows.session!.id}`)],
  [['browser'], ({ values }) => asked('GET', '/logout', { cookie: `provider_token=${values.browser}` }, 302)],
  [['login'], ({ values }) => asked('POST', '/v2/public/user/logout', { 'x-auth-token': values.login })],
  [
    ['key'],
    async ({ userId }) => {
      const { value } = await identity.apiKeys.create(admin, { username: 'admin' });
      await asked('POST', '/v2/public/apikey/create', { 'api-key': value }, 200, { user_id: userId });
    },
  ],
  [
    ['security'],
    ({ values, rows }) =>
      asked('DELETE', `/api/identity/tokens?tokenId=${rows.security!.uuid}`, {
        authorization: `Bearer ${values.security}`,
      }),
  ],
  [
    ['execution'],
    async ({ rows }) => {
      const of = await pool.query<{ id: ExecutionId }>(
        'select execution_id as id from tokens where id = $1',
        [rows.execution!.id],
      );
      await revokeExecutionTokens(pool, of.rows[0]!.id);
    },
  ],
  [
    ['password', 'signed'],
    ({ name }) => first.call('POST', `/users/${name}`, { password: 'another password' }),
  ],
];

async function asked(
  method: string,
  path: string,
  headers: Record<string, string>,
  status = 200,
  body?: object,
): Promise<void> {
  const answer = await fetch(`${first.url}${path}`, {
    method,
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  assert.equal(answer.status, status, `${method} ${path}: ${await answer.text()}`);
}

test('each credential is good in every process until it is ended through one of them, and no other ends with it', async () => {
  const held = await somebody('ann');
  assert.deepEqual(new Set(ENDING.flatMap(([ended]) => ended)), new Set(KINDS));
  let left: readonly Kind[] = KINDS;
  await goodEverywhere(held, left);
  for (const [ended, how] of ENDING) {
    await how(held);
    for (const kind of ended) await refusedEverywhere(kind, held.shown[kind]);
    left = left.filter((kind) => !ended.includes(kind));
    await goodEverywhere(held, left);
  }
});

test('whoever is suspended, or removed, through one process is refused by all, whatever they hold', async () => {
  for (const [name, end] of [
    ['bob', () => first.call('POST', '/users/active/bob', { action: 'deactivate' })],
    ['cid', () => identity.profiles.remove(admin, { username: 'cid' })],
    ['dan', () => identity.people.makeApiOnly(admin, { username: 'dan' })],
  ] as const) {
    const held = await somebody(name);
    await goodEverywhere(held, KINDS);
    await end();
    // What an execution does, it does for its tenant: it goes on where its creator became a robot.
    const ended = KINDS.filter((kind) => !(name === 'dan' && kind === 'execution'));
    for (const kind of ended) await refusedEverywhere(`${name}: ${kind}`, held.shown[kind]);
  }
});
