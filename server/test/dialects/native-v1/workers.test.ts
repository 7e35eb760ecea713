/** Workers on other networks, over HTTP: who comes in, what they reach, and what they do there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { DEFAULT_ARCHIVE_LIMITS } from '../../../src/catalog/archive/limits.js';
import { loadSettings } from '../../../src/config.js';
import type { Question, Work } from '../../../src/orchestration/running/dispatch/dispatcher.js';
import { HttpDispatcher } from '../../../src/orchestration/running/dispatch/http-dispatcher.js';
import { startRemoteWorker } from '../../../src/remote-worker.js';
import { aServer } from '../../support/a-server.js';
import { bytesOf } from '../../support/catalog.js';
import { wagonOf, wheelOf } from '../../support/plugin-archives.js';
import { clientOf, type Found } from '../cloudify-v3/client.js';

const server = await aServer(
  { ORRERY_TASK_RETRIES: '0', ORRERY_REMOTE_LEASE_SECONDS: '5' },
  { worker: true },
);
const ask = clientOf(server);
const native = (method: string, path: string, more: Parameters<typeof ask>[2] = {}) =>
  ask(method, path, { root: '/orrery/v1', ...more });

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
node_types:
  far.Thing:
    derived_from: cloudify.nodes.Root
    properties: { worker_pool: { default: far }, hush: { default: { get_secret: other } } }
node_templates:
  thing:
    type: far.Thing
    interfaces:
      cloudify.interfaces.lifecycle:
        create: { implementation: create.sh, executor: central_deployment_agent, inputs: { KEY: { get_secret: door } } }
`;
const SCRIPT = `#!/bin/sh
set -e
ctx logger info "the key is $KEY"
ctx instance runtime_properties made by-a-script
cat "$(ctx download_resource words.txt)" > /dev/null
ctx returns done
`;
const archive = bytesOf({ 'blueprint.yaml': BLUEPRINT, 'create.sh': SCRIPT, 'words.txt': 'some words' });
for (const [key, value] of [
  ['door', 'sesame-open'],
  ['other', 'not-for-you'],
]) {
  assert.equal((await ask('PUT', `/secrets/${key}`, { body: { value } })).status, 200);
}
assert.equal((await ask('PUT', '/blueprints/b', { body: new Uint8Array(archive) })).status, 201);
assert.equal((await ask('POST', '/tenants/elsewhere', { body: {} })).status, 201);

const python = spawnSync('python3', ['-m', 'venv', '--help']).status === 0;
const PYTHON = `from cloudify import ctx

def create(word, **_):
    ctx.logger.info('the word is %s' % word)
    ctx.instance.runtime_properties['made'] = 'by-' + word
    ctx.instance.update()
    return 'done'
`;
const PYTHON_BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
plugins:
  lab: { executor: central_deployment_agent, package_name: lab-plugin }
node_templates:
  thing:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: { implementation: lab.lab.create, inputs: { word: sesame, worker_pool: far } }
`;

let count = 0;
async function install(blueprint = 'b'): Promise<string> {
  count += 1;
  const deployment = await ask('PUT', `/deployments/d${count}`, { body: { blueprint_id: blueprint } });
  assert.equal(deployment.status, 201, deployment.text);
  const body = { deployment_id: `d${count}`, workflow_id: 'install' };
  return String((await ask('POST', '/executions', { body })).json.id);
}

async function ended(id: string): Promise<Found> {
  for (;;) {
    const { json } = await ask('GET', `/executions/${id}`);
    if (['terminated', 'failed', 'cancelled'].includes(String(json.status))) return json;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function credentials(more: object = {}): Promise<{ id: string; token: string }> {
  const answer = await native('POST', '/workers/credentials', {
    body: { name: 'a lab', pools: ['far'], ...more },
  });
  assert.equal(answer.status, 201, answer.text);
  return answer.json as unknown as { id: string; token: string };
}

async function aWorker(token: string, name = 'by-hand') {
  const dispatcher = new HttpDispatcher({
    url: server.url,
    token,
    self: { name, host: 'here', version: '0', room: 5 },
    limits: DEFAULT_ARCHIVE_LIMITS,
    refused: () => {},
  });
  await dispatcher.register(true);
  return dispatcher;
}

async function taken(dispatcher: HttpDispatcher): Promise<Work> {
  for (;;) {
    const { work } = await dispatcher.attend(1, [], new AbortController().signal);
    if (work[0] !== undefined) return work[0];
  }
}

const DONE = { outcome: { kind: 'done', result: null }, patches: null } as const;
const never = new AbortController().signal;

describe('credentials of workers', () => {
  test('are made and looked at by administrators alone, told once, and kept as a hash', async () => {
    await ask('PUT', '/users', { body: { username: 'mia', password: 'long-enough', role: 'default' } });
    const mia = { username: 'mia', password: 'long-enough' };
    for (const [method, path, body] of [
      ['POST', '/workers/credentials', { name: 'x', pools: ['far'] }],
      ['GET', '/workers/credentials', undefined],
      ['GET', '/workers/pools', undefined],
      ['DELETE', '/workers/credentials/nothing', undefined],
    ] as const) {
      assert.equal((await native(method, path, { anonymous: true, body })).status, 401, path);
      assert.equal((await native(method, path, { ...mia, tenant: null, body })).status, 403, path);
    }
    const { id, token } = await credentials();
    const list = await native('GET', '/workers/credentials');
    assert.ok(list.text.includes(id));
    assert.ok(!list.text.includes(token.slice(-40)));
    const { rows } = await server.pool.query('select * from worker_credentials');
    assert.ok(!JSON.stringify(rows).includes(token.slice(-40)));
    for (const pools of [[], ['central'], ['no such name!']]) {
      const refused = await native('POST', '/workers/credentials', { body: { name: 'x', pools } });
      assert.equal(refused.status, 400, refused.text);
    }
    const nowhere = await native('POST', '/workers/credentials', {
      body: { name: 'x', pools: ['far'], tenant: 'nowhere' },
    });
    assert.equal(nowhere.status, 404);
  });

  test('open nothing but the desk, and the desk opens to nothing else', async () => {
    const { token } = await credentials();
    const headers = { authorization: `Bearer ${token}` };
    for (const path of ['/workers/pools', '/workers/credentials', '/executions/x/operations']) {
      assert.equal((await native('GET', path, { anonymous: true, headers })).status, 401, path);
    }
    for (const path of ['/secrets', '/blueprints', '/status', '/tokens']) {
      const answer = await ask('GET', path, { anonymous: true, headers });
      assert.ok([401, 403].includes(answer.status), `${path}: ${answer.status}`);
    }
    const desk = ['leave', 'attend', 'beat', 'tell', 'ask', 'finish', 'register'];
    for (const path of desk) {
      assert.equal((await native('POST', `/workers/${path}`, { body: {} })).status, 401, path);
      const wrong = { authorization: `Bearer ${token.slice(0, -1)}!` };
      const refused = await native('POST', `/workers/${path}`, { anonymous: true, headers: wrong, body: {} });
      assert.equal(refused.status, 401, path);
    }
    const stranger = { ...headers, 'orrery-worker': '1' };
    const unknown = await native('POST', '/workers/beat', {
      anonymous: true,
      headers: stranger,
      body: { held: [] },
    });
    assert.equal(unknown.status, 409);
    assert.equal(unknown.json.type, 'urn:orrery:worker-unknown');
  });

  test('that are revoked end a long poll at once, and let nobody in', async () => {
    const { id, token } = await credentials({ pools: ['quiet'] });
    const worker = await aWorker(token);
    const start = Date.now();
    const waiting = assert.rejects(worker.attend(1, [], never), /not good/);
    assert.equal((await native('DELETE', `/workers/credentials/${id}`)).status, 204);
    await waiting;
    assert.ok(Date.now() - start < 3000);
    await assert.rejects(aWorker(token), /not good/);
    assert.equal((await native('DELETE', `/workers/credentials/${id}`)).status, 404);
  });
});

describe('a worker elsewhere', () => {
  test('takes only what its pools and its tenant have, and nobody reaches what another holds', async () => {
    const [ours, theirs, others] = [
      await aWorker((await credentials({ tenant: 'default_tenant' })).token, 'ours'),
      await aWorker((await credentials({ tenant: 'elsewhere' })).token, 'theirs'),
      await aWorker((await credentials({ pools: ['other'] })).token, 'others'),
    ];
    const execution = await install();
    const hurried = AbortSignal.timeout(1500);
    const nothing = await Promise.all([theirs, others].map((one) => one.attend(1, [], hurried)));
    assert.deepEqual(
      nothing.map(({ work }) => work),
      [[], []],
    );
    const work = await taken(ours);
    assert.deepEqual(work.order.inputs.KEY, 'sesame-open');

    for (const stranger of [theirs, others]) {
      assert.deepEqual((await stranger.renew([work])).kept, new Set());
      await assert.rejects(stranger.file(work, 'words.txt'), { name: 'Lost' });
      await stranger.finish(work, [], DONE);
    }
    const late = { ...work, lease: work.lease + 1 };
    await assert.rejects(ours.file(late, 'words.txt'), { name: 'Lost' });
    await ours.finish(late, [], DONE);
    assert.equal((await ask('GET', `/executions/${execution}`)).json.status, 'started');

    const file = await ours.file(work, 'words.txt');
    assert.equal(file.size, 10);
    file.stream.resume();
    for (const path of ['../../etc/passwd', '/etc/passwd', 'nothing.txt']) {
      await assert.rejects(ours.file(work, path), { kind: 'not-found' }, path);
    }
    assert.deepEqual(await ours.files(work, ''), ['blueprint.yaml', 'create.sh', 'words.txt']);
    await ours.finish(work, [], DONE);
    assert.equal((await ended(execution)).status, 'terminated');
  });

  test('is told no secret but those of its inputs, and has no token', async () => {
    const worker = await aWorker((await credentials()).token, 'curious');
    const execution = await install();
    const work = await taken(worker);
    assert.ok(!JSON.stringify(work).includes('not-for-you'));
    const questions: Question[] = [
      { kind: 'evaluate', expression: { get_secret: 'other' } },
      { kind: 'evaluate', expression: { get_property: ['SELF', 'hush'] } },
      { kind: 'node', name: 'thing', instance: null },
    ];
    for (const [index, question] of questions.entries()) {
      await assert.rejects(
        worker.ask(work, index + 1, question, never),
        /is told no secrets but those in the inputs/,
      );
    }
    await assert.rejects(worker.ask(work, 9, { kind: 'token' }, never), { reason: 'token-unavailable' });
    const headers = { authorization: 'Bearer x' };
    assert.equal((await native('POST', '/workers/ask', { anonymous: true, headers })).status, 401);
    await worker.finish(work, [], { outcome: { kind: 'done', result: 'sesame-open' }, patches: null });
    assert.equal((await ended(execution)).status, 'terminated');
    const events = await ask('GET', `/events?execution_id=${execution}&_size=100`);
    assert.ok(events.text.includes('Task succeeded'));
    assert.ok(!events.text.includes('sesame-open'));
  });

  test('that has not said that it knows of what it took loses it to another, who runs it', async () => {
    const { token } = await credentials();
    const deaf = await aWorker(token, 'deaf');
    const execution = await install();
    const workerNumber = (await server.pool.query(`select uid from pool_workers where name like '%: deaf'`))
      .rows[0].uid;
    const headers = { authorization: `Bearer ${token}`, 'orrery-worker': String(workerNumber) };
    const body = { room: 1, known: [], wait: 20 };
    const told = await native('POST', '/workers/attend', { anonymous: true, headers, body });
    assert.equal((told.json.work as unknown as unknown[]).length, 1, told.text);
    const hearing = await aWorker(token, 'hearing');
    const work = await taken(hearing);
    assert.equal(work.lease, 2);
    assert.equal(work.order.operation.attempt, 1);
    await hearing.finish(work, [], DONE);
    assert.equal((await ended(execution)).status, 'terminated');
    await deaf.leave();
  });

  async function elsewhere<T>(work: (dataDir: string) => Promise<T>): Promise<T> {
    const dataDir = await mkdtemp(join(tmpdir(), 'orrery-remote-'));
    after(() => rm(dataDir, { recursive: true, force: true }));
    const { settings } = loadSettings({
      ORRERY_ROLE: 'remote-worker',
      ORRERY_URL: server.url,
      ORRERY_WORKER_TOKEN: (await credentials()).token,
      ORRERY_DATA_DIR: dataDir,
      ORRERY_LOG_LEVEL: 'silent',
      ORRERY_LOG_TO: 'stderr',
    });
    const worker = await startRemoteWorker(settings, never);
    try {
      return await work(dataDir);
    } finally {
      await worker.stop();
    }
  }

  test('runs scripts as a worker at home does, with logs, properties and files', async () => {
    await elsewhere(async (dataDir) => {
      const execution = await ended(await install());
      assert.equal(execution.status, 'terminated', String(execution.error));
      const instances = await ask('GET', `/node-instances?deployment_id=d${count}`);
      assert.match(instances.text, /"made":"by-a-script"/);
      const logs = await ask('GET', `/events?execution_id=${execution.id}&_size=100`);
      assert.match(logs.text, /the key is \*{8}/);
      const { json } = await native('GET', '/workers/pools');
      const mine = (json.workers as unknown as Found[]).find((one) => String(one.name).endsWith(dataDir));
      assert.deepEqual([mine?.kind, mine?.alive, mine?.pools], ['remote', true, ['far']]);
    });
  });

  test('runs Python plugins from wagons that the API hands it', {
    skip: !python && 'there is no python3 here',
  }, async () => {
    const wheels = [wheelOf({ name: 'lab-plugin', version: '1.0', files: { 'lab.py': PYTHON } })];
    const wagon = wagonOf({ name: 'lab-plugin', version: '1.0', wheels }).bytes;
    const uploaded = await ask('POST', '/plugins', { body: new Uint8Array(wagon) });
    assert.equal(uploaded.status, 201, uploaded.text);
    const files = bytesOf({ 'blueprint.yaml': PYTHON_BLUEPRINT, 'words.txt': 'some words' });
    assert.equal((await ask('PUT', '/blueprints/py', { body: new Uint8Array(files) })).status, 201);
    await elsewhere(async () => {
      const execution = await ended(await install('py'));
      assert.equal(execution.status, 'terminated', String(execution.error));
      const instances = await ask('GET', `/node-instances?deployment_id=d${count}`);
      assert.match(instances.text, /"made":"by-sesame"/);
    });
  });
});
