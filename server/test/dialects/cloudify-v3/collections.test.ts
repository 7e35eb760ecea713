/** Labels, filters, searches, sites, summaries, and deployments inside others. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { bytesOf } from '../../support/catalog.js';
import { aWebBlueprint } from './a-web-blueprint.js';
import { clientOf, type Found } from './client.js';

const server = await aServer();
const ask = clientOf(server);
const { deploy } = await aWebBlueprint(ask);

const ids = (json: Found): string[] => Object.values(json.items!).map((item) => String(item.id));
const label = (key: string, operator: string, ...values: string[]) => ({
  key,
  values,
  operator,
  type: 'label',
});
const attribute = (key: string, operator: string, ...values: string[]) => ({
  key,
  values,
  operator,
  type: 'attribute',
});
const search = async (of: string, body: object, query = '') => {
  const answer = await ask('POST', `/searches/${of}${query}`, { body });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};

const red = await deploy({ labels: [{ team: 'red' }, { size: ['s', 'm'] }], display_name: 'First one' });
const blue = await deploy({ labels: [{ team: 'blue' }] });
const bare = await deploy();

describe('filter rules', () => {
  for (const [rule, expected] of [
    [label('team', 'any_of', 'red', 'green'), [red]],
    [label('TEAM', 'any_of', 'blue'), [blue]],
    [label('team', 'not_any_of', 'red'), [blue]],
    [label('team', 'is_null'), [bare]],
    [label('team', 'is_not_null'), [red, blue]],
    [label('team', 'is_not', 'red'), [blue, bare]],
    [label('size', 'not_any_of', 's'), []],
    [attribute('id', 'any_of', blue, bare), [blue, bare]],
    [attribute('id', 'not_any_of', blue), [red, bare]],
    [attribute('display_name', 'contains', 'irst'), [red]],
    [attribute('display_name', 'not_contains', 'irst'), [blue, bare]],
    [attribute('display_name', 'starts_with', 'First'), [red]],
    [attribute('display_name', 'ends_with', 'one'), [red]],
    [attribute('display_name', 'contains', '%'), []],
    [attribute('site_name', 'is_not_empty'), []],
    [attribute('schedules', 'is_not_empty'), []],
    [attribute('installation_status', 'any_of', 'inactive'), [red, blue, bare]],
    [attribute('created_by', 'any_of', 'nobody'), []],
  ] as const) {
    test(`select deployments by ${rule.type} ${rule.key} ${rule.operator} [${rule.values.join()}]`, async () => {
      const json = await search('deployments', { filter_rules: [rule] });
      assert.deepEqual(ids(json), expected);
      assert.equal(Number(json.metadata?.filtered), 3 - expected.length);
    });
  }

  test('hold all together', async () => {
    const filter_rules = [label('team', 'is_not_null'), attribute('id', 'not_any_of', blue)];
    assert.deepEqual(ids(await search('deployments', { filter_rules })), [red]);
  });

  test('of one search are not those of another: prepared statements keep the values apart', async () => {
    for (const team of ['red', 'blue', 'red']) {
      const json = await search('deployments', { filter_rules: [label('team', 'any_of', team)] });
      assert.deepEqual(ids(json), [team === 'red' ? red : blue]);
    }
  });

  for (const [what, rule] of [
    ['an unknown operator', label('team', 'like', 'x')],
    ['an unknown attribute', attribute('inputs', 'any_of', 'x')],
    ['values where none belong', label('team', 'is_null', 'x')],
    ['no values', label('team', 'any_of')],
    ['an unknown type', { key: 'a', values: ['b'], operator: 'any_of', type: 'x' }],
    ['no list of texts', { key: 'a', values: [1], operator: 'any_of', type: 'label' }],
    ['a member too many', { ...label('team', 'any_of', 'x'), more: 1 }],
    ['a text in its place', 'team=red'],
  ] as const) {
    test(`with ${what} are refused, and the answer tells the rule and why`, async () => {
      const { status, json } = await ask('POST', '/searches/deployments', { body: { filter_rules: [rule] } });
      assert.deepEqual([status, json.error_code], [400, 'invalid_filter_rule']);
      assert.deepEqual(json.err_filter_rule, rule);
      assert.ok(String(json.err_reason).length > 0);
    });
  }
});

describe('stored filters', () => {
  test('are made, told in two parts, used, changed and deleted', async () => {
    const filter_rules = [label('team', 'any_of', 'red'), attribute('blueprint_id', 'any_of', 'web')];
    const made = await ask('PUT', '/filters/deployments/reds', { body: { filter_rules } });
    assert.equal(made.status, 200, made.text);
    assert.deepEqual(made.json.value, filter_rules);
    assert.deepEqual(made.json.labels_filter_rules, [filter_rules[0]]);
    assert.deepEqual(made.json.attrs_filter_rules, [filter_rules[1]]);
    assert.equal(made.json.is_system_filter, false);
    assert.deepEqual(ids((await ask('GET', '/deployments?_filter_id=reds')).json), [red]);
    assert.deepEqual(ids(await search('deployments', { filter_rules: [] }, '?_filter_id=reds')), [red]);
    assert.equal((await ask('PUT', '/filters/deployments/reds', { body: { filter_rules } })).status, 409);
    const changed = { filter_rules: [attribute('installation_status', 'any_of', 'active')] };
    const { json } = await ask('PATCH', '/filters/deployments/reds', { body: changed });
    assert.deepEqual(json.value, changed.filter_rules);
    assert.deepEqual(ids((await ask('GET', '/deployments?_filter_id=reds')).json), []);
    assert.equal((await ask('DELETE', '/filters/deployments/reds')).status, 204);
    assert.equal((await ask('GET', '/deployments?_filter_id=reds')).status, 404);
  });

  test('of blueprints know the attributes of blueprints', async () => {
    const filter_rules = [attribute('state', 'any_of', 'uploaded'), attribute('id', 'starts_with', 'we')];
    assert.equal((await ask('PUT', '/filters/blueprints/we', { body: { filter_rules } })).status, 200);
    assert.deepEqual(ids((await ask('GET', '/blueprints?_filter_id=we')).json), ['web']);
    const body = { filter_rules: [attribute('blueprint_id', 'any_of', 'x')] };
    assert.equal(
      (await ask('PUT', '/filters/blueprints/bad', { body })).json.error_code,
      'invalid_filter_rule',
    );
  });

  test('of the system are 22, and nobody makes, changes or deletes one', async () => {
    const { json } = await ask('GET', '/filters/deployments?is_system_filter=true');
    assert.equal(json.metadata?.pagination?.total, 22);
    const body = { filter_rules: [] };
    assert.equal((await ask('PUT', '/filters/deployments/csys-mine', { body })).status, 400);
    for (const method of ['PATCH', 'DELETE']) {
      const { status, json: told } = await ask(method, '/filters/deployments/csys-service-filter', { body });
      assert.deepEqual([status, told.error_code], [400, 'illegal_action_error'], method);
    }
    assert.equal((await ask('GET', '/filters/deployments/csys-environment-filter')).status, 200);
    assert.equal(
      (await ask('GET', '/filters/blueprints?is_system_filter=true')).json.metadata?.pagination?.total,
      0,
    );
  });

  test('are refused on lists that know none', async () => {
    assert.equal((await ask('GET', '/executions?_filter_id=x')).status, 400);
  });
});

test('labels in use are told by key and by value, and reserved keys on request', async () => {
  assert.deepEqual((await ask('GET', '/labels/deployments')).json.items, ['size', 'team']);
  assert.deepEqual((await ask('GET', '/labels/deployments/TEAM')).json.items, ['blue', 'red']);
  assert.deepEqual((await ask('GET', '/labels/deployments/none')).json.items, []);
  const { json } = await ask('GET', '/labels/deployments?_reserved=true');
  assert.ok(Object.values(json.items!).map(String).includes('csys-obj-parent'));
});

describe('searches', () => {
  test('understand the constraints of input pickers', async () => {
    const json = await search('deployments', {
      constraints: { labels: [{ team: 'red' }], name_pattern: { starts_with: 'First' } },
    });
    assert.deepEqual(ids(json), [red]);
    assert.deepEqual(ids(await search('deployments', { constraints: { valid_values: [blue] } })), [blue]);
    const both = { constraints: {}, filter_rules: [] };
    assert.equal((await ask('POST', '/searches/deployments', { body: both })).status, 400);
    const unknown = { constraints: { nonsense: 1 } };
    assert.equal((await ask('POST', '/searches/deployments', { body: unknown })).status, 400);
  });

  test('find nodes, node types, instances, secrets', async () => {
    const of = { deployment_id: red };
    assert.deepEqual(
      ids(await search('nodes', { constraints: { ...of, name_pattern: { contains: 'ho' } } })),
      ['host'],
    );
    const types = await search('node-types', {
      constraints: { ...of, name_pattern: { ends_with: 'Compute' } },
    });
    assert.deepEqual(ids(types), ['host']);
    const instances = await search('node-instances', {
      constraints: { ...of, name_pattern: { starts_with: 'app_' } },
    });
    assert.equal(ids(instances).length, 2);
    await ask('PUT', '/secrets/sec-a', { body: { value: 'x' } });
    const secrets = await search('secrets', { filter_rules: [attribute('key', 'contains', 'sec')] });
    assert.equal(secrets.items?.[0]?.key, 'sec-a');
  });

  test('find capabilities and scaling groups of a deployment', async () => {
    const caps = await search('capabilities', { constraints: { deployment_id: red } });
    assert.deepEqual(caps.items, [{ deployment_id: red, capabilities: [{ port: { value: null } }] }]);
    const none = { constraints: { deployment_id: red, name_pattern: { equals_to: 'x' } } };
    assert.deepEqual((await search('capabilities', none)).items, []);
    const groups = await search('scaling-groups', { constraints: {} }, `?deployment_id=${red}`);
    assert.equal(groups.items?.[0]?.name, 'pair');
    const ofBlueprint = await search('scaling-groups', { constraints: {} }, '?blueprint_id=web');
    assert.equal(ofBlueprint.items?.[0]?.name, 'pair');
    assert.equal((await ask('POST', '/searches/capabilities', { body: {} })).status, 400);
  });

  test('tell the workflows of deployments together, each once', async () => {
    const { json } = await ask('GET', '/workflows');
    const names = Object.values(json.items!).map((item) => String(item.name));
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.includes('install') && names.includes('execute_operation'));
    const none = await search('workflows', { filter_rules: [label('team', 'any_of', 'nobody')] });
    assert.deepEqual(none.items, []);
  });
});

describe('sites', () => {
  test('are made, listed, renamed, moved and deleted; deployments stand at them', async () => {
    const made = await ask('PUT', '/sites/north', { body: { location: '32.071072, 34.787274' } });
    assert.equal(made.status, 200, made.text);
    assert.deepEqual(
      [made.json.location, made.json.latitude, made.json.longitude],
      ['32.071072, 34.787274', 32.071072, 34.787274],
    );
    assert.equal((await ask('PUT', '/sites/north', { body: {} })).status, 409);
    const id = await deploy({ site_name: 'north' });
    assert.equal((await ask('GET', `/deployments/${id}`)).json.site_name, 'north');
    const { json } = await ask('POST', '/sites/north', { body: { new_name: 'south', location: '' } });
    assert.deepEqual([json.name, json.location], ['south', null]);
    assert.equal((await ask('GET', `/deployments/${id}`)).json.site_name, 'south');
    assert.deepEqual(
      ids(await search('deployments', { filter_rules: [attribute('site_name', 'is_not_empty')] })),
      [id],
    );
    assert.equal((await ask('DELETE', '/sites/south')).status, 204);
    assert.equal((await ask('GET', `/deployments/${id}`)).json.site_name, null);
    await ask('DELETE', `/deployments/${id}`);
  });

  test('are set and left by deployments, one of the two at a time', async () => {
    await ask('PUT', '/sites/east');
    const set = (body: object) => ask('POST', `/deployments/${bare}/set-site`, { body });
    assert.equal((await set({ site_name: 'east' })).json.site_name, 'east');
    assert.equal((await set({ detach_site: true })).json.site_name, null);
    for (const body of [{}, { site_name: 'east', detach_site: true }])
      assert.equal((await set(body)).status, 400);
    assert.equal((await set({ site_name: 'nowhere' })).status, 404);
  });

  for (const location of ['x', '1', '91,0', '0,181', '1,2,3', '1;2']) {
    test(`do not stand at ${location}`, async () => {
      const { status, json } = await ask('PUT', '/sites/bad', { body: { location } });
      assert.deepEqual([status, json.error_code], [400, 'bad_parameters_error']);
    });
  }
});

describe('summaries', () => {
  test('count by one field and within it by another', async () => {
    const { json } = await ask(
      'GET',
      '/summary/deployments?_target_field=blueprint_id&_sub_field=visibility',
    );
    assert.deepEqual(json.items, [
      { blueprint_id: 'web', deployments: 3, 'by visibility': [{ visibility: 'tenant', deployments: 3 }] },
    ]);
    const executions = await ask('GET', '/summary/executions?_target_field=status_display');
    assert.equal(executions.json.items?.[0]?.status_display, 'completed');
    const nodes = await ask('GET', '/summary/nodes?_target_field=deployment_id&_size=1');
    assert.equal(nodes.json.metadata?.pagination?.total, 3);
    assert.equal(Object.keys(nodes.json.items!).length, 1);
    const instances = await ask('GET', '/summary/node_instances?_target_field=state&_sub_field=index');
    assert.deepEqual(
      [instances.json.items?.[0]?.state, instances.json.items?.[0]?.node_instances],
      ['uninitialized', 9],
    );
    const blueprints = await ask('GET', '/summary/blueprints?_target_field=tenant_name&visibility=private');
    assert.deepEqual(blueprints.json.items, []);
  });

  test('by a field that is not offered are refused', async () => {
    for (const query of ['', '?_target_field=inputs', '?_target_field=visibility&_sub_field=id']) {
      const { status, json } = await ask('GET', `/summary/deployments${query}`);
      assert.deepEqual([status, json.error_code], [400, 'bad_parameters_error'], query);
    }
  });
});

describe('deployments inside others', () => {
  const told = async (id: string, query = '') => {
    const { json } = await ask('GET', `/deployments/${id}${query}`);
    return [json.sub_services_count, json.sub_environments_count, json.has_sub_deployments];
  };

  test('are counted by their kind, with those inside them or without', async () => {
    const top = await deploy({ labels: [{ 'csys-obj-type': 'environment' }, { 'csys-env-type': 'k8s' }] });
    assert.deepEqual(await told(top), [0, 0, false]);
    const inner = await deploy({ labels: [{ 'csys-obj-type': 'environment' }, { 'csys-obj-parent': top }] });
    const service = await deploy({ labels: [{ 'csys-obj-parent': inner }] });
    assert.deepEqual(await told(top), [1, 1, true]);
    assert.deepEqual(await told(top, '?all_sub_deployments=false'), [0, 1, true]);
    assert.deepEqual(await told(inner), [1, 0, true]);
    const { json } = await ask('GET', `/deployments/${top}`);
    assert.equal(json.environment_type, 'k8s');
    assert.equal(json.sub_services_status, 'requires_attention');
    await ask('PATCH', `/deployments/${service}`, { body: { labels: [] } });
    assert.deepEqual(await told(top), [0, 1, true]);
    const listed = await ask('GET', `/deployments?id=${top}`);
    assert.equal(listed.json.items?.[0]?.sub_environments_count, 1);
  });

  test('need a parent that is there and is not inside them', async () => {
    const missing = await ask('PUT', '/deployments/orphan', {
      body: { blueprint_id: 'web', inputs: { name: 'x' }, labels: [{ 'csys-obj-parent': 'nobody' }] },
    });
    assert.deepEqual([missing.status, missing.json.error_code], [404, 'deployment_parent_not_found_error']);
    const one = await deploy();
    const two = await deploy({ labels: [{ 'csys-obj-parent': one }] });
    const circle = await ask('PATCH', `/deployments/${one}`, {
      body: { labels: [{ 'csys-obj-parent': two }] },
    });
    assert.equal(circle.status, 400);
    const itself = await ask('PATCH', `/deployments/${one}`, {
      body: { labels: [{ 'csys-obj-parent': one }] },
    });
    assert.equal(itself.status, 400);
  });
});

test('a blueprint has labels and may be searched by them', async () => {
  const body = new Uint8Array(bytesOf({ 'blueprint.yaml': 'tosca_definitions_version: cloudify_dsl_1_3\n' }));
  await ask('PUT', '/blueprints/labelled', { body });
  await ask('PATCH', '/blueprints/labelled', { body: { labels: [{ key: 'Area', value: 'x' }] } });
  assert.deepEqual(ids(await search('blueprints', { filter_rules: [label('area', 'any_of', 'x')] })), [
    'labelled',
  ]);
  assert.deepEqual((await ask('GET', '/labels/blueprints')).json.items, ['area']);
});
