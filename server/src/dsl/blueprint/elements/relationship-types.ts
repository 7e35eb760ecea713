/** `relationships`: the types of the arrows between nodes. */
import type { JsonObject, PlanRelationshipType } from '../../plan.js';
import type { DataType } from '../../values.js';
import type { Entry, Section } from '../entry.js';
import type { Implementations } from '../implementation.js';
import { lineage } from '../inheritance.js';
import { CODE } from '../report.js';
import { record, type Shape, type ShapeCheck, table, text } from '../shape.js';
import { mergeProperties } from './data-types.js';
import { checkTypeInterfaces, checkTypeProperties, resolveTable } from './node-types.js';
import {
  addTypeOperations,
  type DeclaredInType,
  type Trouble,
  type TypeOperations,
  typeInterfaces,
} from './operations.js';
import { PropertyTable } from './properties.js';
import { propertySchema } from './property-schema.js';

export const relationshipTypeShape: Shape = record({
  derived_from: { shape: text },
  description: { shape: text },
  properties: { shape: table(propertySchema) },
  source_interfaces: { shape: typeInterfaces },
  target_interfaces: { shape: typeInterfaces },
  connection_type: { shape: text },
});

export interface RelationshipSide {
  readonly declared: TypeOperations;
  readonly troubles: ReadonlyMap<string, Trouble>;
}

/** A relationship type, flattened over its ancestors. */
export interface RelationshipType {
  readonly hierarchy: readonly string[];
  readonly properties: PropertyTable;
  readonly source: RelationshipSide;
  readonly target: RelationshipSide;
  readonly plan: PlanRelationshipType;
  readonly isContainment: boolean;
  /** Descends from one of the three kinds the engine knows. */
  readonly isSupported: boolean;
  readonly functional: boolean;
  /** Some operation of the type itself runs on a host's agent. */
  readonly needsHost: boolean;
}

const CONTAINED_IN = 'cloudify.relationships.contained_in';
const KINDS = [CONTAINED_IN, 'cloudify.relationships.depends_on', 'cloudify.relationships.connected_to'];

export function readRelationshipType(
  section: Section,
  name: string,
  dataTypes: ReadonlyMap<string, DataType>,
  implementations: Implementations,
): RelationshipType {
  const line = lineage(section, name);
  const hierarchy = line.map((entry) => entry.name);
  const properties = new PropertyTable(mergeProperties(line, dataTypes), dataTypes);
  const side = (key: string) => {
    const declared = new Map<string, DeclaredInType>();
    for (const entry of line)
      addTypeOperations(declared, (entry.value as JsonObject)[key], entry.place.at(key));
    return { declared, ...resolveTable(declared, CODE.relationshipImplementation, implementations) };
  };
  const source = side('source_interfaces');
  const target = side('target_interfaces');
  return {
    hierarchy,
    properties,
    source,
    target,
    plan: {
      hierarchy,
      properties: properties.schemasAsJson(),
      sourceOperations: source.operations,
      targetOperations: target.operations,
    },
    isContainment: hierarchy.includes(CONTAINED_IN),
    isSupported: hierarchy.some((each) => KINDS.includes(each)),
    needsHost: [...Object.values(source.operations), ...Object.values(target.operations)].some(
      (each) => each.executor === 'host_agent',
    ),
    functional: [...Object.values(source.operations), ...Object.values(target.operations)].some(
      (each) => each.hasFunctions,
    ),
  };
}

export function checkRelationshipType(
  entry: Entry,
  dataTypes: ReadonlyMap<string, DataType>,
  check: ShapeCheck,
): void {
  checkTypeProperties(entry, dataTypes, check);
  checkTypeInterfaces(entry, 'source_interfaces', dataTypes, check);
  checkTypeInterfaces(entry, 'target_interfaces', dataTypes, check);
}
