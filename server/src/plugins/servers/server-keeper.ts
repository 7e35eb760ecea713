/**
 * Who carries out what operations ask of servers. The inventory is that: it knows the cloud account, the handler and the
 * server's record; this plugin knows operations, node instances and their runtime properties.
 */
import type { JsonObject } from '../../dsl/plan.js';

/** Everything that can be asked. Each names an end, so that asking twice comes to the same. */
export const SERVER_WORKS = [
  'build',
  'remove',
  'power_on',
  'power_off',
  // As `power_off`, where the place knows that: the lifecycle goes on without it where it does not.
  'stop',
  'suspend',
  'reboot',
  'refresh',
  'resize',
  'snapshot',
  'revert_snapshot',
  'delete_snapshot',
] as const;
export type ServerWork = (typeof SERVER_WORKS)[number];

export interface ServerRequest {
  readonly work: ServerWork;
  /** Name of the tenant. */
  readonly tenant: string;
  readonly deployment: string;
  readonly node: string;
  readonly instance: string;
  readonly execution: string;
  /** Who started it: a username. */
  readonly creator: string;
  /** Stable over attempts. */
  readonly operationId: string;
  readonly tags: JsonObject;
  /** Of the node. */
  readonly properties: JsonObject;
  readonly runtimeProperties: JsonObject;
  readonly inputs: JsonObject;
  readonly signal: AbortSignal;
  log(message: string): void;
}

export type ServerAnswer =
  /** `properties`: what the instance is to know of its server; null: there is none any more. */
  | { readonly kind: 'done'; readonly properties: JsonObject | null }
  | { readonly kind: 'again'; readonly after: number; readonly message: string }
  | { readonly kind: 'failed'; readonly retryable: boolean; readonly type: string; readonly message: string }
  | { readonly kind: 'aborted' };

export interface ServerKeeper {
  perform(request: ServerRequest): Promise<ServerAnswer>;
}
