/** Tenants and who is in them. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { TenantRole } from '../../identity/roles.js';
import type { Tenant, TenantField } from '../../identity/tenants.js';
import { sendDeleted, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { type Answers, deletionOf, describe, itemQuery, listQuery, oneOf, Switch } from './described.js';
import { badParameters } from './errors.js';
import { Anything, ListOf, NameParams, Text } from './fields.js';
import { booleanParam, type Params } from './lenient.js';
import { type ListingOptions, listBody, parseInclude, parseListing } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, renderRecord, schemaOf } from './resource.js';
import { readTenantRole } from './roles.js';
import type { ApiVersion } from './version.js';

type UserRoles = Tenant['userRoles'];

/** `v3` tells the names of members, `v3.1` their number unless `_get_data` asks for more. */
function tenantResource(version: ApiVersion, withMembers: boolean): Resource<TenantField> {
  const name = { from: 'name', schema: Text } as const;
  if (version === 'v3') {
    return {
      name: 'Tenant',
      key: 'name',
      fields: {
        name,
        groups: { from: 'groups', schema: Type.Array(Text) },
        users: { from: 'users', schema: Type.Array(Text) },
      },
    };
  }
  if (!withMembers) {
    return {
      name: 'Tenant',
      key: 'name',
      fields: {
        name,
        groups: { from: 'groupCount', schema: Type.Integer() },
        users: { from: 'userCount', schema: Type.Integer() },
      },
    };
  }
  return {
    name: 'Tenant',
    key: 'name',
    fields: { name, user_roles: { from: 'userRoles', schema: Anything } },
    derived: {
      groups: {
        needs: ['userRoles'],
        derive: ({ userRoles }) => groupRoles(userRoles as UserRoles),
        schema: Anything,
        listed: true,
      },
      users: {
        needs: ['userRoles'],
        derive: ({ userRoles }) => memberRoles(userRoles as UserRoles),
        schema: Anything,
        listed: true,
      },
    },
  };
}

function groupRoles(roles: UserRoles): Record<string, TenantRole> {
  return Object.fromEntries(Object.entries(roles.groups).map(([group, { role }]) => [group, role]));
}

/** User -> the role of their own, and all that they have, own and through groups. */
function memberRoles(
  roles: UserRoles,
): Record<string, { 'tenant-role': TenantRole | null; roles: TenantRole[] }> {
  const held = new Map<string, Set<TenantRole>>();
  const add = (user: string, role: TenantRole) => held.set(user, (held.get(user) ?? new Set()).add(role));
  for (const [user, role] of Object.entries(roles.direct)) add(user, role);
  for (const { role, users } of Object.values(roles.groups)) for (const user of users) add(user, role);
  return Object.fromEntries(
    [...held].map(([user, all]) => [user, { 'tenant-role': roles.direct[user] ?? null, roles: [...all] }]),
  );
}

const LISTING: ListingOptions<TenantField> = { searches: { _search: 'name' } };
const DATA = { _get_data: Switch('Names in the place of numbers; `/api/v3` always tells names') };

/** The published document also writes `tenants_name`. */
const Membership = Type.Object(
  {
    tenant_name: Type.Optional(Type.String()),
    tenants_name: Type.Optional(Type.String()),
    username: Type.Optional(Type.String()),
    group_name: Type.Optional(Type.String()),
    role: Type.Optional(Type.String({ description: 'manager, user, operations or viewer; default: user' })),
  },
  { title: 'TenantMembership' },
);
type MembershipBody = Static<typeof Membership>;

export function addTenants({ scope, core, version }: Mounting): void {
  const schema =
    version === 'v3'
      ? schemaOf(tenantResource(version, false), 'TenantV3')
      : oneOf(
          schemaOf(tenantResource(version, false)),
          schemaOf(tenantResource(version, true), 'TenantWithMembers'),
        );
  const one = { params: NameParams, querystring: itemQuery(DATA) };
  const render = (params: Params, tenant: Tenant) =>
    renderRecord(tenantResource(version, booleanParam(params, '_get_data', false)), parseInclude(params), {
      ...tenant,
      userCount: tenant.users.length,
      groupCount: tenant.groups.length,
    });

  scope.get(
    '/tenants',
    {
      schema: describe('Tenants', 'list', 'List tenants', {
        querystring: listQuery(tenantResource(version, false), LISTING, DATA),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const resource = tenantResource(version, booleanParam(request.query, '_get_data', false));
      const listing = parseListing(resource, request.query, LISTING);
      return sendText(
        reply,
        200,
        await listBody(listing, await core.tenants.list(callerOf(request), listing.query)),
      );
    },
  );

  addMembers('users', 'username', {
    add: (caller, tenant, who, role) => core.tenants.addUser(caller, tenant, who, role),
    change: (caller, tenant, who, role) => core.tenants.changeUserRole(caller, tenant, who, role),
    remove: (caller, tenant, who) => core.tenants.removeUser(caller, tenant, who),
  });
  addMembers('user-groups', 'group_name', {
    add: (caller, tenant, who, role) => core.tenants.addGroup(caller, tenant, who, role),
    change: (caller, tenant, who, role) => core.tenants.changeGroupRole(caller, tenant, who, role),
    remove: (caller, tenant, who) => core.tenants.removeGroup(caller, tenant, who),
  });

  scope.get<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/tenants/:name',
    { schema: describe('Tenants', 'get', 'Get a tenant', { ...one, response: { 200: schema } }) },
    async (request, reply) => {
      const tenant = await core.tenants.get(callerOf(request), request.params.name);
      return sendText(reply, 200, await render(request.query, tenant));
    },
  );

  scope.post<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/tenants/:name',
    { schema: describe('Tenants', 'create', 'Create a tenant', { ...one, response: { 201: schema } }) },
    async (request, reply) => {
      const tenant = await core.tenants.create(callerOf(request), request.params.name);
      return sendText(reply, 201, await render(request.query, tenant));
    },
  );

  scope.delete<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/tenants/:name',
    {
      schema: describe('Tenants', 'delete', 'Delete a tenant', {
        ...one,
        response: deletionOf(version, schema),
      }),
    },
    async (request, reply) => {
      const tenant = await core.tenants.remove(callerOf(request), request.params.name);
      return sendDeleted(reply, version, await render(request.query, tenant));
    },
  );

  type Act = (
    caller: ReturnType<typeof callerOf>,
    tenant: string,
    who: string,
    role: string,
  ) => Promise<Tenant>;

  function addMembers(
    path: 'users' | 'user-groups',
    key: 'username' | 'group_name',
    acts: { readonly add: Act; readonly change: Act; readonly remove: Act },
  ): void {
    const respond = async (
      act: Act,
      request: FastifyRequest<{ Body: MembershipBody; Querystring: Params }>,
    ): Promise<string> => {
      const tenantName = request.body.tenant_name ?? request.body.tenants_name;
      const who = request.body[key];
      if (tenantName === undefined) throw badParameters('Missing tenant_name in json request body');
      if (who === undefined) throw badParameters(`Missing ${key} in json request body`);
      const role = readTenantRole(request.body.role);
      return await render(request.query, await act(callerOf(request), tenantName, who, role));
    };
    const thing = key === 'username' ? 'user' : 'user group';
    const route = (verb: string, summary: string, response = { 200: schema } as Answers) => ({
      schema: describe('Tenants', `${verb}_${thing.replace(' ', '_')}`, summary, {
        querystring: itemQuery(DATA),
        body: Membership,
        response,
      }),
    });
    const added = async (
      request: FastifyRequest<{ Body: MembershipBody; Querystring: Params }>,
      reply: FastifyReply,
    ) => sendText(reply, 200, await respond(acts.add, request));
    scope.put(`/tenants/${path}`, route('add', `Add a ${thing} to a tenant`), added);
    scope.patch(
      `/tenants/${path}`,
      route('change', `Change the role of a ${thing} in a tenant`),
      async (request: FastifyRequest<{ Body: MembershipBody; Querystring: Params }>, reply) =>
        sendText(reply, 200, await respond(acts.change, request)),
    );
    scope.delete(
      `/tenants/${path}`,
      route('remove', `Remove a ${thing} from a tenant`, deletionOf(version, schema)),
      async (request: FastifyRequest<{ Body: MembershipBody; Querystring: Params }>, reply) =>
        sendDeleted(reply, version, await respond(acts.remove, request)),
    );
  }
}
