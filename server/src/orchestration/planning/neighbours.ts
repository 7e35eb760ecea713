/** Who relates to whom among the instances of a deployment, by place in `model.instances`, and an order in which to treat them. */
import type { DeploymentModel } from './model.js';

export interface Neighbours {
  /** Every place, what it relates to always before it; otherwise as the model has them. */
  readonly targetsFirst: readonly number[];
  /** Place of an instance by id. */
  readonly places: ReadonlyMap<string, number>;
  /** Per place: places of the targets, in the order of the relationships; -1 for a target that is not there. */
  readonly targets: readonly (readonly number[])[];
  /** Per place: who relates to it, and by which of its relationships. */
  readonly sources: readonly (readonly Link[])[];
}

export interface Link {
  readonly place: number;
  readonly relationship: number;
}

/** Null when the relationships run in a circle, which no compiled blueprint does. */
export function neighbours(model: DeploymentModel): Neighbours | null {
  const { instances } = model;
  const places = new Map<string, number>();
  for (const [place, instance] of instances.entries()) places.set(instance.id, place);
  const sources: Link[][] = instances.map(() => []);
  const targets = instances.map((instance, place) =>
    instance.relationships.map(({ targetInstance }, relationship) => {
      const target = places.get(targetInstance) ?? -1;
      if (target >= 0) sources[target]!.push({ place, relationship });
      return target;
    }),
  );
  const targetsFirst = order(targets);
  return targetsFirst && { targetsFirst, places, targets, sources };
}

/** Depth first, with its own stack: chains of ten thousand instances must not exhaust the machine's. */
function order(targets: readonly (readonly number[])[]): number[] | null {
  const NEW = 0;
  const OPEN = 1;
  const CLOSED = 2;
  const found: number[] = [];
  const marks = new Uint8Array(targets.length);
  /** Per place on the stack: how many of its targets were followed. */
  const followed = new Int32Array(targets.length);
  const stack: number[] = [];
  for (let root = 0; root < targets.length; root += 1) {
    if (marks[root] !== NEW) continue;
    marks[root] = OPEN;
    stack.push(root);
    while (stack.length > 0) {
      const place = stack[stack.length - 1]!;
      const next = targets[place]![followed[place]!];
      if (next === undefined) {
        marks[place] = CLOSED;
        found.push(place);
        stack.pop();
        continue;
      }
      followed[place]! += 1;
      if (next < 0 || marks[next] === CLOSED) continue;
      if (marks[next] === OPEN) return null;
      marks[next] = OPEN;
      stack.push(next);
    }
  }
  return found;
}
