/** Writes what a stage decided to change in its deployment (`planning/changes.ts`), in the transaction that stores the stage. */
import type { Label } from '../catalog/labels.js';
import type { PreparedPlan } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import { appendEvents } from '../events/events.js';
import type { Client } from '../store/pool.js';
import { recordReplanned } from './dependencies.js';
import { nodeRow, planLabels, policiesInUse, restOf, sharedTypes } from './deployment-creation.js';
import {
  applyPlan,
  noteApplied,
  type PendingUpdate,
  selectPending,
  selectUpdated,
} from './deployment-updates.store.js';
import { deleteNodes, insertLabels, showLabels } from './deployments.store.js';
import { storeSlices } from './instance-slices.js';
import {
  finishModification,
  type ModifiedDeployment,
  rollbackModification,
  startModification,
} from './modification-steps.js';
import { deleteSomeInstances, rewireInstances, selectCounts } from './modifications.store.js';
import { insertNodes } from './nodes.store.js';
import type { Change } from './planning/changes.js';
import { dependenciesOf } from './planning/dependencies.js';
import { sliced } from './planning/instances.js';
import { unitKey } from './planning/modification.js';

/** @throws DomainError where the deployment has changed since so that the change cannot be made */
export async function writeChanges(
  client: Client,
  of: ModifiedDeployment,
  changes: readonly Change[],
): Promise<void> {
  for (const change of changes) {
    switch (change.kind) {
      case 'start-modification': {
        const id = await startModification(client, of, change);
        await tell(client, of, `Deployment modification started. [modification_id=${id}]`);
        break;
      }
      case 'finish-modification':
        await finishModification(client, of);
        await tell(client, of, 'Deployment modification finished.');
        break;
      case 'rollback-modification':
        await rollbackModification(client, of);
        await tell(client, of, 'Deployment modification rolled back.');
        break;
      case 'apply-update':
        await applyUpdate(client, of, change);
        break;
    }
  }
}

/** The deployment becomes what the plan of the update says: its row, its nodes, and the instances that come, go and stay. */
async function applyUpdate(
  client: Client,
  of: ModifiedDeployment,
  { outcome, counts }: Extract<Change, { kind: 'apply-update' }>,
): Promise<void> {
  const { tenantId, deploymentUid, executionUid } = of;
  const { plan, blueprintUid } = await pendingOf(client, of);
  const before = (await selectCounts.all(client, tenantId, [deploymentUid])).map(({ node }) => node);
  const nodes = plan.nodes.map((node, ordinal) => ({
    ...nodeRow(node, ordinal),
    instances: counts.get(unitKey('node', node.name)),
  }));
  const groups = Object.fromEntries(
    Object.entries(plan.scalingGroups).map(([name, group]) => {
      const count = counts.get(unitKey('group', name));
      return [name, { ...group, scaling: { ...group.scaling, current: count, planned: count } }];
    }),
  );
  const policies = policiesInUse(plan);
  await applyPlan.run(client, tenantId, [
    deploymentUid,
    blueprintUid,
    JSON.stringify(plan.inputValues),
    JSON.stringify(plan.outputs),
    JSON.stringify(plan.capabilities),
    JSON.stringify(plan.workflows),
    JSON.stringify(plan.groups),
    JSON.stringify(groups),
    JSON.stringify(policies.policyTypes),
    JSON.stringify(policies.policyTriggers),
    JSON.stringify(plan.resourceTags),
    JSON.stringify(sharedTypes(plan)),
    JSON.stringify(restOf(plan)),
    plan.description,
  ]);
  await deleteSomeInstances.run(client, tenantId, [deploymentUid, outcome.removed]);
  await deleteNodes.run(client, tenantId, [deploymentUid]);
  await insertNodes.run(client, tenantId, [deploymentUid, JSON.stringify(nodes)]);
  await storeSlices(client, tenantId, deploymentUid, sliced(outcome.added));
  const rewired = outcome.rewired.map((one) => ({ ...one, relationships: one.after }));
  await rewireInstances.run(client, tenantId, [deploymentUid, JSON.stringify(rewired)]);
  await addLabels(client, of, planLabels(plan));
  await replan(client, of, plan);
  await noteApplied.run(client, tenantId, [
    executionUid,
    JSON.stringify(
      nodesByFate(
        before,
        plan.nodes.map(({ name }) => name),
      ),
    ),
    JSON.stringify({
      added: outcome.added.map(({ id }) => id),
      removed: outcome.removed,
      changed: outcome.rewired.map(({ id }) => id),
    }),
  ]);
}

function nodesByFate(before: readonly string[], now: readonly string[]) {
  const [had, has] = [new Set(before), new Set(now)];
  return { added: now.filter((name) => !had.has(name)), removed: before.filter((name) => !has.has(name)) };
}

async function pendingOf(client: Client, { tenantId, executionUid }: ModifiedDeployment) {
  const pending: PendingUpdate | null = await selectPending.one(client, tenantId, [executionUid]);
  const { plan, blueprintUid } = pending ?? { plan: null, blueprintUid: null };
  if (pending === null || plan === null || blueprintUid === null) {
    throw new DomainError(
      'conflict',
      'update-without-blueprint',
      `Blueprint ${pending?.blueprint ?? ''}, which the deployment was to be updated to, is gone`,
    );
  }
  return { plan, blueprintUid };
}

async function replan(client: Client, of: ModifiedDeployment, plan: PreparedPlan): Promise<void> {
  const { tenantId, deploymentUid: uid, userId } = of;
  const head = (await selectUpdated.one(client, tenantId, [uid]))!;
  const scope = { tenantId, tenantName: '', userId, seesPrivate: false };
  await recordReplanned(client, scope, { uid, ...head }, dependenciesOf(plan));
}

async function addLabels(
  client: Client,
  { tenantId, deploymentUid, userId }: ModifiedDeployment,
  labels: readonly Label[],
): Promise<void> {
  if (labels.length === 0) return;
  await insertLabels.run(client, tenantId, [deploymentUid, userId, JSON.stringify(labels)]);
  await showLabels.run(client, tenantId, [deploymentUid]);
}

async function tell(client: Client, of: ModifiedDeployment, message: string): Promise<void> {
  const { tenantId, deploymentUid, executionUid } = of;
  await appendEvents(client, tenantId, { executionUid, deploymentUid }, [
    { kind: 'event', type: 'workflow_event', message },
  ]);
}
