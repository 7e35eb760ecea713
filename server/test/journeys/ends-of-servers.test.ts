/** What ends with a server, or with its time: what it held of a quota, its price, and what is done when it expires. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, succeeded } from '../../src/inventory/handlers/conformance.js';
import { inTransaction } from '../../src/store/transaction.js';
import { ADMIN, aServer } from '../support/a-server.js';
import { cloudbolt } from '../support/cloudbolt-client.js';

const server = await aServer({}, { worker: true, selfService: true });
const { core, pool } = server;
const admin = await cloudbolt(server.url, ADMIN);
const GROUP = '/api/v2/groups/2';
const ENVIRONMENT = '/api/v2/environments/2';

const ordered = (quantity: number) =>
  admin.post('/api/v2/orders/', {
    group: GROUP,
    'submit-now': 'true',
    items: {
      'prov-items': [{ environment: ENVIRONMENT, attributes: { quantity }, parameters: { 'cpu-cnt': 2 } }],
    },
  });
const [one, two, three] = (await admin.ended(await ordered(3)))._links.servers.map(
  ({ href }: { href: string }) => href,
);

async function jobDone(answer: { 'run-action-job': { self: { href: string } } }): Promise<void> {
  for (;;) {
    const { status } = await admin.get(`${answer['run-action-job'].self.href}?wait=20`);
    if (['SUCCESS', 'WARNING', 'FAILURE', 'CANCELED'].includes(status))
      return assert.equal(status, 'SUCCESS');
  }
}

const happened = async (href: string) =>
  (await admin.get(`${href}/history/`))._embedded.map((each: Record<string, string>) => [
    each['event-type'],
    each['event-message'],
  ]);

/** Another day of expiry, by an order as anybody's; so many days from now. */
async function expiring(href: string, days: number, group = GROUP): Promise<string> {
  const at = new Date(Date.now() + days * 86_400_000);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const order = await admin.post('/api/v2/orders/', {
    group,
    'submit-now': 'true',
    items: { 'mod-items': [{ server: href, parameters: { 'expiration-date': day } }] },
  });
  const active =
    order.status === 'PENDING' ? await admin.post(`${order._links.self.href}/actions/approve/`) : order;
  assert.equal((await admin.ended(active)).status, 'SUCCESS');
  return day;
}

test('a server tells what it costs by today’s prices, in parts', async () => {
  const rates = async () => (await admin.get(one))['rate-breakdown'];
  assert.deepEqual(await rates(), { total: '-', hardware: '-', software: '-', extra: '-' });
  const build = (await admin.get(one))._links['os-build'].title;
  await admin.post('/api/v2/rates/', { subject: 'cpu', amount: 10 });
  await admin.post('/api/v2/rates/', { subject: 'os-build', name: build, amount: 2.5 });
  assert.deepEqual(await rates(), {
    total: '22.50/month',
    hardware: '20.00/month',
    software: '2.50/month',
    extra: '-',
  });
});

test('what a server held of a quota is free again when it is found gone', async () => {
  await admin.post('/api/v2/quotas/', { group: GROUP, 'vm-count': 3 });
  const held = await ordered(1);
  assert.equal(held.status, 'PENDING');
  const [handler] = (await admin.get('/api/v2/resource-handlers/'))._embedded;
  const { hands } = await core.serverHandlers.handsFor(pool, tenant.id, Number(handler.id));
  const { rows } = await pool.query('select id from servers where number = $1', [
    Number(three.split('/').at(-1)),
  ]);
  await succeeded(() => hands.remove({ uuid: rows[0].id, providerId: null }, call()));
  await jobDone(await admin.post('/api/v2/resource-handlers/actions/sync-vms'));
  assert.equal((await admin.get(three)).status, 'HISTORICAL');
  assert.deepEqual((await admin.get(three))['rate-breakdown'].total, '-');
  assert.equal((await admin.get(GROUP)).rate, '0.00/month');
  const now = await ordered(1);
  assert.equal(now.status, 'ACTIVE');
  assert.equal((await ordered(1)).status, 'PENDING');
  await admin.ended(now);
});

const caller = await core.callers.actingAs('admin', 'default_tenant', 'test');
const tenant = caller.tenant!;

/** An action that runs by itself at a point. */
async function runningAt(triggerPoint: string): Promise<void> {
  const scope = { tenantId: tenant.id, tenantName: tenant.name, userId: caller.userId, seesPrivate: true };
  await inTransaction(pool, async (client) => {
    const source = '#!/bin/sh\necho "$SERVER_HOSTNAME $RUN_POINT"\n';
    const { uid } = await core.actions.insert(client, scope, {
      name: `At ${triggerPoint}`,
      kind: 'script',
      source,
    });
    const runs = { actionUid: uid };
    await core.actionUses.insert(client, scope, 'trigger', {
      label: `At ${triggerPoint}`,
      runs,
      triggerPoint,
    });
  });
}

/** What the actions of a point have printed. */
async function printedAt(triggerPoint: string): Promise<string[]> {
  const { rows } = await pool.query('select number from jobs where subject = $1 order by number', [
    `At ${triggerPoint}`,
  ]);
  const printed: string[] = [];
  for (const { number } of rows) {
    const self = { href: `/api/v2/jobs/${number}` };
    await jobDone({ 'run-action-job': { self } });
    printed.push((await admin.get(self.href)).output);
  }
  return printed;
}

test('the owner of a server is told before it expires, once for each day', async () => {
  await runningAt('pre_expire');
  await runningAt('expire');
  await admin.post(`${GROUP}/expiry/`, { action: 'power-off', 'notice-days': 5 });
  const day = await expiring(one, 4);
  await Promise.all([core.expiry.scan(), core.expiry.scan()]);
  await core.expiry.scan();
  const told = (await happened(one)).filter(([event]: [string]) => event === 'expires');
  assert.equal(told.length, 1);
  assert.match(told[0][1], new RegExp(`expires on ${day}; then it is powered off`));
  const { rows } = await pool.query(
    `select u.username, n.severity from notices n join users u on u.id = n.user_id where n.category = 'server'`,
  );
  assert.deepEqual(rows, [{ username: 'admin', severity: 'warning' }]);
  assert.equal((await admin.get(one))['power-status'], 'POWERON');
  const { hostname } = await admin.get(one);
  assert.deepEqual(await printedAt('pre_expire'), [`${hostname} pre_expire`]);
  assert.deepEqual(await printedAt('expire'), []);
  await expiring(one, 20);
  assert.equal(await core.expiry.scan(), 0, 'too early to tell of that day');
});

test('on its day it is powered off, once; where nobody says so, nothing is done', async () => {
  await expiring(one, 0);
  await Promise.all([core.expiry.scan(), core.expiry.scan()]);
  for (;;) {
    if ((await admin.get(one))['power-status'] === 'POWEROFF') break;
    const jobs = await admin.get(`${one}/related-jobs/`);
    assert.ok(!jobs._embedded.some(({ status }: { status: string }) => status === 'FAILURE'));
  }
  await core.expiry.scan();
  const acted = (await happened(one)).filter(([event]: [string]) => event === 'expired');
  assert.deepEqual(
    acted.map(([, message]: [string, string]) => message.replace(/^\S+ /, '')),
    ['has expired: it is being powered off'],
  );
  const { hostname } = await admin.get(one);
  assert.deepEqual(await printedAt('expire'), [`${hostname} expire`]);
  await admin.post(`${GROUP}/expiry/`, {});
  await expiring(two, -1);
  await core.expiry.scan();
  assert.deepEqual((await happened(two)).filter(([event]: [string]) => event === 'expired').length, 1);
  assert.equal((await admin.get(two))['power-status'], 'POWERON');
});

test('what a group says holds below it, and a deletion is an order as anybody’s', async () => {
  const below = await admin.post('/api/v2/groups/', {
    name: 'Below',
    type: 'Organization',
    parent: GROUP,
    environments: [ENVIRONMENT],
  });
  await pool.query(
    `update servers set group_uid = (select uid from ordering_groups where name = 'Below') where number = $1`,
    [Number(two.split('/').at(-1))],
  );
  await expiring(two, 0, below._links.self.href);
  await admin.post(`${GROUP}/expiry/`, { action: 'delete' });
  await core.expiry.scan();
  // The group approves nothing by itself.
  const [{ _links: link }] = (
    await admin.get('/api/v2/orders/?filter=status:PENDING;name.contains:has expired')
  )._embedded;
  const order = await admin.post(`${link.self.href}/actions/approve/`);
  const done = await admin.ended(order);
  assert.equal(done.status, 'SUCCESS', JSON.stringify(done.failures));
  assert.match(done.summary, /^Deletion of /);
  assert.equal((await admin.get(two)).status, 'HISTORICAL');
});
