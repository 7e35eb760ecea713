/**
 * Where an operation runs: in the process that walks its execution, or in a pool of workers that may be anywhere.
 *
 * Decided by the plan alone, so that whoever takes an execution over decides the same (decision 0021).
 */
import type { Json, PlanOperation } from '../../../dsl/plan.js';
import type { Task } from '../../planning/graph.js';
import type { WalkedDeployment } from '../deployment.js';
import { implementationOf } from '../operation.js';

/** Null: here. `problem`: it cannot be told, in words for the blueprint's author. */
export type Place = { readonly pool: string | null } | { readonly problem: string };

/** The input of an operation, and the property of a node, that names a pool. */
export const POOL_WORD = 'worker_pool';
/** The pool that every walking process is of. */
export const CENTRAL = 'central';
export const POOL_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

const HERE: Place = { pool: null };

/** An input of the operation comes first, then a property of its node, then one of the node's host. */
export function placeOf(deployment: WalkedDeployment, task: Task): Place {
  if (task.call === null) return HERE;
  const implementation = implementationOf(deployment, task, task.call);
  if (implementation === null) return HERE;
  return named(wishOf(deployment, task, implementation));
}

function wishOf(deployment: WalkedDeployment, task: Task, implementation: PlanOperation): Json | undefined {
  const wish = task.call?.parameters?.[POOL_WORD] ?? implementation.inputs[POOL_WORD];
  if (wish !== undefined) return wish;
  const instance = whereOf(deployment, task);
  const node = instance === undefined ? undefined : deployment.nodes.get(instance.node);
  if (node === undefined) return undefined;
  const host = node.host === null ? undefined : deployment.nodes.get(node.host);
  return node.properties[POOL_WORD] ?? host?.properties[POOL_WORD];
}

/** The instance on whose side the operation runs. */
export function whereOf(deployment: WalkedDeployment, { instance, call }: Task) {
  const own = instance === null ? undefined : deployment.instances.get(instance);
  if (own === undefined || call === null || call.side !== 'target' || call.relationship === null) return own;
  const link = own.relationships[call.relationship];
  return link === undefined ? own : deployment.instances.get(link.targetInstance);
}

function named(wish: Json | undefined): Place {
  if (wish === undefined || wish === null || wish === '' || wish === CENTRAL) return HERE;
  if (typeof wish === 'string' && POOL_NAME.test(wish)) return { pool: wish };
  const shown = typeof wish === 'string' ? `"${wish.slice(0, 200)}"` : 'no plain text';
  return {
    problem: `${POOL_WORD} is ${shown}: it should be the name of a pool (letters, digits and . _ -), known before the execution starts`,
  };
}
