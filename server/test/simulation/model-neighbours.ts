/** The statements of other rooms that a worker and a person at work meet, over the rows of the model. */
import type { Json, JsonObject } from '../../src/dsl/plan.js';
import { isActive, isFinal } from '../../src/orchestration/execution-state.js';
import type { InstanceLifecycleState } from '../../src/orchestration/planning/graph.js';
import type { Statement } from './model-database.js';
import {
  type DeploymentRow,
  type ExecutionRow,
  type InstanceRow,
  type OperationRow,
  TENANT,
  USER,
} from './model-rows.js';
import type { View } from './model-view.js';

type Values = readonly unknown[];

const executionsOn = (view: View, deployment: unknown) =>
  view.all('executions').filter((row) => row.deploymentUid === deployment);

const instancesOf = (view: View, deployment: unknown) =>
  view.all('instances').filter((row) => row.deploymentUid === deployment);

const operationsOf = (view: View, execution: unknown) =>
  view
    .all('operations')
    .filter((row) => row.executionUid === execution)
    .sort((a, b) => a.task - b.task);

const named = (view: View, id: unknown) => view.all('executions').find((row) => row.id === id);

function changeDeployment(view: View, uid: unknown, change: Partial<DeploymentRow>): object[] {
  const row = view.lock('deployments', uid as number);
  if (row === undefined) return [];
  view.put('deployments', row.uid, { ...row, ...change });
  return [{}];
}

function changeExecution(view: View, uid: unknown, change: (row: ExecutionRow) => Partial<ExecutionRow>) {
  const row = view.lock('executions', uid as number);
  if (row === undefined) return [];
  view.put('executions', row.uid, { ...row, ...change(row) });
  return [{}];
}

function hold(view: View, uid: number | undefined): object[] {
  return uid !== undefined && view.lock('deployments', uid) !== undefined ? [{}] : [];
}

function settle(view: View, [, deployment, ended]: Values): object[] {
  view.lock('deployments', deployment as number);
  const installed = instancesOf(view, deployment).every((row) => row.state === 'started');
  const health = ended === 'failed' || !installed ? 'requires-attention' : 'good';
  return changeDeployment(view, deployment, { installed, health });
}

function promote(view: View, [, deployment]: Values): object[] {
  const all = executionsOn(view, deployment);
  const next = all.filter((row) => row.status === 'queued').sort((a, b) => a.uid - b.uid)[0];
  if (next === undefined || all.some((row) => isActive(row.status))) return [];
  const row = view.lock('executions', next.uid)!;
  if (row.status !== 'queued') return [];
  view.put('executions', row.uid, { ...row, status: 'pending' });
  return [{ id: row.id }];
}

interface ToldEvent {
  readonly executionUid: number;
  readonly [column: string]: unknown;
}

export function insertEvents(view: View, [, rows]: Values): object[] {
  return (JSON.parse(rows as string) as ToldEvent[]).map((event) => {
    const text = (name: string) => (event[name] as string | undefined) ?? null;
    view.tell({
      ...{
        executionUid: event.executionUid,
        type: text('type'),
        level: text('level'),
        logger: text('logger'),
      },
      ...{ message: text('message')!, operation: text('operation'), node: text('node') },
      ...{ instance: text('instance'), source: text('source'), target: text('target') },
      causes: (event.causes as Json | undefined) ?? null,
    });
    return {};
  });
}

function instances(view: View, [, deployment]: Values): object[] {
  const nodes = view.get('deployments', deployment as number)?.nodes.map((node) => node.name) ?? [];
  return instancesOf(view, deployment)
    .sort((a, b) => nodes.indexOf(a.node) - nodes.indexOf(b.node) || a.index - b.index)
    .map(({ id, node, index, host, state, relationships }) => ({
      ...{ id, node, index, host, state, relationships: JSON.stringify(relationships), scalingGroups: '[]' },
    }));
}

function operationRow({ executionUid: _, dueAt, ...row }: OperationRow): object {
  return { ...row, dueAt: dueAt === null ? null : new Date(dueAt), startedAt: new Date(0), endedAt: null };
}

function recall(view: View, [, uid]: Values): object[] {
  const rows = operationsOf(view, uid);
  return [
    {
      succeeded: rows.filter(({ state }) => state === 'succeeded').map(({ task }) => task),
      rest: rows
        .filter(({ state }) => state !== 'succeeded')
        .map(({ task, state, attempt, retries, dueAt, failure }) => ({
          ...{ task, state, attempt, retries, failure },
          dueAt: dueAt === null ? null : new Date(dueAt).toISOString(),
        })),
    },
  ];
}

function lockExecution(view: View, [, id]: Values): object[] {
  const found = named(view, id);
  const row = found && view.lock('executions', found.uid);
  if (row === undefined) return [];
  const { uid, status, deploymentUid, workflow, graph, worker } = row;
  return [
    {
      ...{ uid, status, deploymentUid, workflow, createdById: USER.id },
      ...{ hasGraph: graph !== null, claimed: worker !== null, group: null },
    },
  ];
}

function record(view: View, [, id]: Values): object[] {
  const row = named(view, id);
  if (row === undefined) return [];
  const { uid, status, deploymentUid, workflow, error, total, finished, resumed, dryRun } = row;
  return [
    {
      ...{ uid, id: row.id, tenantId: TENANT.id, tenantName: TENANT.name, deploymentUid, workflow, status },
      ...{ error, totalOperations: total, finishedOperations: finished, resumed, dryRun },
    },
  ];
}

interface Decided {
  readonly task: number;
  readonly state: OperationRow['state'];
  readonly reason: string | null;
  readonly due_at: string | null;
  readonly decided_by?: string | null;
}

function decide(view: View, [, execution, moves]: Values): object[] {
  return (JSON.parse(moves as string) as Decided[]).flatMap(
    ({ task, state, reason, due_at: dueAt, ...by }) => {
      const key = `${execution}:${task}`;
      const row = view.lock('operations', key);
      if (row === undefined) return [];
      view.put('operations', key, {
        ...{ ...row, state, reason, dueAt, retries: 0 },
        decidedBy: by.decided_by ?? null,
      });
      return [{}];
    },
  );
}

function clearDecisions(view: View, [, execution]: Values): object[] {
  return operationsOf(view, execution)
    .filter((row) => row.state === 'waiting' && row.decidedBy !== null)
    .map((row) => {
      const key = `${row.executionUid}:${row.task}`;
      view.put('operations', key, { ...row, decidedBy: null, reason: null });
      return {};
    });
}

/** A parameter that is JSON. */
function read(value: unknown): JsonObject | null {
  return value === null ? null : (JSON.parse(value as string) as JsonObject);
}

function updateInstance(view: View, [, id, state, runtime, system]: Values): object[] {
  const changed = (row: InstanceRow): InstanceRow => ({
    ...row,
    state: (state as InstanceLifecycleState | null) ?? row.state,
    runtimeProperties: read(runtime) ?? row.runtimeProperties,
    systemProperties: read(system) ?? row.systemProperties,
  });
  const isSame = (row: InstanceRow) => JSON.stringify(changed(row)) === JSON.stringify(row);
  // Where nothing would change nobody is waited for.
  const seen = view.first('instances', id as string);
  if (seen === undefined || isSame(seen)) return [];
  const row = view.lock('instances', id as string)!;
  if (isSame(row)) return [];
  view.put('instances', row.id, { ...changed(row), version: row.version + 1 });
  return [{}];
}

/** As a person's call of `start` leaves it: it runs now, or when what runs on its deployment has ended. */
function insertQueued(view: View, [uid, row]: Values): object[] {
  const wanted = row as ExecutionRow;
  if (view.get('executions', uid as number) !== undefined) return [{}];
  view.lock('deployments', wanted.deploymentUid);
  const busy = executionsOn(view, wanted.deploymentUid).some((one) => !isFinal(one.status));
  view.put('executions', uid as number, { ...wanted, status: busy ? 'queued' : 'pending' });
  return [{}];
}

export const NEIGHBOURS: Readonly<Record<string, Statement>> = {
  deployment_set_latest_execution: (view, [, uid, latest]) =>
    changeDeployment(view, uid, { latest: latest as number, health: 'in-progress' }),
  deployment_hold: (view, [, uid]) => hold(view, uid as number),
  deployment_hold_of_execution: (view, [, id]) => hold(view, named(view, id)?.deploymentUid),
  deployment_settle: settle,
  deployment_types: (view, [uid]) => [{ types: view.get('deployments', uid as number)!.types }],
  nodes_definitions: (view, [, uid]) =>
    view.get('deployments', uid as number)!.nodes.map((definition) => ({ definition })),
  nodes_counts: (view, [, uid]) =>
    view
      .get('deployments', uid as number)!
      .nodes.map(({ name: node }) => ({ node, instances: 1, planned: 1 })),
  deployment_scaling_groups: () => [{ groups: {} }],
  modification_started: () => [],
  instances_of_deployment: instances,
  instances_health: (view, [, uid]) =>
    instancesOf(view, uid).map(({ id, systemProperties }) => ({ id, properties: systemProperties })),
  instances_properties_by_id: (view, [, uid, ids]) =>
    instancesOf(view, uid)
      .filter((row) => (ids as string[]).includes(row.id))
      .map(({ id, runtimeProperties, version }) => ({ id, properties: runtimeProperties, version })),
  instance_update: updateInstance,
  events_insert: insertEvents,
  tokens_delete_of_execution: () => [],
  update_close: () => [],
  audit_insert: () => [{}],
  maintenance_select: () => [{ requestedAt: null, requestedBy: null, activatedAt: null, busy: false }],
  execution_promote_queued: promote,
  execution_operations: (view, [, uid]) => operationsOf(view, uid).map(operationRow),
  execution_recall: recall,
  execution_decisions: (view, [, uid, tasks]) =>
    operationsOf(view, uid)
      .filter(({ task }) => (tasks as number[]).includes(task))
      .map(({ task, state, reason, decidedBy }) => ({ task, state, reason, decidedBy })),
  execution_lock: lockExecution,
  execution_select: record,
  execution_request_cancel: (view, [, uid, status]) =>
    changeExecution(view, uid, () => ({ status: status as ExecutionRow['status'], error: null })),
  execution_request_resume: (view, [, uid]) =>
    changeExecution(view, uid, ({ fence }) => ({
      ...{ status: 'pending', resumed: true, error: null, worker: null, leaseUntil: null },
      ...{ fence: fence + 1, breakdowns: 0 },
    })),
  execution_unfinished: (view, [, deployment]) =>
    executionsOn(view, deployment)
      .filter((row) => row.status !== 'scheduled' && !isFinal(row.status))
      .map(({ id, status, workflow }) => ({ id, status, workflow })),
  execution_graph: (view, [uid]) => [{ graph: view.get('executions', uid as number)?.graph ?? null }],
  execution_decide_operations: decide,
  execution_clear_decisions: clearDecisions,
  // No deployment here is inside another.
  children_select: () => [],
  simulation_start: insertQueued,
};
