/** What a run of actions does, as it is kept. Plain data. */
import type { JsonObject } from '../dsl/plan.js';

/** One script after the other. */
export interface PlannedStep {
  /** actions.uid */
  readonly action: number;
  readonly name: string;
  /**
   * `condition`: what it prints is what it has found, and where that is nothing the steps behind it do nothing. `decide`: what it
   * prints says whether an order is approved.
   */
  readonly role: 'run' | 'condition' | 'decide';
}

export type ActionWork =
  | { readonly kind: 'steps'; readonly steps: readonly PlannedStep[] }
  /** A workflow of the deployment. `ofServer`: on the instance of the server alone. */
  | {
      readonly kind: 'workflow';
      readonly workflow: string;
      readonly parameters: JsonObject;
      readonly ofServer: boolean;
      /** Parameters that the workflow does not declare are passed on. */
      readonly custom: boolean;
    };

export interface ActionTask {
  /** What people call it. */
  readonly label: string;
  readonly work: ActionWork;
  /** By the names that the action knows. */
  readonly inputs: JsonObject;
  /** servers.uid and services.uid of what it is about. */
  readonly servers: readonly number[];
  readonly resource: number | null;
  /** The deployment that is kept for it; null: it runs on that of its resource, else of its server. */
  readonly home: string | null;
}
