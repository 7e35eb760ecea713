import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../plan.js';
import { planOf, troublesOf } from '../testdata/archive.js';
import { DEFAULT_LIMITS } from './limits.js';
import { parse } from './parse.js';
import { Report } from './report.js';
import { SourceFile } from './source.js';

function parsed(text: string): Json {
  const report = new Report(10);
  const value = parse(new SourceFile('a.yaml', text), DEFAULT_LIMITS, report);
  assert.deepEqual(report.diagnostics(), []);
  return value;
}

test('scalars are read as the reference parser reads them, and nothing but JSON comes out', () => {
  const cases: [string, Json][] = [
    ['yes', true],
    ['Off', false],
    ['y', 'y'],
    ['N', 'N'],
    ['~', null],
    ['0644', 420],
    ['0x1F', 31],
    ['1_000', 1000],
    ['1.10', 1.1],
    ['1e3', '1e3'],
    ['.inf', '.inf'],
    ['2030-01-02', '2030-01-02'],
    ['2030-01-02T03:04:05Z', '2030-01-02T03:04:05Z'],
    ['12345678901234567890', '12345678901234567890'],
    ["'10'", '10'],
    ['=', '='],
  ];
  for (const [text, value] of cases) assert.deepEqual(parsed(`v: ${text}`), { v: value }, text);
});

test('of equal keys the last wins, and merge keys give way to what is written', () => {
  assert.deepEqual(parsed('a: 1\nb: 2\na: 3'), { a: 3, b: 2 });
  assert.deepEqual(parsed('x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: {<<: [*x, {c: 4}]}'), {
    x: { a: 1, b: 2 },
    y: { a: 1, b: 3 },
    z: { a: 1, b: 2, c: 4 },
  });
});

test('aliases that stand for hundreds of megabytes are refused without being written out', () => {
  const lines = ['a0: &a0 [xxxxxxxxxx, xxxxxxxxxx]'];
  for (let level = 1; level < 30; level++)
    lines.push(`a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`);
  const before = process.memoryUsage().heapUsed;
  assert.deepEqual(troublesOf(lines.join('\n')), [
    '1:1 [-1] The aliases stand for more than a blueprint may hold',
  ]);
  assert.ok(process.memoryUsage().heapUsed - before < 20_000_000);
});

test('merge keys cannot multiply either', () => {
  const lines = [`m0: &m0 {${Array.from({ length: 1000 }, (_, index) => `k${index}: 1`).join(', ')}}`];
  for (let index = 1; index < 1000; index++) lines.push(`m${index}: {<<: *m0}`);
  assert.match(troublesOf(lines.join('\n'))[0] ?? '', /\[-1\] Illegal YAML: merge keys exceeded/);
});

test('texts that are no blueprint are told apart from broken ones', () => {
  const cases: [string, RegExp][] = [
    ['', /^1:1 \[-1\] .*the file is empty/],
    ['# nothing', /^1:1 \[-1\] .*the file is empty/],
    ['- a', /the file holds a list/],
    ['a: 1\n---\nb: 2', /several/],
    ['a: [1,\nb: }', /^2:4 \[-1\] Illegal YAML: missed comma/],
    ['a:\n\tb: 1', /^2:1 \[-1\] Illegal YAML: tab/],
    ['a: &a [*a]', /stands inside of what it stands for/],
    ['a: *b', /^1:5? ?.*unidentified alias/],
    ['['.repeat(100_000), /nesting exceeded/],
    ['a: !!js/function x', /unknown scalar tag/],
    ['a: !!binary aGVsbG8=', /unknown scalar tag/],
    ['\u0000', /null byte/],
    ['{__proto__: {polluted: 1}}', /__proto__ is not allowed/],
  ];
  for (const [text, expected] of cases)
    assert.match(troublesOf(text).join('\n'), expected, JSON.stringify(text.slice(0, 30)));
});

test('illegal characters are told where they stand, unless they stand in a comment', () => {
  const text =
    'tosca_definitions_version: cloudify_dsl_1_3 # é\ndescription: caf\u00e9\nmetadata: {"\\u00fc": 1}\n';
  assert.deepEqual(troublesOf(text), [
    '2:17 [108] Illegal character "é": only ASCII is allowed outside of comments',
    '3:13 [108] Illegal character "ü": only ASCII is allowed outside of comments',
  ]);
});

test('limits are the caller’s to lower', () => {
  const text = 'tosca_definitions_version: cloudify_dsl_1_3\n';
  assert.deepEqual(troublesOf(text, { limits: { fileCharacters: 10 } }), [
    '1:1 [-1] The file has more than 10 characters',
  ]);
  const many = `${text}${Array.from({ length: 50 }, (_, index) => `x${index}: 1\n`).join('')}`;
  const told = troublesOf(many, { limits: { diagnostics: 3 } });
  assert.equal(told.length, 4);
  assert.match(told[3]!, /and 47 more/);
});

test('brackets and quoted texts may go on further left, as the reference parser allows; positions stay the author’s', () => {
  const text = [
    'tosca_definitions_version: cloudify_dsl_1_5',
    'imports: [',
    'cloudify/types/types.yaml,',
    ']',
    'inputs:',
    '  words:',
    "    default: 'one",
    '    two',
    '',
    "  three'",
    '  map: {default: {a: 1,',
    '},',
    '   wrong: 1}',
    'nope: 1',
  ].join('\n');
  assert.deepEqual(troublesOf(text), [
    "13:4 [1] 'wrong' is not in schema. Valid schema values: [type, default, description, required, item_type, constraints, display_label, hidden, display]",
    troublesOf('tosca_definitions_version: cloudify_dsl_1_5\nnope: 1')[0]!.replace('2:1', '14:1'),
  ]);
  const { inputs } = planOf(text.replace('   wrong: 1}', '   }').replace('nope: 1', ''));
  assert.equal(inputs.words?.default, 'one two\nthree');
  assert.deepEqual(inputs.map?.default, { a: 1 });
});

test('numbers to the base of sixty begin with another digit than zero', () => {
  const values = ['10:30', '00:00:00:11:11:11', '08:15', '1:2:3', '1:30.5', '10:99'];
  const { inputs } = planOf(
    `tosca_definitions_version: cloudify_dsl_1_5\ninputs: {x: {default: [${values.join(', ')}]}}\n`,
  );
  assert.deepEqual(inputs.x?.default, [630, '00:00:00:11:11:11', '08:15', 3723, 90.5, '10:99']);
});

test('a block text at the end of a file ends in a line break only where the file does', () => {
  const noteOf = (block: string) =>
    planOf(`tosca_definitions_version: cloudify_dsl_1_5\ninputs:\n  note:\n    default: ${block}`).inputs.note
      ?.default;
  const blocks: [block: string, value: string][] = [
    ['|\n      a\n      b', 'a\nb'],
    ['|\n      a\n', 'a\n'],
    ['|+\n      a\n\n', 'a\n\n'],
    ['|+\n      a', 'a'],
    ['>\n      a\n      b', 'a b'],
    ['|-\n      a\n', 'a'],
    ['|\n      a\n# the end', 'a\n'],
    ['|\n      a\n      ', 'a\n'],
    ['|\n      a\n        ', 'a\n  '],
  ];
  for (const [block, value] of blocks) assert.equal(noteOf(block), value, JSON.stringify(block));
});
