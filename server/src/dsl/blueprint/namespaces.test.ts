import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEAD, planOf, troublesOf } from '../testdata/archive.js';

const LIBRARY = `
plugins: {tool: {executor: central_deployment_agent, install: false}}
inputs: {size: {type: integer, default: 1}}
data_types: {pair: {properties: {left: {default: 1}}}}
node_types:
  box:
    derived_from: cloudify.nodes.Root
    properties: {pair: {type: pair}, size: {default: {get_input: size}}}
    interfaces:
      cloudify.interfaces.lifecycle:
        create: tool.make
        start: scripts/start.sh
node_templates:
  a:
    type: box
    relationships: [{type: cloudify.relationships.depends_on, target: b}]
  b: {type: box, properties: {size: {get_property: [a, size]}}}
groups: {both: {members: [a, b]}}
policies: {scaled: {type: cloudify.policies.scaling, targets: [both]}}
workflows: {turn: tool.turn}
outputs: {left: {value: {concat: [{get_property: [a, pair, left]}, {get_attributes_list: [b, x]}]}}}
labels: {env: {values: [{get_input: [size]}]}}
`;
const MAIN = `${HEAD.replace(']', ', lib--library.yaml]')}
node_templates:
  main:
    type: lib--box
    relationships: [{type: cloudify.relationships.connected_to, target: lib--a}]
`;

test('a namespaced import has its names and all references to them prefixed', () => {
  const plan = planOf({ 'blueprint.yaml': MAIN, 'library.yaml': LIBRARY });
  assert.deepEqual(
    plan.nodes.map((node) => [node.name, node.type, node.relationships.map(({ target }) => target)]),
    [
      ['main', 'lib--box', ['lib--a']],
      ['lib--a', 'lib--box', ['lib--b']],
      ['lib--b', 'lib--box', []],
    ],
  );
  assert.deepEqual(Object.keys(plan.inputs), ['lib--size']);
  assert.deepEqual(plan.nodes[1]?.properties.size, { get_input: 'lib--size' });
  assert.deepEqual(plan.nodes[1]?.properties.pair, { left: 1 });
  assert.deepEqual(plan.nodes[2]?.properties.size, { get_property: ['lib--a', 'size'] });
  const operations = plan.nodeTypes['lib--box']!.operations;
  assert.equal(operations['cloudify.interfaces.lifecycle.create']?.plugin, 'lib--tool');
  assert.equal(operations['cloudify.interfaces.lifecycle.create']?.function, 'make');
  assert.deepEqual(operations['cloudify.interfaces.lifecycle.start']?.inputs, {
    script_path: 'scripts/start.sh',
  });
  assert.deepEqual(plan.groups['lib--both']?.members, ['lib--a', 'lib--b']);
  assert.deepEqual(Object.keys(plan.scalingGroups), ['lib--both']);
  assert.equal(plan.workflows['lib--turn']?.plugin, 'lib--tool');
  assert.deepEqual(plan.outputs['lib--left']?.value, {
    concat: [{ get_property: ['lib--a', 'pair', 'left'] }, { get_attributes_list: ['lib--b', 'x'] }],
  });
  assert.deepEqual(plan.labels['lib--env']?.values, [{ get_input: ['lib--size'] }]);
});

test('namespaces of nested imports compose', () => {
  const plan = planOf({
    'blueprint.yaml': HEAD.replace(']', ', outer--middle.yaml]'),
    'middle.yaml': 'imports: [inner--deep.yaml]\nnode_templates: {m: {type: inner--t}}',
    'deep.yaml': 'node_types: {t: {derived_from: cloudify.nodes.Root}}',
  });
  assert.deepEqual(
    plan.nodes.map(({ name, type }) => [name, type]),
    [['outer--m', 'outer--inner--t']],
  );
});

test('what is wrong in a namespaced import is told where it is written', () => {
  const library = 'node_templates:\n  a:\n    type: box\n    nonsense: 1\n';
  assert.deepEqual(
    troublesOf({ 'blueprint.yaml': HEAD.replace(']', ', lib--library.yaml]'), 'library.yaml': library }),
    [
      "library.yaml:3:5 [7] Could not locate node type 'lib--box' of node 'lib--a'",
      "library.yaml:4:5 [1] 'nonsense' is not in schema. Valid schema values: [type, description, properties, instances, capabilities, interfaces, relationships]",
    ],
  );
});

test('another blueprint is imported under a namespace, and its scripts are believed to exist', () => {
  const head = (line: string) => HEAD.replace(']', `, ${line}]`);
  const imported = new Map([['blueprint:other', LIBRARY.replace('scripts/start.sh', 'elsewhere/go.sh')]]);
  assert.deepEqual(troublesOf(head("'blueprint:other'"), { imported }), [
    "2:38 [213] Importing blueprint 'other' needs a namespace: 'name--blueprint:other'",
  ]);
  const plan = planOf(`${head("'ns--blueprint:other'")}`, { imported });
  assert.deepEqual(plan.importedBlueprints, ['other']);
  assert.deepEqual(plan.namespaces, { ns: 'other' });
  const start = plan.nodeTypes['ns--box']!.operations['cloudify.interfaces.lifecycle.start'];
  assert.deepEqual(start?.inputs, { script_path: 'ns--elsewhere/go.sh' });
});

test('a namespace must be a name, and the base types need none', () => {
  const head = (line: string) => HEAD.replace(']', `, ${line}]`);
  assert.deepEqual(troublesOf(head("'a b--x.yaml'")), ["2:38 [212] 'a b' cannot be a namespace"]);
  assert.deepEqual(troublesOf(head('ns--cloudify/types/types.yaml')), [
    '2:38 [214] The base types cannot be imported under a namespace',
  ]);
});
