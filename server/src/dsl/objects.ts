/** Values of object types (`deployment_id`, `node_id`, …): what of the system they ask for, and which filters it must keep. Pure. */
import { hasFunction } from './functions.js';
import { isObject } from './json.js';
import type { InputDefinition, Json, JsonObject } from './plan.js';

/** As messages say it. */
export type ObjectKind =
  | 'blueprint'
  | 'deployment'
  | 'secret'
  | 'node'
  | 'node type'
  | 'node instance'
  | 'scaling group'
  | 'capability value';

/** `operation_name` is missing: a workflow tells itself which nodes lack an operation. */
const KINDS: ReadonlyMap<string, ObjectKind> = new Map<string, ObjectKind>([
  ['blueprint_id', 'blueprint'],
  ['deployment_id', 'deployment'],
  ['secret_key', 'secret'],
  ['node_id', 'node'],
  ['node_type', 'node type'],
  ['node_instance', 'node instance'],
  ['scaling_group', 'scaling group'],
  ['capability_value', 'capability value'],
]);

export interface AskedObject {
  /** Name of the input or parameter. */
  readonly input: string;
  readonly kind: ObjectKind;
  readonly value: Json;
  readonly filters: ObjectFilters;
}

export interface ObjectFilters {
  readonly patterns: readonly JsonObject[];
  /** Names; null: any. */
  readonly tenants: readonly string[] | null;
  /** All of them, each with one of its values. */
  readonly labels: readonly { readonly key: string; readonly values: readonly string[] }[];
  /** Id of a stored filter. */
  readonly stored: string | null;
  /** The deployment it is to be in; `unknown`: only a run can tell. */
  readonly deployment: { readonly id: string } | 'unknown' | null;
}

/** What the values of a schema ask for, the items of lists one by one. Values that are functions still are left out. */
export function askedObjects(
  definitions: Readonly<Record<string, InputDefinition>>,
  values: JsonObject,
): AskedObject[] {
  return Object.entries(definitions).flatMap(([input, { type, itemType, constraints = [] }]) => {
    const value = Object.hasOwn(values, input) ? values[input]! : null;
    const kind = KINDS.get((type === 'list' ? itemType : type) ?? '');
    if (kind === undefined) return [];
    const filters = filtersOf(constraints, values);
    const each = type === 'list' ? (Array.isArray(value) ? value : []) : [value];
    return each
      .filter((one) => one !== null && !hasFunction(one))
      .map((one) => ({ input, kind, value: one, filters }));
  });
}

function filtersOf(constraints: readonly JsonObject[], values: JsonObject): ObjectFilters {
  const all = Object.assign({}, ...constraints) as JsonObject;
  const stored = argument(all.filter_id, values);
  const deployment = argument(all.deployment_id, values);
  return {
    patterns: constraints.map((each) => each.name_pattern).filter(isObject),
    tenants: Array.isArray(all.tenants) ? all.tenants.map(String) : null,
    labels: labelsOf(all.labels ?? []),
    stored: typeof stored === 'string' ? stored : null,
    deployment:
      deployment === undefined ? null : typeof deployment === 'string' ? { id: deployment } : 'unknown',
  };
}

const PATTERNS: ReadonlyMap<string, (name: string, text: string) => boolean> = new Map([
  ['contains', (name: string, text: string) => name.includes(text)],
  ['starts_with', (name: string, text: string) => name.startsWith(text)],
  ['ends_with', (name: string, text: string) => name.endsWith(text)],
  ['equals_to', (name: string, text: string) => name === text],
]);

/** Whether a name keeps each `name_pattern`. */
export function fitsPattern(name: string, { patterns }: ObjectFilters): boolean {
  return patterns
    .flatMap((pattern) => Object.entries(pattern))
    .every(([operator, text]) => typeof text !== 'string' || (PATTERNS.get(operator)?.(name, text) ?? true));
}

/** `[{key: value}, {key: [value, …]}]`. */
function labelsOf(given: Json): { key: string; values: string[] }[] {
  return (Array.isArray(given) ? given : [given])
    .filter(isObject)
    .flatMap((each) => Object.entries(each))
    .map(([key, value]) => ({
      key: key.trim().toLowerCase(),
      values: (Array.isArray(value) ? value : [value]).map(String),
    }));
}

/** A constraint's argument; `get_input` is answered by the other values, other functions by nobody (null). */
function argument(given: Json | undefined, values: JsonObject): Json | undefined {
  if (!isObject(given)) return given;
  const name = given.get_input;
  return typeof name === 'string' && Object.hasOwn(values, name) ? values[name]! : null;
}
