import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { bytesOf } from '../../support/catalog.js';
import { clientOf, type Found } from './client.js';

const server = await aServer({}, { worker: true });
const ask = clientOf(server);

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs:
  size: { type: integer, default: 3 }
  name: { type: string }
node_templates:
  host:
    type: cloudify.nodes.Compute
    properties: { agent_config: { install_method: none } }
  app:
    type: cloudify.nodes.WebServer
    capabilities: { scalable: { properties: { default_instances: 2 } } }
    relationships:
      - { type: cloudify.relationships.contained_in, target: host }
groups:
  pair: { members: [app] }
policies:
  scaled: { type: cloudify.policies.scaling, targets: [pair], properties: { default_instances: 1 } }
outputs:
  greeting: { description: what it says, value: { concat: [hello, ' ', { get_input: name }] } }
capabilities:
  port: { value: { get_attribute: [host, port] } }
`;
const uploaded = await ask('PUT', '/blueprints/web', {
  body: new Uint8Array(bytesOf({ 'blueprint.yaml': BLUEPRINT })),
});
assert.equal(uploaded.status, 201, uploaded.text);

let count = 0;
async function deploy(body: object = {}): Promise<string> {
  const id = `dep${++count}`;
  const created = await ask('PUT', `/deployments/${id}`, {
    body: { blueprint_id: 'web', inputs: { name: 'ann' }, ...body },
  });
  assert.equal(created.status, 201, created.text);
  return id;
}

async function finish(deployment: string, workflow: string, body: object = {}): Promise<Found> {
  const started = await ask('POST', '/executions', {
    body: { deployment_id: deployment, workflow_id: workflow, ...body },
  });
  assert.equal(started.status, 201, started.text);
  return ended(String(started.json.id));
}

async function ended(execution: string): Promise<Found> {
  for (;;) {
    const { json } = await ask('GET', `/executions/${execution}`);
    if (['terminated', 'failed', 'cancelled'].includes(String(json.status))) return json;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const missing = (names: readonly string[], item: object | undefined) =>
  names.filter((name) => !(name in (item ?? {})));

describe('deployments', () => {
  test('hold the attributes of the document, inputs with their defaults, and their workflows', async () => {
    const id = await deploy({ display_name: 'Web', labels: [{ env: 'x' }], visibility: 'tenant' });
    const { json } = await ask('GET', `/deployments/${id}`, { version: 'v3' });
    const attributes = [
      'blueprint_id',
      'created_at',
      'created_by',
      'description',
      'groups',
      'id',
      'inputs',
      'outputs',
      'policy_triggers',
      'policy_types',
      'tenant_name',
      'updated_at',
      'workflows',
    ];
    assert.deepEqual(missing(attributes, json), []);
    assert.deepEqual(json.inputs, { size: 3, name: 'ann' });
    assert.equal(json.outputs?.greeting?.description, 'what it says');
    assert.equal(json.labels?.[0]?.value, 'x');
    assert.equal(json.installation_status, 'inactive');
    assert.deepEqual(json.scaling_groups?.pair?.properties, {
      min_instances: 0,
      max_instances: -1,
      default_instances: 1,
      current_instances: 1,
      planned_instances: 1,
    });
    const install = Object.values(json.workflows!).find((workflow) => String(workflow.name) === 'install');
    assert.deepEqual(missing(['name', 'plugin', 'operation', 'parameters', 'is_cascading'], install), []);
    assert.equal(
      (await ask('GET', `/deployments?id=${id}`)).json.items?.[0]?.scaling_groups?.pair?.members?.[0],
      'app',
    );
    assert.equal(
      'workflows' in ((await ask('GET', `/deployments?_search=${id}`)).json.items?.[0] ?? {}),
      false,
    );
  });

  test('_include projects answers of writes too', async () => {
    const created = await ask('PUT', '/deployments/included?_include=id', {
      version: 'v3',
      body: { blueprint_id: 'web', inputs: { name: 'x' }, visibility: null },
    });
    assert.deepEqual([created.status, created.json], [201, { id: 'included' }]);
  });

  test('tell outputs and capabilities evaluated; what has no value yet is null', async () => {
    const id = await deploy();
    assert.deepEqual((await ask('GET', `/deployments/${id}/outputs`)).json, {
      deployment_id: id,
      outputs: { greeting: 'hello ann' },
    });
    assert.deepEqual((await ask('GET', `/deployments/${id}/capabilities`)).json, {
      deployment_id: id,
      capabilities: { port: null },
    });
  });

  test('are changed in what may be changed by hand', async () => {
    const id = await deploy();
    const body = { display_name: 'Other', description: 'about', labels: [{ a: ['1', '2'] }] };
    const { json } = await ask('PATCH', `/deployments/${id}`, { body });
    assert.deepEqual(
      [json.display_name, json.description, Object.keys(json.labels!).length],
      ['Other', 'about', 2],
    );
    assert.equal((await ask('PATCH', `/deployments/${id}`, { body: { inputs: {} } })).status, 400);
    assert.equal((await ask('GET', '/deployments?_search_name=othe&_include=id')).json.items?.[0]?.id, id);
  });

  for (const [what, body, status, code] of [
    ['without a blueprint', {}, 400, 'bad_parameters_error'],
    ['of an unknown blueprint', { blueprint_id: 'nope' }, 404, 'not_found_error'],
    ['without a needed input', { blueprint_id: 'web' }, 400, 'missing_required_deployment_input_error'],
    [
      'with an unknown input',
      { blueprint_id: 'web', inputs: { name: 'a', x: 1 } },
      400,
      'unknown_deployment_input_error',
    ],
    [
      'with an input of another type',
      { blueprint_id: 'web', inputs: { name: 'a', size: 'big' } },
      400,
      'deployment_creation_error',
    ],
    ['with inputs that are a list', { blueprint_id: 'web', inputs: [] }, 400, 'bad_parameters_error'],
    [
      'with malformed labels',
      { blueprint_id: 'web', inputs: { name: 'a' }, labels: [{ a: 'b', c: 'd' }] },
      400,
      'bad_parameters_error',
    ],
    ['on a site', { blueprint_id: 'web', inputs: { name: 'a' }, site_name: 'here' }, 404, 'not_found_error'],
  ] as const) {
    test(`${what} are refused, and nothing is stored`, async () => {
      const refused = await ask('PUT', '/deployments/refused', { body });
      assert.deepEqual([refused.status, refused.json.error_code], [status, code], refused.text);
      assert.equal((await ask('GET', '/deployments/refused')).status, 404);
    });
  }

  test('the blueprint under a deployment cannot be deleted', async () => {
    await deploy();
    const refused = await ask('DELETE', '/blueprints/web');
    assert.deepEqual([refused.status, refused.json.error_code], [400, 'dependent_exists_error']);
  });
});

describe('nodes and node instances', () => {
  test('hold the attributes of the document', async () => {
    const id = await deploy();
    const nodes = (await ask('GET', `/nodes?deployment_id=${id}&_sort=id`, { version: 'v3' })).json;
    const [app, host] = [nodes.items?.[0], nodes.items?.[1]];
    const attributes = [
      'blueprint_id',
      'deploy_number_of_instances',
      'deployment_id',
      'host_id',
      'id',
      'max_number_of_instances',
      'min_number_of_instances',
      'number_of_instances',
      'operations',
      'planned_number_of_instances',
      'plugins_to_install',
      'plugins',
      'properties',
      'relationships',
      'tenant_name',
      'type_hierarchy',
      'type',
    ];
    assert.deepEqual(missing(attributes, app), []);
    assert.deepEqual([app?.id, app?.host_id, app?.number_of_instances], ['app', 'host', 2]);
    assert.deepEqual([host?.id, host?.max_number_of_instances], ['host', -1]);
    assert.equal(app?.relationships?.[0]?.target_id, 'host');
    assert.equal(app?.properties?.port, 80);
    assert.deepEqual((await ask('GET', `/nodes?deployment_id=${id}&id=app&_include=id,type`)).json.items, [
      { id: 'app', type: 'cloudify.nodes.WebServer' },
    ]);

    const instances = (await ask('GET', `/node-instances?deployment_id=${id}&node_id=app`, { version: 'v3' }))
      .json;
    const instance = instances.items?.[0];
    const told = [
      'created_by',
      'deployment_id',
      'host_id',
      'id',
      'relationships',
      'runtime_properties',
      'state',
      'tenant_name',
      'version',
    ];
    assert.deepEqual(missing(told, instance), []);
    assert.match(String(instance?.id), /^app_[a-z0-9]{6}$/);
    assert.deepEqual(Object.keys(instance?.relationships?.[0] ?? {}).sort(), [
      'target_id',
      'target_name',
      'type',
    ]);
    assert.equal(instance?.scaling_groups?.[0]?.name, 'pair');
  });

  test('an instance is changed under optimistic locking', async () => {
    const id = await deploy();
    const { items } = (await ask('GET', `/node-instances?deployment_id=${id}&node_id=host`)).json;
    const path = `/node-instances/${String(items?.[0]?.id)}`;
    const change = (body: object, query = '') => ask('PATCH', path + query, { body });
    const first = await change(
      { version: 1, runtime_properties: { port: 80, none: null } },
      '?_include=version,runtime_properties',
    );
    assert.deepEqual(first.json, { version: 2, runtime_properties: { port: 80, none: null } });
    assert.equal(
      (await change({ version: 2, runtime_properties: { port: 80, none: null } })).json.version,
      2,
    );
    const older = await change({ version: 1, state: 'started' });
    assert.deepEqual([older.status, older.json.error_code], [409, 'conflict_error']);
    assert.equal((await change({ version: 1, state: 'started' }, '?force=true')).json.state, 'started');
    assert.equal((await change({ state: 'started' })).json.message, 'Missing version in json request body');
    assert.equal((await change({ version: 9, relationships: [] })).json.error_code, 'only_deployment_update');
    assert.equal((await ask('GET', `/deployments/${id}/capabilities`)).json.capabilities?.port, 80);
    assert.equal((await ask('PATCH', '/node-instances/none', { body: { version: 1 } })).status, 404);
  });
});

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

describe('secrets', () => {
  test('hold the attributes of the document, their value only when read one by one', async () => {
    const v3 = { version: 'v3' } as const;
    const made = await ask('PUT', '/secrets/key1', { ...v3, body: { value: 'value1' } });
    assert.equal(made.status, 200);
    const attributes = [
      'created_at',
      'key',
      'updated_at',
      'value',
      'permission',
      'tenant_name',
      'created_by',
    ];
    assert.deepEqual(missing(attributes, made.json), []);
    assert.deepEqual([made.json.value, made.json.permission], ['value1', 'tenant']);
    const listed = (await ask('GET', '/secrets', v3)).json.items?.[0];
    assert.deepEqual([listed?.key, 'value' in (listed ?? {})], ['key1', false]);
    assert.equal((await ask('PUT', '/secrets/key1', { body: { value: 'x' } })).status, 409);
    const again = await ask('PUT', '/secrets/key1', { body: { value: 'value2', update_if_exists: true } });
    assert.deepEqual([again.status, again.json.value], [200, 'value2']);
    assert.equal((await ask('PATCH', '/secrets/key1', { body: { value: 'value3' } })).json.value, 'value3');
    assert.equal((await ask('PATCH', '/secrets/key1', { body: {} })).json.error_code, 'illegal_action_error');
    assert.equal((await ask('GET', '/secrets/key1?_skip_value=true')).json.value, undefined);
    const removed = await ask('DELETE', '/secrets/key1', v3);
    assert.deepEqual([removed.status, removed.json.value], [200, 'value3']);
    assert.equal((await ask('GET', '/secrets/key1')).status, 404);
  });

  test('a hidden value is an empty text to others', async () => {
    await ask('PUT', '/secrets/hush', { body: { value: 'x', is_hidden_value: true } });
    await ask('PUT', '/users', { body: { username: 'eve', password: 'secret1' } });
    await ask('PUT', '/tenants/users', {
      body: { username: 'eve', tenant_name: 'default_tenant', role: 'user' },
    });
    const eve = { username: 'eve', password: 'secret1' };
    assert.equal((await ask('GET', '/secrets/hush', eve)).json.value, '');
    assert.equal((await ask('PATCH', '/secrets/hush', { ...eve, body: { value: 'y' } })).status, 403);
  });
});

test('functions are evaluated where they stand', async () => {
  const id = await deploy();
  const evaluate = (body: object) =>
    ask('POST', '/evaluate/functions', { body: { deployment_id: id, ...body } });
  const good = await evaluate({ context: {}, payload: { a: { get_input: 'name' } } });
  assert.deepEqual([good.status, good.json], [200, { deployment_id: id, payload: { a: 'ann' } }]);
  const bad = await evaluate({ context: {}, payload: { a: { get_property: ['nowhere', 'x'] } } });
  assert.deepEqual([bad.status, bad.json.error_code], [400, 'functions_evaluation_error']);
  assert.equal(
    (await evaluate({ context: { self: 1 }, payload: {} })).json.error_code,
    'bad_parameters_error',
  );
});

test('nothing that was asked here was a mistake of the server', () => {
  assert.deepEqual(
    server.lines.filter((line) => line.includes('"level":"error"')),
    [],
  );
});
