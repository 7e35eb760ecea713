/** Addresses and waiting times, apart from the client so that describing a command loads no HTTP. */

/** A path with its parts quoted: `path('blueprints', id)`. */
export function path(...parts: readonly string[]): string {
  return parts.map((part) => `/${encodeURIComponent(part)}`).join('');
}

/** Milliseconds without a byte from the server before we give up. */
export const PATIENCE = 60_000;

/** The same for uploads and creations, which answer when their work is done. */
export const LONG_PATIENCE = 15 * 60_000;
