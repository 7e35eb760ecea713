import assert from 'node:assert/strict';
import { test } from 'node:test';
import { archiveOf, catalog } from '../../test/support/catalog.js';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import { Blobs } from './blobs.js';
import { BlueprintImports } from './blueprint-imports.js';
import { CompilePool } from './compile-pool.js';

const { pool } = await testDatabase();
const house = await people(pool);
const ada = await house.member('ada', { red: 'user' });
const bob = await house.member('bob', { blue: 'user' });
const compiler = new CompilePool();
const nothing = { find: async () => ({ kind: 'absent', problem: 'not here' }) as const };
const imports = {
  plugin: nothing,
  blueprint: new BlueprintImports({
    pool,
    blobs: new Blobs(pool),
    compiler,
    plugins: nothing,
    fetchText: async () => assert.fail('nothing is fetched'),
  }),
};
const { uploads, blueprints } = catalog(pool, { imports, compiler });

const HEAD = 'tosca_definitions_version: cloudify_dsl_1_4\nimports: [cloudify/types/types.yaml';
const BASE = {
  'blueprint.yaml': `${HEAD}, parts/more.yaml]
inputs: {size: {default: 1}}
node_templates:
  disk: {type: disk, properties: {size: {get_input: size}}}
capabilities: {size: {value: {get_property: [disk, size]}}}
`,
  'parts/more.yaml': `imports: [still-more.yaml]
node_types:
  disk:
    derived_from: cloudify.nodes.Volume
    properties: {size: {type: integer}}
    interfaces: {cloudify.interfaces.lifecycle: {create: scripts/create.sh}}
`,
  'parts/still-more.yaml': 'groups: {all: {members: [disk]}}\n',
  'scripts/create.sh': '#!/bin/sh\necho base\n',
};
const MIDDLE = {
  'blueprint.yaml': `${HEAD}, 'b--blueprint:base']
node_templates:
  app:
    type: cloudify.nodes.Root
    interfaces: {cloudify.interfaces.lifecycle: {start: scripts/start.sh}}
    relationships: [{type: cloudify.relationships.depends_on, target: b--disk}]
`,
  'scripts/start.sh': '#!/bin/sh\necho middle\n',
};

const textOf = async (path: string, of: Parameters<typeof blueprints.file>[0]) =>
  Buffer.concat(await (await blueprints.file(of, path)).stream.toArray()).toString();

test('a blueprint imports another with all its files, and that one another', async () => {
  await uploads.upload(ada, { id: 'base', source: archiveOf(BASE) });
  await uploads.upload(ada, { id: 'middle', source: archiveOf(MIDDLE) });
  const top = `${HEAD}, 'm--blueprint:middle']
inputs: {mine: {default: {get_input: m--b--size}}}
node_templates:
  own: {type: m--b--disk, properties: {size: 2}, relationships: [{type: cloudify.relationships.depends_on, target: m--app}]}
`;
  const { uid, requirements } = await uploads.upload(ada, {
    id: 'top',
    source: archiveOf({ 'blueprint.yaml': top }),
  });
  const plan = await blueprints.plan(ada, 'top');
  assert.deepEqual(plan.nodes.map(({ name, type }) => [name, type]).sort(), [
    ['m--app', 'cloudify.nodes.Root'],
    ['m--b--disk', 'm--b--disk'],
    ['own', 'm--b--disk'],
  ]);
  assert.deepEqual(plan.groups, { 'm--b--all': { members: ['m--b--disk'], policies: {} } });
  assert.deepEqual(Object.keys(plan.capabilities), ['m--b--size']);
  assert.deepEqual(plan.namespaces, { m: 'middle', 'm--b': 'base' });
  assert.deepEqual([...plan.importedBlueprints].sort(), ['base', 'middle']);
  const create = plan.nodeTypes['m--b--disk']?.operations['cloudify.interfaces.lifecycle.create'];
  assert.deepEqual(create?.inputs, { script_path: 'm--b--scripts/create.sh' });
  assert.match(await textOf('m--b--scripts/create.sh', uid), /echo base/);
  assert.match(await textOf('m--scripts/start.sh', uid), /echo middle/);
  await assert.rejects(blueprints.file(uid, 'x--scripts/start.sh'), { kind: 'not-found' });
  await assert.rejects(blueprints.file(uid, 'm--scripts/none.sh'), { kind: 'not-found' });
  assert.deepEqual(Object.keys(requirements ?? {}).sort(), ['blueprints', 'parentCapabilities', 'secrets']);
});

test('a blueprint stays while others import it', async () => {
  const inUse = (names: RegExp) => ({ kind: 'conflict', reason: 'blueprint-in-use', message: names });
  await assert.rejects(blueprints.remove(ada, 'base'), inUse(/blueprints import it \(middle, top\)/));
  await blueprints.remove(ada, 'top');
  await assert.rejects(blueprints.remove(ada, 'base', { force: true }), inUse(/\(middle\)/));
  await blueprints.remove(ada, 'middle');
  await blueprints.remove(ada, 'base');
});

test('what cannot be imported says why, where it is imported', async () => {
  await uploads.upload(ada, { id: 'reds', source: archiveOf({ 'blueprint.yaml': `${HEAD}]\n` }) });
  const importing = (line: string) => archiveOf({ 'blueprint.yaml': `${HEAD}, ${line}]\n` });
  const cases = [
    [ada, "'n--blueprint:nowhere'", /^blueprint.yaml:2:\d+: .*Blueprint nowhere not found/],
    [bob, "'n--blueprint:reds'", /Blueprint reds not found/],
    [ada, "'blueprint:reds'", /needs a namespace: 'name--blueprint:reds'/],
    [ada, "'n--blueprint:reds', 'n--blueprint:other'", /not found|stands for blueprint 'reds' already/],
  ] as const;
  for (const [index, [who, line, message]] of cases.entries()) {
    const upload = uploads.upload(who, { id: `bad-${index}`, source: importing(line) });
    await assert.rejects(upload, { reason: 'invalid-blueprint', message });
  }
});
