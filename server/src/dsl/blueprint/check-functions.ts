/**
 * Looks at every function of a compiled blueprint: is it known in this version, are its arguments right, do the
 * inputs, nodes and properties it names exist, do properties run in circles? Collects what it asks of the world.
 */

import { nameAndPath } from '../functions/definition.js';
import { FUNCTIONS } from '../functions/table.js';
import { type Budget, evaluateKnown, hasFunction, visitFunctions } from '../functions.js';
import type { Json, JsonObject, OperationTable, Plan } from '../plan.js';
import type { NodeDraft } from './elements/node-templates.js';
import type { RelationshipType } from './elements/relationship-types.js';
import { type Known, type Scope, ScopeLookup } from './scope.js';
import { type ShapeCheck, tooNew } from './shape.js';
import type { Place } from './source.js';

/** Values all functions of one blueprint may pass while they are checked. */
const BUDGET = 20_000_000;

export class FunctionCheck {
  private readonly secrets = new Map<string, Json>();
  private readonly parents = new Map<string, Json>();
  private readonly budget: Budget = { values: BUDGET };

  constructor(
    private readonly known: Known,
    private readonly check: ShapeCheck,
  ) {}

  requirements(): Plan['requirements'] {
    return { secrets: [...this.secrets.values()], parentCapabilities: [...this.parents.values()] };
  }

  /** One value and all in it. `where` as messages call it, e.g. `web.properties.port`. */
  value(value: Json | undefined, scope: Scope, where: string, place: Place): void {
    if (value === undefined || !hasFunction(value)) return;
    visitFunctions(value, (name, args) => {
      const { since } = FUNCTIONS.get(name)!;
      if (since > this.check.minor) tooNew(`function '${name}'`, since, place, this.check);
      if (name === 'get_secret') this.secrets.set(JSON.stringify(args), args);
      if (name === 'get_environment_capability') {
        const path = nameAndPath(args);
        this.parents.set(JSON.stringify(path), path);
      }
    });
    const result = evaluateKnown(value, new ScopeLookup(this.known, scope, where), { budget: this.budget });
    if ('error' in result) this.check.report.error(place, result.code ?? null, result.error);
  }

  table(values: JsonObject, scope: Scope, where: string, place: Place): void {
    for (const name in values) {
      const value = values[name];
      if (typeof value === 'object' && value !== null)
        this.value(value, scope, `${where}.${name}`, place.at(name));
    }
  }

  node(draft: NodeDraft, relationshipType: (name: string) => RelationshipType | null): void {
    const { node, entry, type } = draft;
    const self: Scope = { kind: 'node', node: node.name };
    this.table(node.properties, self, `${node.name}.properties`, entry.place.at('properties'));
    for (const key of ['default', 'min', 'max'] as const) {
      this.value(node.scaling[key], self, `${node.name}.${key}_instances`, entry.place);
    }
    this.operations(node.operations, self, node.name, entry.place.at('interfaces'));
    for (const name of type.functional) {
      if (!Object.hasOwn(node.operations, name)) {
        this.inputs(type.plan.operations[name]!.inputs, self, `${node.name}.${name}`, entry.place);
      }
    }
    for (const [index, relationship] of node.relationships.entries()) {
      const place = entry.place.at('relationships', index);
      const scope: Scope = { kind: 'relationship', source: node.name, target: relationship.target };
      const where = `${node.name}.relationships[${index}]`;
      this.table(relationship.properties, scope, `${where}.properties`, place.at('properties'));
      this.operations(relationship.sourceOperations, scope, where, place.at('source_interfaces'));
      this.operations(relationship.targetOperations, scope, where, place.at('target_interfaces'));
      const relationType = relationshipType(relationship.type);
      if (relationType === null || !relationType.functional) continue;
      const { sourceOperations, targetOperations } = relationType.plan;
      this.operations(without(sourceOperations, relationship.sourceOperations), scope, where, place);
      this.operations(without(targetOperations, relationship.targetOperations), scope, where, place);
    }
  }

  private operations(operations: OperationTable, scope: Scope, where: string, place: Place): void {
    for (const name in operations) {
      const operation = operations[name]!;
      if (!operation.hasFunctions) continue;
      const dot = name.lastIndexOf('.');
      const at = place.at(name.slice(0, dot), name.slice(dot + 1), 'inputs');
      this.inputs(operation.inputs, scope, `${where}.${name}`, at);
    }
  }

  private inputs(inputs: JsonObject, scope: Scope, where: string, place: Place): void {
    this.table(inputs, scope, `${where}.inputs`, place);
  }
}

function without(operations: OperationTable, over: OperationTable): OperationTable {
  return Object.fromEntries(Object.entries(operations).filter(([name]) => !Object.hasOwn(over, name)));
}
