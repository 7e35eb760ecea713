import type { PreparedPlan } from '../dsl/plan.js';
import type { BlueprintUid } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';
import type { UpdateWishes } from './planning/update-plan.js';

export type UpdateState =
  | 'updating'
  | 'executing-workflow'
  | 'finalizing'
  | 'successful'
  | 'failed'
  | 'preview';

export type UpdateField =
  | 'id'
  | 'deploymentId'
  | 'executionId'
  | 'state'
  | 'oldBlueprint'
  | 'newBlueprint'
  | 'oldInputs'
  | 'newInputs'
  | 'steps'
  | 'nodes'
  | 'instances'
  | 'createdAt'
  | 'endedAt'
  | 'visibility'
  | 'tenantName'
  | 'createdBy';

export const updateList: ListSpec<UpdateField> = {
  from: `deployment_updates p
    join deployments d on d.uid = p.deployment_uid
    join tenants t on t.id = p.tenant_id
    join users u on u.id = p.created_by
    left join executions x on x.uid = p.execution_uid`,
  fields: {
    id: { sql: 'p.id', type: 'text' },
    deploymentId: { sql: 'd.id', type: 'text' },
    executionId: { sql: 'x.id', type: 'text' },
    state: { sql: 'p.state', type: 'text' },
    oldBlueprint: { sql: 'p.old_blueprint', type: 'text' },
    newBlueprint: { sql: 'p.new_blueprint', type: 'text' },
    oldInputs: { sql: 'p.old_inputs', type: 'json' },
    newInputs: { sql: 'p.new_inputs', type: 'json' },
    steps: { sql: 'p.steps', type: 'json' },
    nodes: { sql: 'p.nodes', type: 'json' },
    instances: { sql: 'p.instances', type: 'json' },
    createdAt: { sql: 'p.created_at', type: 'time' },
    endedAt: { sql: 'p.ended_at', type: 'time' },
    visibility: { sql: 'd.visibility', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
  },
  confine: ownTenant('d', { visibility: true }),
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 'p.uid',
  search: ['id'],
};

export const insertUpdate = tenantStatement<never>(
  'update_insert',
  `insert into deployment_updates (tenant_id, deployment_uid, id, execution_uid, state, old_blueprint, new_blueprint, new_blueprint_uid, old_inputs,
     new_inputs, wishes, steps, plan, created_by, ended_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, case when $5 = 'preview' then now() end)`,
);

export interface PendingUpdate {
  readonly id: string;
  readonly blueprint: string;
  readonly blueprintUid: BlueprintUid | null;
  readonly plan: PreparedPlan | null;
  readonly wishes: UpdateWishes;
}

/** The update that execution `$2` carries out. */
export const selectPending = tenantStatement<PendingUpdate>(
  'update_of_execution',
  `select p.id, p.new_blueprint as blueprint, p.new_blueprint_uid as "blueprintUid", p.plan, p.wishes
   from deployment_updates p where p.tenant_id = $1 and p.execution_uid = $2`,
);

export const beginUpdate = tenantStatement<never>(
  'update_begin',
  `update deployment_updates p set state = 'executing-workflow', ended_at = null where p.tenant_id = $1 and p.execution_uid = $2`,
);

/** `$3` how its execution ended. The plan stays with one that failed: its execution may be resumed. */
export const closeUpdate = tenantStatement<never>(
  'update_close',
  `update deployment_updates p set state = case when $3 = 'terminated' then 'successful' else 'failed' end,
     plan = case when $3 = 'terminated' then null else p.plan end, ended_at = now()
   where p.tenant_id = $1 and p.execution_uid = $2`,
);

/** `$3` nodes and `$4` instances by what becomes of them. */
export const noteApplied = tenantStatement<never>(
  'update_note_applied',
  `update deployment_updates p set nodes = $3, instances = $4 where p.tenant_id = $1 and p.execution_uid = $2`,
);

export const selectUpdated = tenantStatement<{ id: string; visibility: 'private' | 'tenant' | 'global' }>(
  'update_deployment',
  'select d.id, d.visibility from deployments d where d.tenant_id = $1 and d.uid = $2',
);

export const applyPlan = tenantStatement<never>(
  'update_apply_plan',
  `update deployments d set blueprint_uid = $3, inputs = $4, outputs = $5, capabilities = $6, workflows = $7, groups = $8, scaling_groups = $9,
     policy_types = $10, policy_triggers = $11, resource_tags = $12, types = $13, rest = $14, description = coalesce($15, d.description),
     updated_at = now()
   where d.tenant_id = $1 and d.uid = $2`,
);

/** An update of the deployment that is not over. */
export const selectActive = tenantStatement<{ id: string }>(
  'update_active',
  `select p.id from deployment_updates p
   where p.tenant_id = $1 and p.deployment_uid = $2 and p.state in ('updating', 'executing-workflow', 'finalizing') order by p.uid limit 1`,
);

/**
 * Updates of deployment `$2` that count as active while what carried them out is over, or gone: a restored snapshot leaves
 * them so. They become what became of it.
 */
export const closeOver = tenantStatement<never>(
  'update_close_over',
  `update deployment_updates p set state = case when o.status = 'terminated' then 'successful' else 'failed' end,
     plan = case when o.status = 'terminated' then null else p.plan end, ended_at = coalesce(o.ended_at, now())
   from (select q.uid, x.status, x.ended_at from deployment_updates q left join executions x on x.uid = q.execution_uid
         where q.tenant_id = $1 and q.deployment_uid = $2 and q.state in ('updating', 'executing-workflow', 'finalizing')
           and (x.uid is null or x.status in ('terminated', 'failed', 'cancelled'))) o
   where p.tenant_id = $1 and p.uid = o.uid`,
);

/** `$2` id, `$3` user, `$4` whether others' private ones show. */
export const selectUpdate = tenantStatement<{ uid: number }>(
  'update_select',
  `select p.uid from deployment_updates p join deployments d on d.uid = p.deployment_uid
   where p.tenant_id = $1 and p.id = $2 and (d.visibility <> 'private' or d.created_by = $3 or $4)`,
);
