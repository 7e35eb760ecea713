/** Roles, keychains and keys (specs: layer5.md §6). */
import Type from 'typebox';
import { isUuid } from '../../membership/acting-tenant.js';
import { badRequest, WireError } from './errors.js';
import { flag, one, pageOf, readPage } from './listing.js';
import {
  type Call,
  entity,
  Id,
  MaybeId,
  MaybeText,
  MaybeTime,
  type Mounting,
  Name,
  PAGE,
  pageSchema,
  route,
  Text,
} from './routes.js';
import { camelCase } from './spelling.js';

const STAMPS = { createdAt: MaybeTime, updatedAt: MaybeTime, deletedAt: MaybeTime };
const ROLE = entity('Role', { id: Id, roleName: Text, description: Text, ...STAMPS });
export const KEYCHAIN = entity('Keychain', { id: Id, name: Text, owner: MaybeId, ...STAMPS });
export const KEY = entity('Key', {
  id: Id,
  owner: MaybeId,
  category: Text,
  subcategory: Text,
  function: Text,
  description: Text,
  ...STAMPS,
});

const RoleBody = Type.Object({ id: Type.Optional(Type.String()), roleName: Name, description: MaybeText });
const HoldersBody = Type.Array(
  Type.Object({
    id: Type.Optional(Type.String()),
    userId: Type.Optional(Type.String()),
    email: Type.Optional(Type.String()),
    roleNames: Type.Array(Type.String(), { maxItems: 100 }),
  }),
  { maxItems: 1000, title: 'RoleHolders' },
);
const HolderBody = Type.Object({
  email: Type.String({ minLength: 1 }),
  roleNames: Type.Array(Type.String(), { minItems: 1, maxItems: 100 }),
});
interface Stamped {
  readonly id: string;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
}

/** A page of what is all there at once: roles, keychains and keys are few. */
export function smallPage<Row extends Stamped>(
  call: Call,
  items: string,
  all: readonly Row[],
  nameOf: (row: Row) => string,
): unknown {
  const { page, size } = readPage(call.query);
  const search = one(call.query, 'search')?.trim().toLowerCase() ?? '';
  const found = all.filter((row) => search === '' || nameOf(row).toLowerCase().includes(search));
  const ordered = inOrder(found, one(call.query, 'order'), nameOf);
  const rows = size === null ? ordered : ordered.slice(page * size, (page + 1) * size);
  return pageOf(items, { page, size }, { rows: rows.map(whole), total: found.length });
}

function inOrder<Row extends Stamped>(
  rows: readonly Row[],
  order: string | undefined,
  nameOf: (row: Row) => string,
): readonly Row[] {
  const match = /^\s*(\w+)\s+(asc|desc)\s*$/i.exec(order ?? '');
  const field = match === null ? '' : camelCase(match[1]!);
  if (match === null || !['name', 'roleName', 'function', 'createdAt', 'updatedAt'].includes(field))
    return rows;
  const placeOf = (row: Row) => {
    const stamp = field === 'createdAt' ? row.createdAt : field === 'updatedAt' ? row.updatedAt : null;
    return field.endsWith('At') ? (stamp?.toISOString() ?? '') : nameOf(row).toLowerCase();
  };
  const sign = match[2]!.toLowerCase() === 'desc' ? -1 : 1;
  return [...rows].sort((a, b) => sign * (placeOf(a) < placeOf(b) ? -1 : placeOf(a) > placeOf(b) ? 1 : 0));
}

export const whole = (row: Stamped & { readonly name?: string }) => ({
  ...row,
  ...(row.name === undefined ? {} : { roleName: row.name }),
  deletedAt: null,
});

export function addAccess(mounting: Mounting): void {
  addRoles(mounting);
}

function addRoles(mounting: Mounting): void {
  const tag = 'Roles and keys';
  const roles = '/api/identity/orgs/:orgId/roles';
  route(
    mounting,
    'get',
    roles,
    {
      tag,
      name: 'roles_list',
      summary: 'List the roles of the organization',
      query: {
        ...PAGE,
        all: 'true: on one page',
        selector: 'Accepted; all roles are told',
        teamId: 'Accepted; roles are of the organization',
      },
      answer: pageSchema('RolePage', 'roles', ROLE),
    },
    async (call) => {
      const all = await call.core.access.roles(call.caller);
      const query = flag(call.query, 'all') === true ? { ...call.query, pagesize: 'all' } : call.query;
      return smallPage({ ...call, query }, 'roles', all, ({ name }) => name);
    },
  );
  route(
    mounting,
    'post',
    roles,
    { tag, name: 'roles_put', summary: 'Make or change a role', body: RoleBody, answer: ROLE },
    async (call) => {
      const { roleName: name, description = '' } = call.body;
      return whole(
        await call.core.access.putRole(call.caller, {
          id: uuidOrNull('id', call.body.id),
          name,
          description,
        }),
      );
    },
  );
  route(
    mounting,
    'put',
    roles,
    {
      tag,
      name: 'roles_set_holders',
      summary: 'Set the roles of members',
      body: HoldersBody,
      answer: entity('RolesSet', { message: Text, updated: Type.Integer() }),
    },
    async (call) => {
      for (const holder of call.body) {
        const user = await userMeant(call, holder.id ?? holder.userId ?? holder.email ?? '');
        await call.core.access.setRoles(call.caller, user.id, holder.roleNames);
      }
      return { message: 'Roles are set', updated: call.body.length };
    },
  );
  route(
    mounting,
    'post',
    '/api/identity/roles',
    {
      tag,
      name: 'roles_give',
      summary: 'Set the roles of a member by e-mail',
      body: HolderBody,
      status: 201,
      answer: entity('RoleHolder', { email: Text, roleNames: Type.Array(Text) }),
    },
    async (call) => {
      const user = await userMeant(call, call.body.email);
      await call.core.access.setRoles(call.caller, user.id, call.body.roleNames);
      return call.body;
    },
  );
  route(
    mounting,
    'delete',
    '/api/identity/roles/:roleId',
    { tag, name: 'roles_delete', summary: 'Delete a role; built-in roles stay' },
    async (call) => {
      await call.core.access.removeRole(call.caller, call.id('roleId', 'Role'));
      return undefined;
    },
  );
  route(
    mounting,
    'get',
    `${roles}/:roleId/keychains`,
    {
      tag,
      name: 'roles_keychains',
      summary: 'List the keychains of a role',
      query: PAGE,
      answer: pageSchema('KeychainPage', 'keychains', KEYCHAIN),
    },
    async (call) =>
      smallPage(
        call,
        'keychains',
        await call.core.access.keychains(call.caller, call.id('roleId', 'Role')),
        ({ name }) => name,
      ),
  );
  route(
    mounting,
    'post',
    `${roles}/:roleId/keychains/:keychainId`,
    {
      tag,
      name: 'roles_keychains_add',
      summary: 'Give a keychain to a role',
      answer: entity('RoleKeychain', { roleId: Id, keychainId: Id }),
    },
    async (call) => {
      const [roleId, keychainId] = [call.id('roleId', 'Role'), call.id('keychainId', 'Keychain')];
      await call.core.access.turnKeychain(call.caller, roleId, keychainId, true);
      return { roleId, keychainId };
    },
  );
  route(
    mounting,
    'delete',
    `${roles}/:roleId/keychains/:keychainId`,
    { tag, name: 'roles_keychains_remove', summary: 'Take a keychain from a role' },
    async (call) => {
      await call.core.access.turnKeychain(
        call.caller,
        call.id('roleId', 'Role'),
        call.id('keychainId', 'Keychain'),
        false,
      );
      return undefined;
    },
  );
}

async function userMeant(call: Call, word: string) {
  if (isUuid(word)) return call.core.members.keyOf(word);
  const found = word === '' ? null : await call.core.members.byEmail(word);
  if (found === null) throw new WireError(404, `There is no user ${word.slice(0, 100)}`);
  return found;
}

/** An id of a body: absent and empty mean none. @throws WireError 400 */
export function uuidOrNull(name: string, value: string | undefined): string | null {
  if (value === undefined || value === '') return null;
  if (!isUuid(value)) throw badRequest(`${name} must be a UUID`);
  return value.toLowerCase();
}
