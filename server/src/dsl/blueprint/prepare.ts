/**
 * A plan and the inputs somebody gives: everything that can be known before anything runs is worked out.
 *
 * What does not change is shared with the plan, never copied: a plan of ten thousand nodes is prepared by touching
 * the values that hold functions. An operation of a type is worked out once in the type, unless what it asks for
 * differs from node to node (`get_property: [SELF, …]`): then each node gets its own.
 */

import { primitiveProblem } from '../functions/primitives.js';
import { type Budget, evaluateKnown, hasFunction } from '../functions.js';
import type {
  Json,
  JsonObject,
  OperationTable,
  Plan,
  PlanNode,
  PlanNodeType,
  PlanOperation,
  PlanRelationship,
  PlanRelationshipType,
  PreparedPlan,
  Scaling,
  ValueDefinition,
} from '../plan.js';
import { applyParameters, dataTypesOf, type ValueProblem } from '../values.js';
import { asCount, scalingProblem } from './elements/scaling.js';
import { type Known, type Scope, ScopeLookup } from './scope.js';
import { secretsAsked } from './secrets-asked.js';

/** What `get_sys` tells. */
export interface PrepareContext {
  readonly tenant: string;
  readonly deployment: {
    readonly id: string;
    readonly name: string;
    readonly blueprint: string;
    readonly owner: string;
  };
}

export interface PrepareOptions {
  /** Texts given for integers, floats and booleans are turned into them. */
  readonly correctTypes?: boolean;
}

export type PrepareResult =
  | { readonly kind: 'prepared'; readonly plan: PreparedPlan }
  | { readonly kind: 'missing-inputs'; readonly names: string[] }
  | { readonly kind: 'unknown-inputs'; readonly names: string[] }
  /** Wrong types and broken constraints. */
  | { readonly kind: 'invalid-inputs'; readonly problems: ValueProblem[] }
  /** With these inputs some functions of the blueprint have no value. */
  | { readonly kind: 'unresolvable'; readonly messages: string[] };

const BUDGET = 20_000_000;
const MOST_MESSAGES = 50;

export function prepare(
  plan: Plan,
  given: JsonObject,
  context: PrepareContext,
  options: PrepareOptions = {},
): PrepareResult {
  const checked = applyParameters(plan.inputs, given, {
    dataTypes: dataTypesOf(plan),
    ...(options.correctTypes === undefined ? {} : { correctTypes: options.correctTypes }),
  });
  if ('problems' in checked) return refused(checked.problems);
  const { values } = checked;
  const sys: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    tenant: { name: context.tenant },
    deployment: context.deployment,
  };
  const nodes = new Map(plan.nodes.map((node) => [node.name, node]));
  const known: Known = {
    inputs: plan.inputs,
    values,
    nodes,
    sys: (entity, property) => sys[entity]?.[property],
  };
  const preparation = new Preparation(known);
  const applied = preparation.plan(plan);
  if (preparation.messages.size > 0) return { kind: 'unresolvable', messages: [...preparation.messages] };
  // A plan that names no secret can still come to ask for one: the value of an input may be a function.
  const asks = plan.requirements.secrets.length > 0 || hasFunction(values);
  const secretNames = asks ? secretsAsked(applied) : [];
  return { kind: 'prepared', plan: { ...applied, inputValues: values, secretNames } };
}

function refused(problems: readonly ValueProblem[]): PrepareResult {
  const names = (kind: string) => problems.filter((each) => each.kind === kind).map(({ name }) => name);
  const missing = names('missing');
  if (missing.length > 0) return { kind: 'missing-inputs', names: missing };
  const unknown = names('unknown');
  if (unknown.length > 0) return { kind: 'unknown-inputs', names: unknown };
  return { kind: 'invalid-inputs', problems: [...problems] };
}

class Preparation {
  /** What went wrong, each text once. */
  readonly messages = new Set<string>();
  private readonly budget: Budget = { values: BUDGET };

  constructor(private readonly known: Known) {}

  plan(plan: Plan): Plan {
    const nodeTypes = this.nodeTypes(plan);
    const relationshipTypes = this.relationshipTypes(plan);
    return {
      ...plan,
      nodeTypes: nodeTypes.table,
      relationshipTypes: relationshipTypes.table,
      nodes: mapShared(plan.nodes, (node) => this.node(node, nodeTypes.perNode, relationshipTypes.perNode)),
      outputs: mapTable(plan.outputs, (value, name) => this.definition(value, `outputs.${name}`)),
      capabilities: mapTable(plan.capabilities, (value, name) =>
        this.definition(value, `capabilities.${name}`),
      ),
      scalingGroups: mapTable(plan.scalingGroups, (group, name) => {
        const scaling = this.scaling(group.scaling, DEPLOYMENT, `scaling group ${name}`);
        return scaling === group.scaling ? group : { ...group, scaling };
      }),
      labels: mapTable(plan.labels, (label, name) => {
        const values = this.value(label.values as Json[], DEPLOYMENT, `labels.${name}`) as Json[];
        return values === label.values ? label : { values };
      }),
      resourceTags: this.value(plan.resourceTags, DEPLOYMENT, 'resource_tags') as JsonObject,
      settings: this.value(plan.settings, DEPLOYMENT, 'deployment_settings') as JsonObject,
    };
  }

  private node(
    node: PlanNode,
    perNode: ReadonlyMap<string, OperationTable>,
    perRelationship: ReadonlyMap<string, PerRelationship>,
  ): PlanNode {
    const scope: Scope = { kind: 'node', node: node.name };
    const properties = this.table(node.properties, scope, `${node.name}.properties`);
    const operations = this.operations(laidUnder(perNode.get(node.type), node.operations), scope, node.name);
    const relationships = mapShared(node.relationships, (each, index) =>
      this.relationship(node, each, index, perRelationship.get(each.type)),
    );
    const scaling = this.scaling(node.scaling, scope, node.name);
    const isSame =
      properties === node.properties &&
      operations === node.operations &&
      relationships === node.relationships &&
      scaling === node.scaling;
    return isSame ? node : { ...node, properties, operations, relationships, scaling };
  }

  private relationship(
    node: PlanNode,
    each: PlanRelationship,
    index: number,
    types: PerRelationship | undefined,
  ): PlanRelationship {
    const scope: Scope = { kind: 'relationship', source: node.name, target: each.target };
    const where = `${node.name}.relationships[${index}]`;
    const properties = this.table(each.properties, scope, `${where}.properties`);
    const sourceOperations = this.operations(laidUnder(types?.source, each.sourceOperations), scope, where);
    const targetOperations = this.operations(laidUnder(types?.target, each.targetOperations), scope, where);
    const isSame =
      properties === each.properties &&
      sourceOperations === each.sourceOperations &&
      targetOperations === each.targetOperations;
    return isSame ? each : { ...each, properties, sourceOperations, targetOperations };
  }

  /** Types with what all their nodes share worked out, and the operations that each node must have for itself. */
  private nodeTypes(plan: Plan): { table: Plan['nodeTypes']; perNode: ReadonlyMap<string, OperationTable> } {
    const perNode = new Map<string, OperationTable>();
    const table = mapTable(plan.nodeTypes, (type: PlanNodeType, name) => {
      const { operations, own } = this.shared(type.operations, { kind: 'node', node: null }, name);
      if (own !== null) perNode.set(name, own);
      return operations === type.operations ? type : { ...type, operations };
    });
    return { table, perNode };
  }

  private relationshipTypes(plan: Plan): {
    table: Plan['relationshipTypes'];
    perNode: ReadonlyMap<string, PerRelationship>;
  } {
    const perNode = new Map<string, PerRelationship>();
    const scope: Scope = { kind: 'relationship', source: null, target: null };
    const table = mapTable(plan.relationshipTypes, (type: PlanRelationshipType, name) => {
      const source = this.shared(type.sourceOperations, scope, name);
      const target = this.shared(type.targetOperations, scope, name);
      if (source.own !== null || target.own !== null) {
        perNode.set(name, { source: source.own ?? undefined, target: target.own ?? undefined });
      }
      const isSame =
        source.operations === type.sourceOperations && target.operations === type.targetOperations;
      return isSame
        ? type
        : { ...type, sourceOperations: source.operations, targetOperations: target.operations };
    });
    return { table, perNode };
  }

  private shared(
    operations: OperationTable,
    scope: Scope,
    where: string,
  ): { operations: OperationTable; own: OperationTable | null } {
    let changed: Record<string, PlanOperation> | null = null;
    let own: Record<string, PlanOperation> | null = null;
    for (const name in operations) {
      const operation = operations[name]!;
      if (!operation.hasFunctions) continue;
      const lookup = new ScopeLookup(this.known, scope, `${where}.${name}`);
      const after = this.operation(operation, lookup, `${where}.${name}`);
      if (lookup.askedKeyword) {
        own ??= {};
        own[name] = operation;
      } else if (after !== operation) {
        changed ??= { ...operations };
        changed[name] = after;
      }
    }
    return { operations: changed ?? operations, own };
  }

  private operations(operations: OperationTable, scope: Scope, where: string): OperationTable {
    let changed: Record<string, PlanOperation> | null = null;
    for (const name in operations) {
      const operation = operations[name]!;
      if (!operation.hasFunctions) continue;
      const after = this.operation(
        operation,
        new ScopeLookup(this.known, scope, `${where}.${name}`),
        `${where}.${name}`,
      );
      if (after === operation) continue;
      changed ??= { ...operations };
      changed[name] = after;
    }
    return changed ?? operations;
  }

  private operation(operation: PlanOperation, lookup: ScopeLookup, where: string): PlanOperation {
    const inputs = this.evaluated(operation.inputs, lookup, `${where}.inputs`) as JsonObject;
    if (inputs === operation.inputs) return operation;
    const types = operation.inputTypes;
    if (types !== undefined) {
      for (const key in types) {
        const value = inputs[key];
        const problem =
          value === undefined || value === null || hasFunction(value)
            ? null
            : primitiveProblem(value, types[key]!);
        if (problem !== null) this.tell(`Input '${key}' of ${where} ${problem}`);
      }
    }
    return { ...operation, inputs, hasFunctions: hasFunction(inputs) };
  }

  private definition(definition: ValueDefinition, where: string): ValueDefinition {
    const value = this.value(definition.value, DEPLOYMENT, where);
    return value === definition.value ? definition : { ...definition, value };
  }

  private scaling(scaling: Scaling, scope: Scope, where: string): Scaling {
    const { default: initial, min, max } = scaling;
    if (typeof initial === 'number' && typeof min === 'number' && typeof max === 'number') return scaling;
    const count = (value: Json, key: string, least: number) => {
      if (typeof value === 'number') return value;
      const known = this.value(value, scope, `${where}.${key}`);
      const number = asCount(known, key, least);
      if (number === null)
        this.tell(`'${key}' of ${where} must be known now and be an integer of ${least} or more`);
      return number ?? least;
    };
    const counted: Scaling = {
      default: count(initial, 'default_instances', 0),
      min: count(min, 'min_instances', 0),
      max: count(max, 'max_instances', 1),
    };
    const problem = scalingProblem(counted);
    if (problem !== null) this.tell(`${where}: ${problem}`);
    return counted;
  }

  private table(values: JsonObject, scope: Scope, where: string): JsonObject {
    let changed: JsonObject | null = null;
    for (const name in values) {
      const value = values[name]!;
      if (typeof value !== 'object' || value === null) continue;
      const after = this.value(value, scope, `${where}.${name}`);
      if (after === value) continue;
      changed ??= { ...values };
      changed[name] = after;
    }
    return changed ?? values;
  }

  private value(value: Json, scope: Scope, where: string): Json {
    return hasFunction(value)
      ? this.evaluated(value, new ScopeLookup(this.known, scope, where), where)
      : value;
  }

  private evaluated(value: Json, lookup: ScopeLookup, where: string): Json {
    const result = evaluateKnown(value, lookup, { budget: this.budget });
    if (!('error' in result)) return result.value;
    this.tell(`${where}: ${result.error}`);
    return value;
  }

  private tell(message: string): void {
    if (this.messages.size < MOST_MESSAGES) this.messages.add(message);
  }
}

interface PerRelationship {
  readonly source: OperationTable | undefined;
  readonly target: OperationTable | undefined;
}

const DEPLOYMENT: Scope = { kind: 'deployment' };

/** A node's operations with those of its type that it must have for itself; its own win. */
function laidUnder(ofType: OperationTable | undefined, own: OperationTable): OperationTable {
  return ofType === undefined ? own : { ...ofType, ...own };
}

function mapShared<T>(list: readonly T[], change: (each: T, index: number) => T): readonly T[] {
  let changed: T[] | null = null;
  for (const [index, each] of list.entries()) {
    const after = change(each, index);
    if (after === each) continue;
    changed ??= list.slice();
    changed[index] = after;
  }
  return changed ?? list;
}

function mapTable<T>(
  table: Readonly<Record<string, T>>,
  change: (each: T, name: string) => T,
): Readonly<Record<string, T>> {
  let changed: Record<string, T> | null = null;
  for (const name in table) {
    const after = change(table[name]!, name);
    if (after === table[name]) continue;
    changed ??= { ...table };
    changed[name] = after;
  }
  return changed ?? table;
}
