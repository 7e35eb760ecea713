/**
 * Where an operation runs: in the process that walks its execution, or in a pool of workers that may be anywhere.
 *
 * Decided by the plan alone, so that whoever takes an execution over decides the same (decision 0021).
 */
import type { Json, JsonObject, PlanNode, PlanOperation } from '../../../dsl/plan.js';
import { installMethodOf } from '../../../plugins/agent/agent-config.js';
import { AGENT_PLUGIN, RESTART } from '../../../plugins/agent/agent-words.js';
import { SERVERS_PLUGIN } from '../../../plugins/servers/server-words.js';
import type { Task } from '../../planning/graph.js';
import { linkOf } from '../about-task.js';
import type { WalkedDeployment } from '../deployment.js';
import { agentPool } from './agent-pool.js';

/** Null: here. `problem`: it cannot be told, in words for the blueprint's author. */
export type Place = { readonly pool: string | null } | { readonly problem: string };

/** The input of an operation, and the property of a node, that names a pool. */
export const POOL_WORD = 'worker_pool';
/** The pool that every walking process is of. */
export const CENTRAL = 'central';
export const POOL_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

/** The pool of operations that name none, where executions are spread: served by all who walk. */
export const SPREAD = 'central.all';
/** Nobody names a pool that begins so. */
export const RESERVED = /^(agent|central)\./;

const HERE: Place = { pool: null };
const ANYWHERE: Place = { pool: SPREAD };
/** Their operations wait for others, and cost their process nothing. */
const AT_HOME = new Set([AGENT_PLUGIN, SERVERS_PLUGIN]);

/**
 * Where the operation that `implementation` says is run. An input of the operation comes first; then the agent of the host, for operations that want one; then a property of the node, then
 * one of its host's.
 */
export function placeOf(
  deployment: WalkedDeployment,
  task: Task,
  implementation: PlanOperation | null,
): Place {
  if (task.call === null || implementation === null) return HERE;
  // What is done to an agent is done from here; what it does itself, it does.
  if (implementation.plugin === AGENT_PLUGIN && implementation.function !== RESTART) return HERE;
  const wish = task.call.parameters?.[POOL_WORD] ?? implementation.inputs[POOL_WORD];
  if (wish !== undefined) return named(wish);
  const agent = onAgent(deployment, task, implementation);
  if (agent !== null) return agent;
  const own = wishOfNode(deployment, task);
  if (!isNothing(own)) return named(own);
  return deployment.spread && !AT_HOME.has(implementation.plugin) ? ANYWHERE : HERE;
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
  return agentOf(deployment, where.host, host);
}

/** Null: the host has none, and wants none. */
function agentOf(deployment: WalkedDeployment, id: string, host: PlanNode | undefined): Place | null {
  try {
    if (installMethodOf(host?.properties ?? {}) === 'none') return null;
  } catch (error) {
    return { problem: `host ${id}: ${(error as Error).message}` };
  }
  const proxy = proxyOf(host?.properties ?? {});
  if (proxy === null) return { pool: agentPool(deployment.tenant, id) };
  const { deployment: other, tenant, node_instance: instance } = proxy;
  const isHere =
    (other ?? deployment.id) === deployment.id && (tenant ?? deployment.tenant) === deployment.tenant;
  const through = typeof instance === 'string' ? deployment.instances.get(instance)?.host : null;
  if (isHere && typeof through === 'string') return { pool: agentPool(deployment.tenant, through) };
  return {
    problem: `host ${id} goes through the agent of another (agent_config.extra.proxy): it should name a node instance on a host of the same deployment`,
  };
}

/** Whose agent stands in for the host's own. */
function proxyOf(properties: JsonObject): JsonObject | null {
  const { agent_config: config } = properties;
  const extra = isMapping(config) ? config.extra : null;
  const proxy = isMapping(extra) ? extra.proxy : null;
  return isMapping(proxy) ? proxy : null;
}

function isMapping(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNothing(wish: Json | undefined): boolean {
  return wish === undefined || wish === null || wish === '';
}

function named(wish: Json | undefined): Place {
  if (isNothing(wish) || wish === CENTRAL) return HERE;
  if (typeof wish === 'string' && POOL_NAME.test(wish) && !RESERVED.test(wish)) return { pool: wish };
  const shown = typeof wish === 'string' ? `"${wish.slice(0, 200)}"` : 'no plain text';
  return {
    problem: `${POOL_WORD} is ${shown}: it should be the name of a pool (letters, digits and . _ -, not beginning with agent. or central.), known before the execution starts`,
  };
}
