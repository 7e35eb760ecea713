import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { bytesOf } from '../../support/catalog.js';
import { aWebBlueprint, missing } from './a-web-blueprint.js';
import { clientOf } from './client.js';

const server = await aServer();
const ask = clientOf(server);
const { deploy } = await aWebBlueprint(ask);

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

  test('need every secret that their inputs name', async () => {
    const text = `tosca_definitions_version: cloudify_dsl_1_3
inputs: { key: { default: no-such-key } }
outputs: { token: { value: { concat: [a, { get_secret: { get_input: key } }] } } }
`;
    const body = new Uint8Array(bytesOf({ 'blueprint.yaml': text }));
    const uploaded = await ask('PUT', '/blueprints/with-key', { body });
    assert.deepEqual(uploaded.json.requirements, {
      secrets: [{ get_input: 'key' }],
      parent_capabilities: [],
    });
    const create = (id: string, inputs: object) =>
      ask('PUT', `/deployments/${id}`, { body: { blueprint_id: 'with-key', inputs } });
    const refused = await create('keyless', {});
    assert.deepEqual(
      [refused.status, refused.json.error_code, refused.json.message],
      [400, 'unknown_deployment_secret_error', "Required secrets: [no-such-key] don't exist in this tenant"],
    );
    await ask('PUT', '/secrets/a-key', { body: { value: 'x' } });
    assert.equal((await create('keyed', { key: 'a-key' })).status, 201);
    const update = { blueprint_id: 'with-key', inputs: { key: 'gone' } };
    const changed = await ask('POST', '/deployment-updates/keyed/update/initiate', { body: update });
    assert.deepEqual([changed.status, changed.json.error_code], [400, 'unknown_deployment_secret_error']);
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
