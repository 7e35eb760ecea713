import { systemStatement, tenantStatement } from '../store/statement.js';

export interface KeptRow {
  readonly isSame: boolean;
  readonly claim: string;
  readonly isClaimed: boolean;
  readonly changed: boolean;
  readonly status: number | null;
  readonly body: string | null;
}

/** `$2` user, `$3` key, `$4` digest, `$5` claim, `$6` seconds that it stands. No row: somebody has had the key before. */
export const insertClaim = tenantStatement<{ claim: string }>(
  'answers_claim',
  `insert into kept_answers (tenant_id, user_id, key, digest, claim, claimed_until)
   values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6)) on conflict do nothing returning claim`,
);

export const selectKept = tenantStatement<KeptRow>(
  'answers_select',
  `select k.digest = $4 as "isSame", k.claim, k.claimed_until > now() as "isClaimed", k.changed, k.status, k.body
   from kept_answers k where k.tenant_id = $1 and k.user_id = $2 and k.key = $3`,
);

/** Takes over from `$4`, whose time is up: as `$5`, for `$6` seconds. */
export const takeOver = tenantStatement<{ changed: boolean }>(
  'answers_take_over',
  `update kept_answers k set claim = $5, claimed_until = now() + make_interval(secs => $6)
   where k.tenant_id = $1 and k.user_id = $2 and k.key = $3 and k.claim = $4 and k.claimed_until <= now() and k.status is null
   returning k.changed`,
);

/** In the transaction of the change, and only for the claim that stands. */
export const markChanged = tenantStatement<never>(
  'answers_mark_changed',
  `update kept_answers k set changed = true
   where k.tenant_id = $1 and k.user_id = $2 and k.key = $3 and k.claim = $4 and not k.changed`,
);

export const keepAnswer = tenantStatement<never>(
  'answers_keep',
  `update kept_answers k set changed = true, status = $5, body = $6
   where k.tenant_id = $1 and k.user_id = $2 and k.key = $3 and k.claim = $4`,
);

/** Nothing was changed: the key is free again. Where something was, whoever comes next need not wait. */
export const dropClaim = tenantStatement<never>(
  'answers_drop',
  `with freed as (
     update kept_answers k set claimed_until = now() where k.tenant_id = $1 and k.user_id = $2 and k.key = $3 and k.claim = $4 and k.changed)
   delete from kept_answers k where k.tenant_id = $1 and k.user_id = $2 and k.key = $3 and k.claim = $4 and not k.changed`,
);

export const sweepAnswers = systemStatement<never>(
  'answers_sweep',
  `delete from kept_answers where created_at < now() - interval '24 hours'`,
  'answers of all tenants are kept equally long',
);
