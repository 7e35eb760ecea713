/** `ns--name`: how the names of a namespaced import are kept apart (cloudify-engine.md §2.8). */

export const SEPARATOR = '--';

/** `ns--import` in its two halves; an empty namespace when there is none. */
export function splitNamespace(written: string): [namespace: string, name: string] {
  const at = written.indexOf(SEPARATOR);
  const scheme = written.indexOf(':');
  // Doubled dashes may also stand inside of a URL or a plugin's version.
  if (at <= 0 || (scheme >= 0 && scheme < at)) return ['', written];
  return [written.slice(0, at), written.slice(at + SEPARATOR.length)];
}

export function isNamespace(name: string): boolean {
  return /^[A-Za-z0-9_.-]+$/.test(name) && !name.includes(SEPARATOR);
}

export function joinNamespaces(outer: string, inner: string): string {
  if (outer === '' || inner === '') return outer + inner;
  return `${outer}${SEPARATOR}${inner}`;
}
