/** Clouds and badges: §6.3 and §6.4 of specs/insightcloudsec.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aDomain, stateOf } from './a-domain.js';

const domain = await aDomain();
const { ask, get, orgAdmin } = domain;
const rid = (uid: number) => `divvyorganizationservice:${uid}`;
const add = (creation_params: object) =>
  ask('POST', '/v2/prototype/cloud/add', { key: orgAdmin.key, body: { creation_params } });
const names = (told: { clouds: { name: string }[] }) => told.clouds.map(({ name }) => name);
const list = (body: object = {}) => get(orgAdmin, 'POST', '/v2/public/clouds/list', body);
const badge = (uids: readonly number[], badges: object[]) =>
  ask('POST', '/v2/public/badges/create', {
    key: orgAdmin.key,
    body: { target_resource_ids: uids.map(rid), badges },
  });

const AWS = {
  cloud_type: 'AWS',
  name: 'Shop',
  authentication_type: 'standard',
  account_number: 42,
  api_key: 'k',
  secret_key: 's',
};
const one = await domain.cloud(orgAdmin, 'Alpha', stateOf('web', 'db'));
const two = await domain.cloud(orgAdmin, 'Beta', stateOf('web'));
await badge([one, two], [{ key: 'env', value: 'prod' }]);
await badge([two], [{ key: 'team', value: 'red' }]);

test('a cloud is added, and told with the members that clients read', async () => {
  const empty = { type: '', project_id: '', private_key: '' };
  const { status, json } = await add({ ...AWS, role_arn: '', duration: 0, api_credentials: empty });
  assert.equal(status, 200);
  assert.deepEqual(
    [
      json.account_id,
      json.status,
      json.cloud_type_id,
      json.resource_id,
      json.group_resource_id,
      json.last_refreshed,
    ],
    ['000000000042', 'REFRESH', 'AWS', rid(json.id), rid(json.id), undefined],
  );
  assert.equal((await add(AWS)).json.error_type, 'duplicate');
});

for (const [what, change] of [
  ['an unknown type', { cloud_type: 'MOON' }],
  ['no name', { name: '' }],
  ['a missing secret', { secret_key: '' }],
  ['an unknown sign-in', { authentication_type: 'magic' }],
  ['no account number that could be one', { account_number: 'abc' }],
  ['a strategy that is not there', { account_number: 7, strategy_id: 99 }],
] as const) {
  test(`a cloud with ${what} is refused`, async () => {
    const before = (await list()).total_count;
    const { status, json } = await add({ ...AWS, account_number: 43, ...change });
    assert.deepEqual([status, typeof json.error_message], [400, 'string']);
    assert.equal((await list()).total_count, before, 'nothing is left of it');
  });
}

test('clouds of Azure and Google are added with what these need', async () => {
  const azure = {
    cloud_type: 'AZURE_ARM',
    name: 'Az',
    authentication_type: 'standard',
    tenant_id: 't',
    app_id: 'a',
    subscription_id: 'sub',
    api_key: 'k',
  };
  assert.equal((await add(azure)).json.account_id, 'sub');
  const credentials = { type: 'service_account', project_id: 'p-1', private_key: 'k' };
  assert.equal(
    (await add({ cloud_type: 'GCE', name: 'G', api_credentials: credentials })).json.account_id,
    'p-1',
  );
});

test('a cloud is changed flat or under creation_params, and empty secrets stay', async () => {
  const { id } = (await add({ ...AWS, name: 'Change', account_number: 50 })).json;
  const flat = await get(orgAdmin, 'POST', `/v2/prototype/cloud/${id}/update`, {
    ...AWS,
    account_number: '50',
    name: 'Changed',
    api_key: '',
    secret_key: '',
  });
  assert.equal(flat.name, 'Changed');
  const nested = { creation_params: { role_arn: 'arn:aws:iam::1:role/r' } };
  assert.equal(
    (await get(orgAdmin, 'POST', `/v2/prototype/cloud/${id}/update`, nested)).role_arn,
    'arn:aws:iam::1:role/r',
  );
  const { core, pool } = domain.server;
  const { rows } = await pool.query('select tenant_id from cloud_accounts where uid = $1', [id]);
  assert.deepEqual(await core.cloudAccounts.secretsOf(pool, rows[0].tenant_id, id), {
    apiKey: 'k',
    secretKey: 's',
  });
  await get(orgAdmin, 'POST', `/v2/public/cloud/${rid(id)}/delete`);
  assert.equal((await ask('POST', `/v2/public/cloud/${rid(id)}/delete`, { key: orgAdmin.key })).status, 404);
});

test('a list is filtered, sorted, paged and searched as it is told to', async () => {
  const filter = (field_name: string, filter_type: string, filter_value: unknown) =>
    list({ filters: [{ field_name, filter_type, filter_value }], order_by: 'name' });
  assert.deepEqual(names(await filter('name', 'EXACT', 'Alpha')), ['Alpha']);
  assert.deepEqual(names(await filter('name', 'CONTAINS', 'LPH')), ['Alpha']);
  assert.deepEqual(names(await filter('name', 'STARTS_WITH', 'Be')), ['Beta']);
  assert.deepEqual(names(await filter('name', 'IN', ['Alpha', 'Beta'])), ['Alpha', 'Beta']);
  assert.ok(!names(await filter('name', 'NOT_EXACT', 'Alpha')).includes('Alpha'));
  assert.deepEqual(names(await filter('id', 'EXACT', one)), ['Alpha']);
  assert.ok(names(await filter('status', 'EXACT', 'DEFAULT')).includes('Alpha'));
  assert.ok(names(await filter('cloud_type_id', 'STARTS_WITH', 'aws')).includes('Alpha'));
  assert.ok(
    names(await filter('creation_time', 'CONTAINS', new Date().toISOString().slice(0, 10))).includes('Alpha'),
  );
  assert.ok(names(await filter('badge_count', 'CONTAINS', '2')).includes('Beta'));
  const search = await list({ search_string: 'alph', limit: 1 });
  assert.deepEqual([names(search), search.total_count], [['Alpha'], 1]);
  const all = await list({ order_by: 'name' });
  const page = await list({ order_by: 'name DESC', limit: 2, offset: '1' });
  assert.deepEqual(names(page), names(all).reverse().slice(1, 3));
  assert.equal(page.total_count, all.total_count);
  for (const body of [
    { filters: [{ field_name: 'nothing', filter_type: 'EXACT', filter_value: 1 }] },
    { filters: [{ field_name: 'name', filter_type: 'LIKE', filter_value: 1 }] },
    { filters: ['x'] },
    { order_by: 'name; drop' },
    { offset: 'x' },
  ]) {
    assert.equal((await ask('POST', '/v2/public/clouds/list', { key: orgAdmin.key, body })).status, 400);
  }
});

test('clouds are chosen by badges: any, all, none of them, and the one that every cloud has', async () => {
  const env = { key: 'env', value: 'prod' };
  const team = { key: 'team', value: 'red' };
  const chosen = async (body: object) => names(await list({ order_by: 'name', ...body }));
  assert.deepEqual(await chosen({ badges: [env, team] }), ['Alpha', 'Beta']);
  assert.deepEqual(await chosen({ badges: [env, team], badge_filter_operator: 'and' }), ['Beta']);
  assert.deepEqual(await chosen({ badges: [env], exclusion_badges: [team] }), ['Alpha']);
  assert.ok(!(await chosen({ empty_badges: true })).includes('Alpha'));
  const implicit = { key: 'system.resource_type', value: 'cloud' };
  assert.equal((await chosen({ badges: [implicit] })).length, (await list()).total_count);
  assert.deepEqual(await chosen({ badges: [implicit, team], badge_filter_operator: 'AND' }), ['Beta']);
});

test('badges are put on, replaced, counted, listed and taken off; a key given twice changes nothing', async () => {
  const uid = await domain.cloud(orgAdmin, 'Badged');
  assert.equal((await badge([uid], [{ key: 'a', value: '1' }])).status, 204);
  const told = () => get(orgAdmin, 'POST', `/v2/public/badges/${rid(uid)}/list`);
  const replace = (body: unknown) =>
    ask('POST', `/v2/public/badges/${rid(uid)}/update`, { key: orgAdmin.key, body });
  const twice = [
    { key: 'a', value: '1' },
    { key: 'a', value: '2' },
  ];
  assert.equal((await replace(twice)).status, 400);
  assert.deepEqual(await told(), [{ key: 'a', value: '1', auto_generated: false }]);
  assert.equal((await replace([{ key: 'b', value: '2' }])).status, 204);
  assert.equal(
    (await replace({ target_resource_ids: [rid(uid)], badges: [{ key: 'c', value: '3' }] })).status,
    204,
  );
  assert.deepEqual(await told(), [{ key: 'c', value: '3', auto_generated: false }]);
  const counts = await get(orgAdmin, 'POST', '/v2/public/badges/count', { resource_ids: [rid(uid)] });
  assert.deepEqual(counts, { resource_count: [{ resource_id: rid(uid), count: 1 }] });
  assert.deepEqual(await get(orgAdmin, 'POST', '/v2/public/badge/clouds/list', { c: '3' }), [
    { resource_id: rid(uid), name: 'Badged' },
  ]);
  const body = { target_resource_ids: [rid(uid)], badges: [{ key: 'c', value: '3' }] };
  assert.equal((await ask('POST', '/v2/public/badges/delete', { key: orgAdmin.key, body })).status, 204);
  assert.deepEqual(await told(), []);
  const any = await get(orgAdmin, 'POST', '/v2/public/badge/clouds/list', {});
  assert.deepEqual(
    any.map((each: { name: string }) => each.name),
    ['Alpha', 'Beta'],
  );
});

test('a paused cloud is not harvested until it is let go on', async () => {
  const uid = await domain.cloud(orgAdmin, 'Paused', stateOf('web'));
  const set = (status: string) =>
    get(orgAdmin, 'POST', '/v2/public/clouds/status/set', { resource_ids: [rid(uid)], status });
  const bring = () =>
    ask('POST', `/v2/public/cloud/${rid(uid)}/import`, {
      key: orgAdmin.key,
      body: { format: 'terraform_state', document: stateOf() },
    });
  await set('PAUSED');
  assert.equal((await bring()).status, 409);
  await set('DEFAULT');
  assert.deepEqual((await bring()).json, {
    created: 0,
    modified: 0,
    destroyed: 1,
    unchanged: 0,
    total: 0,
    skipped: [],
  });
});

test('types, regions, strategies, linked and provisioning clouds are told', async () => {
  const types = await get(orgAdmin, 'GET', '/v2/public/cloudtypes/list');
  for (const type of ['AWS', 'AZURE_ARM', 'GCE', 'K8S', 'PLATFORM']) {
    assert.ok(
      types.clouds.some((each: { cloud_type_id: string }) => each.cloud_type_id === type),
      type,
    );
  }
  const { regions } = await get(orgAdmin, 'GET', `/v2/public/cloud/${rid(one)}/regions/list`);
  assert.deepEqual(regions, [
    {
      id: 'eu-west-1',
      name: 'eu-west-1',
      resource_id: `serviceregion:${one}:eu-west-1:`,
      status: 'ACTIVE',
      harvest_rate_multiplier: 1,
    },
  ]);
  await get(orgAdmin, 'POST', `/v2/public/cloud/region/serviceregion:${one}:eu-west-1:/disable`);
  assert.equal(
    (await get(orgAdmin, 'GET', `/v2/public/cloud/${rid(one)}/regions/list`)).regions[0].status,
    'DISABLED',
  );
  await get(orgAdmin, 'POST', `/v2/public/cloud/region/serviceregion:${one}:eu-west-1:/enable`);
  const { strategy_id: id } = await get(orgAdmin, 'POST', '/v2/harvestingstrategy/strategy', {
    strategy_name: 'Slow',
    cloud_type_id: 'AWS',
  });
  await get(orgAdmin, 'POST', `/v2/harvestingstrategy/strategy/${id}`, {
    organization_service_ids: [one],
    cloud_type_id: 'AWS',
    badges: [{ key: 'team', value: 'red' }],
  });
  const { strategies } = await get(orgAdmin, 'GET', '/v2/harvestingstrategy/strategy');
  const slow = strategies.find((each: { id: number }) => each.id === id);
  assert.deepEqual([slow.name, slow.organization_services, slow.type_default], ['Slow', 2, false]);
  assert.equal(
    strategies.filter(
      (each: { type_default: boolean; cloud_type_id: string }) =>
        each.type_default && each.cloud_type_id === 'AWS',
    ).length,
    1,
  );
  assert.equal((await list({ search_string: 'Alpha' })).clouds[0].strategy_id, id);
  await add({ ...AWS, name: 'Linked', account_number: 60, payer_account_id: '000000000001' });
  const linked = await get(orgAdmin, 'GET', '/v2/prototype/cloud/linked/list');
  assert.deepEqual(
    linked.map((each: { name: string }) => each.name),
    ['Linked'],
  );
  assert.deepEqual((await get(orgAdmin, 'GET', '/v2/public/clouds/provisioning/list')).clouds, []);
});

test('the last harvest of each job is told, also of one that never ran, and an import is asked for again', async () => {
  const [job] = await get(orgAdmin, 'GET', `/v2/public/divvy/cloud/${rid(one)}/last_harvest/get`);
  assert.deepEqual(
    [job.status, job.schedule.job, job.schedule.organization_service_id],
    ['succeeded', 'harvest:Import', one],
  );
  const fresh = await domain.cloud(orgAdmin, 'Never');
  const [never] = await get(orgAdmin, 'GET', `/v2/public/divvy/cloud/${rid(fresh)}/last_harvest/get`);
  assert.deepEqual([never.status, never.last_started], ['never_run', undefined]);
  const again = await ask('POST', '/v2/public/divvy/cloud/enqueue_harvest_job', {
    key: orgAdmin.key,
    body: job.schedule,
  });
  assert.deepEqual([again.status, /import/.test(again.json.error_message)], [400, true]);
});

test('manifests of Kubernetes are imported, and other formats are refused', async () => {
  const { id } = (await add({ cloud_type: 'K8S', name: 'Cluster', authentication_type: 'import' })).json;
  const document =
    'kind: Pod\nmetadata: { name: web, namespace: shop }\nspec: { containers: [{ image: nginx }] }\n';
  const bring = (format: string) =>
    ask('POST', `/v2/public/cloud/${rid(id)}/import`, { key: orgAdmin.key, body: { format, document } });
  assert.equal((await bring('kubernetes')).json.created, 1);
  assert.equal((await bring('cloudformation')).status, 400);
  assert.equal((await bring('terraform_state')).status, 400);
});
