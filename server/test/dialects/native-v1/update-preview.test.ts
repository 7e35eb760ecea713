/** What an update would do is told by what does it, and telling it changes nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { bytesOf } from '../../support/catalog.js';
import { clientOf, type Found } from '../cloudify-v3/client.js';
import { aFollower } from './a-follower.js';

const server = await aServer({}, { worker: true });
const ask = clientOf(server);
const admin = await server.core.callers.actingAs('admin', 'default_tenant', 'test');
const { value: token } = await server.core.tokens.issue(admin);

const TYPES = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs: { port: { default: 80 } }
node_types:
  thing:
    derived_from: cloudify.nodes.Root
    properties: { port: { default: 0 } }
`;
const BEFORE = `${TYPES}
node_templates:
  base: { type: thing }
  old: { type: thing, relationships: [{ type: cloudify.relationships.depends_on, target: base }] }
  web: { type: thing, properties: { port: { get_input: port } } }
`;
const AFTER = `${TYPES}
node_templates:
  base: { type: thing }
  web:
    type: thing
    properties: { port: { get_input: port } }
    relationships: [{ type: cloudify.relationships.depends_on, target: base }]
  more:
    type: thing
    relationships: [{ type: cloudify.relationships.depends_on, target: web }]
`;

async function upload(id: string, text: string): Promise<void> {
  const { status, text: told } = await ask('PUT', `/blueprints/${id}`, {
    version: 'v3',
    body: new Uint8Array(bytesOf({ 'blueprint.yaml': text })),
  });
  assert.ok(status < 300, told);
}
await upload('before', BEFORE);
await upload('after', AFTER);
assert.ok((await ask('PUT', '/deployments/d', { body: { blueprint_id: 'before' } })).status < 300);
const list = (found: Found | undefined) => (found ?? []) as unknown as Found[];
const preview = (body: object) => ask('POST', '/deployments/d/update-preview', { root: '/orrery/v1', body });
const names = (found: Found | undefined) =>
  Object.fromEntries(list(found).map((one) => [String(one.name), String(one.change)]));

async function over(path: string, body: object): Promise<void> {
  const begun = await ask('POST', path, { body: body as never });
  assert.ok(begun.status < 300, begun.text);
  const stream = await aFollower(server.url, '?topic=deployment:d&after=0', { token });
  const id = String(begun.json.execution_id ?? begun.json.id);
  await stream.until(
    `the end of ${path}`,
    () =>
      stream
        .told('executions')
        .some((one) => String(one.id) === id && ['terminated', 'failed'].includes(String(one.status))),
    20_000,
  );
  stream.leave();
}

describe('the preview of an update', () => {
  it('names what comes, goes and changes, and what would be run for it; and is what the update then does', async () => {
    await over('/executions', { deployment_id: 'd', workflow_id: 'install' });
    const rows = async () =>
      (
        await server.pool.query(
          `select (select count(*) from node_instances) as instances, (select count(*) from deployment_updates) as updates,
             (select count(*) from executions) as executions, (select count(*) from nodes) as nodes, (select count(*) from audit) as audits`,
        )
      ).rows[0];
    const before = await rows();
    const told = await preview({ blueprint: 'after' });
    assert.equal(told.status, 200, told.text);
    assert.deepEqual(await rows(), before);
    const { json } = told;
    assert.deepEqual(names(json.nodes), { base: 'kept', web: 'modified', more: 'added', old: 'removed' });
    assert.deepEqual(
      list(json.relationships).map(({ change, source }) => [
        String(change),
        String(source).replace(/_.*/, ''),
      ]),
      [
        ['removed', 'old'],
        ['added', 'web'],
        ['added', 'more'],
      ],
    );
    const changes = list(json.instances).map(({ node, change }) => [String(node), String(change)]);
    assert.deepEqual(changes, [
      ['base', 'kept'],
      ['old', 'removed'],
      ['web', 'kept'],
      ['more', 'added'],
    ]);
    assert.ok(
      list(json.steps).some(({ action, path }) => String(action) === 'add' && String(path) === 'nodes:more'),
    );
    assert.deepEqual([json.blueprintBefore, json.blueprintAfter], ['before', 'after']);

    await over('/deployment-updates/d/update/initiate', { blueprint_id: 'after' });
    const snapshot = await ask('GET', '/deployments/d/snapshot', { root: '/orrery/v1' });
    const kept = list(json.instances).filter(({ change }) => String(change) === 'kept');
    const now = list(snapshot.json.instances).map(({ id }) => String(id));
    assert.ok(kept.every(({ id }) => now.includes(String(id))));
    assert.equal(
      now.length,
      list(json.instances).filter(({ change }) => String(change) !== 'removed').length,
    );
  });

  it('of nothing says that nothing is done', async () => {
    const { json } = await preview({});
    assert.deepEqual(list(json.steps), []);
    assert.deepEqual(list(json.stages), []);
    assert.ok(list(json.nodes).every(({ change }) => String(change) === 'kept'));
  });

  it('refuses what an update refuses', async () => {
    for (const [body, status, reason] of [
      [{ blueprint: 'none' }, 404, 'blueprint-not-found'],
      [{ inputs: { unknown: 1 } }, 400, 'deployment-inputs-unknown'],
      [{ reinstall: ['none_abc'] }, 400, 'reinstall-list-unknown'],
      [{ workflow: 'none' }, 400, 'workflow-unknown'],
      [{ surprise: true }, 400, 'member-unknown'],
      [{ skipInstall: 'perhaps' }, 400, 'bad-request'],
    ] as const) {
      const { status: answered, json } = await preview(body);
      assert.deepEqual([answered, String(json.reason)], [status, reason]);
    }
  });
});
