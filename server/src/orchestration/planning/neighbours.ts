/** Who relates to whom among the instances of a deployment, by place in `model.instances`, and an order in which to treat them. */
import type { DeploymentModel } from './model.js';

export interface Neighbours {
  /** Every place, what it relates to always before it; otherwise as the model has them. */
  readonly targetsFirst: readonly number[];
  /** Place of an instance by id. */
  readonly places: ReadonlyMap<string, number>;
  /** Per place: places of the targets, in the order of the relationships; -1 for a target that is not there. */
  readonly targets: readonly (readonly number[])[];
  /** Who relates to place p, and by which of its relationships, in the order of places: entries `first[p] .. first[p + 1]`. */
  readonly sources: {
    readonly first: Int32Array;
    readonly place: Int32Array;
    readonly relationship: Int32Array;
  };
}

/** Null when the relationships run in a circle, which no compiled blueprint does. */
export function neighbours(model: DeploymentModel): Neighbours | null {
  const places = new Map<string, number>();
  for (const [place, instance] of model.instances.entries()) places.set(instance.id, place);
  const targets = model.instances.map(({ relationships }) =>
    relationships.map(({ targetInstance }) => places.get(targetInstance) ?? -1),
  );
  const targetsFirst = order(targets);
  return targetsFirst && { targetsFirst, places, targets, sources: turned(targets) };
}

/** For a workflow that heeds no relationships. */
export function strangers(model: DeploymentModel): Neighbours {
  const targets = model.instances.map(() => []);
  return {
    targetsFirst: [...targets.keys()],
    places: new Map(),
    targets,
    sources: turned(targets),
  };
}

function turned(targets: readonly (readonly number[])[]): Neighbours['sources'] {
  const first = new Int32Array(targets.length + 1);
  for (const list of targets) for (const target of list) if (target >= 0) first[target + 1]! += 1;
  for (let place = 0; place < targets.length; place += 1) first[place + 1]! += first[place]!;
  const count = first[targets.length]!;
  const place = new Int32Array(count);
  const relationship = new Int32Array(count);
  const free = first.slice(0, targets.length);
  for (const [source, list] of targets.entries()) {
    for (const [index, target] of list.entries()) {
      if (target < 0) continue;
      const at = free[target]!++;
      place[at] = source;
      relationship[at] = index;
    }
  }
  return { first, place, relationship };
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
