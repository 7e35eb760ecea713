/** Sessions, users, keys and second factors: §2, §3 and §6.1 of specs/insightcloudsec.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret, TOTP } from 'otpauth';
import { ADMIN } from '../../support/a-server.js';
import { aDomain, PASSWORD } from './a-domain.js';

const domain = await aDomain({ ORRERY_LOGIN_THROTTLE: 'on' });
const { ask, get, admin, orgAdmin, basic, viewer } = domain;

let made = 0;
/** A user with a password, of the first organisation. */
async function newcomer(extra: object = {}) {
  made += 1;
  const user = {
    name: 'New Comer',
    username: `newcomer-${made}`,
    email: 'n@example.org',
    access_level: 'BASIC_USER',
  };
  return get(orgAdmin, 'POST', '/v2/public/user/create', {
    ...user,
    password: PASSWORD,
    confirm_password: PASSWORD,
    ...extra,
  });
}
const login = (username: string, password = PASSWORD, extra: object = {}) =>
  ask('POST', '/v2/public/user/login', { body: { username, password, ...extra } });
const info = (session: string) => ask('GET', '/v2/public/user/info', { session });

test('the documented sample logs in with a password and lists organisations with the session', async () => {
  const { json } = await login(ADMIN.username, ADMIN.password);
  assert.match(json.session_id, /^[0-9a-f]{32}$/);
  assert.deepEqual(
    [
      json.user_name,
      json.user_id,
      json.domain_admin,
      json.system_admin,
      json.domain_viewer,
      json.session_timeout,
    ],
    ['admin', admin.id, true, true, false, 60],
  );
  const told = await ask('GET', '/v2/prototype/domain/organizations/detail/get', {
    session: json.session_id,
    body: {},
  });
  assert.deepEqual(Object.keys(told.json.organizations[0]).sort(), [
    'bots',
    'clouds',
    'name',
    'organization_id',
    'resource_id',
    'smtp_configured',
    'status',
    'users',
  ]);
});

test('each login makes a session, and logging out ends one of them; with a key it ends nothing', async () => {
  const { username } = await newcomer();
  const [one, two] = [(await login(username)).json.session_id, (await login(username)).json.session_id];
  assert.notEqual(one, two);
  assert.equal((await ask('POST', '/v2/public/user/logout', { session: one })).status, 200);
  assert.deepEqual([(await info(one)).status, (await info(two)).status], [401, 200]);
  await get(orgAdmin, 'POST', '/v2/public/user/logout');
  await get(orgAdmin, 'GET', '/v2/public/user/info');
});

test('of both headers the key decides alone', async () => {
  const { session_id: session } = (await login(ADMIN.username, ADMIN.password)).json;
  const both = await ask('GET', '/v2/public/user/info', { session, key: basic.key });
  assert.equal(both.json.username, 'basic');
  assert.equal((await ask('GET', '/v2/public/user/info', { session, key: 'wrong' })).status, 403);
});

test('five wrong passwords in a row suspend the user, and a right one before that sets the count back', async () => {
  const { username, user_id } = await newcomer();
  const found = async () =>
    (await get(orgAdmin, 'GET', '/v2/public/users/list')).users.find(
      (one: { user_id: number }) => one.user_id === user_id,
    );
  for (let count = 0; count < 4; count += 1) {
    const { status, json } = await login(username, 'wrong');
    assert.deepEqual([status, json.session_id], [401, undefined]);
  }
  // A failure is written once its answer is on its way.
  const until = async (fits: (user: Awaited<ReturnType<typeof found>>) => boolean) => {
    const deadline = Date.now() + 60_000;
    while (!fits(await found())) assert.ok(Date.now() < deadline, JSON.stringify(await found()));
  };
  await until((user) => user.consecutive_failed_login_attempts === 4);
  assert.equal((await login(username)).status, 200);
  assert.equal((await found()).consecutive_failed_login_attempts, 0);
  for (let count = 0; count < 5; count += 1) await login(username, 'wrong');
  await until((user) => user.suspended);
  assert.equal((await login(username)).status, 401);
  const { pool } = domain.server;
  const { rows } = await pool.query(
    'select extract(epoch from locked_until - now()) / 60 as minutes from users where id = $1',
    [user_id],
  );
  assert.ok(rows[0].minutes > 14 && rows[0].minutes <= 15, `${rows[0].minutes}`);
  await pool.query(`update users set locked_until = now() where id = $1`, [user_id]);
  assert.equal((await login(username)).status, 200, 'it ends by itself');
  const { suspended, consecutive_failed_login_attempts: failures } = await found();
  assert.deepEqual([suspended, failures], [false, 0]);
});

test('a new key ends the one before at once, for oneself and for those one manages', async () => {
  const { user_id } = await newcomer();
  const first = await get(orgAdmin, 'POST', '/v2/public/apikey/create', { user_id: String(user_id) });
  assert.match(first, /^[A-Za-z0-9]{51}$/);
  assert.equal((await ask('GET', '/v2/public/user/info', { key: first })).json.user_id, user_id);
  const next = await get(orgAdmin, 'POST', '/v2/public/apikey/create', { user_id, key_length: 60 });
  assert.equal(next.length, 60);
  const dead = await ask('GET', '/v2/public/user/info', { key: first });
  assert.deepEqual([dead.status, dead.json.error_type], [403, 'api_key_invalid']);
  const { api_keys: keys } = await get(orgAdmin, 'GET', '/v2/public/apikeys/list');
  const own = keys.find((one: { user_id: number }) => one.user_id === user_id);
  assert.deepEqual(
    [own.active, own.suffix, keys.some((one: { username: string }) => one.username === 'neighbour')],
    [true, next.slice(-own.suffix.length), false],
  );
  await get(orgAdmin, 'POST', '/v2/public/apikey/deactivate', { user_id: String(user_id) });
  assert.equal((await ask('GET', '/v2/public/user/info', { key: next })).status, 403);
});

test('a Basic User makes a key of their own only where it was allowed, a Domain Viewer never', async () => {
  const { username, user_id, resource_id } = await newcomer();
  const { session_id: session } = (await login(username)).json;
  const own = () => ask('POST', '/v2/public/apikey/create', { session, body: { user_id } });
  assert.equal((await own()).status, 403);
  await get(orgAdmin, 'POST', `/v2/prototype/user/${resource_id}/update`, {
    api_key_generation_allowed: true,
  });
  assert.equal((await own()).status, 200);
  assert.equal(
    (await ask('POST', '/v2/public/apikey/create', { key: viewer.key, body: { user_id: viewer.id } })).status,
    403,
  );
});

test('a user without a password gets a temporary one, told once, that logs in and asks for another', async () => {
  const user = await newcomer({ password: '', confirm_password: '' });
  assert.equal(user.require_pw_reset, true);
  assert.match(user.temp_pw_expiration, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const { json } = await login(user.username, user.temporary_pw);
  assert.equal(json.require_pw_reset, true);
  const change = (current_password: string) =>
    ask('POST', '/v2/public/user/password/change', {
      session: json.session_id,
      body: { current_password, new_password: PASSWORD },
    });
  assert.equal((await change('not it')).status, 400);
  const other = (await login(user.username, user.temporary_pw)).json.session_id;
  assert.equal((await change(user.temporary_pw)).status, 200);
  assert.deepEqual(
    [(await info(json.session_id)).json.require_pw_reset, (await info(other)).status],
    [false, 401],
  );
  assert.equal((await login(user.username, user.temporary_pw)).status, 401);
  assert.equal((await login(user.username)).status, 200);
});

test('users are told with the members that clients read, and never-logged-in is absent', async () => {
  const user = await newcomer({ username: 'MixedCase', two_factor_required: true });
  assert.deepEqual(
    [
      user.username,
      user.organization_name,
      user.two_factor_required,
      user.access_level,
      user.last_login_time,
    ],
    ['mixedcase', 'Default Organization', true, 'BASIC_USER', undefined],
  );
  assert.equal(user.resource_id, `divvyuser:${user.user_id}:`);
  assert.match(user.create_date, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  const list = await get(orgAdmin, 'POST', '/v2/public/users/list', { order_by: 'username DESC', limit: 1 });
  assert.equal(list.users.length, 1);
  assert.ok(list.total_count > 1);
});

for (const [what, extra] of [
  ['a name that is taken, in letters of any case', { username: 'BASIC' }],
  ['two passwords that differ', { confirm_password: 'another one' }],
  ['a level that is none', { access_level: 'KING' }],
  ['a group that is not there', { group_ids: [999] }],
  ['nothing for a name', { name: ' ' }],
] as const) {
  test(`a user with ${what} is refused`, async () => {
    const user = {
      name: 'N',
      username: `refused-${what.length}`,
      email: 'n@example.org',
      access_level: 'BASIC_USER',
    };
    const body = { ...user, password: PASSWORD, ...extra };
    const { status, text } = await ask('POST', '/v2/public/user/create', { key: admin.key, body });
    assert.equal(status, 400, text);
  });
}

test('a user becomes API-only: sessions and password end, and a key takes their place', async () => {
  const { username, user_id } = await newcomer();
  const { session_id: session } = (await login(username)).json;
  const told = await get(orgAdmin, 'POST', '/v2/public/user/update_to_api_only_user', {
    user_id: String(user_id),
  });
  assert.equal(told.user_id, String(user_id));
  assert.deepEqual([(await info(session)).status, (await login(username)).status], [401, 401]);
  assert.equal((await ask('GET', '/v2/public/user/info', { key: told.api_key })).json.user_id, user_id);
});

test('a user of SAML has no password, and one whose console is denied cannot log in but has a key', async () => {
  const saml = await newcomer({
    authentication_type: 'saml',
    authentication_server_id: 77,
    password: '',
    confirm_password: '',
  });
  assert.deepEqual([saml.authentication_type, saml.temporary_pw], ['saml', undefined]);
  const { username, user_id } = await newcomer();
  const key = await get(orgAdmin, 'POST', '/v2/public/apikey/create', { user_id });
  const { session_id: session } = (await login(username)).json;
  await get(orgAdmin, 'POST', '/v2/public/user/update_console_access', {
    user_id: String(user_id),
    console_access_denied: true,
  });
  assert.deepEqual([(await login(username)).status, (await info(session)).status], [401, 401]);
  assert.equal((await ask('GET', '/v2/public/user/info', { key })).json.console_access_denied, true);
});

test('an access level changes from what it is to another, and Organization Admins give no level of the domain', async () => {
  const { resource_id } = await newcomer();
  const path = `/v2/public/user/${resource_id}/edit-access-level`;
  const change = (key: string, current_access_level: string, new_access_level: string) =>
    ask('POST', path, { key, body: { current_access_level, new_access_level } });
  assert.equal((await change(orgAdmin.key, 'ORGANIZATION_ADMIN', 'BASIC_USER')).status, 400);
  assert.equal(
    (await change(orgAdmin.key, 'BASIC_USER', 'ORGANIZATION_ADMIN')).json.organization_admin,
    true,
  );
  assert.equal((await change(orgAdmin.key, 'ORGANIZATION_ADMIN', 'DOMAIN_ADMIN')).status, 403);
  assert.equal((await change(admin.key, 'ORGANIZATION_ADMIN', 'DOMAIN_VIEWER')).json.domain_viewer, true);
  const { users } = await get(viewer, 'GET', '/v2/prototype/domains/admins/list');
  assert.ok(users.some((one: { resource_id: string }) => one.resource_id === resource_id));
});

test('a deleted user is gone with sessions and key; oneself and the first administrator stay', async () => {
  const { username, user_id, resource_id } = await newcomer();
  const key = await get(orgAdmin, 'POST', '/v2/public/apikey/create', { user_id });
  const { session_id: session } = (await login(username)).json;
  await get(orgAdmin, 'DELETE', `/v2/prototype/user/${resource_id}/delete`);
  assert.deepEqual(
    [(await info(session)).status, (await ask('GET', '/v2/public/user/info', { key })).status],
    [401, 403],
  );
  for (const [key, id] of [
    [admin.key, admin.id],
    [orgAdmin.key, orgAdmin.id],
  ] as const) {
    assert.equal((await ask('DELETE', `/v2/prototype/user/divvyuser:${id}:/delete`, { key })).status, 400);
  }
});

test('with a second factor, logging in needs the code of the moment, once', async () => {
  const { username, user_id } = await newcomer();
  const { session_id: session } = (await login(username)).json;
  const { otp_secret: secret } = (await ask('POST', '/v2/public/user/tfa_enable', { session })).json;
  assert.match(secret, /^[A-Z2-7]+$/);
  assert.equal((await login(username)).status, 401);
  const otp = new TOTP({ secret: Secret.fromBase32(secret) }).generate();
  assert.equal((await login(username, PASSWORD, { otp })).status, 200);
  assert.equal((await login(username, PASSWORD, { otp })).status, 401, 'a code is good once');
  const state = (key: string, body: object) => ask('POST', '/v2/public/user/tfa_state', { key, body });
  assert.deepEqual((await state(admin.key, { user_id })).json, { enabled: true, required: false });
  assert.equal((await state(basic.key, { user_id })).status >= 403, true);
  assert.deepEqual(await get(admin, 'POST', '/v2/public/user/tfa_disable', { user_id }), { success: true });
  assert.equal((await login(username)).status, 200);
});

test('groups that a user was made into are told', async () => {
  await domain.server.core.userGroups.create(
    await domain.server.core.callers.actingAs('admin', null, 'test'),
    {
      name: 'crew',
      role: 'member',
    },
  );
  const { rows } = await domain.server.pool.query('select id from user_groups');
  made += 1;
  const user = {
    name: 'G',
    username: `grouped-${made}`,
    email: 'g@example.org',
    access_level: 'BASIC_USER',
    group_ids: [rows[0].id],
  };
  const { resource_id, groups } = await get(admin, 'POST', '/v2/public/user/create', {
    ...user,
    password: PASSWORD,
  });
  assert.equal(groups, 1);
  const told = await get(admin, 'POST', `/v2/prototype/user/${resource_id}/groups/list`);
  assert.deepEqual(told.groups, [
    { resource_id: `divvyusergroup:${rows[0].id}`, group_id: Number(rows[0].id), name: 'crew', roles: [] },
  ]);
});

test('directories are told as authentication servers, without their secrets', async () => {
  const { core } = domain.server;
  await core.authorities.put(await core.callers.actingAs('admin', null, 'test'), 'office', {
    kind: 'ldap',
    enabled: true,
    settings: { url: 'ldaps://ldap.example.org', userBase: 'dc=example' },
    secret: 'canary',
  });
  const told = await get(admin, 'POST', '/v2/prototype/authenticationservers/list', {});
  assert.deepEqual(
    [
      told.servers[0].server_name,
      told.servers[0].server_host,
      told.servers[0].server_port,
      told.servers[0].secure,
    ],
    ['office', 'ldap.example.org', 636, 1],
  );
  assert.ok(!JSON.stringify(told).includes('canary'));
});

test('the version that is spoken is told without credentials', async () => {
  assert.match((await ask('GET', '/client_version')).json, /^\d+\.\d+\.\d+$/);
});
