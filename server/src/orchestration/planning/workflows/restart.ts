/** `restart`: the whole of `stop`, then the whole of `start`. */
import type { JsonObject } from '../../../dsl/plan.js';
import { GraphBuilder } from '../build.js';
import type { TaskGraph } from '../graph.js';
import type { DeploymentModel } from '../model.js';
import { addLifecycleOperation } from './lifecycle-operation.js';
import type { Problem } from './workflow.js';

export function restart(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  const builder = new GraphBuilder();
  return (
    addLifecycleOperation(builder, model, parameters, 'stop', 'stop_parms') ??
    addLifecycleOperation(builder, model, parameters, 'start', 'start_parms') ??
    builder.finish('restart')
  );
}
