/** What an attempt is made with, and what its plugin is asked. */
import type { Json, JsonObject, PlanOperation, PlanPlugin } from '../../dsl/plan.js';
import { DomainError, notFound } from '../../errors.js';
import type {
  AbortReason,
  LogLevel,
  OperationContext,
  OperationOutcome,
  OperationRequest,
  Surroundings,
} from '../../plugins/plugin.js';
import type { PluginPackage } from '../../plugins/plugin-package.js';
import type { PluginRegistry } from '../../plugins/registry.js';
import type { Traced } from '../../traces.js';
import type { OperationCall, Task } from '../planning/graph.js';
import { instancesOf, linkOf } from './about-task.js';
import type { Code } from './code.js';
import type { WalkedDeployment } from './deployment.js';
import { instanceContext, surroundingsOf } from './instance-context.js';
import type { Veil } from './veil.js';

/** What an attempt needs from the walk that makes it. */
export interface AttemptHost {
  readonly deployment: WalkedDeployment;
  readonly plugins: PluginRegistry;
  readonly execution: {
    readonly id: string;
    readonly workflow: string;
    readonly parameters: JsonObject;
    readonly createdBy: string;
    readonly dryRun: boolean;
  };
  log(task: Task, level: LogLevel, message: string): void;
  event(task: Task, message: string): void;
  saveRuntimeProperties(task: Task, changes: Readonly<Record<string, JsonObject>>): Promise<void>;
  /** As they are stored now; what the operation changes from then on is measured against them. */
  readRuntimeProperties(task: Task, instance: string): Promise<JsonObject>;
  /** Runtime properties of any instances, to look at. */
  loadProperties(instances: readonly string[]): Promise<ReadonlyMap<string, JsonObject>>;
  /** Where the execution's workflow is code. */
  readonly code?: Code | undefined;
  /** A line of the code of a workflow, or of it about an instance. */
  say(level: LogLevel, message: string, instance: string | null): void;
  /** An event of the code that is part of no task. */
  announce(type: string, message: string): void;
  /** A token of the execution, for operations that call the API. */
  readonly token: () => Promise<string>;
  /** Lets a pool run what `request` says. */
  sendAway(
    task: Task,
    pool: string,
    plugin: string,
    request: DispatchedRequest,
    begins: Begins,
  ): Promise<OperationOutcome>;
  /** Null: nobody else can have taken the execution. Otherwise ask again when the promise resolves. */
  assured(): Promise<void> | null;
}

/** A request that somebody elsewhere may carry out. */
export interface DispatchedRequest extends OperationRequest {
  /** As in the request, for who may be told no secrets: what would tell one throws DomainError. */
  readonly guarded: Required<Pick<OperationRequest, 'evaluate' | 'surroundings'>>;
}

/** Called when the plugin is asked, or was so many seconds ago: until then nothing can have been done. */
export type Begins = (secondsAgo?: number) => void;

export interface Attempt {
  readonly task: Task;
  readonly attempt: number;
  readonly retries: number;
  readonly maxRetries: number;
  /** As the deployment's plan has it; null: it does not say. */
  readonly implementation: PlanOperation | null;
  /** Why it is to stop; null: it is not. */
  readonly stopped: AbortReason | null;
  /** Absent: nothing is traced. */
  readonly traced?: Traced | undefined;
  /** The same for the plugin. Made when it is asked for. */
  readonly signal: AbortSignal;
  readonly atOnce: AbortSignal;
  /** What is not in it has none. */
  readonly properties: ReadonlyMap<string, JsonObject>;
  readonly begins: Begins;
}

export type Scope = { readonly self?: string; readonly source?: string; readonly target?: string };

/** What functions in its inputs are evaluated for. */
export function scopeOf(deployment: WalkedDeployment, task: Task, call: OperationCall): Scope {
  const instance = deployment.instances.get(task.instance!)!;
  const link = linkOf(instance, call);
  return link === null ? { self: instance.id } : { source: instance.id, target: link.targetInstance };
}

interface RequestParts {
  readonly host: AttemptHost;
  /** What is said is searched for the secrets that were given away. */
  readonly veil: Veil;
  readonly attempt: Attempt;
  readonly call: OperationCall;
  readonly implementation: PlanOperation;
  readonly scope: Scope;
  readonly inputs: JsonObject;
}

/** What a plugin is asked. Most operations look at little of it, so each part is made when it is looked at. */
export class AttemptRequest implements DispatchedRequest {
  readonly functionName: string;
  readonly inputs: JsonObject;
  readonly plugin?: PlanPlugin;
  readonly package?: () => Promise<PluginPackage | null>;
  readonly #parts: RequestParts;
  #context: OperationContext | null = null;

  constructor(parts: RequestParts) {
    const { deployment } = parts.host;
    this.#parts = parts;
    this.functionName = parts.implementation.function;
    this.inputs = parts.inputs;
    const declared = deployment.types.plugins[parts.implementation.plugin];
    if (declared === undefined) return;
    this.plugin = declared;
    this.package = () => deployment.pluginPackage(declared);
  }

  get operation(): OperationRequest['operation'] {
    const { host, attempt, call, implementation } = this.#parts;
    const trace = attempt.traced?.traceparent;
    return {
      ...(trace == null ? {} : { trace }),
      id: `${host.execution.id}:${attempt.task.id}`,
      name: call.operation,
      attempt: attempt.attempt,
      retryNumber: attempt.retries,
      maxRetries: attempt.maxRetries,
      timeout: implementation.timeout,
    };
  }

  get context(): OperationContext {
    const { host, attempt, call } = this.#parts;
    this.#context ??= contextOf(host, attempt, call);
    return this.#context;
  }

  get signal(): AbortSignal {
    return this.#parts.attempt.signal;
  }

  get atOnce(): AbortSignal {
    return this.#parts.attempt.atOnce;
  }

  get log(): OperationRequest['log'] {
    const { host, veil, attempt } = this.#parts;
    return (level, message) => host.log(attempt.task, level, veil.text(message));
  }

  get event(): OperationRequest['event'] {
    const { host, veil, attempt } = this.#parts;
    return (message) => host.event(attempt.task, veil.text(message));
  }

  get saveRuntimeProperties(): OperationRequest['saveRuntimeProperties'] {
    const { host, attempt } = this.#parts;
    return (changes) => host.saveRuntimeProperties(attempt.task, changes);
  }

  get readRuntimeProperties(): NonNullable<OperationRequest['readRuntimeProperties']> {
    const { host, attempt } = this.#parts;
    return async (id) => {
      if (!instancesOf(host.deployment, attempt.task).includes(id))
        throw notFound('Node instance of this operation', id);
      return host.readRuntimeProperties(attempt.task, id);
    };
  }

  get resource(): OperationRequest['resource'] {
    return (path) => this.#parts.host.deployment.resource(path);
  }

  get resources(): NonNullable<OperationRequest['resources']> {
    return (folder) => this.#parts.host.deployment.resources(folder);
  }

  get evaluate(): OperationRequest['evaluate'] {
    const { host, veil, scope } = this.#parts;
    return (expression) => host.deployment.evaluate(expression, { ...scope, revealed: veil.add });
  }

  get token(): () => Promise<string> {
    return this.#parts.host.token;
  }

  get agentScript(): NonNullable<OperationRequest['agentScript']> {
    const { host, attempt, veil } = this.#parts;
    return async () => {
      const { deployment } = host;
      const instance = deployment.instances.get(attempt.task.instance!)!;
      if (instance.host !== instance.id) return null;
      const { properties } = await this.surroundings.node(instance.node, instance.id);
      const script = await deployment.agentScript(instance.id, properties);
      // Whoever got it may say it, as a whole or in parts: what is secret in it is the token.
      for (const token of script?.match(/owrk-\w+-\w+/g) ?? []) veil.add(token);
      return script;
    };
  }

  get surroundings(): Surroundings {
    return this.#surroundings(this.#parts.veil.add);
  }

  get guarded(): DispatchedRequest['guarded'] {
    const { host, scope } = this.#parts;
    return {
      evaluate: (expression) => host.deployment.evaluate(expression, { ...scope, revealed: withheld }),
      surroundings: this.#surroundings(withheld),
    };
  }

  #surroundings(revealed: (secret: Json) => void): Surroundings {
    const { host, scope } = this.#parts;
    const { deployment } = host;
    const evaluate: WalkedDeployment['evaluate'] = (value, of) =>
      deployment.evaluate(value, { ...of, revealed });
    return surroundingsOf({ ...deployment, evaluate }, scope, (ids) => host.loadProperties(ids));
  }
}

function withheld(): void {
  const why = 'a worker elsewhere is told no secrets but those in the inputs of its operations';
  throw new DomainError('forbidden', 'secret-withheld', why);
}

function contextOf(host: AttemptHost, attempt: Attempt, call: OperationCall): OperationContext {
  const { deployment } = host;
  const instance = deployment.instances.get(attempt.task.instance!)!;
  const link = linkOf(instance, call);
  const base = {
    tenant: deployment.tenant,
    deployment: {
      id: deployment.id,
      displayName: deployment.displayName,
      creator: deployment.creator,
      resourceTags: deployment.resourceTags,
    },
    blueprint: { id: deployment.blueprintId },
    execution: {
      id: host.execution.id,
      workflow: host.execution.workflow,
      parameters: host.execution.parameters,
      creator: host.execution.createdBy,
    },
  };
  if (link === null || call.side === 'node') {
    return { ...base, self: instanceContext(deployment, instance, attempt.properties), relationship: null };
  }
  const target = deployment.instances.get(link.targetInstance)!;
  return {
    ...base,
    self: null,
    relationship: {
      side: call.side,
      type: link.type,
      source: instanceContext(deployment, instance, attempt.properties),
      target: instanceContext(deployment, target, attempt.properties),
    },
  };
}
