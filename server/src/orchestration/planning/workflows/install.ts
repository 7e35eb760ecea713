/** `install`: every selected instance to `started`, targets before sources; links of the others are renewed. */
import type { JsonObject } from '../../../dsl/plan.js';
import { GraphBuilder } from '../build.js';
import type { TaskGraph } from '../graph.js';
import { ESTABLISH, hasEstablished, Lifecycle } from '../lifecycle.js';
import type { DeploymentModel, InstanceModel } from '../model.js';
import { neighbours } from '../neighbours.js';
import { Operations } from '../operations.js';
import { weave } from '../weave.js';
import { CIRCLE, type Problem, type Selection, select } from './workflow.js';

export function install(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  const selection = select(model, parameters);
  if ('problem' in selection) return selection;
  const builder = new GraphBuilder();
  return addInstall(builder, model, selection) ?? builder.finish('install');
}

/** Picks relationships of an instance, by their places in it. */
export type Links = (instance: InstanceModel, place: number) => boolean;

/**
 * Adds an install of the selection, after everything that is in the graph already.
 *
 * @param alsoLink relationships between others that are to be established too
 */
export function addInstall(
  builder: GraphBuilder,
  model: DeploymentModel,
  selection: Selection,
  alsoLink: Links = () => false,
): Problem | null {
  const related = neighbours(model);
  if (related === null) return CIRCLE;
  const operations = new Operations(model);
  const lifecycle = new Lifecycle(operations);
  const isNew = (id: string) => {
    const target = model.instances[related.places.get(id) ?? -1];
    return target !== undefined && target.state !== 'started' && selection.has(target);
  };
  weave(builder, {
    model,
    neighbours: related,
    operations,
    direction: 'targets-first',
    after: builder.barrier(),
    byOperation: true,
    fill(chain, instance) {
      if (selection.has(instance)) lifecycle.install(chain, instance);
      else if (hasEstablished(instance.state)) {
        const concerns = (target: string, place: number) => isNew(target) || alsoLink(instance, place);
        lifecycle.relate(chain, instance, ESTABLISH, concerns);
      }
    },
  });
  return null;
}
