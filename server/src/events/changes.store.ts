import type { DeploymentUid, ExecutionUid, TenantId, UserId } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

const WHY = 'one reading serves every connection of this process; each was let in by its own caller’s rights';

/** Something changed that no event tells. `state`: of an execution its status then; `created`, `deleted`; else null. */
export interface ChangeRow {
  readonly id: number;
  readonly what: 'execution' | 'deployment' | 'structure' | 'instance';
  readonly tenantId: TenantId;
  readonly executionUid: ExecutionUid | null;
  readonly deploymentUid: DeploymentUid | null;
  readonly subject: string;
  readonly state: string | null;
  /** Whose private thing it is; null: everybody in the tenant may know. */
  readonly privateTo: UserId | null;
}

/** From above `$1` up to `$2`, of tenants `$3`, in the order of ids, at most `$4`. */
export const selectChanges = systemStatement<ChangeRow>(
  'changes_select_after',
  `select c.id, c.what, c.tenant_id as "tenantId", c.execution_uid as "executionUid", c.deployment_uid as "deploymentUid", c.subject,
     c.state, c.private_to as "privateTo"
   from changes c where c.id > $1 and c.id <= $2 and c.tenant_id = any($3::bigint[]) order by c.id limit $4`,
  WHY,
);

export const selectSwept = systemStatement<{ upTo: number }>(
  'changes_swept',
  'select up_to as "upTo" from changes_swept',
  WHY,
);

/** Removes what is older than an hour, and remembers up to which id. */
export const sweepChanges = systemStatement<{ swept: number }>(
  'changes_sweep',
  `with old as (delete from changes c where c.at < now() - interval '1 hour' returning c.id),
     last as (select max(id) as id, count(*)::integer as count from old),
     kept as (update changes_swept w set up_to = greatest(w.up_to, last.id) from last where last.id is not null)
   select count as swept from last`,
  'sweeps what was noted for every tenant',
);

/** Everything noted so far is of things that are no more. */
export const forgetAllChanges = systemStatement<never>(
  'changes_forget',
  `with gone as (delete from changes) update changes_swept set up_to = next_news_id()`,
  'the whole installation is replaced',
);

/** An instance `$3` of deployment `$2` was changed by hand. */
export const insertInstanceChange = tenantStatement<never>(
  'changes_insert_instance',
  `select note_change(d.tenant_id, 'instance', null, d.uid, $3, null, case when d.visibility = 'private' then d.created_by end)
   from deployments d where d.tenant_id = $1 and d.uid = $2`,
);
