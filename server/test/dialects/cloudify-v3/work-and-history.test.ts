/** What executions are made of, what is told of them, and how both are forgotten; agents. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { bytesOf } from '../../support/catalog.js';
import { aWebBlueprint, missing } from './a-web-blueprint.js';
import { clientOf, type Found } from './client.js';

const server = await aServer({}, { worker: true });
const ask = clientOf(server);
const { deploy, finish } = await aWebBlueprint(ask);
const items = (found: Found): Found[] => Object.values(found.items!);

describe('the task graph of an execution', () => {
  test('is the engine’s: one for each stage, with every operation and where it stands', async () => {
    const id = await deploy();
    const installed = await finish(id, 'install');
    const [graph] = items((await ask('GET', `/tasks_graphs?execution_id=${String(installed.id)}`)).json);
    assert.deepEqual([graph!.name, graph!.execution_id], ['install', installed.id]);
    const scaled = await finish(id, 'scale', { parameters: { scalable_entity_name: 'app', delta: 1 } });
    const stages = items((await ask('GET', `/tasks_graphs?execution_id=${String(scaled.id)}`)).json);
    assert.deepEqual(
      stages.map(({ name }) => name),
      ['scale', 'finish'],
    );
    const named = await ask('GET', `/tasks_graphs?execution_id=${String(scaled.id)}&name=finish`);
    assert.equal(items(named.json).length, 1);
    const path = `/operations?graph_id=${String(stages[0]!.id)}`;
    const operations = items((await ask('GET', path)).json);
    assert.ok(operations.length > 0);
    const attributes = [
      'id',
      'name',
      'type',
      'state',
      'dependencies',
      'parameters',
      'tasks_graph_id',
      'manager_name',
      'agent_name',
    ];
    assert.deepEqual(missing(attributes, operations[0]), []);
    assert.ok(operations.every(({ state }) => String(state) === 'succeeded'));
    const all = await ask('GET', `/operations?execution_id=${String(scaled.id)}&_size=1`);
    assert.deepEqual([items(all.json).length, all.json.metadata!.pagination!.total], [1, operations.length]);
    assert.equal(items((await ask('GET', `${path}&state=failed`)).json).length, 0);
    assert.ok(
      items((await ask('GET', `${path}&skip_internal=true`)).json).every(
        (one) => String(one.type) === 'RemoteWorkflowTask',
      ),
    );

    const short = items((await ask('GET', `${path}&_include=id,state&_size=1`)).json)[0]!;
    assert.deepEqual(Object.keys(short), ['id', 'state']);
    const strange = await ask('GET', `${path}&_include=colour`);
    assert.deepEqual([strange.status, strange.json.error_code], [400, 'no_such_include_field_error']);
    const shorter = await ask('GET', `/tasks_graphs?execution_id=${String(installed.id)}&_include=name`);
    assert.deepEqual(items(shorter.json), [{ name: 'install' }]);

    const changed = await ask('PATCH', `/operations/${String(operations[0]!.id)}`, {
      body: { state: 'failed' },
    });
    assert.deepEqual([changed.status, changed.json.error_code], [409, 'conflict_error']);
    const said = await ask('PATCH', `/tasks_graphs/${String(stages[0]!.id)}`, { body: { state: 'failed' } });
    assert.deepEqual([said.status, said.json.error_code], [409, 'conflict_error']);
    const own = { execution_id: installed.id, name: 'mine' };
    assert.equal((await ask('POST', '/tasks_graphs/tasks_graphs', { body: own })).status, 409);
    for (const query of [
      '',
      '?execution_id=a&graph_id=b',
      `?execution_id=${String(scaled.id)}&state=sleepy`,
    ]) {
      assert.equal((await ask('GET', `/operations${query}`)).status, 400);
    }
    assert.equal((await ask('GET', '/operations?graph_id=nobody')).status, 404);
    assert.equal((await ask('GET', '/tasks_graphs?execution_id=nobody')).status, 404);
  });
});

describe('events', () => {
  test('are told by outside code, and shown with those of the engine', async () => {
    const execution = String((await finish(await deploy(), 'install')).id);
    const told = await ask('POST', '/events', {
      body: {
        execution_id: execution,
        events: [
          {
            event_type: 'task_failed',
            message: { text: 'it broke', arguments: null },
            context: {
              node_id: 'app_abc123',
              operation: 'a.b',
              task_error_causes: [{ type: 'Oops', message: 'm', traceback: 't' }],
            },
            timestamp: '2026-01-02T03:04:05.678Z',
          },
        ],
        logs: [{ logger: 'ctx.x', level: 'warning', message: { text: 'careful' } }],
      },
    });
    assert.equal(told.status, 201, told.text);
    const [event] = items(
      (await ask('GET', `/events?execution_id=${execution}&event_type=task_failed`)).json,
    );
    assert.deepEqual(
      [
        event!.message,
        event!.node_instance_id,
        event!.node_name,
        event!.operation,
        event!.timestamp,
        event!.error_causes,
      ],
      [
        'it broke',
        'app_abc123',
        'app',
        'a.b',
        '2026-01-02T03:04:05.678Z',
        [{ type: 'Oops', message: 'm', traceback: 't' }],
      ],
    );
    const [log] = items((await ask('GET', `/events?execution_id=${execution}&level=warning`)).json);
    assert.deepEqual([log!.message, log!.logger], ['careful', 'ctx.x']);
    assert.equal((await ask('POST', '/events', { body: { execution_id: execution } })).status, 204);
    for (const [body, status] of [
      [{ events: [] }, 400],
      [{ execution_id: execution, execution_group_id: 'g' }, 409],
      [{ execution_id: 'nobody', events: [{ message: { text: 'x' } }] }, 404],
      [{ execution_id: execution, events: [{ message: 'x' }] }, 400],
      [{ execution_id: execution, events: [{ message: { text: 'x' }, timestamp: 'soon' }] }, 400],
    ] as const) {
      assert.equal((await ask('POST', '/events', { body })).status, status, JSON.stringify(body));
    }
  });

  test('of a deployment are forgotten by kind, text and time', async () => {
    const id = await deploy();
    await finish(id, 'install');
    const count = async () =>
      Number((await ask('GET', `/events?deployment_id=${id}&_size=0`)).json.metadata!.pagination!.total);
    const before = await count();
    const some = await ask('DELETE', `/events?deployment_id=${id}&type=cloudify_event&message=Starting%25`);
    assert.equal(some.status, 200);
    const deleted = Number(some.json.items![0]);
    assert.ok(deleted > 0 && deleted < before);
    assert.equal(await count(), before - deleted);
    const old = await ask(
      'DELETE',
      `/events?deployment_id=${id}&type=cloudify_event&_range=timestamp,,2020-01-01T00:00:00Z`,
    );
    assert.equal(Number(old.json.items![0]), 0);
    await ask('DELETE', `/events?deployment_id=${id}&type=cloudify_event&type=cloudify_log`);
    assert.equal(await count(), 0);
    for (const query of [
      `?deployment_id=${id}`,
      '?type=cloudify_log',
      `?deployment_id=${id}&type=cloudify_log&store_before=true`,
    ]) {
      assert.equal((await ask('DELETE', `/events${query}`)).status, 400);
    }
  });
});

describe('executions that are over', () => {
  test('are deleted by number and by age, with what they did; the one that made the deployment stays', async () => {
    const id = await deploy();
    await finish(id, 'install');
    await finish(id, 'reinstall');
    const last = await finish(id, 'uninstall');
    const list = async () =>
      items((await ask('GET', `/executions?deployment_id=${id}&_sort=created_at`)).json).map((one) =>
        String(one.workflow_id),
      );
    const pruned = await ask('DELETE', `/executions?deployment_id=${id}`, { body: { keep_last: 1 } });
    assert.deepEqual([pruned.status, pruned.json.items], [200, [{ count: 2 }]]);
    assert.deepEqual(await list(), ['create_deployment_environment', 'uninstall']);
    const older = await ask('DELETE', `/executions?deployment_id=${id}`, {
      body: { to_datetime: '2020-01-01' },
    });
    assert.deepEqual(older.json.items, [{ count: 0 }]);
    const rest = await ask('DELETE', `/executions?deployment_id=${id}&status=terminated`, {
      body: { keep_last: 0 },
    });
    assert.deepEqual(rest.json.items, [{ count: 1 }]);
    assert.deepEqual(await list(), ['create_deployment_environment']);
    assert.equal(items((await ask('GET', `/events?execution_id=${String(last.id)}`)).json).length, 0);
    for (const body of [
      {},
      { keep_last: 1, to_datetime: '2020-01-01' },
      { keep_last: -1 },
      { to_datetime: 'old' },
    ]) {
      assert.equal((await ask('DELETE', '/executions', { body })).status, 400, JSON.stringify(body));
    }
  });

  test('can neither be requeued nor started, and say so', async () => {
    const { id } = await finish(await deploy(), 'install');
    const path = `/executions/${String(id)}`;
    assert.equal((await ask('GET', `${path}/should-start`)).text, 'false');
    const refused = await ask('POST', path, { body: { action: 'requeue' } });
    assert.deepEqual([refused.status, refused.json.error_code], [400, 'illegal_action_error']);
  });
});

describe('nodes', () => {
  test('are told with their functions evaluated, for whoever asks so', async () => {
    const text = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
node_types:
  thing: { derived_from: cloudify.nodes.Root, properties: { port: {}, own: { default: none } } }
node_templates:
  a: { type: thing, properties: { port: 80 } }
  b: { type: thing, properties: { port: { get_attribute: [a, port] }, own: { get_attribute: [SELF, size] } } }
`;
    const body = new Uint8Array(bytesOf({ 'blueprint.yaml': text }));
    assert.equal((await ask('PUT', '/blueprints/functions', { body })).status, 201);
    await ask('PUT', '/deployments/evaluated', { body: { blueprint_id: 'functions' } });
    const instances = items((await ask('GET', '/node-instances?deployment_id=evaluated')).json);
    const [a, b] = ['a', 'b'].map((name) => instances.find((one) => String(one.node_id) === name)!);
    for (const [one, runtime_properties] of [
      [a!, { port: 8080 }],
      [b!, { size: 3 }],
    ] as const) {
      await ask('PATCH', `/node-instances/${String(one.id)}`, { body: { version: 1, runtime_properties } });
    }
    const path = '/nodes?deployment_id=evaluated&_sort=-id';
    const asked = await ask('GET', `${path}&_evaluate_functions=true&_instance_context=${String(b!.id)}`);
    assert.deepEqual(
      items(asked.json).map(({ id, properties }) => [id, properties!.port, properties!.own]),
      [
        ['b', 8080, 3],
        ['a', 80, 'none'],
      ],
    );
    const [plain] = items((await ask('GET', path)).json);
    assert.deepEqual(plain!.properties!.port, { get_attribute: ['a', 'port'] });
    const without = await ask('GET', `${path}&_evaluate_functions=true`);
    assert.equal(without.status, 200, without.text);
    const [told, other] = items(without.json);
    assert.match(String(told!.properties!.own), /^<ERROR: .*SELF/);
    assert.deepEqual([told!.properties!.port, other!.properties!.port], [8080, 80], 'nothing else is hidden');
  });

  test('tell readers what has a value, but no secret', async () => {
    const text = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
node_types: { thing: { derived_from: cloudify.nodes.Root, properties: { key: {}, twice: {} } } }
inputs: { size: { default: 4 } }
node_templates:
  a: { type: thing, properties: { key: { get_secret: kept }, twice: { concat: [{ get_input: size }, x] } } }
`;
    await ask('PUT', '/secrets/kept', { body: { value: 'not for readers' } });
    const body = new Uint8Array(bytesOf({ 'blueprint.yaml': text }));
    assert.equal((await ask('PUT', '/blueprints/kept', { body })).status, 201);
    await ask('PUT', '/deployments/kept', { body: { blueprint_id: 'kept' } });
    await ask('PUT', '/users', { body: { username: 'reader', password: 'long enough', role: 'default' } });
    await ask('PUT', '/tenants/users', {
      body: { tenant_name: 'default_tenant', username: 'reader', role: 'viewer' },
    });
    const path = '/nodes?deployment_id=kept&_evaluate_functions=true';
    const seen = await ask('GET', path, { username: 'reader', password: 'long enough' });
    assert.equal(seen.status, 200, seen.text);
    assert.equal(items(seen.json)[0]!.properties!.twice, '4x');
    assert.match(String(items(seen.json)[0]!.properties!.key), /^<ERROR: .*kept/);
    assert.equal(seen.text.includes('not for readers'), false);
    assert.equal(items((await ask('GET', path)).json)[0]!.properties!.key, 'not for readers');
  });
});

describe('node instances', () => {
  test('are told with the functions in their runtime properties evaluated, whatever else is told', async () => {
    const [a] = items((await ask('GET', '/node-instances?deployment_id=evaluated&node_id=a')).json);
    const runtime_properties = {
      plain: 1,
      port: { get_property: ['SELF', 'port'] },
      none: { get_secret: 'nothing of that name' },
    };
    const path = `/node-instances/${String(a!.id)}`;
    await ask('PATCH', path, { body: { version: a!.version, runtime_properties } });
    const one = await ask('GET', `${path}?_evaluate_functions=true&_include=runtime_properties`);
    assert.equal(one.status, 200, one.text);
    const [listed] = items(
      (await ask('GET', '/node-instances?deployment_id=evaluated&node_id=a&_evaluate_functions=true')).json,
    );
    for (const told of [one.json, listed!]) {
      const { none, ...rest } = told.runtime_properties as Record<string, unknown>;
      assert.deepEqual(rest, { plain: 1, port: 80 });
      assert.match(String(none), /^<ERROR: /);
    }
    assert.deepEqual(Object.keys(one.json), ['runtime_properties'], 'nothing that was not asked for');
    const [plain] = items((await ask('GET', '/node-instances?deployment_id=evaluated&node_id=a')).json);
    assert.deepEqual(plain!.runtime_properties, runtime_properties);
  });

  test('that have drifted, or whose relationships have, are counted at their node and deployment', async () => {
    const id = await deploy();
    const [instance] = items((await ask('GET', `/node-instances?deployment_id=${id}`)).json);
    const counts = async () => [
      (await ask('GET', `/deployments/${id}`)).json.drifted_instances,
      items((await ask('GET', `/deployments?id=${id}`)).json)[0]!.drifted_instances,
      items((await ask('GET', `/nodes?deployment_id=${id}&id=${String(instance!.node_id)}`)).json)[0]!
        .drifted_instances,
      (await ask('GET', `/node-instances/${String(instance!.id)}`)).json.has_configuration_drift,
    ];
    const check = async (system_properties: object) => {
      const body = { version: 1, system_properties };
      const { status, text } = await ask('PATCH', `/node-instances/${String(instance!.id)}?force=true`, {
        body,
      });
      assert.equal(status, 200, text);
      return counts();
    };
    const found = { ok: true, task: null, result: { size: 'another' } };
    const none = { ok: true, task: null, result: {} };
    assert.deepEqual(await counts(), [0, 0, 0, false]);
    assert.deepEqual(await check({ configuration_drift: found }), [1, 1, 1, true]);
    assert.deepEqual(await check({ configuration_drift: none }), [0, 0, 0, false]);
    const links = { x: none, y: found };
    assert.deepEqual(await check({ source_relationships_configuration_drift: links }), [1, 1, 1, true]);
    assert.deepEqual(await check({ target_relationships_configuration_drift: links }), [1, 1, 1, true]);
    assert.deepEqual(await check({ status: { ok: true } }), [0, 0, 0, false]);
    await finish(id, 'install');
    assert.deepEqual(await check({ configuration_drift: found }), [1, 1, 1, true]);
    await finish(id, 'check_status');
    assert.deepEqual(await counts(), [1, 1, 1, true], 'also when an execution has ended since');
    await finish(id, 'check_drift');
    assert.deepEqual(await counts(), [0, 0, 0, false], 'until a check finds none');
  });
});

describe('agents', () => {
  test('are written down, told of, and changed', async () => {
    const id = await deploy();
    const [host] = items((await ask('GET', `/node-instances?deployment_id=${id}&node_id=host`)).json);
    const body = {
      node_instance_id: host!.id,
      state: 'creating',
      create_rabbitmq_user: true,
      ip: '10.0.0.1',
      install_method: 'remote',
      version: '7.0',
      system: 'centos core',
    };
    const made = await ask('PUT', '/agents/first', { body });
    assert.equal(made.status, 200, made.text);
    assert.deepEqual(
      missing(
        ['id', 'host_id', 'ip', 'install_method', 'system', 'version', 'node', 'deployment', 'tenant_name'],
        made.json,
      ),
      [],
    );
    const changed = await ask('PATCH', '/agents/first', { body: { state: 'started' } });
    assert.deepEqual(
      [changed.json.state, changed.json.version, changed.json.node],
      ['started', '7.0', 'host'],
    );
    const listed = await ask('GET', `/agents?deployment_id=${id}&node_ids=host&install_methods=remote`);
    assert.deepEqual(
      items(listed.json).map(({ name }) => name),
      ['first'],
    );
    assert.equal((await ask('PUT', '/agents/second', { body: { node_instance_id: 'nobody' } })).status, 404);
    assert.equal((await ask('PATCH', '/agents/second', { body: { state: 'started' } })).status, 404);
    assert.equal((await ask('PATCH', '/agents/first', { body: { state: 'dreaming' } })).status, 400);
    const other = items((await ask('GET', `/node-instances?deployment_id=${id}&node_id=app`)).json)[0]!;
    assert.equal((await ask('PUT', '/agents/first', { body: { node_instance_id: other.id } })).status, 409);
    await ask('DELETE', `/deployments/${id}?force=true`);
    assert.equal((await ask('GET', '/agents/first')).status, 404);
  });
});
