import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNoop, nodeOperation, relationshipOperation } from '../plan.js';
import { HEAD, planOf, requestOf, troublesOf } from '../testdata/archive.js';
import { compile } from './compile.js';

const WEB = `${HEAD}
inputs:
  port: {type: integer, default: 8080}
node_templates:
  web:
    type: cloudify.nodes.WebServer
    properties: {port: {get_input: port}}
    interfaces:
      cloudify.interfaces.lifecycle:
        start:
          implementation: scripts/start.sh
          inputs: {greeting: hello}
          max_retries: 2
          resumable: false
    relationships:
      - type: cloudify.relationships.contained_in
        target: vm
        source_interfaces:
          cloudify.interfaces.relationship_lifecycle:
            establish: scripts/link.sh
  vm:
    type: cloudify.nodes.Compute
    properties: {agent_config: {install_method: none}}
outputs:
  url: {description: Where it is, value: {concat: ['http://', {get_attribute: [vm, ip]}, ':', {get_property: [web, port]}]}}
`;

test('a blueprint on the base types becomes a plan that says each type once', () => {
  const plan = planOf(WEB);
  assert.equal(plan.language, 'cloudify_dsl_1_5');
  assert.deepEqual(
    plan.nodes.map(({ name, type, host }) => ({ name, type, host })),
    [
      { name: 'web', type: 'cloudify.nodes.WebServer', host: 'vm' },
      { name: 'vm', type: 'cloudify.nodes.Compute', host: 'vm' },
    ],
  );
  assert.deepEqual(Object.keys(plan.nodeTypes), ['cloudify.nodes.WebServer', 'cloudify.nodes.Compute']);
  assert.deepEqual(plan.nodeTypes['cloudify.nodes.WebServer']?.hierarchy, [
    'cloudify.nodes.Root',
    'cloudify.nodes.SoftwareComponent',
    'cloudify.nodes.WebServer',
  ]);
  assert.deepEqual(plan.metadata, { cloudify_types: true });
  assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
});

test('a node holds its defaults and only the operations that differ from its type', () => {
  const [web, vm] = planOf(WEB).nodes;
  assert.deepEqual(web?.properties, { use_external_resource: false, port: { get_input: 'port' } });
  assert.deepEqual(Object.keys(web?.operations ?? {}), ['cloudify.interfaces.lifecycle.start']);
  assert.deepEqual(vm?.operations, {});
  assert.deepEqual(vm?.properties.agent_config, { install_method: 'none', port: 22, network: 'default' });
  assert.deepEqual(vm?.scaling, { default: 1, min: 0, max: -1 });
});

test('a script becomes a call of the script plugin', () => {
  const plan = planOf(WEB);
  const [web] = plan.nodes;
  assert.deepEqual(nodeOperation(plan, web!, 'cloudify.interfaces.lifecycle.start'), {
    plugin: 'script',
    function: 'script_runner.tasks.run',
    inputs: { script_path: 'scripts/start.sh', greeting: 'hello' },
    executor: 'auto',
    maxRetries: 2,
    retryInterval: null,
    timeout: null,
    timeoutRecoverable: null,
    hasFunctions: false,
    resumable: false,
  });
  assert.equal(isNoop(nodeOperation(plan, web!, 'cloudify.interfaces.lifecycle.stop')), true);
  const establish = 'cloudify.interfaces.relationship_lifecycle.establish';
  assert.equal(relationshipOperation(plan, web!.relationships[0]!, 'source', establish)?.plugin, 'script');
  assert.equal(isNoop(relationshipOperation(plan, web!.relationships[0]!, 'target', establish)), true);
});

test('the built-in workflows come with the base types', () => {
  const { workflows } = planOf(WEB);
  assert.deepEqual(Object.keys(workflows).slice(0, 3), ['install', 'uninstall', 'reinstall']);
  assert.equal(workflows.install?.plugin, 'default_workflows');
  assert.equal(workflows.install?.function, 'cloudify.plugins.workflows.install');
  assert.deepEqual(workflows.install?.availability, { instancesActive: ['none', 'partial'] });
  assert.deepEqual(workflows.install?.parameters.node_ids, {
    type: 'list',
    default: [],
    itemType: 'node_id',
  });
  assert.deepEqual(workflows.execute_operation?.parameters.allow_kwargs_override, { default: null });
});

test('in versions before 1_3 only the lifecycle has a `create` and a `delete`', () => {
  const validations = (minor: number, file = 'types') => {
    const text = `tosca_definitions_version: cloudify_dsl_1_${minor}\nimports: [cloudify/types/${file}.yaml]\n`;
    const { nodeTypes } = planOf(`${text}node_templates: {a: {type: cloudify.nodes.Root}}\n`);
    return Object.keys(nodeTypes['cloudify.nodes.Root']!.operations).flatMap((name) =>
      name.startsWith('cloudify.interfaces.validation.') ? [name.split('.').at(-1)] : [],
    );
  };
  const all = ['create', 'delete', 'check_status', 'creation', 'deletion'];
  for (const minor of [0, 1, 2]) assert.deepEqual(validations(minor), ['creation', 'deletion']);
  for (const minor of [3, 4, 5]) assert.deepEqual(validations(minor), all);
  assert.deepEqual(validations(5, 'types_1_0'), ['creation', 'deletion']);
});

test('each edition of the base types compiles, with every type in it', () => {
  for (const version of ['1_0', '1_1', '1_2', '1_3', '1_4', '1_5']) {
    const head = `tosca_definitions_version: cloudify_dsl_${version}\nimports: [cloudify/types/types.yaml]\n`;
    assert.deepEqual(troublesOf(head), [], version);
    const types = [
      'Root Tier Compute Container Volume ObjectStorage Network Subnet Port Router LoadBalancer VirtualIP',
      'SecurityGroup SoftwareComponent DBMS Database WebServer ApplicationServer MessageBusServer ApplicationModule',
      'Component ServiceComponent Blueprint',
    ].join(' ');
    const nodes = types
      .split(' ')
      .map(
        (type) => `  ${type}: {type: cloudify.nodes.${type}, properties: {use_external_resource: true}}\n`,
      );
    const relationships = ['depends_on', 'connected_to', 'file_system_depends_on_volume']
      .map((type) => `      - {type: cloudify.relationships.${type}, target: Volume}\n`)
      .join('');
    const fs = `  fs:\n    type: cloudify.nodes.FileSystem\n    properties: {fs_type: ext4, fs_mount_path: /mnt}\n    relationships:\n${relationships}`;
    const plan = planOf(`${head}node_templates:\n${nodes.join('')}${fs}`);
    assert.equal(plan.nodes.length, types.split(' ').length + 1);
  }
});

test('imports that are no files are asked for, all at once', () => {
  const text = `tosca_definitions_version: cloudify_dsl_1_4
imports:
  - https://example.org/a/one.yaml
  - plugin:cloudify-aws-plugin?version=>=2.0
  - http://www.getcloudify.org/spec/cloudify/6.0.0/types.yaml
`;
  assert.deepEqual(compile(requestOf(text)), {
    kind: 'needs',
    imports: ['https://example.org/a/one.yaml', 'plugin:cloudify-aws-plugin?version=>=2.0'],
    minor: 4,
  });
  const imported = new Map([
    ['https://example.org/a/one.yaml', 'imports: [two.yaml]'],
    [
      'plugin:cloudify-aws-plugin?version=>=2.0',
      'plugins: {aws: {executor: central_deployment_agent, package_name: aws}}',
    ],
  ]);
  assert.deepEqual(compile(requestOf(text, { imported })), {
    kind: 'needs',
    imports: ['https://example.org/a/two.yaml'],
    minor: 4,
  });
  imported.set('https://example.org/a/two.yaml', 'node_types: {mine: {derived_from: cloudify.nodes.Root}}');
  const plan = planOf(`${text}node_templates: {a: {type: mine}}`, { imported });
  assert.equal(plan.plugins.aws?.packageName, 'aws');
  const unavailable = new Map([['https://example.org/a/two.yaml', 'answered 404']]);
  imported.delete('https://example.org/a/two.yaml');
  assert.deepEqual(troublesOf(text, { imported, unavailable }), [
    "https://example.org/a/one.yaml:1:11 [13] Import failed: 'https://example.org/a/two.yaml': answered 404",
  ]);
});

test('resources that old command lines uploaded beside a blueprint are told of, and nothing more', () => {
  const text = `${HEAD}\nupload_resources: {plugin_resources: [one.wgn], dsl_resources: []}\n`;
  const result = compile(requestOf(text));
  assert.equal(result.kind, 'plan');
  assert.deepEqual(result.kind === 'plan' ? result.warnings.map(({ summary }) => summary) : [], [
    "Nothing is uploaded from 'plugin_resources': upload the plugins themselves before the blueprint",
  ]);
});
