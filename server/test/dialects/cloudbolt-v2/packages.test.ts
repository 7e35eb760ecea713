/** Taking things elsewhere as zips, and taking them in (specs: cloudbolt.md §5). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ADMIN, aServer } from '../../support/a-server.js';
import { speaking } from './client.js';

const here = await aServer({}, { selfService: true });
const there = await aServer({ ORRERY_CLOUDBOLT_CONTENT_OPEN: 'off' }, { selfService: true });
const admin = speaking(here.url, ADMIN);
const authorization = `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`;

async function exported(path: string): Promise<{ bytes: ArrayBuffer; headers: Headers }> {
  const response = await fetch(`${here.url}/api/v2/${path}/export/?instance-specific-info=1`, {
    headers: { authorization },
  });
  assert.equal(response.status, 200, path);
  return { bytes: await response.arrayBuffer(), headers: response.headers };
}

async function imported(url: string, collection: string, bytes: ArrayBuffer | string, query = '') {
  const form = new FormData();
  form.set('file', new Blob([bytes]), 'package.zip');
  const response = await fetch(`${url}/api/v2/${collection}/import/${query}`, {
    method: 'POST',
    headers: { authorization },
    body: form,
  });
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
  return { status: response.status, body: (await response.json()) as any };
}

test('an export is a zip whose name is not quoted', async () => {
  const { bytes, headers } = await exported('actions/1');
  assert.equal(headers.get('content-type'), 'application/zip');
  assert.equal(headers.get('content-disposition')!.split('=')[1], 'Say Hello.zip');
  assert.equal(Buffer.from(bytes).subarray(0, 2).toString(), 'PK');
});

describe('carrying to another installation', () => {
  test('a blueprint comes with its actions and its type, under its own Global ID', async () => {
    await admin.expect(201, 'POST', 'blueprints/', {
      name: 'Carried',
      description: 'Far',
      'resource-type': 'parcel',
      'build-items': [
        { name: 'Box', type: 'provserver', 'hostname-template': 'box0X' },
        { name: 'Label', type: 'script', 'action-name': 'Install Welcome Page' },
      ],
    });
    const { body: original } = await admin.expect(200, 'GET', 'blueprints/3');
    const { status, body } = await imported(there.url, 'blueprints', (await exported('blueprints/3')).bytes);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual([body.name, body.description, body['resource-type'].name], ['Carried', 'Far', 'parcel']);
    assert.equal(body['global-id'], original['global-id']);
    assert.deepEqual(
      body['build-items'].map((item: Record<string, unknown>) => [
        item.name,
        item.type,
        item['hostname-template'] ?? item['action-name'],
      ]),
      [
        ['Box', 'provserver', 'box0X'],
        ['Label', 'script', 'Install Welcome Page'],
      ],
    );
    // The action was there already, and the same.
    const { body: actions } = await speaking(there.url, ADMIN).expect(200, 'GET', 'actions/');
    assert.equal(actions.total, 2);
  });

  test('an action keeps its source', async () => {
    const { bytes } = await exported('actions/1');
    const { body } = await imported(here.url, 'actions', bytes);
    const { rows } = await here.pool.query<{ same: boolean }>(
      'select a.source = b.source as same from actions a, actions b where a.number = 1 and b.number = $1',
      [Number(body.id)],
    );
    assert.deepEqual(rows, [{ same: true }]);
  });
});

describe('a name that is taken', () => {
  test('gets a number behind it', async () => {
    const { bytes } = await exported('server-actions/1');
    const first = await imported(there.url, 'server-actions', bytes);
    assert.deepEqual([first.status, first.body.label], [200, 'Say Hello (2)']);
    const second = await imported(there.url, 'server-actions', bytes);
    assert.equal(second.body.label, 'Say Hello (3)');
  });

  test('is replaced where the sender says so', async () => {
    const { bytes } = await exported('blueprints/2');
    const { status, body } = await imported(there.url, 'blueprints', bytes, '?replace-existing=1');
    assert.deepEqual([status, body.id, body.name], [200, '2', 'Web Service']);
    const { body: list } = await speaking(there.url, ADMIN).get('blueprints/?filter=name.startswith:Web');
    assert.equal(list.total, 1);
  });
});

describe('what is refused', () => {
  test('what is no zip, or none of ours, or of another kind', async () => {
    const { bytes } = await exported('actions/1');
    for (const [collection, file] of [
      ['actions', 'hello'],
      ['actions', ''],
      ['rules', bytes],
      ['blueprints', bytes],
    ] as const) {
      const { status, body } = await imported(there.url, collection, file);
      assert.equal(status, 400, `${collection}: ${JSON.stringify(body)}`);
    }
    const none = await admin.call('POST', 'actions/import/', undefined);
    assert.equal(none.status, 400);
  });

  test('what is larger than a package may be', async () => {
    const { status } = await imported(there.url, 'actions', 'x'.repeat(5 * 1024 * 1024));
    assert.equal(status, 413);
  });

  test('what the server does itself, and those who administer nothing', async () => {
    const { status } = await admin.get('service-actions/1/export/');
    assert.equal(status, 400);
    const person = { username: 'courier', password: 'courier-password' };
    await admin.expect(201, 'POST', 'users/', {
      ...person,
      groups: [{ group: '/api/v2/groups/2', roles: ['group_admin'] }],
    });
    const courier = speaking(here.url, person);
    assert.equal((await courier.get('blueprints/1/export/')).status, 403);
    assert.equal((await courier.call('POST', 'blueprints/import/', 'x')).status, 400);
  });
});

test('names of what can be exported are told to everybody, unless the setting says otherwise', async () => {
  const { body } = await speaking(here.url, null).expect(200, 'GET', 'exportable-content/');
  assert.deepEqual(body.blueprints[0], {
    name: 'Custom Server',
    'package-url': '/api/v2/blueprints/1/export/',
  });
  assert.deepEqual(body.rules, []);
  assert.equal((await speaking(there.url, null).get('exportable-content/')).status, 401);
});

test('a rule is carried with its actions', async () => {
  await here.pool.query(
    `insert into ordering_rules (tenant_id, number, name, condition_uid, action_uid)
     select tenant_id, 900, 'Watch', min(uid), max(uid) from actions where number <= 2 group by tenant_id`,
  );
  const { bytes } = await exported('rules/900');
  const { status, body } = await imported(there.url, 'rules', bytes);
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual([body.name, body.condition, body.action], ['Watch', 'Say Hello', 'Install Welcome Page']);
  const { body: deleted } = await speaking(there.url, ADMIN).delete(`rules/${body.id}`);
  assert.equal(deleted, undefined);
});

test('groups and environments go along where they are asked for, and an item stays confined', async () => {
  await admin.expect(201, 'POST', 'environments/', { name: 'Elsewhere', groups: ['/api/v2/groups/2'] });
  const made = await admin.expect(201, 'POST', 'blueprints/', {
    name: 'Confined',
    groups: ['/api/v2/groups/2'],
    'build-items': [
      {
        name: 'Here',
        type: 'provserver',
        environments: ['/api/v2/environments/2', '/api/v2/environments/3'],
      },
    ],
  });
  const path = `blueprints/${made.body.id}`;
  const placed = async (bytes: ArrayBuffer) => {
    const { status, body } = await imported(there.url, 'blueprints', bytes);
    assert.equal(status, 200, JSON.stringify(body));
    const { rows } = await there.pool.query(
      `select i.settings -> 'environments' as environments, (select array_agg(e.name) from ordering_environments e
         where i.settings -> 'environments' @> to_jsonb(e.uid)) as names, (select array_agg(g.name) from offer_groups og
         join ordering_groups g on g.uid = og.group_uid where og.offer_uid = o.uid) as groups
       from offers o join offer_items i on i.offer_uid = o.uid where o.number = $1`,
      [Number(body.id)],
    );
    return rows[0];
  };
  // One of the two environments is not there: the item is confined to the other.
  const { names, groups, environments } = await placed((await exported(path)).bytes);
  assert.deepEqual([names, groups, environments.length], [['Local'], ['Default'], 1]);
  const plain = await fetch(`${here.url}/api/v2/${path}/export/`, { headers: { authorization } });
  assert.deepEqual(await placed(await plain.arrayBuffer()), {
    environments: null,
    names: null,
    groups: null,
  });
});
