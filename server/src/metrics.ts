/**
 * Figures for Prometheus, of this process and, where they are of the store, of the whole installation.
 *
 * Labels are bounded: routes by their pattern, never by their path; no user or deployment, and of tenants,
 * pools and plugins so many by name and the rest together.
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
  ownFigures(core, registry);
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
  type Activity = Awaited<ReturnType<Core['storeHealth']['activity']>>;
  /** `tell` is not called when the store cannot be asked: a gauge without a value, not one that is wrong. */
  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    tell: (gauge: Gauge, activity: Activity) => void,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      async collect() {
        this.reset();
        const activity = await figures();
        if (activity !== null) tell(this, activity);
        else this.remove();
      },
    });
  gauge(
    'orrery_executions_active',
    'Executions that workers have, in the whole installation',
    ['status'],
    (it, { taken }) => {
      for (const { status, held, expired } of taken) it.set({ status }, held + expired);
    },
  );
  gauge(
    'orrery_leases',
    'Leases of executions that workers have; expired: their worker is gone or silent, and nobody has taken them over',
    ['state'],
    (it, { taken }) => {
      it.set(
        { state: 'held' },
        taken.reduce((sum, { held }) => sum + held, 0),
      );
      it.set(
        { state: 'expired' },
        taken.reduce((sum, { expired }) => sum + expired, 0),
      );
    },
  );
  gauge(
    'orrery_operations_active',
    'Operations of the executions that workers have',
    ['state'],
    (it, { operations }) => {
      it.set({ state: 'finished' }, operations.finished);
      it.set({ state: 'unfinished' }, operations.unfinished);
    },
  );
  gauge(
    'orrery_executions_waiting',
    'Executions that wait for a worker, a deployment or a group; the twenty tenants with the most by name',
    ['tenant'],
    (it, { waiting }) => {
      for (const { tenant, count } of waiting) it.set({ tenant: tenant ?? 'others' }, count);
    },
  );
  gauge(
    'orrery_executions_waiting_oldest_seconds',
    'How long the oldest one has waited for a worker, of the same tenants',
    ['tenant'],
    (it, { waiting }) => {
      for (const { tenant, oldest } of waiting)
        if (tenant !== null && oldest !== null) it.set({ tenant }, oldest);
    },
  );
  gauge(
    'orrery_pool_operations',
    'Operations that were sent to pools, and wait there or are held by a worker; twenty pools by name',
    ['pool', 'state'],
    (it, { dispatched }) => {
      for (const { pool, state, count } of dispatched) it.set({ pool: pool ?? 'others', state }, count);
    },
  );
  gauge('orrery_events_written', 'Events ever written, of the whole installation', [], (it, { events }) =>
    it.set(events),
  );
}

/** What this process knows by itself. */
function ownFigures(core: Core, registry: Registry): void {
  for (const metric of core.engineFigures.metrics) registry.registerMetric(metric);
  new Gauge({
    name: 'orrery_stream_connections',
    help: 'Clients that follow a live stream of this process',
    registers: [registry],
    collect() {
      this.set(core.streams.connections);
    },
  });
  new Gauge({
    name: 'orrery_compiles_waiting',
    help: 'Large blueprints that are compiled in the thread, or wait for it',
    registers: [registry],
    collect() {
      this.set(core.compiler.waiting);
    },
  });
  new Gauge({
    name: 'orrery_notification_seconds',
    help: 'How long the last notification of this process took to come back through the database; nothing before the first',
    registers: [registry],
    collect() {
      this.remove();
      if (core.signals.lagMs !== null) this.set(core.signals.lagMs / 1000);
    },
  });
}
