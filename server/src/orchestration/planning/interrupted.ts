/**
 * What to do with a task that is found `started` when its execution is taken over: its worker died, and whether
 * the operation did its work, nobody knows.
 *
 * An operation never runs twice in silence. Who wrote it knows whether that would do harm and says so, for one
 * operation in the blueprint or for all in the plugin; where nobody says so, a person decides.
 */
import type { PlanOperation } from '../../dsl/plan.js';

export type InterruptedVerdict = { readonly kind: 'run-again' } | { readonly kind: 'stop' };

/** `pluginResumable`: what the plugin says of the function; null when it is not known any more. */
export function afterInterruption(
  operation: Pick<PlanOperation, 'resumable'> | undefined,
  pluginResumable: boolean | null,
): InterruptedVerdict {
  return (operation?.resumable ?? pluginResumable) === true ? { kind: 'run-again' } : { kind: 'stop' };
}
