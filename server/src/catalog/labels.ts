/** The form of labels: `key: value` pairs that people hang on things. Pure. */
import { DomainError } from '../errors.js';

export interface Label {
  readonly key: string;
  readonly value: string;
}

/** Keys that begin like this are the system's own, but for a few that people may set (cloudify.md §4.14). */
const RESERVED = 'csys-';
const OPEN = new Set([
  'csys-obj-name',
  'csys-obj-type',
  'csys-env-type',
  'csys-wrcp-services',
  'csys-wrcp-group-id',
  'csys-location-name',
  'csys-location-lat',
  'csys-location-long',
  'csys-obj-parent',
  'csys-environment',
  'csys-consumer-id',
]);
/** In the order of the alphabet. */
export const RESERVED_LABEL_KEYS: readonly string[] = [...OPEN].sort();
const MOST = 1000;

/**
 * Keys in lower case, surroundings trimmed.
 *
 * @throws DomainError `invalid` (`label-invalid`) for an empty, too long, reserved or repeated label
 */
export function normalLabels(labels: readonly Label[]): Label[] {
  if (labels.length > MOST) throw invalid(`at most ${MOST} labels are accepted`);
  const seen = new Set<string>();
  return labels.map((label) => {
    const key = label.key.trim().toLowerCase();
    const value = label.value.trim();
    if (!/^[a-z0-9_.-]{1,256}$/.test(key)) {
      throw invalid(
        `\`${label.key.slice(0, 256)}\` is no key: 1 to 256 letters, digits and the characters - _ .`,
      );
    }
    if (value === '' || value.length > 256 || /[\p{Cc}"]/u.test(value)) {
      throw invalid(
        `the value of \`${key}\` must have 1 to 256 characters, and neither control characters nor quotation marks`,
      );
    }
    if (key.startsWith(RESERVED) && !OPEN.has(key))
      throw invalid(`keys that begin with ${RESERVED} are reserved`);
    const both = `${key}\0${value}`;
    if (seen.has(both)) throw invalid(`\`${key}: ${value}\` is given twice`);
    seen.add(both);
    return { key, value };
  });
}

/** Labels that somebody gives and those that a text gives itself, each once. */
export function withOwnLabels(
  labels: readonly Label[],
  own: Readonly<Record<string, { readonly values: readonly unknown[] }>>,
): Label[] {
  const pairs = Object.entries(own).flatMap(([key, { values }]) =>
    values.filter((value) => typeof value === 'string').map((value) => ({ key, value })),
  );
  const seen = new Set<string>();
  return normalLabels(
    [...labels, ...pairs].filter(({ key, value }) => {
      const both = `${key.trim().toLowerCase()}\0${value.trim()}`;
      return seen.size < seen.add(both).size;
    }),
  );
}

function invalid(why: string): DomainError {
  return new DomainError('invalid', 'label-invalid', `A label is not as it must be: ${why}`);
}
