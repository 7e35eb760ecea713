/** Laws of the compiler, whatever somebody writes. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { HEAD, PREPARE_CONTEXT, planOf, requestOf, troublesOf } from '../testdata/archive.js';
import { compile } from './compile.js';
import { prepare } from './prepare.js';

const ROOT = new URL('../testdata/', import.meta.url);
const SAMPLES = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap((entry) =>
    readdirSync(new URL(`${entry.name}/`, ROOT)).map((name) =>
      readFileSync(new URL(`${entry.name}/${name}`, ROOT), 'utf8'),
    ),
  );
const SCRAPS = [
  ...[
    'null',
    '[]',
    '{}',
    '5',
    '-1',
    'true',
    '""',
    '{a: 1}',
    '[[1]]',
    '~',
    '&a',
    '*a',
    '<<: *a',
    '__proto__',
    'constructor',
  ],
  ...[
    '{get_input: x}',
    '{get_property: [SELF, x]}',
    '{concat: [1, [2]]}',
    '{get_attribute: 5}',
    'toString',
    'hasOwnProperty',
  ],
  ...[
    'derived_from',
    'type',
    'interfaces',
    'relationships',
    'properties',
    'cloudify.nodes.Root',
    '--',
    'ns--',
    '|',
    '>',
    '# ',
  ],
];

/** A sample with lines dropped, doubled, indented, or with pieces replaced by scraps. */
const mutated = fc
  .tuple(
    fc.constantFrom(...SAMPLES),
    fc.array(fc.record({ at: fc.nat(), kind: fc.nat(5), scrap: fc.constantFrom(...SCRAPS) }), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([sample, changes]) => {
    const lines = sample.split('\n');
    for (const { at, kind, scrap } of changes) {
      const index = at % lines.length;
      const line = lines[index]!;
      const words = line.split(/(?<=[ {[,:])/);
      if (kind === 0) lines.splice(index, 1);
      else if (kind === 1) lines.splice(index, 0, line);
      else if (kind === 2) lines[index] = ` ${line}`;
      else if (kind === 3) lines[index] = line.replace(/:.*/, `: ${scrap}`);
      else {
        words[at % words.length] = scrap;
        lines[index] = words.join('');
      }
      if (lines.length === 0) lines.push('');
    }
    return lines.join('\n');
  });

test('compile never throws, answers with a plan or diagnostics inside of the text, and prepare never throws either', () => {
  fc.assert(
    fc.property(mutated, (text) => {
      const result = compile(requestOf(text));
      if (result.kind === 'needs') return;
      if (result.kind === 'plan') {
        assert.ok(JSON.stringify(result.plan).length > 0);
        prepare(result.plan, {}, PREPARE_CONTEXT);
        return;
      }
      assert.ok(result.diagnostics.length > 0);
      const lines = text.split('\n');
      for (const { at } of result.diagnostics) {
        if (at.file !== 'blueprint.yaml') continue;
        assert.ok(at.line >= 1 && at.line <= lines.length, `line ${at.line}`);
        assert.ok(
          at.column >= 1 && at.column <= lines[at.line - 1]!.length + 1,
          `column ${at.column} of line ${at.line}`,
        );
      }
    }),
    { numRuns: 1500 },
  );
});

test('compile gives any value in any place an answer', () => {
  const sections = [
    'inputs',
    'node_templates',
    'node_types',
    'relationships',
    'groups',
    'policies',
    'workflows',
    'outputs',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...sections),
      fc.constantFrom('type', 'members', 'interfaces', 'properties', 'x'),
      fc.jsonValue(),
      (section, key, value) => {
        const text = `${HEAD}${section}: {a: {${key}: ${JSON.stringify(value)}}, b: ${JSON.stringify(value)}}\n`;
        compile(requestOf(text));
      },
    ),
    { numRuns: 500 },
  );
});

test('the same text gives the same plan', () => {
  fc.assert(
    fc.property(fc.constantFrom(...SAMPLES), (text) => {
      assert.deepEqual(compile(requestOf(text)), compile(requestOf(text)));
    }),
    { numRuns: 20 },
  );
});

// The limit is there to find what grows as the square of the links, which takes hours.
test('chains of ten thousand links of any kind neither overflow nor hang', () => {
  const size = 10_000;
  const chain = (line: (index: number) => string) =>
    Array.from({ length: size }, (_, index) => line(index)).join('');
  const contained = planOf(
    `${HEAD}node_templates:\n  n0: {type: cloudify.nodes.Compute}\n${chain((index) => `  n${index + 1}: {type: cloudify.nodes.Root, relationships: [{type: cloudify.relationships.contained_in, target: n${index}}]}\n`)}`,
  );
  assert.equal(contained.nodes.at(-1)?.host, 'n0');
  const circle = troublesOf(
    `${HEAD}node_templates:\n${chain((index) => `  n${index}: {type: cloudify.nodes.Root, relationships: [{type: cloudify.relationships.depends_on, target: n${(index + 1) % size}}]}\n`)}`,
  );
  assert.equal(circle.length, 1);
  assert.match(circle[0]!, /Circular dependency detected: n0 --> n1 .*\(9981 more\)/);
  const types = troublesOf(
    `${HEAD}node_types:\n  t0: {}\n${chain((index) => `  t${index + 1}: {derived_from: t${index}}\n`)}`,
  );
  assert.deepEqual(types, ["505:3 [] 't501' has more than 500 ancestors"]);
  const groups = troublesOf(
    `${HEAD}node_templates: {n: {type: cloudify.nodes.Root}}\ngroups:\n  g0: {members: [n]}\n${chain((index) => `  g${index + 1}: {members: [g${index}]}\n`)}policies: {p: {type: cloudify.policies.scaling, targets: [g0, g10000]}}\n`,
  );
  assert.deepEqual(groups, []);
  const properties = troublesOf(
    `${HEAD}node_templates:\n  n0: {type: cloudify.nodes.Root, properties: {resource_id: x}}\n${chain((index) => `  n${index + 1}: {type: cloudify.nodes.Root, properties: {resource_id: {get_property: [n${index}, resource_id]}}}\n`)}`,
    { limits: { diagnostics: 5 } },
  );
  assert.match(properties[0]!, /recursion limit \(50\)/);
});

test('properties that double each other at every level are stopped', () => {
  const lines = ['  n0: {type: cloudify.nodes.Root, properties: {resource_id: {get_input: x}}}\n'];
  for (let index = 1; index < 40; index++) {
    const twice = `{get_property: [n${index - 1}, resource_id]}, {get_property: [n${index - 1}, resource_id]}`;
    lines.push(`  n${index}: {type: cloudify.nodes.Root, properties: {resource_id: {concat: [${twice}]}}}\n`);
  }
  const troubles = troublesOf(`${HEAD}inputs: {x: {default: abc}}\nnode_templates:\n${lines.join('')}`);
  assert.match(troubles.join('\n'), /recursion limit|the evaluated values are too large/);
});
