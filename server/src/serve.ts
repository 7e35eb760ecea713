/**
 * HTTP: one server, the dialects as scopes of it, and the few pages that belong to no dialect.
 *
 * What the outer server does for everybody: request ids, one log line and one figure per answer, limits of time and
 * size, and a last net for errors that never shows a stack. What it leaves alone on purpose: bodies. It has no body
 * parser, since clients of one dialect call an empty or a binary body JSON; each scope brings its own.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Settings } from './config.js';
import type { Core } from './core.js';
import type { Dialect } from './dialects/dialect.js';
import { DomainError, type ErrorKind } from './errors.js';
import { LANDING_POLICY, landingPage } from './landing.js';
import type { Log } from './log.js';
import { buildMetrics } from './metrics.js';
import { type Route, watchRoutes } from './openapi/routes.js';
import { pages } from './pages/pages.js';
import { addPortal, type SpokenDialect } from './portal/portal.js';
import { traceRequests } from './tracing.js';
import { VERSION } from './version.js';

export interface ServerParts {
  readonly core: Core;
  readonly settings: Settings;
  readonly log: Log;
  /** None in a process that is a worker only. */
  readonly dialects: readonly Dialect[];
  /** What is not ready in this process beyond the store, e.g. a worker that has ended; empty: nothing. */
  readonly notReady?: () => readonly string[];
}

/** For a probe: a database that takes longer is as good as none. */
const PROBE_MS = 2000;
/** How long a taken port is tried. */
const PORT_PATIENCE_MS = 2000;
/** Longer than the 60 s after which common load balancers drop an idle connection: theirs must close first. */
const KEEP_ALIVE_MS = 65_000;
/** Ids in paths: 256 characters of any alphabet, percent-encoded. */
const LONGEST_PARAMETER = 3072;

const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  limit: 413,
  unavailable: 503,
};

/** A server that is set up and does not listen yet. `close` lets requests in flight end. */
export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const { core, settings, log, dialects } = parts;
  const app: FastifyInstance = fastify({
    loggerInstance: log as FastifyBaseLogger,
    // One line of ours per answer instead of two.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestId,
    bodyLimit: settings.bodyBytes,
    requestTimeout: settings.requestSeconds * 1000,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    trustProxy: settings.trustedProxies.length === 0 ? false : [...settings.trustedProxies],
    frameworkErrors: (error, request, reply) => refuseUrl(dialects, error, request, reply),
    routerOptions: {
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      maxParamLength: LONGEST_PARAMETER,
    },
  });
  app.removeAllContentTypeParsers();
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
  });
  app.addHook('onResponse', async (request, reply) => logAnswer(log, request, reply));
  traceRequests(app);
  const metrics = buildMetrics(core);
  metrics.watch(app);
  app.addHook('onClose', async () => metrics.stop());
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => problem(reply, request, 404, 'There is nothing here'));

  const troubles = async () => [...(await storeTroubles(core)), ...(parts.notReady?.() ?? [])];
  app.get('/health/live', async () => ({ status: 'live', version: VERSION }));
  app.get('/health/ready', async (_request, reply) => {
    const found = await troubles();
    reply.header('cache-control', 'no-store');
    if (found.length === 0) return { status: 'ready' };
    return reply.code(503).send({ status: 'not-ready', troubles: found });
  });
  app.get('/metrics', async (_request, reply) => {
    const { text, type } = await metrics.read();
    return reply.header('content-type', type).send(text);
  });
  app.get('/', async (_request, reply) => {
    const ready = (await troubles()).length === 0;
    return reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', LANDING_POLICY)
      .header('cache-control', 'no-store')
      .send(landingPage({ ready, version: VERSION, role: ROLES[settings.role], dialects }));
  });
  if (dialects.length > 0) await app.register(async (scope) => pages(scope, core));
  const spoken: SpokenDialect[] = [];
  for (const dialect of dialects) {
    let routes: readonly Route[] = [];
    await app.register(async (scope) => {
      routes = watchRoutes(scope);
      await dialect.mount(scope, core);
    });
    spoken.push({ dialect, routes });
  }
  addPortal(app, spoken, VERSION);
  await app.ready();
  return app;
}

/** A predecessor that is still stopping may hold the port: a restart waits a little before it calls it taken. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  const deadline = performance.now() + PORT_PATIENCE_MS;
  for (;;) {
    try {
      await app.listen({ host, port, listenTextResolver: (at) => `listening at ${at}` });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || performance.now() > deadline) throw error;
      await delay(50);
    }
  }
}

/** Lets requests in flight end; cuts off those that do not within the time. */
export async function close(app: FastifyInstance, seconds: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), seconds * 1000);
  try {
    await app.close();
  } finally {
    clearTimeout(timer);
  }
}

const ROLES: Readonly<Record<Settings['role'], string>> = {
  all: 'API and worker',
  api: 'API only',
  worker: 'worker only',
  'remote-worker': 'worker elsewhere',
};

/** A sender's own id where it is harmless, so that logs of several systems meet; else a new one. */
function requestId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
}

/** Path without the query, which may hold a token. */
function pathOf(request: FastifyRequest): string {
  const path = request.url;
  const end = path.indexOf('?');
  return (end === -1 ? path : path.slice(0, end)).slice(0, 500);
}

function logAnswer(log: Log, request: FastifyRequest, reply: FastifyReply): void {
  const level = reply.statusCode >= 500 ? 'warn' : 'info';
  if (!log.isLevelEnabled(level)) return;
  log[level](
    {
      requestId: request.id,
      method: request.method,
      path: pathOf(request),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      from: request.ip,
    },
    'answered',
  );
}

/** URLs that cannot be routed: nobody's hooks have run, so what every answer has is added here. */
function refuseUrl(
  dialects: readonly Dialect[],
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  reply.header('x-request-id', request.id);
  reply.header('x-content-type-options', 'nosniff');
  const message =
    error.code === 'FST_ERR_MAX_PARAM_LENGTH'
      ? `A part of the path is longer than ${LONGEST_PARAMETER} characters`
      : 'The path is not percent-encoded UTF-8';
  const speaks = ({ roots }: Dialect) => roots.some((root) => request.url.startsWith(`${root}/`));
  const dialect = dialects.find(speaks);
  if (dialect?.refuseUrl === undefined) problem(reply, request, 400, message);
  else dialect.refuseUrl(reply, message);
}

/** The net under the dialects' own error forms. */
function answerError(error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): void {
  if (error instanceof DomainError) {
    problem(reply, request, STATUS[error.kind], error.message);
    return;
  }
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500;
  if (status >= 400 && status < 500) {
    problem(reply, request, status, error.message);
    return;
  }
  request.log.error({ path: pathOf(request), err: error }, 'a request met a bug');
  problem(reply, request, status === 503 ? 503 : 500, 'Something went wrong here; the log knows more');
}

function problem(reply: FastifyReply, request: FastifyRequest, status: number, detail: string): void {
  void reply
    .code(status)
    .header('content-type', 'application/problem+json')
    .send(JSON.stringify({ status, detail, requestId: request.id }));
}

async function storeTroubles(core: Core): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('late')), PROBE_MS);
  });
  try {
    await Promise.race([core.storeHealth.ping(), late]);
    const missing = await Promise.race([core.storeHealth.missingMigrations(), late]);
    return missing.length === 0 ? [] : [`the database lacks ${missing.length} migrations`];
  } catch {
    return ['the database does not answer'];
  } finally {
    clearTimeout(timer);
  }
}
