/** `pull`: only the `pull` operation of the selected instances, in dependency order; states stay as they are. */
import type { JsonObject } from '../../../dsl/plan.js';
import { GraphBuilder } from '../build.js';
import type { TaskGraph } from '../graph.js';
import type { DeploymentModel } from '../model.js';
import { addLifecycleOperation } from './lifecycle-operation.js';
import type { Problem } from './workflow.js';

export function pull(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  const builder = new GraphBuilder();
  return (
    addLifecycleOperation(builder, model, parameters, 'pull', 'operation_parms') ?? builder.finish('pull')
  );
}
