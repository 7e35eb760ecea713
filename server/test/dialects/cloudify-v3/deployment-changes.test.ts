/** Deployments that change, over HTTP: scaled by their clients or by the workflow, and updated. */
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
const instancesOf = async (id: string, query = '') =>
  items((await ask('GET', `/node-instances?deployment_id=${id}${query}`)).json);

async function ended(id: unknown): Promise<Found> {
  for (;;) {
    const { json } = await ask('GET', `/executions/${String(id)}`);
    if (['terminated', 'failed', 'cancelled'].includes(String(json.status))) return json;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('a modification', () => {
  const start = (deployment_id: string, nodes: object) =>
    ask('POST', '/deployment-modifications', { body: { deployment_id, nodes, context: { why: 'load' } } });

  test('adds instances at once, tells who is concerned, and is finished or refused', async () => {
    const id = await deploy();
    const { status, json } = await start(id, { host: { instances: 2 } });
    assert.equal(status, 201);
    const attributes = [
      'id',
      'deployment_id',
      'status',
      'node_instances',
      'modified_nodes',
      'context',
      'created_at',
      'ended_at',
    ];
    assert.deepEqual(missing(attributes, json), []);
    assert.deepEqual([json.status, json.context, json.ended_at], ['started', { why: 'load' }, null]);
    const told = json.node_instances!;
    assert.deepEqual(
      Object.values(told.added_and_related!).map((one) => [one.node_id, one.modification]),
      [
        ['host', 'added'],
        ['app', 'added'],
        ['app', 'added'],
      ],
    );
    assert.equal(Object.values(told.before_modification!).length, 3);
    assert.deepEqual(
      missing(['runtime_properties', 'version', 'relationships', 'host_id'], told.added_and_related![0]),
      [],
    );
    assert.equal((await instancesOf(id)).length, 6);
    const [host] = items((await ask('GET', `/nodes?deployment_id=${id}&id=host`)).json);
    assert.deepEqual(
      [host!.number_of_instances, host!.planned_number_of_instances, host!.deploy_number_of_instances],
      [1, 2, 1],
    );

    const second = await start(id, { host: { instances: 3 } });
    assert.deepEqual(
      [second.status, second.json.error_code],
      [400, 'existing_started_deployment_modification_error'],
    );
    const path = `/deployment-modifications/${String(json.id)}`;
    const done = await ask('POST', `${path}/finish`);
    assert.deepEqual([done.status, done.json.status, done.json.ended_at === null], [200, 'finished', false]);
    const again = await ask('POST', `${path}/rollback`);
    assert.deepEqual(
      [again.status, again.json.error_code],
      [400, 'deployment_modification_already_ended_error'],
    );
    assert.deepEqual((await ask('GET', path)).json.status, 'finished');
    const listed = await ask('GET', `/deployment-modifications?deployment_id=${id}`);
    assert.equal(items(listed.json).length, 1);
  });

  test('that is rolled back leaves no trace of what it added', async () => {
    const id = await deploy();
    const before = await instancesOf(id);
    const { json } = await start(id, { pair: { instances: 3 } });
    assert.equal((await instancesOf(id)).length, 7);
    const scaling = (await ask('GET', `/deployments/${id}`)).json.scaling_groups!.pair!.properties!;
    assert.deepEqual([scaling.current_instances, scaling.planned_instances], [1, 3]);
    const back = await ask('POST', `/deployment-modifications/${String(json.id)}/rollback`);
    assert.deepEqual([back.status, back.json.status], [200, 'rolledback']);
    assert.equal(Object.values(back.json.node_instances!.before_rollback!).length, 7);
    assert.deepEqual(
      (await instancesOf(id)).map((one) => one.id),
      before.map((one) => one.id),
    );
  });

  test('removes whom it is told to when it is finished, and refuses what is not there', async () => {
    const id = await deploy();
    const [first] = await instancesOf(id, '&node_id=app&_sort=index');
    const wish = { app: { instances: 1, removed_ids_include_hint: [String(first!.id)] } };
    const { json } = await start(id, wish);
    assert.deepEqual(
      Object.values(json.node_instances!.removed_and_related!).map((one) => [
        one.node_id,
        one.modification ?? null,
      ]),
      [
        ['app', 'removed'],
        ['host', null],
      ],
    );
    assert.equal((await instancesOf(id)).length, 3, 'until then it stays');
    await ask('POST', `/deployment-modifications/${String(json.id)}/finish`);
    assert.ok(!(await instancesOf(id)).some((one) => one.id === first!.id));
    for (const nodes of [{ nobody: { instances: 1 } }, { app: { instances: -1 } }, { app: {} }]) {
      const wrong = await start(id, nodes);
      assert.deepEqual([wrong.status, wrong.json.error_code], [400, 'bad_parameters_error']);
    }
    assert.equal((await start('nobody', {})).status, 404);
    assert.equal((await ask('POST', '/deployment-modifications/nobody/finish')).status, 404);
  });

  test('is what the workflow scale makes', async () => {
    const id = await deploy();
    await finish(id, 'install');
    const scaled = await finish(id, 'scale', { parameters: { scalable_entity_name: 'pair', delta: 1 } });
    assert.equal(scaled.status, 'terminated', String(scaled.error));
    const [made] = items((await ask('GET', `/deployment-modifications?deployment_id=${id}`)).json);
    assert.deepEqual([made!.status, made!.execution_id], ['finished', scaled.id]);
    const instances = await instancesOf(id);
    assert.equal(instances.length, 5);
    assert.ok(instances.every((one) => String(one.state) === 'started' && Boolean(one.is_status_check_ok)));
    assert.equal((await finish(id, 'uninstall')).status, 'terminated');
  });
});

describe('an update', () => {
  const initiate = (id: string, body: object) =>
    ask('POST', `/deployment-updates/${id}/update/initiate`, { body });

  test('runs in an execution of its own, and the deployment follows the other blueprint', async () => {
    const id = await deploy();
    await finish(id, 'install');
    const text = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs: { name: { type: string }, colour: { default: red } }
node_templates:
  host: { type: cloudify.nodes.Compute, properties: { agent_config: { install_method: none } } }
  cache: { type: cloudify.nodes.Root, relationships: [ { type: cloudify.relationships.contained_in, target: host } ] }
outputs: { colour: { value: { get_input: colour } } }
`;
    const uploaded = await ask('PUT', '/blueprints/cached', {
      body: new Uint8Array(bytesOf({ 'blueprint.yaml': text })),
    });
    assert.equal(uploaded.status, 201, uploaded.text);
    const { status, json } = await initiate(id, {
      blueprint_id: 'cached',
      inputs: { colour: 'blue' },
      skip_install: 'False',
    });
    assert.equal(status, 200);
    const attributes = [
      'id',
      'deployment_id',
      'state',
      'execution_id',
      'old_blueprint_id',
      'new_blueprint_id',
      'old_inputs',
      'new_inputs',
      'steps',
      'created_at',
      'created_by',
    ];
    assert.deepEqual(missing(attributes, json), []);
    assert.ok(String(json.id).startsWith(`${id}-`));
    assert.deepEqual(
      [json.old_blueprint_id, json.new_blueprint_id, json.new_inputs],
      ['web', 'cached', { name: 'ann', colour: 'blue' }],
    );
    const execution = await ended(json.execution_id);
    assert.deepEqual(
      [execution.status, execution.workflow_id, execution.error],
      ['terminated', 'update', ''],
    );
    const path = `/deployment-updates/${String(json.id)}`;
    const over = (await ask('GET', path)).json;
    assert.equal(over.state, 'successful');
    assert.deepEqual(over.deployment_update_nodes, { added: ['cache'], removed: ['app'] });
    assert.deepEqual((await ask('POST', `${path}/update/finalize`)).json, over);
    const deployment = (await ask('GET', `/deployments/${id}`)).json;
    assert.deepEqual(
      [deployment.blueprint_id, deployment.inputs],
      ['cached', { name: 'ann', colour: 'blue' }],
    );
    assert.deepEqual((await ask('GET', `/deployments/${id}/outputs`)).json.outputs, { colour: 'blue' });
    assert.deepEqual(
      (await instancesOf(id)).map((one) => `${String(one.node_id)} ${String(one.state)}`).sort(),
      ['cache started', 'host started'],
    );
    const listed = await ask('GET', `/deployment-updates?deployment_id=${id}&_include=id,state`);
    assert.deepEqual(items(listed.json), [{ id: json.id, state: 'successful' }]);
  });

  test('is previewed without being carried out, and refused for what is not there', async () => {
    const id = await deploy();
    const { json } = await initiate(id, { inputs: { size: 5 }, preview: true });
    assert.deepEqual([json.state, json.preview, json.execution_id, json.steps], ['preview', true, null, []]);
    for (const [body, status, code] of [
      [{ blueprint_id: 'nobody' }, 404, 'not_found_error'],
      [{ inputs: { nothing: 1 } }, 400, 'unknown_deployment_input_error'],
      [{ workflow_id: 'nothing' }, 400, 'nonexistent_workflow_error'],
      [{ reinstall_list: ['nobody'] }, 400, 'bad_parameters_error'],
      [{ install_first: true }, 400, 'bad_parameters_error'],
      [{ preview: 'maybe' }, 400, 'bad_parameters_error'],
    ] as const) {
      const refused = await initiate(id, body);
      assert.deepEqual([refused.status, refused.json.error_code], [status, code], JSON.stringify(body));
    }
    assert.equal((await initiate('nobody', {})).status, 404);
  });
});
