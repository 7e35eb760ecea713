import type { DeploymentUid, ExecutionUid, UserId } from '../ids.js';
import { systemStatement } from '../store/statement.js';

const WHY = 'names what events tell of, to connections that were let in by their own callers’ rights';

export const executionIds = systemStatement<{ uid: ExecutionUid; id: string }>(
  'streaming_execution_ids',
  'select x.uid, x.id from executions x where x.uid = any($1::bigint[])',
  WHY,
);

export interface DeploymentName {
  readonly uid: DeploymentUid;
  readonly id: string;
  readonly privateTo: UserId | null;
}

export const deploymentIds = systemStatement<DeploymentName>(
  'streaming_deployment_ids',
  `select d.uid, d.id, case when d.visibility = 'private' then d.created_by end as "privateTo"
   from deployments d where d.uid = any($1::bigint[])`,
  WHY,
);
