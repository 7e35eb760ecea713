/** Which operations of a deployment have something to run, as calls for a graph. Remembers what it looked up, per node. */
import { isNoop, nodeOperation, type PlanNode, relationshipOperation } from '../../dsl/plan.js';
import type { OperationCall } from './graph.js';
import type { DeploymentModel, InstanceModel } from './model.js';

const COMPUTE = 'cloudify.nodes.Compute';

export class Operations {
  readonly #model: DeploymentModel;
  readonly #ofNode = new Map<string, Map<string, OperationCall | null>>();
  readonly #ofRelationship = new Map<string, Map<string, string | null>>();

  constructor(model: DeploymentModel) {
    this.#model = model;
  }

  node(instance: InstanceModel): PlanNode | undefined {
    return this.#model.nodes.get(instance.node);
  }

  /** Root first; empty for a type nobody knows. */
  hierarchy(instance: InstanceModel): readonly string[] {
    const type = this.node(instance)?.type;
    return (type !== undefined && this.#model.types.nodeTypes[type]?.hierarchy) || [];
  }

  isHost(instance: InstanceModel): boolean {
    return this.hierarchy(instance).includes(COMPUTE);
  }

  /** Root first; empty for a type nobody knows. */
  relationshipHierarchy(type: string): readonly string[] {
    return this.#model.types.relationshipTypes[type]?.hierarchy ?? [];
  }

  /** The operation is declared, whether or not it has something to run. */
  declares(instance: InstanceModel, operation: string): boolean {
    const node = this.node(instance);
    return node !== undefined && nodeOperation(this.#model.types, node, operation) !== undefined;
  }

  /** Null when there is nothing to run. */
  call(instance: InstanceModel, operation: string): OperationCall | null {
    let calls = this.#ofNode.get(instance.node);
    if (calls === undefined) {
      calls = new Map();
      this.#ofNode.set(instance.node, calls);
    }
    let call = calls.get(operation);
    if (call === undefined) {
      call = this.#lookUp(instance, operation);
      calls.set(operation, call);
    }
    return call;
  }

  /** What there is to run on both sides of one of the instance's relationships. */
  relationshipCalls(instance: InstanceModel, place: number, operation: string): OperationCall[] {
    const calls: OperationCall[] = [];
    for (const side of ['source', 'target'] as const) {
      const name = this.#relationshipFunction(instance, place, side, operation);
      if (name !== null) calls.push({ operation, side, relationship: place, function: name });
    }
    return calls;
  }

  #lookUp(instance: InstanceModel, operation: string): OperationCall | null {
    const node = this.node(instance);
    const found = node && nodeOperation(this.#model.types, node, operation);
    if (found === undefined || isNoop(found)) return null;
    return { operation, side: 'node', relationship: null, function: found.function };
  }

  #relationshipFunction(
    instance: InstanceModel,
    place: number,
    side: 'source' | 'target',
    operation: string,
  ): string | null {
    const index = instance.relationships[place]!.relationship;
    const key = `${index}:${instance.node}`;
    let functions = this.#ofRelationship.get(key);
    if (functions === undefined) {
      functions = new Map();
      this.#ofRelationship.set(key, functions);
    }
    const entry = side === 'source' ? `>${operation}` : `<${operation}`;
    let name = functions.get(entry);
    if (name === undefined) {
      const relationship = this.node(instance)?.relationships[index];
      const found = relationship && relationshipOperation(this.#model.types, relationship, side, operation);
      name = found === undefined || isNoop(found) ? null : found.function;
      functions.set(entry, name);
    }
    return name;
  }
}
