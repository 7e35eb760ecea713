/** What a body says and this server does not do is refused by name, not dropped. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { aWebBlueprint } from './a-web-blueprint.js';
import { clientOf } from './client.js';

const ask = clientOf(await aServer());
const { deploy } = await aWebBlueprint(ask);

test('bodies that would set a record back as it once was are refused by the names of what they set', async () => {
  const deployment = await deploy();
  const then = '2020-01-01T00:00:00Z';
  const made = { blueprint_id: 'web', inputs: { name: 'ann' } };
  const [execution] = (await ask('GET', `/executions?deployment_id=${deployment}`)).json.items as unknown as {
    id: string;
  }[];
  await ask('PUT', '/deployment-groups/all', { body: { deployment_ids: [deployment] } });
  const start = { deployment_group_id: 'all', workflow_id: 'install' };
  const schedule = { workflow_id: 'install', since: '2099-01-01', count: 1 };
  for (const [method, path, body, names] of [
    [
      'PUT',
      '/deployments/other',
      { ...made, created_at: then, workdir_zip: 'UEsFBg==' },
      ['created_at', 'workdir_zip'],
    ],
    ['PUT', '/deployments/other', { ...made, installation_status: 'active' }, ['installation_status']],
    [
      'POST',
      '/executions',
      { deployment_id: deployment, workflow_id: 'install', created_by: 'ann' },
      ['created_by'],
    ],
    ['PUT', '/deployment-groups/other', { creation_counter: 3 }, ['creation_counter']],
    [
      'POST',
      '/execution-groups',
      { ...start, associated_executions: [execution!.id] },
      ['associated_executions'],
    ],
    [
      'PUT',
      `/execution-schedules/x?deployment_id=${deployment}`,
      { ...schedule, created_at: then },
      ['created_at'],
    ],
    ['POST', '/tasks_graphs', { execution_id: execution!.id, name: 'one', created_at: then }, ['created_at']],
    [
      'POST',
      '/tasks_graphs',
      {
        execution_id: execution!.id,
        name: 'one',
        operations: [{ type: 'RemoteWorkflowTask', created_at: then }],
      },
      ['created_at'],
    ],
    ['PUT', '/sites/x', { location: '1,2', created_at: then }, ['created_at']],
    ['PUT', '/filters/deployments/x', { filter_rules: [], created_by: 'ann' }, ['created_by']],
    [
      'PUT',
      '/users',
      { username: 'ann', password: '$pbkdf2$', is_prehashed: true, created_at: then },
      ['is_prehashed', 'created_at'],
    ],
    [
      'PUT',
      '/deployments/inter-deployment-dependencies',
      { dependency_creator: 'x', source_deployment: deployment, id: 'one', created_at: then },
      ['id', 'created_at'],
    ],
    [
      'PUT',
      '/blueprints/x',
      { blueprint_archive_url: 'https://localhost/x', state: 'uploaded', created_by: 'ann' },
      ['state', 'created_by'],
    ],
    [
      'PUT',
      '/blueprints/x?skip_execution=True',
      { blueprint_archive_url: 'https://localhost/x' },
      ['skip_execution'],
    ],
  ] as const) {
    const { status, json } = await ask(method, path, { body });
    assert.deepEqual([status, json.error_code], [400, 'bad_parameters_error'], `${method} ${path}`);
    for (const name of names) assert.match(String(json.message), new RegExp(`\`${name}\``));
  }
  const graph = (name: string, state: string) => ({
    execution_id: execution!.id,
    name,
    operations: [{ id: `of-${name}`, type: 'RemoteWorkflowTask', state }],
  });
  assert.equal((await ask('POST', '/tasks_graphs', { body: graph('odd', 'weird') })).status, 400);
  assert.equal((await ask('POST', '/tasks_graphs', { body: graph('whole', 'started') })).status, 201);
  assert.equal((await ask('GET', '/operations/of-whole')).json.state, 'started', 'a state is none of those');
  assert.equal((await ask('GET', '/deployments/other')).status, 404);
  const empty = { ...made, workdir_zip: null, created_at: null };
  assert.equal((await ask('PUT', '/deployments/other', { body: empty })).status, 201, 'nothing is nothing');
});
