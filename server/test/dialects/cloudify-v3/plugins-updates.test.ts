/** Updates of plugins over HTTP, carried out by a worker: all deployments of a blueprint come to newer plugins, or are told why not. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { importing, newName, pluginsOn } from './a-plugin.js';
import { clientOf, type Found } from './client.js';

const server = await aServer({}, { worker: true });
const ask = clientOf(server);
const { aPlugin, uploadBlueprint } = pluginsOn(ask);
/** Of the same dialect, with nobody who works. */
const idle = await aServer();
const askIdle = clientOf(idle);

async function ended(id: unknown): Promise<Found> {
  for (;;) {
    const { json } = await ask('GET', `/executions/${String(id)}`);
    if (['terminated', 'failed', 'cancelled'].includes(String(json.status))) return json;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

interface Made {
  readonly name: string;
  readonly blueprint: string;
  readonly deployments: readonly string[];
}

/** Deployments of a blueprint of version 1.0 of a plugin of its own; then newer versions are uploaded. */
async function deployed(
  newer: readonly string[],
  { wanted = '', count = 2, on = ask }: { wanted?: string; count?: number; on?: typeof ask } = {},
): Promise<Made> {
  const there = pluginsOn(on);
  const { name } = await there.aPlugin();
  const blueprint = await there.uploadBlueprint(importing(`plugin:${name}${wanted}`));
  assert.equal(blueprint.status, 201, blueprint.text);
  const deployments: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const id = newName();
    const created = await on('PUT', `/deployments/${id}`, { body: { blueprint_id: blueprint.id } });
    assert.equal(created.status, 201, created.text);
    deployments.push(id);
  }
  for (const version of newer) await there.aPlugin({ name, version });
  return { name, blueprint: blueprint.id, deployments };
}

const initiate = (blueprint: string, body: object = { all_to_latest: true }, on = ask) =>
  on('POST', `/plugins-updates/${blueprint}/update/initiate`, { body });

const versionOf = async (deployment: string) => {
  const { json } = await ask('GET', `/nodes?deployment_id=${deployment}`);
  return json.items![0]!.properties!.made_by;
};
const stateOf = async (id: unknown) => (await ask('GET', `/plugins-updates/${String(id)}`)).json.state;

async function updated(blueprint: string, body?: object): Promise<Found> {
  const { status, json, text } = await initiate(blueprint, body);
  assert.equal(status, 200, text);
  assert.equal(json.state, 'executing_workflow');
  const execution = await ended(json.execution_id);
  assert.deepEqual([execution.status, execution.error], ['terminated', '']);
  assert.equal(await stateOf(json.id), 'successful');
  return json;
}

describe('an update of the plugins of a blueprint', () => {
  test('brings every deployment to the newest, on the blueprint they had, and leaves nothing behind', async () => {
    const { blueprint, deployments } = await deployed(['1.5', '2.0']);
    const update = await updated(blueprint);
    assert.deepEqual(update.deployments_per_tenant, { default_tenant: [...deployments].sort() });
    assert.deepEqual(update.deployments_to_update, [...deployments].sort());
    for (const id of deployments) {
      assert.equal(await versionOf(id), '2.0');
      assert.equal((await ask('GET', `/deployments/${id}`)).json.blueprint_id, blueprint);
    }
    assert.equal((await ask('GET', `/blueprints/${String(update.temp_blueprint_id)}`)).status, 404);
    const { json } = await ask('GET', `/blueprints/${blueprint}`);
    assert.equal(json.plan!.nodes![0]!.properties!.made_by, '2.0');
    const later = newName();
    await ask('PUT', `/deployments/${later}`, { body: { blueprint_id: blueprint } });
    assert.equal(await versionOf(later), '2.0');
    const execution = (await ask('GET', `/executions/${String(update.execution_id)}`)).json;
    assert.deepEqual([execution.workflow_id, execution.is_system_workflow], ['update_plugin', true]);
  });

  test('that finds nothing newer says so, with an execution that has ended', async () => {
    const { blueprint, deployments } = await deployed([]);
    const { status, json } = await initiate(blueprint);
    assert.deepEqual([status, json.state, json.temp_blueprint_id], [200, 'no_changes_required', null]);
    assert.equal((await ask('GET', `/executions/${String(json.execution_id)}`)).json.status, 'terminated');
    const history = await ask('GET', `/deployment-updates?deployment_id=${deployments[0]}`);
    assert.deepEqual(history.json.items, []);
  });

  for (const [what, wanted, body, version] of [
    ['the latest minor of all', '', { all_to_minor: true }, '1.5'],
    [
      'the latest of those named, minor of the others',
      '',
      (name: string) => ({ all_to_minor: true, to_latest: [name] }),
      '2.0',
    ],
    [
      'minor of those named, the latest of the others',
      '',
      (name: string) => ({ all_to_latest: true, to_minor: [name] }),
      '1.5',
    ],
    ['what the blueprint allows', '?version=>=1.0,<1.6', { all_to_latest: true }, '1.5'],
    [
      'the plugins that are named',
      '',
      (name: string) => ({ all_to_latest: true, plugin_names: [name] }),
      '2.0',
    ],
    [
      'what a mapping says',
      '?version=>=1.0,<1.6',
      (name: string) => ({
        mapping: {
          updates: [
            { [`plugin:${name}?version=>=1.0,<1.6`]: { plugin_name: name, suggested_version: '2.0' } },
          ],
        },
      }),
      '2.0',
    ],
  ] as const) {
    test(`brings ${what}`, async () => {
      const { name, blueprint, deployments } = await deployed(['1.5', '2.0'], { wanted, count: 1 });
      await updated(blueprint, typeof body === 'function' ? body(name) : body);
      assert.equal(await versionOf(deployments[0]!), version);
    });
  }

  test('leaves plugins alone that are not among those named', async () => {
    const { name } = await aPlugin();
    const other = newName();
    const yamlOf = (version: string) => ({
      'plugin.yaml': `plugins: { other: { executor: central_deployment_agent, package_name: ${other}, package_version: '${version}' } }
node_types: { other.Thing: { properties: { made_by: { default: '${version}' } }, interfaces: { x: { go: other.go } } } }
`,
    });
    await aPlugin({ name: other, yamls: yamlOf('1.0') });
    const { id } = await uploadBlueprint(
      importing(`plugin:${name}`).replace(`'plugin:${name}'`, `'plugin:${name}', 'plugin:${other}'`) +
        '  that: { type: other.Thing }\n',
    );
    await aPlugin({ name, version: '2.0' });
    await aPlugin({ name: other, version: '2.0', yamls: yamlOf('2.0') });
    await updated(id, { all_to_latest: true, plugin_names: [other] });
    const { json } = await ask('GET', `/blueprints/${id}`);
    const made = Object.values(json.plan!.nodes!).map((node) => node.properties!.made_by);
    assert.deepEqual(made.sort(), ['1.0', '2.0']);
  });

  test('fails where one deployment cannot be updated, tells which, and changes the others', async () => {
    const { blueprint, deployments } = await deployed(['2.0']);
    const [stuck, free] = deployments as [string, string];
    const dependency = await ask('PUT', '/deployments/inter-deployment-dependencies', {
      body: { dependency_creator: 'test', source_deployment: free, target_deployment: stuck },
    });
    assert.ok(dependency.status < 300, dependency.text);
    const { json } = await initiate(blueprint);
    const execution = await ended(json.execution_id);
    assert.equal(execution.status, 'failed');
    assert.match(String(execution.error), new RegExp(`Not updated: ${stuck}: `));
    assert.equal(await stateOf(json.id), 'failed');
    assert.deepEqual([await versionOf(stuck), await versionOf(free)], ['1.0', '2.0']);
    const on = async (id: string) => (await ask('GET', `/deployments/${id}`)).json.blueprint_id;
    assert.deepEqual([await on(stuck), await on(free)], [blueprint, json.temp_blueprint_id]);
    const kept = (await ask('GET', `/blueprints/${String(json.temp_blueprint_id)}`)).json;
    assert.equal(kept.is_hidden, false, 'a deployment stands on it');
    const plan = (await ask('GET', `/blueprints/${blueprint}`)).json.plan!;
    assert.equal(plan.nodes![0]!.properties!.made_by, '1.0');
    await updated(blueprint, { all_to_latest: true, force: true });
    assert.equal(await versionOf(stuck), '2.0');
  });

  test('reaches deployments of other tenants where that is asked for', async () => {
    const { blueprint } = await deployed(['2.0'], { count: 1 });
    await ask('PATCH', `/blueprints/${blueprint}/set-visibility`, { body: { visibility: 'global' } });
    const tenant = newName();
    await ask('POST', `/tenants/${tenant}`, { tenant: null });
    const id = newName();
    const there = await ask('PUT', `/deployments/${id}`, {
      tenant,
      body: { blueprint_id: blueprint, skip_plugins_validation: true },
    });
    assert.equal(there.status, 201, there.text);
    for (const plugin of Object.values(
      (await ask('GET', '/plugins?package_version=2.0&_size=1000')).json.items!,
    )) {
      await ask('PATCH', `/plugins/${String(plugin.id)}/set-visibility`, { body: { visibility: 'global' } });
    }
    const refused = await ask('POST', `/plugins-updates/${blueprint}/update/initiate`, { tenant, body: {} });
    assert.deepEqual([refused.status, refused.json.error_code], [400, 'illegal_action_error']);
    const update = await updated(blueprint, { all_to_latest: true, all_tenants: true });
    assert.deepEqual(update.deployments_per_tenant![tenant], [id]);
    const nodes = await ask('GET', `/nodes?deployment_id=${id}`, { tenant });
    assert.equal(nodes.json.items![0]!.properties!.made_by, '2.0');
  });

  test('is listed, chosen, sorted, and found by its blueprint', async () => {
    const { blueprint } = await deployed([], { count: 0 });
    const { json } = await initiate(blueprint);
    const found = await ask(
      'GET',
      `/plugins-updates?blueprint_id=${blueprint}&_include=id,state&_sort=-created_at`,
    );
    assert.deepEqual(found.json.items, [{ id: json.id, state: 'no_changes_required' }]);
    const all = await ask('GET', '/plugins-updates?_size=1&_offset=0');
    assert.equal(Object.values(all.json.items!).length, 1);
    assert.equal((await ask('GET', '/plugins-updates/nothing')).status, 404);
  });
});

describe('what cannot be done', () => {
  for (const [what, body, message] of [
    ['a plugin that is not the blueprint’s', { plugin_names: ['absent'] }, /uses no such plugins: absent/],
    ['a mapping that is none', { mapping: { updates: [{ x: 1 }] } }, /`mapping` must be/],
    ['a record to be restored', { update_id: 'x', affected_deployments: ['y'] }, /restoring one record/],
  ] as const) {
    test(`is refused: ${what}`, async () => {
      const { blueprint } = await deployed(['2.0'], { count: 0 });
      const { status, json } = await initiate(blueprint, body);
      assert.deepEqual([status, json.error_code], [400, 'bad_parameters_error']);
      assert.match(String(json.message), message);
      assert.deepEqual((await ask('GET', `/plugins-updates?blueprint_id=${blueprint}`)).json.items, []);
    });
  }

  test('is refused: a blueprint that is not there', async () => {
    assert.equal((await initiate('nothing')).status, 404);
  });

  test('is refused: a second update while one is active, unless it is forced; and no blueprint of it can be deleted', async () => {
    const { blueprint } = await deployed(['2.0'], { count: 0, on: askIdle });
    const first = await initiate(blueprint, {}, askIdle);
    assert.equal(first.json.state, 'executing_workflow');
    const second = await initiate(blueprint, {}, askIdle);
    assert.deepEqual([second.status, second.json.error_code], [409, 'conflict_error']);
    assert.match(String(second.json.message), new RegExp(String(first.json.id)));
    for (const id of [blueprint, first.json.temp_blueprint_id]) {
      assert.equal((await askIdle('DELETE', `/blueprints/${String(id)}`)).status, 400);
    }
    assert.equal((await initiate(blueprint, { force: true }, askIdle)).status, 200);
  });

  test('is finalized as failed where its execution ended without it, and by another that looks again', async () => {
    const { blueprint } = await deployed(['2.0'], { count: 0, on: askIdle });
    const finalize = (id: unknown) =>
      askIdle('POST', `/plugins-updates/${String(id)}/update/finalize`, { body: {} });
    const { json: first } = await initiate(blueprint, {}, askIdle);
    const early = await finalize(first.id);
    assert.deepEqual([early.status, early.json.error_code], [400, 'illegal_action_error']);
    const over = (execution: unknown) =>
      idle.pool.query(`update executions set status = 'failed', ended_at = now() where id = $1`, [execution]);
    await over(first.execution_id);
    const late = await finalize(first.id);
    assert.deepEqual([late.status, late.json.error_code], [400, 'plugins_update_failed']);
    const state = async (id: unknown) => (await askIdle('GET', `/plugins-updates/${String(id)}`)).json.state;
    assert.equal(await state(first.id), 'failed');
    assert.equal((await askIdle('GET', `/blueprints/${String(first.temp_blueprint_id)}`)).status, 404);

    const { json: second } = await initiate(blueprint, {}, askIdle);
    await over(second.execution_id);
    assert.equal((await initiate(blueprint, {}, askIdle)).status, 409);
    const third = await initiate(blueprint, { reevaluate_active_statuses: true }, askIdle);
    assert.deepEqual([third.status, await state(second.id)], [200, 'failed'], third.text);
  });
});
