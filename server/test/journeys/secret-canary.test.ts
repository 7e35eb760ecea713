/**
 * One secret with an unmistakable value, used in every way that a blueprint can use one, by scripts that go well, fail, print
 * it and return it. Then everything that the server has kept, logged or answered is searched for the value.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { clientOf } from '../dialects/cloudify-v3/client.js';
import { aServer } from '../support/a-server.js';
import { assertClean, assertTablesClean } from '../support/canary.js';
import { bytesOf } from '../support/catalog.js';

const CANARY = 'canary-3c9f17d2a8-"quoted"\nsecond-line-of-canary-71b0';
const PARTS = ['canary-3c9f17d2a8', 'second-line-of-canary-71b0'];

const folder = mkdtempSync(join(tmpdir(), 'orrery-canary-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const server = await aServer(
  { ORRERY_TASK_RETRIES: '1', ORRERY_TASK_RETRY_INTERVAL: '0', ORRERY_LOG_LEVEL: 'trace' },
  { worker: true },
);
const plain = clientOf(server);
/** Everything that was answered where the value has no business. */
const answers: string[] = [];
const ask: typeof plain = async (method, path, asked) => {
  const answer = await plain(method, path, asked);
  answers.push(`${method} ${path} ${JSON.stringify([...answer.headers])} ${answer.bytes.toString('latin1')}`);
  return answer;
};

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs:
  witness: { type: string }
node_types:
  app:
    derived_from: cloudify.nodes.Root
    properties:
      password: { default: { get_secret: canary } }
    interfaces:
      cloudify.interfaces.lifecycle:
        create:
          implementation: use.sh
          inputs: &inputs
            SECRET: { default: { get_secret: canary } }
            JOINED: { default: { concat: ['user:', { get_secret: canary }, '@host'] } }
            PROPERTY: { default: { get_property: [SELF, password] } }
            WITNESS: { default: { get_input: witness } }
        configure: { implementation: print.sh, inputs: *inputs }
        start: { implementation: tell.sh, inputs: *inputs }
  failing:
    derived_from: app
    interfaces:
      cloudify.interfaces.lifecycle:
        create: { implementation: fail.sh, max_retries: 1, inputs: *inputs }
node_templates:
  one: { type: app }
  two: { type: failing, relationships: [{ type: cloudify.relationships.depends_on, target: one }] }
outputs:
  told: { value: { concat: ['value ', { get_secret: canary }] } }
  broken: { value: { get_secret: [canary, member] } }
capabilities:
  told: { value: { get_secret: canary } }
`;
const SCRIPTS = {
  'use.sh': `printf %s "$SECRET" | sha256sum | cut -c1-64 >> "$WITNESS"
[ "$JOINED" = "user:$SECRET@host" ] && [ "$PROPERTY" = "$SECRET" ] && echo joined >> "$WITNESS"`,
  'print.sh': 'echo "out: $SECRET"; echo "err: $SECRET" >&2; env; set -x; : "$SECRET"',
  'tell.sh': 'ctx logger info "said $SECRET"; ctx returns "returned $SECRET"',
  'fail.sh': 'echo "cannot use $SECRET" >&2; exit 3',
};

async function ended(deployment: string, workflow: string): Promise<string> {
  const body = { deployment_id: deployment, workflow_id: workflow };
  const { json } = await ask('POST', '/executions', { body });
  for (;;) {
    const { text } = await ask('GET', `/executions/${String(json.id)}`);
    const status = /"status":"(terminated|failed|cancelled)"/.exec(text)?.[1];
    if (status !== undefined) return status;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('the value of a secret is in no log line, no table, no plan, no event and no answer but those that are asked for it', async () => {
  const witness = join(folder, 'witness');
  // The only request that carries the value in.
  assert.equal(
    (await plain('PUT', '/secrets/canary', { body: { value: CANARY, is_hidden_value: true } })).status,
    200,
  );
  await ask('PUT', '/users', { body: { username: 'eve', password: 'eves password' } });
  await ask('PUT', '/tenants/users', {
    body: { username: 'eve', tenant_name: 'default_tenant', role: 'user' },
  });
  const eve = { username: 'eve', password: 'eves password' };

  const files = Object.entries(SCRIPTS).map(([name, text]) => [name, `#!/bin/bash\n${text}\n`]);
  const archive = bytesOf({ 'blueprint.yaml': BLUEPRINT, ...Object.fromEntries(files) });
  const uploaded = await ask('PUT', '/blueprints/canary', { body: new Uint8Array(archive) });
  assert.equal(uploaded.status, 201, uploaded.text);
  const made = await ask('PUT', '/deployments/canary', {
    body: { blueprint_id: 'canary', inputs: { witness } },
  });
  assert.equal(made.status, 201, made.text);
  assert.equal(await ended('canary', 'install'), 'failed');
  assert.equal(await ended('canary', 'uninstall'), 'terminated');

  // The scripts did get it, and those who may read it do.
  const digest = createHash('sha256').update(CANARY).digest('hex');
  assert.equal(readFileSync(witness, 'utf8'), `${digest}\njoined\n`);
  assert.equal((await plain('GET', '/secrets/canary')).json.value, CANARY);
  assert.match((await plain('GET', '/deployments/canary/capabilities')).text, /canary-3c9f17d2a8/);
  const events = (await ask('GET', '/events?_size=10000')).text;
  assert.match(events, /out: \*{8}/);
  assert.match(events, /cannot use \*{8}/);
  assert.match(events, /returned \*{8}/);

  // Whatever could tell it by mistake.
  for (const path of [
    '/secrets',
    '/secrets/canary?_skip_value=true',
    '/blueprints',
    '/blueprints/canary',
    '/deployments',
    '/deployments/canary',
    '/nodes',
    '/nodes?_evaluate_functions=false',
    '/node-instances',
    '/executions?_include_system_workflows=true',
    '/users',
    '/status',
    '/snapshots',
    '/filters/deployments',
  ])
    await ask('GET', path);
  assert.equal((await ask('GET', '/secrets/canary', eve)).json.value, '');
  await ask('GET', '/secrets/share/export', eve);
  await ask('GET', '/secrets/share/export?_passphrase=some%20passphrase');
  for (const [method, path, body] of [
    ['PUT', '/secrets/canary', { value: CANARY }],
    ['PUT', '/secrets/canary', { value: CANARY, update_if_exists: true }],
    ['PATCH', '/secrets/canary', { value: { not: CANARY } }],
    ['PUT', '/secrets/other', { value: CANARY, schema: { const: 1 } }],
    ['PUT', '/secrets/bad key', { value: CANARY }],
    ['PATCH', '/secrets/none', { value: CANARY }],
    ['PUT', '/secrets/other', { value: CANARY, visibility: 'odd' }],
    [
      'POST',
      '/secrets/share/import',
      { secrets_list: [{ key: 'x', value: CANARY }], override_collisions: true },
    ],
  ] as const) {
    const { status } = await ask(method, path, { ...eve, body });
    assert.ok(status >= 400 || path.endsWith('import'), `${method} ${path}: ${status}`);
  }
  const snapshot = await ask('PUT', '/snapshots/canary', {
    body: { passphrase: 'a passphrase of the canary' },
  });
  assert.equal(snapshot.status, 201, snapshot.text);
  for (;;) {
    const { text } = await ask('GET', '/snapshots/canary');
    if (text.includes('"created"')) break;
    assert.ok(!text.includes('"failed"'), text);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const bytes = (await plain('GET', '/snapshots/canary/archive')).bytes;
  const { readZip } = await import('../../src/catalog/archive/zip.js');
  const { DEFAULT_ARCHIVE_LIMITS } = await import('../../src/catalog/archive/limits.js');
  const range = async function* (start: number, end: number) {
    yield bytes.subarray(start, end);
  };
  let unpacked = 0;
  for await (const { path, content } of readZip({ size: bytes.length, range }, DEFAULT_ARCHIVE_LIMITS)) {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    const whole = Buffer.concat(chunks);
    unpacked += whole.length;
    assertClean(PARTS, `${path} of the snapshot`, whole.toString('latin1'));
  }
  assert.ok(unpacked > 100_000, 'the snapshot was really read');

  for (const answer of answers) assertClean(PARTS, 'an answer', answer);
  assert.ok(server.lines.length > 50, 'requests were really logged');
  assertClean(PARTS, 'the log', server.lines.join('\n'));
  await assertTablesClean(server, PARTS);
});
