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
  /** There is more of the message than is told here. */
  readonly isCut: boolean;
  readonly operation: string | null;
  readonly node: string | null;
  readonly instance: string | null;
  readonly source: string | null;
  readonly target: string | null;
  readonly causes: readonly FailureCause[] | null;
  readonly at: Date;
}

/** With how many events there were, of which as many were read as fit. */
export interface ReadEvent extends StoredEvent {
  readonly found: number;
}

export const selectFrontier = systemStatement<{ drawn: number; writers: string[] }>(
  'events_frontier',
  'select drawn, writers from events_frontier()',
  WHY,
);

/** Characters of a message that are told here. */
const LONGEST = 65_536;
/** Bytes of text that one reading tells, and one event more: what many are told at once is held in memory for each of them. */
const MOST_BYTES = 1024 * 1024;

const COLUMNS = `e.id, e.tenant_id as "tenantId", e.execution_uid as "executionUid", e.deployment_uid as "deploymentUid", e.kind, e.type,
  e.level, e.logger, e.operation, e.node, e.instance, e.source, e.target, e.causes, e.at,
  case when octet_length(e.message) > ${LONGEST} then left(e.message, ${LONGEST}) else e.message end as message,
  octet_length(e.message) > ${LONGEST} and length(e.message) > ${LONGEST} as "isCut"`;

/** Of the rows that `found` names those that fit; each says how many there were. */
const fitting = (found: string) => `
  select s.* from (
    select f.*, count(*) over () as found,
      sum(octet_length(f.message) + coalesce(octet_length(f.causes::text), 0)) over (order by f.id rows unbounded preceding)
        - octet_length(f.message) - coalesce(octet_length(f.causes::text), 0) as before
    from (${found}) f) s
  where s.before < ${MOST_BYTES} order by s.id`;

/** Of packs, in the order of ids, those that have the first `$3` events above `$1` and up to `$2`; each holds one at least. */
const firstOf = (condition: string) => `
  select ${COLUMNS} from (
    select k.pack, sum((k.pack).events + (k.pack).logs) over (order by (k.pack).id rows unbounded preceding) - (k.pack).events - (k.pack).logs as past
    from (select p as pack from event_packs p where p.id > $1 - 256 and p.id <= $2${condition} order by p.id limit $3::integer + 1) k) s
  cross join lateral events_of(s.pack) e
  where s.past < $3::integer + 256 and e.id > $1 and e.id <= $2 order by e.id limit $3`;

/** From above `$1` up to `$2`, in the order of ids, at most `$3`. */
export const selectAllAfter = systemStatement<ReadEvent>(
  'events_select_all_after',
  fitting(firstOf('')),
  WHY,
);

/** Likewise, of tenants `$4`, deployments `$5` and executions `$6`. */
export const selectAfter = systemStatement<ReadEvent>(
  'events_select_after',
  fitting(
    firstOf(
      ' and (p.tenant_id = any($4::bigint[]) or p.deployment_uid = any($5::bigint[]) or p.execution_uid = any($6::bigint[]))',
    ),
  ),
  WHY,
);
