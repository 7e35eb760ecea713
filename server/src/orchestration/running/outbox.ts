/**
 * What a walk wants written: collected between two commits, taken as one batch.
 *
 * Rows are rendered as they come, while the previous batch is on its way to the database, so that taking a batch is
 * cheap. Per task and per instance the last word counts; events keep their order. The moves that nearly all tasks make,
 * to `started` and from there to `succeeded` without a result, are a number each.
 */
import type { Json, JsonObject } from '../../dsl/plan.js';
import type { TaskFailure } from '../../errors.js';
import type { InstanceLifecycleState, TaskState } from '../planning/graph.js';
import { type Clock, machineClock } from './clock.js';
import { IntegerColumn, textColumn } from './columns.js';
import { Packs } from './packs.js';
import type { Place, Words } from './told.js';

export interface TaskMove {
  readonly task: number;
  readonly state: Exclude<TaskState, 'pending'>;
  readonly attempt: number;
  readonly retries: number;
  readonly due?: Date;
  readonly result?: Json;
  readonly failure?: TaskFailure;
  readonly reason?: string;
}

export interface PropertyPatch {
  readonly put: JsonObject;
  readonly drop: readonly string[];
}

export interface Batch {
  /** What `engine_commit` takes after execution, fence and number, in its order. */
  readonly values: readonly unknown[];
  /** Tasks whose start this batch makes durable. */
  readonly starts: readonly number[];
  /** Starts and ends in it. */
  readonly operations: number;
}

interface InstanceChange {
  state?: InstanceLifecycleState;
  put?: JsonObject;
  drop?: Set<string>;
  system?: JsonObject;
  links?: Record<string, JsonObject>;
}

export class Outbox {
  readonly #clock: Clock;
  readonly #begun = new IntegerColumn();
  readonly #passed = new IntegerColumn();
  readonly #left = new IntegerColumn();
  readonly #done = new IntegerColumn();
  readonly #moved = new Map<number, string>();
  /** Those of which nothing but the state changes. */
  readonly #states = new Map<string, InstanceLifecycleState>();
  readonly #instances = new Map<string, InstanceChange>();
  readonly #wanted = new Set<string>();
  readonly #said = new Packs();
  /** Milliseconds: no event may have happened before. */
  #earliest = 0;
  #starts: number[] = [];
  #finished = 0;

  constructor(clock: Clock = machineClock) {
    this.#clock = clock;
  }

  get empty(): boolean {
    return (
      this.events === 0 &&
      this.#begun.length === 0 &&
      this.#passed.length === 0 &&
      this.#left.length === 0 &&
      this.#done.length === 0 &&
      this.#moved.size === 0 &&
      this.#states.size === 0 &&
      this.#instances.size === 0 &&
      this.#finished === 0
    );
  }

  get events(): number {
    return this.#said.length;
  }

  /** The first row of a task that was never touched before: its start, or its end where nothing is run. */
  touch(task: number, state: 'started' | 'succeeded' | 'skipped'): void {
    if (state === 'succeeded') this.#passed.push(task);
    else if (state === 'skipped') this.#left.push(task);
    else {
      this.#begun.push(task);
      this.#starts.push(task);
    }
  }

  /** A task that is `started` in the store has succeeded, with nothing to show. */
  done(task: number): void {
    this.#done.push(task);
  }

  /** A move of a task that has a row. */
  move(move: TaskMove): void {
    const due = move.due === undefined ? '' : `,"due":"${move.due.toISOString()}"`;
    const result =
      move.result === undefined || move.result === null ? '' : `,"result":${safeJson(move.result)}`;
    const failure =
      move.failure === undefined ? '' : `,"failure":${safeJson(move.failure as unknown as Json)}`;
    const reason = move.reason === undefined ? '' : `,"reason":${safeJson(move.reason)}`;
    this.#moved.set(
      move.task,
      `{"task":${move.task},"state":"${move.state}","attempt":${move.attempt},"retries":${move.retries}${due}${result}${failure}${reason}}`,
    );
    if (move.state === 'started') this.#starts.push(move.task);
  }

  /** One more operation is over for good. */
  finishOperation(): void {
    this.#finished += 1;
  }

  /** The answer to this batch is to have the runtime properties of the instance, as the batch leaves them. */
  want(instance: string): void {
    this.#wanted.add(instance);
  }

  state(instance: string, state: InstanceLifecycleState): void {
    const change = this.#instances.get(instance);
    if (change === undefined) this.#states.set(instance, state);
    else change.state = state;
  }

  properties(instance: string, patch: PropertyPatch): void {
    const change = this.#change(instance);
    const put = { ...change.put };
    const drop = change.drop ?? new Set<string>();
    for (const name of patch.drop) {
      delete put[name];
      drop.add(name);
    }
    for (const [name, value] of Object.entries(patch.put)) {
      put[name] = value;
      drop.delete(name);
    }
    change.put = put;
    change.drop = drop;
  }

  /** A system property; `of`: what it holds for one neighbour. */
  note(instance: string, name: string, value: JsonObject, of?: string): void {
    const change = this.#change(instance);
    const told = { ...value, timestamp: new Date(this.#clock.now()).toISOString() };
    if (of === undefined) change.system = { ...change.system, [name]: told };
    else change.links = { ...change.links, [name]: { ...change.links?.[name], [of]: told } };
  }

  event(words: Words, place: Place): void {
    // Never before what is told already; and later than what the batch before tells, whatever ids the two draw.
    const now = Math.max(this.#clock.now(), this.#earliest);
    this.#earliest = now;
    this.#said.add(words, place, now);
  }

  /** Everything so far, as one batch; the outbox is empty afterwards. */
  take(): Batch {
    const told = this.events > 0;
    const batch: Batch = {
      values: [
        this.#finished,
        this.#begun.take(),
        this.#passed.take(),
        this.#left.take(),
        this.#done.take(),
        `[${[...this.#moved.values()].join(',')}]`,
        textColumn([...this.#states.keys()]),
        textColumn([...this.#states.values()]),
        this.#changes(),
        textColumn([...this.#wanted]),
        ...this.#said.take(),
      ],
      starts: this.#starts,
      operations: this.#starts.length + this.#finished,
    };
    if (told) this.#earliest += 1;
    this.#moved.clear();
    this.#states.clear();
    this.#instances.clear();
    this.#wanted.clear();
    this.#starts = [];
    this.#finished = 0;
    return batch;
  }

  #changes(): string {
    const changes: string[] = [];
    for (const [id, change] of this.#instances) {
      changes.push(
        safeJson({ id, ...change, ...(change.drop ? { drop: [...change.drop] } : {}) } as unknown as Json),
      );
    }
    return `[${changes.join(',')}]`;
  }

  #change(instance: string): InstanceChange {
    let change = this.#instances.get(instance);
    if (change === undefined) {
      const state = this.#states.get(instance);
      change = state === undefined ? {} : { state };
      this.#states.delete(instance);
      this.#instances.set(instance, change);
    }
    return change;
  }
}
/** JSON that PostgreSQL takes: it refuses NUL characters and lone surrogates, which scripts do print. */
export function safeJson(value: Json): string {
  const text = JSON.stringify(value);
  if (!/\\u0000|\\ud[89a-f]/i.test(text)) return text;
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'string') return storable(part);
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([name, one]) => [storable(name), one]));
  });
}

/** The text, with what PostgreSQL cannot keep replaced. */
export function storable(text: string): string {
  return text.replace(/\p{Surrogate}|\0/gu, '\ufffd');
}

/** What a whole new set of properties changes, name by name, so that it does not undo what others wrote meanwhile. */
export function patchBetween(before: JsonObject, after: JsonObject): PropertyPatch | null {
  const put: JsonObject = {};
  const drop: string[] = [];
  for (const [name, value] of Object.entries(after)) {
    if (!Object.hasOwn(before, name) || JSON.stringify(before[name]) !== JSON.stringify(value))
      put[name] = value;
  }
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) drop.push(name);
  return Object.keys(put).length === 0 && drop.length === 0 ? null : { put, drop };
}
