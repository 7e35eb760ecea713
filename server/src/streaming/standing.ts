/**
 * From what happened to how things stand: looks at whatever the news touch, as it is now. So what is told of states is
 * never older than the event beside it, may be newer, and may be told twice; whoever takes each as the last word is right.
 */
import type { ChangeRow } from '../events/changes.js';
import type { DeploymentUid, ExecutionUid } from '../ids.js';
import type {
  DeploymentNow,
  ExecutionNow,
  Followed,
  InstanceNow,
  TaskNow,
} from '../orchestration/followed.js';
import type { News } from './feed.js';
import type { Subscription } from './subscription.js';

export interface Standing {
  readonly executions: readonly ExecutionNow[];
  readonly deployments: readonly DeploymentNow[];
  readonly instances: readonly InstanceNow[];
  readonly tasks: readonly (TaskNow & { readonly execution: string })[];
  /** Ids of deployments whose instances have come, gone or been related otherwise. */
  readonly restructured: readonly { readonly deploymentUid: DeploymentUid; readonly deployment: string }[];
  readonly gone: readonly ChangeRow[];
  readonly counts: readonly StateCounts[];
}

export interface StateCounts {
  readonly deploymentUid: DeploymentUid;
  readonly deployment: string;
  readonly instances: Readonly<Record<string, number>>;
}

/** Whose states and tasks somebody wants. */
interface Wanted {
  readonly whole: ReadonlySet<number>;
  readonly deployments: ReadonlySet<DeploymentUid>;
  readonly executions: ReadonlySet<ExecutionUid>;
  readonly tasks: ReadonlySet<ExecutionUid>;
}

export async function standingAfter(
  followed: Followed,
  { events, changes }: News,
  subscriptions: Iterable<Subscription>,
): Promise<Standing> {
  const wanted = wantedBy(subscriptions);
  const executions = new Set<ExecutionUid>();
  const deployments = new Set<DeploymentUid>();
  const instances = new Map<string, readonly [DeploymentUid, string]>();
  const restructured = new Map<DeploymentUid, string>();
  const touched = new Map<ExecutionUid, Set<string> | null>();
  const touch = (deployment: DeploymentUid | null, instance: string | null) => {
    if (deployment !== null && instance !== null && wanted.deployments.has(deployment))
      instances.set(instance, [deployment, instance]);
  };
  const concerns = (tenant: number, deployment: DeploymentUid | null, execution: ExecutionUid | null) =>
    wanted.whole.has(tenant) ||
    (deployment !== null && wanted.deployments.has(deployment)) ||
    (execution !== null && wanted.executions.has(execution));

  for (const { tenantId, executionUid, deploymentUid, instance } of events) {
    if (executionUid !== null && concerns(tenantId, deploymentUid, executionUid))
      executions.add(executionUid);
    touch(deploymentUid, instance);
    if (executionUid === null || !wanted.tasks.has(executionUid)) continue;
    const there = touched.get(executionUid);
    if (there === undefined) touched.set(executionUid, new Set(instance === null ? [] : [instance]));
    else if (instance !== null) there?.add(instance);
  }
  for (const { what, tenantId, executionUid, deploymentUid, subject, state } of changes) {
    if (state === 'deleted' || !concerns(tenantId, deploymentUid, executionUid)) continue;
    if (what === 'execution') executions.add(executionUid!);
    if (what === 'deployment') deployments.add(deploymentUid!);
    if (what === 'instance') touch(deploymentUid, subject);
    if (what === 'structure' && wanted.deployments.has(deploymentUid!))
      restructured.set(deploymentUid!, subject);
    // Taken up again: decisions have moved tasks that no event names.
    if (what === 'execution' && state === 'pending' && wanted.tasks.has(executionUid!))
      touched.set(executionUid!, null);
  }
  const [executionRows, deploymentRows, instanceRows] = await Promise.all([
    followed.executions([...executions]),
    followed.deployments([...deployments]),
    followed.instances([...instances.values()]),
  ]);
  return {
    executions: executionRows,
    deployments: deploymentRows,
    instances: instanceRows,
    tasks: await tasksOf(followed, touched),
    restructured: [...restructured].map(([deploymentUid, deployment]) => ({ deploymentUid, deployment })),
    gone: changes.filter(({ state }) => state === 'deleted'),
    counts: [],
  };
}

/** How many instances of each of them are in which state. */
export async function countsOf(
  followed: Followed,
  deployments: readonly DeploymentUid[],
): Promise<StateCounts[]> {
  const all = new Map<DeploymentUid, { deployment: string; instances: Record<string, number> }>();
  for (const { deploymentUid, deployment, state, count } of await followed.states(deployments)) {
    const one = all.get(deploymentUid) ?? { deployment, instances: {} };
    one.instances[state] = count;
    all.set(deploymentUid, one);
  }
  return [...all].map(([deploymentUid, one]) => ({ deploymentUid, ...one }));
}

async function tasksOf(followed: Followed, touched: ReadonlyMap<ExecutionUid, Set<string> | null>) {
  if (touched.size === 0) return [];
  const ids = new Map((await followed.executions([...touched.keys()])).map(({ uid, id }) => [uid, id]));
  const all: (TaskNow & { execution: string })[] = [];
  for (const [uid, instances] of touched) {
    const execution = ids.get(uid);
    if (execution === undefined) continue;
    for (const row of await followed.tasks(uid, instances)) all.push({ ...row, execution });
  }
  return all;
}

function wantedBy(subscriptions: Iterable<Subscription>): Wanted {
  const whole = new Set<number>();
  const deployments = new Set<DeploymentUid>();
  const executions = new Set<ExecutionUid>();
  const tasks = new Set<ExecutionUid>();
  for (const one of subscriptions) {
    if (one.kinds.has('tasks')) for (const uid of one.executions) tasks.add(uid);
    if (!one.kinds.has('states')) continue;
    if (one.whole) whole.add(one.tenantId);
    for (const uid of one.deployments) deployments.add(uid);
    for (const uid of one.executions) executions.add(uid);
  }
  return { whole, deployments, executions, tasks };
}
