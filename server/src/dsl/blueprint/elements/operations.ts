/**
 * Operations: what to run, and how declarations of types and templates become one (cloudify-engine.md §2.4).
 *
 * - In a type, `inputs` is a schema; a descendant's operation replaces its ancestor's whole.
 * - In a template, `inputs` are values. They lie over the type's defaults when the template keeps the type's
 *   implementation; with an implementation of its own nothing is inherited; `{}` switches the operation off.
 */
import { isFunction } from '../../functions/table.js';
import { hasFunction } from '../../functions.js';
import { isObject } from '../../json.js';
import type { InputDefinition, Json, JsonObject, PlanOperation } from '../../plan.js';
import type { Implementations, Target } from '../implementation.js';
import { CODE } from '../report.js';
import {
  dict,
  flag,
  integer,
  number,
  record,
  type Shape,
  type ShapeCheck,
  table,
  text,
  textOr,
} from '../shape.js';
import type { Place } from '../source.js';
import { EXECUTORS } from './plugins.js';
import { propertySchema, readSchemas } from './property-schema.js';

const COMMON = {
  implementation: { shape: text },
  executor: { shape: text },
  max_retries: { shape: integer, since: 1 },
  retry_interval: { shape: number, since: 1 },
  timeout: { shape: number },
  timeout_recoverable: { shape: flag },
  // Orrery's own, in every version of the language: may run again after being interrupted.
  resumable: { shape: flag },
};
const inTypes = record({ ...COMMON, inputs: { shape: table(propertySchema) } });
const inTemplates = record({ ...COMMON, inputs: { shape: dict } });

export const typeInterfaces: Shape = table(table(textOr(inTypes)));
export const templateInterfaces: Shape = table(table(textOr(inTemplates)));

/** An operation as written, in a type or in a template. */
export interface Declared {
  readonly implementation: string;
  /** Schemas in a type, values in a template. */
  readonly inputs: Readonly<Record<string, InputDefinition>> | JsonObject;
  readonly executor: PlanOperation['executor'];
  readonly maxRetries: number | null;
  readonly retryInterval: number | null;
  readonly timeout: number | null;
  readonly timeoutRecoverable: boolean | null;
  readonly resumable: boolean | null;
  readonly place: Place;
}

export interface DeclaredInType extends Declared {
  readonly inputs: Readonly<Record<string, InputDefinition>>;
}
export interface DeclaredInTemplate extends Declared {
  readonly inputs: JsonObject;
}

export type TypeOperations = ReadonlyMap<string, DeclaredInType>;

/** An operation that cannot be had, and why: told for the node that would use it. */
export interface Trouble {
  readonly code: number;
  readonly message: string;
  readonly place: Place;
}

export const NO_OPERATION: PlanOperation = {
  plugin: '',
  function: '',
  inputs: {},
  executor: null,
  maxRetries: null,
  retryInterval: null,
  timeout: null,
  timeoutRecoverable: null,
  hasFunctions: false,
  resumable: null,
};

/** Lays the interfaces of one type over those of its ancestors, by full name. */
export function addTypeOperations(
  operations: Map<string, DeclaredInType>,
  raw: Json | undefined,
  place: Place,
): void {
  eachOperation(raw, place, (name, value, where) => {
    operations.set(name, {
      ...fieldsOf(value, where),
      inputs: readSchemas(isObject(value) ? value.inputs : undefined),
    });
  });
}

/** The operations a template declares, by full name. */
export function templateOperations(raw: Json | undefined, place: Place): Map<string, DeclaredInTemplate> {
  const operations = new Map<string, DeclaredInTemplate>();
  eachOperation(raw, place, (name, value, where) => {
    const inputs = isObject(value) && isObject(value.inputs) ? value.inputs : {};
    operations.set(name, { ...fieldsOf(value, where), inputs });
  });
  return operations;
}

function eachOperation(
  raw: Json | undefined,
  place: Place,
  visit: (name: string, value: Json, place: Place) => void,
): void {
  if (!isObject(raw)) return;
  for (const interfaceName in raw) {
    const operations = raw[interfaceName]!;
    if (!isObject(operations)) continue;
    for (const name in operations) {
      visit(`${interfaceName}.${name}`, operations[name]!, place.at(interfaceName, name));
    }
  }
}

function fieldsOf(value: Json, place: Place): Omit<Declared, 'inputs'> {
  const raw: JsonObject = isObject(value) ? value : {};
  const implementation = typeof value === 'string' ? value : raw.implementation;
  return {
    implementation: typeof implementation === 'string' ? implementation : '',
    executor: (typeof raw.executor === 'string' ? raw.executor : null) as PlanOperation['executor'],
    maxRetries: numberOf(raw.max_retries),
    retryInterval: numberOf(raw.retry_interval),
    timeout: numberOf(raw.timeout),
    timeoutRecoverable: flagOf(raw.timeout_recoverable),
    resumable: flagOf(raw.resumable),
    place,
  };
}

/** Values no version of the language allows: executors (28), counts and seconds below zero. */
export function checkDeclared(declared: Declared, name: string, check: ShapeCheck): void {
  const { place, executor, maxRetries, retryInterval, timeout } = declared;
  if (executor !== null && !EXECUTORS.includes(executor)) {
    const where = place.at('executor');
    check.report.error(
      where,
      CODE.operationExecutor,
      `Operation '${name}' has an illegal executor '${executor}'`,
      `known: ${EXECUTORS.join(', ')}`,
    );
  }
  if (maxRetries !== null && maxRetries < -1) {
    check.report.error(
      place.at('max_retries'),
      null,
      `'max_retries' of operation '${name}' must be -1 (without end) or more`,
    );
  }
  if (retryInterval !== null && retryInterval < 0) {
    check.report.error(
      place.at('retry_interval'),
      null,
      `'retry_interval' of operation '${name}' must not be negative`,
    );
  }
  if (timeout !== null && timeout < 0) {
    check.report.error(place.at('timeout'), null, `'timeout' of operation '${name}' must not be negative`);
  }
}

/** What a type's operation is for a node that says nothing about it. */
export function operationOfType(
  declared: DeclaredInType,
  name: string,
  code: number,
  implementations: Implementations,
): { operation: PlanOperation; trouble: Trouble | null } {
  if (isNothing(declared)) return { operation: NO_OPERATION, trouble: null };
  return complete(declared, name, {}, declared.inputs, code, implementations);
}

/** What a template's operation is, over the type's (undefined: the type has none of that name). */
export function operationOfTemplate(
  template: DeclaredInTemplate,
  type: DeclaredInType | undefined,
  name: string,
  code: number,
  implementations: Implementations,
): { operation: PlanOperation; trouble: Trouble | null } {
  if (isNothing(template)) return { operation: NO_OPERATION, trouble: null };
  if (type === undefined || isNothing(type))
    return complete(template, name, template.inputs, {}, code, implementations);
  if (template.implementation !== '' && template.implementation !== type.implementation) {
    return complete(template, name, template.inputs, {}, code, implementations);
  }
  const merged: Declared = {
    implementation: type.implementation,
    inputs: {},
    executor: template.executor ?? type.executor,
    maxRetries: template.maxRetries ?? type.maxRetries,
    retryInterval: template.retryInterval ?? type.retryInterval,
    timeout: template.timeout ?? type.timeout,
    timeoutRecoverable: template.timeoutRecoverable ?? type.timeoutRecoverable,
    resumable: template.resumable ?? type.resumable,
    place: template.place,
  };
  return complete(merged, name, template.inputs, type.inputs, code, implementations);
}

function isNothing(declared: Declared): boolean {
  return (
    declared.implementation === '' &&
    declared.executor === null &&
    declared.maxRetries === null &&
    declared.retryInterval === null &&
    declared.timeout === null &&
    declared.timeoutRecoverable === null &&
    declared.resumable === null &&
    Object.keys(declared.inputs).length === 0
  );
}

function complete(
  declared: Declared,
  name: string,
  given: JsonObject,
  schemas: Readonly<Record<string, InputDefinition>>,
  code: number,
  implementations: Implementations,
): { operation: PlanOperation; trouble: Trouble | null } {
  const inputs: JsonObject = {};
  const inputTypes: Record<string, string> = {};
  let trouble: Trouble | null = null;
  for (const key in schemas) {
    const schema = schemas[key]!;
    const value = Object.hasOwn(given, key) ? given[key]! : schema.default;
    if (value === undefined) {
      if (schema.required === false) continue;
      trouble ??= {
        code: CODE.missingValue,
        message: `Input '${key}' of operation '${name}' is missing a value`,
        place: declared.place,
      };
      continue;
    }
    inputs[key] = value;
    if (schema.type === undefined || !isFunction(value)) continue;
    // Checked when it is evaluated: the function says itself of which type its value must be.
    inputs[key] = { ...(value as JsonObject), type: schema.type };
    inputTypes[key] = schema.type;
  }
  for (const key in given) inputs[key] ??= given[key]!;
  const target = implementations.resolve(declared.implementation);
  if (target.kind === 'unknown') {
    trouble ??= {
      code: target.code ?? code,
      message: `${target.message} (operation '${name}')`,
      place: declared.place,
    };
  }
  // Inputs and settings of an operation that does nothing are nobody's.
  if (target.kind === 'nothing') return { operation: NO_OPERATION, trouble };
  const runs = runnable(target, inputs);
  if (runs.clash !== null) {
    trouble ??= {
      code: CODE.scriptInputs,
      message: `Operation '${name}': '${runs.clash}' is set by the implementation and cannot be an input`,
      place: declared.place,
    };
  }
  const operation: PlanOperation = {
    plugin: runs.plugin,
    function: runs.function,
    inputs: runs.inputs,
    ...(Object.keys(inputTypes).length > 0 ? { inputTypes } : {}),
    executor: runs.plugin === '' ? null : (declared.executor ?? runs.executor),
    maxRetries: declared.maxRetries,
    retryInterval: declared.retryInterval,
    timeout: declared.timeout,
    timeoutRecoverable: declared.timeoutRecoverable,
    hasFunctions: hasFunction(runs.inputs),
    resumable: declared.resumable,
  };
  return { operation, trouble };
}

/** The plugin call a target stands for, with the inputs it needs. */
export function runnable(
  target: Target,
  inputs: JsonObject,
): {
  plugin: string;
  function: string;
  inputs: JsonObject;
  executor: PlanOperation['executor'];
  clash: string | null;
} {
  switch (target.kind) {
    case 'plugin':
      return {
        plugin: target.plugin,
        function: target.function,
        inputs,
        executor: target.executor,
        clash: null,
      };
    case 'script': {
      const clash = ['script_path', 'script_source'].find((key) => Object.hasOwn(inputs, key)) ?? null;
      const withScript = { [target.key]: target.value, ...inputs };
      return {
        plugin: target.plugin,
        function: 'script_runner.tasks.run',
        inputs: withScript,
        executor: 'auto',
        clash,
      };
    }
    default:
      return { plugin: '', function: '', inputs, executor: null, clash: null };
  }
}

function numberOf(value: Json | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

function flagOf(value: Json | undefined): boolean | null {
  return typeof value === 'boolean' ? value : null;
}
