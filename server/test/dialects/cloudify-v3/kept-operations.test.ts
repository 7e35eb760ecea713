/** Task graphs that workflow code outside keeps here, and what it says of their operations. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { aWebBlueprint } from './a-web-blueprint.js';
import { clientOf, type Found } from './client.js';

const server = await aServer({}, { worker: true });
const ask = clientOf(server);
const { deploy } = await aWebBlueprint(ask);
const items = (found: Found): Found[] => Object.values(found.items!);

describe('operations that outside code keeps', () => {
  /** An execution that the engine has no graph of, because nobody carries it out. */
  async function aKeptOperation(type = 'RemoteWorkflowTask', parameters: object = {}) {
    const deployment = await deploy();
    const later = await ask('PUT', `/deployments/${deployment}-other`, {
      body: { blueprint_id: 'web', inputs: { name: 'x' } },
    });
    assert.equal(later.status, 201, later.text);
    const [made] = items((await ask('GET', `/executions?deployment_id=${deployment}-other`)).json);
    const execution = String(made!.id);
    const graph = await ask('POST', '/tasks_graphs', { body: { execution_id: execution, name: 'mine' } });
    assert.equal(graph.status, 201, graph.text);
    const id = `op-${deployment}`;
    const body = { graph_id: graph.json.id, name: 'a.b', type, parameters, dependencies: [] };
    assert.equal((await ask('PUT', `/operations/${id}`, { body })).status, 201);
    return { id, execution, graph: String(graph.json.id) };
  }
  test('stand in a graph whose state is kept as it is said', async () => {
    const { execution, graph } = await aKeptOperation();
    const path = `/tasks_graphs/${graph}`;
    assert.equal((await ask('PATCH', path, { body: { state: 'half way' } })).json.state, 'half way');
    const [told] = items((await ask('GET', `/tasks_graphs?execution_id=${execution}`)).json);
    assert.equal(told!.state, 'half way');
    assert.equal((await ask('PATCH', path, { body: {} })).status, 400);
    assert.equal((await ask('PATCH', '/tasks_graphs/nobody', { body: { state: 'x' } })).status, 404);
  });

  // As the published client writes it: whatever is not said is null.
  const report = (id: string, state: string, more: object = {}) =>
    ask('PATCH', `/operations/${id}`, {
      body: {
        state,
        result: null,
        exception: null,
        exception_causes: null,
        manager_name: null,
        agent_name: null,
        ...more,
      },
    });

  test('keep their result and how they failed, and tell them, also as events of the execution', async () => {
    const context = { operation: { name: 'lifecycle.start' }, node_name: 'app', node_id: 'app_1' };
    const parameters = {
      task_kwargs: { kwargs: { __cloudify_context: context } },
      current_retries: 1,
      total_retries: 3,
    };
    const { id, execution } = await aKeptOperation('RemoteWorkflowTask', parameters);
    const causes = [{ type: 'Oops', message: 'no room', traceback: 'line 1' }];
    assert.equal(
      (await report(id, 'rescheduled', { exception: 'no room', exception_causes: causes })).status,
      200,
    );
    const failed = (await ask('GET', `/operations/${id}`)).json;
    assert.deepEqual(
      [failed.id, failed.state, failed.result, failed.exception, failed.exception_causes],
      [id, 'rescheduled', null, 'no room', causes],
    );
    assert.equal((await report(id, 'succeeded', { result: { answer: [42] } })).status, 200);
    const [told] = items((await ask('GET', `/operations?execution_id=${execution}`)).json);
    assert.deepEqual(
      [told!.state, told!.result, told!.exception],
      ['succeeded', { answer: [42] }, 'no room'],
      'null leaves what was said',
    );
    const events = items(
      (await ask('GET', `/events?execution_id=${execution}&operation=lifecycle.start`)).json,
    );
    assert.deepEqual(
      events.map((one) => [one.event_type, one.message, one.node_instance_id, one.error_causes]),
      [
        ['task_rescheduled', "Task rescheduled 'a.b' -> no room [retry 1/3]", 'app_1', causes],
        ['task_succeeded', `Task succeeded 'a.b' - {"answer":[42]} [retry 1/3]`, 'app_1', null],
      ],
    );
  });

  test('that only order others are not told as events', async () => {
    const { id, execution } = await aKeptOperation('NOPLocalWorkflowTask');
    assert.equal((await report(id, 'succeeded', { result: 'x' })).status, 200);
    const events = items(
      (await ask('GET', `/events?execution_id=${execution}&event_type=task_succeeded`)).json,
    );
    assert.deepEqual(events, []);
    assert.equal((await ask('GET', `/operations/${id}`)).json.result, 'x');
  });

  test('are refused with causes that are none, and are not there for others', async () => {
    const { id } = await aKeptOperation();
    assert.equal((await report(id, 'failed', { exception_causes: 'none' })).status, 400);
    assert.equal((await report(id, 'sleepy')).status, 400);
    assert.equal((await ask('GET', `/operations/${id}`)).json.state, 'pending');
    for (const nobody of ['nobody', 'nobody:1']) {
      assert.equal((await ask('GET', `/operations/${nobody}`)).status, 404);
    }
  });
});
