/**
 * A blueprint's files to a plan, or to everything that is wrong with them.
 *
 * Steps, each on the results of the one before: find the files (`imports`), make one blueprint of them (`merge`),
 * flatten its types (`type-library`), read its nodes, see how they hang together (`topology`), read the rest, and
 * look at every function (`check-functions`). Cost is linear in the text: a node is compared with its type, never
 * with other nodes. Whoever finds something wrong reports it and goes on, so that an author sees all of it.
 *
 * Pure: no clock, no randomness, no I/O. Texts of imports arrive as arguments; what is missing is asked for.
 */
import type { Diagnostic } from '../diagnostics.js';
import { isObject } from '../json.js';
import type {
  InputDefinition,
  Json,
  JsonObject,
  Plan,
  PlanNode,
  PlanWorkflow,
  ValueDefinition,
} from '../plan.js';
import { FunctionCheck } from './check-functions.js';
import { plannedDataTypes } from './elements/data-types.js';
import { readGroups } from './elements/groups.js';
import { readInput } from './elements/inputs.js';
import { readLabel } from './elements/labels.js';
import { type NodeDraft, readNodeTemplate } from './elements/node-templates.js';
import { readScalingGroups } from './elements/policies.js';
import { readValue } from './elements/values.js';
import { readWorkflow } from './elements/workflows.js';
import type { Section } from './entry.js';
import type { ScriptFiles } from './implementation.js';
import { findFiles, folderOf, type ImportRequest, type Imports } from './imports.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import { type Merged, Merger } from './merge.js';
import { SEPARATOR } from './namespaces.js';
import { applyPluginProperties } from './plugin-properties.js';
import { CODE, Report } from './report.js';
import type { ShapeCheck } from './shape.js';
import { checkAwaitedOperations, checkCircles, hostsOf, operationsForHosts } from './topology.js';
import { readTypes, type TypeLibrary } from './type-library.js';

export interface CompileRequest extends ImportRequest {
  /** Path of the main file in the archive, e.g. `blueprint.yaml`. */
  readonly mainFile: string;
  /** Text of a file of the archive, by path without `.`, `..` or a leading slash; null when there is none. */
  readonly read: (path: string) => string | null;
  /** Whether the archive has such a file, text or not. */
  readonly exists: (path: string) => boolean;
  readonly limits?: Partial<Limits>;
}

export type CompileResult =
  | { readonly kind: 'plan'; readonly plan: Plan; readonly warnings: Diagnostic[] }
  | { readonly kind: 'diagnostics'; readonly diagnostics: Diagnostic[] }
  /** Fetch these, add them to `imported` (or `unavailable`), and call again. */
  | {
      readonly kind: 'needs';
      readonly imports: string[];
      /** Of the main blueprint's version of the language: 3 for `cloudify_dsl_1_3`. */
      readonly minor: number;
    };

/** Never throws for anything an author can write. */
export function compile(request: CompileRequest): CompileResult {
  const limits: Limits = { ...DEFAULT_LIMITS, ...request.limits };
  const report = new Report(limits.diagnostics);
  const imports = findFiles(request, limits, report);
  if (imports === null || report.failed) return { kind: 'diagnostics', diagnostics: report.diagnostics() };
  if (imports.missing.length > 0) {
    return { kind: 'needs', imports: [...imports.missing], minor: imports.version.minor };
  }
  const check: ShapeCheck = { report, minor: imports.version.minor };
  const merger = new Merger(imports.version.minor, check);
  for (const [index, { file, value, namespace }] of imports.files.entries())
    merger.add(file, value, namespace, index === 0);
  const merged = applyPluginProperties(merger.result(), imports.files, check);
  const base = imports.files.find(({ file }) => file.bundled);
  const types = readTypes(merged, base?.value ?? null, scriptsOf(request, imports), limits, check);
  const plan = planOf(imports, merged, types, check);
  if (report.failed) return { kind: 'diagnostics', diagnostics: report.diagnostics() };
  return { kind: 'plan', plan, warnings: report.warnings() };
}

/** Which implementations are files. Files of an imported blueprint cannot be seen from here: their paths are believed. */
function scriptsOf(request: CompileRequest, { namespaces }: Imports): ScriptFiles {
  return {
    exists: request.exists,
    folder: folderOf(request.mainFile),
    isElsewhere: (path) => {
      const at = path.lastIndexOf(SEPARATOR);
      return at > 0 && path.includes('/') && Object.hasOwn(namespaces, path.slice(0, at));
    },
  };
}

function planOf(imports: Imports, merged: Merged, types: TypeLibrary, check: ShapeCheck): Plan {
  const { sections, wholes } = merged;
  const inputs: Record<string, InputDefinition> = {};
  for (const entry of sections.inputs.values()) {
    inputs[entry.name] = readInput(entry.value, entry.name, entry.place, types.dataTypes, check);
  }
  const { drafts, nodes, used } = readNodes(merged, types, check);
  const groups = readGroups(
    sections.groups,
    sections.node_templates,
    sections.policy_types,
    sections.policy_triggers,
    check,
  );
  const containers = new Map<string, string>();
  for (const [name, draft] of drafts) if (draft.container !== null) containers.set(name, draft.container);
  const scalingGroups = readScalingGroups(sections.policies, groups, sections.groups, containers, check);
  const workflows: Record<string, PlanWorkflow> = {};
  for (const entry of sections.workflows.values()) {
    workflows[entry.name] = readWorkflow(entry, types.implementations, types.dataTypes, check);
  }
  const outputs = readValues(sections.outputs);
  const capabilities = readValues(sections.capabilities);
  const labels = readLabels(sections.labels, false, check);
  const blueprintLabels = readLabels(sections.blueprint_labels, true, check);
  const settings = mappingOf(wholes.get('deployment_settings')?.value);

  const known = byName(nodes);
  const meant = (name: string, kind: 'input' | 'node') =>
    check.report.meant(name, kind === 'input' ? sections.inputs.keys() : known.keys());
  const isBroken = (name: string, property?: string) => {
    const entry = sections.node_templates.get(name);
    if (entry === undefined || !known.has(name)) return entry !== undefined;
    const given = mappingOf(mappingOf(entry.value).properties);
    return property !== undefined && Object.hasOwn(given, property);
  };
  const functions = new FunctionCheck(
    { inputs, values: null, nodes: known, isBroken, sys: null, meant },
    check,
  );
  for (const draft of drafts.values()) functions.node(draft, types.relationshipType);
  const deployment = { kind: 'deployment' } as const;
  for (const name of ['outputs', 'capabilities', 'labels', 'resource_tags'] as const) {
    for (const entry of sections[name].values())
      functions.value(entry.value, deployment, `${name}.${entry.name}`, entry.place);
  }
  for (const [name, { scaling }] of scalingGroups) {
    const place = sections.groups.get(name)!.place;
    for (const key of ['default', 'min', 'max'] as const)
      functions.value(scaling[key], deployment, `${name}.${key}_instances`, place);
  }
  const settingsPlace = wholes.get('deployment_settings')?.place;
  if (settingsPlace !== undefined)
    functions.table(settings, deployment, 'deployment_settings', settingsPlace);

  return {
    language: imports.version.text,
    description: textOf(wholes.get('description')?.value),
    metadata: wholes.has('metadata') ? mappingOf(wholes.get('metadata')!.value) : null,
    inputs,
    ...used,
    dataTypes: plannedDataTypes(types.dataTypes),
    nodes,
    plugins: Object.fromEntries(types.plugins),
    workflows,
    outputs,
    capabilities,
    groups: Object.fromEntries(groups),
    scalingGroups: Object.fromEntries(scalingGroups),
    policies: valuesOf(sections.policies),
    policyTypes: valuesOf(sections.policy_types),
    policyTriggers: valuesOf(sections.policy_triggers),
    labels,
    blueprintLabels,
    resourceTags: valuesOf(sections.resource_tags),
    settings,
    requirements: functions.requirements(),
    importedBlueprints: imports.blueprints,
    namespaces: imports.namespaces,
  };
}

function readNodes(merged: Merged, types: TypeLibrary, check: ShapeCheck) {
  const templates = merged.sections.node_templates;
  const context = {
    nodeType: types.nodeType,
    relationshipType: types.relationshipType,
    nodeTypes: merged.sections.node_types,
    relationshipTypes: merged.sections.relationships,
    nodes: templates,
    implementations: types.implementations,
    check,
  };
  const drafts = new Map<string, NodeDraft>();
  for (const entry of templates.values()) {
    const draft = readNodeTemplate(entry, context);
    if (draft !== null) drafts.set(entry.name, draft);
  }
  checkAwaitedOperations(drafts, (name) => types.relationshipType(name)?.hierarchy ?? [], check.report);
  const hosts = checkCircles(drafts, check.report) ? hostsOf(drafts) : null;
  const nodes: PlanNode[] = [];
  const nodeTypes: Record<string, Plan['nodeTypes'][string]> = {};
  const relationshipTypes: Record<string, Plan['relationshipTypes'][string]> = {};
  const forHosts = operationsForHosts(drafts, types.relationshipType);
  for (const { node, type, entry } of drafts.values()) {
    const host = hosts?.get(node.name) ?? null;
    const hostOperation = forHosts.get(node.name);
    if (hosts !== null && host === null && hostOperation !== undefined) {
      check.report.error(
        entry.place,
        CODE.hostAgentWithoutHost,
        `Node '${node.name}' has an operation for an agent on its host (${hostOperation}), but is not contained in a host`,
      );
    }
    const { name, type: typeName, properties, operations, relationships, scaling } = node;
    nodes.push({ name, type: typeName, properties, operations, relationships, host, scaling });
    nodeTypes[node.type] ??= type.plan;
    for (const relationship of node.relationships) {
      relationshipTypes[relationship.type] ??= types.relationshipType(relationship.type)!.plan;
    }
  }
  return { drafts, nodes, used: { nodeTypes, relationshipTypes } };
}

function byName(nodes: readonly PlanNode[]): ReadonlyMap<string, PlanNode> {
  return new Map(nodes.map((node) => [node.name, node]));
}

function readValues(section: Section): Record<string, ValueDefinition> {
  const values: Record<string, ValueDefinition> = {};
  for (const entry of section.values()) values[entry.name] = readValue(entry);
  return values;
}

function readLabels(section: Section, ofBlueprint: boolean, check: ShapeCheck) {
  const labels: Record<string, { readonly values: readonly Json[] }> = {};
  for (const entry of section.values()) labels[entry.name] = readLabel(entry, ofBlueprint, check);
  return labels;
}

function valuesOf(section: Section): JsonObject {
  const values: JsonObject = {};
  for (const entry of section.values()) values[entry.name] = entry.value;
  return values;
}

function mappingOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
