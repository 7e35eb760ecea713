import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InputDefinition, Json } from './plan.js';
import { applyParameters, checkValue, completeValue, type DataType } from './values.js';

const TYPES = new Map<string, DataType>([
  ['point', { properties: { x: { type: 'integer' }, y: { type: 'integer', default: 0 } } }],
  [
    'line',
    {
      properties: {
        from: { type: 'point', default: { x: 1 } },
        to: { type: 'point' },
        name: { required: false },
      },
    },
  ],
]);

test('a value is of its type, or the message says what it is instead', () => {
  const cases: [string, Json, boolean][] = [
    ['integer', 1, true],
    ['integer', 1.5, false],
    ['integer', true, false],
    ['integer', '1', false],
    ['float', 1, true],
    ['float', 'x', false],
    ['boolean', false, true],
    ['boolean', 'false', false],
    ['list', [], true],
    ['list', {}, false],
    ['dict', {}, true],
    ['dict', [], false],
    ['string', 5, true],
    ['node_id', 'anything', true],
    ['regex', '^a(b|c)$', true],
    ['regex', '(?P<name>a)(?P=name)\\Z', true],
    ['regex', '(', false],
    ['integer', { get_input: 'later' }, true],
    ['nothing', 1, false],
  ];
  for (const [type, value, fits] of cases) {
    assert.equal('value' in checkValue(value, { type }, 'v'), fits, `${type} ${JSON.stringify(value)}`);
  }
});

test('a value of a data type is completed with the defaults of the type', () => {
  assert.deepEqual(checkValue({ x: 1 }, { type: 'point' }, 'v', TYPES), { value: { x: 1, y: 0 } });
  assert.deepEqual(checkValue({ to: { x: 5 } }, { type: 'line' }, 'v', TYPES), {
    value: { to: { x: 5, y: 0 }, from: { x: 1, y: 0 } },
  });
  assert.deepEqual(checkValue({ from: { y: 7 }, to: { x: 5 } }, { type: 'line' }, 'v', TYPES), {
    value: { from: { x: 1, y: 7 }, to: { x: 5, y: 0 } },
  });
  assert.match(JSON.stringify(checkValue({}, { type: 'point' }, 'v', TYPES)), /'v.x' is required/);
  assert.match(
    JSON.stringify(checkValue({ x: 1, z: 1 }, { type: 'point' }, 'v', TYPES)),
    /'v.z' is not a property/,
  );
  assert.match(
    JSON.stringify(checkValue({ x: 'a' }, { type: 'point' }, 'v', TYPES)),
    /'v.x' must be of type integer/,
  );
});

test('a value of a data type lies over its property’s default as deep as there are data types, and no deeper', () => {
  const types = new Map<string, DataType>([
    ...TYPES,
    ['box', { properties: { line: { type: 'line' }, bag: { type: 'dict', required: false } } }],
  ]);
  const schema: InputDefinition = {
    type: 'box',
    default: { line: { to: { x: 3 } }, bag: { kept: 1 } },
  };
  const filled = (given: Json | undefined) => completeValue(given, schema, 'b', types, {});
  const from = { x: 1, y: 0 };
  assert.deepEqual(filled(undefined), { value: { line: { to: { x: 3, y: 0 }, from }, bag: { kept: 1 } } });
  assert.deepEqual(filled({ line: { to: { y: 4 } }, bag: { other: 2 } }), {
    value: { line: { to: { y: 4, x: 3 }, from }, bag: { other: 2 } },
  });
});

test('a property of a data type has at least what the type’s defaults add up to', () => {
  const types = new Map<string, DataType>([
    ['options', { properties: { a: { required: false }, b: { required: false } } }],
    ...TYPES,
  ]);
  const filled = (schema: InputDefinition) => completeValue(undefined, schema, 'p', types, {});
  assert.deepEqual(filled({ type: 'options' }), { value: {} });
  assert.match(JSON.stringify(filled({ type: 'point' })), /'p.x' is required/);
  assert.equal(filled({ type: 'point', required: false }), undefined);
  assert.deepEqual(filled({ type: 'integer', default: null }), { value: null });
});

test('constraints hold, per item where the items have a type', () => {
  const cases: [InputDefinition, Json, boolean][] = [
    [{ constraints: [{ equal: [1, { a: 2 }] }] }, [1, { a: 2 }], true],
    [{ constraints: [{ equal: 1 }] }, '1', false],
    [{ constraints: [{ greater_than: 1 }, { less_or_equal: 3 }] }, 3, true],
    [{ constraints: [{ greater_than: 1 }] }, 1, false],
    [{ constraints: [{ greater_or_equal: 'b' }] }, 'a', false],
    [{ constraints: [{ in_range: [1, 3] }] }, 3, true],
    [{ constraints: [{ in_range: [1, 3] }] }, 4, false],
    [{ constraints: [{ valid_values: ['a', 'b'] }] }, 'b', true],
    [{ constraints: [{ valid_values: ['a', 'b'] }] }, 'c', false],
    [{ constraints: [{ length: 2 }] }, 'ab', true],
    [{ constraints: [{ min_length: 1 }, { max_length: 2 }] }, [1, 2, 3], false],
    [{ constraints: [{ min_length: 1 }] }, 5, false],
    [{ constraints: [{ pattern: 'ab?' }] }, 'acc', true],
    [{ constraints: [{ pattern: 'b' }] }, 'ab', false],
    [{ type: 'list', itemType: 'integer', constraints: [{ less_than: 3 }] }, [1, 2], true],
    [{ type: 'list', itemType: 'integer', constraints: [{ less_than: 3 }] }, [1, 5], false],
    [{ type: 'list', itemType: 'integer' }, [1, 'x'], false],
  ];
  for (const [definition, value, fits] of cases) {
    assert.equal('value' in checkValue(value, definition, 'v'), fits, JSON.stringify([definition, value]));
  }
});

test('a constraint may bring its own words', () => {
  const constraints = [{ min_length: 8, error_message: 'Eight characters, please.' }];
  assert.deepEqual(checkValue('short', { constraints }, 'password'), {
    kind: 'constraint',
    path: 'password',
    message: 'Value short of password is invalid. Eight characters, please.',
  });
});

test('parameters: what is given over defaults, and everything wrong at once', () => {
  const schema: Record<string, InputDefinition> = {
    a: { type: 'integer' },
    b: { default: null },
    c: { type: 'boolean', default: false },
    d: { required: false },
  };
  assert.deepEqual(applyParameters(schema, { a: 1 }), { values: { a: 1, b: null, c: false, d: null } });
  assert.deepEqual(applyParameters(schema, { a: 1, x: 2 }, { allowUndeclared: true }), {
    values: { x: 2, a: 1, b: null, c: false, d: null },
  });
  assert.deepEqual(applyParameters(schema, { c: 'yes', x: 1 }), {
    problems: [
      { name: 'x', kind: 'unknown', message: "'x' is not declared (declared: a, b, c, d)" },
      { name: 'a', kind: 'missing', message: "'a' is required, but was not given" },
      { name: 'c', kind: 'type', message: "'c' must be of type boolean, but is of type string: yes" },
    ],
  });
  assert.deepEqual(applyParameters(schema, { a: ' 7 ', c: 'True' }, { correctTypes: true }), {
    values: { a: 7, b: null, c: true, d: null },
  });
});

test('given values without bottom are refused', () => {
  let deep: Json = {};
  for (let level = 0; level < 5000; level++) deep = { a: deep };
  assert.deepEqual(applyParameters({ a: {} }, deep), {
    problems: [{ name: '', kind: 'type', message: 'The given values are nested too deeply' }],
  });
});
