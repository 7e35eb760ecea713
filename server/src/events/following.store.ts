import type { FailureCause } from '../errors.js';
import type { DeploymentUid, ExecutionUid, TenantId } from '../ids.js';
import { systemStatement } from '../store/statement.js';

const WHY = 'one reading serves followers in many tenants, each of whom was let in by its own rights';

export interface StoredEvent {
  readonly id: number;
  readonly tenantId: TenantId;
  readonly executionUid: ExecutionUid | null;
  readonly deploymentUid: DeploymentUid | null;
  readonly kind: 'event' | 'log';
  readonly type: string | null;
  readonly level: string | null;
  readonly logger: string | null;
  readonly message: string;
  readonly operation: string | null;
  readonly node: string | null;
  readonly instance: string | null;
  readonly source: string | null;
  readonly target: string | null;
  readonly causes: readonly FailureCause[] | null;
  readonly at: Date;
}

export const selectFrontier = systemStatement<{ drawn: number; writers: string[] }>(
  'events_frontier',
  'select drawn, writers from events_frontier()',
  WHY,
);

const COLUMNS = `e.id, e.tenant_id as "tenantId", e.execution_uid as "executionUid", e.deployment_uid as "deploymentUid", e.kind, e.type,
  e.level, e.logger, e.message, e.operation, e.node, e.instance, e.source, e.target, e.causes, e.at`;

/** From above `$1` up to `$2`, in the order of ids, at most `$3`. */
export const selectAllAfter = systemStatement<StoredEvent>(
  'events_select_all_after',
  `select ${COLUMNS} from events e where e.id > $1 and e.id <= $2 order by e.id limit $3`,
  WHY,
);

/** Likewise, of tenants `$4`, deployments `$5` and executions `$6`. */
export const selectAfter = systemStatement<StoredEvent>(
  'events_select_after',
  `select ${COLUMNS} from events e where e.id > $1 and e.id <= $2
     and (e.tenant_id = any($4::bigint[]) or e.deployment_uid = any($5::bigint[]) or e.execution_uid = any($6::bigint[]))
   order by e.id limit $3`,
  WHY,
);
