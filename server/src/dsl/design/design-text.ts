/** Texts of designs: written, and what of them is read without taking them for more. Pure. */
import { dump, load } from 'js-yaml';
import type { JsonObject } from '../plan.js';

/** As YAML. */
export function designText(design: JsonObject): string {
  return dump(design, { noRefs: true, lineWidth: -1 });
}

/** The name that a design gives itself; null: the text is no design, or names none. */
export function nameIn(text: string): string | null {
  if (text.length > 1_000_000) return null;
  try {
    const { name } = (load(text) ?? {}) as { name?: unknown };
    return typeof name === 'string' && name.trim() !== '' ? name : null;
  } catch {
    return null;
  }
}
