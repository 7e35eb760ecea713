/** `node_templates`: the nodes themselves. */
import { isObject } from '../../json.js';
import type {
  Json,
  JsonObject,
  OperationTable,
  PlanNode,
  PlanOperation,
  PlanRelationship,
} from '../../plan.js';
import type { Entry, Section } from '../entry.js';
import type { Implementations } from '../implementation.js';
import { CODE } from '../report.js';
import { dict, items, record, type Shape, type ShapeCheck, text } from '../shape.js';
import type { Place } from '../source.js';
import type { NodeType } from './node-types.js';
import {
  checkDeclared,
  operationOfTemplate,
  type Trouble,
  type TypeOperations,
  templateInterfaces,
  templateOperations,
} from './operations.js';
import type { RelationshipType } from './relationship-types.js';
import { instancesShape, nodeCapabilitiesShape, readNodeScaling } from './scaling.js';

export const relationshipShape: Shape = record({
  type: { shape: text, required: true },
  target: { shape: text, required: true },
  properties: { shape: dict },
  connection_type: { shape: text },
  source_interfaces: { shape: templateInterfaces },
  target_interfaces: { shape: templateInterfaces },
});

export const nodeTemplateShape: Shape = record({
  // Required, but another file may say it: asked for once all files are merged.
  type: { shape: text },
  description: { shape: text },
  properties: { shape: dict },
  instances: { shape: instancesShape },
  capabilities: { shape: nodeCapabilitiesShape, since: 3 },
  interfaces: { shape: templateInterfaces },
  relationships: { shape: items(relationshipShape) },
});

type Names = Pick<Section, 'has' | 'keys'>;

/** What a node template is read against. */
export interface NodeTemplateContext {
  readonly nodeType: (name: string) => NodeType | null;
  readonly relationshipType: (name: string) => RelationshipType | null;
  /** All there are, sound or not: one whose ancestry is broken has been reported already. */
  readonly nodeTypes: Names;
  readonly relationshipTypes: Names;
  readonly nodes: Names;
  readonly implementations: Implementations;
  readonly check: ShapeCheck;
}

/** A node before its host is known. */
export interface NodeDraft {
  readonly node: Omit<PlanNode, 'host'>;
  readonly type: NodeType;
  readonly entry: Entry;
  readonly container: string | null;
  /** Full name of an operation that only a host's agent can run; null: none. */
  readonly hostOperation: string | null;
}

const NONE: OperationTable = {};
const NO_RELATIONSHIPS: readonly PlanRelationship[] = [];

/** The node, or null when its type is unknown. Everything wrong with it is reported. */
export function readNodeTemplate(entry: Entry, context: NodeTemplateContext): NodeDraft | null {
  const { report } = context.check;
  const raw: JsonObject = isObject(entry.value) ? entry.value : {};
  const typeName = raw.type;
  if (typeof typeName !== 'string') {
    if ((typeName ?? null) === null)
      report.error(entry.place, CODE.format, "'type' key is required but it is currently missing");
    return null;
  }
  const type = context.nodeType(typeName);
  if (type === null) {
    if (!context.nodeTypes.has(typeName))
      report.error(
        entry.place.at('type'),
        CODE.unknownNodeType,
        `Could not locate node type '${typeName}' of node '${entry.name}'${report.meant(typeName, context.nodeTypes.keys())}`,
      );
    return null;
  }
  const given = isObject(raw.properties) ? raw.properties : {};
  const properties = type.properties.fill(given, entry.name, entry.place.at('properties'), report);
  const operations = readOperations(
    raw.interfaces,
    entry.place.at('interfaces'),
    type.declared,
    CODE.nodeImplementation,
    context,
  );
  tellTroubles(type.troubles, operations, entry, context.check);
  const { relationships, container } = readRelationships(raw.relationships, entry, context);
  const scaling = readNodeScaling(raw, entry.name, entry.place, report);
  return {
    node: { name: entry.name, type: typeName, properties, operations, relationships, scaling },
    type,
    entry,
    container,
    hostOperation: hostOperationOf(type, operations),
  };
}

function readOperations(
  raw: Json | undefined,
  place: Place,
  declared: TypeOperations,
  code: number,
  context: NodeTemplateContext,
): OperationTable {
  if (!isObject(raw)) return NONE;
  const operations: Record<string, PlanOperation> = {};
  for (const [name, template] of templateOperations(raw, place)) {
    checkDeclared(template, name, context.check);
    const { operation, trouble } = operationOfTemplate(
      template,
      declared.get(name),
      name,
      code,
      context.implementations,
    );
    if (trouble !== null) context.check.report.error(trouble.place, trouble.code, trouble.message);
    operations[name] = operation;
  }
  return operations;
}

/** A type's broken operation matters only where nobody overrides it. */
function tellTroubles(
  troubles: ReadonlyMap<string, Trouble>,
  over: OperationTable,
  entry: Entry,
  check: ShapeCheck,
): void {
  for (const [name, trouble] of troubles) {
    if (Object.hasOwn(over, name)) continue;
    check.report.error(entry.place, trouble.code, `${trouble.message} (node '${entry.name}')`);
  }
}

function readRelationships(
  raw: Json | undefined,
  entry: Entry,
  context: NodeTemplateContext,
): { relationships: readonly PlanRelationship[]; container: string | null } {
  if (!Array.isArray(raw) || raw.length === 0) return { relationships: NO_RELATIONSHIPS, container: null };
  const relationships: PlanRelationship[] = [];
  const place = entry.place.at('relationships');
  let container: string | null = null;
  for (const [index, each] of raw.entries()) {
    if (!isObject(each)) continue;
    const read = readRelationship(each, entry, place.at(index), context);
    if (read === null) continue;
    relationships.push(read.relationship);
    if (!read.isContainment) continue;
    if (container === null) container = read.relationship.target;
    else {
      const message = `Node '${entry.name}' has more than one relationship derived from cloudify.relationships.contained_in`;
      context.check.report.error(place.at(index), CODE.twoContainers, message);
    }
  }
  return { relationships, container };
}

function readRelationship(
  raw: JsonObject,
  entry: Entry,
  place: Place,
  context: NodeTemplateContext,
): { relationship: PlanRelationship; isContainment: boolean } | null {
  const { report } = context.check;
  const { type: typeName, target } = raw;
  if (typeof typeName !== 'string' || typeof target !== 'string') return null;
  const type = context.relationshipType(typeName);
  if (type === null) {
    if (!context.relationshipTypes.has(typeName))
      report.error(
        place.at('type'),
        CODE.unknownRelationshipType,
        `Unknown relationship type '${typeName}' of node '${entry.name}'${report.meant(typeName, context.relationshipTypes.keys())}`,
      );
  } else if (!type.isSupported) {
    report.error(
      place.at('type'),
      null,
      `Unsupported relationship type '${typeName}': it must descend from cloudify.relationships.depends_on, connected_to or contained_in`,
    );
  }
  if (target === entry.name) {
    report.error(
      place.at('target'),
      CODE.relationshipToSelf,
      `Node '${entry.name}' has a relationship to itself`,
    );
  } else if (!context.nodes.has(target)) {
    report.error(
      place.at('target'),
      CODE.unknownTarget,
      `Undefined target '${target}' of a relationship of node '${entry.name}'${report.meant(target, context.nodes.keys())}`,
    );
  }
  if (type === null) return null;
  const owner = `${entry.name} -> ${target}`;
  const properties = readProperties(raw, type, owner, place, context);
  const side = (key: 'source' | 'target') => {
    const operations = readOperations(
      raw[`${key}_interfaces`],
      place.at(`${key}_interfaces`),
      type[key].declared,
      CODE.relationshipImplementation,
      context,
    );
    for (const [name, trouble] of type[key].troubles) {
      if (!Object.hasOwn(operations, name))
        report.error(place, trouble.code, `${trouble.message} (${owner})`);
    }
    return operations;
  };
  const relationship = {
    type: typeName,
    target,
    properties,
    sourceOperations: side('source'),
    targetOperations: side('target'),
  };
  return { relationship, isContainment: type.isContainment };
}

function readProperties(
  raw: JsonObject,
  type: RelationshipType,
  owner: string,
  place: Place,
  context: NodeTemplateContext,
): JsonObject {
  const given: JsonObject = isObject(raw.properties) ? raw.properties : {};
  const short = raw.connection_type;
  const written =
    typeof short === 'string' && !Object.hasOwn(given, 'connection_type')
      ? { ...given, connection_type: short }
      : given;
  const properties = type.properties.fill(written, owner, place.at('properties'), context.check.report);
  const connection = properties.connection_type;
  if (
    !type.isContainment &&
    typeof connection === 'string' &&
    connection !== 'all_to_all' &&
    connection !== 'all_to_one'
  ) {
    const message = `Illegal connection_type '${connection}' (${owner}): it must be all_to_all or all_to_one`;
    context.check.report.error(place.at('properties', 'connection_type'), null, message);
  }
  return properties;
}

/** Full name of an operation of the table that only a host's agent can run, given what lies over it; null: none. */
export function hostOperationIn(declared: OperationTable, over: OperationTable): string | null {
  for (const name in over) if (over[name]!.executor === 'host_agent') return name;
  for (const name in declared) {
    if (declared[name]!.executor === 'host_agent' && !Object.hasOwn(over, name)) return name;
  }
  return null;
}

function hostOperationOf(type: NodeType, over: OperationTable): string | null {
  return hostOperationIn(type.needsHost ? type.plan.operations : NONE, over);
}
