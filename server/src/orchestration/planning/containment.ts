/** What stands inside what, among instances. */
import type { DeploymentModel, InstanceModel } from './model.js';
import { isContainedIn } from './units.js';

/** The instance itself and everything that is contained in it, at any distance. */
export function containedIn(model: DeploymentModel, roots: Iterable<string>): Set<string> {
  const inside = new Map<string, string[]>();
  for (const instance of model.instances) {
    const container = containerOf(model, instance);
    if (container === undefined) continue;
    const here = inside.get(container);
    if (here === undefined) inside.set(container, [instance.id]);
    else here.push(instance.id);
  }
  const found = new Set<string>();
  const open = [...roots];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    open.push(...(inside.get(id) ?? []));
  }
  return found;
}

function containerOf(model: DeploymentModel, instance: InstanceModel): string | undefined {
  return instance.relationships.find(({ type }) => isContainedIn(model.types, type))?.targetInstance;
}
