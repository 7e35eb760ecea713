/** Each event once and in order, and none without what it tells of: with every batch, and over the whole of an execution. */
import { isDone, type Task } from '../../src/orchestration/planning/graph.js';
import type { Change, ModelDatabase } from './model-database.js';
import type { EventRow, ExecutionRow } from './model-rows.js';

interface Told {
  readonly by: string;
  readonly operations: readonly Change<'operations'>[];
  readonly events: readonly EventRow[];
  /** Attempts that have begun: `x1:5 2`. */
  readonly begun: ReadonlySet<string>;
}

interface Expected {
  starts: number;
  successes: number;
  /** At least and at most so many. */
  failures: [number, number];
}

/** Starts and ends of an operation, in short. */
const LETTERS: Readonly<Record<string, string>> = {
  sending_task: 'S',
  task_started: 'T',
  task_succeeded: 'O',
  task_failed: 'F',
  task_rescheduled: 'F',
};

const FAILURES = new Set(['task_failed', 'task_rescheduled']);

export class EventLaws {
  readonly #database: ModelDatabase;
  readonly #broken: (problem: string) => void;

  constructor(database: ModelDatabase, broken: (problem: string) => void) {
    this.#database = database;
    this.#broken = broken;
  }

  /** A batch tells of each move of an operation what is to be told, and of nothing else. */
  committed({ operations, events, begun }: Told): void {
    const expected = new Map<string, Expected>();
    for (const change of operations) {
      const execution = this.#database.row('executions', change.after.executionUid)!;
      const task = execution.graph!.tasks[change.after.task]!;
      const key = `${execution.uid} ${this.#about(task)}`;
      const entry = expected.get(key) ?? { starts: 0, successes: 0, failures: [0, 0] };
      expected.set(key, entry);
      count(entry, change, task, begun.has(`${execution.id}:${task.id} ${change.before?.attempt ?? 0}`));
    }
    const told = new Map<string, EventRow[]>();
    for (const event of events) {
      if (LETTERS[event.type ?? ''] === undefined) continue;
      const key = `${event.executionUid} ${aboutEvent(event)}`;
      told.set(key, [...(told.get(key) ?? []), event]);
    }
    for (const key of new Set([...expected.keys(), ...told.keys()])) {
      const wanted = expected.get(key) ?? { starts: 0, successes: 0, failures: [0, 0] };
      const list = told.get(key) ?? [];
      const of = (type: string) => list.filter((event) => event.type === type).length;
      const failures = list.filter((event) => FAILURES.has(event.type!)).length;
      const right =
        of('sending_task') === wanted.starts &&
        of('task_started') === wanted.starts &&
        of('task_succeeded') === wanted.successes &&
        failures >= wanted.failures[0] &&
        failures <= wanted.failures[1];
      if (!right) {
        const types = list.map((event) => event.type).join(', ');
        this.#broken(`a batch tells of ${key}: ${types || 'nothing'}; wanted ${JSON.stringify(wanted)}`);
      }
    }
  }

  /** Over its whole life: starts and ends of each operation in turn, and each message of the graph as often as it is due. */
  atRest(execution: ExecutionRow): void {
    const graph = execution.graph!;
    const lines = new Map<string, string>();
    const messages = new Map<string, number>();
    for (const event of this.#database.events) {
      if (event.executionUid !== execution.uid) continue;
      const told = LETTERS[event.type ?? ''];
      if (told !== undefined) {
        const about = aboutEvent(event);
        lines.set(about, (lines.get(about) ?? '') + told);
      } else if (isOfGraph(event)) {
        const message = `${event.instance} ${event.message}`;
        messages.set(message, (messages.get(message) ?? 0) + 1);
      }
    }
    const alone = new Map<string, number>();
    const wanted = new Map<string, number>();
    const maybe = new Set<string>();
    for (const task of graph.tasks) {
      if (task.call !== null) alone.set(this.#about(task), (alone.get(this.#about(task)) ?? 0) + 1);
      this.#due(execution, task, wanted, maybe);
    }
    for (const [about, tasks] of alone) {
      const line = lines.get(about) ?? '';
      // An attempt that was never asked, or asks to be called again by its result, ends without a word.
      if (tasks === 1 && (!/^(ST[FO]?)*$/.test(line) || /O./.test(line))) {
        this.#broken(`events of ${execution.id} about ${about} come as ${line}`);
      }
    }
    for (const [message, times] of wanted) {
      const told = messages.get(message) ?? 0;
      if (told !== times && !maybe.has(message)) {
        this.#broken(`"${message}" of ${execution.id} was told ${told} times, and is due ${times} times`);
      }
    }
  }

  #due(execution: ExecutionRow, task: Task, wanted: Map<string, number>, maybe: Set<string>): void {
    const row = this.#database.row('operations', `${execution.uid}:${task.id}`);
    const left = row?.state === 'skipped' && task.onFailure === 'leave';
    const begun = row !== undefined && (row.attempt > 0 || row.state === 'succeeded');
    const done = row !== undefined && isDone(row.state);
    for (const [effects, due] of [
      [task.before, begun],
      [task.after, done],
    ] as const) {
      for (const effect of effects) {
        if (effect.kind !== 'event') continue;
        const suffix = execution.dryRun ? ' (dry run)' : '';
        const key = `${task.instance} ${effect.message}${suffix}`;
        wanted.set(key, (wanted.get(key) ?? 0) + (due ? 1 : 0));
        if (left) maybe.add(key);
      }
    }
  }

  /** As events name it: operation, instance, source and target. */
  #about({ call, instance }: Task): string {
    if (call === null || instance === null) return `${call?.operation} ${instance} null null`;
    const link =
      call.side === 'node'
        ? undefined
        : this.#database.row('instances', instance)?.relationships[call.relationship!];
    return `${call.operation} ${instance} ${link === undefined ? null : instance} ${link?.targetInstance ?? null}`;
  }
}

function count(
  entry: Expected,
  { before, after }: Change<'operations'>,
  { call }: Task,
  begun: boolean,
): void {
  if (after.state === 'started') entry.starts += 1;
  if (before?.state !== 'started') return;
  if (after.state === 'succeeded') entry.successes += 1;
  else {
    // Not yet asked, or "not yet" in a result: nothing has failed.
    const silent = (after.state === 'waiting' && !begun) || call?.until === 'truthy';
    entry.failures[0] += silent ? 0 : 1;
    entry.failures[1] += 1;
  }
}

function aboutEvent({ operation, instance, source, target }: EventRow): string {
  return `${operation} ${instance} ${source} ${target}`;
}

/** Told by the graph itself, rather than by an operation. */
function isOfGraph({ type, operation }: EventRow): boolean {
  return operation === null && (type === 'workflow_node_event' || type === 'workflow_stage');
}
