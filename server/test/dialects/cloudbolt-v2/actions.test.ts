/** Actions over CloudBolt's wire: on servers and resources, rules, points at which they run by themselves; and servers that were found. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { call, succeeded } from '../../../src/inventory/handlers/conformance.js';
import type { NewAction } from '../../../src/ordering/actions.js';
import { inTransaction } from '../../../src/store/transaction.js';
import { ADMIN, aServer } from '../../support/a-server.js';
import { cloudbolt } from '../../support/cloudbolt-client.js';
import { speaking } from './client.js';

const server = await aServer({}, { worker: true, selfService: true });
const { core, pool, url } = server;
const client = await cloudbolt(url, ADMIN);
const admin = speaking(url, ADMIN);
const caller = await core.callers.actingAs('admin', 'default_tenant', 'test');
const tenant = caller.tenant!;
const scope = { tenantId: tenant.id, tenantName: tenant.name, userId: caller.userId, seesPrivate: true };
const local = await pool.query<{ uid: number }>(`select uid from cloud_accounts where kind = 'local'`);
const { hands } = await core.serverHandlers.handsFor(pool, tenant.id, local.rows[0]!.uid);

after(async () => {
  for (const one of await succeeded(() => hands.list(call())))
    await succeeded(() => hands.remove(one, call()));
});

type Use = Parameters<typeof core.actionUses.insert>[3];
const anAction = (action: NewAction) => inTransaction(pool, (tx) => core.actions.insert(tx, scope, action));
async function offer(on: 'server' | 'resource' | 'trigger', action: NewAction, more: Partial<Use> = {}) {
  const { uid } = await anAction(action);
  return inTransaction(pool, (tx) =>
    core.actionUses.insert(tx, scope, on, { label: action.name, runs: { actionUid: uid }, ...more }),
  );
}
const disable = (on: string, number: number) =>
  pool.query('update action_uses set enabled = false where used_on = $1 and number = $2', [on, number]);
const sh = (name: string, source: string, more: Partial<NewAction> = {}): NewAction => ({
  name,
  kind: 'script',
  source: `#!/bin/sh\n${source}\n`,
  ...more,
});
const input = (name: string, more = {}) => ({
  name,
  label: name,
  description: '',
  type: 'STR',
  required: true,
  options: null,
  constraints: {},
  default: null,
  ...more,
});

async function over(href: string) {
  const ends = ['SUCCESS', 'WARNING', 'FAILURE', 'CANCELED'];
  for (;;) {
    const job = await client.get(`${href}?wait=20`);
    if (ends.includes(job.status)) return job;
  }
}
async function run(path: string, body: object = {}) {
  const { self } = (await client.post(`/api/v2/${path}`, body))['run-action-job'];
  assert.match(self.title, /^Job id \d+$/);
  return over(self.href);
}
const events = async (path: string) =>
  (await client.get(`/api/v2/${path}/history/?page_size=100`))._embedded.map(
    (event: Record<string, string>) => event['event-type'],
  );

const groups = await client.get('/api/v2/groups/');
const group = groups._embedded.find((one: { name: string }) => one.name === 'Default')._links.self.href;
async function order(blueprint: string, more: object = {}) {
  const found = await client.get(`/api/v2/blueprints/?filter=name:${blueprint.replace(' ', '+')}`);
  return client.post('/api/v2/orders/', {
    group,
    'submit-now': 'true',
    items: {
      'deploy-items': [
        { blueprint: found._embedded[0]._links.self.href, 'blueprint-items-arguments': {}, ...more },
      ],
    },
  });
}

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

  test('that cannot be run here are refused with the reason, and not offered', async () => {
    const hook = await offer('server', { name: 'Ring', kind: 'webhook' });
    assert.match(
      (await admin.expect(400, 'POST', `servers/${web}/actions/${hook.number}`)).body.error,
      /webhook/,
    );
    const off = await offer('server', sh('Off', 'true'), { enabled: false });
    await admin.expect(409, 'POST', `servers/${web}/actions/${off.number}`);
    const names = (await client.get(`/api/v2/servers/${web}/`))._links.actions.map(
      (one: object) => Object.keys(one)[0],
    );
    assert.ok(!names.includes('Ring') && !names.includes('Off'), names.join());
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

describe('actions that run by themselves', () => {
  test('come before and after what is built, and know the order', async () => {
    const before = await offer('trigger', sh('Look first', 'echo "$ORDER_ID $SERVER_HOSTNAME $RUN_POINT"'), {
      triggerPoint: 'Pre-Provision',
    });
    const behind = await offer('trigger', sh('Look behind', 'echo "$SERVER_STATUS"'), {
      triggerPoint: 'post_provision',
    });
    const done = await client.ended(await order('Custom Server'));
    assert.equal(done.status, 'SUCCESS', JSON.stringify(done.failures));
    const told = async (label: string) => {
      const { rows } = await pool.query(
        `select number from jobs where type = 'orchestration_hook' and subject = $1`,
        [label],
      );
      assert.equal(rows.length, 1);
      return over(`/api/v2/jobs/${rows[0].number}`);
    };
    const first = await told('Look first');
    assert.equal(first.output, `${done.id} ${done._links.servers[0].title} pre_provision`);
    assert.equal(first._links.order.href, done._links.self.href);
    assert.ok(!done._links.jobs.some(({ href }: { href: string }) => href === first._links.self.href));
    assert.equal((await told('Look behind')).output, 'active');
    await disable('trigger', before.number);
    await disable('trigger', behind.number);
  });

  test('end the order where what comes before fails', async () => {
    const { number } = await offer('trigger', sh('Refuse', 'exit 1'), { triggerPoint: 'pre_provision' });
    const done = await client.ended(await order('Custom Server'));
    assert.equal(done.status, 'FAILURE');
    assert.match(done.failures[0], /'Refuse' comes before it/);
    await disable('trigger', number);
  });

  test('approve and deny orders that wait, and leave others to people', async () => {
    await pool.query(`update ordering_groups set auto_approval = false where name = 'Default'`);
    const name = 'def run(job, order=None, **kwargs):\n';
    const source = `${name}    return ('SUCCESS', '', '', {'approve': True}) if order.name == 'small' else ('SUCCESS', '', '', {'deny': 'too much'}) if order.name == 'large' else None\n`;
    const { number } = await offer(
      'trigger',
      { name: 'Decide', kind: 'plugin', source },
      {
        triggerPoint: 'Order Approval',
      },
    );
    const found = await client.get('/api/v2/blueprints/?filter=name:Custom+Server');
    const items = { 'deploy-items': [{ blueprint: found._embedded[0]._links.self.href }] };
    const submit = (called: string) =>
      client.post('/api/v2/orders/', { group, name: called, 'submit-now': 'true', items });
    const small = await submit('small');
    assert.equal(small.status, 'PENDING');
    assert.equal((await client.ended(small)).status, 'SUCCESS');
    const large = await client.ended(await submit('large'));
    assert.deepEqual([large.status, large.comment], ['DENIED', 'Decide: too much']);
    const other = await submit('other');
    const { rows } = await pool.query(`select max(number) as number from jobs where subject = 'Decide'`);
    await over(`/api/v2/jobs/${rows[0].number}`);
    assert.equal((await client.get(other._links.self.href)).status, 'PENDING');
    await client.post(`${other._links.self.href}/actions/cancel`);
    await disable('trigger', number);
    await pool.query(`update ordering_groups set auto_approval = true where name = 'Default'`);
  });

  test('are refused at points where nothing runs', async () => {
    await assert.rejects(offer('trigger', sh('Nowhere', 'true'), { triggerPoint: 'full_moon' }), {
      reason: 'trigger-point-unknown',
    });
  });
});

describe('a server that was found', () => {
  const wish = (uuid: string, hostname: string) => ({
    ...{ uuid, hostname, image: '', cpus: 1, memoryMb: 512, diskGb: 1, networks: [], script: '', tags: {} },
    ...{ username: null, password: null },
  });
  let stray = '';

  test('is acted on through its handler, in a deployment that is made for it', async () => {
    await succeeded(() => hands.build(wish(randomUUID(), 'stray'), call()));
    await run('resource-handlers/actions/sync-vms');
    stray = (await client.get('/api/v2/servers/?filter=hostname:stray'))._embedded[0].id;
    const item = await client.get(`/api/v2/servers/${stray}/`);
    assert.ok(item._links.actions.some((one: object) => 'power_off' in one));
    const off = await run(`servers/${stray}/actions/poweroff`);
    assert.deepEqual([off.type, off.status], ['Server Action', 'SUCCESS'], off.errors);
    assert.equal((await client.get(`/api/v2/servers/${stray}/`))['power-status'], 'POWEROFF');
    const [seen] = (await succeeded(() => hands.list(call()))).filter(({ hostname }) => hostname === 'stray');
    assert.equal(seen!.power, 'off');
    const { rows } = await pool.query('select id from deployments where id = $1', [`server-${stray}`]);
    assert.equal(rows.length, 1);
    assert.equal((await run(`servers/${stray}/actions/poweron`)).status, 'SUCCESS');
    assert.equal((await run(`servers/${stray}/actions/1`)).output, 'Hello from the server');
  });

  test('is changed and taken away by orders, in the group that collects what was found', async () => {
    const items = { 'mod-items': [{ server: `/api/v2/servers/${stray}`, parameters: { mem_size: '1 GB' } }] };
    const asked = { group: '/api/v2/groups/1', 'submit-now': 'true', items };
    const waiting = await client.post('/api/v2/orders/', asked);
    assert.equal(waiting.status, 'PENDING');
    const changed = await client.ended(await client.post(`${waiting._links.self.href}/actions/approve`));
    assert.equal(changed.status, 'SUCCESS', JSON.stringify(changed.failures));
    assert.equal((await client.get(`/api/v2/servers/${stray}/`))['mem-size'], '1.0000 GB');
    const gone = await admin.expect(204, 'DELETE', `servers/${stray}/`);
    const removal = await client.ended(await client.get(gone.headers.get('location')!));
    assert.equal(removal.status, 'SUCCESS', JSON.stringify(removal.failures));
    assert.equal((await client.get(`/api/v2/servers/${stray}/`)).status, 'HISTORICAL');
    assert.ok(!(await succeeded(() => hands.list(call()))).some(({ hostname }) => hostname === 'stray'));
    await admin.expect(409, 'POST', `servers/${stray}/actions/1`);
  });

  test('is taken away by an order though nobody has acted on it before', async () => {
    await succeeded(() => hands.build(wish(randomUUID(), 'waif'), call()));
    await run('resource-handlers/actions/sync-vms');
    const { id } = (await client.get('/api/v2/servers/?filter=hostname:waif'))._embedded[0];
    const gone = await admin.expect(204, 'DELETE', `servers/${id}`);
    const removal = await client.ended(await client.get(gone.headers.get('location')!));
    assert.equal(removal.status, 'SUCCESS', JSON.stringify(removal.failures));
    assert.ok(!(await succeeded(() => hands.list(call()))).some(({ hostname }) => hostname === 'waif'));
  });
});

test('an owner orders the end of what they have, and others may have to agree', async () => {
  const person = { username: 'owner', password: 'owner-password' };
  await admin.expect(201, 'POST', 'users/', { ...person, groups: [{ group, roles: ['requestor'] }] });
  const owner = await cloudbolt(url, person);
  const found = await client.get('/api/v2/blueprints/?filter=name:Web+Service');
  const items = {
    'deploy-items': [{ blueprint: found._embedded[0]._links.self.href, 'resource-name': 'Booth' }],
  };
  await client.ended(await owner.post('/api/v2/orders/', { group, 'submit-now': 'true', items }));
  const { id } = (await owner.get('/api/v2/services/?filter=name:Booth'))._embedded[0];
  await pool.query(`update ordering_groups set auto_approval = false where name = 'Default'`);
  const { self } = (await owner.post(`/api/v2/services/${id}/actions/1`))['run-action-job'];
  const waiting = await client.get(self.href);
  assert.deepEqual([waiting.status, waiting.summary.split(',')[0]], ['PENDING', 'Deletion of Booth']);
  assert.equal((await owner.get(`/api/v2/services/${id}/`)).status, 'Active');
  const done = await client.ended(await client.post(`${self.href}/actions/approve`));
  assert.equal(done.status, 'SUCCESS', JSON.stringify(done.failures));
  assert.equal((await owner.get(`/api/v2/services/${id}/`)).status, 'Historical');
  await pool.query(`update ordering_groups set auto_approval = true where name = 'Default'`);
});

test('a resource goes with the last of its servers, and one of which nothing was built goes too', async () => {
  const done = await client.ended(await order('Web Service', { 'resource-name': 'Stall' }));
  const { resource } = (await client.get(done._links.jobs[0].href))._links;
  const { servers } = (await client.get(resource.href))._links;
  const gone = await admin.expect(204, 'DELETE', servers[0].href);
  assert.equal((await client.ended(await client.get(gone.headers.get('location')!))).status, 'SUCCESS');
  assert.equal((await client.get(resource.href)).status, 'Historical');

  const refuse = await offer('trigger', sh('Refuse again', 'exit 1'), { triggerPoint: 'pre_provision' });
  await client.ended(await order('Web Service', { 'resource-name': 'Ruin' }));
  await disable('trigger', refuse.number);
  const ruin = (await client.get('/api/v2/services/?filter=name:Ruin'))._embedded[0];
  assert.equal(ruin.status, 'Provision Failed');
  const job = await run(`services/${ruin.id}/actions/1`);
  assert.deepEqual(
    [job.type, job.status, job.output],
    ['Delete Resource', 'SUCCESS', 'Nothing of it was built'],
  );
  assert.equal((await client.get(`/api/v2/services/${ruin.id}`)).status, 'Historical');
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
