/**
 * What the engine's own statements mean (`orchestration/running/running.store.ts` and the function `engine_commit` of the
 * migrations), over the rows of the model. `model-neighbours.ts` has those of the rooms that the engine stands beside.
 */
import type { Json, JsonObject } from '../../src/dsl/plan.js';
import { type ExecutionStatus, isActive } from '../../src/orchestration/execution-state.js';
import { type PackedGraph, unpacked } from '../../src/orchestration/planning/packed.js';
import { type ReadChange, type ReadMove, readBatch } from '../support/read-batch.js';
import type { Statement } from './model-database.js';
import { insertEvents } from './model-neighbours.js';
import { type ExecutionRow, type InstanceRow, TENANT, USER } from './model-rows.js';
import type { View } from './model-view.js';

type Values = readonly unknown[];

const secondsFrom = (view: View, seconds: unknown) => view.now + (seconds as number) * 1000;

type Condition = (row: ExecutionRow) => boolean;

/**
 * The execution where `condition` holds, locked: a row that another transaction has changed without committing is judged as
 * it was before, waited for only when it fits, and then judged again. @throws Waits
 */
function matching(view: View, uid: unknown, condition: Condition): ExecutionRow | null {
  const seen = view.first('executions', uid as number);
  if (seen === undefined || !condition(seen)) return null;
  const row = view.lock('executions', uid as number)!;
  return condition(row) ? row : null;
}

/** The execution, where its fence is the one given and it has not ended. @throws Waits */
function mine(view: View, uid: unknown, fence: unknown, also: Condition = () => true): ExecutionRow | null {
  return matching(view, uid, (row) => row.fence === fence && isActive(row.status) && also(row));
}

function claim(view: View, values: Values): object[] {
  const [worker, lease, most, walked, , , untouched, sated] = values;
  let left = (sated as number[]).includes(TENANT.id) ? 0 : (untouched as number);
  const free = view
    .all('executions')
    .filter((row) => isActive(row.status) && (row.leaseUntil === null || row.leaseUntil < view.now))
    // One that nobody holds any more was resumed since, whoever still walks it.
    .filter((row) => row.worker === null || !(walked as number[]).includes(row.uid))
    .sort((a, b) => a.uid - b.uid)
    .filter((row) => row.worker !== null || left-- > 0)
    .slice(0, most as number)
    .filter((row) => !view.held('executions', row.uid));
  return free.map((row) => {
    const claimed = {
      ...row,
      worker: worker as string,
      fence: row.fence + 1,
      leaseUntil: secondsFrom(view, lease),
    };
    view.put('executions', row.uid, claimed);
    return asClaimed(view, claimed);
  });
}

function asClaimed(view: View, row: ExecutionRow): object {
  const { id } = view.get('deployments', row.deploymentUid)!;
  const { uid, workflow, status, parameters, dryRun, resumed, waitAfterFail, graph, fence, batches } = row;
  return {
    ...{ uid, id: row.id, tenantId: TENANT.id, tenantName: TENANT.name, deploymentUid: row.deploymentUid },
    ...{ deploymentId: id, deploymentDisplayName: id, deploymentCreator: USER.name, deploymentTags: {} },
    ...{ blueprintId: 'blueprint', blueprintUid: 1, workflow, function: row.function, status, parameters },
    ...{ dryRun, resumed, waitAfterFail, createdBy: USER.name, createdById: USER.id, graph, fence, batches },
    awaitsChildren: false,
  };
}

function renew(view: View, [worker, lease, uids, fences]: Values): object[] {
  return (uids as number[]).flatMap((uid, place) => {
    const seen = view.get('executions', uid);
    if (seen === undefined || !renewable(seen, worker, (fences as number[])[place])) return [];
    const renewed = !view.held('executions', uid);
    if (renewed) view.put('executions', uid, { ...seen, leaseUntil: secondsFrom(view, lease) });
    return [{ uid, fence: seen.fence, status: seen.status, renewed }];
  });
}

function renewOne(view: View, [worker, lease, uid, fence]: Values): object[] {
  const row = matching(view, uid, (one) => renewable(one, worker, fence));
  if (row === null) return [];
  view.put('executions', row.uid, { ...row, leaseUntil: secondsFrom(view, lease) });
  return [{ uid, fence: row.fence, status: row.status, renewed: true }];
}

const renewable = (row: ExecutionRow, worker: unknown, fence: unknown) =>
  row.fence === fence && row.worker === worker && isActive(row.status);

function free(view: View, [worker]: Values): object[] {
  return view.all('executions').flatMap(({ uid }) => {
    const row = matching(view, uid, (one) => one.worker === worker && isActive(one.status));
    if (row === null) return [];
    view.put('executions', uid, { ...row, leaseUntil: null });
    return [{}];
  });
}

function release(view: View, [uid, fence]: Values): object[] {
  const row = matching(view, uid, (one) => one.fence === fence);
  if (row === null) return [];
  view.put('executions', row.uid, { ...row, leaseUntil: null });
  return [{}];
}

function countBreakdown(view: View, [uid, fence, first]: Values): object[] {
  const row = mine(view, uid, fence);
  if (row === null) return [];
  const pause = Math.min(60, (first as number) * 2 ** Math.min(row.breakdowns, 10));
  const breakdowns = row.breakdowns + 1;
  view.put('executions', row.uid, { ...row, breakdowns, leaseUntil: secondsFrom(view, pause) });
  return [{ breakdowns }];
}

/** The graph is stored, and the deployment points to the execution: a batch like any other. */
function begin(view: View, [uid, fence, text, total, finished, number, told]: Values): object[] {
  const follows: Condition = ({ batches }) => batches === (number as number) - 1;
  const seen = view.get('executions', uid as number);
  const nothing = [{ status: null }];
  if (seen === undefined || seen.fence !== fence || !isActive(seen.status) || !follows(seen)) return nothing;
  const deployment = view.lock('deployments', seen.deploymentUid)!;
  const row = mine(view, uid, fence, follows);
  if (row === null) return nothing;
  view.put('deployments', deployment.uid, { ...deployment, latest: row.uid, health: 'in-progress' });
  const status = row.status === 'pending' ? 'started' : row.status;
  const graph = row.graph ?? (text === null ? null : graphIn(text));
  view.put('executions', row.uid, { ...row, ...counted(row, total, finished), graph, status });
  insertEvents(view, [TENANT.id, told]);
  return [{ status }];
}

/** The graph grows: likewise. */
function grow(view: View, [uid, fence, text, total, finished, number]: Values): object[] {
  const row = mine(view, uid, fence, ({ batches }) => batches === (number as number) - 1);
  if (row === null) return [];
  view.put('executions', row.uid, { ...row, ...counted(row, total, finished), graph: graphIn(text) });
  return [{ status: row.status }];
}

const graphIn = (text: unknown) => unpacked(JSON.parse(text as string) as PackedGraph);

const counted = ({ batches }: ExecutionRow, total: unknown, finished: unknown) => ({
  ...{ total: total as number, finished: finished as number, batches: batches + 1 },
});

function look(view: View, [uid]: Values): object[] {
  const row = view.get('executions', uid as number);
  return row === undefined ? [] : [{ fence: row.fence, batches: row.batches, status: row.status }];
}

function end(view: View, [uid, fence, wanted, error]: Values): object[] {
  const fits = (one: ExecutionRow) => one.fence === fence && isActive(one.status);
  const seen = view.first('executions', uid as number);
  // Its row is locked whatever its fence.
  const row = view.lock('executions', uid as number);
  if (seen === undefined || row === undefined || !fits(seen) || !fits(row)) return [];
  const asked = row.status === 'pending' || row.status === 'started';
  const status = (asked ? wanted : 'cancelled') as ExecutionStatus;
  view.put('executions', row.uid, {
    ...row,
    status,
    error: status === 'cancelled' ? '' : (error as string),
    worker: null,
    leaseUntil: null,
  });
  return [{ status, group: null }];
}

function commit(view: View, values: Values): object[] {
  const batch = readBatch(values);
  const row = mine(view, batch.execution, batch.fence, ({ batches }) => batches === batch.number - 1);
  if (row === null) return [{ status: null, properties: null }];
  const executionUid = row.uid;
  view.put('executions', row.uid, {
    ...row,
    batches: batch.number,
    finished: row.finished + batch.finished,
  });
  const move = ({ task, state, attempt, retries, due, result, failure, reason }: ReadMove) => {
    const key = `${executionUid}:${task}`;
    view.put('operations', key, {
      executionUid,
      task,
      state,
      attempt,
      retries,
      dueAt: due ?? null,
      result: result ?? null,
      failure: failure ?? null,
      reason: reason ?? null,
      decidedBy: view.get('operations', key)?.decidedBy ?? null,
    });
  };
  for (const change of batch.fresh) {
    if (view.get('operations', `${executionUid}:${change.task}`) !== undefined) throw uniqueViolation();
    move(change);
  }
  for (const task of batch.done) {
    const old = view.get('operations', `${executionUid}:${task}`);
    if (old !== undefined) {
      view.put('operations', `${executionUid}:${task}`, {
        ...old,
        state: 'succeeded',
        dueAt: null,
        result: null,
        failure: null,
        reason: null,
      });
    }
  }
  for (const change of batch.moved) {
    if (view.get('operations', `${executionUid}:${change.task}`) !== undefined) move(change);
  }
  for (const { instance, state } of batch.states) changeInstance(view, { id: instance, state });
  for (const change of batch.changed) changeInstance(view, change);
  for (const event of batch.events) view.tell({ executionUid, ...event });
  const properties = Object.fromEntries(
    batch.wanted.flatMap((id) => {
      const found = view.get('instances', id)?.runtimeProperties ?? {};
      return Object.keys(found).length === 0 ? [] : [[id, found]];
    }),
  );
  return [{ status: row.status, properties }];
}

function changeInstance(view: View, { id, state, put, drop, system, links }: ReadChange): void {
  const row = view.lock('instances', id);
  if (row === undefined) return;
  const kept = Object.fromEntries(
    Object.entries(row.runtimeProperties).filter(([name]) => drop === undefined || !drop.includes(name)),
  );
  const changed: InstanceRow = {
    ...row,
    state: state ?? row.state,
    version: row.version + 1,
    runtimeProperties: { ...kept, ...put },
    systemProperties: systemProperties(row.systemProperties, { state, system, links }),
  };
  view.put('instances', id, changed);
}

function systemProperties(
  old: JsonObject,
  { state, system, links }: { [K in 'state' | 'system' | 'links']: ReadChange[K] | undefined },
): JsonObject {
  const next: Record<string, Json> = { ...old };
  if (state === 'started') next.status = { ok: true, task: null };
  if (state === 'configured' && 'configuration_drift' in old) {
    next.configuration_drift = { ok: true, task: null, result: null };
  }
  if (system !== undefined && 'status' in system && 'status' in old) next.previous_status = old.status!;
  Object.assign(next, system);
  for (const [name, link] of Object.entries(links ?? {})) {
    next[name] = { ...((old[name] as JsonObject | undefined) ?? {}), ...link };
  }
  return next;
}

function uniqueViolation(): Error {
  return Object.assign(new Error('duplicate key value violates unique constraint "operations_pkey"'), {
    code: '23505',
  });
}

export const ENGINE_STATEMENTS: Readonly<Record<string, Statement>> = {
  engine_claim: claim,
  engine_renew: renew,
  engine_renew_one: renewOne,
  engine_free: free,
  engine_release: release,
  engine_count_breakdown: countBreakdown,
  engine_begin: begin,
  engine_grow: grow,
  engine_look: look,
  engine_end: end,
  engine_commit: commit,
  engine_blueprint: () => [{ uid: 1, id: 'blueprint' }],
};
