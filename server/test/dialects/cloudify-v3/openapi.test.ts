/** What the server tells of itself is what it does: the served document, and answers held against it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import { DIALECTS } from '../../../src/dialects/index.js';
import { describeDialect } from '../../../src/openapi/of-dialect.js';
import { VERSION } from '../../../src/version.js';
import { aServer } from '../../support/a-server.js';
import { aSnapshot } from '../../support/a-snapshot.js';
import { bundleOf, wagonOf } from '../../support/plugin-archives.js';
import { aWebBlueprint } from './a-web-blueprint.js';
import { clientOf } from './client.js';

interface Node {
  readonly [name: string]: Node;
}

const server = await aServer();
const ask = clientOf(server);
const served = (name: string, headers = {}) => fetch(`${server.url}/openapi/${name}.json`, { headers });

test('each dialect serves its document to anybody, and 304 to who has it', async () => {
  for (const dialect of DIALECTS) {
    const answer = await served(dialect.name);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
    const text = await answer.text();
    assert.equal(text, await describeDialect(dialect, server.core.settings, VERSION));
    const etag = answer.headers.get('etag') ?? '';
    const again = await served(dialect.name, { 'if-none-match': etag });
    assert.equal(again.status, 304);
    assert.equal(await again.text(), '');
  }
});

test('the landing page leads to the documents', async () => {
  const page = await (await fetch(server.url)).text();
  for (const { name } of DIALECTS) assert.ok(page.includes(`href="/openapi/${name}.json"`), name);
});

/** The schema with every reference replaced by what it refers to; members that are not named are refused. */
function whole(document: Node, schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map((each) => whole(document, each));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $ref, ...rest } = schema as Record<string, unknown>;
  if (typeof $ref === 'string') {
    const [, , kind, name] = $ref.split('/');
    return whole(document, document.components![kind!]![name!]);
  }
  const told = Object.fromEntries(Object.entries(rest).map(([key, each]) => [key, whole(document, each)]));
  return 'properties' in told ? { additionalProperties: false, ...told } : told;
}

test('answers have the form that the document says, in both versions', async () => {
  const document = (await (await served('cloudify-v3')).json()) as Node;
  const deployment = await (await aWebBlueprint(ask)).deploy();
  const done = [
    await ask('PUT', '/snapshots/shown/archive', { body: new Uint8Array(await aSnapshot(server)) }),
    await ask('PUT', '/log-bundles/shown', { body: {} }),
    await ask('PUT', '/secrets/shown', { body: { value: 'hush', visibility: 'tenant' } }),
    await ask('POST', '/tokens', { body: { description: 'shown' } }),
    await ask('POST', '/user-groups', { body: { group_name: 'shown' } }),
    await ask('PUT', '/deployment-groups/shown', { body: { deployment_ids: [deployment] } }),
    await ask('PUT', `/execution-schedules/shown?deployment_id=${deployment}`, {
      body: { workflow_id: 'install', since: '2099-01-01', count: 1 },
    }),
    await ask('PUT', '/sites/shown', { body: { location: '1,2' } }),
    await ask('PUT', '/filters/blueprints/shown', { body: { filter_rules: [] } }),
    await ask('PUT', '/filters/deployments/shown', { body: { filter_rules: [] } }),
    await ask('POST', '/executions', {
      body: { deployment_id: deployment, workflow_id: 'install', dry_run: true },
    }),
    await ask('POST', '/deployment-modifications', {
      body: { deployment_id: deployment, nodes: { host: { instances: 2 } } },
    }),
    await ask('POST', `/deployment-updates/${deployment}/update/initiate`, { body: { preview: true } }),
    await ask('POST', '/plugins-updates/web/update/initiate', { body: { all_to_latest: true } }),
  ];
  const plugin = bundleOf(wagonOf({ name: 'shown', version: '1' }), { 'plugin.yaml': 'description: shown' });
  done.push(await ask('POST', '/plugins?id=shown', { body: new Uint8Array(plugin) }));
  for (const { status, text } of done) assert.ok(status === 200 || status === 201, text);
  const ids: Record<string, string> = {
    blueprints: 'web',
    deployments: deployment,
    tenants: 'default_tenant',
    users: 'admin',
    config: 'task_retries',
    cluster: 'test-node',
    permissions: 'viewer',
  };
  const group = { deployment_group_id: 'shown', workflow_id: 'install', concurrency: 0 };
  await ask('POST', '/execution-groups', { body: group });
  for (const kind of [
    'executions',
    'tokens',
    'node-instances',
    'deployment-modifications',
    'deployment-updates',
    'plugins-updates',
    'execution-groups',
  ]) {
    ids[kind] = (await ask('GET', `/${kind}`)).json.items![0]!.id as unknown as string;
  }

  const agent = { node_instance_id: ids['node-instances'] };
  assert.equal((await ask('PUT', '/agents/shown', { body: agent })).status, 200);

  const graph = {
    execution_id: ids.executions,
    name: 'kept',
    operations: [{ id: 'shown', type: 'RemoteWorkflowTask' }],
  };
  assert.equal((await ask('POST', '/tasks_graphs', { body: graph })).status, 201);

  let held = 0;
  for (const [path, operations] of Object.entries(document.paths!)) {
    const [, version, rest] = /^\/api\/(v3(?:\.1)?)(\/.*)$/.exec(path) ?? [];
    const answers = operations.get?.responses;
    const schema = answers?.['200']?.content?.['application/json']?.schema;
    if (version === undefined || rest === undefined || schema === undefined) continue;
    const filled = rest.replace(/\{\w+\}/, () => ids[rest.split('/')[1]!] ?? 'shown');
    const checked = Compile(whole(document, schema) as object);
    const work = ['/operations', '/tasks_graphs'].includes(rest);
    const needed = rest.includes('/summary/') ? '?_target_field=visibility' : '';
    const queries = [work ? `?execution_id=${ids.executions}` : needed];
    for (const query of [
      ...queries,
      ...(rest.includes('{') ? [] : [`${queries[0]}${queries[0] === '' ? '?' : '&'}_get_data=true`]),
    ]) {
      const { status, text, json } = await ask('GET', filled + query, { version: version as 'v3' });
      assert.equal(status, 200, `${path}${query}: ${text}`);
      const [wrong] = checked.Errors(json);
      assert.equal(
        checked.Check(json),
        true,
        `${path}${query}: ${JSON.stringify(wrong)} in ${text.slice(0, 2000)}`,
      );
      held += 1;
    }
  }
  assert.ok(held > 50, `${held} answers were held against the document`);
});

test('refusals have the form that the document says', async () => {
  const document = (await (await served('cloudify-v3')).json()) as Node;
  const checked = Compile(whole(document, document.components!.schemas!.Error) as object);
  const told = (name: string) => document.components!.responses![name]!.description as unknown as string;
  const refused: [string, Awaited<ReturnType<typeof ask>>][] = [
    ['BadRequest', await ask('GET', '/blueprints?_include=odd')],
    ['Unauthorized', await ask('GET', '/blueprints', { password: 'wrong' })],
    ['Forbidden', await ask('GET', '/blueprints', { tenant: null })],
    ['NotFound', await ask('GET', '/blueprints/absent')],
    ['Conflict', await ask('PUT', '/secrets/shown', { body: { value: 'again' } })],
    [
      'UnsupportedMediaType',
      await ask('POST', '/executions', { body: 'x', headers: { 'content-type': 'text/plain' } }),
    ],
  ];
  for (const [name, { json, text }] of refused) {
    assert.equal(checked.Check(json), true, `${name}: ${text}`);
    assert.ok(told(name).includes(`\`${json.error_code as unknown as string}\``), `${name}: ${text}`);
  }
});
