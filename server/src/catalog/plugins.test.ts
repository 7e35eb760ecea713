import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { gzip, tarHeader, tarOf, zipOf } from '../../test/support/archives.js';
import { archiveOf, catalog, sourceOf } from '../../test/support/catalog.js';
import { people } from '../../test/support/people.js';
import { bundleOf, pluginYaml, wagonOf } from '../../test/support/plugin-archives.js';
import { testDatabase } from '../../test/support/test-database.js';
import type { Caller } from '../caller.js';
import { DomainError } from '../errors.js';
import { CompilePool } from './compile-pool.js';
import type { ImportSource } from './import-source.js';
import { PluginImports } from './plugin-imports.js';

const { pool } = await testDatabase();
const house = await people(pool);
const ada = await house.member('ada', { red: 'user' });
const eve = await house.member('eve', { red: 'user' });
const { uploads, plugins, pluginUploads, blueprints, blobs } = catalog(pool);

const scopeOf = (caller: Caller) => ({
  tenantId: caller.tenant!.id,
  userId: caller.userId,
  seesPrivate: false,
});

async function count(sql: string): Promise<number> {
  return (await pool.query(`select count(*)::integer as n from ${sql}`)).rows[0].n;
}

function bundle(name: string, version = '1.0'): Buffer {
  const yaml = pluginYaml({ plugin: 'cool', packageName: name, version });
  return bundleOf(wagonOf({ name, version }), { 'plugin.yaml': yaml });
}

async function uploaded(name: string, version = '1.0', caller = ada, visibility = 'tenant' as const) {
  const [id] = await pluginUploads.upload(caller, { source: sourceOf(bundle(name, version)), visibility });
  return id!;
}

const importing = (name: string) =>
  archiveOf({
    'blueprint.yaml': `tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml, 'plugin:${name}']
node_templates: { thing: { type: cool.nodes.Thing } }
`,
  });

describe('an upload of a plugin that goes wrong leaves no plugin', () => {
  const refused = async (source: Parameters<typeof pluginUploads.upload>[1]['source'], kind: object) => {
    const before = await count('plugins');
    await assert.rejects(pluginUploads.upload(ada, { source }), kind);
    assert.equal(await count('plugins'), before);
  };

  test('when it breaks off', async () => {
    const broken = Readable.from(
      (async function* () {
        yield bundle('broken').subarray(0, 100);
        throw new Error('the line broke');
      })(),
      { objectMode: false },
    );
    await refused({ kind: 'stream', stream: broken }, { kind: 'invalid', reason: 'upload-broken-off' });
  });

  for (const [what, bytes, message] of [
    [
      'is a bomb',
      gzip(Buffer.concat([tarHeader({ path: 'x/wheels/a.whl' }, 200_000_000), Buffer.alloc(200_000_000)])),
      /expands/,
    ],
    [
      'holds a wagon that is a bomb',
      bundleOf({
        archiveName: 'x.wgn',
        bytes: gzip(
          Buffer.concat([
            tarOf([{ path: 'x/package.json', content: '{}' }], { end: false }),
            tarHeader({ path: 'x/wheels/a.whl' }, 200_000_000),
            Buffer.alloc(200_000_000),
          ]),
        ),
      }),
      /expands/,
    ],
    [
      'has a YAML of many megabytes',
      bundleOf(wagonOf({ name: 'x', version: '1' }), { 'plugin.yaml': `a: '${'x'.repeat(5_000_000)}'` }),
      /more than 4194304 bytes/,
    ],
    [
      'has a YAML whose aliases stand for too much',
      bundleOf(wagonOf({ name: 'x', version: '1' }), {
        'plugin.yaml': `a: &a [1,1,1,1,1,1,1,1,1,1]\n${[...'bcdefgh'].map((key, i) => `${key}: &${key} [${Array(10).fill(`*${'abcdefg'[i]}`).join(',')}]`).join('\n')}\n`,
      }),
      /aliases/,
    ],
    [
      'has more YAML files than are read',
      zipOf([
        { path: 'x.wgn', content: wagonOf({ name: 'x', version: '1' }).bytes },
        ...Array.from({ length: 101 }, (_, i) => ({ path: `p${i}.yaml`, content: 'a: 1' })),
      ]),
      /more than 100 YAML files/,
    ],
  ] as const) {
    test(`when it ${what}`, async () => {
      await refused(sourceOf(bytes, 65_536), { kind: 'invalid', reason: 'invalid-plugin', message });
    });
  }

  test('when it is larger than an archive may be', async () => {
    const small = catalog(pool, { limits: { archiveBytes: 10_000 } });
    const wagon = wagonOf({
      name: 'x',
      version: '1',
      wheels: [{ filename: 'a.whl', bytes: randomBytes(20_000) }],
    });
    await assert.rejects(small.pluginUploads.upload(ada, { source: sourceOf(wagon.bytes) }), {
      kind: 'limit',
      reason: 'archive-too-large',
    });
  });

  test('when who sends it may not', async () => {
    const source = sourceOf(bundle('forbidden'));
    const vic = await house.member('vic', { red: 'viewer' });
    await assert.rejects(pluginUploads.upload(vic, { source }), { kind: 'forbidden' });
    await assert.rejects(pluginUploads.upload(ada, { source, visibility: 'global' }), { kind: 'forbidden' });
    await assert.rejects(pluginUploads.upload(ada, { source, restored: { id: 'x' } }), { kind: 'forbidden' });
  });
});

describe('a plugin and the blueprints that need it', () => {
  test('a plugin that goes while a blueprint is compiled from it leaves a failed upload, not a blueprint', async () => {
    const id = await uploaded('vanishing');
    const real = new PluginImports(pool);
    const source: ImportSource = {
      async find(asked) {
        const found = await real.find(asked);
        await plugins.remove(ada, id);
        return found;
      },
    };
    const { uploads: hasty } = catalog(pool, { imports: { plugin: source } });
    await assert.rejects(hasty.upload(ada, { id: 'left', source: importing('vanishing') }), {
      kind: 'conflict',
      reason: 'plugin-vanished',
    });
    assert.notEqual((await blueprints.get(ada, 'left')).state, 'uploaded');
    assert.equal(await count('blueprint_plugins'), 0);
  });

  test('of a deletion and an upload at the same time at most one succeeds', async () => {
    for (let round = 0; round < 12; round += 1) {
      const name = `raced-${round}`;
      const id = await uploaded(name);
      const [upload, removal] = await Promise.allSettled([
        uploads.upload(ada, { id: name, source: importing(name) }),
        new Promise((resolve) => setTimeout(resolve, round)).then(() => plugins.remove(ada, id)),
      ]);
      if (removal.status === 'rejected') {
        assert.equal((removal.reason as DomainError).reason, 'plugin-in-use');
        assert.equal(upload.status, 'fulfilled');
      } else if (upload.status === 'rejected') {
        assert.ok(upload.reason instanceof DomainError, String(upload.reason));
        assert.match(upload.reason.reason, /^(plugin-vanished|invalid-blueprint)$/);
      } else {
        assert.fail('a blueprint stands on a plugin that is gone');
      }
    }
  });

  test('a blueprint that is gone lets go', async () => {
    const id = await uploaded('let-go');
    await uploads.upload(ada, { id: 'holding', source: importing('let-go') });
    await assert.rejects(plugins.remove(ada, id), { kind: 'conflict', reason: 'plugin-in-use' });
    await blueprints.remove(ada, 'holding');
    await plugins.remove(ada, id);
  });

  test('one who may not see a private blueprint is not told its name', async () => {
    const id = await uploaded('shy');
    await uploads.upload(ada, { id: 'hidden-one', source: importing('shy'), visibility: 'private' });
    await assert.rejects(plugins.remove(eve, id), (error: DomainError) => {
      assert.equal(error.reason, 'plugin-in-use');
      assert.doesNotMatch(error.message, /hidden-one/);
      return true;
    });
    await assert.rejects(plugins.remove(ada, id), /hidden-one/);
  });
});

describe('the plugin that runs an operation', () => {
  test('is the newest of the version that is asked for, or the one its blueprint was compiled from', async () => {
    const [old, mid] = [await uploaded('chosen', '1.0'), await uploaded('chosen', '1.10')];
    const { uid } = await uploads.upload(ada, { id: 'chosen', source: importing('chosen?version=1.0') });
    const find = async (packageVersion: string | null, blueprint?: typeof uid) =>
      (
        await plugins.find(scopeOf(ada), {
          packageName: 'chosen',
          packageVersion,
          ...(blueprint === undefined ? {} : { blueprint }),
        })
      )?.id;
    assert.equal(await find(null), mid);
    assert.equal(await find('1.0'), old);
    assert.equal(await find('1.1'), undefined);
    assert.equal(await find(null, uid), old);
    assert.equal(await find('1.10', uid), mid);
  });

  test('is none of another tenant unless it is global, and no private one of somebody else', async () => {
    const bob = await house.member('bob', { blue: 'user' });
    const wanted = { packageName: 'reserved', packageVersion: null };
    await pluginUploads.upload(ada, { source: sourceOf(bundle('reserved')), visibility: 'private' });
    assert.equal(await plugins.find(scopeOf(bob), wanted), null);
    assert.equal(await plugins.find(scopeOf(eve), wanted), null);
    assert.equal((await plugins.find(scopeOf(ada), wanted))?.visibility, 'private');
    const root = await house.as('admin', 'red');
    const found = await plugins.find(scopeOf(ada), wanted);
    await plugins.setVisibility(root, found!.id, 'global');
    assert.equal((await plugins.find(scopeOf(bob), wanted))?.tenantName, 'red');
  });

  test('gives its wagon byte for byte, though nobody else refers to these bytes', async () => {
    const wagon = wagonOf({
      name: 'heavy',
      version: '1',
      wheels: [{ filename: 'a.whl', bytes: randomBytes(3_000_000) }],
    });
    await pluginUploads.upload(ada, { source: sourceOf(bundleOf(wagon)) });
    await pool.query("update blobs set held_until = now() - interval '1 second'");
    await blobs.sweep();
    const found = await plugins.find(scopeOf(ada), { packageName: 'heavy', packageVersion: '1' });
    const bytes = Buffer.concat(await plugins.openWagon(found!).toArray());
    assert.ok(bytes.equals(wagon.bytes));
    assert.equal(found!.size, wagon.bytes.length);

    const reading = plugins.openWagon(found!);
    await new Promise((resolve) => reading.once('readable', resolve));
    await plugins.remove(ada, found!.id);
    await blobs.sweep();
    assert.ok(Buffer.concat(await reading.toArray()).equals(wagon.bytes), 'whoever reads gets to the end');
  });
});

test('a large YAML is read in a thread, and says the same there', async () => {
  const request = {
    file: 'plugin.yaml',
    text: `${pluginYaml({ plugin: 'p', packageName: 'x', version: '1' })}labels: { a: { values: [b] } }\n`,
  };
  const [here, there] = [new CompilePool(), new CompilePool({ threadFrom: 0 })];
  try {
    const answer = await here.readPluginYaml(request);
    assert.equal(answer.kind, 'yaml');
    assert.deepEqual(await there.readPluginYaml(request), answer);
    assert.deepEqual(answer, {
      kind: 'yaml',
      packages: { p: 'x' },
      tags: { labels: { a: { values: ['b'] } }, blueprintLabels: {}, resourceTags: {} },
    });
    const wrong = { file: 'plugin.yaml', text: 'a: [' };
    assert.equal((await there.readPluginYaml(wrong)).kind, 'diagnostics');
  } finally {
    await there.close();
  }
});
