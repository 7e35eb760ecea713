/** Many who want the same thing at once, and people who want what is not theirs. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer, Asked } from '../dialects/cloudify-v3/client.js';
import { aServer } from '../support/a-server.js';
import { gzip, tarOf } from '../support/archives.js';
import { HEAD, noMistakes, refusal, visit } from './a-visitor.js';

const server = await aServer({}, { worker: true });
const { ask, until } = visit(server);

const BLUEPRINT = `${HEAD}node_templates:\n  one: { type: cloudify.nodes.Root }\n`;
const ARCHIVE = new Uint8Array(gzip(tarOf([{ path: 'app/blueprint.yaml', content: BLUEPRINT }])));
const CROWD = 20;

const crowd = (one: (index: number) => Promise<Answer>) =>
  Promise.all(Array.from({ length: CROWD }, (_, index) => one(index)));

/** How often which answer was given; every refusal in its form. */
function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) {
    const told = answer.status < 400 ? String(answer.status) : refusal(answer).join(' ');
    counts[told] = (counts[told] ?? 0) + 1;
  }
  return counts;
}

describe('of twenty who ask for the same at once', () => {
  test('one uploads, one deploys, one installs; the others are told who was first', async () => {
    const others = { '409 conflict_error': CROWD - 1 };
    assert.deepEqual(tally(await crowd(() => ask('PUT', '/blueprints/app', { body: ARCHIVE }))), {
      201: 1,
      ...others,
    });
    const deploy = () => ask('PUT', '/deployments/app', { body: { blueprint_id: 'app' } });
    assert.deepEqual(tally(await crowd(deploy)), { 201: 1, ...others });
    const body = { deployment_id: 'app', workflow_id: 'install' };
    const started = await crowd(() => ask('POST', '/executions', { body }));
    assert.equal(tally(started)[201], 1);
    assert.equal(tally(started)['400 existing_running_execution_error'], CROWD - 1);
    const execution = started.find(({ status }) => status === 201)?.json.id;
    assert.equal((await until(String(execution))).status, 'terminated');
  });

  test('who deploy a blueprint that is deleted meanwhile, all learn that it is gone or keep it from going', async () => {
    for (let round = 0; round < 3; round += 1) {
      const id = `vanishing-${round}`;
      assert.equal((await ask('PUT', `/blueprints/${id}`, { body: ARCHIVE })).status, 201);
      const answers = await crowd((index) =>
        index === 7
          ? ask('DELETE', `/blueprints/${id}`)
          : ask('PUT', `/deployments/${id}-${index}`, { body: { blueprint_id: id } }),
      );
      const counts = tally(answers);
      const { metadata } = (await ask('GET', `/deployments?blueprint_id=${id}`)).json;
      assert.equal(metadata?.pagination?.total, counts[201] ?? 0);
      const gone = (await ask('GET', `/blueprints/${id}`)).status === 404;
      assert.equal(gone, counts[204] === 1, JSON.stringify(counts));
      assert.ok(!gone || counts[201] === undefined);
    }
  });

  test('to queue a workflow, all have it run, one after the other', async () => {
    const body = {
      deployment_id: 'app',
      workflow_id: 'execute_operation',
      queue: true,
      parameters: { operation: 'cloudify.interfaces.lifecycle.start' },
    };
    const started = await crowd(() => ask('POST', '/executions', { body }));
    assert.deepEqual(tally(started), { 201: CROWD });
    for (const { json } of started) assert.equal((await until(String(json.id))).status, 'terminated');
  });
});

describe('deployments of very many instances of one name', () => {
  test('may be made at the same time, though their ids are random', async () => {
    const text = `${HEAD}node_templates:
  a: { type: cloudify.nodes.Root, capabilities: { scalable: { properties: { default_instances: 40000 } } } }\n`;
    const body = new Uint8Array(gzip(tarOf([{ path: 'app/blueprint.yaml', content: text }])));
    assert.equal((await ask('PUT', '/blueprints/many', { body })).status, 201);
    const made = await Promise.all(
      [1, 2, 3].map((index) => ask('PUT', `/deployments/many-${index}`, { body: { blueprint_id: 'many' } })),
    );
    assert.deepEqual(tally(made), { 201: 3 });
  });
});

describe('two tenants', () => {
  const people = new Map<string, Asked>();
  const as = (tenant: string, role: string) => people.get(`${tenant}-${role}`)!;

  test('have people of every role', async () => {
    for (const tenant of ['red', 'blue']) {
      assert.equal((await ask('POST', `/tenants/${tenant}`)).status, 201);
      for (const role of ['viewer', 'operations', 'user', 'manager']) {
        const username = `${tenant}-${role}`;
        const password = `secret-${role}`;
        assert.equal((await ask('PUT', '/users', { body: { username, password } })).status, 201);
        const body = { username, tenant_name: tenant, role };
        assert.equal((await ask('PUT', '/tenants/users', { body })).status, 200);
        people.set(username, { username, password, tenant });
      }
    }
  });

  test('let each role do what it may, and nothing else', async () => {
    const may = async (role: string) => {
      const me = as('red', role);
      const calls: [string, Promise<Answer>][] = [];
      const call = async (what: string, method: string, path: string, body?: unknown) => {
        const answer = ask(method, path, { ...me, ...(body === undefined ? {} : { body }) });
        calls.push([what, answer]);
        await answer;
      };
      await call('upload', 'PUT', `/blueprints/of-${role}`, ARCHIVE);
      await call('secret', 'PUT', `/secrets/of-${role}`, { value: 'v' });
      await call('deploy', 'PUT', `/deployments/of-${role}`, { blueprint_id: 'of-user' });
      await call('read', 'GET', '/deployments');
      await call('evaluate', 'POST', '/evaluate/functions', {
        deployment_id: 'of-user',
        context: {},
        payload: { get_secret: 'of-user' },
      });
      await call('share', 'PUT', `/blueprints/shared-${role}?visibility=global`, ARCHIVE);
      await call('users', 'GET', '/users');
      await call('roles', 'GET', '/tenants?_get_data=true');
      await call('promote', 'POST', `/users/red-${role}`, { role: 'sys_admin' });
      await call('tenants', 'POST', '/tenants/green');
      const done: string[] = [];
      for (const [what, answer] of calls) {
        const { status } = await answer;
        if (status < 300) done.push(what);
        else assert.deepEqual(refusal(await answer), [403, 'forbidden_error'], `${role} ${what}`);
      }
      return done.join(' ');
    };
    assert.equal(await may('user'), 'upload secret deploy read evaluate');
    assert.equal(await may('manager'), 'upload secret deploy read evaluate');
    assert.equal(await may('operations'), 'deploy read evaluate');
    assert.equal(await may('viewer'), 'read');
  });

  test('do not see, change or use what is each other’s', async () => {
    const started = await ask('POST', '/executions', {
      ...as('red', 'user'),
      body: { deployment_id: 'of-user', workflow_id: 'install' },
    });
    assert.equal(started.status, 201);
    const { items } = (await ask('GET', '/node-instances?deployment_id=of-user', as('red', 'user'))).json;
    const execution = `/executions/${String(started.json.id)}`;
    const instance = `/node-instances/${String(items?.[0]?.id)}`;
    for (const [method, path, body] of [
      ['GET', '/blueprints/of-user'],
      ['GET', '/blueprints/of-user/archive'],
      ['DELETE', '/blueprints/of-user?force=true'],
      ['PATCH', '/blueprints/of-user', { labels: [] }],
      ['PUT', '/deployments/mine', { blueprint_id: 'of-user' }],
      ['GET', '/deployments/of-user'],
      ['GET', '/deployments/of-user/outputs'],
      ['PATCH', '/deployments/of-user', { description: 'mine' }],
      ['DELETE', '/deployments/of-user?force=true'],
      ['POST', '/executions', { deployment_id: 'of-user', workflow_id: 'install' }],
      ['GET', execution],
      ['POST', execution, { action: 'kill' }],
      ['PATCH', execution, { status: 'failed' }],
      ['GET', instance],
      ['PATCH', instance, { version: 99, state: 'mine' }],
      ['GET', '/secrets/of-user'],
      ['PATCH', '/secrets/of-user', { value: 'mine' }],
      ['DELETE', '/secrets/of-user'],
      ['POST', '/evaluate/functions', { deployment_id: 'of-user', context: {}, payload: { a: 1 } }],
    ] as const) {
      const answer = await ask(method, path, { ...as('blue', 'manager'), body });
      assert.deepEqual(refusal(answer), [404, 'not_found_error'], `${method} ${path}`);
    }
    for (const list of [
      'blueprints',
      'deployments',
      'nodes',
      'node-instances',
      'executions',
      'events',
      'secrets',
    ]) {
      for (const question of ['', '?tenant_name=red', '?_all_tenants=true']) {
        const { json } = await ask('GET', `/${list}${question}`, as('blue', 'manager'));
        assert.equal(json.metadata?.pagination?.total, 0, `${list}${question}`);
      }
    }
    const elsewhere = await ask('GET', '/deployments', { ...as('blue', 'user'), tenant: 'red' });
    assert.deepEqual(refusal(elsewhere), [403, 'forbidden_error']);
    await until(String(started.json.id), undefined, as('red', 'user'));
  });

  test('have deployments that are seen by no more people than their blueprint', async () => {
    const red = as('red', 'user');
    const put = (path: string, body: unknown) => ask('PUT', path, { ...red, body });
    assert.equal((await put('/blueprints/own?visibility=private', ARCHIVE)).status, 201);
    const own = await put('/deployments/own', { blueprint_id: 'own' });
    assert.deepEqual([own.status, own.json.visibility], [201, 'private']);
    const wide = await put('/deployments/wide', { blueprint_id: 'own', visibility: 'tenant' });
    assert.deepEqual(refusal(wide), [400, 'illegal_action_error']);
    const widened = await ask('PATCH', '/deployments/own/set-visibility', {
      ...red,
      body: { visibility: 'tenant' },
    });
    assert.deepEqual(refusal(widened), [400, 'illegal_action_error']);
    assert.equal((await ask('GET', '/deployments/own', as('red', 'operations'))).status, 404);
    assert.equal((await ask('GET', '/deployments/own', as('red', 'manager'))).status, 200);
  });
});

test('nothing that was asked here was a mistake of the server', () => noMistakes(server));
