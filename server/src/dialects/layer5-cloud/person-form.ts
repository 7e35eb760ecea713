/** How users look on this wire, and what their lists may be asked for (specs: layer5.md §5). */
import Type from 'typebox';
import { BUILT_IN_ROLES, FOLLOWING } from '../../membership/built-in-roles.js';
import type { PersonField } from '../../membership/members.js';
import type { ListFilter, ListPage } from '../../store/list.js';
import { type ListingOptions, pageOf, readFilter, type readListing, rowsOf, wordsOf } from './listing.js';
import { type Call, Count, entity, Id, MaybeTime, Opaque, pageSchema, Text, Time } from './routes.js';

const TENANT_WITH_ROLES = entity('OrganizationWithRoles', {
  id: Id,
  name: Text,
  description: Text,
  owner: Type.Union([Id, Type.Null()]),
  country: Opaque,
  region: Opaque,
  roleNames: Type.Array(Text),
  createdAt: Time,
  updatedAt: Time,
});
const TEAM_WITH_ROLES = entity('TeamWithRoles', {
  id: Id,
  name: Text,
  description: Text,
  roleNames: Type.Array(Text),
});

export const USER = entity('User', {
  id: Id,
  userId: Text,
  provider: Text,
  email: Text,
  firstName: Text,
  lastName: Text,
  avatarUrl: Text,
  status: Type.Union(['active', 'inactive', 'pending', 'anonymous'].map((word) => Type.Literal(word))),
  bio: Text,
  country: Opaque,
  region: Opaque,
  socials: Type.Array(Opaque),
  roleNames: Type.Array(Text),
  acceptedTermsAt: MaybeTime,
  firstLoginTime: MaybeTime,
  lastLoginTime: MaybeTime,
  createdAt: Time,
  updatedAt: Time,
  deletedAt: MaybeTime,
  organizations: entity('UserOrganizations', {
    organizationsWithRoles: Type.Array(TENANT_WITH_ROLES),
    totalCount: Count,
  }),
  teams: entity('UserTeams', { teamsWithRoles: Type.Array(TEAM_WITH_ROLES), totalCount: Count }),
  preferences: Type.Optional(Opaque),
});
export const STRANGER = entity('PublicUser', {
  id: Id,
  userId: Text,
  username: Text,
  firstName: Text,
  lastName: Text,
  avatarUrl: Text,
});
export const USER_PAGE = pageSchema('UserPage', 'data', USER);

export const PERSON_FIELDS: readonly PersonField[] = [
  'id',
  'username',
  'authentication',
  'email',
  'firstName',
  'lastName',
  'avatarUrl',
  'active',
  'systemRole',
  'bio',
  'country',
  'region',
  'socials',
  'firstLoginAt',
  'lastLoginAt',
  'createdAt',
  'updatedAt',
  'tenants',
  'teams',
  'tenantRole',
  'roles',
  'joinedAt',
];
export const PEOPLE: ListingOptions<PersonField> = {
  fields: PERSON_FIELDS,
  orders: { userId: 'username', lastLoginTime: 'lastLoginAt', firstLoginTime: 'firstLoginAt' },
};
export const PUBLIC_FIELDS: readonly PersonField[] = ['id', 'username', 'firstName', 'lastName', 'avatarUrl'];

interface TenantOfPerson {
  readonly tenantRole: string;
  readonly roles: readonly string[];
  readonly [key: string]: unknown;
}
export interface PersonRow {
  readonly id: string;
  readonly username: string;
  readonly authentication: string;
  readonly active: boolean;
  readonly systemRole: string;
  readonly tenants: readonly TenantOfPerson[];
  readonly teams: readonly Readonly<Record<string, unknown>>[];
  readonly tenantRole: string | null;
  readonly roles: readonly string[];
  readonly joinedAt: string | null;
  readonly [key: string]: unknown;
}

/** Names of roles, as this API has them. */
function roleNames(systemRole: string, tenantRole: string | null, beside: readonly string[]): string[] {
  return [
    ...(systemRole === 'admin' ? [FOLLOWING.admin] : []),
    ...(tenantRole === null ? [] : [tenantRole === 'manager' ? FOLLOWING.manager : FOLLOWING.member]),
    ...beside.map((role) => BUILT_IN_ROLES.find(({ id }) => id === role)?.name ?? role),
  ];
}

export function userOf(row: PersonRow): Record<string, unknown> {
  const {
    tenants,
    teams,
    systemRole,
    tenantRole,
    roles,
    active,
    authentication,
    username,
    firstLoginAt,
    lastLoginAt,
    joinedAt,
    ...rest
  } = row;
  const organizations = tenants.map(({ tenantRole: role, roles: beside, ...tenant }) => ({
    ...tenant,
    roleNames: roleNames(systemRole, role, beside),
  }));
  return {
    ...rest,
    userId: username,
    username,
    provider: authentication === 'internal' ? 'local' : authentication,
    status: active ? 'active' : 'inactive',
    roleNames: roleNames(systemRole, tenantRole, roles),
    acceptedTermsAt: null,
    firstLoginTime: firstLoginAt,
    lastLoginTime: lastLoginAt,
    ...(joinedAt === null ? {} : { joinedAt }),
    deletedAt: null,
    organizations: { organizationsWithRoles: organizations, totalCount: organizations.length },
    teams: { teamsWithRoles: teams.map((team) => ({ ...team, roleNames: [] })), totalCount: teams.length },
  };
}

export const strangerOf = (row: Readonly<Record<string, unknown>>) => ({ ...row, userId: row.username });

export function usersOf(
  listing: ReturnType<typeof readListing<PersonField>>,
  page: ListPage,
): Record<string, unknown> {
  const { rows, total } = rowsOf<PersonRow>(page);
  return pageOf('data', listing, { rows: rows.map(userOf), total });
}

/** `filter` of lists of users: `{"status":"active"}`, `{"role":["admin"]}`. */
export function personFilters(call: Call): ListFilter<PersonField>[] {
  const filter = readFilter(call.query);
  const statuses = wordsOf(filter, 'status');
  const roles = wordsOf(filter, 'provider');
  return [
    ...(statuses === undefined
      ? []
      : [{ field: 'active' as const, anyOf: statuses.map((word) => String(word === 'active')) }]),
    ...(roles === undefined
      ? []
      : [
          {
            field: 'authentication' as const,
            anyOf: roles.map((word) => (word === 'local' ? 'internal' : word)),
          },
        ]),
  ];
}
