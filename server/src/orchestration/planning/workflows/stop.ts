/** `stop`: only the `stop` operation of the selected instances; in the same order as `start`, as Cloudify does. */
import type { JsonObject } from '../../../dsl/plan.js';
import { GraphBuilder } from '../build.js';
import type { TaskGraph } from '../graph.js';
import type { DeploymentModel } from '../model.js';
import { addLifecycleOperation } from './lifecycle-operation.js';
import type { Problem } from './workflow.js';

export function stop(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  const builder = new GraphBuilder();
  return (
    addLifecycleOperation(builder, model, parameters, 'stop', 'operation_parms') ?? builder.finish('stop')
  );
}
