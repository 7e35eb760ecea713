/** User groups. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { UserGroup, UserGroupField } from '../../identity/user-groups.js';
import { sendDeleted, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe } from './body.js';
import { Anything, ListOf, MaybeText, Names, Text } from './fields.js';
import { booleanParam, type Params } from './lenient.js';
import { listBody, parseInclude, parseListing } from './listing.js';
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
            : { admin: 'sys_admin', member: 'default' },
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

const NameParams = Type.Object({ name: Type.String() });
const NewGroup = Type.Object({
  group_name: Type.String(),
  ldap_group_dn: Type.Optional(Type.String()),
  role: Type.Optional(Type.String()),
});
const Membership = Type.Object({ username: Type.String(), group_name: Type.String() });
const RoleChange = Type.Object({ role: Type.String() });

export function addUserGroups({ scope, core, version }: Mounting): void {
  const schema = schemaOf(groupResource(version, false));
  const one = { response: { 200: schema } };
  const render = (params: Params, group: UserGroup) =>
    renderRecord(groupResource(version, booleanParam(params, '_get_data', false)), parseInclude(params), {
      ...group,
      userCount: group.users.length,
      tenantCount: group.tenants.length,
    });

  scope.get(
    '/user-groups',
    { schema: describe('User groups', 'List user groups', { response: { 200: ListOf(schema) } }) },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const resource = groupResource(version, booleanParam(request.query, '_get_data', false));
      const listing = parseListing(resource, request.query, { searches: { _search: 'name' } });
      return sendText(
        reply,
        200,
        await listBody(listing, await core.userGroups.list(callerOf(request), listing.query)),
      );
    },
  );

  scope.post<{ Body: Static<typeof NewGroup>; Querystring: Params }>(
    '/user-groups',
    { schema: describe('User groups', 'Create a user group', { body: NewGroup, response: { 201: schema } }) },
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
    { schema: describe('User groups', 'Add a user to a group', { body: Membership, ...one }) },
    async (request, reply) => {
      const { group_name, username } = request.body;
      const group = await core.userGroups.addUser(callerOf(request), group_name, username);
      return sendText(reply, 200, await render(request.query, group));
    },
  );

  scope.delete<{ Body: Static<typeof Membership>; Querystring: Params }>(
    '/user-groups/users',
    { schema: describe('User groups', 'Remove a user from a group', { body: Membership }) },
    async (request, reply) => {
      const { group_name, username } = request.body;
      const group = await core.userGroups.removeUser(callerOf(request), group_name, username);
      return sendDeleted(reply, version, await render(request.query, group));
    },
  );

  scope.get<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/user-groups/:name',
    { schema: describe('User groups', 'Get a user group', one) },
    async (request, reply) => {
      const group = await core.userGroups.get(callerOf(request), request.params.name);
      return sendText(reply, 200, await render(request.query, group));
    },
  );

  scope.post<{ Params: Static<typeof NameParams>; Body: Static<typeof RoleChange>; Querystring: Params }>(
    '/user-groups/:name',
    { schema: describe('User groups', 'Set the role of a user group', { body: RoleChange, ...one }) },
    async (request, reply) => {
      const { role } = readSystemRole(request.body.role);
      const group = await core.userGroups.setRole(callerOf(request), request.params.name, role);
      return sendText(reply, 200, await render(request.query, group));
    },
  );

  scope.delete<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/user-groups/:name',
    { schema: describe('User groups', 'Delete a user group') },
    async (request, reply) => {
      const group = await core.userGroups.remove(callerOf(request), request.params.name);
      return sendDeleted(reply, version, await render(request.query, group));
    },
  );
}
