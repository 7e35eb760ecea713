/** What a batch says, read back from the arguments of `engine_commit`: for stores that stand in for PostgreSQL. */
import type { Json, JsonObject } from '../../src/dsl/plan.js';
import type { InstanceLifecycleState, TaskState } from '../../src/orchestration/planning/graph.js';

export interface ReadMove {
  readonly task: number;
  readonly state: Exclude<TaskState, 'pending'>;
  readonly attempt: number;
  readonly retries: number;
  readonly due?: string;
  readonly result?: Json;
  readonly failure?: Json;
  readonly reason?: string;
}

export interface ReadChange {
  readonly id: string;
  readonly state?: InstanceLifecycleState;
  readonly put?: JsonObject;
  readonly drop?: readonly string[];
  readonly system?: JsonObject;
  readonly links?: Readonly<Record<string, JsonObject>>;
}

export interface ReadEvent {
  readonly type: string | null;
  readonly level: string | null;
  readonly logger: string | null;
  readonly message: string;
  readonly operation: string | null;
  readonly causes: Json;
  readonly node: string | null;
  readonly instance: string | null;
  readonly source: string | null;
  readonly target: string | null;
}

export interface ReadBatch {
  readonly execution: number;
  readonly fence: number;
  readonly number: number;
  readonly finished: number;
  /** Rows of tasks never touched before. */
  readonly fresh: readonly ReadMove[];
  /** Tasks that were started and have succeeded with nothing to show. */
  readonly done: readonly number[];
  readonly moved: readonly ReadMove[];
  /** Instances of which only the state changes, and those of which more does. */
  readonly states: readonly { readonly instance: string; readonly state: InstanceLifecycleState }[];
  readonly changed: readonly ReadChange[];
  /** Instances whose runtime properties are to be told. */
  readonly wanted: readonly string[];
  readonly events: readonly ReadEvent[];
}

export function readBatch(values: readonly unknown[]): ReadBatch {
  const [execution, fence, number, finished] = values as number[];
  const [begun, passed, left, done] = values.slice(4, 8).map(integers) as [
    number[],
    number[],
    number[],
    number[],
  ];
  const [stateOf, states] = [texts(values[9]), texts(values[10])];
  const fresh = (tasks: readonly number[], state: ReadMove['state'], attempt: number) =>
    tasks.map((task): ReadMove => ({ task, state, attempt, retries: 0 }));
  return {
    execution: execution!,
    fence: fence!,
    number: number!,
    finished: finished!,
    fresh: [...fresh(begun, 'started', 1), ...fresh(passed, 'succeeded', 0), ...fresh(left, 'skipped', 0)],
    done,
    moved: JSON.parse(values[8] as string) as ReadMove[],
    states: stateOf.map((instance, at) => ({
      instance: instance!,
      state: states[at] as InstanceLifecycleState,
    })),
    changed: JSON.parse(values[11] as string) as ReadChange[],
    wanted: texts(values[12]) as string[],
    events: readEvents(values),
  };
}

function readEvents(values: readonly unknown[]): ReadEvent[] {
  const [said, saidOf] = [integers(values[23]), integers(values[24])];
  const [ends, wordEnds, placeEnds] = values.slice(26, 29) as [number[], number[], number[]];
  const [types, levels, loggers, messages, operations, causes, nodes, instances, sources, targets] = values
    .slice(13, 23)
    .map(texts) as (string | null)[][];
  let pack = 0;
  return said.map((word, at) => {
    if (at === ends[pack]) pack += 1;
    const words = (wordEnds[pack - 1] ?? 0) + word - 1;
    const place = (placeEnds[pack - 1] ?? 0) + saidOf[at]! - 1;
    const cause = causes![words] ?? null;
    return {
      type: types![words] ?? null,
      level: levels![words] ?? null,
      logger: loggers![words] ?? null,
      message: messages![words]!,
      operation: operations![words] ?? null,
      causes: cause === null ? null : (JSON.parse(cause) as Json),
      node: nodes![place] ?? null,
      instance: instances![place] ?? null,
      source: sources![place] ?? null,
      target: targets![place] ?? null,
    };
  });
}

/** PostgreSQL's binary form of an array of integers. */
function integers(value: unknown): number[] {
  const column = value as Buffer;
  const count = column.readInt32BE(0) === 0 ? 0 : column.readInt32BE(12);
  return Array.from({ length: count }, (_, at) => column.readInt32BE(24 + 8 * at));
}

/** The elements of an array literal of texts. */
export function texts(value: unknown): (string | null)[] {
  const literal = value as string;
  const found: (string | null)[] = [];
  for (let place = 1; place < literal.length - 1; place += 1) {
    if (literal[place] !== '"') {
      const end = literal.indexOf(',', place);
      const bare = literal.slice(place, end === -1 ? literal.length - 1 : end);
      found.push(bare === 'NULL' ? null : bare);
      place += bare.length;
      continue;
    }
    let end = place + 1;
    while (literal[end] !== '"') end += literal[end] === '\\' ? 2 : 1;
    const quoted = literal.slice(place + 1, end);
    found.push(quoted.includes('\\') ? quoted.replace(/\\(.)/gs, '$1') : quoted);
    place = end + 1;
  }
  return found;
}
