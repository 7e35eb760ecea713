/**
 * Text that a store of Unicode text can hold: no NUL, no half of a surrogate pair.
 *
 * What a script says in prose is repaired; what it says as data is refused, so that it learns of it.
 */
import type { Json } from '../../dsl/plan.js';
import { CtxError } from './ctx-values.js';

// With the `u` flag a surrogate matches only where its other half is missing.
const UNSTORABLE = /\0|\p{Surrogate}/u;
const ALL_UNSTORABLE = /\0|\p{Surrogate}/gu;

/** The text, cut to `most` UTF-16 units, with what cannot be stored replaced. */
export function storableText(text: string, most: number): string {
  return text.slice(0, most).replaceAll(ALL_UNSTORABLE, '\uFFFD');
}

/** Throws `ValueError` when some text or key in the value cannot be stored. */
export function refuseUnstorable(value: Json): void {
  if (typeof value === 'string') {
    if (UNSTORABLE.test(value)) {
      throw new CtxError('ValueError', 'text with a NUL character or half a surrogate pair cannot be stored');
    }
  } else if (Array.isArray(value)) {
    for (const one of value) refuseUnstorable(one);
  } else if (value !== null && typeof value === 'object') {
    for (const [key, one] of Object.entries(value)) {
      refuseUnstorable(key);
      refuseUnstorable(one);
    }
  }
}

/** What becomes the message of an outcome. */
export function said(value: Json): string {
  return storableText(shown(value), 8192);
}

/** A value in prose. */
export function shown(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
