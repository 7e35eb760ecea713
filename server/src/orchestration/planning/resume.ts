/** From where an execution that ended before its time goes on. */
import { isDone, type Task, type TaskGraph, type TaskState, type Told, toldBy } from './graph.js';
import { type KnownStates, stateOf } from './ready.js';
import { firstOpen } from './staged.js';

/** What a person says of one task that did not succeed. */
export type Decision =
  | { readonly kind: 'retry' }
  /** Go on without it. */
  | { readonly kind: 'skip'; readonly reason: string }
  /** The work was done, whatever the record says. */
  | { readonly kind: 'done' };

export interface ResumeRequest {
  /** Tasks of which nobody knows whether they did their work run again without being asked about one by one. */
  readonly force: boolean;
  readonly decisions?: ReadonlyMap<number, Decision>;
  /** A task that was under way may run again. Absent: none may. */
  readonly mayRunAgain?: (task: Task) => boolean;
}

export type Resumption =
  | {
      readonly kind: 'resumed';
      /** Only what changes, in the order of ids. A task that goes back to `pending` begins with a fresh number of retries. */
      readonly changes: readonly {
        readonly task: number;
        readonly from: TaskState;
        readonly to: TaskState;
      }[];
      /** What the tasks that now count as done mean: told with the change. */
      readonly effects: readonly Told[];
    }
  /** Nobody knows what became of these, and nobody has decided. */
  | { readonly kind: 'undecided'; readonly tasks: readonly number[] }
  /** Decisions about tasks that are not there, not begun, or done. */
  | { readonly kind: 'pointless'; readonly tasks: readonly number[] };

/** What becomes of tasks that somebody has decided about, while nothing is taken up yet. */
export type Settlement =
  | (Pick<Extract<Resumption, { kind: 'resumed' }>, 'changes' | 'effects'> & {
      readonly kind: 'settled';
      /** Nobody knows what became of these, and nobody has decided: nothing goes on before. */
      readonly undecided: readonly number[];
    })
  | Extract<Resumption, { kind: 'pointless' }>;

/** Only what was decided changes. */
export function settle(
  graph: TaskGraph,
  states: KnownStates,
  decisions: ReadonlyMap<number, Decision>,
): Settlement {
  const pointless = pointlessIn(graph, states, decisions);
  if (pointless.length > 0) return { kind: 'pointless', tasks: pointless };
  const decided = [...decisions.keys()].sort((a, b) => a - b);
  const changes = decided.map((task) => ({
    task,
    from: stateOf(states, task),
    to: stateAfter(decisions.get(task)),
  }));
  const undecided = graph.tasks
    .slice(firstOpen(graph))
    .filter(({ id }) => !decisions.has(id) && isUnknown(stateOf(states, id)));
  return {
    kind: 'settled',
    changes,
    effects: changes.flatMap(({ task, to }) => (isDone(to) ? toldBy(graph.tasks[task]!) : [])),
    undecided: undecided.map(({ id }) => id),
  };
}

/** Tasks of an instance that were begun and are not done: what is run again when the instance is tried once more. */
export function undoneOf(graph: TaskGraph, states: KnownStates, instance: string): number[] {
  return graph.tasks
    .slice(firstOpen(graph))
    .filter((task) => task.instance === instance && task.call !== null)
    .map(({ id }) => id)
    .filter((id) => stateOf(states, id) !== 'pending' && !isDone(stateOf(states, id)));
}

/**
 * Done tasks stay done. Failed ones and those that waited for another attempt run again; so do those that were
 * under way when everything ended, if they may, with `force`, or by decision. A decision outweighs all of that.
 */
export function resume(graph: TaskGraph, states: KnownStates, request: ResumeRequest): Resumption {
  const decisions = request.decisions ?? new Map<number, Decision>();
  const pointless = pointlessIn(graph, states, decisions);
  if (pointless.length > 0) return { kind: 'pointless', tasks: pointless };

  const changes: { task: number; from: TaskState; to: TaskState }[] = [];
  const effects: Told[] = [];
  const undecided: number[] = [];
  for (const task of graph.tasks.slice(firstOpen(graph))) {
    const from = stateOf(states, task.id);
    if (from === 'pending' || isDone(from)) continue;
    const decision = decisions.get(task.id);
    if (decision === undefined && isUnknown(from) && !request.force && request.mayRunAgain?.(task) !== true) {
      undecided.push(task.id);
      continue;
    }
    const to = stateAfter(decision);
    changes.push({ task: task.id, from, to });
    if (isDone(to)) effects.push(...toldBy(task));
  }
  return undecided.length > 0
    ? { kind: 'undecided', tasks: undecided }
    : { kind: 'resumed', changes, effects };
}

function pointlessIn(
  graph: TaskGraph,
  states: KnownStates,
  decisions: ReadonlyMap<number, Decision>,
): number[] {
  // What failed in a stage before was for the workflow to deal with, and it has.
  const open = firstOpen(graph);
  const pointless = [...decisions.keys()].filter((id) => {
    const state = stateOf(states, id);
    return graph.tasks[id] === undefined || id < open || state === 'pending' || isDone(state);
  });
  return pointless.sort((a, b) => a - b);
}

/** Was under way; what became of it is not recorded. */
function isUnknown(state: TaskState): boolean {
  return state === 'started' || state === 'interrupted';
}

function stateAfter(decision: Decision | undefined): TaskState {
  if (decision?.kind === 'skip') return 'skipped';
  return decision?.kind === 'done' ? 'succeeded' : 'pending';
}
