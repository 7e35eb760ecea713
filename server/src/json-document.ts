/**
 * JSON from a request, checked for what the store could not keep or what would not come back as it was sent.
 *
 * PostgreSQL holds neither the character NUL nor half a surrogate pair, its parser and ours go only so deep, a number
 * beyond the range of a double would come back as null, and `__proto__` means something else to a JavaScript object.
 * Found here, each is told with the place where it stands; found later, it would be a mistake of the server.
 */
import { DomainError } from './errors.js';

/** Deeper than any value that a room accepts, and far from what a parser survives. */
const DEEPEST = 250;
/** Values in one document: a few bytes each on the wire, a hundred in memory. */
const MOST_VALUES = 250_000;
/** With the `u` flag a surrogate matches only where its other half is missing. */
const UNKEPT = /\0|\p{Surrogate}/u;

interface Container {
  readonly value: object;
  readonly depth: number;
  readonly within: Container | null;
  /** Where it stands in `within`. */
  readonly key: string | number;
}

/**
 * Parses a document.
 *
 * @param what how messages name the document, e.g. `The request body`
 * @throws DomainError `invalid` (`document-illegal`) when it is no JSON, or holds what cannot be kept
 */
export function readDocument(text: string, what: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unkept(`${what} is not valid JSON`);
  }
  checkAll(value, what);
  return value;
}

/** Without recursion: what is checked may be deeper than the stack. */
function checkAll(document: unknown, what: string): void {
  if (typeof document !== 'object' || document === null) {
    checkLeaf(document, () => what);
    return;
  }
  let count = 0;
  const waiting: Container[] = [{ value: document, depth: 1, within: null, key: '' }];
  for (;;) {
    const container = waiting.pop();
    if (container === undefined) return;
    if (container.depth > DEEPEST) throw unkept(`${what} is nested too deeply: at most ${DEEPEST} levels`);
    const isList = Array.isArray(container.value);
    for (const key in container.value) {
      const value: unknown = container.value[key as never];
      count += 1;
      if (count > MOST_VALUES) throw unkept(`${what} holds more than ${MOST_VALUES} values`);
      if (!isList) checkKey(key, container, what);
      if (typeof value === 'object' && value !== null) {
        waiting.push({ value, depth: container.depth + 1, within: container, key });
      } else {
        checkLeaf(value, () => placeOf(container, key));
      }
    }
  }
}

function checkKey(key: string, within: Container, what: string): void {
  const at = () => (within.within === null ? what : placeOf(within.within, within.key));
  if (key === '__proto__') throw unkept(`${at()} holds the key __proto__, which is not allowed`);
  if (UNKEPT.test(key)) {
    throw unkept(`${at()} holds a key with a NUL character or half a surrogate pair, which is no text`);
  }
}

function checkLeaf(value: unknown, place: () => string): void {
  if (typeof value === 'string' && UNKEPT.test(value)) {
    throw unkept(`Invalid value for ${place()}: a NUL character or half a surrogate pair is no text`);
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw unkept(`Invalid value for ${place()}: the number is out of range`);
  }
}

/** `inputs.ports.0`, cut where it gets long. */
function placeOf(within: Container, key: string | number): string {
  const keys = [key];
  for (let at: Container | null = within; at !== null && at.within !== null; at = at.within)
    keys.push(at.key);
  return keys.reverse().join('.').slice(0, 200);
}

function unkept(message: string): DomainError {
  return new DomainError('invalid', 'document-illegal', message);
}
