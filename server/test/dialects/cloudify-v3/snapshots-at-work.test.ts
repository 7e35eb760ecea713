/** Snapshots of an installation on which executions run, restored: what ran is failed and can be taken up again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { aSnapshot } from '../../support/a-snapshot.js';
import { aWebBlueprint } from './a-web-blueprint.js';
import { clientOf, type Found } from './client.js';

const old = await aServer();
const ask = clientOf(old);
const fresh = await aServer({}, { worker: true });
const anew = clientOf(fresh);

async function ended(id: unknown): Promise<Found> {
  for (;;) {
    const { status, json, text } = await anew('GET', `/executions/${String(id)}`);
    if (status === 200 && /"status":"(terminated|failed|cancelled)"/.test(text)) return json;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('executions that ran when the snapshot was made are failed and can be resumed, queued ones are cancelled, ended ones stay', async () => {
  const web = await aWebBlueprint(ask);
  const [first, second] = [await web.deploy(), await web.deploy()];
  const start = async (deployment: string, body: object = {}) => {
    const answer = await ask('POST', '/executions', {
      body: { deployment_id: deployment, workflow_id: 'install', ...body },
    });
    assert.equal(answer.status, 201, answer.text);
    return String(answer.json.id);
  };
  const running = await start(first);
  const queued = await start(first, { queue: true });
  const pending = await start(second);
  // As a worker has it that is in the middle of it.
  await old.pool.query(
    `update executions set status = 'started', started_at = now(), worker = 'far away', fence = 3, lease_until = now() + interval '1 hour' where id = $1`,
    [running],
  );
  await old.pool.query(`update deployments set health = 'in-progress' where id = $1`, [first]);

  const body = new Uint8Array(await aSnapshot(old));
  assert.equal((await anew('PUT', '/snapshots/busy/archive', { body })).status, 201);
  const restoring = await anew('POST', '/snapshots/busy/restore', { body: {} });
  assert.equal(restoring.status, 200, restoring.text);
  assert.equal((await ended(restoring.json.id)).error, '');

  const told = async (id: string) => (await anew('GET', `/executions/${id}`)).json;
  assert.deepEqual([(await told(running)).status, (await told(pending)).status], ['failed', 'failed']);
  assert.match(String((await told(running)).error), /It was started when the snapshot was made/);
  assert.equal((await told(queued)).status, 'cancelled');
  const deployment = (await anew('GET', `/deployments/${first}`)).json;
  assert.equal(deployment.deployment_status, 'requires_attention');

  const resumed = await anew('POST', `/executions/${running}`, { body: { action: 'resume' } });
  assert.equal(resumed.status, 200, resumed.text);
  assert.equal((await ended(running)).status, 'terminated');
  assert.equal((await anew('GET', `/deployments/${first}`)).json.deployment_status, 'good');
});

test('restoring by force replaces what is there, and the other snapshots stay', async () => {
  const before = new Uint8Array(await aSnapshot(fresh));
  assert.equal((await anew('PUT', '/snapshots/good/archive', { body: before })).status, 201);
  assert.equal((await anew('PUT', '/secrets/later', { body: { value: 'x' } })).status, 200);
  assert.equal((await anew('POST', '/tenants/later', {})).status, 201);
  const restoring = await anew('POST', '/snapshots/good/restore', { body: { force: true } });
  assert.equal(restoring.status, 200, restoring.text);
  assert.equal((await ended(restoring.json.id)).status, 'terminated');
  assert.equal((await anew('GET', '/secrets/later')).status, 404);
  assert.equal((await anew('GET', '/tenants/later')).status, 404);
  const ids = (await anew('GET', '/snapshots?_include=id')).json.items as unknown as { id: string }[];
  assert.deepEqual(ids.map(({ id }) => id).sort(), ['busy', 'good']);
});

test('while a snapshot is restored requests are refused, and the status says so without credentials', async () => {
  await fresh.pool.query(
    `insert into snapshot_restores (execution_id, snapshot, force, tenant_name, username, request_id, under_way_until)
     select 'held', uid, true, '', '', '', now() + interval '1 minute' from snapshots where id = 'good'`,
  );
  fresh.core.signals.send('restoring');
  const status = async (): Promise<unknown> =>
    (await anew('GET', '/snapshot-status', { headers: { authorization: '' } })).json.status;
  assert.equal(await status(), 'running');
  const refused = await anew('GET', '/blueprints');
  assert.deepEqual([refused.status, refused.json.error_code], [503, 'in_snapshot_restore_error']);
  const native = await fetch(`${fresh.url}/orrery/v1/executions/x/operations`, {
    headers: {
      authorization: `Basic ${Buffer.from('admin:first-password').toString('base64')}`,
      tenant: 'default_tenant',
    },
  });
  assert.equal(native.status, 503);
  await fresh.pool.query(`delete from snapshot_restores where execution_id = 'held'`);
  // Who looked before it was over is told so for a moment yet.
  const deadline = Date.now() + 60_000;
  while ((await status()) !== 'not-running') assert.ok(Date.now() < deadline, 'it is over');
  while ((await anew('GET', '/blueprints')).status !== 200)
    assert.ok(Date.now() < deadline, 'requests are answered again');
});

test('a snapshot whose execution is cancelled before anybody began it is failed', async () => {
  const made = await ask('PUT', '/snapshots/unwanted', { body: {} });
  assert.equal(made.status, 201, made.text);
  const cancelled = await ask('POST', `/executions/${String(made.json.id)}`, { body: { action: 'cancel' } });
  assert.equal(cancelled.json.status, 'cancelled');
  const { settleAbandoned } = await import('../../../src/snapshots/snapshot-worker.js');
  await settleAbandoned(old.pool);
  assert.equal((await ask('GET', '/snapshots/unwanted')).json.status, 'failed');
  assert.equal((await ask('DELETE', '/snapshots/unwanted')).status, 200);
});

test('a second snapshot is refused while one is made, or waits for it', async () => {
  assert.equal((await ask('PUT', '/snapshots/one', { body: {} })).status, 201);
  const second = await ask('PUT', '/snapshots/two', { body: {} });
  assert.deepEqual([second.status, second.json.error_code], [400, 'existing_running_execution_error']);
  assert.equal((await ask('GET', '/snapshots/two')).status, 404);
  const queued = await ask('PUT', '/snapshots/two', { body: { queue: true } });
  assert.equal(queued.json.status, 'queued');
});

test('nothing that was asked here was a mistake of the server', () => {
  const lines = [...old.lines, ...fresh.lines];
  assert.deepEqual(
    lines.filter((line) => line.includes('"level":"error"')),
    [],
  );
});
