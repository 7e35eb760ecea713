import { systemStatement } from '../store/statement.js';

const WHY = 'users belong to no tenant';

/** One more failure in a row; a lock that is over starts the count anew. `locked`: this failure locked the account. */
export const updateForFailure = systemStatement<{ locked: boolean }>(
  'credentials_update_for_failure',
  `update users set
     failed_logins = case when locked_until <= $2 then 1 else failed_logins + 1 end,
     locked_until = case when (case when locked_until <= $2 then 1 else failed_logins + 1 end) > $3
                    then $4::timestamptz end
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
