/** Users, and the one who asks (specs: cloudbolt.md §5.7, §5.8). */
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Caller } from '../../caller.js';
import type { UserType } from '../../identity/user-types.js';
import type { OrdererField } from '../../ordering/orderers.js';
import { callerOf } from './auth.js';
import { type Body, bodyOf } from './body.js';
import { wireTime } from './dates.js';
import { badRequest } from './errors.js';
import { groupLinks, orderableBody } from './groups.js';
import { globalId, readHref } from './hrefs.js';
import type { Query } from './listing.js';
import { boolean, integer, text, time } from './paths.js';
import {
  type Asked,
  AttributesQuery,
  addCollection,
  type Collection,
  HalItem,
  ItemParams,
  itemOf,
  type Mounting,
  rowOf,
  sendHal,
} from './resource.js';
import { booleanMember, listMember, member, required, textMember } from './values.js';

interface UserRow {
  readonly number: number;
  readonly username: string;
  /** As people call them. */
  readonly name: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly superAdmin: boolean;
  readonly admin: boolean;
  readonly viewer: boolean;
  readonly active: boolean;
  readonly apiAccess: boolean;
  readonly lastActivity: string | null;
}

export const USERS: Collection<OrdererField, UserRow> = {
  name: 'users',
  tag: 'Users',
  thing: 'user',
  paths: {
    id: integer('number'),
    pk: integer('number'),
    name: text('username'),
    'user.username': text('username'),
    'user.first-name': text('firstName'),
    'user.last-name': text('lastName'),
    'user.email': text('email'),
    'user.is-superuser': boolean('superAdmin'),
    'user.is-active': boolean('active'),
    'user.date-joined': time('createdAt'),
    'super-admin': boolean('superAdmin'),
    'devops-admin': boolean('admin'),
    'global-viewer': boolean('viewer'),
    'api-access': boolean('apiAccess'),
    'last-activity-time': time('lastActivity'),
  },
  reads: [
    ...(['number', 'username', 'name', 'firstName', 'lastName', 'email', 'superAdmin'] as const),
    ...(['admin', 'viewer', 'active', 'apiAccess', 'lastActivity'] as const),
  ],
  title: ({ name }) => name,
  thin: ({ name, username, number }) => ({ name, 'user.username': username, id: String(number) }),
  list: (core, caller, query) => core.orderers.list(caller, query),
  item: userItem,
};

async function userItem({ core, caller, hrefs, row }: Asked<UserRow>) {
  const groups = await core.orderers.groupsOf(caller, row.number);
  return {
    _links: {
      self: hrefs.link('users', { ...row, title: row.name }),
      groups: groupLinks(hrefs, groups),
      'orderable-groups': orderableSelf(hrefs, row),
    },
    name: row.name,
    'user.username': row.username,
    id: String(row.number),
    'global-id': globalId('users', row),
    'user.first-name': row.firstName,
    'user.last-name': row.lastName,
    'user.email': row.email,
    'user.is-superuser': row.superAdmin,
    'user.is-active': row.active,
    'super-admin': row.superAdmin,
    'devops-admin': row.admin,
    'api-access': row.apiAccess,
    'global-viewer': row.viewer,
    'last-activity-time': wireTime(row.lastActivity),
  };
}

function orderableSelf(hrefs: Mounting['hrefs'], row: UserRow) {
  return {
    href: hrefs.below('users', row, 'orderable-groups'),
    title: `Orderable Groups Where '${row.name}' Is A Requestor`,
  };
}

const NewUser = Type.Object(
  {
    username: Type.String(),
    password: Type.String(),
    'first-name': Type.Optional(Type.String()),
    'last-name': Type.Optional(Type.String()),
    email: Type.Optional(Type.String()),
    'super-admin': Type.Optional(Type.Boolean()),
    'global-viewer': Type.Optional(Type.Boolean()),
    'devops-admin': Type.Optional(Type.Boolean()),
    'api-access': Type.Optional(Type.Boolean()),
    groups: Type.Optional(
      Type.Array(
        Type.Object({
          group: Type.String({ description: 'Link' }),
          roles: Type.Array(
            Type.String({ description: 'viewer requestor approver resource_admin group_admin' }),
          ),
        }),
      ),
    ),
  },
  { title: 'NewUser' },
);

export function addUsers(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  addCollection(mounting, USERS);

  scope.post(
    '/users',
    {
      schema: {
        tags: ['Users'],
        operationId: 'users_create',
        summary: 'Make a user',
        body: NewUser,
        response: { 201: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const body = bodyOf(request);
      const roles = await Promise.all(
        (listMember(body, 'groups') ?? []).map(async (each) => {
          const key = readHref('groups', groupOf(each), ['groups']);
          return { group: await core.groups.find(caller, key), roles: rolesOf(each) };
        }),
      );
      const made = await core.orderers.create(caller, newUserOf(body, caller), roles);
      return sendHal(request, reply, await itemOf(USERS, { core, caller, hrefs }, String(made)), 201);
    },
  );

  scope.delete<{ Params: { id: string } }>(
    '/users/:id',
    {
      schema: {
        tags: ['Users'],
        operationId: 'users_delete',
        summary: 'Delete a user who has nothing left',
        params: ItemParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { username } = await rowOf(USERS, { core, caller }, request.params.id);
      await core.orderers.remove(caller, username);
      return reply.code(204).send();
    },
  );

  scope.get<{ Params: { id: string } }>(
    '/users/:id/orderable-groups',
    {
      schema: {
        tags: ['Users'],
        operationId: 'users_orderable_groups',
        summary: 'Groups in which the user may order',
        params: ItemParams,
        response: { 200: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const row = await rowOf(USERS, { core, caller }, request.params.id);
      const groups = await core.orderers.orderableGroups(caller, row.number);
      return sendHal(request, reply, orderableBody(mounting, 'groups', orderableSelf(hrefs, row), groups));
    },
  );

  scope.get(
    '/user',
    {
      schema: {
        tags: ['Users'],
        operationId: 'user_get',
        summary: 'The user who asks',
        querystring: Type.Object(AttributesQuery),
        response: { 200: HalItem },
      },
    },
    async (request: FastifyRequest<{ Querystring: Query }>, reply) => {
      const caller = callerOf(request);
      const item = await itemOf(USERS, { core, caller, hrefs }, String(caller.userId), request.query);
      return sendHal(request, reply, item);
    },
  );
}

type SystemRole = UserType['systemRole'];

function newUserOf(body: Body, caller: Caller) {
  const given = (name: string) => textMember(body, name);
  const [firstName, lastName, email] = [given('first-name'), given('last-name'), given('email')];
  const systemRole: SystemRole = booleanMember(body, 'super-admin')
    ? 'admin'
    : booleanMember(body, 'global-viewer')
      ? 'auditor'
      : 'member';
  const isManager = booleanMember(body, 'devops-admin') === true;
  const apiAccess = booleanMember(body, 'api-access');
  return {
    username: required('username', given('username')),
    password: required('password', given('password')),
    systemRole,
    ...(isManager ? { tenants: [{ id: caller.tenant!.id, role: 'manager' as const }] } : {}),
    ...(firstName === undefined ? {} : { firstName }),
    ...(lastName === undefined ? {} : { lastName }),
    ...(email === undefined ? {} : { email }),
    ...(apiAccess === undefined ? {} : { apiAccess }),
  };
}

function groupOf(given: unknown): unknown {
  if (typeof given !== 'object' || given === null) throw wrongGroups();
  return required('groups.group', member(given as Body, 'group'));
}

function rolesOf(given: unknown): readonly string[] {
  const roles = listMember(given as Body, 'roles', 20) ?? [];
  if (!roles.every((role) => typeof role === 'string')) throw wrongGroups();
  return roles as readonly string[];
}

function wrongGroups(): Error {
  return badRequest(`Invalid value for 'groups': it should be a list of {"group": link, "roles": [names]}`);
}
