/** The parameters of a server: named, filled from choices and defaults, and checked. Pure. */
import type { Json, JsonObject } from '../dsl/plan.js';
import { nearest } from '../dsl/suggestion.js';
import { DomainError } from '../errors.js';
import type { ParameterFact, UseFact } from './order-facts.store.js';
import { checkedValue } from './parameter-checks.js';
import {
  checkedPassword,
  isSealed,
  LOGIN_PASSWORD,
  MASKED,
  type NewPassword,
  sealedAs,
} from './sealed-password.js';
import { diskGb, memoryMb } from './sizes.js';

export interface Preconfiguration {
  readonly name: string;
  readonly environments: readonly number[];
  readonly choices: Readonly<Record<string, JsonObject>>;
}

export interface ParameterFacts {
  readonly parameters: readonly ParameterFact[];
  readonly preconfigurations: readonly Preconfiguration[];
  /** Of the environment and the group, the nearest last. */
  readonly uses: readonly UseFact[];
  /** A new id for a password, which says nothing and is never drawn again. */
  readonly drawId: () => string;
}

/** Names as they are kept: hyphens and underscores are the same. */
export function keptName(name: string): string {
  return name.trim().replaceAll('-', '_');
}

export function namedAs(name: string): string {
  return keptName(name).toLowerCase();
}

export interface ResolvedParameters {
  /** By kept names; a password is masked. */
  readonly values: JsonObject;
  /** As given, by kept names, with what stands for a password instead of it. */
  readonly asked: JsonObject;
  /** Id of the password that a server is to have; null: none is wished for. */
  readonly password: string | null;
  /** Those that were given now, to be kept with the order. */
  readonly passwords: readonly NewPassword[];
}

/**
 * What holds, the later the stronger: defaults of the group and the environment, what preconfigurations say, what was given.
 *
 * @param given names as the caller wrote them -> values; preconfigurations may be among them
 * @param chosen preconfiguration -> choice
 * @throws DomainError `invalid` (`parameter-unknown`, `preconfiguration-unknown`, `parameter-invalid`, `parameter-missing`,
 *   `password-unsupported`)
 */
export function resolveParameters(
  given: JsonObject,
  chosen: JsonObject,
  environment: number,
  facts: ParameterFacts,
): ResolvedParameters {
  const known = new Map(facts.parameters.map((one) => [namedAs(one.name), one]));
  const bundles = new Map(facts.preconfigurations.map((one) => [namedAs(one.name), one]));
  const uses = new Map<string, UseFact>();
  for (const use of facts.uses) {
    if (use.environment !== null && use.environment !== environment) continue;
    const before = uses.get(namedAs(use.name));
    uses.set(namedAs(use.name), before === undefined ? use : narrower(before, use));
  }
  const values = new Map<string, Json>();
  for (const [name, use] of uses) if (use.value !== null && known.has(name)) values.set(name, use.value);

  const explicit: [string, string, Json][] = [];
  const choices: [string, Json][] = Object.entries(chosen);
  for (const [name, value] of Object.entries(given)) {
    if (isAbsent(value)) continue;
    const key = namedAs(name);
    if (known.has(key)) explicit.push([key, name, value]);
    else if (bundles.has(key)) choices.push([name, value]);
    else throw unknownParameter(name, [...known.keys(), ...bundles.keys()]);
  }
  for (const [name, value] of choices) {
    if (isAbsent(value)) continue;
    const bundle = bundles.get(namedAs(name));
    if (bundle === undefined) throw unknownParameter(name, [...bundles.keys()]);
    for (const [parameter, preset] of Object.entries(choiceOf(bundle, name, value, environment))) {
      values.set(namedAs(parameter), preset);
    }
  }
  const written = new Map<string, string>();
  for (const [key, name, value] of explicit) {
    values.set(key, value);
    written.set(key, name);
  }
  const resolved: JsonObject = {};
  const asked: JsonObject = {};
  for (const [name, value] of Object.entries(given)) asked[keptName(name)] = value;
  const passwords: NewPassword[] = [];
  let password: string | null = null;
  for (const [key, value] of values) {
    const fact = known.get(key);
    if (fact === undefined) continue;
    const name = written.get(key) ?? fact.name;
    if (fact.type !== 'PWD') {
      resolved[fact.name] = checkedValue(narrowed(fact, uses.get(key)), inGb(key, value, name), name);
      continue;
    }
    requireTaken(key, name);
    password = isSealed(value) ? value.sealed.password : facts.drawId();
    if (!isSealed(value)) {
      if (!written.has(key)) throw openPassword(name);
      passwords.push({ id: password, value: checkedPassword(narrowed(fact, uses.get(key)), value, name) });
    }
    resolved[fact.name] = MASKED;
    if (written.has(key)) asked[keptName(name)] = sealedAs(password);
  }
  for (const [key, use] of uses) {
    if (use.required && !values.has(key)) {
      throw new DomainError('invalid', 'parameter-missing', `Parameter '${use.name}' is required`, {
        details: { field: use.name },
      });
    }
  }
  return { values: resolved, asked, password, passwords };
}

function openPassword(name: string): DomainError {
  return new DomainError(
    'invalid',
    'parameter-invalid',
    `Parameter '${name}' is a password, which a preconfiguration cannot hold`,
    { details: { field: name } },
  );
}

/** What would be accepted and reach no server is refused. @throws DomainError `invalid` (`password-unsupported`) */
export function requireTaken(key: string, name: string): void {
  if (key === LOGIN_PASSWORD) return;
  throw new DomainError(
    'invalid',
    'password-unsupported',
    `Parameter '${name}' is a password that nothing on a server takes: ${LOGIN_PASSWORD} is the one that is given to servers`,
    { details: { field: name } },
  );
}

/** Sizes are written with their units, and bounded and kept as numbers of GB. */
function inGb(key: string, value: Json, name: string): Json {
  if (key === 'mem_size') return memoryMb(value, name) / 1024;
  return key === 'disk_size' || key === 'new_disk_size' ? diskGb(value, name) : value;
}

/** Absent in all ways that clients have of saying so. */
export function isAbsent(value: Json | undefined): boolean {
  return value === undefined || value === null || value === '';
}

function choiceOf(bundle: Preconfiguration, name: string, value: Json, environment: number): JsonObject {
  const choice =
    typeof value === 'string' && Object.hasOwn(bundle.choices, value) ? bundle.choices[value] : undefined;
  if (choice !== undefined && bundle.environments.includes(environment)) return choice;
  throw new DomainError(
    'invalid',
    'parameter-invalid',
    choice === undefined
      ? `Parameter '${name}' has no choice ${JSON.stringify(value)}; choices are: ${Object.keys(bundle.choices).join(', ') || 'none'}`
      : `Parameter '${name}' cannot be chosen in this environment`,
    { details: { field: name } },
  );
}

function narrower(before: UseFact, use: UseFact): UseFact {
  return {
    ...use,
    required: before.required || use.required,
    constraints: { ...before.constraints, ...use.constraints },
    options: use.options ?? before.options,
    value: use.value ?? before.value,
  };
}

function narrowed(fact: ParameterFact, use: UseFact | undefined): ParameterFact {
  if (use === undefined) return fact;
  return {
    ...fact,
    constraints: { ...fact.constraints, ...use.constraints },
    options: use.options ?? fact.options,
  };
}

export function unknownParameter(name: string, known: readonly string[]): DomainError {
  const near = nearest(namedAs(name), known);
  return new DomainError('invalid', 'parameter-unknown', `Parameter named '${name}' does not exist`, {
    details: { field: name, ...(near === null ? {} : { suggestion: near }) },
  });
}
