/** Sends spans to a collector over OTLP/HTTP (JSON), where the operator has named one; and a span for each request. */
import { context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Settings } from './config.js';
import { contextOf, isTracing, tracingIs } from './traces.js';

/** Asked by machines, all the time, about nothing. */
const UNTRACED = /^\/(health|metrics)\b/;

/**
 * Sets tracing up for this process.
 *
 * @returns how to end it: what is not sent yet is sent
 */
export async function startTracing(settings: Settings, version: string): Promise<() => Promise<void>> {
  if (settings.tracesUrl === '') return async () => {};
  // 15 MB of modules, for those who want it.
  const [sdk, { AsyncLocalStorageContextManager }, { resourceFromAttributes }, { OTLPTraceExporter }] =
    await Promise.all([
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]);
  const exporter = new OTLPTraceExporter({
    url: settings.tracesUrl,
    headers: headersOf(settings.tracesHeaders),
  });
  const provider = new sdk.BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'orrery',
      'service.version': version,
      'service.instance.id': `${settings.role}-${process.pid}`,
    }),
    sampler: new sdk.ParentBasedSampler({
      root: new sdk.TraceIdRatioBasedSampler(settings.tracesPercent / 100),
    }),
    spanProcessors: [new sdk.BatchSpanProcessor(exporter)],
  });
  const manager = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(manager);
  trace.setGlobalTracerProvider(provider);
  tracingIs(true);
  return async () => {
    tracingIs(false);
    // A collector that is away must not keep the process.
    await provider.shutdown().catch(() => {});
    trace.disable();
    context.disable();
  };
}

/** A span for each request, below the one that its `traceparent` names. */
export function traceRequests(app: FastifyInstance): void {
  if (!isTracing()) return;
  const spans = new WeakMap<FastifyRequest, Span>();
  app.addHook('onRequest', (request, _reply, done) => {
    if (UNTRACED.test(request.url)) return done();
    const parent = contextOf(request.headers.traceparent);
    const attributes = { 'http.request.method': request.method, 'orrery.request.id': request.id };
    const span = trace
      .getTracer('orrery')
      .startSpan(request.method, { kind: SpanKind.SERVER, attributes }, parent);
    spans.set(request, span);
    context.with(trace.setSpan(parent, span), done);
  });
  app.addHook('onResponse', async (request, reply) => {
    const span = spans.get(request);
    if (span === undefined) return;
    const route = request.routeOptions.url;
    // By pattern: paths name things, and may hold what nobody should keep.
    if (route !== undefined) span.updateName(`${request.method} ${route}`).setAttribute('http.route', route);
    span.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
}

/** `name=value,name=value` */
function headersOf(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.includes('='));
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    }),
  );
}
