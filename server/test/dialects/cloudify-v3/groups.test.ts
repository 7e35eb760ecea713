/** Groups of deployments, and one workflow on all of them. No worker: what runs is what the test says. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { aWebBlueprint } from './a-web-blueprint.js';
import { clientOf, type Found } from './client.js';

const server = await aServer();
const ask = clientOf(server);
const { deploy } = await aWebBlueprint(ask);

const put = (id: string, body: object) => ask('PUT', `/deployment-groups/${id}`, { body });
const patch = (id: string, body: object) => ask('PATCH', `/deployment-groups/${id}`, { body });
const idsOf = (json: Found) => Object.values(json.deployment_ids!).map(String);

describe('deployment groups', () => {
  test('hold what is named, filtered or in another group; a second PUT replaces, PATCH adds and takes out', async () => {
    const [a, b, c] = [
      await deploy({ labels: [{ g: '1' }] }),
      await deploy({ labels: [{ g: '1' }] }),
      await deploy(),
    ];
    const made = await put('first', { deployment_ids: [c], description: 'about', visibility: 'tenant' });
    assert.equal(made.status, 200, made.text);
    assert.deepEqual([idsOf(made.json), made.json.description], [[c], 'about']);
    const filter_rules = [{ key: 'g', values: ['1'], operator: 'any_of', type: 'label' }];
    assert.deepEqual(idsOf((await patch('first', { add: { filter_rules } })).json), [a, b, c]);
    assert.deepEqual(idsOf((await patch('first', { remove: { deployment_ids: [a, c] } })).json), [b]);
    assert.deepEqual(idsOf((await put('second', { deployments_from_group: 'first' })).json), [b]);
    await ask('PUT', '/filters/deployments/ones', { body: { filter_rules } });
    assert.deepEqual(idsOf((await put('first', { filter_id: 'ones' })).json), [a, b]);
    assert.equal((await put('first', { description: 'other' })).json.deployment_ids?.[0], a);
    assert.deepEqual((await ask('GET', '/deployments?_group_id=second&_include=id')).json.items, [{ id: b }]);
    assert.deepEqual((await ask('GET', `/deployments/${b}`)).json.deployment_groups, ['first', 'second']);
    assert.equal((await ask('DELETE', '/deployment-groups/second')).status, 204);
    assert.equal((await ask('GET', `/deployments/${b}`)).status, 200);
    assert.equal((await patch('first', { add: { deployment_ids: ['nobody'] } })).status, 404);
    assert.equal((await patch('first', {})).status, 400);
  });

  test('make deployments from their blueprint, with their inputs and labels under those of each', async () => {
    const body = {
      blueprint_id: 'web',
      default_inputs: { name: 'all', size: 1 },
      labels: [{ of: 'fleet' }],
      new_deployments: [
        {},
        { id: 'own-{count}', inputs: { name: 'one' }, labels: [{ mine: 'x' }], display_name: 'No. {count}' },
      ],
    };
    const made = await put('fleet', body);
    assert.equal(made.status, 200, made.text);
    assert.deepEqual(idsOf(made.json), ['fleet-1', 'own-2']);
    assert.equal(made.json.creation_counter, 2);
    const own = (await ask('GET', '/deployments/own-2')).json;
    assert.deepEqual(own.inputs, { name: 'one', size: 1 });
    assert.equal(own.display_name, 'No. 2');
    assert.deepEqual(
      Object.values(own.labels!).map((label) => label.key),
      ['mine', 'of'],
    );
    const more = await patch('fleet', { add: { new_deployments: [{}] } });
    assert.deepEqual(idsOf(more.json), ['fleet-1', 'fleet-3', 'own-2']);
    assert.equal((await ask('DELETE', '/deployment-groups/fleet?delete_deployments=true')).status, 204);
    assert.equal((await ask('GET', '/deployments/own-2')).status, 404);
  });

  test('make all of them or none', async () => {
    const body = {
      blueprint_id: 'web',
      default_inputs: { name: 'x' },
      new_deployments: [{}, { inputs: { nope: 1 } }],
    };
    const refused = await put('halves', body);
    assert.deepEqual([refused.status, refused.json.error_code], [400, 'unknown_deployment_input_error']);
    assert.equal((await ask('GET', '/deployments/halves-1')).status, 404);
    assert.deepEqual(idsOf((await ask('GET', '/deployment-groups/halves')).json), []);
    const bare = await put('bare', { new_deployments: [{}] });
    assert.deepEqual([bare.status, bare.json.error_code], [409, 'conflict_error']);
  });
});

describe('execution groups', () => {
  const start = (group: string, body: object = {}) =>
    ask('POST', '/execution-groups', {
      body: { deployment_group_id: group, workflow_id: 'install', ...body },
    });
  const standing = async (id: string): Promise<string[]> => {
    const { json } = await ask('GET', `/executions?_group_id=${id}&_sort=created_at`);
    return Object.values(json.items!).map((item) => String(item.status));
  };
  const end = async (execution: unknown, status: string) => {
    const answer = await ask('PATCH', `/executions/${String(execution)}`, { body: { status } });
    assert.equal(answer.status, 200, answer.text);
  };
  async function aGroup(id: string, size: number): Promise<string[]> {
    const members: string[] = [];
    while (members.length < size) members.push(await deploy());
    await put(id, { deployment_ids: members });
    return members;
  }

  test('run so many at once, and the next when one ends', async () => {
    await aGroup('queue', 4);
    const started = await start('queue', { concurrency: 2 });
    assert.equal(started.status, 200, started.text);
    const id = String(started.json.id);
    const executions = Object.values(started.json.execution_ids!);
    assert.deepEqual([started.json.status, started.json.concurrency], ['queued', 2]);
    assert.deepEqual(await standing(id), ['pending', 'pending', 'queued', 'queued']);
    await end(executions[0], 'started');
    assert.equal((await ask('GET', `/execution-groups/${id}`)).json.status, 'started');
    await end(executions[0], 'terminated');
    assert.deepEqual(await standing(id), ['terminated', 'pending', 'pending', 'queued']);
    await ask('PATCH', `/execution-groups/${id}`, { body: { concurrency: 0 } });
    await end(executions[1], 'terminated');
    assert.deepEqual(await standing(id), ['terminated', 'terminated', 'pending', 'queued']);
    await ask('PATCH', `/execution-groups/${id}`, { body: { concurrency: 9 } });
    assert.deepEqual(await standing(id), ['terminated', 'terminated', 'pending', 'pending']);
    for (const one of executions.slice(2)) await end(one, 'terminated');
    assert.equal((await ask('GET', `/execution-groups/${id}`)).json.status, 'terminated');
  });

  test('put deployments into the groups for success and failure, also those that have ended before', async () => {
    const [a, b, c] = await aGroup('sorted', 3);
    const { json } = await start('sorted');
    const executions = Object.values(json.execution_ids!);
    await end(executions[0], 'failed');
    await put('good', {});
    await put('bad', {});
    const body = { success_group_id: 'good', failure_group_id: 'bad' };
    const changed = await ask('PATCH', `/execution-groups/${String(json.id)}`, { body });
    assert.equal(changed.status, 200, changed.text);
    await end(executions[1], 'terminated');
    await ask('POST', `/executions/${String(executions[2])}`, { body: { action: 'cancel' } });
    assert.deepEqual(idsOf((await ask('GET', '/deployment-groups/bad')).json), [a]);
    assert.deepEqual(idsOf((await ask('GET', '/deployment-groups/good')).json), [b]);
    assert.ok(c);
    assert.equal((await ask('GET', `/execution-groups/${String(json.id)}`)).json.status, 'failed');
  });

  test('are cancelled and resumed as a whole; what is resumed waits for its turn', async () => {
    await aGroup('turned', 3);
    const id = String((await start('turned', { concurrency: 1 })).json.id);
    await ask('POST', `/execution-groups/${id}`, { body: { action: 'cancel' } });
    assert.deepEqual(await standing(id), ['cancelled', 'cancelled', 'cancelled']);
    assert.equal((await ask('GET', `/execution-groups/${id}`)).json.status, 'cancelled');
    await ask('POST', `/execution-groups/${id}`, { body: { action: 'resume' } });
    assert.deepEqual(await standing(id), ['pending', 'queued', 'queued']);
    assert.equal((await ask('POST', `/execution-groups/${id}`, { body: { action: 'dance' } })).status, 400);
    const listed = await ask('GET', '/execution-groups?_get_data=true&workflow_id=install');
    assert.ok(Object.values(listed.json.items!).every((item) => 'status' in item && 'execution_ids' in item));
    assert.equal('status' in ((await ask('GET', '/execution-groups')).json.items?.[0] ?? {}), false);
  });

  test('wait where something else runs, until the chore sees that it has ended', async () => {
    const [a] = await aGroup('busy', 1);
    const other = await ask('POST', '/executions', { body: { deployment_id: a, workflow_id: 'install' } });
    const id = String((await start('busy')).json.id);
    assert.deepEqual(await standing(id), ['queued']);
    await end(other.json.id, 'terminated');
    assert.equal(await server.core.executionGroups.promoteWaiting(), 1 + 0);
    assert.deepEqual(await standing(id), ['pending']);
  });

  test('start on all deployments or on none', async () => {
    const [a] = await aGroup('strict', 2);
    for (const [body, code] of [
      [{ workflow_id: 'nope' }, 'nonexistent_workflow_error'],
      [{ default_parameters: { nope: 1 } }, 'illegal_execution_parameters_error'],
      [{ parameters: { stranger: {} } }, 'not_found_error'],
      [{ concurrency: -1 }, 'bad_parameters_error'],
    ] as const) {
      assert.equal((await start('strict', body)).json.error_code, code);
    }
    assert.equal(
      (await ask('GET', `/executions?deployment_id=${a}&workflow_id=install`)).json.metadata?.pagination
        ?.total,
      0,
    );
    assert.equal((await start('nobody')).status, 404);
    const parameters = { [a!]: { node_ids: ['host'] } };
    const { json } = await start('strict', { parameters });
    const first = await ask('GET', `/executions/${String(json.execution_ids?.[0])}`);
    assert.deepEqual(first.json.parameters?.node_ids, ['host']);
  });
});
