/** Organizations, teams, roles and keys, invitations and awards (specs: layer5.md §6). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { isPage } from './identity-rows.js';
import { type Row, row } from './row.js';

export const MEMBERSHIP_ROWS: readonly Row[] = [
  row('GET /api/identity/orgs', 'self', 200, '/api/identity/orgs', isPage('organizations')),
  row(
    'POST /api/identity/orgs',
    'self',
    201,
    () => ({ path: '/api/identity/orgs', body: { name: `Org ${randomUUID().slice(0, 8)}` } }),
    (json) => assert.equal(json.organizations![0]!.id, json.id),
  ),
  row(
    'GET /api/identity/orgs/by-domain',
    'open',
    200,
    async ({ server, org }) => {
      await server.pool.query(`update tenants set domain = 'cloud.example.com' where uuid = $1`, [org]);
      return { path: '/api/identity/orgs/by-domain?domain=cloud.example.com' };
    },
    (json, { org }) => assert.equal(json.id, org),
  ),
  row(
    'GET /api/identity/orgs/:orgId',
    'viewer',
    200,
    ({ org }) => ({ path: `/api/identity/orgs/${org}` }),
    (json, { org }) => assert.deepEqual([json.id, json.organizations![0]!.id], [org, org]),
  ),
  row(
    'PUT /api/identity/orgs/:orgId',
    'manager',
    200,
    ({ org }) => ({ path: `/api/identity/orgs/${org}`, body: { description: 'ours' } }),
    (json) => assert.equal(json.description, 'ours'),
  ),
  row(
    'GET /api/identity/orgs/:orgId/preferences',
    'viewer',
    200,
    ({ org }) => ({ path: `/api/identity/orgs/${org}/preferences` }),
    (json) => assert.ok(json.preferences!.theme),
  ),
  row('POST /api/identity/orgs/:orgId/users/:userId', 'manager', 201, async ({ org, house }) => ({
    path: `/api/identity/orgs/${org}/users/${(await house.person(`new-${randomUUID().slice(0, 8)}`)).id}`,
  })),
  row('DELETE /api/identity/orgs/:orgId/users/:userId', 'manager', 204, async ({ org, make }) => ({
    path: `/api/identity/orgs/${org}/users/${await make.member()}`,
  })),
  row(
    'POST /api/identity/orgs/:orgId/users/invite',
    'manager',
    200,
    ({ org }) => ({
      path: `/api/identity/orgs/${org}/users/invite`,
      body: { email: 'eve@example.com', first_name: 'Eve' },
    }),
    (json) => assert.equal(typeof json.message, 'string'),
  ),
  row(
    'GET /api/identity/orgs/:orgId/teams',
    'viewer',
    200,
    ({ org }) => ({ path: `/api/identity/orgs/${org}/teams` }),
    isPage('teams'),
  ),
  row(
    'POST /api/identity/orgs/:orgId/teams',
    'manager',
    201,
    ({ org }) => ({ path: `/api/identity/orgs/${org}/teams`, body: { name: 'team' } }),
    (json) => assert.equal(json.name, 'team'),
  ),
  row('GET /api/identity/orgs/:orgId/teams/:teamId', 'viewer', 200, async ({ org, make }) => ({
    path: `/api/identity/orgs/${org}/teams/${await make.team()}`,
  })),
  row(
    'PUT /api/identity/orgs/:orgId/teams/:teamId',
    'manager',
    200,
    async ({ org, make }) => ({
      path: `/api/identity/orgs/${org}/teams/${await make.team()}`,
      body: { name: 'renamed' },
    }),
    (json) => assert.equal(json.name, 'renamed'),
  ),
  row('DELETE /api/identity/orgs/:orgId/teams/:teamId', 'manager', 204, async ({ org, make }) => ({
    path: `/api/identity/orgs/${org}/teams/${await make.team()}`,
  })),
  row(
    'POST /api/identity/orgs/:orgId/teams/:teamId',
    'manager',
    201,
    async ({ org, make }) => ({
      path: `/api/identity/orgs/${org}/teams/${await make.team()}`,
      body: { action: 'delete' },
    }),
    isPage('teams_organizations_mapping'),
  ),
  row(
    'POST /api/identity/orgs/:orgId/teams/:teamId/remove',
    'manager',
    200,
    async ({ org, make }) => ({ path: `/api/identity/orgs/${org}/teams/${await make.team()}/remove` }),
    isPage('teams_organizations_mapping'),
  ),
  row(
    'GET /api/identity/teams/:teamId/users',
    'viewer',
    200,
    async ({ make }) => ({ path: `/api/identity/teams/${await make.team()}/users` }),
    isPage('data'),
  ),
  row(
    'GET /api/identity/orgs/:orgId/teams/:teamId/users',
    'viewer',
    200,
    async ({ org, make }) => ({ path: `/api/identity/orgs/${org}/teams/${await make.team()}/users` }),
    isPage('data'),
  ),
  row(
    'POST /api/identity/orgs/:orgId/teams/:teamId/users/:userId',
    'manager',
    201,
    async ({ org, make, people }) => ({
      path: `/api/identity/orgs/${org}/teams/${await make.team()}/users/${people.user.id}`,
    }),
    (json, { people }) => assert.equal(json.user_id, people.user.id),
  ),
  row(
    'DELETE /api/identity/orgs/:orgId/teams/:teamId/users/:userId',
    'manager',
    204,
    async ({ org, make, people, ask }) => {
      const path = `/api/identity/orgs/${org}/teams/${await make.team()}/users/${people.user.id}`;
      await ask('POST', path);
      return { path };
    },
  ),
  row(
    'GET /api/identity/orgs/:orgId/roles',
    'viewer',
    200,
    ({ org }) => ({ path: `/api/identity/orgs/${org}/roles?all=true` }),
    (json) =>
      assert.ok(
        (json.roles as unknown as { role_name: string }[]).some((role) => role.role_name === 'curator'),
      ),
  ),
  row('POST /api/identity/orgs/:orgId/roles', 'manager', 200, ({ org }) => ({
    path: `/api/identity/orgs/${org}/roles`,
    body: { role_name: `r-${randomUUID()}` },
  })),
  row('PUT /api/identity/orgs/:orgId/roles', 'manager', 200, async ({ org, make }) => ({
    path: `/api/identity/orgs/${org}/roles`,
    body: [{ user_id: await make.member(), role_names: ['user', 'curator'] }],
  })),
  row('POST /api/identity/roles', 'manager', 201, async ({ people }) => ({
    path: '/api/identity/roles',
    body: { email: people.viewer.email, roleNames: ['curator'] },
  })),
  row('DELETE /api/identity/roles/:roleId', 'manager', 204, async ({ make }) => ({
    path: `/api/identity/roles/${await make.role()}`,
  })),
  row(
    'GET /api/identity/orgs/:orgId/roles/:roleId/keychains',
    'viewer',
    200,
    async ({ org, make }) => ({ path: `/api/identity/orgs/${org}/roles/${await make.role()}/keychains` }),
    isPage('keychains'),
  ),
  row(
    'POST /api/identity/orgs/:orgId/roles/:roleId/keychains/:keychainId',
    'manager',
    200,
    async ({ org, make }) => ({
      path: `/api/identity/orgs/${org}/roles/${await make.role()}/keychains/${await make.keychain()}`,
    }),
  ),
  row(
    'DELETE /api/identity/orgs/:orgId/roles/:roleId/keychains/:keychainId',
    'manager',
    204,
    async ({ org, make }) => ({
      path: `/api/identity/orgs/${org}/roles/${await make.role()}/keychains/${await make.keychain()}`,
    }),
  ),
  row('GET /api/auth/keychains', 'viewer', 200, '/api/auth/keychains', isPage('keychains')),
  row('POST /api/auth/keychains', 'manager', 201, () => ({
    path: '/api/auth/keychains',
    body: { name: 'chain' },
  })),
  row('GET /api/auth/keychains/:id', 'viewer', 200, async ({ make }) => ({
    path: `/api/auth/keychains/${await make.keychain()}`,
  })),
  row(
    'PUT /api/auth/keychains/:id',
    'manager',
    200,
    async ({ make }) => ({ path: `/api/auth/keychains/${await make.keychain()}`, body: { name: 'other' } }),
    (json) => assert.equal(json.name, 'other'),
  ),
  row('DELETE /api/auth/keychains/:id', 'manager', 204, async ({ make }) => ({
    path: `/api/auth/keychains/${await make.keychain()}`,
  })),
  row(
    'GET /api/auth/keychains/:id/keys',
    'viewer',
    200,
    async ({ make }) => ({ path: `/api/auth/keychains/${await make.keychain()}/keys` }),
    isPage('keys'),
  ),
  row('POST /api/auth/keychains/:id/:keyId', 'manager', 204, async ({ make }) => ({
    path: `/api/auth/keychains/${await make.keychain()}/7a7d3cad-4cf4-48fa-b69c-e6a5abc97a07`,
  })),
  row('DELETE /api/auth/keychains/:id/:keyId', 'manager', 204, async ({ make }) => ({
    path: `/api/auth/keychains/${await make.keychain()}/7a7d3cad-4cf4-48fa-b69c-e6a5abc97a07`,
  })),
  row('GET /api/auth/keys', 'viewer', 200, '/api/auth/keys?search=deploy', isPage('keys')),
  row('POST /api/auth/keys', 'admin', 200, () => ({ path: '/api/auth/keys', body: { function: 'Fly' } })),
  ...['/api/auth/keys', '/api/auth/key'].flatMap((root) => [
    row(`GET ${root}/:keyId`, 'viewer', 200, `${root}/7a7d3cad-4cf4-48fa-b69c-e6a5abc97a07`, (json) =>
      assert.equal(json.function, 'Deploy design'),
    ),
    row(`DELETE ${root}/:keyId`, 'admin', 204, async ({ house, org }) => {
      const { json } = await house.admin.ask('POST', '/api/auth/keys', { org, body: { function: 'Sink' } });
      return { path: `${root}/${json.id}` };
    }),
  ]),
  row('GET /api/organizations/invitations', 'manager', 200, '/api/organizations/invitations', isPage('data')),
  row(
    'POST /api/organizations/invitations',
    'manager',
    201,
    ({ org }) => ({
      path: '/api/organizations/invitations',
      body: {
        name: 'i',
        description: 'd',
        org_id: org,
        emails: [],
        roles: ['user'],
        teams: [],
        status: 'enabled',
        quota: 3,
      },
    }),
    (json) => assert.deepEqual([json.status, json.quota], ['enabled', 3]),
  ),
  row('GET /api/organizations/invitations/:id', 'manager', 200, async ({ make }) => ({
    path: `/api/organizations/invitations/${await make.invitation()}`,
  })),
  row(
    'PUT /api/organizations/invitations/:id',
    'manager',
    200,
    async ({ make }) => ({
      path: `/api/organizations/invitations/${await make.invitation()}`,
      body: { status: 'disabled' },
    }),
    (json) => assert.equal(json.status, 'disabled'),
  ),
  row('DELETE /api/organizations/invitations/:id', 'manager', 204, async ({ make }) => ({
    path: `/api/organizations/invitations/${await make.invitation()}`,
  })),
  row('POST /api/organizations/invitations/:id/accept', 'self', 200, async ({ make }) => ({
    path: `/api/organizations/invitations/${await make.invitation()}/accept`,
  })),
  row('POST /api/identity/invitations/:id/accept', 'self', 200, async ({ make }) => ({
    path: `/api/identity/invitations/${await make.invitation()}/accept`,
  })),
  row(
    'GET /api/identity/badges',
    'viewer',
    200,
    ({ org }) => ({ path: `/api/identity/badges?orgId=${org}` }),
    (json) => assert.ok(json.badges),
  ),
  row('GET /api/organizations/badges/:id', 'viewer', 200, async ({ make }) => ({
    path: `/api/organizations/badges/${await make.badge()}`,
  })),
  row('DELETE /api/organizations/badges/:id', 'manager', 204, async ({ make }) => ({
    path: `/api/organizations/badges/${await make.badge()}`,
  })),
  row('POST /api/organizations/badges', 'manager', 200, () => ({
    path: '/api/organizations/badges',
    body: { label: `l-${randomUUID().slice(0, 8)}`, name: 'n' },
  })),
  row('PUT /api/identity/users/badges', 'manager', 200, async ({ make, people, ask }) => {
    const { json } = await ask('GET', `/api/organizations/badges/${await make.badge()}`);
    return { path: '/api/identity/users/badges', body: { badges: [json.label], user_id: people.user.id } };
  }),
];
