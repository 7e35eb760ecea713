import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { aWebBlueprint, missing } from './a-web-blueprint.js';
import { clientOf } from './client.js';

const server = await aServer({}, { worker: true });
const ask = clientOf(server);
const { deploy, finish } = await aWebBlueprint(ask);
await deploy();

describe('executions', () => {
  test('install and uninstall run, and everything tells of it', async () => {
    const id = await deploy();
    const execution = await finish(id, 'install', { parameters: null, force: 'false', queue: 'False' });
    const attributes = [
      'blueprint_id',
      'created_at',
      'created_by',
      'deployment_id',
      'error',
      'id',
      'is_system_workflow',
      'parameters',
      'status',
      'tenant_name',
      'workflow_id',
    ];
    assert.deepEqual(missing(attributes, execution), []);
    assert.deepEqual([execution.status, execution.status_display], ['terminated', 'completed']);
    assert.ok(String(execution.started_at) <= String(execution.ended_at));
    const installed = (await ask('GET', `/deployments/${id}`)).json;
    assert.deepEqual(
      [installed.installation_status, installed.latest_execution_status],
      ['active', 'completed'],
    );
    assert.equal(installed.latest_execution, execution.id);
    const live = await ask('DELETE', `/deployments/${id}`);
    assert.deepEqual([live.status, live.json.error_code], [400, 'dependent_exists_error']);
    assert.equal((await finish(id, 'uninstall')).status, 'terminated');
    const removed = await ask('DELETE', `/deployments/${id}`, { version: 'v3' });
    assert.deepEqual([removed.status, removed.json.id], [200, id]);
    assert.equal((await ask('GET', `/deployments/${id}`)).status, 404);
  });

  test('an operation may be named by its last word, where one interface of the node declares it', async () => {
    const id = await deploy();
    const runs = async (operation: string) => {
      const parameters = { operation, node_ids: ['app'] };
      const ended = await finish(id, 'execute_operation', { parameters });
      assert.equal(ended.status, 'terminated');
      const { items } = (await ask('GET', `/events?execution_id=${String(ended.id)}&_sort=@timestamp`)).json;
      return Object.values(items!).map(({ message }) => String(message));
    };
    assert.ok((await runs('configure')).includes('Starting operation configure'));
    // The interface of monitoring declares a `start` too.
    assert.ok(!(await runs('start')).includes('Starting operation start'));
    assert.ok(!(await runs('figure')).includes('Starting operation figure'));
  });

  test('live instances do not hinder who ignores them, in any spelling', async () => {
    for (const [query, body] of [
      ['?force=True', undefined],
      ['?ignore_live_nodes=true', undefined],
      ['', { ignore_live_nodes: true }],
    ] as const) {
      const id = await deploy();
      await finish(id, 'install');
      assert.equal((await ask('DELETE', `/deployments/${id}${query}`, { body })).status, 204);
    }
  });

  test('their events are told in order, filtered, in ranges and in pages', async () => {
    const id = await deploy();
    const execution = String((await finish(id, 'install')).id);
    const events = async (query: string) =>
      Object.values((await ask('GET', `/events?execution_id=${execution}&${query}`)).json.items!);
    const all = await events('type=cloudify_event&_sort=@timestamp');
    assert.deepEqual(
      [all[0]?.event_type, all.at(-1)?.event_type],
      ['workflow_started', 'workflow_succeeded'],
    );
    const attributes = [
      'blueprint_id',
      'deployment_id',
      'error_causes',
      'event_type',
      'execution_id',
      'message',
      'node_instance_id',
      'node_name',
      'operation',
      'reported_timestamp',
      'timestamp',
      'type',
      'workflow_id',
    ];
    assert.deepEqual(missing(attributes, all[0]), []);
    assert.equal(all[0]?.message, "Starting 'install' workflow execution");
    const said = await events('message.text=%25STARTING%20%27install%25');
    assert.equal(said.length, 1);
    assert.equal((await events('event_type=workflow_started&event_type=workflow_succeeded')).length, 2);
    assert.equal((await events('type=cloudify_log')).length, 0);
    const of = await events('node_id=host&_include=node_name');
    assert.ok(of.length > 0 && of.every((event) => String(event.node_name) === 'host'));
    const paged = [
      ...(await events('_size=2&_sort=timestamp')),
      ...(await events('_size=2&_offset=2&_sort=timestamp')),
    ];
    assert.deepEqual(
      paged.map((event) => event._storage_id),
      all.slice(0, 4).map((event) => event._storage_id),
    );
    const last = String(all.at(-1)?.timestamp);
    assert.equal((await events(`_range=timestamp,,${all[0]?.timestamp}`)).length, 0);
    assert.ok((await events(`_range=@timestamp,${last},`)).length >= 1);
    assert.equal((await ask('GET', '/events?_range=nope,1,2')).json.error_code, 'bad_parameters_error');
  });

  for (const [what, body, status, code] of [
    ['without a workflow', { deployment_id: 'dep1' }, 400, 'bad_parameters_error'],
    ['of an unknown deployment', { deployment_id: 'nope', workflow_id: 'install' }, 404, 'not_found_error'],
    [
      'of an unknown workflow',
      { deployment_id: 'dep1', workflow_id: 'nope' },
      400,
      'nonexistent_workflow_error',
    ],
    [
      'with an unknown parameter',
      { deployment_id: 'dep1', workflow_id: 'install', parameters: { x: 1 } },
      400,
      'illegal_execution_parameters_error',
    ],
    [
      'without a needed parameter',
      { deployment_id: 'dep1', workflow_id: 'execute_operation' },
      400,
      'illegal_execution_parameters_error',
    ],
    [
      'with parameters that are a text',
      { deployment_id: 'dep1', workflow_id: 'install', parameters: 'x' },
      400,
      'bad_parameters_error',
    ],
    [
      'with a boolean that is none',
      { deployment_id: 'dep1', workflow_id: 'install', force: 'maybe' },
      400,
      'bad_parameters_error',
    ],
    [
      'to be restored',
      { deployment_id: 'dep1', workflow_id: 'install', force_status: 'terminated' },
      400,
      'bad_parameters_error',
    ],
  ] as const) {
    test(`a start ${what} is refused`, async () => {
      const refused = await ask('POST', '/executions', { body });
      assert.deepEqual([refused.status, refused.json.error_code], [status, code], refused.text);
    });
  }

  test('what is over can be neither cancelled nor set to another status; unknown actions are refused', async () => {
    const id = await deploy();
    const { id: execution } = await finish(id, 'install');
    const act = (action: string) =>
      ask('POST', `/executions/${String(execution)}`, { body: { action, deployment_id: id } });
    for (const action of ['cancel', 'force-cancel', 'kill']) {
      const refused = await act(action);
      assert.deepEqual([refused.status, refused.json.error_code], [400, 'illegal_action_error'], action);
    }
    const resumed = await act('resume');
    assert.deepEqual([resumed.status, resumed.json.error_code], [409, 'conflict_error']);
    assert.equal((await act('dance')).json.error_code, 'bad_parameters_error');
    const patch = (status: string) =>
      ask('PATCH', `/executions/${String(execution)}?_include=id`, { body: { status } });
    assert.deepEqual((await patch('terminated')).json, { id: execution });
    assert.equal((await patch('started')).json.error_code, 'invalid_exception_status_update');
    assert.equal((await patch('nonsense')).json.error_code, 'bad_parameters_error');
  });

  test('the one that made the environment is listed with the others', async () => {
    const id = await deploy();
    const { items } = (await ask('GET', `/executions?deployment_id=${id}&_include=workflow_id,status`)).json;
    assert.deepEqual(items, [{ workflow_id: 'create_deployment_environment', status: 'terminated' }]);
  });
});

test('nothing that was asked here was a mistake of the server', () => {
  assert.deepEqual(
    server.lines.filter((line) => line.includes('"level":"error"')),
    [],
  );
});
