/** One attempt at one operation: from a task and the plan to what the plugin is asked, and its answer. Never throws. */
import type { Json, JsonObject, PlanOperation } from '../../dsl/plan.js';
import { DomainError, notFound, type TaskFailure } from '../../errors.js';
import type {
  AbortReason,
  LogLevel,
  OperationContext,
  OperationOutcome,
  OperationRequest,
} from '../../plugins/plugin.js';
import type { PluginRegistry } from '../../plugins/registry.js';
import type { OperationCall, Task } from '../planning/graph.js';
import { implementationOf, linkOf } from './about-task.js';
import type { WalkedDeployment } from './deployment.js';
import { placeOf } from './dispatch/pools.js';
import { instanceContext, surroundingsOf } from './instance-context.js';
import { Veil } from './veil.js';

/** What an attempt needs from the walk that makes it. */
export interface AttemptHost {
  readonly deployment: WalkedDeployment;
  readonly plugins: PluginRegistry;
  readonly execution: {
    readonly id: string;
    readonly workflow: string;
    readonly parameters: JsonObject;
    readonly createdBy: string;
  };
  log(task: Task, level: LogLevel, message: string): void;
  event(task: Task, message: string): void;
  saveRuntimeProperties(task: Task, changes: Readonly<Record<string, JsonObject>>): Promise<void>;
  /** As they are stored now; what the operation changes from then on is measured against them. */
  readRuntimeProperties(task: Task, instance: string): Promise<JsonObject>;
  /** Runtime properties of any instances, to look at. */
  loadProperties(instances: readonly string[]): Promise<ReadonlyMap<string, JsonObject>>;
  /** A token of the execution, for operations that call the API. */
  readonly token: () => Promise<string>;
  /** Lets a pool run what `request` says. */
  sendAway(
    task: Task,
    pool: string,
    plugin: string,
    request: OperationRequest,
    begins: Begins,
  ): Promise<OperationOutcome>;
}

/** Called when the plugin is asked, or was so many seconds ago: until then nothing can have been done. */
export type Begins = (secondsAgo?: number) => void;

export interface Attempt {
  readonly task: Task;
  readonly attempt: number;
  readonly retries: number;
  readonly maxRetries: number;
  readonly signal: AbortSignal;
  readonly atOnce: AbortSignal;
  readonly properties: ReadonlyMap<string, JsonObject>;
  readonly begins: Begins;
}

export async function runAttempt(host: AttemptHost, attempt: Attempt): Promise<OperationOutcome> {
  const veil = new Veil();
  try {
    return veil.outcome(await attemptOperation(behind(veil, host), attempt));
  } catch (error) {
    if (attempt.signal.aborted) return onTimeout(host, attempt, { kind: 'aborted' });
    const known = error instanceof DomainError;
    return {
      kind: 'failed',
      failure: failure(
        known ? 'OperationError' : 'PluginError',
        veil.text((error as Error | null)?.message ?? String(error)),
        !known || error.kind === 'unavailable',
      ),
    };
  }
}

/** The host, with what is said to it searched for the secrets that it has given away. */
function behind(veil: Veil, host: AttemptHost): AttemptHost {
  const { deployment } = host;
  return {
    deployment: {
      ...deployment,
      instanceCount: (node) => deployment.instanceCount(node),
      resource: (path) => deployment.resource(path),
      pluginPackage: (plugin) => deployment.pluginPackage(plugin),
      evaluate: (value, scope) => deployment.evaluate(value, { ...scope, revealed: veil.add }),
    },
    plugins: host.plugins,
    execution: host.execution,
    token: host.token,
    sendAway: (task, pool, plugin, request, begins) => host.sendAway(task, pool, plugin, request, begins),
    log: (task, level, message) => host.log(task, level, veil.text(message)),
    event: (task, message) => host.event(task, veil.text(message)),
    saveRuntimeProperties: (task, changes) => host.saveRuntimeProperties(task, changes),
    readRuntimeProperties: (task, instance) => host.readRuntimeProperties(task, instance),
    loadProperties: (instances) => host.loadProperties(instances),
  };
}

async function attemptOperation(host: AttemptHost, attempt: Attempt): Promise<OperationOutcome> {
  const { deployment } = host;
  const { task } = attempt;
  const call = task.call!;
  const implementation = implementationOf(deployment, task, call);
  if (implementation === null) {
    return {
      kind: 'failed',
      failure: failure(
        'NonRecoverableError',
        `operation ${call.operation} is not in the deployment's plan any more`,
        false,
      ),
    };
  }
  const plugin = host.plugins.find(implementation.plugin);
  if (plugin === null || plugin.describe(implementation.function) === null) {
    return { kind: 'failed', failure: failure('NonRecoverableError', missing(implementation), false) };
  }
  const place = placeOf(deployment, task);
  if ('problem' in place) {
    return { kind: 'failed', failure: failure('NonRecoverableError', place.problem, false) };
  }
  const context = contextOf(host, attempt, call);

  const instance = deployment.instances.get(task.instance!)!;
  const link = linkOf(instance, call);
  const scope = link === null ? { self: instance.id } : { source: instance.id, target: link.targetInstance };
  const inputs = await inputsOf(host, implementation, call, scope);
  if ('failure' in inputs) return { kind: 'failed', failure: inputs.failure };

  const declared = deployment.types.plugins[implementation.plugin];
  const request: OperationRequest = {
    functionName: implementation.function,
    inputs: inputs.values,
    operation: {
      id: `${host.execution.id}:${task.id}`,
      name: call.operation,
      attempt: attempt.attempt,
      retryNumber: attempt.retries,
      maxRetries: attempt.maxRetries,
      timeout: implementation.timeout,
    },
    context,
    signal: attempt.signal,
    atOnce: attempt.atOnce,
    log: (level, message) => host.log(task, level, message),
    event: (message) => host.event(task, message),
    saveRuntimeProperties: (changes) => host.saveRuntimeProperties(task, changes),
    readRuntimeProperties: async (id) => {
      if (!attempt.properties.has(id)) throw notFound('Node instance of this operation', id);
      return host.readRuntimeProperties(task, id);
    },
    resource: (path) => deployment.resource(path),
    resources: (folder) => deployment.resources(folder),
    evaluate: (expression) => deployment.evaluate(expression, scope),
    token: host.token,
    surroundings: surroundingsOf(deployment, scope, (ids) => host.loadProperties(ids)),
    ...(declared === undefined
      ? {}
      : { plugin: declared, package: () => deployment.pluginPackage(declared) }),
  };
  const { pool } = place;
  if (pool !== null) {
    const outcome = await host.sendAway(task, pool, implementation.plugin, request, attempt.begins);
    return onTimeout(host, attempt, outcome);
  }
  attempt.begins();
  return onTimeout(host, attempt, await plugin.run(request));
}

/** An operation that was ended for its timeout has failed, however it puts that. */
function onTimeout(host: AttemptHost, attempt: Attempt, outcome: OperationOutcome): OperationOutcome {
  const { task, signal } = attempt;
  if (!signal.aborted || (signal.reason as AbortReason) !== 'timeout') return outcome;
  if (outcome?.kind !== 'aborted' && outcome?.kind !== 'failed') return outcome;
  const implementation = implementationOf(host.deployment, task, task.call!);
  const message = `Process killed due to timeout of ${implementation?.timeout} seconds`;
  return {
    ...outcome,
    kind: 'failed',
    failure: failure('TimeoutException', message, implementation?.timeoutRecoverable === true),
  };
}

async function inputsOf(
  host: AttemptHost,
  implementation: PlanOperation,
  call: OperationCall,
  scope: { self?: string; source?: string; target?: string },
): Promise<{ values: JsonObject } | { failure: TaskFailure }> {
  let declared: JsonObject = implementation.inputs;
  if (implementation.hasFunctions) {
    declared = (await host.deployment.evaluate(declared as Json, scope)) as JsonObject;
  }
  if (call.parameters === undefined) return { values: declared };
  const clash = Object.keys(call.parameters).find((name) => Object.hasOwn(declared, name));
  if (clash !== undefined && call.allowOverride !== true) {
    const message = `Duplicate definition of ${clash} in operation properties and in kwargs. To allow redefinition, pass "allow_kwargs_override".`;
    return { failure: failure('NonRecoverableError', message, false) };
  }
  return { values: { ...declared, ...call.parameters } };
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

function missing(implementation: PlanOperation): string {
  if (implementation.plugin === 'agent') {
    return 'agents on hosts are not available yet: set the property agent_config.install_method of the Compute node to "none"';
  }
  return `plugin ${implementation.plugin} has no function ${implementation.function} here: is the plugin installed?`;
}

function failure(type: string, message: string, retryable: boolean): TaskFailure {
  return { type, message, retryable, causes: [] };
}
