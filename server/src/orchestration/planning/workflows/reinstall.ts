/** `reinstall`: the whole uninstall of the selection, then its install, from the states it will have by then. */
import type { JsonObject } from '../../../dsl/plan.js';
import { GraphBuilder } from '../build.js';
import type { TaskGraph } from '../graph.js';
import type { DeploymentModel } from '../model.js';
import { addInstall } from './install.js';
import { addUninstall } from './uninstall.js';
import { flag, type Problem, select } from './workflow.js';

export function reinstall(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  const selection = select(model, parameters);
  if ('problem' in selection) return selection;
  const ignoreFailure = flag(parameters, 'ignore_failure');
  if (typeof ignoreFailure === 'object') return ignoreFailure;
  const builder = new GraphBuilder();
  const uninstalled: DeploymentModel = {
    ...model,
    instances: model.instances.map((instance) =>
      selection.has(instance) ? { ...instance, state: 'deleted' } : instance,
    ),
  };
  return (
    addUninstall(builder, model, selection, ignoreFailure) ??
    addInstall(builder, uninstalled, selection) ??
    builder.finish('reinstall')
  );
}
