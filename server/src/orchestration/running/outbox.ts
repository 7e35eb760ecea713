/**
 * What a walk wants written: collected between two commits, taken as one batch.
 *
 * Rows are rendered to JSON text as they come, while the previous batch is on its way to the database, so that taking
 * a batch is a join. Per task and per instance the last word counts; events keep their order.
 */
import type { Json, JsonObject } from '../../dsl/plan.js';
import type { FailureCause, TaskFailure } from '../../errors.js';
import type { InstanceLifecycleState, TaskState } from '../planning/graph.js';
import { type Clock, machineClock } from './clock.js';

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

/** Short member names: a large install makes hundreds of thousands of these. */
export interface OutboxEvent {
  /** Event type; absent for logs. */
  readonly t?: string;
  /** Log level; absent for events. */
  readonly l?: string;
  /** Logger. */
  readonly g?: string;
  readonly m: string;
  readonly o?: string;
  readonly n?: string;
  readonly i?: string;
  readonly s?: string;
  readonly d?: string;
  readonly c?: readonly FailureCause[];
}

export interface Batch {
  readonly fresh: string;
  readonly moved: string;
  readonly instances: string;
  /** One PostgreSQL array literal for each column, in the order of `EVENT_COLUMNS`. */
  readonly events: readonly string[];
  readonly finished: number;
  /** Tasks whose start this batch makes durable. */
  readonly starts: readonly number[];
}

/** In the order that `engine_commit` takes them; the time comes last. */
const EVENT_COLUMNS = ['t', 'l', 'g', 'm', 'o', 'n', 'i', 's', 'd'] as const;

export class Outbox {
  readonly #clock: Clock;
  readonly #fresh: string[] = [];
  readonly #moved = new Map<number, string>();
  readonly #instances = new Map<
    string,
    {
      state?: InstanceLifecycleState;
      put?: JsonObject;
      drop?: Set<string>;
      system?: JsonObject;
      links?: Record<string, JsonObject>;
    }
  >();
  /** Elements of array literals: one list for each of `EVENT_COLUMNS`, then causes and times. */
  #events = emptyColumns();
  #starts: number[] = [];
  #finished = 0;
  #second = { at: 0, text: '' };

  constructor(clock: Clock = machineClock) {
    this.#clock = clock;
  }

  get empty(): boolean {
    return (
      this.events === 0 &&
      this.#fresh.length === 0 &&
      this.#moved.size === 0 &&
      this.#instances.size === 0 &&
      this.#finished === 0
    );
  }

  get events(): number {
    return this.#events.at(-1)!.length;
  }

  /** The first row of a task that was never touched before: its start, or its end where nothing is run. */
  touch(task: number, state: 'started' | 'succeeded' | 'skipped'): void {
    this.#fresh.push(`{"task":${task},"state":"${state}","attempt":${state === 'started' ? 1 : 0}}`);
    if (state === 'started') this.#starts.push(task);
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

  state(instance: string, state: InstanceLifecycleState): void {
    this.#change(instance).state = state;
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

  event(event: OutboxEvent): void {
    const columns = this.#events;
    for (let column = 0; column < EVENT_COLUMNS.length; column += 1) {
      const text = event[EVENT_COLUMNS[column]!];
      columns[column]!.push(text === undefined ? 'NULL' : element(text));
    }
    columns[EVENT_COLUMNS.length]!.push(
      event.c === undefined ? 'NULL' : element(safeJson(event.c as unknown as Json)),
    );
    columns[EVENT_COLUMNS.length + 1]!.push(this.#now());
  }

  /** Everything so far, as one batch; the outbox is empty afterwards. */
  take(): Batch {
    const instances: string[] = [];
    for (const [id, change] of this.#instances) {
      instances.push(
        safeJson({ id, ...change, ...(change.drop ? { drop: [...change.drop] } : {}) } as unknown as Json),
      );
    }
    const batch: Batch = {
      fresh: `[${this.#fresh.join(',')}]`,
      moved: `[${[...this.#moved.values()].join(',')}]`,
      instances: `[${instances.join(',')}]`,
      events: this.#events.map((column) => `{${column.join(',')}}`),
      finished: this.#finished,
      starts: this.#starts,
    };
    this.#fresh.length = 0;
    this.#moved.clear();
    this.#instances.clear();
    this.#events = emptyColumns();
    this.#starts = [];
    this.#finished = 0;
    return batch;
  }

  #change(instance: string) {
    let change = this.#instances.get(instance);
    if (change === undefined) {
      change = {};
      this.#instances.set(instance, change);
    }
    return change;
  }

  #now(): string {
    const now = this.#clock.now();
    if (now !== this.#second.at) this.#second = { at: now, text: `"${new Date(now).toISOString()}"` };
    return this.#second.text;
  }
}

function emptyColumns(): string[][] {
  return Array.from({ length: EVENT_COLUMNS.length + 2 }, () => []);
}

/** A text as an element of an array literal. */
function element(text: string): string {
  return /["\\\0]/.test(text)
    ? `"${text.replace(/["\\]/g, '\\$&').replaceAll('\0', '\ufffd')}"`
    : `"${text}"`;
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
