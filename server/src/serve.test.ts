import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { after, describe, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { testDatabase } from '../test/support/test-database.js';
import { loadSettings } from './config.js';
import { buildCore } from './core.js';
import { cloudifyV3 } from './dialects/cloudify-v3/index.js';
import type { Dialect } from './dialects/dialect.js';
import { DomainError } from './errors.js';
import { logTo } from './log.js';
import { newMasterKey } from './secrets/vault.js';
import { buildServer, close, listen } from './serve.js';
import { Signals } from './store/signals.js';
import { VERSION } from './version.js';

const { pool, databaseUrl } = await testDatabase();
const lines: string[] = [];
const log = logTo({ write: (line) => lines.push(line) }, 'info');
const { settings } = loadSettings({ ORRERY_BODY_BYTES: '2048', ORRERY_MASTER_KEY: newMasterKey() });
// Never used here, so it never connects.
const signals = new Signals(databaseUrl);
const core = await buildCore({ settings, pool, log, signals });

let troubles: string[] = [];
let release: () => void = () => {};
let entered: () => void = () => {};

/** A dialect with habits as odd as those of real clients. */
const odd: Dialect = {
  name: 'odd',
  title: 'Odd & Sons',
  roots: ['/odd/v1'],
  api: cloudifyV3.api,
  async mount(app) {
    app.addContentTypeParser(
      '*',
      { parseAs: 'buffer' },
      async (_request: unknown, body: Buffer) => body.length,
    );
    app.post('/odd/v1/length', async (request) => ({ length: request.body ?? null }));
    app.get('/odd/v1/bug', async () => {
      throw new Error('the password is hush-hush', { cause: new Error('deeper') });
    });
    app.get('/odd/v1/conflict', async () => {
      throw new DomainError('conflict', 'busy', 'It is busy');
    });
    app.get('/odd/v1/slow', async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
        entered();
      });
      return { slow: true };
    });
  },
};

async function serve(): Promise<{ app: FastifyInstance; url: string }> {
  const app = await buildServer({ core, settings, log, dialects: [odd], notReady: () => troubles });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { app, url };
}

const { app, url } = await serve();
after(() => app.close());

function logged(path: string): Record<string, unknown> | undefined {
  return lines.map((line) => JSON.parse(line)).findLast((line) => line.path === path);
}

test('health tells life and readiness apart', async () => {
  assert.deepEqual(await (await fetch(`${url}/health/live`)).json(), { status: 'live', version: VERSION });
  assert.deepEqual(await (await fetch(`${url}/health/ready`)).json(), { status: 'ready' });
  troubles = ['the worker has ended'];
  const answer = await fetch(`${url}/health/ready`);
  assert.equal(answer.status, 503);
  assert.deepEqual(await answer.json(), { status: 'not-ready', troubles });
  assert.equal((await fetch(`${url}/health/live`)).status, 200);
  troubles = [];
});

test('metrics name routes by pattern and count answers', async () => {
  await fetch(`${url}/nothing/here`);
  const answer = await fetch(`${url}/metrics`);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/);
  const text = await answer.text();
  assert.match(
    text,
    /orrery_http_request_duration_seconds_count\{method="GET",route="\/health\/live",status="200"\} \d/,
  );
  assert.match(text, /route="none",status="404"/);
  assert.doesNotMatch(text, /nothing\/here/);
  assert.match(text, /orrery_database_connections\{state="idle"\} \d/);
  assert.match(text, /orrery_nodejs_eventloop_lag_seconds/);
  assert.match(text, /# TYPE orrery_executions_active gauge/);
  assert.match(text, /orrery_store_figures_unreadable_total 0/);
});

test('the landing page names the dialects and loads nothing from anywhere', async () => {
  const answer = await fetch(url);
  const page = await answer.text();
  assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  assert.match(page, /Odd &#38; Sons.*\/odd\/v1/s);
  assert.doesNotMatch(page, /<script|https?:\/\//);
});

describe('request ids', () => {
  test('are made where none is given', async () => {
    const one = (await fetch(`${url}/health/live`)).headers.get('x-request-id');
    const two = (await fetch(`${url}/health/live`)).headers.get('x-request-id');
    assert.match(one ?? '', /^[0-9a-f-]{36}$/);
    assert.notEqual(one, two);
  });
  test('are taken from the sender and logged, unless they could do harm', async () => {
    const given = await fetch(`${url}/odd/v1/conflict`, { headers: { 'x-request-id': 'abc-1' } });
    assert.equal(given.headers.get('x-request-id'), 'abc-1');
    assert.equal(logged('/odd/v1/conflict')?.requestId, 'abc-1');
    const harmful = await fetch(`${url}/health/live`, { headers: { 'x-request-id': 'a b<c>' } });
    assert.match(harmful.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
  });
});

describe('errors under the dialects', () => {
  test('a bug is logged with its cause and answered without a stack', async () => {
    const answer = await fetch(`${url}/odd/v1/bug`);
    assert.equal(answer.status, 500);
    const body = await answer.text();
    assert.doesNotMatch(body, /hush-hush|serve\.test|at /);
    const line = lines.map((each) => JSON.parse(each)).find((each) => each.msg === 'a request met a bug');
    assert.equal(line.requestId, answer.headers.get('x-request-id'));
    assert.equal(line.err.cause.message, 'deeper');
  });
  test('a request that cannot be done has the status of its kind', async () => {
    const answer = await fetch(`${url}/odd/v1/conflict`);
    assert.equal(answer.status, 409);
    assert.equal(((await answer.json()) as { detail: string }).detail, 'It is busy');
  });
  test('an unknown path is 404', async () => {
    const answer = await fetch(`${url}/odd/v1/absent`);
    assert.equal(answer.status, 404);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  });
});

describe('bodies belong to the dialect', () => {
  const post = (body: Buffer | undefined) =>
    fetch(`${url}/odd/v1/length`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
  test('an empty one that is called JSON arrives', async () => {
    assert.equal((await post(undefined)).status, 200);
  });
  test('a binary one that is called JSON arrives', async () => {
    assert.deepEqual(await (await post(Buffer.from([0, 255, 1]))).json(), { length: 3 });
  });
  test('one over the limit is 413', async () => {
    assert.equal((await post(Buffer.alloc(4096))).status, 413);
  });
});

test('the log holds no header, query or body', async () => {
  await fetch(`${url}/odd/v1/length?access=hush-query`, {
    method: 'POST',
    headers: { authorization: 'Basic hush-header', 'content-type': 'text/plain' },
    body: 'hush-body',
  });
  assert.equal(logged('/odd/v1/length')?.status, 200);
  assert.doesNotMatch(lines.join(''), /hush-query|hush-header|hush-body/);
});

test('doubled and trailing slashes find the route', async () => {
  assert.equal((await fetch(`${url}//health//live/`)).status, 200);
});

test('a malformed request is 400 and leaves the server alive', async () => {
  const { hostname, port } = new URL(url);
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write('NONSENSE\r\n\r\n'));
    socket.once('data', (data) => resolve(data.toString()));
    socket.once('error', reject);
  });
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.equal((await fetch(`${url}/health/live`)).status, 200);
});

test('closing lets a request in flight end', async () => {
  const other = await serve();
  const inside = new Promise<void>((resolve) => {
    entered = resolve;
  });
  const answer = fetch(`${other.url}/odd/v1/slow`);
  await inside;
  const closing = other.app.close();
  release();
  assert.deepEqual(await (await answer).json(), { slow: true });
  await closing;
});

test('closing cuts off a request that does not end in time', async () => {
  const other = await serve();
  const inside = new Promise<void>((resolve) => {
    entered = resolve;
  });
  const answer = fetch(`${other.url}/odd/v1/slow`);
  await inside;
  await Promise.all([assert.rejects(answer), close(other.app, 0.05)]);
  release();
});

test('a port that a predecessor is about to leave is waited for', async () => {
  const predecessor = createServer().listen(0, '127.0.0.1');
  await once(predecessor, 'listening');
  const { port } = predecessor.address() as AddressInfo;
  const next = await buildServer({ core, settings, log, dialects: [] });
  const listening = listen(next, '127.0.0.1', port);
  // Refused once, it tries again.
  await new Promise((resolve) => setImmediate(resolve));
  predecessor.close();
  await listening;
  assert.equal((await fetch(`http://127.0.0.1:${port}/health/live`)).status, 200);
  await next.close();
});
