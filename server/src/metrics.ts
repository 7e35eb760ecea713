/**
 * Figures for Prometheus, of this process and, where they are of the store, of the whole installation.
 *
 * Labels are bounded: routes by their pattern, never by their path; no tenant, user or deployment.
 */
import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Core } from './core.js';

export interface Metrics {
  /** Counts every answer of `app`. */
  watch(app: FastifyInstance): void;
  /** The page, and its content type. */
  read(): Promise<{ text: string; type: string }>;
  stop(): void;
}

/** Figures of the store are read at most this often, however many scrapers come. */
const STORE_FIGURES_MS = 5000;

export function buildMetrics(core: Core): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'orrery_' });
  const requests = new Histogram({
    name: 'orrery_http_request_duration_seconds',
    help: 'Time from request to last byte of the answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  new Gauge({
    name: 'orrery_database_connections',
    help: 'Connections of this process, and requests that wait for one',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const { total, idle, waiting } = core.storeHealth.connections();
      this.set({ state: 'busy' }, total - idle);
      this.set({ state: 'idle' }, idle);
      this.set({ state: 'waiting' }, waiting);
    },
  });
  storeFigures(core, registry);
  return {
    watch(app) {
      app.addHook('onResponse', async (request, reply) => {
        const route = request.routeOptions.url ?? 'none';
        requests.observe(
          { method: request.method, route, status: String(reply.statusCode) },
          reply.elapsedTime / 1000,
        );
      });
    },
    read: async () => ({ text: await registry.metrics(), type: registry.contentType }),
    stop: () => registry.clear(),
  };
}

function storeFigures(core: Core, registry: Registry): void {
  let fresh: { at: number; figures: ReturnType<Core['storeHealth']['activity']> } | undefined;
  const unreadable = new Counter({
    name: 'orrery_store_figures_unreadable_total',
    help: 'Scrapes at which the store did not give its figures',
    registers: [registry],
  });
  const figures = async () => {
    if (fresh === undefined || performance.now() - fresh.at > STORE_FIGURES_MS) {
      fresh = { at: performance.now(), figures: core.storeHealth.activity() };
    }
    try {
      return await fresh.figures;
    } catch {
      fresh = undefined;
      unreadable.inc();
      return null;
    }
  };
  const gauge = (what: 'executions' | 'operations', label: 'status' | 'state', help: string) =>
    new Gauge({
      name: `orrery_${what}_active`,
      help,
      labelNames: [label],
      registers: [registry],
      async collect() {
        this.reset();
        for (const { name, count } of (await figures())?.[what] ?? []) this.set({ [label]: name }, count);
      },
    });
  gauge('executions', 'status', 'Executions that have not ended, in the whole installation');
  gauge('operations', 'state', 'Operations of executions that have not ended, in the whole installation');
}
