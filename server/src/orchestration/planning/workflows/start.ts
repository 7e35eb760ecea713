/** `start`: only the `start` operation of the selected instances, in dependency order; states stay as they are. */
import type { JsonObject } from '../../../dsl/plan.js';
import { GraphBuilder } from '../build.js';
import type { TaskGraph } from '../graph.js';
import { LIFECYCLE } from '../lifecycle.js';
import type { DeploymentModel } from '../model.js';
import { addOperation } from './execute-operation.js';
import { dictionary, flag, type Problem, select } from './workflow.js';

/** Adds one lifecycle operation with the parameters that `start`, `stop` and `restart` share. */
export function addLifecycleOperation(
  builder: GraphBuilder,
  model: DeploymentModel,
  parameters: JsonObject,
  name: 'start' | 'stop',
  parametersIn: string,
): Problem | null {
  const selection = select(model, parameters);
  if ('problem' in selection) return selection;
  const given = dictionary(parameters, parametersIn);
  if ('problem' in given) return given;
  const byDependencyOrder = flag(parameters, 'run_by_dependency_order', true);
  if (typeof byDependencyOrder === 'object') return byDependencyOrder;
  return addOperation(builder, model, selection, {
    operation: `${LIFECYCLE}.${name}`,
    parameters: given.value,
    allowOverride: true,
    byDependencyOrder,
  });
}

export function start(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  const builder = new GraphBuilder();
  return (
    addLifecycleOperation(builder, model, parameters, 'start', 'operation_parms') ?? builder.finish('start')
  );
}
