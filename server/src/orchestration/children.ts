/**
 * Executions that an execution starts on other deployments, and waits for.
 *
 *     parent   started ──► waits, a row without a worker ──────────────► goes on
 *                │ starts, in one transaction with its stage               ▲ all have ended
 *     children   └──► queued · pending ──► started ──► … ──────────────────┘
 *
 * Parents are locked before what is inside them, so nobody waits in a circle; a child that ends locks nothing of its parent:
 * whether a parent may be claimed is read from its children's rows (`waits_for_children` in migration 0030). A cancel is
 * handed down by whichever worker claims the cancelled parent for that; resuming a parent resumes those of its children
 * that failed.
 */
import type { Caller, TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { appendEvents, type NewEvent } from '../events/events.js';
import type { DeploymentUid, ExecutionId, ExecutionUid, TenantId, UserId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { cancelHeld } from './cancellation.js';
import {
  awaitChildren,
  type ChildRow,
  childrenOf,
  deploymentsInside,
  hasOpenChildren,
  setParent,
} from './children.store.js';
import { lockWithDeployment } from './execution-lock.js';
import { startExecution } from './execution-start.js';
import { afterCancel, type CancelKind, type ExecutionStatus, isFinal } from './execution-state.js';
import type { ChildEnd } from './planning/staged.js';

export interface Parent {
  readonly uid: ExecutionUid;
  readonly id: ExecutionId;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly deploymentUid: DeploymentUid;
  readonly workflow: string;
  readonly parameters: JsonObject;
  readonly waitAfterFail: number;
  readonly createdBy: string;
  readonly createdById: UserId;
}

/** What was allowed to begin may end: its parts do not wait for room. */
const ANY_NUMBER = 0;

const CANCELS: Readonly<Partial<Record<ExecutionStatus, CancelKind>>> = {
  cancelling: 'cancel',
  'force-cancelling': 'force-cancel',
  'kill-cancelling': 'kill',
};

/**
 * Starts the parent's workflow, with the same parameters, on every deployment directly inside its own, after what runs there;
 * from now on the parent waits. Whatever their availability rules say: what is not installed may have something inside that is.
 *
 * @throws DomainError as `Executions.start`
 */
export async function startChildren(client: Client, parent: Parent): Promise<void> {
  const { tenantId, uid, deploymentUid, createdById } = parent;
  const inside = await deploymentsInside.all(client, tenantId, [deploymentUid, createdById]);
  const told: NewEvent[] = [];
  for (const { id } of inside) {
    const request = {
      deploymentId: id,
      workflow: parent.workflow,
      parameters: parent.parameters,
      allowCustomParameters: true,
      queue: true,
      evenInMaintenance: true,
      waitAfterFail: parent.waitAfterFail,
    };
    const caller = asCreator(parent);
    const started = await startExecution(client, caller, scopeOf(parent), request, ANY_NUMBER, {
      available: true,
    });
    await setParent.run(client, tenantId, [started.uid, uid]);
    const message = `Started '${parent.workflow}' on deployment ${id}, which is inside this one [execution_id=${started.id}]`;
    told.push({ kind: 'event', type: 'workflow_stage', message });
  }
  await appendEvents(client, tenantId, { executionUid: uid, deploymentUid }, told);
  await awaitChildren.run(client, tenantId, [uid, true]);
}

/** The parent goes on by itself again. */
export async function stopWaiting(client: Client, { tenantId, uid }: Pick<Parent, 'tenantId' | 'uid'>) {
  await awaitChildren.run(client, tenantId, [uid, false]);
}

/**
 * Hands a cancel down to children that have not heard of it.
 *
 * @param status the parent's
 * @returns whether some child has not ended yet
 */
export async function mustWait(pool: Pool, parent: Parent, status: ExecutionStatus): Promise<boolean> {
  const kind = CANCELS[status];
  if (kind !== undefined) {
    const children = await childrenOf.all(pool, parent.tenantId, [parent.uid]);
    for (const { id, status: now } of children) {
      // `claimed` decides only how it ends, not whether it may be told.
      if (!isFinal(now) && afterCancel(now, kind, true) !== null) await cancelChild(pool, parent, id, kind);
    }
  }
  return (await hasOpenChildren.one(pool, [parent.uid]))!.found;
}

async function cancelChild(pool: Pool, parent: Parent, id: string, kind: CancelKind): Promise<void> {
  const scope = { ...scopeOf(parent), seesPrivate: true };
  await inTransaction(pool, async (client) => {
    const child = await lockWithDeployment(client, scope, id);
    if (afterCancel(child.status, kind, child.claimed) !== null)
      await cancelHeld(client, scope, child, id, kind);
  });
}

/** How the children of an execution stand, for who plans what comes after them. */
export async function endsOfChildren(
  pool: Pool,
  { tenantId, uid }: Pick<Parent, 'tenantId' | 'uid'>,
): Promise<ChildEnd[]> {
  const children = await childrenOf.all(pool, tenantId, [uid]);
  return children.map(({ id, deployment, status, error, gone }) => ({
    deployment,
    execution: id,
    failed: isUndone({ status, gone }),
    error: error || `it is ${status}`,
  }));
}

/** Ids of children that did not reach their end, and whose deployment still has something installed. */
export async function undoneChildren(
  client: Client,
  tenantId: TenantId,
  execution: ExecutionUid,
): Promise<ExecutionId[]> {
  const children = await childrenOf.all(client, tenantId, [execution]);
  return children.filter(isUndone).map(({ id }) => id);
}

function isUndone({ status, gone }: Pick<ChildRow, 'status' | 'gone'>): boolean {
  return (status === 'failed' || status === 'cancelled') && !gone;
}

function scopeOf({ tenantId, tenantName, createdById }: Parent): TenantScope {
  return { tenantId, tenantName, userId: createdById, seesPrivate: false };
}

/** What a child does is done in the name of whoever started the parent; what they may do was asked when they did. */
function asCreator(parent: Parent): Caller {
  return {
    userId: parent.createdById,
    username: parent.createdBy,
    tenant: { id: parent.tenantId, name: parent.tenantName },
    permissions: new Set(),
    requestId: `execution ${parent.id}`,
    executionId: parent.id,
  };
}
