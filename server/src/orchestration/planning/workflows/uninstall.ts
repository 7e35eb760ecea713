/**
 * `uninstall`: every selected instance to `deleted`, sources before targets; links of the others are taken back.
 *
 * Failures in taking back the links of instances that stay are always ignored; those of the selected ones are
 * with `ignore_failure`. With `recursive` there is more to it (`uninstall-recursively.ts`).
 */
import type { JsonObject } from '../../../dsl/plan.js';
import { GraphBuilder } from '../build.js';
import type { TaskGraph } from '../graph.js';
import { Lifecycle, mayBeLinked, UNLINK } from '../lifecycle.js';
import type { DeploymentModel } from '../model.js';
import { neighbours } from '../neighbours.js';
import { Operations } from '../operations.js';
import { weave } from '../weave.js';
import type { Links } from './install.js';
import { CIRCLE, flag, type Problem, type Selection, select } from './workflow.js';

export function uninstall(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  const selection = select(model, parameters);
  if ('problem' in selection) return selection;
  const ignoreFailure = flag(parameters, 'ignore_failure');
  if (typeof ignoreFailure === 'object') return ignoreFailure;
  // Whoever says neither yes nor no must not be taken to have said no.
  const recursive = flag(parameters, 'recursive');
  if (typeof recursive === 'object') return recursive;
  const builder = new GraphBuilder();
  return addUninstall(builder, model, selection, ignoreFailure) ?? builder.finish('uninstall');
}

/**
 * Adds an uninstall of the selection, after everything that is in the graph already.
 *
 * @param alsoUnlink relationships between others that are to be taken back too
 */
export function addUninstall(
  builder: GraphBuilder,
  model: DeploymentModel,
  selection: Selection,
  ignoreFailure: boolean,
  alsoUnlink: Links = () => false,
): Problem | null {
  const related = neighbours(model);
  if (related === null) return CIRCLE;
  const operations = new Operations(model);
  const lifecycle = new Lifecycle(operations);
  const isGoing = (id: string) => {
    const target = model.instances[related.places.get(id) ?? -1];
    return target !== undefined && mayBeLinked(target.state) && selection.has(target);
  };
  weave(builder, {
    model,
    neighbours: related,
    operations,
    direction: 'sources-first',
    after: builder.barrier(),
    byOperation: true,
    onFailure: (instance) => (ignoreFailure || !selection.has(instance) ? 'ignore' : 'fail'),
    fill(chain, instance) {
      if (selection.has(instance)) lifecycle.uninstall(chain, instance);
      else if (mayBeLinked(instance.state)) {
        const concerns = (target: string, place: number) => isGoing(target) || alsoUnlink(instance, place);
        lifecycle.relate(chain, instance, UNLINK, concerns);
      }
    },
  });
  return null;
}
