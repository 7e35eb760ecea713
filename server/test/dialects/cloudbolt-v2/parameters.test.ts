/** Parameters, and what groups and environments say of them, to the effect that it has on orders. Nothing is built here. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ADMIN, aServer } from '../../support/a-server.js';
import { speaking } from './client.js';

const server = await aServer({}, { selfService: true });
const admin = speaking(server.url, ADMIN);
const custom = (await admin.expect(200, 'GET', 'blueprints/?filter=name:Custom Server')).body._embedded[0]
  ._links.self.href;
const PLACE = '/api/v2/environments/2';

const ordering = (parameters: object, group = '/api/v2/groups/2') => ({
  group,
  items: {
    'deploy-items': [
      {
        blueprint: custom,
        'blueprint-items-arguments': { 'build-item-Server': { environment: PLACE, parameters } },
      },
    ],
  },
});

test('a parameter is made, listed, found by name and Global ID, and deleted', async () => {
  const { body } = await admin.expect(201, 'POST', 'parameters/', {
    name: 'cost-center',
    type: 'STR',
    label: 'Cost center',
    constraints: { regex: '^[A-Z]{2}[0-9]{3}$' },
  });
  assert.deepEqual(
    [body.name, body.label, body.type, body.builtin],
    ['cost-center', 'Cost center', 'STR', false],
  );
  assert.match(body['global-id'], /^CF-[a-z0-9]{8}$/);
  const found = await admin.expect(200, 'GET', 'parameters/?filter=name:cost_center');
  assert.equal(found.body.total, 1);
  await admin.expect(200, 'GET', `parameters/${body['global-id']}`);
  await admin.expect(409, 'POST', 'parameters/', { name: 'Cost_Center', type: 'INT' });
  for (const wrong of [
    { name: '9', type: 'STR' },
    { name: 'x', type: 'COLOR' },
    { name: 'x', type: 'STR', constraints: { longest: 3 } },
    { name: 'x', type: 'STR', constraints: { regex: '(' } },
    { name: 'x', type: 'INT', options: ['one'] },
    { name: 'x', type: 'PWD', options: ['secret'] },
  ])
    assert.equal((await admin.post('parameters/', wrong)).status, 400, JSON.stringify(wrong));
  const gone = await admin.expect(201, 'POST', 'parameters/', { name: 'passing', type: 'STR' });
  await admin.expect(204, 'DELETE', gone.body._links.self.href);
  await admin.expect(404, 'GET', gone.body._links.self.href);
  const [cpus] = (await admin.expect(200, 'GET', 'parameters/?filter=name:cpu-cnt')).body._embedded;
  await admin.expect(409, 'DELETE', cpus._links.self.href);
});

describe('what a place says of a parameter holds for orders there', () => {
  test('an environment asks for it, within what may be chosen', async () => {
    const said = await admin.expect(200, 'POST', 'environments/2/parameters/', {
      parameter: 'cost-center',
      required: true,
      options: ['AB123', 'CD456'],
    });
    const shown = said.body._embedded.find((one: { name: string }) => one.name === 'cost-center');
    assert.deepEqual(
      [shown.required, shown.options, shown.constraints],
      [true, ['AB123', 'CD456'], { regex: '^[A-Z]{2}[0-9]{3}$' }],
    );
    const missing = await admin.expect(400, 'POST', 'orders/', ordering({}));
    assert.match(missing.body.error, /'cost_center' is required/);
    const wrong = await admin.expect(400, 'POST', 'orders/', ordering({ 'cost-center': 'EF789' }));
    assert.match(wrong.body.error, /must be one of: AB123, CD456/);
    await admin.expect(201, 'POST', 'orders/', ordering({ 'cost-center': 'AB123' }));
  });

  test('a default is taken where an order says nothing, and what is said again replaces what was said', async () => {
    await admin.expect(200, 'POST', 'environments/2/parameters/', {
      parameter: 'cost_center',
      default: 'CD456',
    });
    const { body } = await admin.expect(201, 'POST', 'orders/', ordering({}));
    const { rows } = await server.pool.query(
      `select i.plan -> 'servers' -> 0 -> 'parameters' ->> 'cost_center' as value
       from order_items i join orders o on o.uid = i.order_uid where o.number = $1`,
      [Number(body.id)],
    );
    assert.deepEqual(rows, [{ value: 'CD456' }]);
    const list = await admin.expect(200, 'GET', 'environments/2/parameters/?filter=required:true');
    assert.equal(list.body.total, 0);
    assert.equal(
      (await admin.post('environments/2/parameters/', { parameter: 'cost-center', default: 'low' })).status,
      400,
    );
  });

  test('a group says it for itself, and for groups below where it passes it on', async () => {
    const group = (name: string, more: object) =>
      admin.expect(201, 'POST', 'groups/', { name, type: 'Organization', environments: [PLACE], ...more });
    for (const passes of [true, false]) {
      const above = await group(`Above ${passes}`, { 'inherit-parameters': passes });
      const below = await group(`Below ${passes}`, { parent: above.body._links.self.href });
      await admin
        .expect(200, 'POST', `${above.body._links.self.href}/parameters/`, {
          parameter: 'notes-of-project',
        })
        .then(
          () => assert.fail('there is no such parameter yet'),
          () => {},
        );
      await admin.post('parameters/', { name: `project-${passes}`, type: 'STR' });
      await admin.expect(200, 'POST', `${above.body._links.self.href}/parameters/`, {
        parameter: `project-${passes}`,
        required: true,
      });
      const own = await admin.post('orders/', ordering({}, above.body._links.self.href));
      assert.equal(own.status, 400);
      const theirs = await admin.post('orders/', ordering({}, below.body._links.self.href));
      assert.equal(theirs.status, passes ? 400 : 201, theirs.text);
      await admin.expect(204, 'DELETE', `${above.body._links.self.href}/parameters/project-${passes}`);
      await admin.expect(404, 'DELETE', `${above.body._links.self.href}/parameters/project-${passes}`);
      await admin.expect(201, 'POST', 'orders/', ordering({}, above.body._links.self.href));
    }
  });
});

test('only who manages a group says what holds in it, and only administrators what holds in an environment', async () => {
  for (const [username, role] of [
    ['gina', 'group_admin'],
    ['rita', 'requestor'],
  ] as const)
    await admin.expect(201, 'POST', 'users/', {
      username,
      password: `${username}-password-1`,
      groups: [{ group: '/api/v2/groups/2', roles: [role] }],
    });
  const as = (username: string) => speaking(server.url, { username, password: `${username}-password-1` });
  const saying = { parameter: 'cost-center', default: 'AB123' };
  await as('gina').expect(200, 'POST', 'groups/2/parameters/', saying);
  await as('rita').expect(403, 'POST', 'groups/2/parameters/', saying);
  await as('rita').expect(200, 'GET', 'groups/2/parameters/');
  await as('gina').expect(403, 'POST', 'environments/2/parameters/', saying);
  await as('gina').expect(403, 'POST', 'parameters/', { name: 'own', type: 'STR' });
  await as('gina').expect(200, 'POST', 'groups/2/expiry/', { action: 'power-off', 'notice-days': 3 });
  await as('rita').expect(403, 'POST', 'groups/2/expiry/', { action: 'delete' });
  const { body } = await as('rita').expect(200, 'GET', 'groups/2');
  assert.deepEqual(body.expiry, { action: 'power-off', 'notice-days': 3 });
  assert.equal((await as('gina').post('groups/2/expiry/', { action: 'sell' })).status, 400);
  assert.equal((await as('gina').post('groups/2/expiry/', { 'notice-days': 1000 })).status, 400);
});
