/**
 * How each vendor's types of users are ours. One table, so that nobody invents a mapping of their own: a type is a system role
 * (what somebody is in the whole installation), and a role in a tenant. Pure; docs/identity.md repeats the table, and a test
 * keeps them equal.
 *
 * What a vendor's type cannot do although our roles would allow it is the dialect's to refuse; what it may do and our roles
 * forbid does not exist.
 */
import { isAdmin, type RolesHeld, reachesEveryTenant, type SystemRole, type TenantRole } from './roles.js';

export interface UserType {
  readonly dialect: 'cloudify-v3' | 'cloudbolt-v2' | 'insightcloudsec' | 'layer5-cloud';
  /** As the vendor's documents spell it. */
  readonly type: string;
  readonly systemRole: SystemRole;
  /** In the tenant that the type is given in; null: none comes with it. */
  readonly tenantRole: TenantRole | null;
  readonly meaning: string;
}

export const USER_TYPES = [
  {
    dialect: 'cloudify-v3',
    type: 'sys_admin',
    systemRole: 'admin',
    tenantRole: null,
    meaning: 'everything, everywhere',
  },
  {
    dialect: 'cloudify-v3',
    type: 'default',
    systemRole: 'member',
    tenantRole: null,
    meaning: 'what roles in tenants give',
  },
  {
    dialect: 'cloudify-v3',
    type: 'auditor',
    systemRole: 'auditor',
    tenantRole: null,
    meaning: 'reads in every tenant; our own word',
  },
  {
    dialect: 'cloudify-v3',
    type: 'manager',
    systemRole: 'member',
    tenantRole: 'manager',
    meaning: 'the tenant, its settings, its members',
  },
  {
    dialect: 'cloudify-v3',
    type: 'user',
    systemRole: 'member',
    tenantRole: 'user',
    meaning: 'uploads, deploys, runs',
  },
  {
    dialect: 'cloudify-v3',
    type: 'operations',
    systemRole: 'member',
    tenantRole: 'operations',
    meaning: 'deploys and runs what is there',
  },
  {
    dialect: 'cloudify-v3',
    type: 'viewer',
    systemRole: 'member',
    tenantRole: 'viewer',
    meaning: 'reads in the tenant',
  },
  {
    dialect: 'cloudbolt-v2',
    type: 'super admin',
    systemRole: 'admin',
    tenantRole: null,
    meaning: 'everything, everywhere',
  },
  {
    dialect: 'cloudbolt-v2',
    type: 'CB admin',
    systemRole: 'member',
    tenantRole: 'manager',
    meaning: 'administers offers, handlers and parameters; the wire says devops-admin',
  },
  {
    dialect: 'cloudbolt-v2',
    type: 'global viewer',
    systemRole: 'auditor',
    tenantRole: null,
    meaning: 'reads everything',
  },
  {
    dialect: 'cloudbolt-v2',
    type: 'user',
    systemRole: 'member',
    tenantRole: null,
    meaning: 'what roles in groups allow, checked there',
  },
  {
    dialect: 'insightcloudsec',
    type: 'DOMAIN_ADMIN',
    systemRole: 'admin',
    tenantRole: null,
    meaning: 'every organisation',
  },
  {
    dialect: 'insightcloudsec',
    type: 'DOMAIN_VIEWER',
    systemRole: 'auditor',
    tenantRole: null,
    meaning: 'reads every organisation',
  },
  {
    dialect: 'insightcloudsec',
    type: 'ORGANIZATION_ADMIN',
    systemRole: 'member',
    tenantRole: 'manager',
    meaning: 'their own organisation',
  },
  {
    dialect: 'insightcloudsec',
    type: 'BASIC_USER',
    systemRole: 'member',
    tenantRole: 'viewer',
    meaning: 'reads what their roles cover',
  },
  {
    dialect: 'layer5-cloud',
    type: 'admin',
    systemRole: 'admin',
    tenantRole: null,
    meaning: 'provider admin: a member of every organisation',
  },
  {
    dialect: 'layer5-cloud',
    type: 'organization admin',
    systemRole: 'member',
    tenantRole: 'manager',
    meaning: 'the organisation and its members',
  },
  {
    dialect: 'layer5-cloud',
    type: 'organization billing manager',
    systemRole: 'member',
    tenantRole: 'viewer',
    meaning: 'reads; there is no billing here',
  },
  {
    dialect: 'layer5-cloud',
    type: 'team admin',
    systemRole: 'member',
    tenantRole: 'user',
    meaning: 'as user; their teams are checked there',
  },
  {
    dialect: 'layer5-cloud',
    type: 'workspace admin',
    systemRole: 'member',
    tenantRole: 'user',
    meaning: 'as user; their workspaces are checked there',
  },
  {
    dialect: 'layer5-cloud',
    type: 'workspace manager',
    systemRole: 'member',
    tenantRole: 'user',
    meaning: 'as user; their workspaces are checked there',
  },
  {
    dialect: 'layer5-cloud',
    type: 'curator',
    systemRole: 'member',
    tenantRole: 'user',
    meaning: 'as user; reviews the catalogue, checked there',
  },
  {
    dialect: 'layer5-cloud',
    type: 'user',
    systemRole: 'member',
    tenantRole: 'user',
    meaning: 'designs, deploys, reads',
  },
] as const satisfies readonly UserType[];

export type DialectWithUserTypes = UserType['dialect'];

/** What a vendor's type is here; null: no such type. */
export function userType(dialect: DialectWithUserTypes, type: string): UserType | null {
  return USER_TYPES.find((known) => known.dialect === dialect && known.type === type) ?? null;
}

/**
 * The vendor's type that says most of what somebody is, the system role first; null where none does. `tenantRoles` are those in
 * the tenant that is looked at.
 */
export function userTypeOf(dialect: DialectWithUserTypes, held: RolesHeld): UserType | null {
  const types = USER_TYPES.filter((known) => known.dialect === dialect);
  if (reachesEveryTenant(held)) {
    const systemRole = isAdmin(held) ? 'admin' : 'auditor';
    return types.find((known) => known.systemRole === systemRole) ?? null;
  }
  const order: readonly TenantRole[] = ['manager', 'user', 'operations', 'viewer'];
  const strongest = order.findIndex((role) => held.tenantRoles.includes(role));
  const inTenants = types.filter((known) => known.systemRole === 'member' && known.tenantRole !== null);
  if (strongest === -1) return null;
  // A vendor without the role has the strongest weaker one.
  for (const role of order.slice(strongest)) {
    const exact = inTenants.filter((known) => known.tenantRole === role).at(-1);
    if (exact !== undefined) return exact;
  }
  return null;
}
