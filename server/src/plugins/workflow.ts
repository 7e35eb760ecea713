/**
 * What a plugin is asked that has the code of a workflow: to run it, and to be the one who carries its wishes to the
 * engine and what came of them back. The code does nothing to the deployment by itself; each operation it wants becomes a
 * task of the execution's stored graph.
 */
import type { Readable } from 'node:stream';
import type { Json, JsonObject, PlanOperation, PlanPlugin } from '../dsl/plan.js';
import type { TaskFailure } from '../errors.js';
import type {
  InstanceView,
  LogLevel,
  NodeView,
  OperationContext,
  OperationOutcome,
  Plugin,
} from './plugin.js';
import type { PluginPackage } from './plugin-package.js';

/** A plugin that has code of workflows, beside operations. */
export interface WorkflowPlugin extends Plugin {
  /** Answers as `run` does, but never *again*. */
  runWorkflow(request: WorkflowRequest): Promise<OperationOutcome>;
}

export function hasWorkflows(plugin: Plugin | null): plugin is WorkflowPlugin {
  return plugin !== null && 'runWorkflow' in plugin;
}

export interface WorkflowRequest {
  readonly functionName: string;
  /** `<execution id>:0`. */
  readonly id: string;
  /** Counts every start of the code, from 1. */
  readonly attempt: number;
  /** An earlier run of the code has come to an end, or was broken off. */
  readonly isResumed: boolean;
  /** A worker died over the run before, and nobody has said that the code may run again: it may when it says so itself. */
  readonly wasBrokenOff: boolean;
  readonly isDryRun: boolean;
  readonly parameters: JsonObject;
  /** `self` and `relationship` are null. */
  readonly context: OperationContext;
  /** Where an operation does not say. `maxRetries` -1: without end; `retryInterval` in seconds. */
  readonly limits: { readonly maxRetries: number; readonly retryInterval: number };
  readonly plugin?: PlanPlugin;
  /** As of `OperationRequest`. */
  package?(): Promise<PluginPackage | null>;
  /** As of `OperationRequest`. */
  readonly signal: AbortSignal;
  readonly atOnce?: AbortSignal;
  /** A span, as W3C `traceparent`. Absent: nothing is traced. */
  readonly trace?: string;
  /** A log line of the workflow, or, with an instance, of the workflow about that instance. */
  log(level: LogLevel, message: string, instance?: string | null): void;
  /** An event of the workflow that is part of no task. */
  event(type: string, message: string): void;
  resource(path: string): Promise<{ size: number; stream: Readable }>;
  resources(folder: string): Promise<readonly string[]>;
  /** Every intrinsic function in it evaluated. Throws DomainError `invalid`. */
  evaluate(expression: Json): Promise<Json>;
  token?(): Promise<string>;
  /** As they are now. */
  nodes(): Promise<readonly WorkflowNode[]>;
  instances(): Promise<readonly WorkflowInstance[]>;
  /** Told before anything is asked for. */
  declare(code: { readonly resumable: boolean }): void;
  /** Each is answered once by `answers`; what was asked for under the same key before is not done again. */
  ask(wishes: readonly WorkflowWish[]): void;
  /** What came of wishes since the last call; waits until there is something, or `signal` aborts. */
  answers(): Promise<readonly WorkflowAnswer[]>;
  readonly graphs: KeptGraphs;
}

export type WorkflowWish = { readonly key: string } & (
  | {
      readonly kind: 'operation';
      readonly operation: string;
      readonly instance: string;
      readonly side: 'node' | 'source' | 'target';
      readonly target: string | null;
      readonly parameters: JsonObject;
      readonly maxRetries: number | null;
      readonly retryInterval: number | null;
    }
  | { readonly kind: 'state'; readonly instance: string; readonly state: string }
  | { readonly kind: 'event'; readonly instance: string | null; readonly message: string }
);

export type WorkflowAnswer = { readonly key: string } & (
  | { readonly kind: 'done'; readonly result: Json }
  | { readonly kind: 'failed'; readonly failure: TaskFailure }
);

export interface WorkflowNode extends NodeView {
  readonly operations: Readonly<Record<string, PlanOperation>>;
  readonly relationships: readonly (NodeView['relationships'][number] & {
    readonly sourceOperations: Readonly<Record<string, PlanOperation>>;
    readonly targetOperations: Readonly<Record<string, PlanOperation>>;
  })[];
  readonly plugins: readonly PlanPlugin[];
}

export interface WorkflowInstance extends InstanceView {
  readonly state: string;
}

/** Graphs that the code keeps, so that it finds them when it runs again. */
export interface KeptGraphs {
  /** Null: there is none of that name. */
  find(name: string): Promise<{ readonly id: string } | null>;
  /** Throws DomainError `conflict` when there is one of that name. */
  keep(name: string, operations: readonly KeptStep[]): Promise<{ readonly id: string }>;
  /** With the states they have now. */
  steps(graph: string): Promise<readonly (KeptStep & { readonly state: string })[]>;
  add(graph: string, step: KeptStep): Promise<void>;
  /** What the code says of a step that is no operation. */
  setState(step: string, state: string): Promise<void>;
  remove(step: string): Promise<void>;
}

export interface KeptStep {
  readonly id: string;
  readonly name: string | null;
  readonly type: string;
  readonly dependencies: readonly string[];
  readonly parameters: JsonObject;
}
