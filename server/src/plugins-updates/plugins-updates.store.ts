import type { BlueprintUid, DeploymentUid, ExecutionId, ExecutionUid, TenantId } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

const KNOWN =
  'belongs to an update that was pinned to its tenant before; its deployments may be of several tenants';
const ENDED = `('terminated', 'failed', 'cancelled')`;

export type PluginsUpdateField =
  | 'id'
  | 'state'
  | 'blueprintId'
  | 'tempBlueprint'
  | 'executionId'
  | 'forced'
  | 'allTenants'
  | 'ownDeployments'
  | 'deployments'
  | 'createdAt'
  | 'visibility'
  | 'tenantName'
  | 'createdBy';

export const PLUGINS_UPDATE_LIST: ListSpec<PluginsUpdateField> = {
  from: `plugins_updates p join blueprints b on b.uid = p.blueprint_uid
    join tenants t on t.id = p.tenant_id join users u on u.id = p.created_by`,
  fields: {
    id: { sql: 'p.id', type: 'text' },
    state: { sql: 'p.state', type: 'text' },
    blueprintId: { sql: 'b.id', type: 'text' },
    tempBlueprint: { sql: 'p.temp_blueprint', type: 'text' },
    executionId: { sql: 'p.execution_id', type: 'text' },
    forced: { sql: 'p.forced', type: 'boolean' },
    allTenants: { sql: 'p.all_tenants', type: 'boolean' },
    ownDeployments: { sql: `coalesce(p.deployments -> t.name, '[]')`, type: 'json' },
    deployments: { sql: 'p.deployments', type: 'json' },
    createdAt: { sql: 'p.created_at', type: 'time' },
    visibility: { sql: 'b.visibility', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
  },
  confine: ownTenant('b', { visibility: true }),
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 'p.uid',
  search: ['id'],
};

export interface PluginsUpdateRow {
  readonly uid: number;
  readonly id: string;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly blueprintUid: BlueprintUid;
  readonly tempUid: BlueprintUid | null;
  readonly tempBlueprint: string | null;
  readonly state: string;
  readonly forced: boolean;
  readonly allTenants: boolean;
  readonly correctTypes: boolean;
  readonly reevaluate: boolean;
  readonly executionId: ExecutionId;
}

const COLUMNS = `p.uid, p.id, p.tenant_id as "tenantId", t.name as "tenantName", p.blueprint_uid as "blueprintUid", p.temp_uid as "tempUid",
  p.temp_blueprint as "tempBlueprint", p.state, p.forced, p.all_tenants as "allTenants", p.correct_types as "correctTypes",
  p.reevaluate, p.execution_id as "executionId"`;
const FROM = 'plugins_updates p join tenants t on t.id = p.tenant_id';

/** What execution `$1` carries out. */
export const selectUpdateOf = systemStatement<PluginsUpdateRow>(
  'plugins_updates_of_execution',
  `select ${COLUMNS} from ${FROM} where p.execution_id = $1 and p.held_uid is not null`,
  'a worker does the work of every tenant',
);

/** `$2` id, `$3` user, `$4` whether others' private ones show. */
export const lockUpdate = tenantStatement<PluginsUpdateRow>(
  'plugins_updates_lock',
  `select ${COLUMNS} from ${FROM} join blueprints b on b.uid = p.blueprint_uid
   where p.tenant_id = $1 and p.id = $2 and (b.visibility <> 'private' or b.created_by = $3 or $4) for update of p`,
);

export const lockByUid = systemStatement<PluginsUpdateRow>(
  'plugins_updates_lock_uid',
  `select ${COLUMNS} from ${FROM} where p.uid = $1 and p.held_uid is not null for update of p`,
  KNOWN,
);

export const selectActive = tenantStatement<{ id: string }>(
  'plugins_updates_active',
  `select p.id from plugins_updates p where p.tenant_id = $1 and p.held_uid = $2 order by p.uid limit 10`,
);

/** Those that count as active while their execution is over, or gone; of blueprint `$1`, or of all where that is null. */
export const selectAbandoned = systemStatement<{ uid: number }>(
  'plugins_updates_abandoned',
  `select p.uid from plugins_updates p left join executions x on x.id = p.execution_id
   where p.held_uid is not null and ($1::bigint is null or p.held_uid = $1)
     and (x.id is null or x.status in ${ENDED}) order by p.uid limit 100`,
  'finds what nobody works on any more, whichever tenant it is in',
);

export const insertUpdate = tenantStatement<never>(
  'plugins_updates_insert',
  `insert into plugins_updates (tenant_id, id, blueprint_uid, held_uid, temp_uid, temp_blueprint, state, forced, all_tenants, correct_types,
     reevaluate, execution_id, deployments, created_by, ended_at)
   values ($1, $2, $3, case when $4::bigint is not null then $3::bigint end, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
     case when $4::bigint is null then now() end)`,
);

/** `$2` how it ended. */
export const closeUpdate = systemStatement(
  'plugins_updates_close',
  'update plugins_updates set state = $2, held_uid = null, temp_uid = null, ended_at = now() where uid = $1',
  KNOWN,
);

export interface Standing {
  readonly uid: DeploymentUid;
  readonly id: string;
}

/** Deployments on blueprint `$2` that user `$3` sees (`$4`: others' private ones too), behind `$5`, at most `$6`. */
export const selectStanding = tenantStatement<Standing>(
  'plugins_updates_standing',
  `select d.uid, d.id from deployments d
   where d.tenant_id = $1 and d.blueprint_uid = $2 and (d.visibility <> 'private' or d.created_by = $3 or $4) and d.uid > $5
   order by d.uid limit $6`,
);

/** Tenants with deployments on blueprint `$1`. */
export const selectTenantsOn = systemStatement<{ name: string }>(
  'plugins_updates_tenants_on',
  `select t.name from tenants t
   where exists (select from deployments d where d.blueprint_uid = $1 and d.tenant_id = t.id) order by t.id`,
  'a blueprint of all tenants has deployments in several',
);

/** How the updates of deployments to blueprint `$1` stand. */
export const selectProgress = systemStatement<{ active: number; done: number; failed: number }>(
  'plugins_updates_progress',
  `select count(*) filter (where s.state = 'active')::integer as active, count(*) filter (where s.state = 'done')::integer as done,
     count(*) filter (where s.state = 'failed')::integer as failed
   from (select case when q.state = 'successful' then 'done' when q.state = 'failed' then 'failed'
       when x.uid is null or x.status in ${ENDED} then 'failed' else 'active' end as state
     from deployment_updates q left join executions x on x.uid = q.execution_uid
     where q.new_blueprint_uid = $1 and q.state <> 'preview') s`,
  KNOWN,
);

/** How many updates of deployments to blueprint `$1` go on. */
export const selectUnderWay = systemStatement<{ active: number }>(
  'plugins_updates_under_way',
  `select count(*)::integer as active from deployment_updates q join executions x on x.uid = q.execution_uid
   where q.new_blueprint_uid = $1 and q.state in ('updating', 'executing-workflow', 'finalizing') and x.status not in ${ENDED}`,
  KNOWN,
);

/** Of deployment `$1` to blueprint `$2`. */
export const selectBegun = systemStatement<{ id: string }>(
  'plugins_updates_begun',
  `select q.id from deployment_updates q where q.deployment_uid = $1 and q.new_blueprint_uid = $2 and q.state <> 'preview' limit 1`,
  KNOWN,
);

/** Deployments whose update to blueprint `$1` failed. */
export const selectFailed = systemStatement<{ id: string; tenant: string }>(
  'plugins_updates_failed',
  `select d.id, t.name as tenant from deployment_updates q join deployments d on d.uid = q.deployment_uid join tenants t on t.id = d.tenant_id
   where q.new_blueprint_uid = $1 and q.state <> 'preview' and q.state <> 'successful' order by q.uid limit 100`,
  KNOWN,
);

/** To blueprint `$1` from `$2`. */
export const moveDeployments = systemStatement(
  'plugins_updates_move_deployments',
  'update deployments set blueprint_uid = $1, updated_at = now() where blueprint_uid = $2',
  KNOWN,
);

export const selectAnyOn = systemStatement<{ uid: DeploymentUid }>(
  'plugins_updates_any_on',
  'select uid from deployments where blueprint_uid = $1 limit 1',
  KNOWN,
);

export const selectExecutionUid = systemStatement<{ uid: ExecutionUid; status: string }>(
  'plugins_updates_execution_uid',
  'select uid, status from executions where id = $1',
  KNOWN,
);

/** Of blueprints that are gone. */
export const deleteOrphans = systemStatement(
  'plugins_updates_delete_orphans',
  'delete from plugins_updates where blueprint_uid is null and held_uid is null',
  'finds what nobody can see any more, whichever tenant it was in',
);
