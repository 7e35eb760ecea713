/** What adding a resource's endpoints needs: the scope they go into, the rooms behind them, and who calls. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';

export interface Mounting {
  readonly scope: FastifyInstance;
  readonly core: Core;
  /** Of the scope: endpoints under another one are passed over. */
  readonly prefix: string;
  /** The caller of a request that has passed the door. Throws for open routes, whose callers nobody knows. */
  callerOf(request: FastifyRequest): Caller;
}
