/**
 * Every key in both spellings (specs: layer5.md §1.3). Pure.
 *
 * The clients of this wire are in the middle of a move from `total_count` to `totalCount`: some read one, some the other, some
 * both. So an answer tells each key of several words twice, and a request may use either. It is done here and nowhere else:
 * handlers see and give camelCase.
 *
 * What always holds: one spelling of what is told can be left out without losing anything; the contents of what belongs to
 * clients (`OPAQUE`) go in and out as they are.
 */

type Told = Readonly<Record<string, unknown>>;

/** Keys, in camelCase, whose contents are the client's own. */
export const OPAQUE: ReadonlySet<string> = new Set([
  'metadata',
  'secret',
  'credentialSecret',
  'patternFile',
  'location',
  'dashboardPreferences',
  'usersExtensionPreferences',
  'remoteProviderPreferences',
  'selectedWorkspaceForOrganizations',
]);

/** In requests alone: the list of a page in answers has the same name. */
const OPAQUE_IN_REQUESTS: ReadonlySet<string> = new Set([...OPAQUE, 'filters', 'filterFile']);

/** An answer's value that is told as it is. */
export class Opaque {
  constructor(readonly value: unknown) {}
}

/** An answer's object whose keys are ids or words of people: they are told as they are, what is under them is not. */
export class KeyedBy {
  constructor(readonly entries: Told) {}
}

/** `orgId` -> `org_id`; `snapshotURL` -> `snapshot_url`. */
export function snakeCase(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();
}

/** `org_id`, `orgID` -> `orgId`. */
export function camelCase(key: string): string {
  return snakeCase(key).replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

const spelled = new Map<string, readonly string[]>();
/** More would be keys that somebody made up. */
const MOST_REMEMBERED = 4096;

/** A key as it is, and in the other spellings. */
function spellings(key: string): readonly string[] {
  let all = spelled.get(key);
  if (all === undefined) {
    all = /^[A-Za-z][A-Za-z0-9_]*$/.test(key) ? [...new Set([key, snakeCase(key), camelCase(key)])] : [key];
    if (spelled.size < MOST_REMEMBERED) spelled.set(key, all);
  }
  return all;
}

/** An answer with every key of several words in both spellings. */
export function inBothSpellings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inBothSpellings);
  if (value instanceof Opaque) return value.value;
  if (value instanceof Date) return value.toISOString();
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof KeyedBy) {
    return Object.fromEntries(
      Object.entries(value.entries).map(([key, each]) => [key, inBothSpellings(each)]),
    );
  }
  const told: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) {
    if (each === undefined) continue;
    const rendered = isOpaque(key, OPAQUE) && !(each instanceof Opaque) ? each : inBothSpellings(each);
    for (const name of spellings(key)) {
      // What the handler itself has named outweighs what follows from another key.
      if (name === key || !Object.hasOwn(value, name)) put(told, name, rendered);
    }
  }
  return told;
}

/** A request's keys in camelCase; what is there in both spellings is what camelCase says, and null is what is not there. */
export function inCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inCamelCase);
  if (value === null || typeof value !== 'object') return value;
  const read: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) {
    const name = /^[A-Za-z][A-Za-z0-9_]*$/.test(key) ? camelCase(key) : key;
    if (each === null || (name !== key && Object.hasOwn(value, name))) continue;
    put(read, name, isOpaque(key, OPAQUE_IN_REQUESTS) ? each : inCamelCase(each));
  }
  return read;
}

function isOpaque(key: string, set: ReadonlySet<string>): boolean {
  return set.has(key) || set.has(camelCase(key));
}

/** `__proto__` is a key like any other. */
function put(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}
