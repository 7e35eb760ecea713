/** Spans from the request to the script, as a collector gets them. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { loadSettings } from '../src/config.js';
import { startTracing } from '../src/tracing.js';
import { aFolder, witnessedBlueprint } from './support/a-real-server.js';
import { ADMIN, aServer } from './support/a-server.js';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly status?: { readonly code?: number };
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
}

const spans: Span[] = [];
const keys: unknown[] = [];
const collector = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    keys.push(request.headers['x-key']);
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
    response.setHeader('content-type', 'application/json').end('{}');
  });
});
await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
after(() => collector.close());
const { settings } = loadSettings({
  ORRERY_TRACES_URL: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`,
  ORRERY_TRACES_HEADERS: 'x-key=a key',
});
const stop = await startTracing(settings, '0');
const { url } = await aServer({}, { worker: true });

async function call(method: string, path: string, body?: unknown, headers: object = {}) {
  const raw = body instanceof Buffer;
  const response = await fetch(`${url}/api/v3.1${path}`, {
    method,
    headers: {
      authorization: `Basic ${btoa(`${ADMIN.username}:${ADMIN.password}`)}`,
      tenant: 'default_tenant',
      'content-type': raw ? 'application/octet-stream' : 'application/json',
      ...headers,
    },
    ...(body === undefined ? {} : { body: raw ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  const text = await response.text();
  assert.ok(response.ok, text);
  return JSON.parse(text);
}

test('a trace goes on from the client’s span over the request and the execution to each operation and its process', async () => {
  const archive = await witnessedBlueprint(
    aFolder(),
    '  thing: {type: test.Told}',
    'ctx instance runtime-properties seen "$TRACEPARENT"',
  );
  await call('PUT', '/blueprints/told?application_file_name=blueprint.yaml', archive);
  await call('PUT', '/deployments/traced', { blueprint_id: 'told', inputs: { witness: '/dev/null' } });
  const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  const { id } = await call(
    'POST',
    '/executions',
    { deployment_id: 'traced', workflow_id: 'install' },
    { traceparent: `00-${traceId}-${spanId}-01` },
  );
  let status = '';
  while (status !== 'terminated') {
    ({ status } = await call('GET', `/executions/${id}`));
    assert.notEqual(status, 'failed');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { items } = await call('GET', '/node-instances?deployment_id=traced');
  // Told when it is over: what is asked last is told last.
  await stop();

  const ours = spans.filter((span) => span.traceId === traceId);
  const named = (name: string) => ours.filter((span) => span.name === name);
  const [request] = named('POST /api/v3.1/executions');
  assert.equal(request?.parentSpanId, spanId);
  const [execution] = named('execution install');
  assert.equal(execution?.parentSpanId, request?.spanId);
  const attributes = Object.fromEntries(execution!.attributes.map(({ key, value }) => [key, value]));
  assert.deepEqual(attributes['orrery.execution.id'], { stringValue: id });
  assert.deepEqual(attributes['orrery.outcome'], { stringValue: 'terminated' });
  const operations = ours.filter(({ name }) => name.startsWith('cloudify.interfaces.lifecycle.'));
  assert.deepEqual(
    operations.map(({ name }) => name.split('.').at(-1)),
    ['create', 'configure', 'start'],
  );
  for (const operation of operations) assert.equal(operation.parentSpanId, execution?.spanId);
  assert.equal(
    items[0].runtime_properties.seen,
    `00-${traceId}-${operations.at(-1)!.spanId}-01`,
    'the last script saw its own span',
  );
  assert.deepEqual([...new Set(keys)], ['a key']);
  assert.equal(spans.filter(({ name }) => name.includes('health')).length, 0);
});
