/** Servers and resource handlers over CloudBolt's wire: read, acted on, synchronized; and by whom. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { call, succeeded } from '../../../src/inventory/handlers/conformance.js';
import { visit } from '../../journeys/a-visitor.js';
import { ADMIN, aServer } from '../../support/a-server.js';
import { speaking } from './client.js';

const server = await aServer({}, { worker: true });
const { core, pool, url } = server;
const admin = speaking(url, ADMIN);
const caller = await core.callers.actingAs('admin', 'default_tenant', 'test');
const tenant = caller.tenant!.id;
const { deploy, run } = visit(server);

const made = await admin.expect(201, 'POST', 'resource-handlers/', {
  name: 'This host',
  type: 'Local processes',
});
const handler = Number(made.body.id);
const { hands } = await core.serverHandlers.handsFor(pool, tenant, handler);

after(async () => {
  for (const one of await succeeded(() => hands.list(call())))
    await succeeded(() => hands.remove(one, call()));
});

async function person(username: string): Promise<ReturnType<typeof speaking>> {
  const password = `${username}-password`;
  await core.users.create(caller, { username, password, role: 'member' });
  return speaking(url, { username, password });
}

async function jobDone(href: string): Promise<void> {
  const number = Number(/(\d+)\/?$/.exec(href)![1]);
  for (;;) {
    const { rows } = await pool.query(
      'select x.status, x.error from jobs j join executions x on x.uid = j.execution_uid where j.number = $1',
      [number],
    );
    // It may not have begun.
    const { status = '', error = '' } = (rows[0] ?? {}) as { status?: string; error?: string };
    if (['terminated', 'failed', 'cancelled'].includes(status)) {
      assert.equal(status, 'terminated', error);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

const act = async (path: string, body?: unknown) => {
  const answer = await admin.expect(200, 'POST', path, body);
  const { href, title } = answer.body['run-action-job'].self;
  assert.match(title, /^Job id \d+$/);
  await jobDone(href);
};

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml, orrery/servers.yaml]
node_templates:
  web:
    type: orrery.nodes.Server
    properties: { cloud_account: 'This host', hostname: Web01, cpus: 1, memory_mb: 2048, disk_gb: 20 }
`;

let id = '';

test('a server that is there is listed thin, and told whole', async () => {
  await deploy('shop', { 'blueprint.yaml': BLUEPRINT });
  assert.equal((await run('shop', 'install')).status, 'terminated');
  const list = await admin.expect(200, 'GET', 'servers/?filter=hostname:web01');
  assert.equal(list.body.total, 1);
  const [thin] = list.body._embedded;
  assert.deepEqual(Object.keys(thin), ['_links', 'hostname', 'id']);
  assert.match(list.body._links.self.title, /^List of Servers - Page 1 of 1$/);
  id = thin.id;
  const { body } = await admin.expect(200, 'GET', thin._links.self.href);
  assert.deepEqual(Object.keys(body).slice(0, 4), ['_links', 'hostname', 'power-status', 'status']);
  assert.deepEqual(
    [
      body.hostname,
      body['power-status'],
      body.status,
      body['cpu-cnt'],
      body['mem-size'],
      body['disk-size'],
      body.id,
    ],
    ['Web01', 'POWERON', 'ACTIVE', 1, '2.0000 GB', '20 GB', id],
  );
  assert.match(body.ip, /^127\./);
  assert.match(body['date-added-to-cloudbolt'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$/);
  assert.deepEqual(body.credentials, { username: '', password: 'not set', key: 'not set' });
  assert.equal(body.disks[0]['disk-size'], 20);
  assert.equal(body.networks[0].name, 'NIC 0');
  assert.deepEqual(
    body._links.actions.map((each: object) => Object.keys(each)[0]),
    ['power_on', 'power_off', 'reboot', 'refresh_info', 'snapshot'],
  );
  assert.deepEqual(body._links['os-build'], {});
  assert.equal(body._links['resource-handler'].title, 'This host');
});

test('lists are filtered and given attributes, and what is not known is refused', async () => {
  const { body } = await admin.expect(
    200,
    'GET',
    'servers/?filter=power-status:POWERON;resource-handler.name.contains:host&attributes=ip,resource-handler,mem-size',
  );
  assert.equal(body.total, 1);
  assert.match(body._embedded[0].ip, /^127\./);
  assert.equal(body._embedded[0]['resource-handler'], 'This host');
  assert.equal(body._embedded[0]['mem-size'], 2);
  const none = await admin.expect(200, 'GET', 'servers/?filter=status:HISTORICAL');
  assert.equal(none.body.total, 0);
  assert.match(
    (await admin.expect(400, 'GET', 'servers/?filter=foo:1')).body.error,
    /Cannot resolve keyword 'foo' into field/,
  );
});

test('actions are jobs that act on the process', async () => {
  const power = async () => (await admin.expect(200, 'GET', `servers/${id}/`)).body['power-status'];
  await act(`servers/${id}/actions/poweroff`);
  assert.equal(await power(), 'POWEROFF');
  await act(`servers/${id}/actions/poweroff/`, '');
  await act(`servers/${id}/actions/poweron/`);
  assert.equal(await power(), 'POWERON');
  await act(`servers/${id}/actions/reboot`);
  await act(`servers/${id}/actions/snapshot/`, { name: 'Weekly Backup' });
  await act(`servers/${id}/actions/refresh-info`);
  const { body } = await admin.expect(200, 'GET', `servers/${id}`);
  assert.equal(body.snapshots[0].name, 'Weekly Backup');
  const history = await admin.expect(200, 'GET', `servers/${id}/history/`);
  assert.deepEqual(
    history.body._embedded.map((each: Record<string, string>) => each['event-type']).slice(0, 2),
    ['snapshot', 'power'],
  );
  const jobs = await admin.expect(200, 'GET', `servers/${id}/related-jobs/?page_size=2`);
  assert.equal(jobs.body.total, 6);
  assert.equal(jobs.body._embedded[0].type, 'Server Action');
  assert.ok(jobs.body._links.next.href.includes(`servers/${id}/related-jobs`));
});

test('who is in no group sees and does nothing; a member sees; who may control power does', async () => {
  const stranger = await person('stranger');
  assert.equal((await stranger.get('servers/')).body._embedded?.length ?? 0, 0);
  await stranger.expect(404, 'GET', `servers/${id}/`);
  await stranger.expect(404, 'POST', `servers/${id}/actions/poweroff`, {});

  const viewer = await person('viewer');
  await core.groups.create(caller, { name: 'Shop', type: 'Organization' });
  await pool.query(
    `update servers set group_uid = (select uid from ordering_groups where name = 'Shop') where number = $1`,
    [id],
  );
  const join = (username: string, permissions: string[]) =>
    pool.query(
      `with role as (insert into ordering_roles (tenant_id, name, label, permissions) values ($1, $2, $2, $3) returning uid)
       insert into ordering_members (tenant_id, group_uid, user_id, role_uid)
       select $1, g.uid, u.id, role.uid from ordering_groups g, users u, role where g.name = 'Shop' and u.username = $4`,
      [tenant, `role_of_${username}`, permissions, username],
    );
  await join('viewer', ['server.view']);
  assert.equal((await viewer.expect(200, 'GET', 'servers/')).body.total, 1);
  await viewer.expect(403, 'POST', `servers/${id}/actions/poweroff`, {});
  const operator = await person('operator');
  await join('operator', ['server.view', 'server.control_power', 'job.view']);
  const answer = await operator.expect(200, 'POST', `servers/${id}/actions/poweron`, {});
  await jobDone(answer.body['run-action-job'].self.href);
  await operator.expect(403, 'POST', `servers/${id}/actions/snapshot`, {});
  await operator.expect(403, 'POST', 'resource-handlers/actions/sync-vms', {});
  await operator.expect(403, 'POST', 'resource-handlers/', { name: 'x', type: 'local' });
  await operator.expect(403, 'DELETE', `resource-handlers/${handler}/`);
});

test('resource handlers are listed and told without secrets, and refused when they make no sense', async () => {
  const { body } = await admin.expect(200, 'GET', `resource-handlers/${handler}/`);
  assert.deepEqual([body.name, body.type, body.ip], ['This host', 'Local processes', '']);
  assert.ok(Object.keys(body._links.actions[0])[0] === 'sync-vms');
  const aws = { name: 'Cloud', type: 'Amazon Web Services', settings: { region: 'us-east-1' } };
  assert.match((await admin.expect(400, 'POST', 'resource-handlers/', aws)).body.error, /access_key_id/);
  const secrets = { access_key_id: 'AKIAHIDDEN', secret_access_key: 'very-hidden' };
  const kept = await admin.expect(201, 'POST', 'resource-handlers/', { ...aws, secrets });
  assert.ok(!kept.text.includes('hidden') && !kept.text.includes('AKIAHIDDEN'));
  const inside = { region: 'us-east-1', endpoint: 'http://169.254.169.254/' };
  assert.match(
    (await admin.expect(400, 'POST', 'resource-handlers/', { ...aws, secrets, settings: inside })).body.error,
    /CLOUD_ENDPOINT_ALLOWLIST/,
  );
  await admin.expect(204, 'DELETE', `resource-handlers/${kept.body.id}/`);
  await admin.expect(400, 'POST', 'resource-handlers/', { name: 'x', type: 'Abacus' });
});

test('synchronizing imports what others made, updates, and marks what vanished as historical', async () => {
  // Of another run of this test at the same time it must be told apart.
  const uuid = randomUUID();
  const wish = {
    uuid,
    hostname: 'stray',
    image: '',
    cpus: 1,
    memoryMb: 512,
    diskGb: 1,
    networks: [],
    username: null,
    password: null,
    script: '',
    tags: {},
  };
  await succeeded(() => hands.build(wish, call()));
  await act('resource-handlers/actions/sync-vms', {});
  const found = await admin.expect(200, 'GET', 'servers/?filter=hostname:stray');
  assert.equal(found.body.total, 1);
  const stray = found.body._embedded[0].id;
  // Its handler can, though nothing here has built it.
  await act(`servers/${stray}/actions/poweroff`, {});
  await succeeded(() => hands.remove({ uuid, providerId: null }, call()));
  await act('resource-handlers/actions/sync-vms', {
    'resource-handlers': [`/api/v2/resource-handlers/${handler}`],
  });
  const gone = await admin.expect(200, 'GET', `servers/${stray}/`);
  assert.deepEqual([gone.body.status, gone.body['power-status']], ['HISTORICAL', 'POWEROFF']);
  assert.deepEqual(gone.body._links.actions, []);
  assert.equal((await admin.expect(200, 'GET', `servers/${id}/`)).body.status, 'ACTIVE');
});

test('one synchronization of a handler at a time', async () => {
  await pool.query(
    `insert into server_syncs (tenant_id, cloud_account_uid, execution_id) values ($1, $2, 'held')`,
    [tenant, handler],
  );
  const refused = await admin.expect(409, 'POST', 'resource-handlers/actions/sync-vms', {});
  assert.match(
    refused.body.error,
    /A synchronization job for resource handler 'This host' is already running/,
  );
  await core.serverSyncs.settleAbandoned();
  await act('resource-handlers/actions/sync-vms', {});
});

test('templates of a handler stand for OS builds', async () => {
  const { rows } = await pool.query(
    `insert into os_builds (tenant_id, number, name) values ($1, 901, 'Debian 12') returning uid`,
    [tenant],
  );
  const body = [{ template: 'debian-12', 'os-build': '/api/v2/os-builds/901' }];
  const answer = await admin.expect(200, 'POST', `resource-handlers/${handler}/import-template/`, body);
  assert.equal(answer.body.status_code, 200);
  const images = await pool.query('select image from os_build_images where os_build_uid = $1', [rows[0].uid]);
  assert.deepEqual(images.rows, [{ image: 'debian-12' }]);
  for (const none of [null, 7])
    await admin.expect(400, 'POST', `resource-handlers/${handler}/import-template/`, [none, body]);
  await admin.expect(404, 'POST', `resource-handlers/${handler}/import-template/`, {
    template: 'x',
    'os-build': '/api/v2/os-builds/4711',
  });
});

test('resources and services are empty where nothing was built from an offer', async () => {
  assert.equal((await admin.expect(200, 'GET', 'services/')).body.total, 0);
  assert.equal((await admin.expect(200, 'GET', 'resources/service/')).body.total, 0);
  await admin.expect(404, 'GET', 'services/1/');
  await admin.expect(404, 'GET', 'resources/service/1/');
});

test('servers of a handler that is removed are historical, and another tenant never saw them', async () => {
  const elsewhere = await core.tenants
    .create(caller, 'elsewhere')
    .then(() => core.callers.actingAs('admin', 'elsewhere', 'test'));
  const page = await core.servers.list(elsewhere, {
    shape: { number: 'number' },
    filters: [],
    sort: [],
    offset: 0,
    size: 10,
  });
  assert.equal(page.total, 0);
  await assert.rejects(core.servers.get(elsewhere, { number: Number(id) }), { kind: 'not-found' });
  await assert.rejects(core.servers.act(elsewhere, { number: Number(id) }, 'power_off'), {
    kind: 'not-found',
  });
  for (const one of await succeeded(() => hands.list(call())))
    await succeeded(() => hands.remove(one, call()));
  await admin.expect(204, 'DELETE', `resource-handlers/${handler}/`);
  const { body } = await admin.expect(200, 'GET', `servers/${id}/`);
  assert.equal(body.status, 'HISTORICAL');
});
