/** Several files, one blueprint: cloudify-engine.md §2.8. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEAD, planOf, troublesOf } from '../testdata/archive.js';

const importing = (...names: string[]) =>
  HEAD.replace(
    ']',
    names
      .map((name) => `, ${name}`)
      .join('')
      .concat(']'),
  );
const MINE = 'node_types: {mine: {derived_from: cloudify.nodes.Root}}\n';

test('a file is looked for beside the importing one, then from the top; an edition for the version first', () => {
  const files = {
    'blueprint.yaml': `${importing('parts/a.yaml')}node_templates: {n: {type: mine}}`,
    'parts/a.yaml': 'imports: [b.yaml, shared/c.yaml, ../top.yaml]',
    'parts/b.yaml': MINE,
    'b.yaml': 'this is not it',
    'shared/c.yaml': 'not read either',
    'shared/c_1_5.yaml': 'labels: {c: {values: [edition]}}',
    'top.yaml': 'labels: {top: {values: [x]}}',
  };
  const plan = planOf(files);
  assert.deepEqual(Object.keys(plan.labels), ['c', 'top']);
});

test('nothing outside of the archive can be imported', () => {
  for (const name of ['../outside.yaml', '/etc/passwd', 'a/../../b.yaml', 'file:///etc/passwd']) {
    const read: string[] = [];
    const text = importing(`'${name}'`);
    const troubles = troublesOf(text, {
      read: (path) => {
        read.push(path);
        return path === 'blueprint.yaml' ? text : null;
      },
    });
    assert.match(troubles[0]!, /\[13\] Import failed: no file/);
    assert.ok(read.every((path) => !path.startsWith('/') && !path.includes('..')));
  }
});

test('imports in a circle, or twice from different files, are read once', () => {
  const plan = planOf({
    'blueprint.yaml': `${importing('a.yaml', 'b.yaml')}node_templates: {n: {type: mine}}`,
    'a.yaml': `imports: [b.yaml, blueprint.yaml]\n${MINE}`,
    'b.yaml': 'imports: [a.yaml, cloudify/types/types.yaml]\n',
  });
  assert.equal(plan.nodes.length, 1);
});

test('names of several files come together; the same name twice is an error that shows both', () => {
  const files = {
    'blueprint.yaml': `${importing('a.yaml')}${MINE}`,
    'a.yaml': `\n${MINE}outputs: {o: {value: 1}}`,
  };
  assert.deepEqual(troublesOf(files), [
    "a.yaml:2:14 [4] Import failed: Could not merge 'node_types' due to conflict on 'mine' (it is already defined in blueprint.yaml:3)",
  ]);
});

test('sections that cannot be merged say so; before 1_3 inputs are one of them', () => {
  const settings = 'deployment_settings: {id_template: x}\n';
  assert.deepEqual(
    troublesOf({ 'blueprint.yaml': `${importing('a.yaml')}${settings}`, 'a.yaml': settings }),
    ["a.yaml:1:1 [3] Import failed: non-mergeable field: 'deployment_settings'"],
  );
  const old = (name: string) =>
    `tosca_definitions_version: cloudify_dsl_1_2\nimports: [a.yaml]\ninputs: {${name}: {}}\n`;
  assert.deepEqual(troublesOf({ 'blueprint.yaml': old('x'), 'a.yaml': 'inputs: {y: {}}' }), [
    "a.yaml:1:1 [3] Import failed: non-mergeable field: 'inputs'",
  ]);
  assert.deepEqual(
    Object.keys(
      planOf({ 'blueprint.yaml': old('x').replace('1_2', '1_3'), 'a.yaml': 'inputs: {y: {}}' }).inputs,
    ),
    ['x', 'y'],
  );
});

test('description and metadata of the importing file win, labels of the first, workflows fill each other up', () => {
  const plan = planOf({
    'blueprint.yaml': `${importing('a.yaml')}description: main\nlabels: {l: {values: [main]}}\nworkflows: {install: scripts/mine.py}\n`,
    'a.yaml': 'description: other\nmetadata: {from: a}\nlabels: {l: {values: [other]}}\n',
  });
  assert.equal(plan.description, 'main');
  assert.deepEqual(plan.metadata, { from: 'a' });
  assert.deepEqual(plan.labels, { l: { values: ['main'] } });
  assert.equal(plan.workflows.install?.function, 'script_runner.tasks.execute_workflow');
  assert.deepEqual(Object.keys(plan.workflows.install?.parameters ?? {}), [
    'script_path',
    'type_names',
    'node_ids',
    'node_instance_ids',
  ]);
});

test('a node of one file may get relationships in another', () => {
  const plan = planOf({
    'blueprint.yaml': `${importing('a.yaml')}node_templates: {n: {type: cloudify.nodes.Root}, m: {type: cloudify.nodes.Root}}`,
    'a.yaml': 'node_templates: {n: {relationships: [{type: cloudify.relationships.depends_on, target: m}]}}',
  });
  assert.deepEqual(
    plan.nodes[0]?.relationships.map(({ target }) => target),
    ['m'],
  );
});

test('an import may be older or silent about its version, never newer', () => {
  const main = (version: string) => `tosca_definitions_version: cloudify_dsl_${version}\nimports: [a.yaml]\n`;
  const a = 'tosca_definitions_version: cloudify_dsl_1_3\n';
  assert.deepEqual(troublesOf({ 'blueprint.yaml': main('1_3'), 'a.yaml': a }), []);
  assert.deepEqual(troublesOf({ 'blueprint.yaml': main('1_5'), 'a.yaml': a }), []);
  assert.deepEqual(troublesOf({ 'blueprint.yaml': main('1_2'), 'a.yaml': a }), [
    "2:11 [28] An import uses a newer tosca_definitions_version (cloudify_dsl_1_3) than the main blueprint's cloudify_dsl_1_2",
  ]);
});

test('an author may change the base types, and does so for this blueprint alone', () => {
  const changed = `${HEAD}node_types: {cloudify.nodes.Root: {properties: {color: {default: red}}}}
node_templates: {n: {type: cloudify.nodes.Tier}}`;
  assert.deepEqual(planOf(changed).nodes[0]?.properties, { color: 'red' });
  const plain = `${HEAD}node_templates: {n: {type: cloudify.nodes.Tier}}`;
  assert.deepEqual(planOf(plain).nodes[0]?.properties, { use_external_resource: false });
});

test('properties given with an import fill the plugin’s, when they are of its types', () => {
  const text = (properties: string) =>
    `tosca_definitions_version: cloudify_dsl_1_5\nimports: [{'plugin:aws': ${properties}}]\n`;
  const yaml = `plugins:
  aws: {executor: central_deployment_agent, package_name: aws, properties: {region: {type: string}, size: {type: integer}}}`;
  const imported = new Map([['plugin:aws', yaml]]);
  assert.deepEqual(planOf(text('{region: eu}'), { imported }).plugins.aws?.properties, {
    region: { type: 'string', value: 'eu' },
    size: { type: 'integer' },
  });
  assert.deepEqual(troublesOf(text('{size: big, zone: 1}'), { imported }), [
    "2:11 [221] Property 'size' of plugin 'aws' must be of type integer, but is of type string",
    "2:11 [221] The imported plugin has no property 'zone'",
  ]);
});

test('sections that the catalog knows better stand in the place of what an import says', () => {
  const imported = new Map([['plugin:aws', 'labels: {env: {values: [old]}}\nresource_tags: {a: "1"}']]);
  const replaced = new Map([['plugin:aws', { labels: { env: { values: ['new'] } } }]]);
  const plan = planOf(`${HEAD.replace('types.yaml', "types.yaml, 'plugin:aws'")}`, { imported, replaced });
  assert.deepEqual(plan.labels, { env: { values: ['new'] } });
  assert.deepEqual(plan.resourceTags, { a: '1' });
});
