/** Users. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { SystemRole } from '../../identity/roles.js';
import type { User, UserField } from '../../identity/users.js';
import { sendDeleted, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { deletionOf, describe, itemQuery, listQuery, oneOf, Switch } from './described.js';
import { badParameters } from './errors.js';
import { Anything, Flag, ListOf, MaybeTime, NameParams, Names, Text, Time } from './fields.js';
import { booleanOf, booleanParam, LenientBoolean, type Params } from './lenient.js';
import { type ListingOptions, listBody, parseInclude, parseListing } from './listing.js';
import type { Mounting } from './mounting.js';
import { type DerivedField, type Resource, renderRecord, schemaOf } from './resource.js';
import { OF_RECORDS, refuseRestored } from './restored-fields.js';
import { readSystemRole, systemRoleWord } from './roles.js';
import type { ApiVersion } from './version.js';

function userResource(version: ApiVersion, withMemberships: boolean): Resource<UserField> {
  const role: DerivedField<UserField> = {
    needs: ['role', 'active'],
    derive: ({ role: ours, active }) => systemRoleWord(ours as SystemRole, active === true, version),
    schema: Text,
    listed: true,
  };
  const always = {
    username: { from: 'username', schema: Text },
    active: { from: 'active', schema: Flag },
    created_at: { from: 'createdAt', schema: Time },
    last_login_at: { from: 'lastLoginAt', schema: MaybeTime },
  } as const;
  if (version === 'v3') {
    return {
      name: 'User',
      key: 'username',
      fields: {
        ...always,
        groups: { from: 'groups', schema: Names },
        tenants: { from: 'tenants', schema: Names },
        first_name: { from: { constant: null }, schema: Type.Null() },
        last_name: { from: { constant: null }, schema: Type.Null() },
      },
      derived: { role },
    };
  }
  const groups = withMemberships ? 'groups' : 'groupCount';
  return {
    name: 'User',
    key: 'username',
    fields: {
      ...always,
      first_login_at: { from: 'firstLoginAt', schema: MaybeTime },
      is_locked: { from: 'locked', schema: Flag },
      show_getting_started: { from: 'gettingStarted', schema: Flag },
      groups: { from: groups, schema: Anything },
      ...(withMemberships ? {} : { tenants: { from: 'tenantCount' as const, schema: Type.Integer() } }),
    },
    derived: {
      role,
      group_system_roles: {
        needs: ['groupSystemRoles'],
        derive: ({ groupSystemRoles }) =>
          Object.fromEntries(
            Object.entries(groupSystemRoles as User['groupSystemRoles']).map(([ours, names]) => [
              systemRoleWord(ours as SystemRole, true, version),
              names,
            ]),
          ),
        schema: Anything,
        listed: true,
      },
      ...(withMemberships
        ? {
            tenants: {
              needs: ['tenantRoles' as const],
              derive: ({ tenantRoles }: Readonly<Record<UserField, unknown>>) =>
                Object.fromEntries(
                  Object.entries(tenantRoles as User['tenantRoles']).map(([tenant, roles]) => [
                    tenant,
                    { roles },
                  ]),
                ),
              schema: Anything,
              listed: true,
            },
          }
        : {}),
    },
  };
}

const LISTING: ListingOptions<UserField> = {
  searches: { _search: 'username' },
  sorts: { role: 'role' },
};
const DATA = { _get_data: Switch('Names in the place of numbers; `/api/v3` always tells names') };
const ROLE_TEXT = 'sys_admin or default; or administrator, user or suspended';
const NewUser = Type.Object(
  {
    username: Type.String(),
    password: Type.String(),
    role: Type.Optional(Type.String({ description: ROLE_TEXT })),
  },
  { title: 'NewUser' },
);
const UserChange = Type.Object(
  {
    password: Type.Optional(Type.String()),
    role: Type.Optional(Type.String({ description: ROLE_TEXT })),
    show_getting_started: Type.Optional(LenientBoolean),
  },
  { title: 'UserChange', description: 'Exactly one of these' },
);
const Activation = Type.Object(
  { action: Type.String({ description: 'activate or deactivate' }) },
  { title: 'UserActivation' },
);

export function addUsers({ scope, core, version }: Mounting): void {
  const schema =
    version === 'v3'
      ? schemaOf(userResource(version, false), 'UserV3')
      : oneOf(
          schemaOf(userResource(version, false)),
          schemaOf(userResource(version, true), 'UserWithMemberships'),
        );
  const asked = { querystring: itemQuery(DATA) };
  const one = { ...asked, params: NameParams, response: { 200: schema } };
  const render = (params: Params, user: User) =>
    renderRecord(userResource(version, booleanParam(params, '_get_data', false)), parseInclude(params), {
      ...user,
      groupCount: user.groups.length,
      tenantCount: user.tenants.length,
    });

  scope.get(
    '/users',
    {
      schema: describe('Users', 'list', 'List users', {
        querystring: listQuery(userResource(version, false), LISTING, DATA),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const resource = userResource(version, booleanParam(request.query, '_get_data', false));
      const listing = parseListing(resource, request.query, LISTING);
      return sendText(
        reply,
        200,
        await listBody(listing, await core.users.list(callerOf(request), listing.query)),
      );
    },
  );

  scope.get<{ Querystring: Params }>(
    '/user',
    { schema: describe('Users', 'self', 'Get the user who asks', { ...asked, response: { 200: schema } }) },
    async (request, reply) => {
      const caller = callerOf(request);
      return sendText(reply, 200, await render(request.query, await core.users.get(caller, caller.username)));
    },
  );

  scope.get<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/users/:name',
    { schema: describe('Users', 'get', 'Get a user', one) },
    async (request, reply) => {
      const user = await core.users.get(callerOf(request), request.params.name);
      return sendText(reply, 200, await render(request.query, user));
    },
  );

  scope.put<{ Body: Static<typeof NewUser>; Querystring: Params }>(
    '/users',
    {
      schema: describe('Users', 'create', 'Create a user', {
        ...asked,
        body: NewUser,
        response: { 201: schema },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      refuseRestored(request.body, [...OF_RECORDS, 'is_prehashed', 'first_login_at', 'last_login_at']);
      const { username, password, role: word } = request.body;
      const { role, active } = readSystemRole(word ?? 'default');
      let user = await core.users.create(caller, { username, password, role });
      if (!active) user = await core.users.deactivate(caller, username);
      return sendText(reply, 201, await render(request.query, user));
    },
  );

  scope.post<{ Params: Static<typeof NameParams>; Body: Static<typeof UserChange>; Querystring: Params }>(
    '/users/:name',
    {
      schema: describe('Users', 'update', 'Set the password, the role or the welcome of a user', {
        body: UserChange,
        ...one,
      }),
    },
    async (request, reply) => {
      const { password, role, show_getting_started: welcome } = request.body;
      if ([password, role, welcome].filter((given) => given !== undefined).length !== 1) {
        throw badParameters('Exactly one of `password`, `role` and `show_getting_started` must be given');
      }
      const caller = callerOf(request);
      const { name } = request.params;
      const change = () => {
        if (password !== undefined) return core.users.setPassword(caller, name, password);
        if (role !== undefined) return setRole(caller, name, role);
        const wanted = booleanOf('show_getting_started', welcome, false);
        return core.users.setGettingStarted(caller, name, wanted);
      };
      const user = await change();
      return sendText(reply, 200, await render(request.query, user));
    },
  );

  scope.post<{ Params: Static<typeof NameParams>; Body: Static<typeof Activation>; Querystring: Params }>(
    '/users/active/:name',
    {
      schema: describe('Users', 'activate', 'Activate or deactivate a user', {
        body: Activation,
        ...one,
      }),
    },
    async (request, reply) => {
      const { action } = request.body;
      if (action !== 'activate' && action !== 'deactivate') {
        throw badParameters(`Unknown action \`${action}\`: it must be activate or deactivate`);
      }
      const user = await core.users[action](callerOf(request), request.params.name);
      return sendText(reply, 200, await render(request.query, user));
    },
  );

  scope.post<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/users/unlock/:name',
    { schema: describe('Users', 'unlock', 'Lift the lock of a user', one) },
    async (request, reply) => {
      const user = await core.users.unlock(callerOf(request), request.params.name);
      return sendText(reply, 200, await render(request.query, user));
    },
  );

  scope.delete<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/users/:name',
    {
      schema: describe('Users', 'delete', 'Delete a user', {
        ...one,
        response: deletionOf(version, schema),
      }),
    },
    async (request, reply) => {
      const user = await core.users.remove(callerOf(request), request.params.name);
      return sendDeleted(reply, version, await render(request.query, user));
    },
  );

  /** `suspended` is a role on the wire and a state of the user here. */
  async function setRole(caller: ReturnType<typeof callerOf>, name: string, word: string): Promise<User> {
    const { role, active } = readSystemRole(word);
    const user = await core.users.setRole(caller, name, role);
    if (user.active === active) return user;
    if (!active) return core.users.deactivate(caller, name);
    // Only the older words say that a suspended user is to be let in again.
    return version === 'v3' ? core.users.activate(caller, name) : user;
  }
}
