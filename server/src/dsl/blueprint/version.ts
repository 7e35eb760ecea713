/** `tosca_definitions_version`: which version of the language a file speaks. */
import { kindOf } from '../json.js';
import type { Json } from '../plan.js';
import { CODE, type Report } from './report.js';
import type { Place } from './source.js';

export interface Version {
  readonly text: string;
  /** `X` of `cloudify_dsl_1_X`. */
  readonly minor: number;
}

const PREFIX = 'cloudify_dsl_';
export const NEWEST = 5;

/** The version, or null after reporting. `value` undefined: the file does not say. */
export function readVersion(value: Json | undefined, place: Place, report: Report): Version | null {
  const where = place.at('tosca_definitions_version');
  if (value === undefined) {
    report.error(
      place,
      CODE.versionMissing,
      "'tosca_definitions_version' is missing",
      `for example ${PREFIX}1_${NEWEST}`,
    );
  } else if (value === null) {
    report.error(
      where,
      CODE.versionEmpty,
      "'tosca_definitions_version' is empty",
      `for example ${PREFIX}1_${NEWEST}`,
    );
  } else if (typeof value !== 'string') {
    report.error(
      where,
      CODE.versionNotText,
      `'tosca_definitions_version' must be a string, but is of type ${kindOf(value)}`,
    );
  } else if (!value.startsWith(PREFIX)) {
    report.error(
      where,
      CODE.versionFormat,
      `'tosca_definitions_version' must begin with '${PREFIX}', but is '${value}'`,
    );
  } else {
    const parts = value.slice(PREFIX.length).split('_');
    const wrong = parts.findIndex((part) => !/^\d+$/.test(part));
    const minor = Number(parts[1]);
    if (wrong >= 0) {
      report.error(where, 74 + Math.min(wrong, 2), `'${parts[wrong]}' in '${value}' is not a number`);
    } else if (
      parts[0] !== '1' ||
      parts.length > 3 ||
      (parts[2] !== undefined && Number(parts[2]) !== 0) ||
      !(minor <= NEWEST)
    ) {
      const known = Array.from({ length: NEWEST + 1 }, (_, each) => `${PREFIX}1_${each}`).join(', ');
      report.error(
        where,
        CODE.versionUnknown,
        `Unexpected tosca_definitions_version '${value}'`,
        `known: ${known}`,
      );
    } else return { text: value, minor };
  }
  return null;
}
