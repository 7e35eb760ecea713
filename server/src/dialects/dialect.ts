/**
 * A dialect: one vendor's API, spoken over our rooms.
 *
 * It is an encapsulated scope of the HTTP server: its hooks, body parsers, error form and schemas reach no other one.
 * It sees services of rooms, never a store, never another dialect. Whatever a vendor's client expects to be odd (JSON on
 * GET, binary bodies called JSON, colons in paths) is dealt with here and nowhere else: the outer server installs no
 * body parser, so a scope starts with none and adds its own.
 */
import type { FastifyInstance } from 'fastify';
import type { Core } from '../core.js';

export interface Dialect {
  /** Folder name; names the dialect in logs and metrics. */
  readonly name: string;
  /** For people, on the landing page. */
  readonly title: string;
  /** Path prefixes it answers under, the best first. */
  readonly roots: readonly string[];
  /** Adds the dialect's routes to a scope of its own. */
  mount(app: FastifyInstance, core: Core): Promise<void>;
}
