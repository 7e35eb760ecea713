/**
 * The types of one blueprint, flattened when first asked for.
 *
 * Our own base types are the same in every blueprint, so what they come to is worked out once per process and
 * shared, as long as the blueprint leaves them as they are.
 */
import type { PlanPlugin } from '../plan.js';
import type { DataType } from '../values.js';
import { readDataTypes } from './elements/data-types.js';
import { checkNodeType, type NodeType, readNodeType } from './elements/node-types.js';
import { readPlugin } from './elements/plugins.js';
import {
  checkRelationshipType,
  type RelationshipType,
  readRelationshipType,
} from './elements/relationship-types.js';
import type { Section } from './entry.js';
import { Implementations, type ScriptFiles } from './implementation.js';
import { checkAncestry } from './inheritance.js';
import type { Limits } from './limits.js';
import type { Merged } from './merge.js';
import type { ShapeCheck } from './shape.js';

export interface TypeLibrary {
  readonly dataTypes: ReadonlyMap<string, DataType>;
  readonly plugins: ReadonlyMap<string, PlanPlugin>;
  readonly implementations: Implementations;
  nodeType(name: string): NodeType | null;
  relationshipType(name: string): RelationshipType | null;
}

/** What flattened base types were worked out from, and what they came to. */
interface Shared {
  readonly nodeTypes: Map<string, NodeType>;
  readonly relationshipTypes: Map<string, RelationshipType>;
}
/** By the mapping of the base types' node types as parsed: one per edition. */
const shared = new WeakMap<object, Shared>();

export function readTypes(
  merged: Merged,
  base: object | null,
  scripts: ScriptFiles,
  limits: Limits,
  check: ShapeCheck,
): TypeLibrary {
  const {
    node_types: nodeTypes,
    relationships,
    data_types: dataTypeEntries,
    plugins: pluginEntries,
  } = merged.sections;
  const dataTypes = readDataTypes(dataTypeEntries, limits.ancestors, check);
  const plugins = new Map<string, PlanPlugin>();
  for (const entry of pluginEntries.values()) plugins.set(entry.name, readPlugin(entry, check));
  const implementations = new Implementations(plugins, scripts);
  const soundNodes = checkAncestry(nodeTypes, 'node type', limits.ancestors, check.report);
  const soundRelationships = checkAncestry(
    relationships,
    'relationship type',
    limits.ancestors,
    check.report,
  );
  for (const entry of nodeTypes.values()) if (!entry.bundled) checkNodeType(entry, dataTypes, check);
  for (const entry of relationships.values())
    if (!entry.bundled) checkRelationshipType(entry, dataTypes, check);
  const common = base === null || hasOverrides(merged) ? null : sharedOf(base);
  return {
    dataTypes,
    plugins,
    implementations,
    nodeType: memo(nodeTypes, soundNodes, common?.nodeTypes ?? null, (name) =>
      readNodeType(nodeTypes, name, dataTypes, implementations),
    ),
    relationshipType: memo(relationships, soundRelationships, common?.relationshipTypes ?? null, (name) =>
      readRelationshipType(relationships, name, dataTypes, implementations),
    ),
  };
}

function sharedOf(base: object): Shared {
  const known = shared.get(base);
  if (known !== undefined) return known;
  const fresh: Shared = { nodeTypes: new Map(), relationshipTypes: new Map() };
  shared.set(base, fresh);
  return fresh;
}

function memo<T>(
  section: Section,
  sound: ReadonlySet<string>,
  common: Map<string, T> | null,
  read: (name: string) => T,
): (name: string) => T | null {
  const own = new Map<string, T>();
  return (name) => {
    if (!sound.has(name)) return null;
    const known = section.get(name)!.bundled && common !== null ? common : own;
    const found = known.get(name);
    if (found !== undefined) return found;
    const fresh = read(name);
    known.set(name, fresh);
    return fresh;
  };
}

/** Names of the base types that say something else in this blueprint: then nothing of them can be shared. */
function hasOverrides(merged: Merged): boolean {
  for (const name of ['node_types', 'relationships', 'data_types'] as const) {
    for (const entry of merged.sections[name].values()) {
      if (!entry.bundled && entry.name.startsWith('cloudify.')) return true;
    }
  }
  return ['agent', 'cfy_extensions', 'default_workflows', 'script'].some(
    (name) => merged.sections.plugins.get(name)?.bundled === false,
  );
}
