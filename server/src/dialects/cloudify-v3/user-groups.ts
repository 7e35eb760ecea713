/** User groups. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { UserGroup, UserGroupField } from '../../identity/user-groups.js';
import { sendDeleted, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { deletionOf, describe, itemQuery, listQuery, oneOf, Switch } from './described.js';
import { Anything, ListOf, MaybeText, NameParams, Names, Text } from './fields.js';
import { booleanParam, type Params } from './lenient.js';
import { type ListingOptions, listBody, parseInclude, parseListing } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, renderRecord, schemaOf } from './resource.js';
import { readSystemRole } from './roles.js';
import type { ApiVersion } from './version.js';

function groupResource(version: ApiVersion, withMembers: boolean): Resource<UserGroupField> {
  const names = version === 'v3';
  return {
    name: 'Group',
    key: 'name',
    fields: {
      name: { from: 'name', schema: Text },
      ldap_dn: { from: 'ldapDn', schema: MaybeText },
      role: {
        from: {
          field: 'role',
          words: names
            ? { admin: 'administrator', member: 'user' }
            : { admin: 'sys_admin', auditor: 'auditor', member: 'default' },
        },
        schema: Text,
      },
      users:
        names || withMembers
          ? { from: 'users', schema: Names }
          : { from: 'userCount', schema: Type.Integer() },
      tenants: names
        ? { from: 'tenants', schema: Names }
        : withMembers
          ? { from: 'tenantRoles', schema: Anything }
          : { from: 'tenantCount', schema: Type.Integer() },
    },
  };
}

const LISTING: ListingOptions<UserGroupField> = { searches: { _search: 'name' } };
const DATA = { _get_data: Switch('Names in the place of numbers; `/api/v3` always tells names') };
const NewGroup = Type.Object(
  {
    group_name: Type.String(),
    ldap_group_dn: Type.Optional(Type.String()),
    role: Type.Optional(Type.String({ description: 'sys_admin or default, or administrator or user' })),
  },
  { title: 'NewGroup' },
);
const Membership = Type.Object(
  { username: Type.String(), group_name: Type.String() },
  { title: 'GroupMembership' },
);
const RoleChange = Type.Object({ role: Type.String() }, { title: 'GroupRoleChange' });

export function addUserGroups({ scope, core, version }: Mounting): void {
  const schema =
    version === 'v3'
      ? schemaOf(groupResource(version, false), 'GroupV3')
      : oneOf(
          schemaOf(groupResource(version, false)),
          schemaOf(groupResource(version, true), 'GroupWithMembers'),
        );
  const asked = { querystring: itemQuery(DATA) };
  const one = { ...asked, params: NameParams, response: { 200: schema } };
  const render = (params: Params, group: UserGroup) =>
    renderRecord(groupResource(version, booleanParam(params, '_get_data', false)), parseInclude(params), {
      ...group,
      userCount: group.users.length,
      tenantCount: group.tenants.length,
    });

  scope.get(
    '/user-groups',
    {
      schema: describe('User groups', 'list', 'List user groups', {
        querystring: listQuery(groupResource(version, false), LISTING, DATA),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const resource = groupResource(version, booleanParam(request.query, '_get_data', false));
      const listing = parseListing(resource, request.query, LISTING);
      return sendText(
        reply,
        200,
        await listBody(listing, await core.userGroups.list(callerOf(request), listing.query)),
      );
    },
  );

  scope.post<{ Body: Static<typeof NewGroup>; Querystring: Params }>(
    '/user-groups',
    {
      schema: describe('User groups', 'create', 'Create a user group', {
        ...asked,
        body: NewGroup,
        response: { 201: schema },
      }),
    },
    async (request, reply) => {
      const { group_name, ldap_group_dn, role } = request.body;
      const group = await core.userGroups.create(callerOf(request), {
        name: group_name,
        role: readSystemRole(role ?? 'default').role,
        ldapDn: ldap_group_dn ?? null,
      });
      return sendText(reply, 201, await render(request.query, group));
    },
  );

  scope.put<{ Body: Static<typeof Membership>; Querystring: Params }>(
    '/user-groups/users',
    {
      schema: describe('User groups', 'add_user', 'Add a user to a group', {
        ...asked,
        body: Membership,
        response: { 200: schema },
      }),
    },
    async (request, reply) => {
      const { group_name, username } = request.body;
      const group = await core.userGroups.addUser(callerOf(request), group_name, username);
      return sendText(reply, 200, await render(request.query, group));
    },
  );

  scope.delete<{ Body: Static<typeof Membership>; Querystring: Params }>(
    '/user-groups/users',
    {
      schema: describe('User groups', 'remove_user', 'Remove a user from a group', {
        ...asked,
        body: Membership,
        response: deletionOf(version, schema),
      }),
    },
    async (request, reply) => {
      const { group_name, username } = request.body;
      const group = await core.userGroups.removeUser(callerOf(request), group_name, username);
      return sendDeleted(reply, version, await render(request.query, group));
    },
  );

  scope.get<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/user-groups/:name',
    { schema: describe('User groups', 'get', 'Get a user group', one) },
    async (request, reply) => {
      const group = await core.userGroups.get(callerOf(request), request.params.name);
      return sendText(reply, 200, await render(request.query, group));
    },
  );

  scope.post<{ Params: Static<typeof NameParams>; Body: Static<typeof RoleChange>; Querystring: Params }>(
    '/user-groups/:name',
    {
      schema: describe('User groups', 'set_role', 'Set the role of a user group', {
        body: RoleChange,
        ...one,
      }),
    },
    async (request, reply) => {
      const { role } = readSystemRole(request.body.role);
      const group = await core.userGroups.setRole(callerOf(request), request.params.name, role);
      return sendText(reply, 200, await render(request.query, group));
    },
  );

  scope.delete<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/user-groups/:name',
    {
      schema: describe('User groups', 'delete', 'Delete a user group', {
        ...one,
        response: deletionOf(version, schema),
      }),
    },
    async (request, reply) => {
      const group = await core.userGroups.remove(callerOf(request), request.params.name);
      return sendDeleted(reply, version, await render(request.query, group));
    },
  );
}
