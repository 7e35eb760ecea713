/** Executions that start by themselves. The chore is called by hand, so that nothing waits for a clock. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { aWebBlueprint } from './a-web-blueprint.js';
import { clientOf, type Found } from './client.js';

const server = await aServer();
const ask = clientOf(server);
const { deploy } = await aWebBlueprint(ask);
const FUTURE = '2099-01-05T09:30:00';

const put = (id: string, deployment: string, body: object) =>
  ask('PUT', `/execution-schedules/${id}?deployment_id=${deployment}`, {
    body: { workflow_id: 'install', since: FUTURE, ...body },
  });
const get = async (id: string, deployment: string): Promise<Found> =>
  (await ask('GET', `/execution-schedules/${id}?deployment_id=${deployment}`)).json;
const executions = async (deployment: string) =>
  Object.values(
    (await ask('GET', `/executions?deployment_id=${deployment}&workflow_id=install`)).json.items!,
  );
const overdue = (id: string, minutes: number) =>
  server.pool.query(
    `update execution_schedules set next_at = now() - make_interval(mins => $2) where id = $1`,
    [id, minutes],
  );

describe('schedules', () => {
  test('are made with their next occurrences, changed, disabled and deleted', async () => {
    const deployment = await deploy();
    const made = await put('weekly', deployment, {
      recurrence: '1 week',
      weekdays: ['mo', 'we'],
      slip: 5,
      parameters: null,
      execution_arguments: { dry_run: true },
    });
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(made.json.rule, { recurrence: '1 week', count: null, weekdays: ['mo', 'we'] });
    assert.equal(made.json.next_occurrence, '2099-01-05T09:30:00.000Z');
    assert.equal(made.json.all_next_occurrences?.[1], '2099-01-07 09:30:00');
    assert.equal(made.json.execution_arguments?.dry_run, true);
    assert.equal((await put('weekly', deployment, { count: 1 })).status, 409);
    const other = await deploy();
    assert.equal((await put('weekly', other, { count: 1 })).status, 201);
    assert.equal((await ask('DELETE', '/execution-schedules/weekly')).status, 409);
    const patch = (body: object) =>
      ask('PATCH', `/execution-schedules/weekly?deployment_id=${deployment}`, { body });
    assert.equal((await patch({ weekdays: ['fr'] })).status, 201);
    const { json } = await patch({ enabled: false, stop_on_fail: 'true', until: '2099-02-01' });
    assert.deepEqual(
      [json.enabled, json.stop_on_fail, json.next_occurrence, json.until],
      [false, true, '2099-01-09T09:30:00.000Z', '2099-02-01T00:00:00.000Z'],
    );
    assert.equal(
      (await ask('DELETE', `/execution-schedules/weekly?deployment_id=${deployment}`)).status,
      204,
    );
    assert.equal((await ask('GET', `/execution-schedules/weekly?deployment_id=${deployment}`)).status, 404);
    const summary = await ask('GET', '/summary/execution_schedules?_target_field=workflow_id');
    assert.deepEqual(summary.json.items, [{ workflow_id: 'install', execution_schedules: 1 }]);
    const rules = [{ key: 'schedules', values: [], operator: 'is_not_empty', type: 'attribute' }];
    const found = await ask('POST', '/searches/deployments?_include=id', { body: { filter_rules: rules } });
    assert.deepEqual(found.json.items, [{ id: other }]);
  });

  test('start an execution when they are due, once however many look, and go on to the next time', async () => {
    const deployment = await deploy();
    await put('due', deployment, { recurrence: '1 day', parameters: { node_ids: ['host'] } });
    assert.equal(await server.core.schedules.startDue(), 0);
    await overdue('due', 0);
    const counts = await Promise.all([1, 2, 3, 4].map(() => server.core.schedules.startDue()));
    assert.equal(
      counts.reduce((sum, one) => sum + one, 0),
      1,
    );
    const [one, ...more] = await executions(deployment);
    assert.equal(more.length, 0);
    assert.deepEqual(one?.parameters?.node_ids, ['host']);
    assert.equal(one?.created_by, 'admin');
    const schedule = await get('due', deployment);
    assert.equal(schedule.latest_execution_status, 'pending');
    assert.equal(schedule.next_occurrence, '2099-01-05T09:30:00.000Z');
  });

  test('leave out what is too late, and what is refused', async () => {
    const deployment = await deploy();
    await put('late', deployment, { recurrence: '1 day', slip: 10 });
    await overdue('late', 12);
    assert.equal(await server.core.schedules.startDue(), 0);
    await overdue('late', 9);
    assert.equal(await server.core.schedules.startDue(), 1);
    await overdue('late', 0);
    assert.equal(await server.core.schedules.startDue(), 0, 'the first still runs');
    assert.equal((await executions(deployment)).length, 1);
    assert.ok(server.lines.some((line) => line.includes('execution-already-running')));
  });

  test('that stop on failure are disabled after one', async () => {
    const deployment = await deploy();
    await put('fragile', deployment, { recurrence: '1 day', stop_on_fail: true });
    await overdue('fragile', 0);
    await server.core.schedules.startDue();
    const [one] = await executions(deployment);
    await ask('PATCH', `/executions/${String(one?.id)}`, { body: { status: 'failed' } });
    await overdue('fragile', 0);
    assert.equal(await server.core.schedules.startDue(), 0);
    assert.equal((await get('fragile', deployment)).enabled, false);
  });

  test('for one time are over when it has passed', async () => {
    const deployment = await deploy();
    const stub = await ask('POST', '/executions', {
      body: { deployment_id: deployment, workflow_id: 'install', scheduled_time: '209901050930+0100' },
    });
    assert.equal(stub.status, 201, stub.text);
    assert.deepEqual([stub.json.status, stub.json.id], ['scheduled', null]);
    const { json } = await ask('GET', `/execution-schedules?deployment_id=${deployment}`);
    assert.equal(json.items?.[0]?.next_occurrence, '2099-01-05T08:30:00.000Z');
    await server.pool.query(
      "update execution_schedules set since = now() - interval '5 seconds', next_at = now() where id like 'install_%'",
    );
    assert.equal(await server.core.schedules.startDue(), 1);
    assert.equal(
      (await ask('GET', `/execution-schedules?deployment_id=${deployment}`)).json.items?.[0]?.next_occurrence,
      null,
    );
    for (const scheduled_time of ['200001010000+0000', '2099-01-01T00:00:00']) {
      const body = { deployment_id: deployment, workflow_id: 'install', scheduled_time };
      assert.equal((await ask('POST', '/executions', { body })).status, 400, scheduled_time);
    }
  });

  test('that cannot be are refused', async () => {
    const deployment = await deploy();
    for (const [body, code] of [
      [{}, 'bad_parameters_error'],
      [{ recurrence: 'often' }, 'bad_parameters_error'],
      [{ rrule: 'FREQ=DAILY', count: 2 }, 'bad_parameters_error'],
      [{ rrule: 'FREQ=SECONDLY' }, 'bad_parameters_error'],
      [{ count: 1, slip: -1 }, 'bad_parameters_error'],
      [{ count: 1, since: 'soon' }, 'bad_parameters_error'],
      [{ count: 1, workflow_id: 'nope' }, 'nonexistent_workflow_error'],
      [{ count: 1, execution_arguments: { odd: true } }, 'bad_parameters_error'],
    ] as const) {
      assert.equal((await put('bad', deployment, body)).json.error_code, code, JSON.stringify(body));
    }
    assert.equal((await put('bad', 'nobody', { count: 1 })).status, 404);
  });
});
