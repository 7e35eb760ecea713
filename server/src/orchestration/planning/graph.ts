/**
 * A task graph: what an execution will do, as data.
 *
 * Built once, by a workflow, from the plan and the instances as they are; stored whole; from then on the stored
 * graph is the truth. An edge always means *may start only after*. Pure: no clock, no randomness, no I/O.
 *
 * A task is one operation on one instance (or one side of a relationship), with the state changes and events
 * that belong to its start and to its success. Folding those into the task, instead of making each a task of
 * its own, keeps a graph at about three tasks an instance instead of some fifteen, and makes "the operation
 * succeeded" and "the instance is created" one fact in one transaction.
 */
import type { JsonObject } from '../../dsl/plan.js';

export interface TaskGraph {
  readonly workflow: string;
  /** `tasks[i].id === i`; every dependency points at a lower id, so the array is in topological order. */
  readonly tasks: readonly Task[];
  /** Of a workflow that plans one part after the other: its parts so far, the last one being walked (`staged.ts`). */
  readonly stages?: readonly Stage[];
  /** Of a workflow that is code of a plugin: its first task runs the code, and what the code asks for follows (`asked.ts`). */
  readonly asked?: Asked;
  /** Operations that name no pool may run on any worker that walks executions, not only on the one that walks this. Decided when it is made. */
  readonly spread?: true;
}

/** What is known of tasks that the code of a workflow has asked for. */
export interface Asked {
  /** The code may be run again from its beginning. */
  readonly resumable: boolean;
  /** One for each task, by its id: what the code calls it, the same in every run. Empty for the code itself. */
  readonly keys: readonly string[];
}

/** A part of an execution that was planned when the parts before it were over. */
export interface Stage {
  readonly name: string;
  /** Its first task; it ends where the next stage begins. */
  readonly from: number;
  /** A failure in it is for the workflow to deal with; otherwise it ends the execution. */
  readonly tolerant: boolean;
  /** What the workflow tells its own later stages. */
  readonly memo: JsonObject;
  /** Begins when the executions that were started with it have ended. */
  readonly awaitsChildren?: boolean;
  /** Stored when the next stage is. */
  readonly ended?: StageEnd;
}

export interface StageEnd {
  readonly failed: boolean;
  /** Why, in the words of a failed execution; empty without a failure. */
  readonly error: string;
  /** Instances whose chain was left after a failure (`onFailure: 'leave'`). */
  readonly left: readonly string[];
}

export interface Task {
  readonly id: number;
  /** `marker`: nothing to run, only effects; over as soon as it may start. `workflow`: the code of a workflow. */
  readonly kind: 'operation' | 'marker' | 'workflow';
  /** The instance the task belongs to; null for a task of the whole workflow. */
  readonly instance: string | null;
  readonly call: OperationCall | null;
  readonly dependsOn: readonly number[];
  /** Told in the transaction that records the start. In order. Not repeated by later attempts. */
  readonly before: readonly Effect[];
  /** Told in the transaction that records success (or an ignored failure). In order. */
  readonly after: readonly Effect[];
  /**
   * `ignore`: a final failure is told by an event and counts as done (`skipped`). `leave`: so it does, and what else this
   * stage has for the instance is passed over in silence. `hold`: what depends on it does not start, everything else does,
   * and then the execution has failed. `tell`: whoever asked for it is told, and decides.
   */
  readonly onFailure: 'fail' | 'ignore' | 'leave' | 'hold' | 'tell';
}

/** Which operation to run; its implementation and inputs are read from the deployment's plan when it runs. */
export interface OperationCall {
  /** Full name, e.g. `cloudify.interfaces.lifecycle.create`. */
  readonly operation: string;
  /** `node`: on `instance`. `source`/`target`: that side of a relationship of `instance` (the source instance). */
  readonly side: 'node' | 'source' | 'target';
  /** For a relationship: its place in the source instance's `relationships`. */
  readonly relationship: number | null;
  /** What to run, for events: `script_runner.tasks.run`. */
  readonly function: string;
  /** Given with the execution, laid over the declared inputs. Absent: none. */
  readonly parameters?: JsonObject;
  /** `parameters` may replace declared inputs; otherwise a clash fails the task. */
  readonly allowOverride?: boolean;
  /** Overrides the operation's own count, e.g. 0 for a status check. */
  readonly maxRetries?: number;
  /** Seconds; overrides the operation's own. */
  readonly retryInterval?: number;
  /** `truthy`: an empty result asks to be called again, however often (see `retry.ts`, `asksAgain`). Absent: any result will do. */
  readonly until?: 'truthy';
  /** How it ended is written down on an instance: its result, or why it failed. */
  readonly keep?: Keep;
}

/** Where the outcome of a check is kept among an instance's system properties. */
export interface Keep {
  readonly instance: string;
  readonly name: string;
  /** Kept under this name inside the property, one for each neighbour. */
  readonly of?: string;
}

/** Told of the instance that its task belongs to, so that thousands of tasks share one list of them. */
export type Effect =
  | { readonly kind: 'state'; readonly state: InstanceLifecycleState }
  /** A `workflow_node_event` on the instance, or a `workflow_stage` where the task has none. */
  | { readonly kind: 'event'; readonly message: string }
  /** A system property of the instance; its `timestamp` is added when it is told. */
  | { readonly kind: 'note'; readonly name: string; readonly value: JsonObject };

/** An effect, and of whom; null: of the whole workflow. */
export interface Told {
  readonly instance: string | null;
  readonly effect: Effect;
}

/** What a success of the task means. */
export function toldBy({ instance, after }: Task): Told[] {
  return after.map((effect) => ({ instance, effect }));
}

/** cloudify.md §5.2. Only labels, set by workflows. */
export type InstanceLifecycleState =
  | 'uninitialized'
  | 'initializing'
  | 'creating'
  | 'created'
  | 'configuring'
  | 'configured'
  | 'starting'
  | 'started'
  | 'stopping'
  | 'stopped'
  | 'deleting'
  | 'deleted';

/**
 * Where a task stands. `pending` is the absence of a record.
 *
 * - `started`: its intent is durable; the world may have been touched.
 * - `waiting`: an attempt failed or asked to be called again; the next one is due at a stored time.
 * - `interrupted`: was started when its worker died, and may not be run again in silence.
 * - `skipped`: gone on without it, because a person decided so, with a reason, or because its failure is ignored.
 *   Counts as done.
 */
export type TaskState =
  | 'pending'
  | 'started'
  | 'waiting'
  | 'succeeded'
  | 'failed'
  | 'interrupted'
  | 'skipped';

/** Over, and what depends on it may start. */
export function isDone(state: TaskState): boolean {
  return state === 'succeeded' || state === 'skipped';
}
