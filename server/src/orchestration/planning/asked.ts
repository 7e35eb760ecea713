/**
 * Graphs of workflows that are code of a plugin: nobody knows beforehand what the code will ask for. The graph begins with
 * one task, which runs the code; whatever the code asks for is added behind it, and stored before it begins.
 *
 * What was asked for has a key that the code gives it, the same in every run: when the code is run again from its
 * beginning, what has succeeded is answered from the record.
 */
import {
  isNoop,
  type JsonObject,
  nodeOperation,
  type PlanNode,
  relationshipOperation,
  type SharedTypes,
} from '../../dsl/plan.js';
import type { Effect, InstanceLifecycleState, OperationCall, Task, TaskGraph } from './graph.js';
import type { InstanceModel } from './model.js';

/** What code of a workflow may ask for. */
export type Wish = { readonly key: string } & (
  | ({ readonly kind: 'operation' } & OperationWish)
  | { readonly kind: 'state'; readonly instance: string; readonly state: string }
  | { readonly kind: 'event'; readonly instance: string | null; readonly message: string }
);

export interface OperationWish {
  /** Full name. */
  readonly operation: string;
  /** The instance it runs on; for a relationship its source. */
  readonly instance: string;
  readonly side: 'node' | 'source' | 'target';
  /** For a relationship: the instance at its other end. */
  readonly target: string | null;
  /** Laid over the declared inputs. */
  readonly parameters: JsonObject;
  /** -1: without end; null: what the operation says. */
  readonly maxRetries: number | null;
  /** Seconds; null: what the operation says. */
  readonly retryInterval: number | null;
}

/** Of the deployment, what a wish may be about. */
export interface AskedOf {
  readonly types: SharedTypes;
  readonly nodes: ReadonlyMap<string, PlanNode>;
  readonly instances: ReadonlyMap<string, InstanceModel>;
}

const STATES: ReadonlySet<string> = new Set<InstanceLifecycleState>([
  'uninitialized',
  'initializing',
  'creating',
  'created',
  'configuring',
  'configured',
  'starting',
  'started',
  'stopping',
  'stopped',
  'deleting',
  'deleted',
]);

/** @param functionName as the blueprint maps the workflow */
export function graphOfCode(workflow: string, functionName: string): TaskGraph {
  const call: OperationCall = {
    operation: workflow,
    side: 'node',
    relationship: null,
    function: functionName,
    maxRetries: 0,
  };
  const code: Task = {
    id: 0,
    kind: 'workflow',
    instance: null,
    call,
    dependsOn: [],
    before: [],
    after: [],
    onFailure: 'fail',
  };
  return { workflow, tasks: [code] };
}

export function isOfCode(graph: TaskGraph): boolean {
  return graph.tasks[0]?.kind === 'workflow';
}

/** A wish as a task; a text: why there can be none. */
export function taskOf(of: AskedOf, wish: Wish, id: number): Task | string {
  const base = { id, dependsOn: [], before: [], onFailure: 'tell' as const };
  const instance = wish.instance === null ? null : of.instances.get(wish.instance);
  if (instance === undefined) return `there is no node instance ${wish.instance} in the deployment`;
  if (wish.kind === 'operation') {
    const call = callOf(of, wish, instance!);
    if (typeof call === 'string') return call;
    return { ...base, kind: 'operation', instance: wish.instance, call, after: [] };
  }
  if (wish.kind === 'state' && !STATES.has(wish.state)) {
    return `"${wish.state}" is no state of a node instance: they are ${[...STATES].join(', ')}`;
  }
  const effect = (
    wish.kind === 'state' ? { kind: 'state', state: wish.state } : { kind: 'event', message: wish.message }
  ) as Effect;
  return { ...base, kind: 'marker', instance: wish.instance, call: null, after: [effect] };
}

function callOf(of: AskedOf, wish: OperationWish, instance: InstanceModel): OperationCall | string {
  const { operation, side, target, parameters, maxRetries, retryInterval } = wish;
  const node = of.nodes.get(instance.node);
  const place =
    side === 'node' ? null : instance.relationships.findIndex((one) => one.targetInstance === target);
  if (place === -1) return `node instance ${instance.id} has no relationship to ${target}`;
  const link = place === null ? undefined : node?.relationships[instance.relationships[place]!.relationship];
  const found =
    side === 'node'
      ? node && nodeOperation(of.types, node, operation)
      : link && relationshipOperation(of.types, link, side, operation);
  if (found === undefined || isNoop(found))
    return `node instance ${instance.id} has no operation ${operation}`;
  return {
    operation,
    side,
    relationship: place,
    function: found.function,
    ...(Object.keys(parameters).length === 0 ? {} : { parameters, allowOverride: true }),
    ...(maxRetries === null ? {} : { maxRetries }),
    ...(retryInterval === null ? {} : { retryInterval }),
  };
}
