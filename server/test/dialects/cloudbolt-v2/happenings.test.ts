/** What happens beside what people ask for: actions that run by themselves, servers that were found, and what goes with what. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { call, succeeded } from '../../../src/inventory/handlers/conformance.js';
import { cloudbolt } from '../../support/cloudbolt-client.js';
import { anActionWorld, sh } from './an-action-world.js';

const { pool, url, client, admin, hands, offer, disable, over, run, group, order } = await anActionWorld();

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
