/** What is told of task graphs and their operations, and what outside workflow code says of those it keeps here. */
import type { Json, JsonObject } from '../dsl/plan.js';
import type { FailureCause } from '../errors.js';
import type { OperationRow } from './executions.store.js';
import type { TaskState } from './planning/graph.js';
import type { KeptState } from './task-graphs.store.js';

export type { KeptState } from './task-graphs.store.js';

/** One task of an execution's graph with where it stands. */
export interface OperationRecord {
  readonly task: number;
  readonly name: string;
  readonly instance: string | null;
  readonly state: TaskState;
  readonly dependsOn: readonly number[];
  readonly attempt: number;
  readonly row: OperationRow | null;
}

export interface GraphRecord {
  readonly id: string;
  readonly name: string;
  readonly executionId: string;
  /** As outside code says of a graph that it keeps; null: nobody said, as of the engine's, whose operations say it. */
  readonly state: string | null;
  readonly createdAt: Date;
}

/** An operation, the engine's or a kept one, told alike. */
export interface ToldOperation {
  readonly id: string;
  readonly graphId: string;
  readonly name: string | null;
  /** It runs something, as opposed to telling or ordering others. */
  readonly runs: boolean;
  /** Of kept ones, as they were given; null for the engine's. */
  readonly type: string | null;
  readonly state: KeptState;
  readonly dependencies: readonly string[];
  readonly parameters: Json;
  readonly managerName: string | null;
  readonly agentName: string | null;
  /** What it answered; null: nothing, or nobody said. */
  readonly result: Json;
  /** How it failed, as whoever runs it says it; null likewise. */
  readonly exception: Json;
  readonly causes: readonly FailureCause[] | null;
  readonly createdAt: Date;
}

/** What outside code says of an operation that it keeps here; null: not said, and what was said stays. */
export interface OperationReport {
  readonly state: KeptState | null;
  readonly manager: string | null;
  readonly agent: string | null;
  readonly result: Json;
  readonly exception: Json;
  readonly causes: readonly FailureCause[] | null;
}

export interface NewOperation {
  readonly id?: string;
  readonly name?: string | null;
  readonly type: string;
  readonly state?: KeptState;
  readonly dependencies?: readonly string[];
  readonly parameters?: JsonObject;
}
