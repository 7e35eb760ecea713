/** `node_types`. */
import type { InputDefinition, JsonObject, PlanNodeType } from '../../plan.js';
import type { DataType } from '../../values.js';
import type { Entry, Section } from '../entry.js';
import type { Implementations } from '../implementation.js';
import { lineage } from '../inheritance.js';
import { CODE } from '../report.js';
import { anything, record, type Shape, type ShapeCheck, table, text } from '../shape.js';
import { mergeProperties } from './data-types.js';
import {
  addTypeOperations,
  checkDeclared,
  type DeclaredInType,
  operationOfType,
  type Trouble,
  type TypeOperations,
  typeInterfaces,
} from './operations.js';
import { PropertyTable } from './properties.js';
import { checkSchema, propertySchema, readSchemas } from './property-schema.js';

export const nodeTypeShape: Shape = record({
  derived_from: { shape: text },
  description: { shape: text },
  properties: { shape: table(propertySchema) },
  interfaces: { shape: typeInterfaces },
  runtime_properties: { shape: anything, since: 5 },
});

/** A node type, flattened over its ancestors. */
export interface NodeType {
  readonly hierarchy: readonly string[];
  readonly properties: PropertyTable;
  readonly declared: TypeOperations;
  readonly plan: PlanNodeType;
  /** Operations of the type that a node must override, else the trouble is told. By full name. */
  readonly troubles: ReadonlyMap<string, Trouble>;
  readonly isHost: boolean;
  /** Some operation of the type itself runs on the host's agent. */
  readonly needsHost: boolean;
  /** Names of the operations with functions in their inputs. */
  readonly functional: readonly string[];
}

const HOST = 'cloudify.nodes.Compute';

export function readNodeType(
  section: Section,
  name: string,
  dataTypes: ReadonlyMap<string, DataType>,
  implementations: Implementations,
): NodeType {
  const line = lineage(section, name);
  const hierarchy = line.map((entry) => entry.name);
  const declared = new Map<string, DeclaredInType>();
  for (const entry of line)
    addTypeOperations(declared, (entry.value as JsonObject).interfaces, entry.place.at('interfaces'));
  const { operations, troubles } = resolveTable(declared, CODE.nodeImplementation, implementations);
  return {
    hierarchy,
    properties: new PropertyTable(mergeProperties(line, dataTypes), dataTypes),
    declared,
    plan: { hierarchy, operations },
    troubles,
    isHost: hierarchy.includes(HOST),
    needsHost: Object.values(operations).some((operation) => operation.executor === 'host_agent'),
    functional: Object.keys(operations).filter((each) => operations[each]!.hasFunctions),
  };
}

export function resolveTable(declared: TypeOperations, code: number, implementations: Implementations) {
  const operations: Record<string, ReturnType<typeof operationOfType>['operation']> = {};
  const troubles = new Map<string, Trouble>();
  for (const [name, each] of declared) {
    const { operation, trouble } = operationOfType(each, name, code, implementations);
    operations[name] = operation;
    if (trouble !== null) troubles.set(name, trouble);
  }
  return { operations, troubles };
}

/** What can be wrong with a type whether or not a node uses it. */
export function checkNodeType(
  entry: Entry,
  dataTypes: ReadonlyMap<string, DataType>,
  check: ShapeCheck,
): void {
  checkTypeProperties(entry, dataTypes, check);
  checkTypeInterfaces(entry, 'interfaces', dataTypes, check);
}

export function checkTypeProperties(
  entry: Entry,
  dataTypes: ReadonlyMap<string, DataType>,
  check: ShapeCheck,
): void {
  checkSchemas(
    readSchemas((entry.value as JsonObject).properties),
    entry.name,
    entry.place.at('properties'),
    dataTypes,
    check,
  );
}

export function checkTypeInterfaces(
  entry: Entry,
  key: string,
  dataTypes: ReadonlyMap<string, DataType>,
  check: ShapeCheck,
): void {
  const operations = new Map<string, DeclaredInType>();
  addTypeOperations(operations, (entry.value as JsonObject)[key], entry.place.at(key));
  for (const [name, declared] of operations) {
    checkDeclared(declared, name, check);
    checkSchemas(declared.inputs, name, declared.place.at('inputs'), dataTypes, check);
  }
}

function checkSchemas(
  schemas: Readonly<Record<string, InputDefinition>>,
  owner: string,
  place: Entry['place'],
  dataTypes: ReadonlyMap<string, DataType>,
  check: ShapeCheck,
): void {
  for (const name in schemas) checkSchema(schemas[name]!, name, owner, place.at(name), dataTypes, check);
}
