/** Log bundles over HTTP: made by a worker, whole, downloaded, and without anything secret. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ADMIN, aServer } from '../../support/a-server.js';
import { filesIn } from '../../support/archive-reading.js';
import { aWebBlueprint } from './a-web-blueprint.js';
import { clientOf, type Found } from './client.js';

const folder = await mkdtemp(join(tmpdir(), 'orrery-test-log-'));
after(() => rm(folder, { recursive: true, force: true }));
const logFile = join(folder, 'server.log');
await writeFile(logFile, '{"level":"info","msg":"a line of the server"}\n');
const server = await aServer({ ORRERY_LOG_TO: logFile }, { worker: true });
const ask = clientOf(server);
const { deploy, finish } = await aWebBlueprint(ask);

const items = (found: Found): Found[] => Object.values(found.items!);
let count = 0;
const newId = () => `bundle-${++count}`;

async function ended(id: unknown): Promise<Found> {
  for (;;) {
    const { json } = await ask('GET', `/executions/${String(id)}`);
    if (['terminated', 'failed', 'cancelled'].includes(String(json.status))) return json;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function made(id = newId()): Promise<string> {
  const { status, json, text } = await ask('PUT', `/log-bundles/${id}`, { body: { queue: true } });
  assert.equal(status, 201, text);
  assert.deepEqual([json.workflow_id, json.deployment_id], ['create_log_bundle', null]);
  const execution = await ended(json.id);
  assert.deepEqual([execution.status, execution.error], ['terminated', '']);
  return id;
}

async function contentOf(id: string): Promise<Map<string, string>> {
  const answer = await fetch(`${server.url}/api/v3.1/log-bundles/${id}/archive`, {
    headers: {
      authorization: `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`,
      tenant: 'default_tenant',
    },
  });
  assert.equal(answer.status, 200);
  const bytes = Buffer.from(await answer.arrayBuffer());
  assert.equal(Number(answer.headers.get('content-length')), bytes.length);
  return new Map(Object.entries((await filesIn(bytes)).files));
}
const linesOf = (text: string | undefined) =>
  text!
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('a log bundle', () => {
  test('has what executions of every tenant logged, who did what, and the server’s own log', async () => {
    const deployment = await deploy();
    const installed = await finish(deployment, 'install');
    await ask('POST', '/tenants/other', { tenant: null });
    const id = await made();
    const bundle = (await ask('GET', `/log-bundles/${id}`)).json;
    assert.deepEqual(
      [bundle.id, bundle.status, bundle.error, bundle.created_by, bundle.tenant_name],
      [id, 'created', '', 'admin', 'default_tenant'],
    );
    const content = await contentOf(id);
    assert.deepEqual([...content.keys()].sort(), [
      'audit.jsonl',
      'cluster.jsonl',
      'events/default_tenant.jsonl',
      'events/other.jsonl',
      'manifest.json',
      `server/${hostname()}.log`,
    ]);
    const events = linesOf(content.get('events/default_tenant.jsonl')).filter(
      (line) => line.execution === installed.id,
    );
    const total = await ask('GET', `/events?execution_id=${String(installed.id)}&_size=0`);
    assert.equal(events.length, Number(total.json.metadata!.pagination!.total));
    assert.deepEqual([events[0]!.deployment, events[0]!.workflow], [deployment, 'install']);
    assert.equal(content.get('events/other.jsonl'), '');
    const audit = linesOf(content.get('audit.jsonl'));
    assert.ok(
      audit.some((line) => line.action === 'create' && line.thing === 'tenant' && line.id === 'other'),
    );
    assert.match(content.get(`server/${hostname()}.log`)!, /a line of the server/);
    const manifest = JSON.parse(content.get('manifest.json')!) as {
      bundle: string;
      parts: { since?: string }[];
    };
    assert.equal(manifest.bundle, id);
    assert.equal(manifest.parts[0]!.since, 'the beginning');
  });

  test('has every line once, however many pages there are', async () => {
    const id = await deploy();
    const execution = String((await finish(id, 'install')).id);
    // Within one millisecond, so that an order by less than microseconds would lose its place.
    await server.pool.query(
      `select append_events(x.tenant_id, (
         select json_agg(json_build_object('executionUid', x.uid, 'deploymentUid', x.deployment_uid, 'kind', 'log', 'message', 'line ' || n,
           'at', date_trunc('milliseconds', now()) + n % 900 * interval '1 microsecond')) from generate_series(1, 2500) n))
       from executions x where x.id = $1`,
      [execution],
    );
    const content = await contentOf(await made());
    const told = linesOf(content.get('events/default_tenant.jsonl'))
      .map(({ message }) => String(message))
      .filter((message) => /^line \d+$/.test(message));
    assert.equal(told.length, 2500);
    assert.equal(new Set(told).size, 2500);
  });

  test('holds no secret: no value, no password, no token, no key', async () => {
    const canary = 'canary-5e1f0c2b7a';
    const secret = await ask('PUT', '/secrets/hidden', { body: { value: canary, is_hidden_value: true } });
    assert.equal(secret.status, 200, secret.text);
    const password = 'a-password-of-somebody-1';
    await ask('PUT', '/users', { body: { username: 'somebody', password, role: 'default' }, tenant: null });
    const token = (await ask('POST', '/tokens', { body: { description: 'mine' } })).json;
    assert.match(String(token.value), /./);
    await finish(await deploy(), 'install');
    const content = await contentOf(await made());
    const { masterKey } = server.core.settings;
    for (const [name, what] of Object.entries({ canary, password, token: String(token.value), masterKey })) {
      assert.ok(what.length > 8, name);
      for (const [path, text] of content) assert.ok(!text.includes(what), `${name} in ${path}`);
    }
  });

  test('is listed, deleted, and gone', async () => {
    const id = await made();
    const listed = await ask('GET', `/log-bundles?_include=id,status&_search=${id}`);
    assert.deepEqual(items(listed.json), [{ id, status: 'created' }]);
    const deleted = await ask('DELETE', `/log-bundles/${id}`);
    assert.deepEqual([deleted.status, deleted.json.id], [200, id]);
    assert.equal((await ask('GET', `/log-bundles/${id}`)).status, 404);
    assert.equal((await ask('GET', `/log-bundles/${id}/archive`)).status, 404);
    const left = await server.pool.query(
      `select from snapshot_archives a where not exists (select from log_bundles b where b.archive = a.uid)`,
    );
    assert.equal(left.rowCount, 0, 'its bytes are gone with it');
  });

  test('is refused under a name that is taken or none, and with a status that is not true', async () => {
    const id = await made();
    for (const [method, path, body, status, code] of [
      ['PUT', `/log-bundles/${id}`, {}, 409, 'conflict_error'],
      ['PUT', '/log-bundles/1st', {}, 400, 'bad_parameters_error'],
      ['PUT', `/log-bundles/${newId()}`, { queue: 'maybe' }, 400, 'bad_parameters_error'],
      ['PATCH', `/log-bundles/${id}`, { status: 'creating' }, 400, 'log_bundle_action_error'],
      ['PATCH', `/log-bundles/${id}`, { status: 'odd' }, 400, 'bad_parameters_error'],
      ['PATCH', '/log-bundles/nobody', { status: 'failed' }, 404, 'not_found_error'],
    ] as const) {
      const refused = await ask(method, path, { body });
      assert.deepEqual([refused.status, refused.json.error_code], [status, code], `${method} ${path}`);
    }
    const said = await ask('PATCH', `/log-bundles/${id}`, {
      body: { status: 'created', error: 'looked at' },
    });
    assert.deepEqual([said.status, said.json.error], [200, 'looked at']);
  });
});

describe('without a worker', () => {
  test('a bundle waits; it is not there to be had, nor to be deleted, until it is given up or cancelled', async () => {
    const still = clientOf(await aServer());
    const first = await still('PUT', '/log-bundles/first', { body: {} });
    assert.deepEqual([first.status, first.json.status], [201, 'pending']);
    const second = await still('PUT', '/log-bundles/second', { body: {} });
    assert.deepEqual([second.status, second.json.error_code], [400, 'existing_running_execution_error']);
    assert.equal((await still('GET', '/log-bundles/second')).status, 404);
    const queued = await still('PUT', '/log-bundles/second', { body: { queue: 'true' } });
    assert.deepEqual([queued.status, queued.json.status], [201, 'queued']);
    for (const [method, path] of [
      ['GET', '/log-bundles/first/archive'],
      ['DELETE', '/log-bundles/first'],
    ] as const) {
      const refused = await still(method, path);
      assert.deepEqual([refused.status, refused.json.error_code], [400, 'log_bundle_action_error']);
    }
    await still('PATCH', '/log-bundles/first', { body: { status: 'failed', error: 'given up' } });
    assert.equal((await still('DELETE', '/log-bundles/first')).status, 200);
  });
});
