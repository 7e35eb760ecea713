/** Which operations of a deployment have something to run, as calls for a graph. */
import {
  isNoop,
  nodeOperation,
  type PlanNode,
  type PlanOperation,
  type PlanRelationship,
  relationshipOperation,
} from '../../dsl/plan.js';
import type { OperationCall } from './graph.js';
import type { DeploymentModel, InstanceModel } from './model.js';

const COMPUTE = 'cloudify.nodes.Compute';
const SIDES = ['source', 'target'] as const;

export class Operations {
  readonly #model: DeploymentModel;
  /** Instances of one type share them. */
  readonly #calls = new Map<PlanOperation, OperationCall>();
  /** By type of relationship: it has something to run. */
  readonly #lively = new Map<string, boolean>();
  /** Some twenty questions about one instance come in a row. */
  #lastName: string | null = null;
  #lastNode: PlanNode | undefined;

  constructor(model: DeploymentModel) {
    this.#model = model;
  }

  node(instance: InstanceModel): PlanNode | undefined {
    if (instance.node !== this.#lastName) {
      this.#lastName = instance.node;
      this.#lastNode = this.#model.nodes.get(instance.node);
    }
    return this.#lastNode;
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

  /**
   * The full name of the operation that `name` says, when the instance's node declares it, whether or not it has something
   * to run. A name without a dot says the one interface's operation that is called so; of several it says none.
   */
  fullName(instance: InstanceModel, name: string): string | null {
    const node = this.node(instance);
    if (node === undefined) return null;
    if (nodeOperation(this.#model.types, node, name) !== undefined) return name;
    if (name.includes('.')) return null;
    const declared = { ...this.#model.types.nodeTypes[node.type]?.operations, ...node.operations };
    const meant = Object.keys(declared).filter((full) => full.endsWith(`.${name}`));
    return meant.length === 1 ? meant[0]! : null;
  }

  /** Null when there is nothing to run. */
  call(instance: InstanceModel, operation: string): OperationCall | null {
    const node = this.node(instance);
    const found = node && nodeOperation(this.#model.types, node, operation);
    if (found === undefined || isNoop(found)) return null;
    let call = this.#calls.get(found);
    if (call === undefined) {
      call = { operation, side: 'node', relationship: null, function: found.function };
      this.#calls.set(found, call);
    }
    return call;
  }

  /**
   * The type that alone says which operations of an instance, and of its relationships, have something to run; null where the node
   * says more, and for hosts, of which properties say which agent they have.
   */
  plainType(instance: InstanceModel): string | null {
    const node = this.node(instance);
    if (node === undefined || !isEmpty(node.operations) || this.isHost(instance)) return null;
    return node.relationships.some((relationship) => this.#isLively(relationship)) ? null : node.type;
  }

  #isLively({ type, sourceOperations, targetOperations }: PlanRelationship): boolean {
    if (!isEmpty(sourceOperations) || !isEmpty(targetOperations)) return true;
    let lively = this.#lively.get(type);
    if (lively === undefined) {
      const declared = this.#model.types.relationshipTypes[type];
      const all = [
        ...Object.values(declared?.sourceOperations ?? {}),
        ...Object.values(declared?.targetOperations ?? {}),
      ];
      lively = !all.every(isNoop);
      this.#lively.set(type, lively);
    }
    return lively;
  }

  /** Some relationship of the instance's node has something to run: asked before looking through all of them. */
  hasRelationshipCalls(instance: InstanceModel, operation: string): boolean {
    const relationships = this.node(instance)?.relationships ?? [];
    return relationships.some((relationship) =>
      SIDES.some((side) => this.#runs(relationship, side, operation) !== null),
    );
  }

  /** What there is to run on both sides of one of the instance's relationships. */
  relationshipCalls(instance: InstanceModel, place: number, operation: string): OperationCall[] {
    const relationship = this.node(instance)?.relationships[instance.relationships[place]!.relationship];
    if (relationship === undefined) return [];
    return SIDES.flatMap((side) => {
      const name = this.#runs(relationship, side, operation);
      return name === null ? [] : [{ operation, side, relationship: place, function: name }];
    });
  }

  #runs(relationship: PlanRelationship, side: (typeof SIDES)[number], operation: string): string | null {
    const found = relationshipOperation(this.#model.types, relationship, side, operation);
    return found === undefined || isNoop(found) ? null : found.function;
  }
}

function isEmpty(table: object): boolean {
  for (const _ in table) return false;
  return true;
}
