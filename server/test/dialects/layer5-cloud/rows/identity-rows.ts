import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Found } from '../../cloudify-v3/client.js';
import { type Row, row } from './row.js';

const isPage = (items: string) => (json: Found) => {
  assert.ok(Array.isArray(json[items]), `no list ${items}`);
  assert.equal(typeof json.total_count, 'number');
  assert.deepEqual([json.total_count, json.page_size], [json.totalCount, json.pageSize]);
};
const password = 'a good password';

export const IDENTITY_ROWS: readonly Row[] = [
  row(
    'POST /api/auth/login',
    'open',
    200,
    ({ people }) => ({
      path: '/api/auth/login',
      body: { email: people.user.email, password: 'user password' },
    }),
    (json, _world, { headers }) => {
      assert.match(String(json.token), /^[\w-]{20,4096}$/);
      assert.match(headers.get('set-cookie') ?? '', /^provider_token=\S+; HttpOnly; SameSite=Lax; Path=\//);
    },
  ),
  row('POST /introspect', 'open', 200, ({ people }) => ({
    path: '/introspect',
    body: { token: people.user.token },
  })),
  row('GET /keys', 'open', 200, '/keys', (json) => assert.deepEqual(json.keys, [])),
  row(
    'POST /refresh',
    'open',
    200,
    ({ people }) => ({ path: '/refresh', body: { token: people.user.token } }),
    (json, { people }) => assert.equal(json.token, people.user.token),
  ),
  row('POST /revoke', 'open', 200, async ({ people }) => {
    const { json } = await people.user.ask('POST', '/api/identity/tokens?name=gone');
    return { path: '/revoke', body: { token: json.tokens![0]!.access_token } };
  }),
  row('GET /capabilities', 'open', 200, '/capabilities?os=linux', (json) =>
    assert.ok(Array.isArray(json.capabilities)),
  ),
  row('GET /:mesheryVersion/capabilities', 'open', 200, '/v0.8.0/capabilities', (json) =>
    assert.equal(json.provider_type, 'remote'),
  ),
  row('GET /api/system/version', 'open', 200, '/api/system/version', (json) =>
    assert.equal(json.release_channel, json.releaseChannel),
  ),
  ...['/api/identity/tokens', '/system/user/tokens'].flatMap((root) => [
    row(`GET ${root}`, 'self', 200, `${root}?isOauth=true`, isPage('tokens')),
    row(`POST ${root}`, 'self', 201, `${root}?name=ci&purpose=tests`, (json) => {
      assert.match(String(json.tokens![0]!.access_token), /^l5_/);
      assert.equal((json.tokens as unknown as unknown[]).length, 1);
    }),
    row(
      `DELETE ${root}`,
      'self',
      200,
      async ({ make }, who) => ({ path: `${root}?tokenId=${await make.token(who)}` }),
      isPage('tokens'),
    ),
  ]),
  row(
    'GET /api/identity/tokens/infinite',
    'admin',
    200,
    ({ people }) => ({ path: `/api/identity/tokens/infinite?userId=${people.user.id}` }),
    (json, { people }) => assert.equal(json.tokens![0]!.user_id, people.user.id),
  ),
  row(
    'GET /api/identity/tokens/:tokenId',
    'self',
    200,
    async ({ make }, who) => ({ path: `/api/identity/tokens/${await make.token(who)}` }),
    (json) => assert.equal(json.access_token, ''),
  ),
  row('GET /api/identity/users/preferences', 'self', 200, '/api/identity/users/preferences'),
  ...['/api/identity/users/preferences', '/user/preferences'].map((path) =>
    row(
      `PUT ${path}`,
      'self',
      201,
      () => ({ path, body: { remoteProviderPreferences: { a_b: 1 } } }),
      (json) => assert.deepEqual(json.remote_provider_preferences, { a_b: 1 }),
    ),
  ),
  row('GET /api/identity/users/profile', 'self', 200, '/api/identity/users/profile', (json) => {
    assert.equal(json.first_name, json.firstName);
    assert.ok(json.preferences);
    assert.equal(json.deleted_at, null);
  }),
  row(
    'PUT /api/identity/users/profile',
    'self',
    200,
    () => ({ path: '/api/identity/users/profile', body: { bio: 'hello' } }),
    (json) => assert.equal(json.bio, 'hello'),
  ),
  row(
    'GET /api/identity/users/profile/details',
    'viewer',
    200,
    '/api/identity/users/profile/details',
    (json) => assert.equal(typeof json.k8s_count, 'number'),
  ),
  row(
    'GET /api/identity/users/profile/:id',
    'self',
    200,
    ({ people }) => ({ path: `/api/identity/users/profile/${people.manager.id}` }),
    (json, { people }) => assert.equal(json.id, people.manager.id),
  ),
  row('GET /api/identity/users', 'viewer', 200, '/api/identity/users', isPage('data')),
  ...['/api/users', '/api/identity/users/search'].map((path) =>
    row(`GET ${path}`, 'self', 200, `${path}?search=example`, isPage('data')),
  ),
  row(
    'GET /api/identity/orgs/:orgId/users/search',
    'viewer',
    200,
    ({ org }) => ({ path: `/api/identity/orgs/${org}/users/search` }),
    isPage('data'),
  ),
  row(
    'GET /api/identity/orgs/:orgId/users',
    'viewer',
    200,
    ({ org }) => ({ path: `/api/identity/orgs/${org}/users` }),
    (json, world, answer) => {
      isPage('data')(json);
      assert.ok(answer.text.includes(world.people.manager.id));
    },
  ),
  row(
    'POST /api/identity/users',
    'admin',
    201,
    () => ({ path: '/api/identity/users', body: { email: `${randomUUID()}@example.com`, password } }),
    (json) => assert.equal((json.organizations!.organizations_with_roles as unknown as unknown[]).length, 1),
  ),
  row('DELETE /api/identity/users/:id', 'admin', 200, async ({ house }) => ({
    path: `/api/identity/users/${(await house.person(`gone-${randomUUID().slice(0, 8)}`)).id}`,
  })),
  row('GET /api/identity/users/keys', 'viewer', 200, '/api/identity/users/keys', isPage('keys')),
  row(
    'GET /api/identity/orgs/:orgId/users/keys',
    'viewer',
    200,
    ({ org }) => ({ path: `/api/identity/orgs/${org}/users/keys` }),
    isPage('keys'),
  ),
];

export { isPage };
