/**
 * What events say, taken apart: the words, which thousands of events share, and the place they are about. A pack of
 * events (packs.ts) names each once, and marks both, which is how it knows without looking; hence each belongs to one walk.
 */

/** What is said: everything of an event but its place and time. */
export interface Words {
  /** Event type; null for logs. */
  readonly type: string | null;
  /** Log level; null for events. */
  readonly level: string | null;
  readonly logger: string | null;
  readonly message: string;
  readonly operation: string | null;
  /** JSON text of `FailureCause[]`. */
  readonly causes: string | null;
  pack: number;
  number: number;
}

/** Of whom: a node instance, one of its relationships, or nobody. */
export interface Place {
  readonly node: string | null;
  readonly instance: string | null;
  readonly source: string | null;
  readonly target: string | null;
  pack: number;
  number: number;
}

export function wordsOf(
  message: string,
  rest: { type?: string; level?: string; logger?: string; operation?: string; causes?: string } = {},
): Words {
  const { type = null, level = null, logger = null, operation = null, causes = null } = rest;
  return { type, level, logger, message, operation, causes, pack: 0, number: 0 };
}

export function placeOf(
  node: string | null,
  instance: string | null,
  link: { readonly source: string; readonly target: string } | null = null,
): Place {
  return { node, instance, source: link?.source ?? null, target: link?.target ?? null, pack: 0, number: 0 };
}
