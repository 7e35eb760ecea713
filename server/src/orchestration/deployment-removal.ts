/** How a deployment goes: with its nodes, instances, executions and events, in one transaction, if nothing stands in the way. */
import type { Caller, TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { forgetEventsOfDeployment } from '../events/events.js';
import { record } from '../identity/audit.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { leaveTargets, refuseWhileStoodOn } from './dependencies.js';
import { childrenOf } from './deployment-family.store.js';
import {
  type DeploymentHead,
  deleteDeployment,
  deleteInstances,
  deleteNodes,
  deleteOperations,
  liveInstances,
  lockDeployment,
} from './deployments.store.js';
import { selectUnfinished } from './executions.store.js';

export interface RemovalOptions {
  /** Also with instances that were not uninstalled, and when others depend on it. */
  readonly force?: boolean;
  /** With the services inside it. */
  readonly recursive?: boolean;
}

/** Deep; labels that lead in a circle end here. */
const DEEPEST = 50;

export async function removeDeployment(
  pool: Pool,
  caller: Caller,
  scope: TenantScope,
  id: string,
  options: RemovalOptions,
  depth = 0,
): Promise<void> {
  if (options.recursive === true && depth < DEEPEST) {
    for (const child of await childrenOf.all(pool, scope.tenantId, [id])) {
      if (!child.isService || child.id === id) continue;
      await removeDeployment(pool, caller, scope, child.id, options, depth + 1).catch((error: unknown) => {
        // It went with another branch.
        if (!(error instanceof DomainError) || error.kind !== 'not-found') throw error;
      });
    }
  }
  await inTransaction(pool, async (client) => {
    const locked = await lockDeployment.one(client, scope.tenantId, [id, scope.userId, scope.seesPrivate]);
    if (locked === null) throw notFound('Deployment', id);
    await refuseWhileInUse(client, caller, scope, locked, options.force === true);
    const key = [locked.uid];
    await leaveTargets(client, scope, locked);
    await forgetEventsOfDeployment(client, scope.tenantId, locked.uid);
    await deleteOperations.run(client, scope.tenantId, key);
    await deleteInstances.run(client, scope.tenantId, key);
    await deleteNodes.run(client, scope.tenantId, key);
    await deleteDeployment.run(client, scope.tenantId, key);
    await record(client, caller, {
      action: 'delete',
      thing: 'deployment',
      id,
      details: { force: options.force === true },
    });
  });
}

async function refuseWhileInUse(
  client: Client,
  caller: Caller,
  scope: TenantScope,
  { uid, id }: DeploymentHead,
  force: boolean,
): Promise<void> {
  const unfinished = await selectUnfinished.all(client, scope.tenantId, [uid]);
  if (unfinished.length > 0) {
    const running = unfinished.map((one) => `${one.id} (${one.workflow}, ${one.status})`).join(', ');
    throw new DomainError(
      'conflict',
      'deployment-has-active-executions',
      `Can't delete deployment ${id} - There are running or queued executions for this deployment. Running executions ids: ${running}`,
    );
  }
  if (force) return;
  await refuseWhileStoodOn(client, caller, scope, { uid, id }, 'delete');
  const children = await childrenOf.all(client, scope.tenantId, [id]);
  const others = children.filter((child) => child.id !== id);
  if (others.length > 0) {
    const names = others.slice(0, 10).map((child) => child.id);
    throw new DomainError(
      'conflict',
      'deployment-has-dependents',
      `Can't delete deployment ${id} - others are inside it: ${names.join(', ')}. Delete them first, or force it`,
    );
  }
  const live = await liveInstances.all(client, scope.tenantId, [uid]);
  if (live.length > 0) {
    const names = live.map((one) => `${one.id} (${one.state})`).join(', ');
    throw new DomainError(
      'conflict',
      'deployment-has-live-instances',
      `Can't delete deployment ${id} - There are live nodes for this deployment: ${names}. Run the uninstall workflow first, or delete with force`,
    );
  }
}
