/** Orders on the wire (specs: cloudbolt.md §6): what they are made of, what is refused, carts, waiting. Nothing is built here. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, anOrderWorld } from './an-order-world.js';

const { server, admin, open, held, place, custom, people, deploy, anOrder, counted } = await anOrderWorld();

describe('an order that is refused leaves nothing behind, and says what is wrong with it', () => {
  const REFUSED: readonly (readonly [string, () => object, number, RegExp])[] = [
    ['no group', () => ({ items: {} }), 400, /group/],
    ['an unknown group', () => anOrder('/api/v2/groups/9999'), 404, /Not found/],
    ['a list that there is not', () => ({ group: open, items: { 'buy-items': [{}] } }), 400, /buy-items/],
    ['an item that is none', () => ({ group: open, items: { 'deploy-items': ['x'] } }), 400, /deploy-items/],
    ['no blueprint', () => ({ group: open, items: { 'deploy-items': [{}] } }), 400, /blueprint/],
    [
      'an unknown blueprint',
      () => ({ group: open, items: { 'deploy-items': [{ blueprint: '/api/v2/blueprints/777' }] } }),
      404,
      /Not found/,
    ],
    [
      'an unknown build item',
      () => ({
        group: open,
        items: {
          'deploy-items': [{ blueprint: custom, 'blueprint-items-arguments': { 'build-item-Sever': {} } }],
        },
      }),
      400,
      /build-item-Sever/,
    ],
    [
      'an unknown parameter',
      () => ({ group: open, items: { 'deploy-items': [deploy({ some_input_name: 1 })] } }),
      400,
      /^Parameter named 'some_input_name' does not exist$/,
    ],
    [
      'a size that is none',
      () => ({ group: open, items: { 'deploy-items': [deploy({ 'mem-size': 'much' })] } }),
      400,
      /mem-size/,
    ],
    [
      'a date that is none',
      () => ({ group: open, items: { 'deploy-items': [deploy({ 'expiration-date': '2017-02-31' })] } }),
      400,
      /expiration/,
    ],
    [
      'a choice that there is not',
      () => ({ group: open, items: { 'deploy-items': [deploy({ 'vm-size': 'gigantic' })] } }),
      400,
      /vm-size/,
    ],
    [
      'a password as it is shown',
      () => ({ group: open, items: { 'deploy-items': [deploy({ 'new-password': '******' })] } }),
      400,
      /password/,
    ],
    [
      'too many',
      () => ({ group: open, items: { 'deploy-items': [deploy({}, { quantity: 51 })] } }),
      400,
      /quantity/,
    ],
    [
      'a hostname that is none',
      () => ({ group: open, items: { 'deploy-items': [deploy({}, { hostname: 'a b' })] } }),
      400,
      /hostname/,
    ],
    [
      'an environment of another group',
      () => ({
        group: open,
        items: {
          'deploy-items': [
            {
              ...deploy(),
              'blueprint-items-arguments': { 'build-item-Server': { environment: '/api/v2/environments/1' } },
            },
          ],
        },
      }),
      400,
      /Environment 1/,
    ],
    [
      'an unknown server',
      () => ({ group: open, items: { 'decom-items': [{ servers: ['/api/v2/servers/99'] }] } }),
      404,
      /Not found/,
    ],
    ['nothing to delete', () => ({ group: open, items: { 'decom-items': [{}] } }), 400, /servers/],
    [
      'a change of an unknown server',
      () => ({ group: open, items: { 'mod-items': [{ server: '/api/v2/servers/99' }] } }),
      404,
      /Not found/,
    ],
    [
      'one good item and one bad',
      () => ({ group: open, items: { 'deploy-items': [deploy(), deploy({ nope: 1 })] } }),
      400,
      /nope/,
    ],
    ['nothing, submitted', () => ({ group: open, 'submit-now': 'true' }), 400, /no items/],
    ['a name that is too long', () => ({ group: open, name: 'x'.repeat(300) }), 400, /name/],
    ['a flag that is none', () => ({ group: open, 'submit-now': 'perhaps' }), 400, /submit-now/],
    ['an owner that there is not', () => ({ group: open, owner: '/api/v2/users/4711' }), 404, /Not found/],
  ];
  for (const [what, body, status, words] of REFUSED) {
    test(what, async () => {
      const before = await counted();
      for (const submit of [false, true]) {
        const answer = await admin.ask('POST', '/api/v2/orders/', { 'submit-now': submit, ...body() });
        assert.equal(answer.status, status, JSON.stringify(answer.body));
        assert.deepEqual(Object.keys(answer.body).sort(), ['detail', 'error', 'status_code']);
        assert.match(status === 404 ? answer.body.detail : answer.body.error, words);
      }
      assert.deepEqual(await counted(), before);
    });
  }
});

test('an order is made as it is written: flags as texts, names with underscores, links in any form', async () => {
  const order = await admin.post('/api/v2/orders/?', {
    group: `http://any.example${open}/`,
    'submit-now': 'false',
    name: '',
    items: {
      'deploy-items': [
        {
          blueprint: `${custom}/`,
          'resource-parameters': null,
          'blueprint-items-arguments': {
            'build-item-Server': {
              environment: place.replace('/api/v2/', 'api/v2/'),
              parameters: { mem_size: '2048 MB', 'cpu-cnt': '2', 'disk-size': '' },
              attributes: { quantity: '2', hostname: 'web0X' },
              unknown: 1,
            },
          },
        },
      ],
    },
  });
  assert.equal(order.status, 'CART');
  assert.equal(order.summary, 'Provisioning of web01, web02');
  assert.deepEqual(
    order._links.actions.map((action: object) => Object.keys(action)[0]),
    ['submit', 'cancel'],
  );
  assert.equal(order._links.self.title, `Order id ${order.id}`);
  assert.deepEqual(order._links.jobs, []);
  const again = await admin.get(`/api/v2/orders/${order.id}/deploy-items/`);
  assert.deepEqual(again._embedded, order.items['deploy-items']);
  const thin = (await admin.get(`/api/v2/orders/?filter=id:${order.id}&attributes=group.name,summary`))
    ._embedded[0];
  assert.deepEqual(Object.keys(thin), ['_links', 'name', 'id', 'status', 'group.name', 'summary']);
});

test('what is printed of an order orders the same again, as it is', async () => {
  const order = await admin.post('/api/v2/orders/', anOrder(open, { name: 'twice' }));
  const body = await admin.get(`/api/v2/orders/${order.id}/request/`);
  const second = await admin.post('/api/v2/orders/', { ...body, 'submit-now': 'false' });
  assert.deepEqual(second.items, order.items);
  const third = await admin.post('/api/v2/orders/', order);
  assert.deepEqual([third.items, third.name, third.status], [order.items, 'twice', 'CART']);
});

test('a cart is kept, current, added to, and taken away; anything else is not', async () => {
  const cart = await people.rita!.post('/api/v2/orders/', { group: held });
  assert.deepEqual(cart.items, {});
  assert.equal((await people.rita!.get('/api/v2/user/current-order/')).id, cart.id);
  const added = await people.rita!.post(`/api/v2/orders/${cart.id}/prov-items`, {
    environment: place,
    attributes: { hostname: 'own' },
  });
  assert.equal(added.summary, 'Provisioning of own');
  const refused = await people.rita!.ask(
    'POST',
    `/api/v2/orders/${cart.id}/deploy-items/`,
    deploy({ nope: 1 }),
  );
  assert.equal(refused.status, 400);
  assert.deepEqual((await people.rita!.get(`/api/v2/orders/${cart.id}/`)).items, added.items);
  assert.equal(await people.rita!.delete(`/api/v2/orders/${cart.id}/`), 204);
  assert.equal((await people.rita!.ask('GET', `/api/v2/orders/${cart.id}`)).status, 404);
  const pending = await people.rita!.post('/api/v2/orders/', anOrder(held, { 'submit-now': true }));
  assert.equal(await people.rita!.delete(`/api/v2/orders/${pending.id}/`), 409);
  assert.equal(
    (await people.rita!.ask('POST', `/api/v2/orders/${pending.id}/deploy-items/`, deploy())).status,
    409,
  );
});

test('a dry run tells cost, quotas, approvers and the graph of tasks, and stores nothing', async () => {
  const before = await counted();
  const preview = await people.rita!.post(
    '/api/v2/orders/?dry-run=1',
    anOrder(held, { 'submit-now': 'true' }),
  );
  assert.deepEqual(await counted(), before);
  assert.equal(preview.status, 'PENDING');
  assert.equal(preview['approved-by-itself'], false);
  const approvers = preview.approvers.map((one: Answer) => one.title);
  assert.ok(approvers.includes('aaron') && approvers.includes('rosa') && !approvers.includes('rita'));
  const [graph] = preview['task-graphs'];
  assert.ok(graph.tasks.some((task: Answer) => task.operation === 'cloudify.interfaces.lifecycle.create'));
  assert.match(graph.text, /^install: \d+ tasks/);
  assert.equal((await people.rita!.ask('POST', '/api/v2/orders/?dry-run=1', { group: held })).status, 400);
  assert.equal((await admin.post('/api/v2/orders/?dry-run=1', anOrder(open))).status, 'ACTIVE');
});

test('an order is waited for: told when it moves, and at the end of the wait when it does not', async () => {
  const order = await people.rita!.post('/api/v2/orders/', anOrder(held, { 'submit-now': 'true' }));
  const waiting = people.rita!.get(`/api/v2/orders/${order.id}/?wait=30`);
  await people.aaron!.post(`/api/v2/orders/${order.id}/actions/deny`);
  assert.equal((await waiting).status, 'DENIED');
  const other = await people.rita!.post('/api/v2/orders/', { group: held });
  assert.equal((await people.rita!.get(`/api/v2/orders/${other.id}/?wait=1`)).status, 'CART');
  assert.equal((await people.rita!.ask('GET', `/api/v2/orders/${other.id}/?wait=999`)).status, 400);
});

test('carts that nobody has touched go after a while, and orders stay', async () => {
  const cart = await people.rita!.post('/api/v2/orders/', { group: held });
  const pending = await people.rita!.post('/api/v2/orders/', anOrder(held, { 'submit-now': 'true' }));
  await server.pool.query(
    `update orders set touched_at = now() - interval '31 days' where number = any($1)`,
    [[Number(cart.id), Number(pending.id)]],
  );
  assert.equal(await server.core.orders.forget(30), 1);
  assert.equal((await people.rita!.ask('GET', `/api/v2/orders/${cart.id}`)).status, 404);
  assert.equal((await people.rita!.get(`/api/v2/orders/${pending.id}`)).status, 'PENDING');
});

test('items of each kind have lists of their own, and are taken there', async () => {
  const cart = await people.rita!.post('/api/v2/orders/', { group: held });
  const path = `/api/v2/orders/${cart.id}`;
  await people.rita!.post(`${path}/deploy-items/`, deploy());
  await people.rita!.post(`${path}/prov-items/`, { environment: place });
  for (const [list, count] of [
    ['deploy', 1],
    ['prov', 1],
    ['mod', 0],
    ['decom', 0],
  ] as const) {
    assert.equal((await people.rita!.get(`${path}/${list}-items/`)).total, count);
  }
  const refused = await people.rita!.ask('POST', `${path}/decom-items/`, { servers: ['/api/v2/servers/99'] });
  assert.equal(refused.status, 404);
});
