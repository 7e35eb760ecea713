/**
 * The three shapes of trouble.
 *
 * 1. The author of a blueprint erred: `Diagnostic` (see `dsl/diagnostics.ts`), returned, never thrown.
 * 2. A request cannot be done: `DomainError`, thrown by rooms, turned into the dialect's own form at the edge.
 * 3. The world failed under an operation: `TaskFailure`, plain data on the task and in its events.
 *
 * Anything else that is thrown is a bug: logged with the request id, answered as the dialect's plain 500.
 */

/** Why a request cannot be done. Each dialect maps every kind to a status; see docs/errors.md. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'limit'
  | 'unavailable';

/**
 * A request that cannot be done.
 *
 * `message` may be read by the caller; `cause` is for the log only. `reason` is a stable, machine-readable
 * word (kebab-case, listed in docs/errors.md) for dialects whose vendor has its own code for the situation.
 */
export class DomainError extends Error {
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    kind: ErrorKind,
    reason: string,
    message: string,
    options: { details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DomainError';
    this.kind = kind;
    this.reason = reason;
    this.details = options.details ?? {};
  }
}

/** One link of a failure's cause chain, outermost first. */
export interface FailureCause {
  readonly type: string;
  readonly message: string;
  readonly traceback?: string;
}

/** How an operation failed in the world. Data: stored on the operation and told in its events. */
export interface TaskFailure {
  /** Kind of failure as the operation's author would name it, e.g. `ProcessException`. */
  readonly type: string;
  readonly message: string;
  /** False: trying again cannot help, the operation has failed for good. */
  readonly retryable: boolean;
  /** Seconds to wait before the next attempt, where the operation asked for a special delay. */
  readonly retryAfter?: number;
  readonly causes: readonly FailureCause[];
}

/** `Requested thing was not found`, in one voice everywhere. */
export function notFound(thing: string, id: string): DomainError {
  return new DomainError(
    'not-found',
    `${thing.toLowerCase().replaceAll(' ', '-')}-not-found`,
    `${thing} "${id}" was not found`,
    {
      details: { thing, id },
    },
  );
}
