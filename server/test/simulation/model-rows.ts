/** Rows of the model, as far as the engine's statements look at them. Never changed in place. */
import type { Json, JsonObject, PlanNode, SharedTypes } from '../../src/dsl/plan.js';
import type { ExecutionStatus } from '../../src/orchestration/execution-state.js';
import type { InstanceLifecycleState, TaskGraph, TaskState } from '../../src/orchestration/planning/graph.js';
import type { InstanceRelationship } from '../../src/orchestration/planning/model.js';

/** One tenant and one user; they decide nothing here. */
export const TENANT = { id: 1, name: 'acme' };
export const USER = { id: 1, name: 'ada' };

export interface ExecutionRow {
  readonly uid: number;
  readonly id: string;
  readonly deploymentUid: number;
  readonly workflow: string;
  readonly function: string;
  readonly status: ExecutionStatus;
  readonly parameters: JsonObject;
  readonly dryRun: boolean;
  readonly resumed: boolean;
  readonly waitAfterFail: number;
  readonly error: string | null;
  readonly total: number;
  readonly finished: number;
  readonly graph: TaskGraph | null;
  readonly worker: string | null;
  readonly fence: number;
  readonly batches: number;
  /** On the database's clock, in milliseconds; null: free. */
  readonly leaseUntil: number | null;
  readonly breakdowns: number;
}

export interface OperationRow {
  readonly executionUid: number;
  readonly task: number;
  readonly state: Exclude<TaskState, 'pending'>;
  readonly attempt: number;
  readonly retries: number;
  /** ISO time. */
  readonly dueAt: string | null;
  readonly result: Json;
  readonly failure: Json;
  readonly reason: string | null;
  /** Who decided what becomes of it. */
  readonly decidedBy: string | null;
}

export interface InstanceRow {
  readonly id: string;
  readonly deploymentUid: number;
  readonly node: string;
  readonly index: number;
  readonly host: string | null;
  readonly state: InstanceLifecycleState;
  readonly version: number;
  readonly runtimeProperties: JsonObject;
  readonly systemProperties: JsonObject;
  readonly relationships: readonly InstanceRelationship[];
}

export interface DeploymentRow {
  readonly uid: number;
  readonly id: string;
  readonly latest: number | null;
  readonly health: 'good' | 'in-progress' | 'requires-attention';
  readonly installed: boolean;
  readonly types: SharedTypes;
  readonly nodes: readonly PlanNode[];
}

export interface EventRow {
  readonly executionUid: number | null;
  readonly type: string | null;
  readonly level: string | null;
  readonly logger: string | null;
  readonly message: string;
  readonly operation: string | null;
  readonly node: string | null;
  readonly instance: string | null;
  readonly source: string | null;
  readonly target: string | null;
  readonly causes: Json;
}
