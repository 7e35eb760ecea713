import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, evaluateKnown, functionReferences, hasFunction, type Lookup } from './functions.js';
import type { Json } from './plan.js';

const PROPERTIES: Record<string, Record<string, Json>> = {
  a: {
    port: 80,
    list: [1, { x: 'y' }],
    mine: { get_property: ['SELF', 'port'] },
    late: { get_attribute: ['SELF', 'ip'] },
  },
  me: {
    port: 1,
    circle: { get_property: ['SELF', 'circle'] },
    loop: { concat: [{ get_property: ['a', 'port'] }] },
    parts: {
      name: 'web',
      label: { concat: ['app-', { get_property: ['SELF', 'parts', 'name'] }] },
      whole: { get_property: ['SELF', 'parts'] },
      ring: { get_property: ['SELF', 'parts', 'ring', 'x'] },
    },
  },
};
const LOOKUP: Lookup = {
  input: (name) =>
    name === 'in'
      ? { value: { deep: ['zero', { get_input: 'other' }] } }
      : name === 'other'
        ? { value: 'told' }
        : undefined,
  property: (node, name) => {
    const properties = PROPERTIES[node === 'SELF' ? 'me' : node];
    return properties !== undefined && Object.hasOwn(properties, name)
      ? { value: properties[name]! }
      : undefined;
  },
  attribute: (node, name) =>
    name === 'ip'
      ? { value: `ip of ${node}` }
      : name === 'data'
        ? { value: { concat: ['a', 'b'] } }
        : undefined,
  attributes: () => [
    { instance: 'a_1', value: { k: 1 } },
    { instance: 'a_2', value: undefined },
  ],
  secret: (name) =>
    name === 'json' ? { value: '{"user": {"name": "u"}}' } : name === 'plain' ? { value: 's3' } : undefined,
  capability: (deployment, name) => (name === 'cap' ? { value: { of: [deployment] } } : undefined),
  environmentCapability: (name) => (name === 'cap' ? { value: 'parent' } : undefined),
  groupCapability: (_, name) =>
    name === 'one'
      ? [
          { deployment: 'd1', value: 1 },
          { deployment: 'd2', value: 2 },
        ]
      : [{ deployment: 'd2', value: 'b' }],
  label: (key) => (key === 'env' ? { value: ['x', 'y'] } : undefined),
  sys: (entity, property) => ({ value: `${entity}.${property}` }),
  consumers: (what) => ({ value: what === 'count' ? 2 : ['c1', 'c2'] }),
};

test('every function comes to its value', () => {
  const cases: [Json, Json][] = [
    [{ get_input: 'other' }, 'told'],
    [{ get_input: ['in', 'deep', 1] }, 'told'],
    [{ get_input: ['in', 'deep', 0] }, 'zero'],
    [{ get_property: ['a', 'list', 1, 'x'] }, 'y'],
    [{ get_property: ['a', 'list', -1, 'x'] }, 'y'],
    [{ get_property: ['a', 'mine'] }, 80],
    [{ get_property: ['a', 'late'] }, 'ip of a'],
    [{ get_property: ['SELF', 'loop'] }, '80'],
    [{ get_attribute: ['a', 'ip'] }, 'ip of a'],
    [{ get_attribute: ['a', 'port'] }, 80],
    [{ get_attribute: ['a', 'nothing'] }, null],
    [{ get_attribute: ['a', 'ip', 'deeper'] }, null],
    [{ get_attribute: ['a', 'data'] }, { concat: ['a', 'b'] }],
    [{ get_attributes_list: ['a', 'x', 'k'] }, [1, null]],
    [
      { get_attributes_dict: ['a', 'x', ['y', 'k']] },
      { a_1: { x: { k: 1 }, 'y.k': 1 }, a_2: { x: null, 'y.k': null } },
    ],
    [{ get_secret: 'plain' }, 's3'],
    [{ get_secret: ['json', 'user', 'name'] }, 'u'],
    [{ get_capability: ['dep', 'cap', 'of', 0] }, 'dep'],
    [{ get_environment_capability: 'cap' }, 'parent'],
    [{ get_group_capability: ['g', 'one'] }, [1, 2]],
    [
      { get_group_capability: ['g', ['one', 'two']] },
      [
        [1, null],
        [2, 'b'],
      ],
    ],
    [{ get_group_capability: ['g', 'deployment_id:one'] }, { d1: 1, d2: 2 }],
    [{ get_label: 'env' }, ['x', 'y']],
    [{ get_label: ['env', 1] }, 'y'],
    [{ get_sys: ['deployment', 'id'] }, 'deployment.id'],
    [{ get_consumers: 'count' }, 2],
    [{ concat: ['a', 1, true, null, ['x', 1.5], { k: "it's" }] }, `a1TrueNone['x', 1.5]{'k': "it's"}`],
    [{ merge: [{ a: 1, b: 1 }, { b: 2 }] }, { a: 1, b: 2 }],
    [{ string_find: ['hello', 'l'] }, 2],
    [{ string_find: ['hello', 'z'] }, -1],
    [{ string_replace: ['a.b.c', '.', '-'] }, 'a-b-c'],
    [{ string_replace: ['a.b.c', '.', '-', 1] }, 'a-b.c'],
    [{ string_split: ['a,b', ','] }, ['a', 'b']],
    [{ string_split: ['a,b', ',', 1] }, 'b'],
    [{ string_lower: 'AbC' }, 'abc'],
    [{ string_upper: { concat: ['a', 'b'] } }, 'AB'],
    [{ get_input: 'other', type: 'string' }, 'told'],
    [{ concat: [{ get_property: ['a', { concat: ['po', 'rt'] }] }, '!'] }, '80!'],
    [
      { not_a: 'function', get_input: 'other' },
      { not_a: 'function', get_input: 'other' },
    ],
  ];
  for (const [value, expected] of cases)
    assert.deepEqual(evaluate(value, LOOKUP), { value: expected }, JSON.stringify(value));
});

test('what cannot be evaluated says why', () => {
  const cases: [Json, RegExp][] = [
    [{ get_input: 'nope' }, /Unknown input 'nope'/],
    [{ get_input: ['in', 'deep', 7] }, /Input attribute 'deep.7' of 'in' doesn't exist/],
    [{ get_property: ['a', 'nope'] }, /'a.properties.nope' doesn't exist/],
    [{ get_property: ['a', 'port', 'x'] }, /'a.properties.port.x' doesn't exist/],
    [{ get_property: ['SELF', 'circle'] }, /Circular dependency detected: SELF.circle --> SELF.circle/],
    [{ get_secret: 'nope' }, /Secret 'nope' doesn't exist/],
    [{ get_secret: ['plain', 'x'] }, /Secret 'plain' is not JSON/],
    [{ get_secret: ['json', 'x'] }, /Secret 'json' has no 'x'/],
    [{ get_capability: ['d', 'nope'] }, /'nope' is not declared in deployment 'd'/],
    [{ get_capability: ['d'] }, /at least 2 entries/],
    [{ get_label: ['env', 5] }, /no value number 5/],
    [{ get_sys: ['tenant', 'age'] }, /unable to determine property/],
    [{ get_sys: ['world', 'age'] }, /unable to determine entity/],
    [{ get_consumers: 'all' }, /one of ids, names, count/],
    [{ merge: [{}, []] }, /merge takes dicts only, got list/],
    [{ string_lower: 5 }, /takes strings, got integer/],
    [{ string_split: ['a', ',', 4] }, /out of range/],
    [{ get_input: 'other', type: 'integer' }, /must be of type integer/],
    [{ concat: 'text' }, /Expected: a list/],
  ];
  for (const [value, expected] of cases) {
    const result = evaluate(value, LOOKUP);
    assert.ok('error' in result, JSON.stringify(value));
    assert.match(result.error, expected);
  }
  assert.deepEqual(evaluate({ get_secret: 'x' }, {}), { error: 'get_secret cannot be used here' });
});

test('null passes for a value of any type', () => {
  const lookup: Lookup = { ...LOOKUP, input: () => ({ value: null }) };
  for (const type of ['integer', 'dict', 'list', 'boolean']) {
    assert.deepEqual(evaluate({ get_input: 'empty', type }, lookup), { value: null });
  }
});

test('a value without functions is given back itself', () => {
  const value = { a: [1, { b: 'c' }] };
  const result = evaluate(value, {});
  assert.ok('value' in result && result.value === value);
});

test('a function that is not known yet stays, with what is known inside of it evaluated', () => {
  const lookup: Lookup = { ...LOOKUP, secret: () => ({ later: true }) };
  const value = {
    x: { concat: [{ get_input: 'other' }, { get_secret: { concat: ['n', 1] } }] },
    y: { get_input: 'other' },
  };
  assert.deepEqual(evaluateKnown(value, lookup), {
    value: { x: { concat: ['told', { get_secret: 'n1' }] }, y: 'told' },
    left: 2,
  });
  assert.deepEqual(evaluate(value, lookup), { error: 'a function in it cannot be evaluated here' });
});

test('a property of another node that is not known yet is not torn out of its place', () => {
  const lookup: Lookup = { ...LOOKUP, attribute: () => ({ later: true }) };
  const value = { concat: [{ get_property: ['a', 'late'] }, { get_property: ['a', 'mine'] }] };
  assert.deepEqual(evaluateKnown(value, lookup), {
    value: { concat: [{ get_property: ['a', 'late'] }, 80] },
    left: 2,
  });
});

test('one part of a property may speak of another part of it, not of itself', () => {
  const part = (...path: Json[]) => evaluate({ get_property: ['me', 'parts', ...path] }, LOOKUP);
  assert.deepEqual(part('label'), { value: 'app-web' });
  assert.deepEqual(part('nothing'), {
    error: "Node template property 'me.properties.parts.nothing' doesn't exist",
  });
  for (const name of ['whole', 'ring']) assert.match(JSON.stringify(part(name)), /Circular dependency/);
});

test('nesting deeper than fifty functions is an error, and so is a value without end', () => {
  let deep: Json = 'x';
  for (let level = 0; level < 60; level++) deep = { concat: [deep] };
  assert.match(JSON.stringify(evaluate(deep, LOOKUP)), /recursion limit \(50\)/);
  assert.match(
    JSON.stringify(evaluate({ concat: [[1, 2, 3]] }, LOOKUP, { budget: { values: 3 } })),
    /too large/,
  );
});

test('references tell what must be loaded, each once, and whether more will show', () => {
  const references = functionReferences([
    { get_secret: 'a' },
    { concat: [{ get_secret: ['a', 'k'] }, { get_attribute: ['SELF', 'x', 0] }] },
    { get_attributes_dict: ['n', 'x', ['y', 1]] },
    { get_capability: ['d', 'c'] },
    { get_label: ['env', 0] },
  ]);
  assert.deepEqual(references.secrets, ['a']);
  assert.deepEqual(references.attributes, [['SELF', 'x']]);
  assert.deepEqual(references.allAttributes, [
    ['n', 'x'],
    ['n', 'y'],
  ]);
  assert.deepEqual(references.capabilities, [['d', 'c']]);
  assert.deepEqual(references.labels, ['env']);
  assert.equal(references.dynamic, false);
  assert.equal(functionReferences({ get_secret: { get_input: 'x' } }).dynamic, true);
  assert.equal(hasFunction({ a: [{ get_secret: 'x' }] }), true);
  assert.equal(hasFunction({ a: [{ get_secret: 'x', and: 'more' }] }), false);
});
