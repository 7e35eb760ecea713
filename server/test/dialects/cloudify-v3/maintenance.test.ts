import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { aWebBlueprint } from './a-web-blueprint.js';
import { clientOf } from './client.js';

// Without a worker: an execution stays as it is until somebody cancels it.
const server = await aServer();
const ask = clientOf(server);
const { deploy } = await aWebBlueprint(ask);
const BYPASS = { 'X-BYPASS-MAINTENANCE': 'True' };
const refusal = ({ status, json }: { status: number; json: unknown }) => [
  status,
  (json as { error_code?: string }).error_code,
];

describe('maintenance mode', { concurrency: false }, () => {
  let busy = '';
  let waiting = '';
  let deployment = '';
  const start = (body: object, headers = {}) =>
    ask('POST', '/executions', {
      body: { deployment_id: deployment, workflow_id: 'install', ...body },
      headers,
    });

  test('is off at first, and to switch it off then changes nothing', async () => {
    assert.deepEqual((await ask('GET', '/maintenance')).json, {
      status: 'deactivated',
      activated_at: '',
      activation_requested_at: '',
      requested_by: '',
      remaining_executions: null,
    });
    assert.equal((await ask('POST', '/maintenance/deactivate')).status, 304);
  });

  test('waits for what runs, tells it, and lets nothing else begin', async () => {
    deployment = await deploy();
    const ended = String((await start({})).json.id);
    await ask('POST', `/executions/${ended}`, { body: { action: 'cancel' } });
    busy = String((await start({})).json.id);
    waiting = String((await start({ queue: true })).json.id);
    const { json } = await ask('POST', '/maintenance/activate');
    assert.equal(json.status, 'activating');
    assert.equal(json.requested_by, 'admin');
    assert.deepEqual(json.remaining_executions, [
      { id: busy, status: 'pending', deployment_id: deployment, workflow_id: 'install' },
    ]);
    assert.equal((await ask('POST', '/maintenance/activate')).status, 304);
    const other = await ask('PUT', '/deployments/late', {
      body: { blueprint_id: 'web', inputs: { name: 'x' } },
    });
    assert.deepEqual(refusal(other), [503, 'entering_maintenance_mode']);
    assert.deepEqual(refusal(await start({ force: true })), [503, 'entering_maintenance_mode']);
    assert.equal((await ask('GET', '/executions')).status, 200, 'reading goes on');
    await assert.rejects(
      server.core.executions.start(await server.core.callers.actingAs('admin', 'default_tenant', '-'), {
        deploymentId: deployment,
        workflow: 'install',
      }),
      { reason: 'maintenance' },
      'and so is whoever starts something without a request',
    );
    const resumed = await ask('POST', `/executions/${ended}/resume`, { root: '/orrery/v1', body: {} });
    assert.equal(resumed.status, 503, 'nor is anything taken up again over another API');
  });

  test('is active when nothing runs any more; what is queued goes on waiting', async () => {
    const cancelled = await ask('POST', `/executions/${busy}`, {
      body: { action: 'cancel' },
      headers: BYPASS,
    });
    assert.equal(cancelled.status, 200, cancelled.text);
    const { json } = await ask('GET', '/maintenance');
    assert.equal(json.status, 'activated');
    assert.match(String(json.activated_at), /Z$/);
    const seen = await ask('GET', `/executions/${waiting}`, { headers: BYPASS });
    assert.equal(seen.json.status, 'queued');
  });

  test('refuses everything then but what one maintains it with, also to those who have remembered otherwise', async () => {
    for (const path of ['/executions', '/deployments', '/blueprints', '/users', '/tenants']) {
      assert.deepEqual(refusal(await ask('GET', path)), [503, 'maintenance_mode_active'], path);
    }
    for (const path of ['/version', '/status', '/maintenance', '/config', '/cluster/nodes', '/snapshots']) {
      assert.equal((await ask('GET', path)).status, 200, path);
    }
    assert.equal((await fetch(`${server.url}/api/v3.1/ok`)).status, 200);
  });

  test('lets administrators pass who say so, and nobody else', async () => {
    await server.core.users.create(await server.core.callers.actingAs('admin', null, '-'), {
      username: 'ann',
      password: 'long enough',
      role: 'member',
    });
    const ann = { username: 'ann', password: 'long enough', tenant: null };
    assert.equal((await ask('GET', '/users', { headers: BYPASS })).status, 200);
    assert.equal((await ask('GET', '/user', { ...ann, headers: BYPASS })).status, 503);
    assert.equal((await ask('POST', '/maintenance/deactivate', ann)).status, 403);
    assert.equal((await ask('GET', '/maintenance', ann)).status, 200);
  });

  test('ends with what it was, and what was queued begins', async () => {
    const { json } = await ask('POST', '/maintenance/deactivate');
    assert.equal(json.status, 'deactivated');
    assert.equal((await ask('GET', `/executions/${waiting}`)).json.status, 'pending');
    assert.equal((await ask('GET', '/maintenance')).json.status, 'deactivated');
  });
});
