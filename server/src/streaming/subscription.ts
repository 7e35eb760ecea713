/** What one connection wants to know, and what of the news that is. Pure. */
import type { ChangeRow } from '../events/changes.js';
import type { DeploymentUid, ExecutionUid, TenantId, UserId } from '../ids.js';
import type { DeploymentNow, ExecutionNow, InstanceNow } from '../orchestration/followed.js';
import type { EventRow, Watched } from './feed.js';

/** `events` and `logs`: what is told. `states`: how things stand. `tasks`: how the tasks of the executions stand, one by one. */
export const KINDS = ['events', 'logs', 'states', 'tasks'] as const;
export type Kind = (typeof KINDS)[number];

export interface Subscription {
  readonly tenantId: TenantId;
  /** Everything in the tenant. */
  readonly whole: boolean;
  readonly deployments: ReadonlySet<DeploymentUid>;
  readonly executions: ReadonlySet<ExecutionUid>;
  readonly kinds: ReadonlySet<Kind>;
  /** Of private things only this user's own; null: everybody's. */
  readonly only: UserId | null;
  /** The same for all that want the same and may see the same. */
  readonly key: string;
}

export function subscription(wanted: Omit<Subscription, 'key'>): Subscription {
  const sorted = (uids: ReadonlySet<number>) => [...uids].sort((a, b) => a - b).join();
  const { tenantId, whole, deployments, executions, only } = wanted;
  const kinds = KINDS.filter((kind) => wanted.kinds.has(kind)).join();
  // What is private in one deployment or execution is so to the connection's own user: else it had not been let in.
  const key = [tenantId, whole, sorted(deployments), sorted(executions), kinds, whole ? only : ''].join('|');
  return { ...wanted, key };
}

/** What must be read for all of them. */
export function watchedBy(subscriptions: Iterable<Subscription>): Watched {
  const tenants = new Set<TenantId>();
  const within = new Set<TenantId>();
  const deployments = new Set<DeploymentUid>();
  const executions = new Set<ExecutionUid>();
  for (const one of subscriptions) {
    within.add(one.tenantId);
    // States and tasks are found by the events that come with their changes.
    if (one.whole) tenants.add(one.tenantId);
    else {
      for (const uid of one.deployments) deployments.add(uid);
      for (const uid of one.executions) executions.add(uid);
    }
  }
  return {
    tenants: [...tenants],
    within: [...within],
    deployments: [...deployments],
    executions: [...executions],
  };
}

interface Owned {
  readonly tenantId: TenantId;
  readonly privateTo: UserId | null;
  readonly deploymentUid: DeploymentUid | null;
}

function reaches(one: Subscription, { tenantId, privateTo, deploymentUid }: Owned): boolean {
  if (one.tenantId !== tenantId) return false;
  if (privateTo !== null && one.only !== null && one.only !== privateTo) return false;
  return one.whole || (deploymentUid !== null && one.deployments.has(deploymentUid));
}

export function wantsEvent(one: Subscription, row: EventRow): boolean {
  if (!one.kinds.has(row.kind === 'log' ? 'logs' : 'events')) return false;
  return reaches(one, row) || isExecutionOf(one, row);
}

export function wantsExecution(
  one: Subscription,
  row: Pick<ExecutionNow, 'uid' | 'tenantId' | 'privateTo' | 'deploymentUid'>,
): boolean {
  return one.kinds.has('states') && (reaches(one, row) || one.executions.has(row.uid));
}

export function wantsDeployment(
  one: Subscription,
  row: Pick<DeploymentNow, 'uid' | 'tenantId' | 'privateTo'>,
): boolean {
  return one.kinds.has('states') && reaches(one, { ...row, deploymentUid: row.uid });
}

/** Of instances, only those of deployments that are named: a whole tenant may have a million. */
export function wantsInstance(one: Subscription, row: Pick<InstanceNow, 'deploymentUid'>): boolean {
  return one.kinds.has('states') && one.deployments.has(row.deploymentUid);
}

export function wantsTask(one: Subscription, row: { readonly executionUid: ExecutionUid }): boolean {
  return one.kinds.has('tasks') && one.executions.has(row.executionUid);
}

/** What is gone can be told only by its note. */
export function wantsGone(one: Subscription, row: ChangeRow): boolean {
  if (!one.kinds.has('states') || row.state !== 'deleted') return false;
  return reaches(one, row) || (row.what === 'execution' && isExecutionOf(one, row));
}

function isExecutionOf(
  one: Subscription,
  { executionUid }: { readonly executionUid: ExecutionUid | null },
): boolean {
  return executionUid !== null && one.executions.has(executionUid);
}
