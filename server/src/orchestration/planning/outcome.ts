/** How an execution stands, seen from its tasks, and how its failure is put into words. */
import type { TaskFailure } from '../../errors.js';
import { isDone, type TaskGraph, type TaskState } from './graph.js';
import { type KnownStates, stateOf } from './ready.js';

export type Outcome = 'running' | 'terminated' | 'failed' | 'cancelled';

export interface Circumstances {
  /** Somebody asked for the end. */
  readonly cancelling: boolean;
  /** Tasks under way are not waited for: the cancelling is forced, or the time that running tasks have after a failure is over. */
  readonly impatient?: boolean;
  /** The workflow failed for a reason that no task has, e.g. no graph could be built. */
  readonly error?: boolean;
}

/** How many tasks stand where. `done` counts succeeded and skipped ones. */
export interface TaskCounts {
  readonly total: number;
  readonly done: number;
  readonly started: number;
  readonly failed: number;
  readonly interrupted: number;
}

/**
 * `running` as long as something is under way or may still start. After a failure, an interruption or a request to
 * cancel nothing starts, neither anew nor again; what is under way may end, and then the ending has its name.
 * A request to cancel outweighs a failure, and also holds when everything was done by the time it came.
 */
export function outcome(graph: TaskGraph, states: KnownStates, circumstances: Circumstances): Outcome {
  return outcomeOf(countTasks(graph, states), circumstances);
}

/** The same from the numbers alone, for who has them without the states. */
export function outcomeOf(counts: TaskCounts, circumstances: Circumstances): Outcome {
  const failed = circumstances.error === true || counts.failed > 0 || counts.interrupted > 0;
  if (circumstances.cancelling || failed) {
    if (counts.started > 0 && circumstances.impatient !== true) return 'running';
    return circumstances.cancelling ? 'cancelled' : 'failed';
  }
  return counts.done === counts.total ? 'terminated' : 'running';
}

export function countTasks(graph: TaskGraph, states: KnownStates): TaskCounts {
  const counts = { total: graph.tasks.length, done: 0, started: 0, failed: 0, interrupted: 0 };
  for (const { id } of graph.tasks) {
    const state: TaskState = stateOf(states, id);
    if (isDone(state)) counts.done += 1;
    else if (state === 'started' || state === 'failed' || state === 'interrupted') counts[state] += 1;
  }
  return counts;
}

/** A task that failed for good, as much of it as the message tells. */
export interface FailedTask {
  /** E.g. `script_runner.tasks.run`. */
  readonly function: string;
  /** Id of the instance the operation ran on. */
  readonly instance: string;
  /** Full name of the operation. */
  readonly operation: string;
  readonly failure: TaskFailure;
}

/** Why an execution failed, in the form Cloudify's users know, in the order the failures came; traceback of the first. */
export function failureMessage(failures: readonly FailedTask[]): string {
  const [first] = failures;
  if (first === undefined) return '';
  const summary =
    failures.length === 1
      ? `Task failed: ${summarise(first)}`
      : [`${failures.length} operation errors:`, ...failures.map(summarise)].join('\n');
  const traces = first.failure.causes.flatMap(({ traceback }) =>
    traceback ? [withoutHeading(traceback)] : [],
  );
  if (traces.length === 0) return summary;
  return [summary, `Traceback of ${nameOf(first)} (most recent call last):`, ...traces].join('\n');
}

function nameOf(task: FailedTask): string {
  return `${task.function} (${task.instance}:${task.operation})`;
}

function summarise(task: FailedTask): string {
  return `${nameOf(task)}: ${task.failure.type} \`${task.failure.message}\``;
}

/** Without its own first line, which says what ours says better. */
function withoutHeading(traceback: string): string {
  return traceback.trimEnd().replace(/^\s*Traceback \(most recent call last\):\n/, '');
}
