import type { UserId } from '../ids.js';
import { systemStatement } from '../store/statement.js';

const WHY = 'makes the first tenant and user';

/** Held to the end of the transaction: many processes start at once on one empty store. */
export const lockBootstrap = systemStatement(
  'bootstrap_lock',
  `select pg_advisory_xact_lock(hashtext('orrery bootstrap'))`,
  WHY,
);

export const selectBuiltin = systemStatement<{
  id: UserId;
  username: string;
  appliedPasswordHash: string | null;
}>(
  'bootstrap_select_builtin',
  `select id, username, applied_password_hash as "appliedPasswordHash" from users where builtin for no key update`,
  WHY,
);

export const updateAppliedPassword = systemStatement(
  'bootstrap_update_applied_password',
  `update users set password_hash = $2, applied_password_hash = $2, failed_logins = 0, locked_until = null, active = true,
     authentication = 'internal', authority = null, external_id = null, console_denied = false, password_reset_required = false,
     password_expires_at = null, credential_generation = credential_generation + 1
   where id = $1`,
  WHY,
);

/** `$1` tenant, `$2` what people read. */
export const titleTenant = systemStatement(
  'bootstrap_title_tenant',
  'update tenants set title = $2 where id = $1',
  WHY,
);

export interface WayIn {
  readonly passwordHash: string | null;
  readonly appliedPasswordHash: string | null;
}

export const selectWayIn = systemStatement<WayIn>(
  'bootstrap_select_way_in',
  `select password_hash as "passwordHash", applied_password_hash as "appliedPasswordHash" from users where builtin`,
  WHY,
);

export const putBuiltin = systemStatement(
  'bootstrap_put_builtin',
  `update users set password_hash = $1, applied_password_hash = $2, failed_logins = 0, locked_until = null, active = true,
     authentication = 'internal', authority = null, external_id = null, console_denied = false, password_reset_required = false,
     password_expires_at = null, credential_generation = credential_generation + 1
   where builtin`,
  WHY,
);
