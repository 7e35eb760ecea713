import type { DeploymentUid, ExecutionUid } from '../ids.js';
import { tenantStatement } from '../store/statement.js';

export const executionsById = tenantStatement<{ uid: ExecutionUid }>(
  'events_executions_by_id',
  'select x.uid from executions x where x.tenant_id = $1 and x.id = any($2::text[])',
);

export const executionsOfGroups = tenantStatement<{ uid: ExecutionUid }>(
  'events_executions_of_groups',
  `select x.uid from execution_groups g join executions x on x.group_uid = g.uid
   where g.tenant_id = $1 and x.tenant_id = $1 and g.id = any($2::text[])`,
);

export const deploymentsById = tenantStatement<{ uid: DeploymentUid }>(
  'events_deployments_by_id',
  'select d.uid from deployments d where d.tenant_id = $1 and d.id = any($2::text[])',
);

export const deploymentsOfBlueprints = tenantStatement<{ uid: DeploymentUid }>(
  'events_deployments_of_blueprints',
  `select d.uid from deployments d join blueprints b on b.uid = d.blueprint_uid
   where d.tenant_id = $1 and b.id = any($2::text[])`,
);

/** Private ones that user `$2` did not make. */
export const hiddenDeployments = tenantStatement<{ uid: DeploymentUid }>(
  'events_hidden_deployments',
  `select d.uid from deployments d where d.tenant_id = $1 and d.visibility = 'private' and d.created_by <> $2`,
);
