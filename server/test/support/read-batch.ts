/** What a batch says, read back from the arguments of `engine_commit`: for stores that stand in for PostgreSQL. */
import type { TaskState } from '../../src/orchestration/planning/graph.js';

export interface ReadMove {
  readonly task: number;
  readonly state: Exclude<TaskState, 'pending'>;
  readonly attempt: number;
  readonly retries: number;
  readonly due?: string;
}

export interface ReadBatch {
  readonly fence: number;
  readonly number: number;
  readonly finished: number;
  /** Rows of tasks never touched before. */
  readonly fresh: readonly ReadMove[];
  /** Tasks that were started and have succeeded with nothing to show. */
  readonly done: readonly number[];
  readonly moved: readonly ReadMove[];
  readonly states: readonly { readonly instance: string; readonly state: string }[];
  readonly events: readonly {
    readonly type: string | null;
    readonly message: string;
    readonly instance: string | null;
  }[];
}

export function readBatch(values: readonly unknown[]): ReadBatch {
  const [
    ,
    fence,
    number,
    finished,
    begun,
    passed,
    left,
    done,
    moved,
    stateOf,
    states,
    ,
    ,
    types,
    ,
    ,
    messages,
  ] = values;
  const [instances, said, saidOf] = [values[20], values[24], values[25]];
  const fresh = (tasks: unknown, state: ReadMove['state'], attempt: number) =>
    integers(tasks).map((task) => ({ task, state, attempt, retries: 0 }));
  const places = integers(saidOf);
  const [typeOf, messageOf, instanceOf] = [texts(types), texts(messages), texts(instances)];
  const stateNames = texts(states);
  return {
    fence: fence as number,
    number: number as number,
    finished: finished as number,
    fresh: [...fresh(begun, 'started', 1), ...fresh(passed, 'succeeded', 0), ...fresh(left, 'skipped', 0)],
    done: integers(done),
    moved: JSON.parse(moved as string) as ReadMove[],
    states: texts(stateOf).map((instance, at) => ({ instance: instance!, state: stateNames[at]! })),
    events: integers(said).map((words, at) => ({
      type: typeOf[words - 1]!,
      message: messageOf[words - 1]!,
      instance: instanceOf[places[at]! - 1]!,
    })),
  };
}

/** PostgreSQL's binary form of an array of integers. */
function integers(value: unknown): number[] {
  const column = value as Buffer;
  const count = column.readInt32BE(0) === 0 ? 0 : column.readInt32BE(12);
  return Array.from({ length: count }, (_, at) => column.readInt32BE(24 + 8 * at));
}

/** An array literal whose texts are all in quotes. */
function texts(value: unknown): (string | null)[] {
  const found = (value as string).slice(1, -1).matchAll(/NULL|"((?:[^"\\]|\\.)*)"/g);
  return [...found].map(([, text]) => (text === undefined ? null : text.replace(/\\(.)/gs, '$1')));
}
