/**
 * What stands for a password wherever an order is kept: `{"sealed": {"password": id}}`, of which only the safe knows more
 * (passwords.ts). Nobody outside can write such a thing: values of parameters are texts, numbers, booleans or lists of them,
 * so that not even a parameter that is called `sealed` makes one of what holds it. Pure.
 */
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import { type CheckedParameter, checkedValue } from './parameter-checks.js';

/** As passwords are shown. */
export const MASKED = '******';
/** The one that servers take; of the parameters that every tenant has. */
export const LOGIN_PASSWORD = 'new_password';

export interface SealedPassword extends JsonObject {
  readonly sealed: { readonly password: string };
}

/** A password that is not kept yet, under the id that it is to have. */
export interface NewPassword {
  readonly id: string;
  readonly value: string;
}

const LONGEST = 256;

export function sealedAs(id: string): SealedPassword {
  return { sealed: { password: id } };
}

export function isSealed(value: Json | undefined): value is SealedPassword {
  return isObject(value) && isObject(value.sealed) && typeof value.sealed.password === 'string';
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Ids of all passwords that it names, however deep. */
export function sealedIn(value: Json): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return isSealed(value)
    ? [value.sealed.password]
    : Object.values(value).flatMap((one) => sealedIn(one ?? null));
}

/** The same with passwords as `shown` says. */
export function withPasswords<Value extends Json>(value: Value, shown: (id: string) => string): Value {
  const within = (one: Json): Json => {
    if (isSealed(one)) return shown(one.sealed.password);
    if (Array.isArray(one)) return one.map(within);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([name, each]) => [name, within(each ?? null)]));
  };
  return within(value) as Value;
}

/**
 * A password that a server can be given.
 *
 * @param name as the caller wrote it
 * @throws DomainError `invalid` (`parameter-invalid`), which does not tell the value
 */
export function checkedPassword(parameter: CheckedParameter, value: Json, name: string): string {
  if (Array.isArray(value)) throw wrong(name, 'takes one value, not several');
  if (value === MASKED) throw wrong(name, `is masked as ${MASKED}: write the password itself`);
  const text = String(checkedValue({ ...parameter, options: null }, value, name));
  // A line of its own would be another account's.
  if (text.length <= LONGEST && !/\p{Cc}/u.test(text)) return text;
  throw wrong(
    name,
    `must have at most ${LONGEST} characters, and no line breaks or other control characters`,
  );
}

function wrong(name: string, wanted: string): DomainError {
  return new DomainError('invalid', 'parameter-invalid', `Parameter '${name}' ${wanted}`, {
    details: { field: name },
  });
}
