/** Actions that people run over CloudBolt's wire: on servers, on what was built under one name, and rules. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import type { NewAction } from '../../../src/ordering/actions.js';
import { inTransaction } from '../../../src/store/transaction.js';
import { anActionWorld, input, sh } from './an-action-world.js';
import { speaking } from './client.js';

/** What webhooks are sent to, and what it was told. */
const told: { url: string; host: string; body: string }[] = [];
const other = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  told.push({
    url: request.url!,
    host: String(request.headers['x-host']),
    body: Buffer.concat(chunks).toString(),
  });
  response.writeHead(request.url === '/busy' ? 503 : 202).end('{\n  "ticket": 7\n}');
});
await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
after(() => {
  other.closeAllConnections();
  other.close();
});
const hookPort = (other.address() as AddressInfo).port;

const {
  core,
  pool,
  url,
  client,
  admin,
  scope,
  anAction,
  offer,
  over,
  run,
  events,
  group,
  order,
  caller,
  tenant,
} = await anActionWorld({ CLOUD_ENDPOINT_ALLOWLIST: `127.0.0.1:${hookPort}` });

let service = '';
let web = '';

describe('what was built under one name', () => {
  test('is told whole, with what can be run on it', async () => {
    const done = await client.ended(await order('Web Service', { 'resource-name': 'Shop' }));
    assert.equal(done.status, 'SUCCESS', JSON.stringify(done.failures));
    const job = await client.get(done._links.jobs[0].href);
    service = /(\d+)$/.exec(job._links.resource.href)![1]!;
    const body = await client.get(`/api/v2/resources/service/${service}/`);
    assert.deepEqual(
      [body.name, body.status, body._links.blueprint.title],
      ['Shop', 'Active', 'Web Service'],
    );
    assert.deepEqual(
      body._links.actions.map((one: object) => Object.keys(one)[0]),
      ['Delete', 'Scale'],
    );
    assert.equal(body._links.actions[0].Delete.href, `/api/v2/resources/service/${service}/actions/1`);
    assert.equal(body.rate, '0.00/month');
    web = /(\d+)$/.exec(body._links.servers[0].href)![1]!;
    const same = await client.get(`/api/v2/services/${service}/`);
    assert.equal(same._links.self.href, `/api/v2/services/${service}`);
    assert.equal(same._links.actions[0].Delete.href, `/api/v2/services/${service}/actions/1`);
  });

  test('has its jobs and its history', async () => {
    const jobs = await client.get(`/api/v2/resources/service/${service}/related-jobs/`);
    assert.deepEqual(
      jobs._embedded.map((job: { type: string }) => job.type),
      ['Deploy Blueprint', 'Provision Server', 'Orchestration Action'],
    );
    assert.match(jobs._links.self.title, /^List of Related Jobs - Page 1 of 1$/);
    assert.deepEqual(await events(`resources/service/${service}`), ['built', 'ordered']);
    await admin.expect(404, 'GET', `resources/service/4711/related-jobs/`);
    await admin.expect(404, 'GET', `resources/parcel/${service}/history/`);
  });

  test('has actions run on it, by either path, with its facts', async () => {
    const told = sh('Tell', 'echo "$RESOURCE_NAME as $mood"', { inputs: [input('mood')] });
    const { number } = await offer('resource', told);
    for (const path of [`resources/service/${service}`, `services/${service}`]) {
      const job = await run(`${path}/actions/${number}/`, { parameters: { mood: 'good' } });
      assert.deepEqual([job.type, job.status, job.output], ['Resource Action', 'SUCCESS', 'Shop as good']);
      assert.equal(job._links.resource.title, 'Shop');
    }
    assert.equal((await events(`resources/service/${service}`))[0], 'action');
    const missing = await admin.expect(400, 'POST', `services/${service}/actions/${number}`, {});
    assert.match(missing.body.error, /'mood' is required/);
    await admin.expect(404, 'POST', `services/${service}/actions/4711`, {});
  });

  test('is scaled by an order, which counts against quotas', async () => {
    await admin.expect(201, 'POST', 'rates/', { subject: 'cpu', amount: 10 });
    const holds = async () =>
      (await pool.query('select count(*)::integer as count from quota_holds where server_uid is not null'))
        .rows[0].count;
    const before = await holds();
    const job = await run(`resources/service/${service}/actions/2/`, { parameters: { delta: 1 } });
    assert.deepEqual([job.type, job.status], ['Resource Action', 'SUCCESS'], job.errors);
    const grown = await client.get(`/api/v2/resources/service/${service}/`);
    assert.equal(grown._links.servers.length, 2);
    assert.equal(new Set(grown._links.servers.map((one: { title: string }) => one.title)).size, 2);
    assert.equal(await holds(), before + 1);
    const built = await client.ended(await client.get(job._links.order.href));
    assert.deepEqual([built.status, built.summary, built.rate], ['SUCCESS', 'Scale of Shop', '10.00/month']);
    assert.equal((await client.get(`/api/v2/services/${service}/`)).rate, '10.00/month');
    assert.equal(
      (await run(`services/${service}/actions/2`, { parameters: { delta: -1 } })).status,
      'SUCCESS',
    );
    const left = await pool.query(
      `select count(*)::integer as count from servers s join services v on v.uid = s.service_uid where v.number = $1 and s.status <> 'historical'`,
      [service],
    );
    assert.equal(left.rows[0].count, 1);
    for (const parameters of [{ delta: 0 }, { delta: -1 }, { tier: 'none' }, { size: 2 }])
      await admin.expect(400, 'POST', `services/${service}/actions/2`, { parameters });
  });

  test('has a workflow of its blueprint run, where an action names one', async () => {
    const { number } = await offer('resource', {
      name: 'Pull',
      kind: 'flow',
      settings: { workflow: 'pull' },
    });
    const job = await run(`services/${service}/actions/${number}`);
    assert.equal(job.status, 'SUCCESS', job.errors);
    const { rows } = await pool.query(
      `select x.workflow from jobs j join executions x on x.uid = j.execution_uid where j.number = $1`,
      [job.id],
    );
    assert.deepEqual(rows, [{ workflow: 'pull' }]);
  });
});

describe('actions of servers', () => {
  test('run as executions on the deployment that built it, and tell what they printed', async () => {
    const item = await client.get(`/api/v2/servers/${web}/`);
    const greet = item._links.actions.find((one: object) => 'Say Hello' in one)['Say Hello'];
    assert.equal(greet.href, `/api/v2/servers/${web}/actions/1`);
    const job = await run(`servers/${web}/actions/1/`);
    assert.deepEqual(
      [job.type, job.status, job.output],
      ['Server Action', 'SUCCESS', 'Hello from the server'],
    );
    assert.deepEqual(job.progress['total-tasks'], job.progress.completed);
    assert.equal(job._links.servers[0].title, item.hostname);
    const { rows } = await pool.query(
      `select x.workflow, d.id = s.deployment as same from jobs j join executions x on x.uid = j.execution_uid join deployments d on d.uid = x.deployment_uid,
         (select p.id as deployment from servers v join deployments p on p.uid = v.deployment_uid where v.number = $2) s where j.number = $1`,
      [job.id, web],
    );
    assert.deepEqual(rows, [{ workflow: 'run_action', same: true }]);
    assert.equal((await events(`servers/${web}`))[0], 'action');
  });

  test('may be plug-ins, which are told of the server and may fail', async () => {
    const source = `def run(job, server=None, size=1, **kwargs):
    if size > 2:
        return 'FAILURE', 'tried', 'too large'
    return 'SUCCESS', '%s is %s' % (server.hostname, size), ''
`;
    const inputs = [input('size', { type: 'INT' })];
    const { number } = await offer('server', { name: 'Measure', kind: 'plugin', source, inputs });
    const { hostname } = await client.get(`/api/v2/servers/${web}/`);
    const { id: base } = (await client.get('/api/v2/actions/?filter=name:Measure'))._embedded[0];
    const good = await run(`servers/${web}/actions/${number}`, { parameters: { [`size-a${base}`]: '2' } });
    assert.deepEqual([good.status, good.output], ['SUCCESS', `${hostname} is 2`], good.errors);
    const bad = await run(`servers/${web}/actions/${number}`, { parameters: { size: 3 } });
    assert.equal(bad.status, 'FAILURE');
    assert.match(bad.errors, /too large/);
    assert.equal(
      (await admin.expect(400, 'POST', `servers/${web}/actions/${number}`, { parameters: { size: 'x' } }))
        .status,
      400,
    );
  });

  test('that are synchronous are over when they are answered', async () => {
    const { number } = await offer('server', sh('At Once', 'echo now'), { synchronous: true });
    const { body } = await admin.expect(200, 'POST', `servers/${web}/actions/${number}`, {});
    assert.equal((await client.get(body['run-action-job'].self.href)).status, 'SUCCESS');
  });

  test('that require approval are a cart, which is submitted and approved as any other', async () => {
    const inputs = [input('word')];
    const { number } = await offer('server', sh('Ask First', 'echo "$word"', { inputs }), {
      requiresApproval: true,
    });
    const parameters = { word: 'please' };
    await admin.expect(400, 'POST', `servers/${web}/actions/${number}`, { parameters: { sword: 1 } });
    const answer = await client.post(`/api/v2/servers/${web}/actions/${number}`, { parameters });
    const { self } = answer['run-action-job'];
    assert.match(self.href, /orders\/\d+$/);
    const cart = await client.get(self.href);
    assert.deepEqual(
      [cart.status, cart.items['action-items']],
      [
        'CART',
        [{ server: `/api/v2/servers/${web}`, action: `/api/v2/server-actions/${number}`, parameters }],
      ],
    );
    const done = await client.ended(await client.post(`${self.href}/actions/submit`));
    assert.equal(done.status, 'SUCCESS', JSON.stringify(done.failures));
    const job = await client.get(done._links.jobs[0].href);
    assert.deepEqual([job.type, job.output, job._links.order.href], ['Server Action', 'please', self.href]);
    const again = await client.post(`${self.href}/actions/duplicate`);
    assert.deepEqual(again.items, cart.items);
    assert.equal(await client.delete(again._links.self.href), 204);
  });

  test('end when their job is canceled', async () => {
    const { number } = await offer('server', sh('Long', 'echo begun; sleep 300'));
    const { self } = (await client.post(`/api/v2/servers/${web}/actions/${number}`))['run-action-job'];
    while (!/begun/.test(await client.text(`${self.href}/log-download-txt/`)));
    await client.post(`${self.href}/actions/cancel`);
    assert.equal((await over(self.href)).status, 'CANCELED');
  });

  test('may be webhooks, which are sent what they are about, to hosts that are allowed alone', async () => {
    const hook = (name: string, url: string) =>
      offer('server', {
        name,
        kind: 'webhook',
        settings: { url, headers: { 'x-host': '{{ server.hostname }}' }, body: '{"id": {{ server.id }}}' },
      });
    const base = `http://127.0.0.1:${hookPort}`;
    const rung = await run(
      `servers/${web}/actions/${(await hook('Ring', `${base}/ring/{{ server.id }}`)).number}`,
    );
    assert.deepEqual([rung.status, rung.output], ['SUCCESS', '{"ticket":7}'], rung.errors);
    const { hostname } = await client.get(`/api/v2/servers/${web}/`);
    assert.deepEqual(told, [{ url: `/ring/${web}`, host: hostname, body: `{"id": ${web}}` }]);
    const busy = await run(`servers/${web}/actions/${(await hook('Ring twice', `${base}/busy`)).number}`);
    assert.equal(busy.status, 'FAILURE');
    assert.match(busy.errors, /status 503/);
    assert.equal(told.length, 2, 'it is not tried again');
    const inward = await run(`servers/${web}/actions/${(await hook('Ring inward', `${url}/health`)).number}`);
    assert.equal(inward.status, 'FAILURE');
    assert.match(inward.errors, /cannot be contacted/);
    const halves = await offer('server', { name: 'Ring nowhere', kind: 'webhook' });
    assert.match(
      (await admin.expect(400, 'POST', `servers/${web}/actions/${halves.number}`)).body.error,
      /name no `url`/,
    );
  });

  test('that cannot be run here are refused with the reason, and not offered', async () => {
    const mail = await offer('server', { name: 'Write', kind: 'email' });
    assert.match(
      (await admin.expect(400, 'POST', `servers/${web}/actions/${mail.number}`)).body.error,
      /email/,
    );
    const off = await offer('server', sh('Off', 'true'), { enabled: false });
    await admin.expect(409, 'POST', `servers/${web}/actions/${off.number}`);
    const names = (await client.get(`/api/v2/servers/${web}/`))._links.actions.map(
      (one: object) => Object.keys(one)[0],
    );
    assert.ok(!names.includes('Write') && !names.includes('Off'), names.join());
  });

  test('are run by those alone who may', async () => {
    const person = { username: 'viewer', password: 'viewer-password' };
    await admin.expect(201, 'POST', 'users/', { ...person, groups: [{ group, roles: ['viewer'] }] });
    const viewer = speaking(url, person);
    await viewer.expect(403, 'POST', `servers/${web}/actions/1`, {});
    await viewer.expect(403, 'POST', `services/${service}/actions/1`, {});
    await viewer.expect(403, 'DELETE', `servers/${web}/`);
    const operator = { username: 'operator', password: 'operator-password' };
    await admin.expect(201, 'POST', 'users/', {
      ...operator,
      groups: [{ group, roles: ['resource_admin'] }],
    });
    const { body } = await speaking(url, operator).expect(200, 'POST', `servers/${web}/actions/1`, {});
    assert.equal((await over(body['run-action-job'].self.href)).status, 'SUCCESS');
  });

  test('cannot be started as a workflow, nor by an execution that was not given them', async () => {
    const { rows } = await pool.query<{ id: string }>(
      `select d.id from servers v join deployments d on d.uid = v.deployment_uid where v.number = $1`,
      [web],
    );
    await assert.rejects(
      core.executions.start(caller, { deploymentId: rows[0]!.id, workflow: 'run_action', parameters: {} }),
      { reason: 'workflow-unknown' },
    );
    const runs = await pool.query<{ uid: number }>(`select max(uid)::integer as uid from action_runs`);
    const step = { tenant: tenant.name, run: runs.rows[0]!.uid, step: 0, execution: 'another' };
    assert.equal((await core.actionWorks.prepare(step)).kind, 'refused');
  });
});

describe('rules', () => {
  const rules: Record<string, number> = {};
  const makeRule = async (name: string, condition: NewAction, action: NewAction) => {
    const uids = [(await anAction(condition)).uid, (await anAction(action)).uid] as const;
    const rule = { name, conditionUid: uids[0], actionUid: uids[1] };
    rules[name] = (await inTransaction(pool, (tx) => core.conditionRules.insert(tx, scope, rule))).number;
  };

  test('run their action with what their condition has found', async () => {
    const check = `def check(job, logger, **kwargs):
    return 'SUCCESS', 'looked', '', {'names': ['a', 'b']}
`;
    const act = `def run(job, names, **kwargs):
    return 'SUCCESS', 'mended ' + ' '.join(names), ''
`;
    await makeRule(
      'Mend',
      { name: 'Is broken', kind: 'plugin', source: check },
      { name: 'Mend it', kind: 'plugin', source: act, inputs: [input('names')] },
    );
    const rule = await client.get(`/api/v2/rules/${rules.Mend}/`);
    assert.ok(rule._links.actions.some((one: object) => 'run' in one));
    const job = await run(`rules/${rules.Mend}/actions/run`);
    assert.deepEqual([job.type, job.status], ['Rule', 'SUCCESS'], job.errors);
    assert.equal(job.output, 'looked\nmended a b');
    assert.equal(job.progress['total-tasks'], 2);
  });

  test('do nothing where it has found nothing', async () => {
    await makeRule('Idle', sh('Finds nothing', 'true'), sh('Never', 'echo never'));
    const job = await run(`rules/${rules.Idle}/actions/run/`);
    assert.deepEqual([job.status, job.output], ['SUCCESS', '']);
    assert.match(await client.text(job._links.log_urls['raw-log']), /Finds nothing has found nothing/);
  });

  test('fail with a condition that fails, and are refused where they are disabled or half', async () => {
    await makeRule('Broken', sh('Fails', 'exit 4'), sh('Never too', 'echo never'));
    assert.equal((await run(`rules/${rules.Broken}/actions/run`)).status, 'FAILURE');
    const person = { username: 'ruler', password: 'ruler-password' };
    await admin.expect(201, 'POST', 'users/', { ...person, groups: [{ group, roles: ['group_admin'] }] });
    await speaking(url, person).expect(403, 'POST', `rules/${rules.Broken}/actions/run`, {});
    await pool.query(`update ordering_rules set enabled = false where number = $1`, [rules.Broken]);
    await admin.expect(409, 'POST', `rules/${rules.Broken}/actions/run`);
    await pool.query(`update ordering_rules set enabled = true, action_uid = null where number = $1`, [
      rules.Broken,
    ]);
    assert.match(
      (await admin.expect(400, 'POST', `rules/${rules.Broken}/actions/run`)).body.error,
      /no action/,
    );
  });
});

test('a resource is deleted with its servers, by its action', async () => {
  const job = await run(`resources/service/${service}/actions/1/`);
  assert.deepEqual([job.type, job.status], ['Delete Resource', 'SUCCESS'], job.errors);
  const body = await client.get(`/api/v2/resources/service/${service}/`);
  assert.deepEqual([body.status, body._links.actions], ['Historical', []]);
  assert.equal((await client.get(`/api/v2/servers/${web}/`)).status, 'HISTORICAL');
  assert.equal((await events(`resources/service/${service}`))[0], 'ended');
  await admin.expect(409, 'POST', `services/${service}/actions/1`);
});
