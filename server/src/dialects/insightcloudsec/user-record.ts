/** Users as this vendor tells them, and how their members are looked up. */
import { type Static, Type } from 'typebox';
import type { Membership, Profile, ProfileField } from '../../identity/profiles.js';
import { nameOf } from '../../identity/profiles.js';
import type { SystemRole, TenantRole } from '../../identity/roles.js';
import { type UserType as CoreUserType, userType, userTypeOf } from '../../identity/user-types.js';
import type { ListQuery } from '../../store/list.js';
import type { Call } from './endpoint.js';
import { invalidInput } from './errors.js';
import { Flag, Int, RecordTime, Text } from './fields.js';
import { unknown, userNumber, userResourceId } from './ids.js';
import type { WireFields } from './listing.js';
import { maybeTime, recordTime } from './times.js';

export const User = Type.Object(
  {
    resource_id: Text,
    user_id: Int,
    username: Text,
    name: Text,
    email_address: Text,
    organization_id: Type.Optional(Int),
    organization_name: Type.Optional(Text),
    organization_admin: Flag,
    domain_admin: Flag,
    domain_viewer: Flag,
    access_level: Type.String({
      description: 'BASIC_USER, ORGANIZATION_ADMIN, DOMAIN_VIEWER or DOMAIN_ADMIN',
    }),
    authentication_type: Text,
    server_name: Type.Optional(Text),
    two_factor_enabled: Flag,
    two_factor_required: Flag,
    groups: Int,
    owned_resources: Int,
    consecutive_failed_login_attempts: Int,
    suspended: Flag,
    last_login_time: Type.Optional(RecordTime),
    navigation_blacklist: Type.Array(Text),
    require_pw_reset: Flag,
    console_access_denied: Flag,
    active_api_key_present: Flag,
    api_key_generation_allowed: Flag,
    create_date: RecordTime,
  },
  { title: 'User' },
);

export const USER_FIELDS: WireFields<ProfileField> = {
  user_id: { field: 'id', as: 'integer' },
  username: { field: 'username' },
  name: { field: 'name' },
  email_address: { field: 'email' },
  last_login_time: { field: 'lastLoginAt', as: 'time' },
  create_date: { field: 'createdAt', as: 'time' },
  suspended: { field: 'locked', as: 'boolean' },
  require_pw_reset: { field: 'passwordResetRequired', as: 'boolean' },
  console_access_denied: { field: 'consoleDenied', as: 'boolean' },
  active_api_key_present: { field: 'hasKey', as: 'boolean' },
  two_factor_enabled: { field: 'secondFactor', as: 'boolean' },
  two_factor_required: { field: 'secondFactorRequired', as: 'boolean' },
  consecutive_failed_login_attempts: { field: 'failedLogins', as: 'integer' },
};

const NAMES = [
  'id',
  'username',
  'email',
  'firstName',
  'lastName',
  'displayName',
  'systemRole',
  'groupRoles',
  'active',
  'locked',
  'failedLogins',
  'authentication',
  'authority',
  'keysAllowed',
  'consoleDenied',
  'passwordResetRequired',
  'secondFactor',
  'secondFactorRequired',
  'hasKey',
  'memberships',
  'groups',
  'createdAt',
  'lastLoginAt',
] as const satisfies readonly ProfileField[];

export const USER_SHAPE = Object.fromEntries(
  NAMES.map((name) => [name, name]),
) as ListQuery<ProfileField>['shape'];

/** A profile, read from the store or from a list, where times are texts. */
export type UserFacts = Pick<Profile, Exclude<(typeof NAMES)[number], 'createdAt' | 'lastLoginAt'>> & {
  readonly createdAt: Date | string;
  readonly lastLoginAt: Date | string | null;
};

/** @param tenant the organisation that is looked at; null: none */
export function accessLevelOf(
  { systemRole, groupRoles, memberships }: Pick<UserFacts, 'systemRole' | 'groupRoles' | 'memberships'>,
  tenant: number | null,
): string {
  const own = memberships.find(({ id }) => id === tenant)?.roles ?? [];
  const held = { systemRole, groupSystemRoles: groupRoles, tenantRoles: own };
  return userTypeOf('insightcloudsec', held)?.type ?? 'BASIC_USER';
}

/** Their organisation: the one that is looked at, where they are in it, else their first. Domain users have none of their own. */
function homeOf({ memberships }: UserFacts, tenant: number | null): Membership | undefined {
  return memberships.find(({ id }) => id === tenant) ?? memberships[0];
}

export interface Looking {
  /** The organisation that is looked at. */
  readonly tenant: { readonly id: number; readonly title: string } | null;
  readonly owned: ReadonlyMap<number, number>;
}

export function renderUser(user: UserFacts, { tenant, owned }: Looking): Static<typeof User> {
  const level = accessLevelOf(user, tenant?.id ?? null);
  const isOfDomain = level.startsWith('DOMAIN_');
  const home = isOfDomain ? tenant : homeOf(user, tenant?.id ?? null);
  return {
    resource_id: userResourceId(user.id),
    user_id: user.id,
    username: user.username,
    name: nameOf(user),
    email_address: user.email ?? '',
    ...(home === null || home === undefined
      ? {}
      : { organization_id: home.id, organization_name: home.title }),
    organization_admin: level === 'ORGANIZATION_ADMIN',
    domain_admin: level === 'DOMAIN_ADMIN',
    domain_viewer: level === 'DOMAIN_VIEWER',
    access_level: level,
    authentication_type: user.authentication === 'api-only' ? 'internal' : user.authentication,
    ...(user.authority === null ? {} : { server_name: user.authority }),
    two_factor_enabled: user.secondFactor,
    two_factor_required: user.secondFactorRequired,
    groups: user.groups.length,
    owned_resources: owned.get(user.id) ?? 0,
    consecutive_failed_login_attempts: user.failedLogins,
    suspended: user.locked || !user.active,
    ...maybeTime('last_login_time', user.lastLoginAt),
    navigation_blacklist: [],
    require_pw_reset: user.passwordResetRequired,
    console_access_denied: user.consoleDenied,
    active_api_key_present: user.hasKey,
    api_key_generation_allowed:
      user.keysAllowed || level === 'DOMAIN_ADMIN' || level === 'ORGANIZATION_ADMIN',
    create_date: recordTime(user.createdAt),
  };
}

/** What is around users that are told: the organisation of the call, and what they own in it. */
export async function lookingAt(
  { core, caller }: Pick<Call<unknown>, 'core' | 'caller'>,
  users: readonly { readonly id: number }[],
): Promise<Looking> {
  const { tenant } = caller;
  const title = tenant === null ? '' : (await core.tenantProfiles.get(caller, { id: tenant.id })).title;
  return {
    tenant: tenant === null ? null : { id: tenant.id, title },
    owned: await core.inventoryResources.countOwned(
      caller,
      users.map(({ id }) => id),
    ),
  };
}

export async function toldUser(
  call: Pick<Call<unknown>, 'core' | 'caller'>,
  user: UserFacts,
): Promise<Static<typeof User>> {
  return renderUser(user, await lookingAt(call, [user]));
}

/** Of a path. @throws DomainError `not-found` */
export async function userAt(
  { core, caller }: Pick<Call<unknown>, 'core' | 'caller'>,
  given: unknown,
): Promise<Profile> {
  const id = userNumber(given);
  if (id === null) throw unknown('User', given);
  return core.profiles.get(caller, { id });
}

/** In a body: a bad reference is a mistake in it, an unknown one is not found. */
export async function userNamed(
  call: Pick<Call<unknown>, 'core' | 'caller'>,
  given: unknown,
): Promise<Profile> {
  if (given === undefined || given === '') throw invalidInput('user_id', 'Missing user_id');
  if (userNumber(given) === null) {
    throw invalidInput('user_id', `user_id is a number, not "${String(given).slice(0, 50)}"`);
  }
  return userAt(call, given);
}

/** @throws DomainError `invalid` */
export function levelNamed(field: string, level: string): CoreUserType {
  const found = userType('insightcloudsec', level.trim().toUpperCase());
  if (found !== null) return found;
  throw invalidInput(
    field,
    `"${level.slice(0, 50)}" is no access level: BASIC_USER, ORGANIZATION_ADMIN, DOMAIN_VIEWER, DOMAIN_ADMIN are`,
  );
}

/** What a level gives in an organisation. */
export function rolesOf(level: CoreUserType): {
  readonly systemRole: SystemRole;
  readonly tenantRole: TenantRole | null;
} {
  return { systemRole: level.systemRole, tenantRole: level.tenantRole };
}
