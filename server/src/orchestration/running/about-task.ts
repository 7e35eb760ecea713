/** What a task is about in its deployment: the operation behind it, and the instances it may see and write. */
import type { PlanOperation } from '../../dsl/plan.js';
import { nodeOperation, relationshipOperation } from '../../dsl/plan.js';
import type { OperationCall, Task } from '../planning/graph.js';
import type { InstanceModel, InstanceRelationship } from '../planning/model.js';
import { ACTION_IMPLEMENTATION, ACTION_OPERATION } from '../planning/workflows/run-action.js';
import type { WalkedDeployment } from './deployment.js';

/** The implementation behind a call, as the deployment's plan has it; null when the plan no longer says. */
export function implementationOf(
  deployment: WalkedDeployment,
  task: Task,
  call: OperationCall,
): PlanOperation | null {
  const instance = task.instance === null ? undefined : deployment.instances.get(task.instance);
  const node = instance === undefined ? undefined : deployment.nodes.get(instance.node);
  if (instance === undefined || node === undefined) return null;
  if (call.side === 'node' && call.operation === ACTION_OPERATION) return ACTION_IMPLEMENTATION;
  if (call.side === 'node') return nodeOperation(deployment.types, node, call.operation) ?? null;
  const link = instance.relationships[call.relationship ?? -1];
  const relationship = link === undefined ? undefined : node.relationships[link.relationship];
  if (relationship === undefined) return null;
  return relationshipOperation(deployment.types, relationship, call.side, call.operation) ?? null;
}

/** Instances whose runtime properties the attempt may write: those of its context. */
export function writableOf(deployment: WalkedDeployment, task: Task): string[] {
  const instance = task.instance === null ? undefined : deployment.instances.get(task.instance);
  if (instance === undefined) return [];
  const link = linkOf(instance, task.call);
  return link === null ? [instance.id] : [instance.id, link.targetInstance];
}

/** Instances whose runtime properties the attempt must see. */
export function instancesOf(deployment: WalkedDeployment, task: Task): string[] {
  const instance = task.instance === null ? undefined : deployment.instances.get(task.instance);
  if (instance === undefined) return [];
  const wanted = [instance.id];
  if (instance.host !== null && instance.host !== instance.id) wanted.push(instance.host);
  const link = linkOf(instance, task.call);
  if (link !== null) {
    wanted.push(link.targetInstance);
    const host = deployment.instances.get(link.targetInstance)?.host;
    if (host !== undefined && host !== null && host !== link.targetInstance) wanted.push(host);
  }
  return wanted;
}

export function linkOf(instance: InstanceModel, call: OperationCall | null): InstanceRelationship | null {
  if (call === null || call.side === 'node' || call.relationship === null) return null;
  return instance.relationships[call.relationship] ?? null;
}
