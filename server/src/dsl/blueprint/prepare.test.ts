import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, PreparedPlan } from '../plan.js';
import { HEAD, PREPARE_CONTEXT, planOf } from '../testdata/archive.js';
import { prepare } from './prepare.js';

function prepared(text: string, given: JsonObject = {}): PreparedPlan {
  const result = prepare(planOf(text), given, PREPARE_CONTEXT);
  if (result.kind !== 'prepared') throw new Error(JSON.stringify(result));
  return result.plan;
}

const INPUTS = `${HEAD}
inputs:
  name: {type: string}
  count: {type: integer, default: 2, constraints: [{in_range: [1, 5]}]}
  note: {required: false}
`;

test('inputs get their defaults; one that is not required may stay empty', () => {
  assert.deepEqual(prepared(INPUTS, { name: 'a' }).inputValues, { name: 'a', count: 2, note: null });
});

test('missing, unknown, wrong and forbidden inputs are told apart, all of a kind at once', () => {
  const plan = planOf(INPUTS);
  assert.deepEqual(prepare(plan, {}, PREPARE_CONTEXT), { kind: 'missing-inputs', names: ['name'] });
  assert.deepEqual(prepare(plan, { name: 'a', x: 1, y: 2 }, PREPARE_CONTEXT), {
    kind: 'unknown-inputs',
    names: ['x', 'y'],
  });
  assert.deepEqual(prepare(plan, { name: 'a', count: '3' }, PREPARE_CONTEXT), {
    kind: 'invalid-inputs',
    problems: [
      { name: 'count', kind: 'type', message: "'count' must be of type integer, but is of type string: 3" },
    ],
  });
  assert.deepEqual(prepare(plan, { name: 'a', count: 9 }, PREPARE_CONTEXT), {
    kind: 'invalid-inputs',
    problems: [
      { name: 'count', kind: 'constraint', message: 'Value 9 of count violates constraint in_range([1,5]).' },
    ],
  });
  const corrected = prepare(plan, { name: 'a', count: '3' }, PREPARE_CONTEXT, { correctTypes: true });
  assert.equal(corrected.kind === 'prepared' && corrected.plan.inputValues.count, 3);
});

const NODES = `${HEAD}
inputs: {port: {default: 80}, zone: {default: {name: a, ids: [7, 8]}}}
node_types:
  app:
    derived_from: cloudify.nodes.Root
    properties: {port: {default: 1}, url: {default: ''}}
    interfaces:
      ops:
        shared: {implementation: scripts/a.sh, inputs: {zone: {default: {get_input: [zone, name]}}}}
        own: {implementation: scripts/a.sh, inputs: {port: {default: {get_property: [SELF, port]}}}}
        late: {implementation: scripts/a.sh, inputs: {key: {default: {concat: [{get_input: port}, {get_secret: s}]}}}}
node_templates:
  plain: {type: app}
  web:
    type: app
    properties:
      port: {get_input: port}
      url: {concat: [{get_property: [SELF, port]}, '/', {get_property: [plain, port]}, {get_input: [zone, ids, 1]}]}
    capabilities: {scalable: {properties: {default_instances: {get_input: [zone, ids, 0]}}}}
outputs:
  late: {value: {concat: [{get_property: [web, url]}, {get_attribute: [web, x]}]}}
  who: {value: [{get_sys: [tenant, name]}, {get_sys: [deployment, id]}]}
`;

test('what is known is worked out: properties, scaling, inputs of operations, outputs', () => {
  const plan = prepared(NODES, { port: 8080 });
  const [, web] = plan.nodes;
  assert.equal(web?.properties.port, 8080);
  assert.equal(web?.properties.url, '8080/18');
  assert.deepEqual(web?.scaling, { default: 7, min: 0, max: -1 });
  assert.deepEqual(plan.outputs.late?.value, { concat: ['8080/18', { get_attribute: ['web', 'x'] }] });
  assert.deepEqual(plan.outputs.who?.value, ['default_tenant', 'd1']);
});

test('an operation of a type is worked out in the type, unless it depends on the node', () => {
  const plan = prepared(NODES);
  const operations = plan.nodeTypes.app!.operations;
  assert.deepEqual(operations['ops.shared']?.inputs, { script_path: 'scripts/a.sh', zone: 'a' });
  assert.equal(operations['ops.shared']?.hasFunctions, false);
  assert.deepEqual(operations['ops.late']?.inputs.key, { concat: [80, { get_secret: 's' }] });
  assert.equal(operations['ops.late']?.hasFunctions, true);
  const own = plan.nodes.map((node) => [
    node.name,
    Object.keys(node.operations),
    node.operations['ops.own']?.inputs.port,
  ]);
  assert.deepEqual(own, [
    ['plain', ['ops.own'], 1],
    ['web', ['ops.own'], 80],
  ]);
});

test('what does not change is shared with the plan', () => {
  const plan = planOf(`${HEAD}
inputs: {x: {default: 1}}
node_templates:
  a: {type: cloudify.nodes.Root}
  b: {type: cloudify.nodes.Root, properties: {resource_id: {get_input: x}}}
`);
  const result = prepare(plan, {}, PREPARE_CONTEXT);
  assert.equal(result.kind, 'prepared');
  if (result.kind !== 'prepared') return;
  assert.equal(result.plan.nodes[0], plan.nodes[0]);
  assert.notEqual(result.plan.nodes[1], plan.nodes[1]);
  assert.equal(result.plan.nodeTypes, plan.nodeTypes);
});

test('functions that have no value with these inputs are told, with where they stand', () => {
  const plan = planOf(NODES);
  assert.deepEqual(prepare(plan, { zone: { name: 'a', ids: [] } }, PREPARE_CONTEXT), {
    kind: 'unresolvable',
    messages: [
      "web.properties.url: Input attribute 'ids.1' of 'zone' doesn't exist",
      "web.default_instances: Input attribute 'ids.0' of 'zone' doesn't exist",
      "'default_instances' of web must be known now and be an integer of 0 or more",
      "outputs.late: Input attribute 'ids.1' of 'zone' doesn't exist",
    ],
  });
});

const SECRETS = `${HEAD}
inputs:
  wanted: {default: {user: root-name}}
  token: {default: ''}
node_types:
  keeper:
    derived_from: cloudify.nodes.Root
    properties: {key: {default: key-of-type}, value: {default: ''}}
    interfaces:
      ops:
        open: {implementation: scripts/a.sh, inputs: {key: {default: {get_secret: {get_property: [SELF, key]}}}}}
        shut: {implementation: scripts/a.sh, inputs: {key: {default: {get_secret: nobody-shuts}}}}
node_templates:
  a:
    type: keeper
    properties:
      key: {get_input: [wanted, user]}
      value: [{get_secret: plain}, {get_secret: [{concat: [pa, rts]}, inner]}, {get_input: token}]
    interfaces: {ops: {shut: {}}}
  b:
    type: keeper
    interfaces: {ops: {shut: {implementation: scripts/b.sh}}}
outputs:
  late: {value: {get_secret: {get_attribute: [a, name]}}}
`;

test('the secrets asked for are named as far as the inputs tell', () => {
  assert.deepEqual(prepared(SECRETS).secretNames, ['plain', 'parts', 'root-name', 'key-of-type']);
  const given = { wanted: { user: 'other' }, token: { get_secret: 'of-an-input' } };
  assert.deepEqual(prepared(SECRETS, given).secretNames, [
    'plain',
    'parts',
    'of-an-input',
    'other',
    'key-of-type',
  ]);
  const none = `${HEAD}inputs: {token: {default: ''}}\noutputs: {token: {value: {get_input: token}}}\n`;
  assert.deepEqual(prepared(none).secretNames, []);
  assert.deepEqual(prepared(none, { token: { get_secret: 'of-an-input' } }).secretNames, ['of-an-input']);
});

test('a plan requires secrets as it names them, each once', () => {
  assert.deepEqual(planOf(SECRETS).requirements.secrets, [
    'plain',
    [{ concat: ['pa', 'rts'] }, 'inner'],
    { get_property: ['SELF', 'key'] },
    { get_attribute: ['a', 'name'] },
  ]);
});
