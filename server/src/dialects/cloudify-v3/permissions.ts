/** Roles and what they may do, in Cloudify's words. The roles of this server are fixed: see `identity/roles.ts`. */
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { requirePermission } from '../../caller.js';
import { SYSTEM_ROLE_PERMISSIONS, TENANT_ROLE_PERMISSIONS } from '../../identity/roles.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe } from './described.js';
import { badParameters, CloudifyError, notFoundAs } from './errors.js';
import { ListOf, Text } from './fields.js';
import type { Params } from './lenient.js';
import type { Mounting } from './mounting.js';
import { PERMISSION_WORDS } from './permission-words.js';
import { smallList, smallListQuery } from './small-list.js';

const FIELDS = ['role', 'permission'];
const Holding = Type.Object({ role: Text, permission: Text }, { title: 'Permission' });

/** Each role with the permissions that it gives by itself. */
const ROLES = new Map([
  ['sys_admin', SYSTEM_ROLE_PERMISSIONS.admin],
  ['auditor', SYSTEM_ROLE_PERMISSIONS.auditor],
  ...Object.entries(TENANT_ROLE_PERMISSIONS),
  ['default', SYSTEM_ROLE_PERMISSIONS.member],
] as const);

/** The permissions of a role, in Cloudify's words. */
export function wordsOf(role: string): string[] {
  const held = ROLES.get(role as 'sys_admin');
  if (held === undefined) throw notFoundAs('Role', role);
  return Object.entries(PERMISSION_WORDS)
    .filter(([, ours]) => held.has(ours))
    .map(([word]) => word);
}

export function addPermissions({ scope }: Mounting): void {
  const answer = { querystring: Type.Object(smallListQuery(FIELDS)), response: { 200: ListOf(Holding) } };
  const told = (roles: readonly string[]) =>
    roles.flatMap((role) => wordsOf(role).map((permission) => ({ role, permission })));

  scope.get(
    '/permissions',
    { schema: describe('Manager', 'permissions_list', 'List what each role may do', answer) },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      requirePermission(callerOf(request), 'users.manage');
      return sendText(reply, 200, smallList(told([...ROLES.keys()]), FIELDS, request.query));
    },
  );
  scope.get<{ Params: { role: string }; Querystring: Params }>(
    '/permissions/:role',
    {
      schema: describe('Manager', 'permissions_role', 'List what a role may do', {
        params: Type.Object({ role: Text }),
        ...answer,
      }),
    },
    async (request, reply) => {
      requirePermission(callerOf(request), 'users.manage');
      return sendText(reply, 200, smallList(told([request.params.role]), FIELDS, request.query));
    },
  );

  const one = { params: Type.Object({ role: Text, permission: Text }), response: { 200: Holding } };
  const fixed = (
    request: FastifyRequest<{ Params: { role: string; permission: string } }>,
    wanted: boolean,
  ) => {
    requirePermission(callerOf(request), 'users.manage');
    const { role, permission } = request.params;
    const holds = wordsOf(role).includes(permission);
    if (!Object.hasOwn(PERMISSION_WORDS, permission))
      throw badParameters(`There is no permission \`${permission}\``);
    if (holds && wanted) {
      throw new CloudifyError(
        409,
        'conflict_error',
        `Role \`${role}\` has permission \`${permission}\` already`,
      );
    }
    if (!holds && !wanted) throw notFoundAs('Permission', permission);
    throw new CloudifyError(
      400,
      'illegal_action_error',
      'The roles of this server are fixed and cannot be changed',
    );
  };
  scope.put<{ Params: { role: string; permission: string } }>(
    '/permissions/:role/:permission',
    {
      schema: describe(
        'Manager',
        'permissions_add',
        'Give a role a permission: refused, roles are fixed',
        one,
      ),
    },
    async (request) => fixed(request, true),
  );
  scope.delete<{ Params: { role: string; permission: string } }>(
    '/permissions/:role/:permission',
    {
      schema: describe(
        'Manager',
        'permissions_remove',
        'Take a permission from a role: refused, roles are fixed',
        one,
      ),
    },
    async (request) => fixed(request, false),
  );
}
