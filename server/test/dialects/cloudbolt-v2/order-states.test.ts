/** Orders that move (specs: cloudbolt.md §6.2): who may do what with one, what a quota holds, and what their jobs tell. Nothing is built here. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, anOrderWorld, hrefOf } from './an-order-world.js';

const { server, admin, held, place, people, deploy, anOrder } = await anOrderWorld();

describe('moves', () => {
  test('wait for an approver where nobody has said otherwise, and a second submit changes nothing', async () => {
    const order = await people.rita!.post('/api/v2/orders/', anOrder(held, { 'submit-now': true }));
    assert.equal(order.status, 'PENDING');
    // JSON true: a client insists on following the link all the same.
    assert.ok(order._links.actions.some((action: object) => 'submit' in action));
    const again = await people.rita!.post(`/api/v2/orders/${order.id}/actions/submit`);
    assert.equal(again.status, 'PENDING');
    const approved = await people.aaron!.post(`/api/v2/orders/${order.id}/actions/approve/`);
    assert.equal(approved.status, 'ACTIVE');
    assert.equal(approved._links.approved_by.title, approved._links['approved-by'].title);
    assert.deepEqual(
      approved._links.actions.map((action: object) => Object.keys(action)[0]),
      ['duplicate'],
    );
    assert.equal(approved._links.jobs.length, 2);
    assert.equal(approved._links.servers.length, 1);
    const second = await people.aaron!.ask('POST', `/api/v2/orders/${order.id}/actions/approve/`);
    assert.equal(second.status, 409);
    assert.equal(
      second.body.error,
      "Only orders that are in 'PENDING' state can be approved. Current state of order is ACTIVE",
    );
    const job = await people.rita!.get(approved._links.jobs[0].href);
    assert.deepEqual(
      [job.type, job.status, job._links.order.href],
      ['Deploy Blueprint', 'PENDING', hrefOf(order)],
    );
    assert.ok(job.progress.messages.length > 0);
  });

  test('are denied with a reason, canceled, and duplicated into a new cart', async () => {
    const order = await people.rita!.post('/api/v2/orders/', anOrder(held, { 'submit-now': 'true' }));
    const denied = await people.aaron!.post(`/api/v2/orders/${order.id}/actions/deny`, {
      reason: 'too dear',
    });
    assert.deepEqual([denied.status, denied.comment], ['DENIED', 'too dear']);
    assert.equal((await people.rita!.ask('POST', `/api/v2/orders/${order.id}/actions/submit`)).status, 409);
    const copy = await people.rita!.post(`/api/v2/orders/${order.id}/actions/duplicate`);
    assert.equal(copy.status, 'CART');
    assert.deepEqual(copy.items, order.items);
    assert.equal((await people.rita!.post(`/api/v2/orders/${copy.id}/actions/cancel`)).status, 'CANCELED');
    assert.equal((await people.rita!.ask('POST', `/api/v2/orders/${copy.id}/actions/cancel`)).status, 409);
  });

  test('of an empty cart are refused', async () => {
    const cart = await people.rita!.post('/api/v2/orders/', { group: held });
    const answer = await people.rita!.ask('POST', `/api/v2/orders/${cart.id}/actions/submit`);
    assert.equal(answer.status, 400);
  });
});

describe('who may do what', () => {
  /** Of a group's order that waits: status for each. `-`: it is not theirs to know of. */
  const MATRIX: Readonly<Record<string, Readonly<Record<string, number>>>> = {
    //        makes one, sees rita's, approves it, cancels it, adds to it
    rita: { create: 201, get: 200, approve: 403, deny: 403, cancel: 200, delete: 409 },
    aaron: { create: 403, get: 200, approve: 200, deny: 200, cancel: 200, delete: 403 },
    vera: { create: 403, get: 200, approve: 403, deny: 403, cancel: 403, delete: 403 },
    gina: { create: 403, get: 200, approve: 403, deny: 403, cancel: 403, delete: 403 },
    rosa: { create: 201, get: 200, approve: 200, deny: 200, cancel: 200, delete: 403 },
    otto: { create: 404, get: 404, approve: 404, deny: 404, cancel: 404, delete: 404 },
  };
  for (const [name, row] of Object.entries(MATRIX)) {
    for (const [what, status] of Object.entries(row)) {
      test(`${name}: ${what} ${status}`, async () => {
        const client = people[name]!;
        if (what === 'create') {
          assert.equal((await client.ask('POST', '/api/v2/orders/', anOrder(held))).status, status);
          return;
        }
        const order = await people.rita!.post('/api/v2/orders/', anOrder(held, { 'submit-now': 'true' }));
        const path = `/api/v2/orders/${order.id}/`;
        const answer =
          what === 'get'
            ? await client.ask('GET', path)
            : what === 'delete'
              ? await client.ask('DELETE', path)
              : await client.ask('POST', `${path}actions/${what}/`, {});
        assert.equal(answer.status, status, JSON.stringify(answer.body));
        const listed = (await client.get(`/api/v2/orders/?filter=id:${order.id}`)).total;
        assert.equal(listed, row.get === 200 ? 1 : 0);
      });
    }
  }

  test('only a super admin orders in the name of somebody else', async () => {
    const rita = (await admin.get('/api/v2/users/?filter=user.username:rita'))._embedded[0]._links.self.href;
    const order = await admin.post('/api/v2/orders/', anOrder(held, { owner: rita }));
    assert.equal(order._links.owner.href, rita);
    assert.equal(
      (await people.rosa!.ask('POST', '/api/v2/orders/', anOrder(held, { owner: rita }))).status,
      403,
    );
    assert.equal((await people.rita!.post(`/api/v2/orders/${order.id}/actions/submit`)).status, 'PENDING');
  });

  test('a recipient is chosen by who may, and must be able to order there', async () => {
    const href = async (name: string) =>
      (await admin.get(`/api/v2/users/?filter=user.username:${name}`))._embedded[0]._links.self.href;
    assert.equal(
      (await people.rita!.ask('POST', '/api/v2/orders/', anOrder(held, { recipient: await href('rosa') })))
        .status,
      403,
    );
    assert.equal(
      (await admin.ask('POST', '/api/v2/orders/', anOrder(held, { recipient: await href('otto') }))).status,
      400,
    );
    const order = await admin.post('/api/v2/orders/', anOrder(held, { recipient: await href('rosa') }));
    assert.equal(order._links.recipient.href, await href('rosa'));
  });
});

describe('quotas and prices', () => {
  const PRICES = [
    { subject: 'cpu', amount: 10 },
    { subject: 'memory', amount: 2.4 },
    { subject: 'disk', amount: 0.1 },
  ];
  test('a price is in every order from then on, and a quota holds what goes beyond it', async () => {
    const made = await Promise.all(PRICES.map((price) => admin.post('/api/v2/rates/', price)));
    const order = await people.rita!.post('/api/v2/orders/', {
      group: held,
      items: { 'deploy-items': [deploy({ 'cpu-cnt': 2, 'mem-size': '2 GB', 'disk-size': '40 GB' })] },
    });
    assert.equal(order.rate, '28.80/month');
    for (const rate of made) assert.equal(await admin.delete(hrefOf(rate)), 204);
    assert.equal((await people.rita!.ask('POST', '/api/v2/rates/', PRICES[0])).status, 403);
    assert.equal((await admin.ask('POST', '/api/v2/rates/', { subject: 'air', amount: 1 })).status, 400);
    assert.equal((await admin.ask('POST', '/api/v2/rates/', { subject: 'cpu', amount: -1 })).status, 400);
  });

  test('of fifty who submit at once against a quota of ten, exactly ten pass; the others wait for an approver', async () => {
    const group = hrefOf(
      await admin.post('/api/v2/groups/', {
        name: 'Crowded',
        type: 'Organization',
        environments: [place],
        'auto-approval': true,
      }),
    );
    const quota = await admin.post('/api/v2/quotas/', { group, 'vm-count': 10 });
    assert.equal(quota['vm-count'], 10);
    const carts = [];
    for (let n = 0; n < 50; n += 1) carts.push(await admin.post('/api/v2/orders/', anOrder(group)));
    const done = await Promise.all(carts.map((cart) => admin.post(`${hrefOf(cart)}/actions/submit`)));
    const by = (status: string) => done.filter((order) => order.status === status);
    assert.deepEqual([by('ACTIVE').length, by('PENDING').length], [10, 40]);
    assert.ok(by('PENDING').every((order) => /group "Crowded": 11 servers of 10/.test(order['held-by'][0])));
    // Names are given once.
    const names = by('ACTIVE').map((order) => order.summary);
    assert.equal(new Set(names).size, 10);
    // An approver may go beyond it.
    assert.equal((await admin.post(`${hrefOf(by('PENDING')[0])}/actions/approve`)).status, 'ACTIVE');
    const preview = await admin.post('/api/v2/orders/?dry-run=1', anOrder(group));
    assert.equal(preview.status, 'PENDING');
    assert.deepEqual(preview.quotas[0].used['vm-count'], 11);
  });
});

test('jobs are listed by type and status, seen by those of the group, and canceled by their owner', async () => {
  const order = await people.rita!.post('/api/v2/orders/', anOrder(held, { 'submit-now': 'true' }));
  const active = await people.aaron!.post(`/api/v2/orders/${order.id}/actions/approve`);
  const [top, part] = active._links.jobs;
  for (const filter of [
    'type:deploy_blueprint;status:pending',
    'type:Deploy Blueprint',
    `order.id:${order.id}`,
  ]) {
    const listed = await people.rita!.get(`/api/v2/jobs/?filter=${encodeURIComponent(filter)}&page_size=100`);
    const found = listed._embedded.find((one: Answer) => hrefOf(one) === top.href);
    assert.ok(found !== undefined, filter);
    assert.deepEqual(
      { ...found, _links: 0 },
      { _links: 0, id: found.id, type: 'Deploy Blueprint', status: 'PENDING' },
    );
  }
  assert.equal((await people.vera!.get(top.href)).status, 'PENDING');
  assert.equal((await people.otto!.ask('GET', top.href)).status, 404);
  assert.equal((await people.vera!.ask('POST', `${top.href}/actions/cancel`)).status, 403);
  assert.equal((await people.rita!.ask('POST', `${part.href}/actions/cancel`)).status, 409);
  assert.equal((await people.rita!.post(`${top.href}/actions/cancel`)).status, 'TO_CANCEL');
  await server.core.carryOut.all();
  const over = await people.rita!.get(`${top.href}?wait=20`);
  assert.deepEqual([over.status, over.errors], ['CANCELED', 'It was canceled before it began']);
  assert.equal((await people.rita!.ask('POST', `${top.href}/actions/cancel`)).status, 409);
});
