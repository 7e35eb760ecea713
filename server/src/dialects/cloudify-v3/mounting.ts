/** What adding a resource's routes needs: the scope they go into, the rooms behind them, the words to use. */
import type { FastifyInstance } from 'fastify';
import type { Core } from '../../core.js';
import type { ApiVersion } from './version.js';

export interface Mounting {
  readonly scope: FastifyInstance;
  readonly core: Core;
  readonly version: ApiVersion;
}
