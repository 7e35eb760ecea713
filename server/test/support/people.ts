/**
 * People for tests: the real services of `identity` on a real database, with password hashes that cost nothing.
 *
 *   const house = await people(pool);
 *   const ada = await house.member('ada', { default_tenant: 'user' });   // a Caller in that tenant
 */
import type { Caller } from '../../src/caller.js';
import { bootstrap, FIRST_USER } from '../../src/identity/bootstrap.js';
import { Callers } from '../../src/identity/callers.js';
import { PASSWORD_HASH_DEFAULTS, PasswordHash } from '../../src/identity/password-hash.js';
import type { TenantRole } from '../../src/identity/roles.js';
import { DEFAULT_TENANT, Tenants } from '../../src/identity/tenants.js';
import { UserGroups } from '../../src/identity/user-groups.js';
import { Users } from '../../src/identity/users.js';
import type { Pool } from '../../src/store/pool.js';

export const ADMIN_PASSWORD = 'admin password';

export interface People {
  readonly passwordHash: PasswordHash;
  readonly tenants: Tenants;
  readonly users: Users;
  readonly userGroups: UserGroups;
  readonly callers: Callers;
  /** The first administrator, in the default tenant. */
  readonly admin: Caller;
  /**
   * A new user with these roles, as a caller in the first tenant named (or in none). Tenants are made where they are
   * missing. The password is `<username> password`.
   */
  member(username: string, roles?: Readonly<Record<string, TenantRole>>): Promise<Caller>;
  /** Somebody who is there already, with what they may do now. */
  as(username: string, tenant?: string | null): Promise<Caller>;
}

export async function people(pool: Pool): Promise<People> {
  const passwordHash = new PasswordHash({ ...PASSWORD_HASH_DEFAULTS, memoryKib: 64, passes: 1 });
  await bootstrap(pool, { adminPassword: ADMIN_PASSWORD, passwordFile: '/nonexistent/unused' }, passwordHash);
  const tenants = new Tenants({ pool });
  const users = new Users({ pool, passwordHash });
  const userGroups = new UserGroups({ pool });
  const callers = new Callers({ pool });
  const as = (username: string, tenant: string | null = DEFAULT_TENANT) =>
    callers.actingAs(username, tenant, 'test');
  const admin = await as(FIRST_USER);
  return {
    passwordHash,
    tenants,
    users,
    userGroups,
    callers,
    admin,
    as,
    async member(username, roles = {}) {
      await users.create(admin, { username, password: `${username} password`, role: 'member' });
      for (const [tenant, role] of Object.entries(roles)) {
        const { rowCount } = await pool.query('select from tenants where name = $1', [tenant]);
        if (rowCount === 0) await tenants.create(admin, tenant);
        await tenants.addUser(admin, tenant, username, role);
      }
      return as(username, Object.keys(roles)[0] ?? null);
    },
  };
}
