/** Orders on the wire (specs: cloudbolt.md §6): forms, states, who may do what, quotas and prices. Nothing is built here. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { ADMIN, aServer } from '../../support/a-server.js';
import { type CloudBoltClient, cloudbolt } from '../../support/cloudbolt-client.js';

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
type Answer = any;

const server = await aServer({}, { selfService: true });
const admin = await cloudbolt(server.url, ADMIN);
const environment = (await admin.get('/api/v2/environments/?filter=name.istartswith:l'))._embedded;
const groups = (await admin.get('/api/v2/groups/'))._embedded;
const open = hrefOf(groups.find((one: Answer) => one.name === 'Default'));
const place = hrefOf((await admin.get(`${open}/orderable-environments/`))._embedded[0]);
const custom = hrefOf((await admin.get('/api/v2/blueprints/?filter=name:Custom Server'))._embedded[0]);

/** A group whose orders somebody has to approve, with people in it. */
let held = '';
const people: Record<string, CloudBoltClient> = {};

before(async () => {
  void environment;
  const group = await admin.post('/api/v2/groups/', {
    name: 'Held',
    type: 'Organization',
    environments: [place],
  });
  held = hrefOf(group);
  for (const [username, roles] of Object.entries({
    rita: ['requestor'],
    aaron: ['approver'],
    vera: ['viewer'],
    gina: ['group_admin'],
    rosa: ['requestor', 'approver'],
    otto: [],
  })) {
    await admin.post('/api/v2/users/', {
      username,
      password: `${username}-password-1`,
      groups: roles.length === 0 ? [] : [{ group: held, roles }],
    });
    people[username] = await cloudbolt(server.url, { username, password: `${username}-password-1` });
  }
});

function hrefOf(thing: Answer): string {
  return thing._links.self.href;
}

const deploy = (parameters: object = {}, attributes: object = {}) => ({
  blueprint: custom,
  'blueprint-items-arguments': { 'build-item-Server': { environment: place, parameters, attributes } },
});
const anOrder = (group: string, more: object = {}) => ({
  group,
  items: { 'deploy-items': [deploy()] },
  ...more,
});
const counted = async () =>
  (
    await server.pool.query(
      'select (select count(*) from orders) as orders, (select count(*) from order_items) as items, (select count(*) from jobs) as jobs, (select count(*) from servers) as servers',
    )
  ).rows[0];

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
      'a password',
      () => ({ group: open, items: { 'deploy-items': [deploy({ 'new-password': 'secret' })] } }),
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
