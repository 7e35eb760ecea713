import type { DeploymentUid, ExecutionId } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import type { ExecutionStatus } from './execution-state.js';

const OPEN = `('scheduled', 'queued', 'pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')`;
/** Deployments inside deployment `$2`, as far as user `$3` sees them. */
export const deploymentsInside = tenantStatement<{ id: string; uid: DeploymentUid }>(
  'children_deployments',
  `select c.id, c.uid from deployment_labels l
   join deployments d on d.tenant_id = $1 and d.uid = $2
   join deployments c on c.tenant_id = $1 and c.uid = l.deployment_uid
   where l.tenant_id = $1 and l.key = 'csys-obj-parent' and l.value = d.id and c.uid <> d.uid
     and (c.visibility <> 'private' or c.created_by = $3)
   order by c.id`,
);

export interface ChildRow {
  readonly id: ExecutionId;
  readonly deployment: string;
  readonly status: ExecutionStatus;
  readonly error: string | null;
  /** Nothing of its deployment is installed. */
  readonly gone: boolean;
}

/** Executions that execution `$2` has started, in the order of their making. */
export const childrenOf = tenantStatement<ChildRow>(
  'children_select',
  `select x.id, d.id as deployment, x.status, x.error,
     not exists (select from node_instances i where i.tenant_id = $1 and i.deployment_uid = d.uid
                 and i.state not in ('uninitialized', 'deleted')) as gone
   from executions x join deployments d on d.uid = x.deployment_uid
   where x.tenant_id = $1 and x.parent_uid = $2 order by x.uid`,
);

export const setParent = tenantStatement<never>(
  'children_set_parent',
  'update executions x set parent_uid = $3 where x.tenant_id = $1 and x.uid = $2',
);

/** `$2` execution, `$3` whether it waits for its children. */
export const awaitChildren = tenantStatement<never>(
  'children_await',
  'update executions x set awaits_children = $3 where x.tenant_id = $1 and x.uid = $2 and x.awaits_children <> $3',
);

/** Whether some child of execution `$1` has not ended. */
export const hasOpenChildren = systemStatement<{ found: boolean }>(
  'children_open',
  `select exists (select from executions k where k.parent_uid = $1 and k.status in ${OPEN}) as found`,
  'the engine asks of the execution that it has claimed',
);
