/**
 * `ns--name`: how the names of a namespaced import are kept apart (cloudify-engine.md §2.8).
 *
 * A file imported under a namespace is renamed before it is merged: the names it defines and the references to
 * them. Names that begin with `cloudify.` and the plugins of the base types are everybody's and stay. Only
 * names change, never the shape, so a place in the renamed file is the same place in the text.
 */
import { PRIMITIVE_TYPES } from '../functions/primitives.js';
import { isObject } from '../json.js';
import type { Json, JsonObject } from '../plan.js';

export const SEPARATOR = '--';

/** `ns--import` in its two halves; an empty namespace when there is none. */
export function splitNamespace(written: string): [namespace: string, name: string] {
  const at = written.indexOf(SEPARATOR);
  const scheme = written.indexOf(':');
  // Doubled dashes may also stand inside of a URL or a plugin's version.
  if (at <= 0 || (scheme >= 0 && scheme < at)) return ['', written];
  return [written.slice(0, at), written.slice(at + SEPARATOR.length)];
}

/** A name or path without all its namespaces. */
export function withoutNamespaces(name: string): string {
  const at = name.lastIndexOf(SEPARATOR);
  return at < 0 ? name : name.slice(at + SEPARATOR.length);
}

export function isNamespace(name: string): boolean {
  return /^[A-Za-z0-9_.-]+$/.test(name) && !name.includes(SEPARATOR);
}

export function joinNamespaces(outer: string, inner: string): string {
  if (outer === '' || inner === '') return outer + inner;
  return `${outer}${SEPARATOR}${inner}`;
}

/** Plugins of the base types. */
const EVERYBODYS: ReadonlySet<string> = new Set(['agent', 'default_workflows', 'cfy_extensions', 'script']);

type Rename = (value: Json) => Json;

/** A file's sections as they read under a namespace. */
export function renamed(file: JsonObject, namespace: string): JsonObject {
  const rename = new Renaming(namespace);
  const result: JsonObject = {};
  for (const section in file) {
    const change = Object.hasOwn(rename.sections, section) ? rename.sections[section] : undefined;
    const value = file[section]!;
    result[section] = change === undefined ? value : change(value);
  }
  return result;
}

class Renaming {
  readonly sections: Readonly<Record<string, Rename>>;

  constructor(private readonly namespace: string) {
    const schema = fields({ type: this.type, item_type: this.type, default: this.functions });
    const typeOperation: Rename = (value) =>
      isObject(value)
        ? fields({ implementation: this.implementation, inputs: each(schema) })(value)
        : this.implementation(value);
    const templateOperation: Rename = (value) =>
      isObject(value)
        ? fields({ implementation: this.implementation, inputs: this.functions })(value)
        : this.implementation(value);
    const typeInterfaces = each(each(typeOperation));
    const templateInterfaces = each(each(templateOperation));
    const relationship = fields({
      type: this.name,
      target: this.name,
      properties: this.functions,
      source_interfaces: templateInterfaces,
      target_interfaces: templateInterfaces,
    });
    const workflow: Rename = (value) =>
      isObject(value)
        ? fields({
            mapping: this.implementation,
            parameters: each(schema),
            availability_rules: fields({ node_types_required: list(this.name) }),
          })(value)
        : this.implementation(value);
    this.sections = {
      inputs: this.named(schema),
      plugins: this.named((value) => value),
      data_types: this.named(fields({ derived_from: this.name, properties: each(schema) })),
      node_types: this.named(
        fields({ derived_from: this.name, properties: each(schema), interfaces: typeInterfaces }),
      ),
      relationships: this.named(
        fields({
          derived_from: this.name,
          properties: each(schema),
          source_interfaces: typeInterfaces,
          target_interfaces: typeInterfaces,
        }),
      ),
      node_templates: this.named(
        fields({
          type: this.name,
          properties: this.functions,
          capabilities: this.functions,
          interfaces: templateInterfaces,
          relationships: list(relationship),
        }),
      ),
      groups: this.named(
        fields({
          members: list(this.name),
          policies: each(fields({ type: this.name, triggers: each(fields({ type: this.name })) })),
        }),
      ),
      policies: this.named(fields({ targets: list(this.name), properties: this.functions })),
      policy_types: this.named((value) => value),
      policy_triggers: this.named((value) => value),
      workflows: this.named(workflow),
      outputs: this.named(this.functions),
      capabilities: this.named(this.functions),
      labels: this.named(this.functions),
      blueprint_labels: this.named(this.functions),
      resource_tags: this.named(this.functions),
      deployment_settings: this.functions,
    };
  }

  private readonly name: Rename = (value) =>
    typeof value !== 'string' || value.startsWith('cloudify.')
      ? value
      : `${this.namespace}${SEPARATOR}${value}`;

  private readonly type: Rename = (value) =>
    typeof value === 'string' && PRIMITIVE_TYPES.has(value) ? value : this.name(value);

  /** Not the texts that are scripts themselves, nor URLs. */
  private readonly implementation: Rename = (value) => {
    if (typeof value !== 'string' || value.trim() === '' || value.includes('\n') || value.includes('://'))
      return value;
    const plugin = value.split('.', 1)[0]!;
    return EVERYBODYS.has(plugin) && !value.includes('/') ? value : `${this.namespace}${SEPARATOR}${value}`;
  };

  private named(change: Rename): Rename {
    return (value) => {
      if (!isObject(value)) return value;
      const result: JsonObject = {};
      for (const key in value) {
        const isOurs = EVERYBODYS.has(key) || key.startsWith('cloudify.');
        result[isOurs ? key : `${this.namespace}${SEPARATOR}${key}`] = change(value[key]!);
      }
      return result;
    };
  }

  /** Names of inputs and nodes in the arguments of functions, however deep they stand. */
  private readonly functions: Rename = (value) => {
    if (Array.isArray(value)) return value.map(this.functions);
    if (!isObject(value)) return value;
    const result: JsonObject = {};
    for (const key in value) {
      const inner = this.functions(value[key]!);
      result[key] =
        key === 'get_input'
          ? this.first(inner, this.name)
          : NODE_FUNCTIONS.has(key)
            ? this.first(inner, this.node)
            : inner;
    }
    return result;
  };

  private readonly node: Rename = (value) =>
    typeof value === 'string' && KEYWORDS.has(value) ? value : this.name(value);

  private first(args: Json, change: Rename): Json {
    if (!Array.isArray(args)) return change(args);
    return args.length === 0 ? args : [change(args[0]!), ...args.slice(1)];
  }
}

const NODE_FUNCTIONS: ReadonlySet<string> = new Set([
  'get_property',
  'get_attribute',
  'get_attributes_list',
  'get_attributes_dict',
]);
const KEYWORDS: ReadonlySet<string> = new Set(['SELF', 'SOURCE', 'TARGET']);

function fields(changes: Readonly<Record<string, Rename>>): Rename {
  return (value) => {
    if (!isObject(value)) return value;
    const result: JsonObject = { ...value };
    for (const key in changes) if (Object.hasOwn(value, key)) result[key] = changes[key]!(value[key]!);
    return result;
  };
}

function each(change: Rename): Rename {
  return (value) =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, change(one)]))
      : value;
}

function list(change: Rename): Rename {
  return (value) => (Array.isArray(value) ? value.map(change) : value);
}
