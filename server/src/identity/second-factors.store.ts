import type { UserId } from '../ids.js';
import { systemStatement } from '../store/statement.js';

const WHY = 'second factors belong to users, and users to no tenant';

export interface FactorRow {
  readonly userId: UserId;
  readonly confirmed: boolean;
  readonly lastStep: number;
  /** Milliseconds since 1970; Infinity: until unlocked. */
  readonly lockedUntil: number | null;
}

/** One check of a user's codes at a time, in all processes together. */
export const lockFactor = systemStatement<FactorRow>(
  'second_factors_lock',
  `select f.user_id as "userId", f.confirmed_at is not null as confirmed, f.last_step as "lastStep",
     (extract(epoch from u.locked_until) * 1000)::float8 as "lockedUntil"
   from second_factors f join users u on u.id = f.user_id where f.user_id = $1 for update of f`,
  WHY,
);

export const upsertFactor = systemStatement(
  'second_factors_upsert',
  `insert into second_factors (user_id, confirmed_at) values ($1, case when $2 then now() end)
   on conflict (user_id) do update set confirmed_at = excluded.confirmed_at, last_step = 0, created_at = now()
   where second_factors.confirmed_at is null`,
  WHY,
);

export const confirmFactor = systemStatement(
  'second_factors_confirm',
  'update second_factors set confirmed_at = coalesce(confirmed_at, now()), last_step = $2 where user_id = $1',
  WHY,
);

export const updateLastStep = systemStatement(
  'second_factors_update_last_step',
  'update second_factors set last_step = $2 where user_id = $1 and last_step < $2',
  WHY,
);

export const deleteFactor = systemStatement(
  'second_factors_delete',
  'delete from second_factors where user_id = $1',
  WHY,
);
