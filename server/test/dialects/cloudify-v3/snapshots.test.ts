import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { after, describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { bytesOf } from '../../support/catalog.js';
import { aWebBlueprint, missing } from './a-web-blueprint.js';
import { type Answer, clientOf, type Found } from './client.js';

const PASSPHRASE = 'a horse, a battery and a staple';
const ATTRIBUTES = ['status', 'tenant_name', 'created_at', 'created_by', 'private_resource', 'error', 'id'];

const files = new Map<string, Buffer>();
const fileServer = createServer((request, response) => {
  const found = files.get(request.url ?? '');
  response.writeHead(found === undefined ? 404 : 200);
  response.end(found);
});
await new Promise<void>((resolve) => fileServer.listen(0, '127.0.0.1', resolve));
after(() => fileServer.close());
const { port } = fileServer.address() as { port: number };

type Ask = ReturnType<typeof clientOf>;
const open = { CLOUD_ENDPOINT_ALLOWLIST: `127.0.0.1:${port}` };
const old = await aServer(open, { worker: true });
const ask = clientOf(old);
const v3 = { version: 'v3' } as const;

/** Asks until the answer is as wanted. */
async function until(
  what: string,
  question: () => Promise<Answer>,
  wanted: (answer: Answer) => boolean,
): Promise<Answer> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await question();
    if (wanted(answer)) return answer;
    if (Date.now() > deadline) assert.fail(`${what}: ${answer.status} ${answer.text}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function ended(on: Ask, id: unknown): Promise<Found> {
  const answer = await until(
    `execution ${String(id)}`,
    () => on('GET', `/executions/${String(id)}`),
    ({ status, text }) => status === 200 && /"status":"(terminated|failed|cancelled)"/.test(text),
  );
  return answer.json;
}

async function made(id: string, body?: object): Promise<void> {
  const answer = await ask('PUT', `/snapshots/${id}`, body === undefined ? {} : { body });
  assert.equal(answer.status, 201, answer.text);
  const { status, error } = await ended(ask, answer.json.id);
  assert.deepEqual([status, error], ['terminated', '']);
}

const web = await aWebBlueprint(ask);
const deployment = await web.deploy();
assert.equal((await web.finish(deployment, 'install')).status, 'terminated');
await ask('PUT', '/secrets/token', { body: { value: 'a value to keep' } });
await ask('POST', '/tenants/second', {});
await ask('PUT', '/users', { body: { username: 'eve', password: 'eves password' } });
await ask('PUT', '/tenants/users', { body: { username: 'eve', tenant_name: 'second', role: 'manager' } });
await ask('PUT', '/secrets/other', {
  tenant: 'second',
  body: { value: { port: 22 }, schema: { type: 'object' } },
});
const eve = { username: 'eve', password: 'eves password', tenant: 'second' };

describe('snapshots', () => {
  test('are made by an execution of the system, asked for with no body at all', async () => {
    const answer = await ask('PUT', '/snapshots/snapshot1', v3);
    assert.equal(answer.status, 201, answer.text);
    const { workflow_id, is_system_workflow, deployment_id, blueprint_id, parameters } = answer.json;
    assert.deepEqual(
      [workflow_id, is_system_workflow, deployment_id, blueprint_id],
      ['create_snapshot', true, null, null],
    );
    assert.deepEqual(
      [parameters?.snapshot_id, parameters?.include_credentials, parameters?.include_metrics],
      ['snapshot1', true, false],
    );
    assert.equal((await ended(ask, answer.json.id)).status, 'terminated');
    const one = (await ask('GET', '/snapshots/snapshot1', v3)).json;
    assert.deepEqual(missing(ATTRIBUTES, one), []);
    assert.deepEqual([one.status, one.error, one.created_by], ['created', '', 'admin']);
    const events = await ask('GET', `/events?execution_id=${String(answer.json.id)}`);
    assert.match(events.text, /'create_snapshot' workflow execution succeeded/);
  });

  test('are listed with the fields that are asked for', async () => {
    const { items, metadata } = (await ask('GET', '/snapshots?_include=id', v3)).json;
    assert.deepEqual(items, [{ id: 'snapshot1' }]);
    assert.equal(metadata?.pagination?.total, 1);
  });

  test('come byte for byte the same, under both spellings of the path, with their length', async () => {
    const first = await ask('GET', '/snapshots/snapshot1/archive');
    const again = await ask('GET', '/snapshot/snapshot1/archive', v3);
    assert.equal(first.status, 200);
    assert.deepEqual(first.bytes, again.bytes);
    assert.equal(Number(first.headers.get('content-length')), first.bytes.length);
    assert.equal(first.headers.get('content-disposition'), 'attachment; filename="snapshot1.zip"');
    assert.equal(first.bytes.subarray(0, 2).toString(), 'PK');
  });

  test('have an id only once', async () => {
    const again = await ask('PUT', '/snapshots/snapshot1', { body: {} });
    assert.deepEqual([again.status, again.json.error_code], [409, 'conflict_error']);
  });

  test('are not for those who do not administer', async () => {
    for (const [method, path, body] of [
      ['GET', '/snapshots', undefined],
      ['GET', '/snapshots/snapshot1', undefined],
      ['PUT', '/snapshots/mine', {}],
      ['GET', '/snapshots/snapshot1/archive', undefined],
      ['PUT', '/snapshots/mine/archive', 'bytes'],
      ['POST', '/snapshots/snapshot1/restore', { force: true }],
      ['PATCH', '/snapshots/snapshot1', { status: 'failed' }],
      ['DELETE', '/snapshots/snapshot1', undefined],
    ] as const) {
      const answer = await ask(method, path, { ...eve, ...(body === undefined ? {} : { body }) });
      assert.deepEqual(
        [answer.status, answer.json.error_code],
        [403, 'forbidden_error'],
        `${method} ${path}`,
      );
    }
    assert.equal((await ask('GET', '/snapshots/snapshot1')).status, 200);
  });

  test('are uploaded by body or from a URL, and refused unless whole', async () => {
    const { bytes } = await ask('GET', '/snapshots/snapshot1/archive');
    files.set('/archive.zip', bytes);
    const body = new Uint8Array(bytes);
    const uploaded = await ask('PUT', '/snapshots/snapshot5/archive', { ...v3, body });
    assert.equal(uploaded.status, 201, uploaded.text);
    assert.deepEqual(missing(ATTRIBUTES, uploaded.json), []);
    assert.equal(uploaded.json.status, 'uploaded');
    const url = encodeURIComponent(`http://127.0.0.1:${port}/archive.zip`);
    assert.equal((await ask('PUT', `/snapshots/fetched/archive?snapshot_archive_url=${url}`)).status, 201);
    for (const id of ['snapshot5', 'fetched'])
      assert.deepEqual((await ask('GET', `/snapshots/${id}/archive`)).bytes, bytes);
    assert.equal((await ask('PUT', '/snapshots/fetched/archive', { body })).status, 201);

    const spoilt = Buffer.from(bytes);
    spoilt[bytes.indexOf('tables/users.txt') + 50]! ^= 1;
    for (const [what, content] of [
      ['not a zip', Buffer.from('not a snapshot')],
      ['nothing', Buffer.alloc(0)],
      ['cut short', bytes.subarray(0, bytes.length - 100)],
      ['altered', spoilt],
      ['another archive', bytesOf({ 'blueprint.yaml': 'x' })],
      ['random', randomBytes(10_000)],
    ] as const) {
      const answer = await ask('PUT', '/snapshots/bad/archive', { body: new Uint8Array(content) });
      assert.equal(answer.status, 400, `${what}: ${answer.text}`);
      assert.equal((await ask('GET', '/snapshots/bad')).status, 404, what);
    }
    const missingUrl = encodeURIComponent(`http://127.0.0.1:${port}/nothing`);
    assert.equal((await ask('PUT', `/snapshots/bad/archive?snapshot_archive_url=${missingUrl}`)).status, 400);
    assert.equal(
      (await ask('PUT', `/snapshots/bad/archive?snapshot_archive_url=${url}`, { body: 'x' })).status,
      400,
    );
    const { rows } = await old.pool.query<{ left: number }>(
      'select count(*)::integer as left from snapshot_archives a where not exists (select from snapshots s where s.archive = a.uid)',
    );
    assert.equal(rows[0]?.left, 0, 'what was refused leaves nothing behind');
  });

  test('are told as deleted under both versions', async () => {
    const deleted = await ask('DELETE', '/snapshots/fetched');
    assert.deepEqual([deleted.status, deleted.json.id], [200, 'fetched']);
    assert.equal((await ask('DELETE', '/snapshots/fetched', v3)).status, 404);
  });

  test('have a status that may be said again, and not be made up', async () => {
    assert.equal(
      (await ask('PATCH', '/snapshots/snapshot5', { body: { status: 'uploaded', error: 'odd' } })).json.error,
      'odd',
    );
    for (const status of ['failed', 'creating', 'nonsense'])
      assert.equal((await ask('PATCH', '/snapshots/snapshot5', { body: { status } })).status, 400);
  });

  test('are not restored where something would be lost, unless that is wanted', async () => {
    const answer = await ask('POST', '/snapshots/snapshot1/restore', {
      ...v3,
      body: { recreate_deployments_envs: true, force: false },
    });
    assert.deepEqual([answer.status, answer.json.error_code], [400, 'snapshot_action_error']);
    assert.match(answer.text, /blueprints \(1\)/);
    const odd = await ask('POST', '/snapshots/snapshot1/restore', { body: { force: true, no_reboot: true } });
    assert.equal(odd.json.error_code, 'bad_parameters_error');
    assert.equal((await ask('POST', '/snapshots/none/restore', { body: { force: true } })).status, 404);
  });

  test('that are not whole are neither downloaded nor restored nor deleted while they are made', async () => {
    await old.pool.query(
      `insert into snapshots (id, tenant_name, created_by, status) values ('halfway', 'default_tenant', 'admin', 'creating'), ('broken', 'default_tenant', 'admin', 'failed')`,
    );
    for (const id of ['halfway', 'broken']) {
      assert.equal((await ask('GET', `/snapshots/${id}/archive`)).json.error_code, 'snapshot_action_error');
      const restored = await ask('POST', `/snapshots/${id}/restore`, { body: { force: true } });
      assert.equal(restored.json.error_code, 'snapshot_action_error');
    }
    assert.equal((await ask('DELETE', '/snapshots/halfway')).json.error_code, 'snapshot_action_error');
    assert.equal(
      (await ask('PATCH', '/snapshots/halfway', { body: { status: 'failed', error: 'given up' } })).json
        .status,
      'failed',
    );
    for (const id of ['halfway', 'broken'])
      assert.equal((await ask('DELETE', `/snapshots/${id}`)).status, 200);
  });
});

test('an installation is restored on an empty one with another master key, whole and alive', async () => {
  await made('moving', { include_credentials: true, passphrase: PASSPHRASE });
  const { bytes } = await ask('GET', '/snapshots/moving/archive');
  const before = {
    blueprint: (await ask('GET', '/blueprints/web/archive')).bytes,
    plan: (await ask('GET', '/blueprints/web?_include=plan')).text,
    deployment: (await ask('GET', `/deployments/${deployment}`)).text,
    nodes: (await ask('GET', '/nodes?_sort=id')).text,
    instances: (await ask('GET', '/node-instances?_sort=id')).text,
    users: (await ask('GET', '/users?_include=username,role,tenants&_get_data=true')).text,
    tenants: (await ask('GET', '/tenants?_sort=name')).text,
    secrets: (await ask('GET', '/secrets')).text,
    events: (await ask('GET', `/events?deployment_id=${deployment}`)).json.metadata?.pagination?.total,
  };

  const fresh = await aServer(open, { worker: true });
  const anew = clientOf(fresh);
  assert.equal((await anew('PUT', '/snapshots/moving/archive', { body: new Uint8Array(bytes) })).status, 201);
  // Without the passphrase nothing happens, since the master key is another.
  const blind = await anew('POST', '/snapshots/moving/restore', { body: { force: false } });
  assert.equal(blind.status, 200, blind.text);
  assert.match(
    String((await ended(anew, blind.json.id)).error),
    /master key that this installation does not have/,
  );
  const wrong = await anew('POST', '/snapshots/moving/restore', {
    body: { force: false, passphrase: 'something else' },
  });
  assert.match(String((await ended(anew, wrong.json.id)).error), /not the passphrase/);
  assert.equal((await anew('GET', '/blueprints')).json.metadata?.pagination?.total, 0);

  const restoring = await anew('POST', '/snapshots/moving/restore', {
    ...v3,
    body: { force: false, passphrase: PASSPHRASE },
  });
  assert.equal(restoring.status, 200, restoring.text);
  assert.deepEqual(missing(ATTRIBUTES, restoring.json), []);
  const done = await ended(anew, restoring.json.id);
  assert.deepEqual(
    [done.status, done.workflow_id, done.is_system_workflow],
    ['terminated', 'restore_snapshot', true],
  );
  assert.equal(
    (await anew('GET', '/snapshot-status', { headers: { authorization: '' } })).json.status,
    'not-running',
  );

  assert.deepEqual((await anew('GET', '/blueprints/web/archive')).bytes, before.blueprint);
  assert.equal((await anew('GET', '/blueprints/web?_include=plan')).text, before.plan);
  assert.equal((await anew('GET', `/deployments/${deployment}`)).text, before.deployment);
  assert.equal((await anew('GET', '/nodes?_sort=id')).text, before.nodes);
  assert.equal((await anew('GET', '/node-instances?_sort=id')).text, before.instances);
  assert.equal(
    (await anew('GET', '/users?_include=username,role,tenants&_get_data=true')).text,
    before.users,
  );
  assert.equal((await anew('GET', '/tenants?_sort=name')).text, before.tenants);
  assert.equal((await anew('GET', '/secrets')).text, before.secrets);
  assert.equal(
    (await anew('GET', `/events?deployment_id=${deployment}`)).json.metadata?.pagination?.total,
    before.events,
  );
  assert.equal((await anew('GET', '/secrets/token')).json.value, 'a value to keep');
  assert.deepEqual((await anew('GET', '/secrets/other', eve)).json.value, { port: 22 });
  const { rows } = await fresh.pool.query<{ right: boolean }>(
    `select (select sum(difference) from row_counts where collection = 'executions') = (select count(*) from executions) as right`,
  );
  assert.equal(rows[0]?.right, true, 'rows are counted as they are');
  const making = (await anew('GET', '/executions?workflow_id=create_snapshot&_include_system_workflows=true'))
    .json;
  assert.ok((making.items as unknown as { status: string }[]).every(({ status }) => status === 'terminated'));

  // What was made there is taken down here; what comes next does not collide with it.
  const uninstall = await anew('POST', '/executions', {
    body: { deployment_id: deployment, workflow_id: 'uninstall' },
  });
  assert.equal(uninstall.status, 201, uninstall.text);
  assert.equal((await ended(anew, uninstall.json.id)).status, 'terminated');
  assert.equal((await anew('DELETE', `/deployments/${deployment}`)).status, 204);
  assert.equal((await anew('PUT', '/secrets/later', { body: { value: 'after' } })).status, 200);
  assert.equal((await anew('GET', '/secrets/later')).json.value, 'after');
  const body = new Uint8Array(
    bytesOf({
      'blueprint.yaml':
        'tosca_definitions_version: cloudify_dsl_1_3\nnode_types: {x: {}}\nnode_templates: {n: {type: x}}\n',
    }),
  );
  assert.equal((await anew('PUT', '/blueprints/second', { body })).status, 201);
  assert.deepEqual(
    fresh.lines.filter((line) => line.includes('"level":"error"')),
    [],
  );
});

test('nothing that was asked here was a mistake of the server', () => {
  assert.deepEqual(
    old.lines.filter((line) => line.includes('"level":"error"')),
    [],
  );
});
