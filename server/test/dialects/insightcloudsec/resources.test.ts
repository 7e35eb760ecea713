/** What was found in clouds: §6.5 of specs/insightcloudsec.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aDomain, stateOf } from './a-domain.js';

const domain = await aDomain();
const { ask, get, orgAdmin, basic } = domain;
const rid = (uid: number) => `divvyorganizationservice:${uid}`;
const one = await domain.cloud(orgAdmin, 'Alpha', stateOf('web', 'db'));
const two = await domain.cloud(orgAdmin, 'Beta', stateOf('web'));
await ask('POST', `/v2/public/badges/${rid(two)}/update`, {
  key: orgAdmin.key,
  body: [{ key: 'team', value: 'red' }],
});

test('resources are asked for by type, scope, badge and tag, with counts of all types', async () => {
  const query = (body: object) => get(orgAdmin, 'POST', '/v2/public/resource/query', body);
  const none = await query({ scopes: [rid(one)] });
  assert.deepEqual([none.resources, none.counts, none.selected_resource_type], [[], { instance: 2 }, null]);
  const told = await query({
    selected_resource_type: 'instance',
    scopes: [rid(one)],
    order_by: 'resource_name',
  });
  const [db] = told.resources;
  assert.deepEqual(
    [db.resource_type, db.instance.common.resource_id, db.instance.instance_type],
    ['instance', `instance:${one}:eu-west-1:i-db:`, 't3.micro'],
  );
  assert.deepEqual(db.instance.common.tags, { Name: 'db', env: 'prod' });
  assert.equal(db.instance.common.account, 'Alpha');
  const byBadge = await query({
    selected_resource_type: 'instance',
    badges: [{ key: 'team', value: 'red' }],
  });
  assert.equal(byBadge.resources[0].instance.common.organization_service_id, two);
  const byTag = await query({
    selected_resource_type: 'instance',
    tags: [{ key: 'Name', value: 'db' }],
    limit: 1,
  });
  assert.deepEqual([byTag.resources.length, byTag.counts], [1, { instance: 1 }]);
  assert.ok(told.supported_types.includes('storagecontainer'));
  for (const body of [
    { filters: [{ name: 'divvy.query.cel' }] },
    { insight: 'custom:1' },
    { selected_resource_type: 'unicorn' },
    { scopes: ['resourcegroup:1:'] },
  ]) {
    assert.equal((await ask('POST', '/v2/public/resource/query', { key: orgAdmin.key, body })).status, 400);
  }
});

test('a cursor reads everything once while the inventory changes', async () => {
  const uid = await domain.cloud(
    orgAdmin,
    'Cursor',
    stateOf(...Array.from({ length: 25 }, (_, at) => `n${at}`)),
  );
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: {
      resources: { instance: { common: { resource_id: string } } }[];
      next_cursor: string | null;
    } = await get(orgAdmin, 'POST', '/v3/public/resource/etl-query', {
      scopes: [rid(uid)],
      limit: 7,
      cursor,
    });
    seen.push(...page.resources.map((each) => each.instance.common.resource_id));
    // One that was read is gone, another one comes.
    const others = Array.from({ length: 24 }, (_, at) => `n${at + 1}`);
    await get(orgAdmin, 'POST', `/v2/public/cloud/${rid(uid)}/import`, {
      format: 'terraform_state',
      document: stateOf(...others, `late-${seen.length}`),
    });
    cursor = page.next_cursor;
    if (seen.length > 60) break;
  }
  assert.equal(new Set(seen).size, seen.length);
  for (let at = 1; at < 25; at += 1)
    assert.ok(seen.includes(`instance:${uid}:eu-west-1:i-n${at}:`), `n${at}`);
  assert.equal(
    (await ask('POST', '/v3/public/resource/etl-query', { key: orgAdmin.key, body: { cursor: '!' } })).status,
    400,
  );
});

test('a resource is told in detail with what it refers to, its tags and its owner', async () => {
  const group = {
    mode: 'managed',
    type: 'aws_security_group',
    name: 'g',
    instances: [
      {
        attributes: { id: 'sg-1', name: 'open', region: 'eu-west-1', arn: 'arn:aws:ec2:eu-west-1:1:sg/sg-1' },
      },
    ],
  };
  const document = stateOf('web') as { resources: object[] };
  const uid = await domain.cloud(orgAdmin, 'Detail', {
    ...document,
    resources: [...document.resources, group],
  });
  const id = `instance:${uid}:eu-west-1:i-web:`;
  for (const path of [id, id.slice(0, -1), encodeURIComponent(id)]) {
    const { details, dependencies } = await get(orgAdmin, 'GET', `/v2/public/resource/${path}/detail`);
    assert.equal(details.instance.common.resource_id, id);
    assert.deepEqual(dependencies.resourceaccesslist, [
      {
        id: 'sg-1',
        name: 'open',
        resource_id: `resourceaccesslist:${uid}:eu-west-1:sg-1:`,
        type: 'resourceaccesslist',
      },
    ]);
  }
  const { resource_tags: tags } = await get(orgAdmin, 'GET', `/v2/public/resource/${id}/tags/list`);
  assert.deepEqual(
    tags.sort((a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1)),
    [
      { key: 'Name', value: 'web' },
      { key: 'env', value: 'prod' },
    ],
  );
  await get(orgAdmin, 'POST', '/v2/public/resource/owner/set', {
    resource_ids: [id],
    owner_resource_id: `divvyuser:${basic.id}:`,
  });
  const users = await get(orgAdmin, 'GET', '/v2/public/users/list');
  assert.equal(users.users.find((each: { user_id: number }) => each.user_id === basic.id).owned_resources, 1);
  await get(orgAdmin, 'POST', '/v2/public/resource/owner/set', { resource_ids: [id] });
  const { details } = await get(orgAdmin, 'GET', `/v2/public/resource/${id}/detail`);
  assert.equal(details.instance.common.owner_resource_id, undefined);
  const found = await get(orgAdmin, 'POST', '/v2/public/resource/common/search', {
    search_string: 'SG-1',
    limit: 5,
  });
  assert.deepEqual(
    found.resources.map((each: { resource_id: string }) => each.resource_id),
    [`resourceaccesslist:${uid}:eu-west-1:sg-1:`],
  );
  for (const path of ['instance:1:nowhere:i-9:', 'nonsense', 'instance:1']) {
    assert.equal((await ask('GET', `/v2/public/resource/${path}/detail`, { key: orgAdmin.key })).status, 404);
  }
});

test('a Basic User reaches no cloud: lists are empty, ids unknown', async () => {
  assert.equal((await get(basic, 'GET', '/v2/public/clouds/list')).total_count, 0);
  assert.deepEqual(
    (await get(basic, 'POST', '/v2/public/resource/query', { selected_resource_type: 'instance' })).counts,
    {},
  );
  assert.equal(
    (await get(basic, 'POST', '/v2/public/resource/common/search', { search_string: 'web' })).total_count,
    0,
  );
  assert.equal(
    (await ask('GET', `/v2/public/cloud/${rid(one)}/regions/list`, { key: basic.key })).status,
    404,
  );
});
