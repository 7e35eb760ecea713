/**
 * What a plugin is: something that can run operations.
 *
 * The engine evaluates inputs, keeps intent and result durable, counts retries, and enforces timeouts by aborting
 * `signal`. The plugin touches the world and says, as data, what came of it. A plugin never throws on purpose;
 * what it throws is recorded as a retryable failure of type `PluginError`.
 *
 * Law: an operation may run twice under one operation id (the engine says so in `attempt`), because a machine can
 * die between the world and the record. A plugin that can bear this declares the function `resumable`.
 */
import type { Readable } from 'node:stream';
import type { Json, JsonObject, PlanPlugin } from '../dsl/plan.js';
import type { TaskFailure } from '../errors.js';
import type { PluginPackage } from './plugin-package.js';

export interface Plugin {
  /** As blueprints name it in an operation's plan entry, e.g. `script`. */
  readonly name: string;
  /** How many of its operations a worker may run at once; absent: the worker's setting, made for operations that are processes. */
  readonly concurrency?: number;
  /** Functions the plugin can run, with what the engine must know beforehand; null when it has no such function. */
  describe(functionName: string): { readonly resumable: boolean } | null;
  run(request: OperationRequest): Promise<OperationOutcome>;
  /** Called when a worker starts, before it takes work: end what an earlier, killed process of this host left running. */
  recover?(): Promise<void>;
}

export interface OperationRequest {
  readonly functionName: string;
  /** Evaluated; plain values. */
  readonly inputs: JsonObject;
  readonly operation: {
    /** Stable over attempts: `<execution id>:<task id>`. */
    readonly id: string;
    /** Full name, `cloudify.interfaces.lifecycle.create`. */
    readonly name: string;
    /** Counts every start of this operation, from 1; also those after an interruption. */
    readonly attempt: number;
    /** Failed attempts before this one. 0 at first. */
    readonly retryNumber: number;
    /** -1: without end. */
    readonly maxRetries: number;
    /** Its span, as W3C `traceparent`, for whatever it calls. Absent: nothing is traced. */
    readonly trace?: string;
    /** Seconds, or null. The engine aborts `signal` then; the plugin need not watch a clock. */
    readonly timeout: number | null;
  };
  readonly context: OperationContext;
  /** As the blueprint declares the plugin. Absent: it comes from no blueprint. */
  readonly plugin?: PlanPlugin;
  /** What was uploaded under the plugin's package name, as the execution may use it; null: nothing. */
  package?(): Promise<PluginPackage | null>;
  /** Aborted by cancel, kill, timeout or shutdown: stop the whole process tree and answer soon. `reason` is an `AbortReason`. */
  readonly signal: AbortSignal;
  /** Aborted with `signal` or after it, when there is no time left to say goodbye. Absent: `signal` says it all. */
  readonly atOnce?: AbortSignal;
  /** A log line of the operation; becomes a `cloudify_log` event, durable at the latest with the outcome. */
  log(level: LogLevel, message: string): void;
  /** A `plugin_event`. */
  event(message: string): void;
  /** Writes runtime properties now, not only with the outcome. Throws DomainError `conflict` when somebody else wrote. */
  saveRuntimeProperties(changes: RuntimePropertyChanges): Promise<void>;
  /** The stored runtime properties of an instance of the context, as they are now. Absent: cannot be read again here. */
  readRuntimeProperties?(instanceId: string): Promise<JsonObject>;
  /** A file of the deployment's folder or blueprint; throws DomainError `not-found`. */
  resource(path: string): Promise<{ size: number; stream: Readable }>;
  /** Paths of the files in a folder of the blueprint and below it; none: there is no such folder. Absent: cannot be told here. */
  resources?(folder: string): Promise<readonly string[]>;
  /** A capability of another deployment, a secret, … as `ctx` may ask for them: one intrinsic function, evaluated. */
  evaluate(expression: Json): Promise<Json>;
  /**
   * What puts an agent on the host that the operation is about, with new credentials in it: for the host's user data. Null: it wants none, or
   * gets one otherwise. Absent: here it cannot be had.
   */
  agentScript?(): Promise<string | null>;
  /** What surrounds the operation in its deployment. Absent: only the context can be seen here. */
  readonly surroundings?: Surroundings;
  /** A token of the execution for calls of the API, good until the execution ends. Absent: there is none to be had here. */
  token?(): Promise<string>;
}

/** The rest of the deployment, to look at. */
export interface Surroundings {
  /**
   * A node, its properties evaluated.
   *
   * @param instance on whose behalf functions are evaluated; null: on the operation's
   * @throws DomainError `not-found`
   */
  node(name: string, instance: string | null): Promise<NodeView>;
  /** An instance, with the runtime properties it has now. Throws DomainError `not-found`. */
  instance(id: string): Promise<InstanceView>;
}

export interface NodeView extends NodeContext {
  readonly host: string | null;
  readonly relationships: readonly {
    readonly type: string;
    readonly typeHierarchy: readonly string[];
    readonly target: string;
    readonly properties: JsonObject;
  }[];
}

export interface InstanceView extends Omit<InstanceContext['instance'], 'hostIp'> {
  readonly node: string;
  /** Instance that contains this one, possibly itself; null without a host. */
  readonly host: string | null;
}

export type AbortReason = 'cancelled' | 'killed' | 'timeout' | 'shutdown' | 'fenced';
export type LogLevel = 'debug' | 'info' | 'warning' | 'error' | 'critical';

export interface OperationContext {
  readonly tenant: string;
  readonly deployment: {
    readonly id: string;
    readonly displayName: string;
    /** Username. */
    readonly creator: string;
    /** What resources of this deployment are to be marked with in their clouds. */
    readonly resourceTags: JsonObject;
  };
  readonly blueprint: { readonly id: string };
  readonly execution: {
    readonly id: string;
    readonly workflow: string;
    readonly parameters: JsonObject;
    readonly creator: string;
  };
  /** The instance the operation runs on (`node` operations). */
  readonly self: InstanceContext | null;
  /** Both sides, for relationship operations; `side` says on which one the operation runs. */
  readonly relationship: {
    readonly side: 'source' | 'target';
    readonly type: string;
    readonly source: InstanceContext;
    readonly target: InstanceContext;
  } | null;
}

export interface NodeContext {
  readonly name: string;
  readonly type: string;
  readonly typeHierarchy: readonly string[];
  readonly properties: JsonObject;
  readonly numberOfInstances: number;
}

export interface InstanceContext {
  readonly node: NodeContext;
  readonly instance: {
    readonly id: string;
    readonly index: number;
    readonly runtimeProperties: JsonObject;
    /** `runtime_properties.ip` of the host, else its `ip` property; null without. */
    readonly hostIp: string | null;
    readonly relationships: readonly {
      readonly type: string;
      readonly targetNode: string;
      readonly targetInstance: string;
    }[];
    readonly scalingGroups: readonly { readonly name: string; readonly id: string }[];
  };
}

/** Whole new runtime properties, by instance id. Only for instances in the request's context. */
export type RuntimePropertyChanges = Readonly<Record<string, JsonObject>>;

export type OperationOutcome = {
  /** Saved with the outcome, whatever it is. Absent: unchanged. */
  readonly runtimeProperties?: RuntimePropertyChanges;
} & (
  | { readonly kind: 'done'; readonly result: Json }
  /** Asks to be called again; counts as a retry. `after` in seconds; null: the usual interval. */
  | { readonly kind: 'again'; readonly after: number | null; readonly message: string }
  | { readonly kind: 'failed'; readonly failure: TaskFailure }
  /** Answer to an abort by cancel, kill, shutdown or fencing. */
  | { readonly kind: 'aborted' }
);
