/** What a workflow sees of a deployment: an immutable picture, taken once. */
import type { PlanNode, SharedTypes } from '../../dsl/plan.js';
import type { InstanceLifecycleState } from './graph.js';

export interface DeploymentModel {
  readonly types: SharedTypes;
  readonly nodes: ReadonlyMap<string, PlanNode>;
  /** In a stable order: by node as the blueprint has them, then by index. */
  readonly instances: readonly InstanceModel[];
}

/** By node as in `nodes`, then by index. */
export function inPlanOrder<Instance extends Pick<InstanceModel, 'node' | 'index'>>(
  nodes: ReadonlyMap<string, unknown>,
  instances: readonly Instance[],
): Instance[] {
  const ofNode = new Map<string, Instance[]>();
  for (const name of nodes.keys()) ofNode.set(name, []);
  for (const instance of instances) ofNode.get(instance.node)?.push(instance);
  const ordered: Instance[] = [];
  for (const some of ofNode.values()) {
    if (some.length > 1) some.sort((a, b) => a.index - b.index);
    for (const instance of some) ordered.push(instance);
  }
  return ordered;
}

export interface InstanceModel {
  /** `<node>_<6 of [a-z0-9]>`. */
  readonly id: string;
  readonly node: string;
  /** 1-based, per node. */
  readonly index: number;
  /** Instance id of the containing Compute, or itself; null without a host. */
  readonly host: string | null;
  readonly state: InstanceLifecycleState;
  /** In the order of the node's relationships; several per node relationship when it connects to several. */
  readonly relationships: readonly InstanceRelationship[];
  readonly scalingGroups: readonly { readonly name: string; readonly id: string }[];
}

export interface InstanceRelationship {
  /** Index in the node's `relationships`. */
  readonly relationship: number;
  readonly type: string;
  readonly targetNode: string;
  readonly targetInstance: string;
}
