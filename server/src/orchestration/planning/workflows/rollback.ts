/**
 * `rollback`: instances that an install left half-way go back to where they can be taken up again; with `full_rollback`
 * everything is uninstalled afterwards. Failures are ignored: the point is to get out.
 */
import type { JsonObject } from '../../../dsl/plan.js';
import { GraphBuilder } from '../build.js';
import type { InstanceLifecycleState, TaskGraph } from '../graph.js';
import { Lifecycle } from '../lifecycle.js';
import type { DeploymentModel } from '../model.js';
import { neighbours } from '../neighbours.js';
import { Operations } from '../operations.js';
import { weave } from '../weave.js';
import { addUninstall } from './uninstall.js';
import { CIRCLE, flag, type Problem, select } from './workflow.js';

const AFTERWARDS: Readonly<Partial<Record<InstanceLifecycleState, InstanceLifecycleState>>> = {
  creating: 'uninitialized',
  configuring: 'uninitialized',
  starting: 'configured',
};

export function rollback(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  const selection = select(model, parameters);
  if ('problem' in selection) return selection;
  const full = flag(parameters, 'full_rollback');
  if (typeof full === 'object') return full;
  const related = neighbours(model);
  if (related === null) return CIRCLE;
  const builder = new GraphBuilder();
  const operations = new Operations(model);
  const lifecycle = new Lifecycle(operations);
  weave(builder, {
    model,
    neighbours: related,
    operations,
    direction: 'sources-first',
    after: [],
    onFailure: () => 'ignore',
    fill(chain, instance) {
      if (selection.has(instance)) lifecycle.rollback(chain, instance);
    },
  });
  if (!full) return builder.finish('rollback');
  const rolledBack: DeploymentModel = {
    ...model,
    instances: model.instances.map((instance) => {
      const state = selection.has(instance) ? AFTERWARDS[instance.state] : undefined;
      return state === undefined ? instance : { ...instance, state };
    }),
  };
  return addUninstall(builder, rolledBack, { has: () => true }, true) ?? builder.finish('rollback');
}
