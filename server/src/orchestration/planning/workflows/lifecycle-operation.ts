/** What `start`, `stop` and their like share: one operation of the lifecycle, with the same parameters. */
import type { JsonObject } from '../../../dsl/plan.js';
import type { GraphBuilder } from '../build.js';
import { LIFECYCLE } from '../lifecycle.js';
import type { DeploymentModel } from '../model.js';
import { addOperation } from './execute-operation.js';
import { dictionary, flag, type Problem, select } from './workflow.js';

/** Adds the operation on every selected instance; its parameters are in the workflow's parameter `parametersIn`. */
export function addLifecycleOperation(
  builder: GraphBuilder,
  model: DeploymentModel,
  parameters: JsonObject,
  name: 'pull' | 'start' | 'stop',
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
