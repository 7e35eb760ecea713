/** What a walk is made of, and what may become of it. */
import type { JsonObject } from '../../dsl/plan.js';
import type { PluginRegistry } from '../../plugins/registry.js';
import type { Traced } from '../../traces.js';
import type { TaskGraph } from '../planning/graph.js';
import type { AskedTasks } from './asked-tasks.js';
import type { Clock } from './clock.js';
import type { Code } from './code.js';
import type { WalkedDeployment } from './deployment.js';
import type { SendAway } from './dispatch/errands.js';
import type { EngineFigures } from './engine-figures.js';
import type { Ledger } from './ledger.js';
import type { ClaimedExecution, EndStatus } from './running.store.js';
import type { Slots } from './slots.js';
import type { WalkMemory } from './walk-memory.js';

/** Large enough for a batch to be cheap, small enough that results flow meanwhile. */
export const STARTS_PER_BATCH = 1024;

/** Planning fewer takes a few milliseconds. */
export const LONG_TO_PLAN = 5000;

export interface WalkSettings {
  /** Retries after the first attempt where an operation does not say; -1 without end. */
  readonly taskRetries: number;
  /** Seconds. */
  readonly taskRetryInterval: number;
  /** Seconds that operations get to stop after they were told to, before the execution goes on without them. */
  readonly cancelGrace: number;
  /** Operations whose start one batch may hold. Absent: `STARTS_PER_BATCH`. */
  readonly startsPerBatch?: number;
  /** From so many instances on it is looked, while they are planned, whether a cancel has come. Absent: `LONG_TO_PLAN`. */
  readonly longToPlan?: number;
  /** Operations of this process that may run anywhere, and do at once; 0 or absent: what begins here runs here. */
  readonly spread?: number;
}

/** A graph that has just been made, with what the settings decide about it. */
export function asSet(graph: TaskGraph, { spread = 0 }: WalkSettings): TaskGraph {
  return spread > 0 ? { ...graph, spread: true } : graph;
}

export interface WalkParts {
  readonly execution: ClaimedExecution;
  readonly graph: TaskGraph;
  readonly memory: WalkMemory;
  /** Where the graph is one of code: what the code asks for, and what it takes to run it. */
  readonly asked?: AskedTasks | undefined;
  readonly code?: Code | undefined;
  readonly deployment: WalkedDeployment;
  readonly ledger: Ledger;
  readonly plugins: PluginRegistry;
  readonly slots: Slots;
  readonly settings: WalkSettings;
  readonly clock: Clock;
  /** Runtime properties now, by instance id. */
  loadProperties(instances: readonly string[]): Promise<ReadonlyMap<string, JsonObject>>;
  /** Lets a pool run an operation. Absent: nothing can be sent away. */
  readonly away?: SendAway | undefined;
  /** A token of the execution, for operations that call the API. */
  readonly token: () => Promise<string>;
  readonly figures?: EngineFigures | undefined;
  /** The execution's span. Absent: nothing is traced. */
  readonly traced?: Traced | undefined;
  /** As of `AttemptHost`. Absent: nobody else ever takes the execution. */
  readonly assured?: () => Promise<void> | null;
}

/** `released`: the worker shuts down; somebody else goes on from here. `fenced`: somebody already does. */
export type WalkEnd =
  | { readonly kind: 'ended'; readonly status: EndStatus; readonly error: string }
  | { readonly kind: 'released' }
  | { readonly kind: 'fenced' };
