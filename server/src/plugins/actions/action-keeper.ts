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

export interface StepRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface StepAnswer {
  readonly status: number;
  readonly text: string;
}

export type PreparedStep =
  /** As the script plugin takes them. */
  | { readonly kind: 'script'; readonly inputs: JsonObject }
  /** To be sent, and answered with a status of 2xx. */
  | { readonly kind: 'request'; readonly request: StepRequest }
  /** There is nothing to do, and that is well. */
  | { readonly kind: 'nothing'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string };

export interface ActionKeeper {
  prepare(step: ActionStep): Promise<PreparedStep>;
  /** Rejects where nothing was answered, with an error whose message may be told. */
  send(request: StepRequest, signal: AbortSignal): Promise<StepAnswer>;
  /** Told what the step has printed, line by line, before its operation ends. May be told twice. */
  conclude(step: ActionStep, printed: readonly string[]): Promise<void>;
}
