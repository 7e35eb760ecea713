/** How things of self-service are named from outside: by their number, or by the code that names them for good. Pure. */
export type ThingKey = { readonly number: number } | { readonly code: string };

/** For statements that take both: `[number, code]`, one of them null. */
export function keyValues(key: ThingKey): readonly [number | null, string | null] {
  return 'number' in key ? [key.number, null] : [null, key.code];
}

/** For messages. */
export function keyText(key: ThingKey): string {
  return 'number' in key ? String(key.number) : key.code;
}
