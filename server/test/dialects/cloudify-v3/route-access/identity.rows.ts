import type { Row, Rows } from './rows.js';
import type { World } from './world.js';

/** About the installation: administrators alone, whatever tenant the request names. */
const ADMIN = { may: 'admin', outside: true } as const;

async function membership(world: World, there: boolean) {
  const username = await world.fresh.user();
  const body = { username, tenant_name: world.tenant, role: 'viewer' };
  if (there) await world.ask('admin', 'PUT', '/tenants/users', { body });
  return body;
}

async function groupInTenant(world: World, there: boolean) {
  const group_name = await world.fresh.userGroup();
  const body = { group_name, tenant_name: world.tenant, role: 'viewer' };
  if (there) await world.ask('admin', 'PUT', '/tenants/user-groups', { body });
  return body;
}

async function inGroup(world: World, there: boolean) {
  const body = { username: await world.fresh.user(), group_name: await world.fresh.userGroup() };
  if (there) await world.ask('admin', 'PUT', '/user-groups/users', { body });
  return body;
}

async function lockedOut(world: World): Promise<string> {
  const username = await world.fresh.user();
  await world.server.pool.query('update users set failed_logins = 9 where username = $1', [username]);
  return username;
}

const user = (suffix = ''): Pick<Row, 'at'> => ({
  at: async (world) => `/users${suffix}/${await world.fresh.user()}`,
});
const group: Pick<Row, 'at'> = { at: async (world) => `/user-groups/${await world.fresh.userGroup()}` };

export const rows: Rows = {
  'GET /tenants': { may: 'anybody' },
  // Of all tenants only that of the call may be read without being administrator, by those who work in it.
  'GET /tenants/:name': { may: 'operations', at: ({ tenant }) => `/tenants/${tenant}`, neighbour: [403] },
  'POST /tenants/:name': { ...ADMIN, at: (world) => `/tenants/${world.newName()}` },
  'DELETE /tenants/:name': { ...ADMIN, at: async (world) => `/tenants/${await world.fresh.tenant()}` },
  'PUT /tenants/users': { ...ADMIN, body: (world) => membership(world, false) },
  'PATCH /tenants/users': {
    ...ADMIN,
    body: async (world) => ({ ...(await membership(world, true)), role: 'user' }),
  },
  'DELETE /tenants/users': { ...ADMIN, body: (world) => membership(world, true) },
  'PUT /tenants/user-groups': { ...ADMIN, body: (world) => groupInTenant(world, false) },
  'PATCH /tenants/user-groups': {
    ...ADMIN,
    body: async (world) => ({ ...(await groupInTenant(world, true)), role: 'user' }),
  },
  'DELETE /tenants/user-groups': { ...ADMIN, body: (world) => groupInTenant(world, true) },

  'GET /users': ADMIN,
  'GET /user': { may: 'anybody' },
  'GET /users/:name': { ...ADMIN, at: () => '/users/alfa-owner' },
  'PUT /users': {
    ...ADMIN,
    body: (world) => ({ username: world.newName(), password: 'long enough', role: 'default' }),
  },
  'POST /users/:name': { ...ADMIN, ...user(), body: () => ({ role: 'sys_admin' }) },
  'POST /users/active/:name': { ...ADMIN, ...user('/active'), body: () => ({ action: 'deactivate' }) },
  'POST /users/unlock/:name': {
    ...ADMIN,
    at: async (world) => `/users/unlock/${await lockedOut(world)}`,
  },
  'DELETE /users/:name': { ...ADMIN, ...user() },

  'GET /user-groups': ADMIN,
  'GET /user-groups/:name': { ...ADMIN, ...group },
  'POST /user-groups': { ...ADMIN, body: (world) => ({ group_name: world.newName() }) },
  'POST /user-groups/:name': { ...ADMIN, ...group, body: () => ({ role: 'sys_admin' }) },
  'PUT /user-groups/users': { ...ADMIN, body: (world) => inGroup(world, false) },
  'DELETE /user-groups/users': { ...ADMIN, body: (world) => inGroup(world, true) },
  'DELETE /user-groups/:name': { ...ADMIN, ...group },

  // Everybody has tokens of their own, and does not know of others.
  'GET /tokens': { may: 'anybody', changes: 'either' },
  'POST /tokens': { may: 'anybody', body: () => ({ description: 'mine' }) },
  'GET /tokens/:id': {
    ...ADMIN,
    at: async (world) => `/tokens/${await world.once('token', world.fresh.token)}`,
    refusal: [404],
  },
  'DELETE /tokens/:id': {
    ...ADMIN,
    at: async (world) => `/tokens/${await world.fresh.token()}`,
    refusal: [404],
  },
};
