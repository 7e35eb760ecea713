/**
 * Whether a task that did not succeed is tried again, and when.
 *
 * An attempt fails, or asks to be called again; both count against the same number. Only a failure may be ignored
 * (`onFailure: 'ignore'`): a task that asks again until its retries are used up has failed for the whole execution.
 */
import type { Json } from '../../dsl/plan.js';
import type { TaskFailure } from '../../errors.js';
import type { OperationCall } from './graph.js';

export type Verdict = { readonly kind: 'retry'; readonly afterSeconds: number } | { readonly kind: 'final' };

export interface Attempts {
  /** Attempts that failed or asked again, this one included; at least 1. */
  readonly failedAttempts: number;
  /** Retries after the first attempt; -1: without end. */
  readonly maxRetries: number;
  /** Seconds. */
  readonly retryInterval: number;
}

export interface RetryLimits {
  /** -1: without end. */
  readonly maxRetries: number;
  /** Seconds. */
  readonly retryInterval: number;
}

/** The numbers that hold for a call: its own, else its operation's, else the system's. */
export function retryLimits(
  call: Pick<OperationCall, 'maxRetries' | 'retryInterval'>,
  operation: { readonly maxRetries: number | null; readonly retryInterval: number | null },
  system: RetryLimits,
): RetryLimits {
  return {
    maxRetries: call.maxRetries ?? operation.maxRetries ?? system.maxRetries,
    retryInterval: call.retryInterval ?? operation.retryInterval ?? system.retryInterval,
  };
}

/** What became of an attempt that did not succeed. */
export type Unsuccessful =
  | { readonly kind: 'again'; readonly after: number | null; readonly message: string }
  | { readonly kind: 'failed'; readonly failure: TaskFailure };

/** `asked`: the operation itself wants to be called again. */
export function verdictOn(
  outcome: Unsuccessful,
  attempts: Attempts,
): { readonly failure: TaskFailure; readonly verdict: Verdict; readonly asked: boolean } {
  if (outcome.kind === 'failed') {
    const { failure } = outcome;
    return { failure, verdict: afterFailure({ ...attempts, failure }), asked: false };
  }
  const { after, message } = outcome;
  const failure = { type: 'OperationRetry', message, retryable: true, causes: [] };
  return { failure, verdict: afterAgain({ ...attempts, after }), asked: true };
}

/** After a failed attempt. */
export function afterFailure(attempt: Attempts & { readonly failure: TaskFailure }): Verdict {
  if (!attempt.failure.retryable || !hasRetriesLeft(attempt)) return { kind: 'final' };
  return { kind: 'retry', afterSeconds: attempt.failure.retryAfter ?? attempt.retryInterval };
}

/** After an attempt that asked to be called again, in `after` seconds; null: after the usual time. */
export function afterAgain(attempt: Attempts & { readonly after: number | null }): Verdict {
  if (!hasRetriesLeft(attempt)) return { kind: 'final' };
  return { kind: 'retry', afterSeconds: attempt.after ?? attempt.retryInterval };
}

/**
 * The call succeeded with a result that only says "not yet". It is made again after the usual time, however often,
 * and that counts as no attempt of `afterFailure`.
 */
export function asksAgain(call: Pick<OperationCall, 'until'>, result: Json): boolean {
  return call.until === 'truthy' && isEmpty(result);
}

/** What is told in place of an ignored failure. */
export function ignoredFailureMessage(functionName: string): string {
  return `Ignoring task ${functionName} failure`;
}

function hasRetriesLeft({ failedAttempts, maxRetries }: Attempts): boolean {
  return maxRetries < 0 || failedAttempts <= maxRetries;
}

/** What Python calls false, since operations in Cloudify's world answer so. */
function isEmpty(result: Json): boolean {
  if (Array.isArray(result)) return result.length === 0;
  if (typeof result === 'object' && result !== null) return Object.keys(result).length === 0;
  return !result;
}
