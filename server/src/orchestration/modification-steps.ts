/**
 * The steps of a modification, each inside somebody's transaction: a client's request, or a stage of the engine's.
 *
 * Whoever takes one holds the deployment (`lockDeployment`, `holdDeployment`), so that only one is started at a time.
 */
import { randomUUID } from 'node:crypto';
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import type { DeploymentUid, ExecutionUid, TenantId, UserId } from '../ids.js';
import type { Client } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { storeSlices } from './instance-slices.js';
import {
  acceptCounts,
  type CountedGroup,
  deleteSomeInstances,
  endModification,
  insertModification,
  planCounts,
  restoreWiring,
  revertCounts,
  rewireInstances,
  type StoredChange,
  selectCounts,
  selectScalingGroups,
  selectStarted,
  setScalingGroups,
  type WholeInstance,
  wholeInstances,
} from './modifications.store.js';
import type { Change } from './planning/changes.js';
import { sliced } from './planning/instances.js';
import type { InstanceRelationship } from './planning/model.js';
import { keyOf, type Modification, type Multiplicities, unitKey } from './planning/modification.js';

export interface ModifiedDeployment {
  readonly tenantId: TenantId;
  readonly deploymentUid: DeploymentUid;
  readonly userId: UserId;
  /** That does it; null: a client. */
  readonly executionUid: ExecutionUid | null;
}

export type ModificationStart = Extract<Change, { kind: 'start-modification' }>;

/** How many there are now, of nodes and of scaling groups. */
export async function countsOf(
  db: Queryable,
  tenant: TenantId,
  deployment: DeploymentUid,
): Promise<Multiplicities> {
  const counts = new Map<string, number>();
  for (const { node, instances } of await selectCounts.all(db, tenant, [deployment])) {
    counts.set(unitKey('node', node), instances);
  }
  const groups = (await selectScalingGroups.one(db, tenant, [deployment]))?.groups ?? {};
  for (const [name, { scaling }] of Object.entries(groups)) {
    counts.set(unitKey('group', name), scaling.current ?? scaling.default);
  }
  return counts;
}

/** @throws DomainError `conflict` (`modification-already-started`) */
export async function startModification(
  client: Client,
  of: ModifiedDeployment,
  { asked, context, counts, outcome }: ModificationStart,
): Promise<string> {
  const { tenantId, deploymentUid } = of;
  const started = await selectStarted.one(client, tenantId, [deploymentUid]);
  if (started !== null) {
    throw new DomainError(
      'conflict',
      'modification-already-started',
      `Cannot start deployment modification while there are existing started deployment modifications. Currently started deployment modifications: [${started.id}]`,
      { details: { modification: started.id } },
    );
  }
  const before = (await wholeInstances.all(client, tenantId, [deploymentUid])).map((row) => row.instance);
  const told = concerned(before, outcome);
  const change: StoredChange = {
    added: outcome.added.map(({ id }) => id),
    removed: outcome.removed,
    rewired: outcome.rewired.map(({ id, after, scalingGroups }) => ({ id, after, scalingGroups })),
  };
  const id = randomUUID();
  await insertModification.run(client, tenantId, [
    deploymentUid,
    id,
    of.executionUid,
    JSON.stringify(asked),
    JSON.stringify(context),
    JSON.stringify(change),
    JSON.stringify(told.added),
    JSON.stringify(told.extended),
    JSON.stringify(told.reduced),
    JSON.stringify(told.removed),
    JSON.stringify(before),
    of.userId,
  ]);
  await storeSlices(client, tenantId, deploymentUid, sliced(outcome.added));
  const rewired = outcome.rewired.map((one) => ({ ...one, relationships: one.during }));
  await rewireInstances.run(client, tenantId, [deploymentUid, JSON.stringify(rewired)]);
  await planNumbers(client, of, counts);
  return id;
}

/** What was to go is gone, and the planned numbers are the numbers. */
export async function finishModification(client: Client, of: ModifiedDeployment): Promise<void> {
  const { tenantId, deploymentUid } = of;
  const { id, change } = await startedOne(client, of);
  await deleteSomeInstances.run(client, tenantId, [deploymentUid, change.removed]);
  const rewired = change.rewired.map((one) => ({ ...one, relationships: one.after }));
  await rewireInstances.run(client, tenantId, [deploymentUid, JSON.stringify(rewired)]);
  await acceptCounts.run(client, tenantId, [deploymentUid]);
  await settleGroups(client, of, ({ planned, current }) => planned ?? current);
  await endModification.run(client, tenantId, [deploymentUid, id, 'finished', '[]']);
}

/**
 * What was added is gone, and who relates to whom is as before. States and properties of the others stay what they are:
 * what was done to them in the world is not undone by telling otherwise.
 */
export async function rollbackModification(client: Client, of: ModifiedDeployment): Promise<void> {
  const { tenantId, deploymentUid } = of;
  const { id, change } = await startedOne(client, of);
  const now = (await wholeInstances.all(client, tenantId, [deploymentUid])).map((row) => row.instance);
  await deleteSomeInstances.run(client, tenantId, [deploymentUid, change.added]);
  const rewired = change.rewired.map((one) => one.id);
  await restoreWiring.run(client, tenantId, [deploymentUid, id, rewired]);
  await revertCounts.run(client, tenantId, [deploymentUid]);
  await settleGroups(client, of, ({ current }) => current);
  await endModification.run(client, tenantId, [deploymentUid, id, 'rolled-back', JSON.stringify(now)]);
}

async function startedOne(client: Client, { tenantId, deploymentUid }: ModifiedDeployment) {
  const started = await selectStarted.one(client, tenantId, [deploymentUid]);
  if (started !== null) return started;
  throw new DomainError(
    'conflict',
    'modification-already-ended',
    'No modification of the deployment is started',
  );
}

async function planNumbers(client: Client, of: ModifiedDeployment, counts: Multiplicities): Promise<void> {
  const { tenantId, deploymentUid } = of;
  const nodes = [...counts].flatMap(([key, planned]) =>
    key.startsWith('node:') ? [{ name: key.slice('node:'.length), planned }] : [],
  );
  if (nodes.length > 0) await planCounts.run(client, tenantId, [deploymentUid, JSON.stringify(nodes)]);
  if (nodes.length === counts.size) return;
  await changeGroups(client, of, (name, scaling) => ({
    ...scaling,
    current: scaling.current ?? scaling.default,
    planned: counts.get(unitKey('group', name)) ?? scaling.planned ?? scaling.default,
  }));
}

function settleGroups(
  client: Client,
  of: ModifiedDeployment,
  count: (scaling: CountedGroup['scaling']) => number | undefined,
): Promise<void> {
  return changeGroups(client, of, (_name, scaling) => {
    const settled = count(scaling) ?? scaling.default;
    return { ...scaling, current: settled, planned: settled };
  });
}

async function changeGroups(
  client: Client,
  { tenantId, deploymentUid }: ModifiedDeployment,
  change: (name: string, scaling: CountedGroup['scaling']) => CountedGroup['scaling'],
): Promise<void> {
  const groups = (await selectScalingGroups.one(client, tenantId, [deploymentUid]))?.groups ?? {};
  if (Object.keys(groups).length === 0) return;
  const changed = Object.fromEntries(
    Object.entries(groups).map(([name, group]) => [name, { ...group, scaling: change(name, group.scaling) }]),
  );
  await setScalingGroups.run(client, tenantId, [deploymentUid, JSON.stringify(changed)]);
}

interface Concerned {
  readonly added: JsonObject[];
  readonly extended: JsonObject[];
  readonly reduced: JsonObject[];
  readonly removed: JsonObject[];
}

/** As clients are told: what changes, each marked with how, and beside it those it relates to. */
function concerned(before: readonly WholeInstance[], outcome: Modification): Concerned {
  const byId = new Map(before.map((instance) => [instance.id, instance]));
  const linksOf = (instance: WholeInstance) => instance.relationships as unknown as InstanceRelationship[];
  const removed = new Set(outcome.removed);
  const extended: JsonObject[] = [];
  const reduced: JsonObject[] = [];
  for (const { id, during, after } of outcome.rewired) {
    const instance = byId.get(id)!;
    const has = new Set(after.map(keyOf));
    const had = new Set(linksOf(instance).map(keyOf));
    if (after.some((one) => !had.has(keyOf(one)))) {
      extended.push({ ...instance, relationships: during as unknown as Json[], modification: 'extended' });
    }
    if ([...had].some((key) => !has.has(key))) reduced.push({ ...instance, modification: 'reduced' });
  }
  const added = outcome.added.map(
    (one) =>
      ({
        ...one,
        version: 1,
        runtimeProperties: {},
        systemProperties: {},
        modification: 'added',
      }) as unknown as WholeInstance,
  );
  const gone = before.filter(({ id }) => removed.has(id)).map((one) => ({ ...one, modification: 'removed' }));
  const beside = (changed: readonly JsonObject[]) => {
    const ids = new Set(
      changed.flatMap((one) => linksOf(one as WholeInstance).map((link) => link.targetInstance)),
    );
    for (const one of changed) ids.delete(one.id as string);
    return before.filter(({ id }) => ids.has(id));
  };
  return {
    added: [...added, ...beside(added)],
    extended: [...extended, ...(extended.length > 0 ? added : [])],
    reduced: [...reduced, ...(reduced.length > 0 ? gone : [])],
    removed: [...gone, ...beside(gone)],
  };
}
