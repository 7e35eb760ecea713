/** Whether a value is what a parameter asks for. Pure. */

import { compilePattern } from '../dsl/pattern.js';
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';

export interface CheckedParameter {
  readonly type: string;
  readonly multiple: boolean;
  readonly constraints: JsonObject;
  readonly options: readonly Json[] | null;
}

const LONGEST = 100_000;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/;

/**
 * The value in its own type: `"2"` for an INT is 2.
 *
 * @param name as the caller wrote it
 * @throws DomainError `invalid` (`parameter-invalid`) that names the parameter and says what would be right
 */
export function checkedValue(parameter: CheckedParameter, value: Json, name: string): Json {
  if (Array.isArray(value)) {
    if (!parameter.multiple) throw wrong(name, 'takes one value, not several');
    return value.map((one) => checkedOne(parameter, one, name));
  }
  return checkedOne(parameter, value, name);
}

function checkedOne(parameter: CheckedParameter, value: Json, name: string): Json {
  const typed = typedAs(parameter.type, value, name);
  if (parameter.options !== null && !parameter.options.some((option) => String(option) === String(typed))) {
    throw wrong(name, `must be one of: ${parameter.options.map(String).join(', ')}`);
  }
  const { minimum, maximum, regex } = parameter.constraints;
  if (typeof typed === 'number') {
    if (typeof minimum === 'number' && typed < minimum) throw wrong(name, `must be at least ${minimum}`);
    if (typeof maximum === 'number' && typed > maximum) throw wrong(name, `must be at most ${maximum}`);
  }
  if (typeof regex === 'string' && regex !== '' && typeof typed === 'string') {
    const pattern = compilePattern(regex);
    if ('problem' in pattern)
      throw wrong(name, `cannot be checked: its pattern is none (${pattern.problem})`);
    if (!pattern.matches(typed)) throw wrong(name, `must match ${regex}`);
  }
  return typed;
}

function typedAs(type: string, value: Json, name: string): Json {
  switch (type) {
    case 'INT': {
      const number = numberOf(value);
      if (number === null || !Number.isSafeInteger(number)) throw wrong(name, 'must be a whole number');
      return number;
    }
    case 'DEC': {
      const number = numberOf(value);
      if (number === null) throw wrong(name, 'must be a number');
      return number;
    }
    case 'BOOL': {
      if (value === true || value === 1 || /^(true|1|yes)$/i.test(String(value))) return true;
      if (value === false || value === 0 || /^(false|0|no)$/i.test(String(value))) return false;
      throw wrong(name, 'must be true or false');
    }
    case 'DATE': {
      if (typeof value === 'string' && DATE.test(value) && isDay(value)) return value;
      throw wrong(name, 'must be a date as YYYY-MM-DD');
    }
    case 'DT': {
      if (
        typeof value === 'string' &&
        (DATE.test(value) || DATE_TIME.test(value)) &&
        isDay(value.slice(0, 10))
      )
        return value;
      throw wrong(name, 'must be a time as YYYY-MM-DDTHH:MM:SS');
    }
    default: {
      if (typeof value === 'object') throw wrong(name, 'must be a text');
      const text = String(value);
      if (text.length > LONGEST) throw wrong(name, `must have at most ${LONGEST} characters`);
      return text;
    }
  }
}

function isDay(text: string): boolean {
  const [year, month, day] = text.split('-').map(Number) as [number, number, number];
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function numberOf(value: Json): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || !/^\s*-?\d{1,15}(\.\d{1,10})?\s*$/.test(value)) return null;
  return Number(value);
}

function wrong(name: string, wanted: string): DomainError {
  return new DomainError('invalid', 'parameter-invalid', `Parameter '${name}' ${wanted}`, {
    details: { field: name },
  });
}
