import { systemStatement } from '../store/statement.js';

const WHY = 'users belong to no tenant';

/** Since the last success or the end of a lock, and after `$5`: when failures were, with this one. */
const RECENT = `array(
  select f.at from unnest(case when failed_logins = 0 or locked_until <= $2 then '{}' else failed_at end) as f(at)
  where f.at > $5::timestamptz order by f.at) || $2::timestamptz`;

/**
 * One more failure in a row, at `$2`; a lock that is over starts the count anew. With `$3` failures since `$5`, the account is
 * locked until `$4`. `locked`: this failure did it.
 */
export const updateForFailure = systemStatement<{ locked: boolean }>(
  'credentials_update_for_failure',
  `update users set
     failed_logins = case when locked_until <= $2 then 1 else failed_logins + 1 end,
     failed_at = ${RECENT},
     locked_until = case when cardinality(${RECENT}) >= $3 then $4::timestamptz end
   where id = $1 and (locked_until is null or locked_until <= $2)
   returning locked_until is not null as locked`,
  WHY,
);

export const updateForSuccess = systemStatement(
  'credentials_update_for_success',
  'update users set failed_logins = 0, locked_until = null where id = $1 and (locked_until is null or locked_until <= $2)',
  WHY,
);

export const updateRehashed = systemStatement(
  'credentials_update_rehashed',
  'update users set password_hash = $3 where id = $1 and password_hash = $2',
  WHY,
);

export const updateLastLogins = systemStatement(
  'credentials_update_last_logins',
  `update users u set last_login_at = greatest(u.last_login_at, used.at), first_login_at = coalesce(u.first_login_at, used.at)
   from unnest($1::bigint[], $2::timestamptz[]) as used (id, at) where u.id = used.id`,
  WHY,
);
