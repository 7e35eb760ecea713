/**
 * Where an operation runs: in the process that walks its execution, or in a pool of workers that may be anywhere.
 *
 * Decided by the plan alone, so that whoever takes an execution over decides the same (decision 0021).
 */
import type { Json, PlanNode, PlanOperation } from '../../../dsl/plan.js';
import type { Task } from '../../planning/graph.js';
import { implementationOf, linkOf } from '../about-task.js';
import type { WalkedDeployment } from '../deployment.js';

/** Null: here. `problem`: it cannot be told, in words for the blueprint's author. */
export type Place = { readonly pool: string | null } | { readonly problem: string };

/** The input of an operation, and the property of a node, that names a pool. */
export const POOL_WORD = 'worker_pool';
/** The pool that every walking process is of. */
export const CENTRAL = 'central';
export const POOL_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

const HERE: Place = { pool: null };

/**
 * An input of the operation comes first; then the agent of the host, for operations that want one; then a property of the node, then
 * one of its host's.
 */
export function placeOf(deployment: WalkedDeployment, task: Task): Place {
  if (task.call === null) return HERE;
  const implementation = implementationOf(deployment, task, task.call);
  if (implementation === null) return HERE;
  const wish = task.call.parameters?.[POOL_WORD] ?? implementation.inputs[POOL_WORD];
  if (wish !== undefined) return named(wish);
  return onAgent(deployment, task, implementation) ?? named(wishOfNode(deployment, task));
}

function wishOfNode(deployment: WalkedDeployment, task: Task): Json | undefined {
  const instance = whereOf(deployment, task);
  const node = instance === undefined ? undefined : deployment.nodes.get(instance.node);
  if (node === undefined) return undefined;
  const host = node.host === null ? undefined : deployment.nodes.get(node.host);
  return node.properties[POOL_WORD] ?? host?.properties[POOL_WORD];
}

/** The instance on whose side the operation runs. */
function whereOf(deployment: WalkedDeployment, { instance, call }: Task) {
  const own = instance === null ? undefined : deployment.instances.get(instance);
  if (own === undefined || call === null || call.side !== 'target') return own;
  const link = linkOf(own, call);
  return link === null ? own : deployment.instances.get(link.targetInstance);
}

/** Null: it needs none. A host with agent method `none` has none: its operations run where others do. */
function onAgent(deployment: WalkedDeployment, task: Task, implementation: PlanOperation): Place | null {
  const { executor } = implementation;
  if (executor === 'central_deployment_agent' || executor === null) return null;
  const where = whereOf(deployment, task);
  if (where === undefined) return null;
  const { operation } = task.call!;
  if (where.host === null) {
    if (executor === 'auto') return null;
    return {
      problem: `operation ${operation} wants the agent of a host, and ${where.id} is not contained in one`,
    };
  }
  const host = deployment.nodes.get(deployment.instances.get(where.host)?.node ?? '');
  if (agentMethod(host) === 'none') return null;
  return {
    problem: `operation ${operation} runs on the agent of host ${where.host}, and Orrery installs no agents: set agent_config.install_method of the host to "none" (with the property ${POOL_WORD} where a worker of a pool stands on it), or give the operation "executor: central_deployment_agent"`,
  };
}

/** How the host gets its agent: the old property `install_agent` wins over `agent_config` (cloudify-engine.md §1.4). */
function agentMethod(host: PlanNode | undefined): string {
  const old = host?.properties.install_agent;
  if (old === false || old === 'false') return 'none';
  if (old === true || old === 'true') return 'remote';
  const config = host?.properties.agent_config;
  const method =
    typeof config === 'object' && config !== null && !Array.isArray(config) ? config.install_method : null;
  return typeof method === 'string' ? method : 'remote';
}

function named(wish: Json | undefined): Place {
  if (wish === undefined || wish === null || wish === '' || wish === CENTRAL) return HERE;
  if (typeof wish === 'string' && POOL_NAME.test(wish)) return { pool: wish };
  const shown = typeof wish === 'string' ? `"${wish.slice(0, 200)}"` : 'no plain text';
  return {
    problem: `${POOL_WORD} is ${shown}: it should be the name of a pool (letters, digits and . _ -), known before the execution starts`,
  };
}
