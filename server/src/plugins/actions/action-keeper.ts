/**
 * Who knows what an action runs. Ordering is that: it has the sources of actions and what they are about; this plugin knows operations
 * and how a script is run.
 */
import type { JsonObject } from '../../dsl/plan.js';

/** One step of one run. */
export interface ActionStep {
  /** Name of the tenant. */
  readonly tenant: string;
  readonly run: number;
  readonly step: number;
  /** Id of the execution that asks: whoever else asks for the run is refused. */
  readonly execution: string;
}

export type PreparedStep =
  /** As the script plugin takes them. */
  | { readonly kind: 'script'; readonly inputs: JsonObject }
  /** There is nothing to do, and that is well. */
  | { readonly kind: 'nothing'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string };

export interface ActionKeeper {
  prepare(step: ActionStep): Promise<PreparedStep>;
  /** Told what the step has printed, line by line, before its operation ends. May be told twice. */
  conclude(step: ActionStep, printed: readonly string[]): Promise<void>;
}
