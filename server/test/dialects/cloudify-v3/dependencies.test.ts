/** Deployments that stand on others: recorded by themselves and by hand, and what they stand in the way of. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { bytesOf } from '../../support/catalog.js';
import { clientOf, type Found } from './client.js';

const server = await aServer({}, { worker: true });
const ask = clientOf(server);
const PATH = '/deployments/inter-deployment-dependencies';

const upload = async (id: string, text: string) => {
  const head = 'tosca_definitions_version: cloudify_dsl_1_3\nimports: [cloudify/types/types.yaml]\n';
  const body = new Uint8Array(bytesOf({ 'blueprint.yaml': head + text }));
  const answer = await ask('PUT', `/blueprints/${id}`, { body });
  assert.equal(answer.status, 201, answer.text);
};
await upload(
  'giver',
  `node_templates: { one: { type: cloudify.nodes.Root } }
capabilities: { port: { value: 5432 } }
outputs:
  count: { value: { get_consumers: count } }
  ids: { value: { get_consumers: ids } }
  names: { value: { get_consumers: names } }
`,
);
await upload(
  'taker',
  `inputs: { from: { type: string } }
node_templates:
  one:
    type: cloudify.nodes.Root
outputs:
  port: { value: { get_capability: [{ get_input: from }, port] } }
  parents: { value: { get_environment_capability: port } }
`,
);

let count = 0;
async function deploy(blueprint: string, body: object = {}): Promise<string> {
  count += 1;
  const id = `${blueprint}-${count}`;
  const answer = await ask('PUT', `/deployments/${id}`, { body: { blueprint_id: blueprint, ...body } });
  assert.equal(answer.status, 201, answer.text);
  return id;
}
const giver = () => deploy('giver');
const taker = (from: string, body: object = {}) => deploy('taker', { inputs: { from }, ...body });
const list = async (query: string): Promise<Found[]> =>
  Object.values((await ask('GET', `${PATH}?${query}`)).json.items!);

describe('a blueprint that reads the capability of another deployment', () => {
  test('depends on it from the start, and the other knows its consumer', async () => {
    const target = await giver();
    const source = await taker(target, { display_name: 'The taker' });
    const [one, ...more] = await list(`source_deployment_id=${source}`);
    assert.equal(more.length, 0);
    assert.equal(one?.target_deployment_id, target);
    assert.equal(one?.dependency_creator, 'outputs.port.value.get_capability');
    const outputs = (await ask('GET', `/deployments/${target}/outputs`)).json.outputs;
    assert.deepEqual(outputs, { count: 1, ids: [source], names: ['The taker'] });
    const labels = (await ask('GET', `/deployments/${target}`)).json.labels!;
    assert.deepEqual([labels[0]?.key, labels[0]?.value], ['csys-consumer-id', source]);
    assert.deepEqual((await ask('GET', `/deployments?_dependencies_of=${source}&_include=id`)).json.items, [
      { id: target },
    ]);
    await ask('DELETE', `/deployments/${source}`);
    assert.deepEqual((await ask('GET', `/deployments/${target}`)).json.labels, []);
    assert.deepEqual(await list(`target_deployment_id=${target}`), []);
  });

  test('stands in the way of deleting and uninstalling what it depends on, unless forced', async () => {
    const target = await giver();
    const source = await taker(target);
    const refused = await ask('DELETE', `/deployments/${target}`);
    assert.deepEqual([refused.status, refused.json.error_code], [400, 'dependent_exists_error']);
    assert.match(
      String(refused.json.message),
      new RegExp(`${source}. depends on it via an Inter-Deployment Dependency`),
    );
    const body = { deployment_id: target, workflow_id: 'uninstall' };
    const start = await ask('POST', '/executions', { body });
    assert.deepEqual([start.status, start.json.error_code], [400, 'dependent_exists_error']);
    assert.equal(
      (await ask('POST', '/executions', { body: { ...body, workflow_id: 'install' } })).status,
      201,
    );
    for (;;) {
      const { json } = await ask('GET', `/executions?deployment_id=${target}&workflow_id=install`);
      if (String(json.items?.[0]?.status) === 'terminated') break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal((await ask('DELETE', `/deployments/${target}?force=true`)).status, 204);
    assert.equal((await list(`source_deployment_id=${source}`))[0]?.target_deployment_id, null);
  });
});

test('a capability of the parent is read by the label that names it', async () => {
  const parent = await giver();
  const child = await taker(parent, { labels: [{ 'csys-obj-parent': parent }] });
  assert.equal((await ask('GET', `/deployments/${child}/outputs`)).json.outputs?.parents, 5432);
  const refused = await ask('DELETE', `/deployments/${parent}`);
  assert.equal(refused.json.error_code, 'dependent_exists_error');
  assert.equal((await ask('DELETE', `/deployments/${parent}?recursive=true`)).status, 204);
  assert.equal((await ask('GET', `/deployments/${child}`)).status, 404);
});

test('labels of the deployment, and capabilities of all members of a group, are evaluated when they are read', async () => {
  const [first, second] = [await giver(), await giver()];
  await ask('PUT', '/deployment-groups/givers', { body: { deployment_ids: [first, second] } });
  await upload(
    'reader',
    `node_templates: { one: { type: cloudify.nodes.Root } }
outputs:
  all: { value: { get_group_capability: [givers, port] } }
  each: { value: { get_group_capability: [givers, 'deployment_id:port'] } }
  none: { value: { get_group_capability: [givers, other] } }
  env: { value: { get_label: env } }
  one: { value: { get_label: [env, 0] } }
  lost: { value: { get_label: nothing } }
`,
  );
  const reader = await deploy('reader', { labels: [{ env: 'test' }] });
  const { lost, ...outputs } = (await ask('GET', `/deployments/${reader}/outputs`)).json
    .outputs as unknown as Record<string, unknown>;
  assert.deepEqual(outputs, {
    all: [5432, 5432],
    each: { [first]: 5432, [second]: 5432 },
    none: [],
    env: ['test'],
    one: 'test',
  });
  assert.match(String(lost), /<ERROR: .*nothing/);
});

describe('dependencies by hand', () => {
  test('are made, made anew, listed, and deleted by what they are', async () => {
    const [a, b, c] = [await giver(), await giver(), await giver()];
    const body = { dependency_creator: 'component.x', source_deployment: a, target_deployment: b };
    const made = await ask('PUT', PATH, { body });
    assert.equal(made.status, 200, made.text);
    assert.deepEqual([made.json.source_deployment_id, made.json.target_deployment_id], [a, b]);
    const again = await ask('PUT', PATH, { body: { ...body, target_deployment: c } });
    assert.deepEqual([again.json.id, again.json.target_deployment_id], [made.json.id, c]);
    const refused = await ask('DELETE', `/deployments/${c}`);
    assert.match(String(refused.json.message), /via a Component/);
    assert.equal((await ask('DELETE', PATH, { body: { ...body, is_component_deletion: true } })).status, 204);
    assert.equal((await ask('DELETE', PATH, { body })).status, 404);
    assert.equal((await ask('DELETE', `/deployments/${c}`)).status, 204);
  });

  test('never lead in a circle', async () => {
    const [a, b, c] = [await giver(), await giver(), await giver()];
    const link = (source: string, target: string) =>
      ask('PUT', PATH, {
        body: { dependency_creator: 'x', source_deployment: source, target_deployment: target },
      });
    assert.equal((await link(a, b)).status, 200);
    assert.equal((await link(b, c)).status, 200);
    assert.equal((await link(c, a)).status, 400);
    assert.equal((await link(a, a)).status, 400);
    const items = (await ask('GET', `/deployments?_dependencies_of=${a}&_include=id&_sort=id`)).json.items!;
    assert.deepEqual(
      Object.values(items).map((item) => item.id),
      [b, c],
    );
  });

  test('are made many at once, and replaced', async () => {
    const [a, b, c] = [await giver(), await giver(), await giver()];
    const many = [
      { dependency_creator: 'one', target_deployment: b },
      { dependency_creator: 'two', target_deployment: c },
    ];
    const made = await ask('POST', PATH, {
      body: { source_deployment_id: a, inter_deployment_dependencies: many },
    });
    assert.equal(made.json.metadata?.pagination?.total, 2);
    const replaced = await ask('PUT', `/deployments/${a}/inter-deployment-dependencies`, {
      body: { inter_deployment_dependencies: [many[0]] },
    });
    assert.equal(replaced.status, 200, replaced.text);
    assert.deepEqual(
      (await list(`source_deployment_id=${a}`)).map((one) => one.dependency_creator),
      ['one'],
    );
    assert.deepEqual((await ask('GET', `/deployments/${c}`)).json.labels, []);
  });

  test('may come from another installation', async () => {
    const target = await giver();
    const external_source = { deployment: 'far', tenant: 't', host: ['h'] };
    const body = { dependency_creator: 'sharedresource.y', target_deployment: target, external_source };
    assert.equal((await ask('PUT', PATH, { body })).status, 200);
    const refused = await ask('DELETE', `/deployments/${target}`);
    assert.match(String(refused.json.message), /`far` depends on it via a Shared Resource/);
    assert.equal((await ask('DELETE', PATH, { body })).status, 204);
  });

  for (const [what, body] of [
    ['no source', { dependency_creator: 'x' }],
    ['two sources', { dependency_creator: 'x', source_deployment: 'giver-1', external_source: {} }],
    ['no creator', { dependency_creator: '', source_deployment: 'giver-1' }],
    ['a source that is a list', { dependency_creator: 'x', external_source: [] }],
  ] as const) {
    test(`with ${what} are refused`, async () => {
      assert.equal((await ask('PUT', PATH, { body })).status, 400);
    });
  }
});
