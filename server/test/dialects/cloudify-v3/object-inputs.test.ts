/** Inputs and parameters that name objects of the system, and schedules that a deployment is born with. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { bytesOf } from '../../support/catalog.js';
import { clientOf, type Found } from './client.js';

const server = await aServer();
const ask = clientOf(server);

const upload = async (id: string, text: string) => {
  const head = 'tosca_definitions_version: cloudify_dsl_1_5\nimports: [cloudify/types/types.yaml]\n';
  const body = new Uint8Array(bytesOf({ 'blueprint.yaml': head + text }));
  return ask('PUT', `/blueprints/${id}`, { body });
};
let count = 0;
const deploy = async (blueprint: string, body: object = {}) => {
  count += 1;
  const id = `${blueprint}-${count}`;
  return {
    id,
    answer: await ask('PUT', `/deployments/${id}`, { body: { blueprint_id: blueprint, ...body } }),
  };
};
const must = (answer: { status: number; text: string }) => assert.equal(answer.status, 201, answer.text);

must(
  await upload(
    'site',
    `node_templates: { vm: { type: cloudify.nodes.Compute }, disk: { type: cloudify.nodes.Volume } }
groups: { all: { members: [vm] } }
policies: { grow: { type: cloudify.policies.scaling, targets: [all] } }
capabilities: { port: { value: 5432 } }
`,
  ),
);
const site = await deploy('site', { labels: [{ env: 'prod' }] });
must(site.answer);
must((await deploy('site', { labels: [{ env: 'test' }] })).answer);
await ask('PUT', '/secrets/token', { body: { value: 'x' } });
await ask('PUT', '/filters/deployments/productive', {
  body: { filter_rules: [{ key: 'env', values: ['prod'], operator: 'any_of', type: 'label' }] },
});
const instance = Object.values(
  (await ask('GET', `/node-instances?deployment_id=${site.id}&node_id=vm`)).json.items!,
)[0]!.id;

describe('an input of an object type', () => {
  const cases: readonly (readonly [declared: string, good: unknown, bad: unknown, told: RegExp])[] = [
    ['{type: blueprint_id}', 'site', 'nowhere', /'it': .*nowhere.* names no blueprint/],
    ['{type: deployment_id}', site.id, 'nowhere', /names no deployment/],
    ['{type: secret_key}', 'token', 'none', /names no secret/],
    ['{type: list, item_type: deployment_id}', [site.id, 'site-2'], [site.id, 'nowhere'], /nowhere/],
    [
      '{type: deployment_id, constraints: [{filter_id: productive}]}',
      site.id,
      'site-2',
      /filter .*productive/,
    ],
    ['{type: deployment_id, constraints: [{labels: [{env: prod}]}]}', site.id, 'site-2', /label env: prod/],
    [
      '{type: deployment_id, constraints: [{name_pattern: {ends_with: "1"}}]}',
      site.id,
      'site-2',
      /ends_with/,
    ],
    ['{type: deployment_id, constraints: [{valid_values: [site-1]}]}', site.id, 'site-2', /valid_values/],
    [
      '{type: deployment_id, constraints: [{tenants: [default_tenant]}]}',
      site.id,
      'nowhere',
      /no deployment/,
    ],
    ['{type: node_id}', 'own', 'vm', /is no node of the blueprint/],
    ['{type: node_id, constraints: [{deployment_id: site-1}]}', 'vm', 'own', /no node of deployment site-1/],
    [
      '{type: node_id, constraints: [{deployment_id: gone}]}',
      null,
      'vm',
      /deployment gone, which does not exist/,
    ],
    [
      '{type: node_type, constraints: [{deployment_id: site-1}]}',
      'cloudify.nodes.Volume',
      'x',
      /no node type/,
    ],
    ['{type: node_instance, constraints: [{deployment_id: site-1}]}', instance, 'vm_0', /no node instance/],
    ['{type: node_instance}', null, 'vm_0', /no constraint says of which deployment/],
    ['{type: scaling_group, constraints: [{deployment_id: site-1}]}', 'all', 'vm', /no scaling group/],
    ['{type: capability_value, constraints: [{deployment_id: site-1}]}', 5432, 1, /no capability value/],
  ];
  for (const [index, [declared, good, bad, told]] of cases.entries()) {
    test(`${declared} is held against what there is`, async () => {
      const inputs = `{ it: ${declared.replace('{', '{required: false, ')} }`;
      const text = `inputs: ${inputs}\nnode_templates: { own: { type: cloudify.nodes.Root } }\n`;
      must(await upload(`asks${index}`, text));
      must((await deploy(`asks${index}`, { inputs: { it: good } })).answer);
      must((await deploy(`asks${index}`)).answer);
      const { id, answer } = await deploy(`asks${index}`, { inputs: { it: bad } });
      assert.deepEqual(
        [answer.status, answer.json.error_code],
        [400, 'deployment_creation_error'],
        answer.text,
      );
      assert.match(String(answer.json.message), told);
      assert.equal((await ask('GET', `/deployments/${id}`)).status, 404);
    });
  }

  test('may name another input as the deployment to look in', async () => {
    must(
      await upload(
        'pair',
        `inputs:
  of: { type: deployment_id }
  node: { type: node_id, constraints: [{ deployment_id: { get_input: of } }] }
node_templates: { own: { type: cloudify.nodes.Root } }
`,
      ),
    );
    must((await deploy('pair', { inputs: { of: site.id, node: 'disk' } })).answer);
    const { answer } = await deploy('pair', { inputs: { of: site.id, node: 'own' } });
    assert.equal(answer.status, 400);
  });
});

test('a parameter of an object type is held against the deployment of the execution', async () => {
  must(
    await upload(
      'works',
      `inputs: { which: { type: node_id, required: false } }
node_templates: { own: { type: cloudify.nodes.Root } }
workflows: { install: { mapping: default_workflows.cloudify.plugins.workflows.install, parameters: { which: { type: node_id } } } }
`,
    ),
  );
  const { id, answer } = await deploy('works');
  must(answer);
  const start = (which: string) =>
    ask('POST', '/executions', {
      body: { deployment_id: id, workflow_id: 'install', parameters: { which } },
    });
  const refused = await start('vm');
  assert.deepEqual([refused.status, refused.json.error_code], [400, 'illegal_execution_parameters_error']);
  assert.match(String(refused.json.message), /Parameter 'which': .*no node of deployment works/);
  const update = (which: string) =>
    ask('POST', `/deployment-updates/${id}/update/initiate`, { body: { inputs: { which }, preview: true } });
  assert.match(String((await update('vm')).json.message), /Input 'which': .*no node of the blueprint/);
  must(await start('own'));
});

describe('default schedules of a blueprint', () => {
  const settings = (schedules: string, more = '') => `inputs: { who: { default: ann } }
node_templates: { own: { type: cloudify.nodes.Root } }
deployment_settings:
  display_name: { concat: [house of, ' ', { get_input: who }] }
  default_schedules: ${schedules}
${more}`;

  test('are made with each deployment, which is named as the settings say', async () => {
    must(
      await upload(
        'timed',
        settings(`
    nightly: { workflow: install, since: '2099-01-05 09:30:00', timezone: Europe/Berlin, recurrence: 1 day, slip: 5,
      execution_arguments: { is_dry_run: true }, stop_after_fail: true }
    once: { workflow: uninstall, since: +2 hours, default_enabled: false, workflow_parameters: { ignore_failure: true } }`),
      ),
    );
    const { id, answer } = await deploy('timed');
    must(answer);
    assert.equal(answer.json.display_name, 'house of ann');
    const items = Object.values(
      (await ask('GET', `/execution-schedules?deployment_id=${id}&_sort=id`)).json.items!,
    ) as Found[];
    assert.deepEqual(
      items.map((item) => [item.id, item.workflow_id, item.enabled, item.stop_on_fail, item.slip]),
      [
        ['nightly', 'install', true, true, 5],
        ['once', 'uninstall', false, false, 0],
      ],
    );
    assert.equal(items[0]!.next_occurrence, '2099-01-05T08:30:00.000Z');
    assert.equal((items[0]!.execution_arguments as unknown as { dry_run: boolean }).dry_run, true);
    assert.deepEqual(items[1]!.parameters, { ignore_failure: true });
    const wait = new Date(String(items[1]!.since)).getTime() - Date.now();
    assert.ok(Math.abs(wait - 7_200_000) < 120_000, `${wait}`);
    must((await deploy('timed', { display_name: 'own name' })).answer);
  });

  test('with a time that is none are told when the blueprint is uploaded', async () => {
    const answer = await upload('wrong', settings('{ a: { workflow: install, since: soon } }'));
    assert.equal(answer.status, 400);
    assert.match(String(answer.json.message), /since 'soon' is no time/);
  });

  test('of a workflow that does not exist keep a deployment from being made', async () => {
    must(await upload('lost', settings('{ a: { workflow: nobody, since: +1 day } }')));
    const { id, answer } = await deploy('lost');
    assert.equal(answer.status, 400);
    assert.match(String(answer.json.message), /Workflow nobody does not exist/);
    assert.equal((await ask('GET', `/deployments/${id}`)).status, 404);
  });
});
