/**
 * `execute_operation`: one operation on every selected instance that declares it. Changes no states and runs no
 * relationship operations.
 */
import type { JsonObject } from '../../../dsl/plan.js';
import { event, GraphBuilder } from '../build.js';
import type { OperationCall, TaskGraph } from '../graph.js';
import type { DeploymentModel } from '../model.js';
import { neighbours, strangers } from '../neighbours.js';
import { Operations } from '../operations.js';
import { weave } from '../weave.js';
import { CIRCLE, dictionary, flag, own, type Problem, type Selection, select } from './workflow.js';

export interface Execution {
  /** Full name, e.g. `cloudify.interfaces.lifecycle.start`; or `start`, for nodes of which one interface declares it. */
  readonly operation: string;
  readonly parameters: JsonObject;
  /** `parameters` may replace declared inputs. */
  readonly allowOverride: boolean;
  /** Targets before sources, whatever the operation; otherwise all at once. */
  readonly byDependencyOrder: boolean;
}

export function executeOperation(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  const operation = own(parameters, 'operation');
  if (typeof operation !== 'string' || operation === '') {
    return { problem: 'Parameter "operation" must be the name of an operation' };
  }
  const selection = select(model, parameters);
  if ('problem' in selection) return selection;
  const given = dictionary(parameters, 'operation_kwargs');
  if ('problem' in given) return given;
  const allowOverride = flag(parameters, 'allow_kwargs_override');
  if (typeof allowOverride === 'object') return allowOverride;
  const byDependencyOrder = flag(parameters, 'run_by_dependency_order');
  if (typeof byDependencyOrder === 'object') return byDependencyOrder;
  const builder = new GraphBuilder();
  const execution = { operation, parameters: given.value, allowOverride, byDependencyOrder };
  return addOperation(builder, model, selection, execution) ?? builder.finish('execute_operation');
}

/** Adds the operation on every instance of the selection, after everything that is in the graph already. */
export function addOperation(
  builder: GraphBuilder,
  model: DeploymentModel,
  selection: Selection,
  execution: Execution,
): Problem | null {
  const related = execution.byDependencyOrder ? neighbours(model) : strangers(model);
  if (related === null) return CIRCLE;
  const operations = new Operations(model);
  const hasParameters = Object.keys(execution.parameters).length > 0;
  const told = hasParameters ? ` (Operation parameters: ${JSON.stringify(execution.parameters)})` : '';
  const starting = [event(`Starting operation ${execution.operation}${told}`)];
  const finished = [event(`Finished operation ${execution.operation}`)];
  const laidOver = (call: OperationCall): OperationCall =>
    hasParameters
      ? { ...call, parameters: execution.parameters, allowOverride: execution.allowOverride }
      : call;

  weave(builder, {
    model,
    neighbours: related,
    operations,
    direction: 'targets-first',
    after: builder.barrier(),
    fill(chain, instance) {
      if (!selection.has(instance)) return;
      const name = operations.fullName(instance, execution.operation);
      if (name === null) return;
      chain.announce(starting);
      const call = operations.call(instance, name);
      if (call !== null) chain.run(laidOver(call));
      chain.record(finished);
    },
  });
  return null;
}
