/** One attempt at one operation: from a task and the plan to what the plugin is asked, and its answer. Never throws. */
import type { Json, JsonObject, PlanOperation } from '../../dsl/plan.js';
import { DomainError, type TaskFailure } from '../../errors.js';
import type { OperationOutcome } from '../../plugins/plugin.js';
import type { OperationCall } from '../planning/graph.js';
import { type Attempt, type AttemptHost, AttemptRequest, type Scope, scopeOf } from './attempt-request.js';
import { placeOf } from './dispatch/pools.js';
import { runCode } from './run-code.js';
import { Veil } from './veil.js';

export async function runAttempt(host: AttemptHost, attempt: Attempt): Promise<OperationOutcome> {
  const veil = new Veil();
  try {
    if (attempt.task.kind === 'workflow') return veil.outcome(await runCode(host, veil, attempt));
    return veil.outcome(await attemptOperation(host, veil, attempt));
  } catch (error) {
    if (attempt.stopped !== null) return onTimeout(attempt, { kind: 'aborted' });
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

async function attemptOperation(host: AttemptHost, veil: Veil, attempt: Attempt): Promise<OperationOutcome> {
  const { deployment } = host;
  const { task } = attempt;
  const call = task.call!;
  const { implementation } = attempt;
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
  const place = placeOf(deployment, task, implementation);
  if ('problem' in place) {
    return { kind: 'failed', failure: failure('NonRecoverableError', place.problem, false) };
  }
  const scope = scopeOf(deployment, task, call);
  const inputs = await inputsOf(host, veil, implementation, call, scope);
  if ('failure' in inputs) return { kind: 'failed', failure: inputs.failure };

  const { values } = inputs;
  const request = new AttemptRequest({ host, veil, attempt, call, implementation, scope, inputs: values });
  const { pool } = place;
  if (pool !== null) {
    const outcome = await host.sendAway(task, pool, implementation.plugin, request, attempt.begins);
    return onTimeout(attempt, outcome);
  }
  // A process that was frozen may have lost the execution, and another one may have done this already.
  for (let wait = host.assured(); wait !== null; wait = host.assured()) {
    await wait;
    if (attempt.stopped !== null) return { kind: 'aborted' };
  }
  attempt.begins();
  return onTimeout(attempt, await plugin.run(request));
}

/** An operation that was ended for its timeout has failed, however it puts that. */
function onTimeout({ stopped, implementation }: Attempt, outcome: OperationOutcome): OperationOutcome {
  if (stopped !== 'timeout') return outcome;
  if (outcome?.kind !== 'aborted' && outcome?.kind !== 'failed') return outcome;
  const message = `Process killed due to timeout of ${implementation?.timeout} seconds`;
  return {
    ...outcome,
    kind: 'failed',
    failure: failure('TimeoutException', message, implementation?.timeoutRecoverable === true),
  };
}

async function inputsOf(
  host: AttemptHost,
  veil: Veil,
  implementation: PlanOperation,
  call: OperationCall,
  scope: Scope,
): Promise<{ values: JsonObject } | { failure: TaskFailure }> {
  let declared: JsonObject = implementation.inputs;
  if (implementation.hasFunctions) {
    const told = { ...scope, revealed: veil.add };
    declared = (await host.deployment.evaluate(declared as Json, told)) as JsonObject;
  }
  if (call.parameters === undefined) return { values: declared };
  const clash = Object.keys(call.parameters).find((name) => Object.hasOwn(declared, name));
  if (clash !== undefined && call.allowOverride !== true) {
    const message = `Duplicate definition of ${clash} in operation properties and in kwargs. To allow redefinition, pass "allow_kwargs_override".`;
    return { failure: failure('NonRecoverableError', message, false) };
  }
  return { values: { ...declared, ...call.parameters } };
}

function missing(implementation: PlanOperation): string {
  return `plugin ${implementation.plugin} has no function ${implementation.function} here: is the plugin installed?`;
}

function failure(type: string, message: string, retryable: boolean): TaskFailure {
  return { type, message, retryable, causes: [] };
}
