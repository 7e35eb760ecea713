/**
 * What a worker that runs dispatched operations says to the rest of Orrery, and hears from it. The one seam: a worker beside
 * the database speaks it in SQL (store-dispatcher.ts), one on another network over HTTPS (http-dispatcher.ts), and what runs the
 * operations (pool-worker.ts) does not know which.
 *
 * What always holds: whoever writes names the operation and the number of its lease. When the lease has been lost, nothing that
 * is said arrives any more, and the next beat tells so.
 */
import type { Readable } from 'node:stream';
import type { Json, JsonObject, PlanPlugin } from '../../../dsl/plan.js';
import type {
  InstanceView,
  LogLevel,
  NodeView,
  OperationContext,
  OperationOutcome,
  OperationRequest,
} from '../../../plugins/plugin.js';
import type { PluginPackage } from '../../../plugins/plugin-package.js';
import type { PropertyPatch } from '../outbox.js';
import type { Abort } from './dispatch.store.js';

export type { Abort } from './dispatch.store.js';

/** What is to be done, whole: nothing of it is asked for later but files, and what an operation looks up while it runs. */
export interface WorkOrder {
  /** As the registry knows it. */
  readonly plugin: string;
  readonly functionName: string;
  readonly inputs: JsonObject;
  readonly operation: OperationRequest['operation'];
  readonly context: OperationContext;
  /** As the blueprint declares the plugin; null: it comes from no blueprint. */
  readonly declared: PlanPlugin | null;
}

/** An operation that a worker has taken. */
export interface Hold {
  readonly operation: number;
  /** Number of the taking. */
  readonly lease: number;
}

export interface Work extends Hold {
  readonly order: WorkOrder;
}

/** New properties of instances, as what changed in those that the operation was shown. */
export type Patches = Readonly<Record<string, PropertyPatch>>;

/** Said without waiting for an answer. */
export type Telling =
  | { readonly kind: 'log'; readonly level: LogLevel; readonly message: string }
  | { readonly kind: 'event'; readonly message: string };

/** Answered by the walk, or by the one that takes its place. */
export type Question =
  | { readonly kind: 'save'; readonly patches: Patches }
  | { readonly kind: 'read'; readonly instance: string }
  | { readonly kind: 'evaluate'; readonly expression: Json }
  | { readonly kind: 'node'; readonly name: string; readonly instance: string | null }
  | { readonly kind: 'instance'; readonly id: string }
  | { readonly kind: 'agent-script' }
  | { readonly kind: 'token' };

export interface Answers {
  readonly save: null;
  readonly read: JsonObject;
  readonly evaluate: Json;
  readonly node: NodeView;
  readonly instance: InstanceView;
  readonly 'agent-script': string | null;
  readonly token: string;
}

export interface Said extends Hold {
  /** Counted by the holder, for each lease from 1. */
  readonly number: number;
  readonly telling: Telling;
}

/** An outcome, its runtime properties as patches. Null: it was ended before it was done, and nobody had asked for that. */
export type Finish = { readonly outcome: OperationOutcome; readonly patches: Patches | null } | null;

/** A holder is to stop. */
export interface AbortNews {
  readonly operation: number;
  readonly abort: Abort;
  /** No time is left to say goodbye. */
  readonly atOnce: boolean;
}

export interface News {
  readonly work: readonly Work[];
  readonly aborts: readonly AbortNews[];
  /** Somebody wants to know whether the worker is there: it should ask again at once. */
  readonly isAsked?: boolean;
}

export interface Renewal {
  /** Operations that are held still. */
  readonly kept: ReadonlySet<number>;
  readonly aborts: readonly AbortNews[];
}

export interface Dispatcher {
  /**
   * Takes at most `room` operations, and hears who is to stop. Waits until there is something to tell, a while at most: it may
   * come back with nothing.
   *
   * @param known aborts that have been heard already
   */
  attend(room: number, known: readonly AbortNews[], signal: AbortSignal): Promise<News>;
  /** Keeps what is held: one message for all of it. */
  renew(held: readonly Hold[]): Promise<Renewal>;
  /** Delivered once each, however often sent. Returns operations that are held no longer, and those that must wait before they say more. */
  tell(
    said: readonly Said[],
  ): Promise<{ readonly lost: readonly number[]; readonly full: readonly number[] }>;
  /**
   * @param number as of what is told; sent again it is the same question
   * @throws DomainError as the walk answers; Lost
   */
  ask<Q extends Question>(
    hold: Hold,
    number: number,
    question: Q,
    signal: AbortSignal,
  ): Promise<Answers[Q['kind']]>;
  /** @throws DomainError `not-found`; Lost */
  file(hold: Hold, path: string): Promise<{ size: number; stream: Readable }>;
  files(hold: Hold, folder: string): Promise<readonly string[]>;
  package(hold: Hold): Promise<PluginPackage | null>;
  /** The last word of the holder, with what it has not told yet. Nothing happens where the lease is lost. */
  finish(hold: Hold, rest: readonly Said[], finish: Finish): Promise<void>;
}

/** The lease is another's, or the operation is over. */
export class Lost extends Error {
  constructor() {
    super('the operation is no longer held by this worker');
    this.name = 'Lost';
  }
}
