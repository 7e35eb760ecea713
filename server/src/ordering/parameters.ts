/**
 * Parameters: what an order may say of a server, and what groups and environments say of that: which must be given, what may be
 * chosen, and what holds where nothing is said. What an order takes of it is decided in wished-parameters.ts.
 */
import type { Caller } from '../caller.js';
import { compilePattern } from '../dsl/pattern.js';
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import { nextNumber } from '../store/numbers.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { type CheckedParameter, checkedValue } from './parameter-checks.js';
import {
  deleteParameter,
  deleteUse,
  insertNamedParameter,
  type ParameterField,
  type ParameterRow,
  type Place,
  parameterList,
  putUse,
  selectParameter,
  type UseField,
  useList,
} from './parameters.store.js';
import type { Passwords } from './passwords.js';
import { managingScope, orderingScope, type Rights } from './rights.js';
import { checkedPassword, type NewPassword, sealedAs } from './sealed-password.js';
import { keyText, keyValues, type ThingKey } from './thing-key.js';
import { keptName, namedAs, requireTaken } from './wished-parameters.js';

export type { ParameterField, UseField } from './parameters.store.js';

export const PARAMETER_TYPES = [
  ...([
    'STR',
    'INT',
    'DEC',
    'BOOL',
    'DATE',
    'DT',
    'TXT',
    'CODE',
    'PWD',
    'URL',
    'LDAP',
    'FILE',
    'NET',
  ] as const),
] as const;

/** By its key, or by its name. */
export type ParameterKey = ThingKey | { readonly name: string };

export interface NewParameter {
  readonly name: string;
  readonly label?: string;
  readonly description?: string;
  readonly type: string;
  readonly multiple?: boolean;
  readonly constraints?: JsonObject;
  readonly options?: readonly Json[] | null;
}

/** Where: a group or an environment that the caller has found. */
export type ParameterPlace = { readonly uid: number; readonly name: string } & {
  readonly kind: Place['kind'];
};

export interface ParameterUse {
  readonly required?: boolean;
  readonly constraints?: JsonObject;
  readonly options?: readonly Json[] | null;
  /** Holds where an order says nothing. */
  readonly value?: Json;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_ .]{0,127}$/;
const MOST_OPTIONS = 1000;

export class Parameters {
  readonly #pool: Pool;
  readonly #rights: Rights;
  readonly #passwords: Passwords;

  constructor(parts: { readonly pool: Pool; readonly rights: Rights; readonly passwords: Passwords }) {
    this.#pool = parts.pool;
    this.#rights = parts.rights;
    this.#passwords = parts.passwords;
  }

  async list(caller: Caller, query: ListQuery<ParameterField>): Promise<ListPage> {
    return listPage(this.#pool, parameterList, orderingScope(caller), query);
  }

  /** What a place says, for who has found it. */
  async uses(caller: Caller, place: ParameterPlace, query: ListQuery<UseField>): Promise<ListPage> {
    return listPage(this.#pool, useList(place), orderingScope(caller), query);
  }

  /** Throws `not-found`. */
  async find(caller: Caller, key: ParameterKey): Promise<ParameterRow> {
    const { tenantId } = orderingScope(caller);
    const values = 'name' in key ? [null, null, namedAs(key.name)] : [...keyValues(key), null];
    const found = await selectParameter.one(this.#pool, tenantId, values);
    if (found === null) throw notFound('Parameter', 'name' in key ? key.name : keyText(key));
    return found;
  }

  /** Needs `ordering.manage`. @returns its number @throws DomainError `invalid` (`parameter-invalid`); `conflict` (`parameter-exists`) */
  async create(caller: Caller, parameter: NewParameter): Promise<number> {
    const scope = managingScope(caller);
    const name = keptName(parameter.name);
    if (!NAME.test(name)) {
      throw invalid('name', `'${parameter.name.slice(0, 100)}' cannot be the name of a parameter`);
    }
    if (!(PARAMETER_TYPES as readonly string[]).includes(parameter.type)) {
      throw invalid('type', `The type of a parameter is one of ${PARAMETER_TYPES.join(', ')}`);
    }
    const { constraints = {}, options = null, multiple = false } = parameter;
    if (multiple && parameter.type === 'PWD') throw invalid('allow-multiple', 'A password is one value');
    const plain: CheckedParameter = { type: parameter.type, multiple, constraints, options: null };
    requireConstraints(constraints);
    requireOptions(plain, options, name);
    return inTransaction(this.#pool, async (client) => {
      const number = await nextNumber(client, scope.tenantId, 'parameter');
      const values = [
        number,
        name,
        (parameter.label ?? '').slice(0, 256) || parameter.name,
        (parameter.description ?? '').slice(0, 4000),
        parameter.type,
        multiple,
        JSON.stringify(constraints),
        options === null ? null : JSON.stringify(options),
      ];
      try {
        await insertNamedParameter.one(client, scope.tenantId, values);
      } catch (error) {
        if ((error as { constraint?: string }).constraint !== 'parameters_name') throw error;
        throw new DomainError('conflict', 'parameter-exists', `A parameter named '${name}' is there already`);
      }
      await record(client, caller, {
        action: 'create',
        thing: 'parameter',
        id: name,
        details: { type: parameter.type },
      });
      return number;
    });
  }

  /** With what places say of it. Needs `ordering.manage`. @throws DomainError `not-found`; `conflict` (`parameter-builtin`) */
  async remove(caller: Caller, key: ParameterKey): Promise<void> {
    const scope = managingScope(caller);
    const { uid, name, builtin } = await this.find(caller, key);
    if (builtin) {
      const message = `Parameter '${name}' says what a server is, and stays`;
      throw new DomainError('conflict', 'parameter-builtin', message);
    }
    await inTransaction(this.#pool, async (client) => {
      await deleteParameter.run(client, scope.tenantId, [uid]);
      await record(client, caller, { action: 'delete', thing: 'parameter', id: name });
    });
  }

  /**
   * Says in a place what holds of a parameter there, instead of what was said before. For a group: `group.manage` in it; for an
   * environment: `ordering.manage`.
   *
   * @returns the parameter's number
   * @throws DomainError `not-found`; `forbidden`; `invalid` (`parameter-invalid`)
   */
  async say(caller: Caller, place: ParameterPlace, key: ParameterKey, use: ParameterUse): Promise<number> {
    const scope = await this.#deciding(caller, place);
    const parameter = await this.find(caller, key);
    const { required = false, constraints = {}, options = null, value = null } = use;
    requireConstraints(constraints);
    const narrowed: CheckedParameter = {
      ...parameter,
      constraints: { ...parameter.constraints, ...constraints },
      options: null,
    };
    requireOptions({ ...narrowed, options: parameter.options }, options, parameter.name);
    const { password, preset } = presetOf(
      { ...narrowed, options: options ?? parameter.options },
      value,
      parameter,
      passwordId(place, parameter),
    );
    await inTransaction(this.#pool, async (client) => {
      await this.#passwords.forget(client, scope.tenantId, sealedAs(passwordId(place, parameter)));
      await this.#passwords.keep(client, scope.tenantId, password);
      await putUse.run(client, scope.tenantId, [
        parameter.uid,
        ...placeValues(place),
        required,
        JSON.stringify(constraints),
        options === null ? null : JSON.stringify(options),
        preset === null ? null : JSON.stringify(preset),
      ]);
      const details = { [place.kind]: place.name, required };
      await record(client, caller, { action: 'set', thing: 'parameter', id: parameter.name, details });
    });
    return parameter.number;
  }

  /** The place says nothing of it any more. Likewise. @throws DomainError `not-found`; `forbidden` */
  async unsay(caller: Caller, place: ParameterPlace, key: ParameterKey): Promise<void> {
    const scope = await this.#deciding(caller, place);
    const { uid, name } = await this.find(caller, key);
    await inTransaction(this.#pool, async (client) => {
      if ((await deleteUse.run(client, scope.tenantId, [uid, ...placeValues(place)])) === 0)
        throw notFound('Parameter', name);
      await this.#passwords.forget(client, scope.tenantId, sealedAs(passwordId(place, { uid })));
      const details = { [place.kind]: place.name };
      await record(client, caller, { action: 'unset', thing: 'parameter', id: name, details });
    });
  }

  async #deciding(caller: Caller, place: ParameterPlace) {
    if (place.kind === 'environment') return managingScope(caller);
    await this.#rights.require(caller, 'group.manage', place);
    return orderingScope(caller);
  }
}

/** The default of a password is sealed as those of orders are, under an id of its own. */
function passwordId({ kind, uid }: ParameterPlace, parameter: { readonly uid: number }): string {
  return `${kind}-${uid}-${parameter.uid}`;
}

function presetOf(
  checked: CheckedParameter,
  value: Json,
  { name, type }: ParameterRow,
  id: string,
): { readonly password: readonly NewPassword[]; readonly preset: Json } {
  if (value === null) return { password: [], preset: null };
  if (type !== 'PWD') return { password: [], preset: checkedValue(checked, value, name) };
  requireTaken(namedAs(name), name);
  return { password: [{ id, value: checkedPassword(checked, value, name) }], preset: sealedAs(id) };
}

function placeValues({ kind, uid }: ParameterPlace): readonly [number | null, number | null] {
  return kind === 'environment' ? [uid, null] : [null, uid];
}

/** @throws DomainError `invalid` (`parameter-invalid`) */
function requireConstraints(constraints: JsonObject): void {
  for (const [name, value] of Object.entries(constraints)) {
    if (name === 'minimum' || name === 'maximum') {
      if (typeof value === 'number' && Number.isFinite(value)) continue;
      throw invalid('constraints', `Constraint '${name}' is a number`);
    }
    if (name !== 'regex') {
      throw invalid('constraints', `Constraints are minimum, maximum and regex, not '${name.slice(0, 100)}'`);
    }
    if (typeof value !== 'string' || value.length > 1000)
      throw invalid('constraints', "Constraint 'regex' is a text of at most 1000 characters");
    const pattern = compilePattern(value);
    if ('problem' in pattern)
      throw invalid('constraints', `Constraint 'regex' is no pattern: ${pattern.problem}`);
  }
}

function requireOptions(parameter: CheckedParameter, options: readonly Json[] | null, name: string): void {
  if (options === null) return;
  if (parameter.type === 'PWD') throw invalid('options', 'A password is not chosen among options');
  if (options.length === 0 || options.length > MOST_OPTIONS)
    throw invalid('options', `There are 1 to ${MOST_OPTIONS} options, or none are named`);
  for (const option of options) checkedValue({ ...parameter, multiple: false }, option, name);
}

function invalid(field: string, message: string): DomainError {
  return new DomainError('invalid', 'parameter-invalid', message, { details: { field } });
}
