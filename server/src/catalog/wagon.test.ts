import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { catalog, sourceOf } from '../../test/support/catalog.js';
import { people } from '../../test/support/people.js';
import { bundleOf, pluginYaml, wagonOf, wheelOf } from '../../test/support/plugin-archives.js';
import { testDatabase } from '../../test/support/test-database.js';
import { DomainError } from '../errors.js';
import { readWagonFacts } from './wagon.js';

const GOOD = { package_name: 'cool-plugin', package_version: '1.0+a', archive_name: 'cool-1.0.wgn' };

describe('what a wagon says of itself', () => {
  test('may be little: what it does not say is not known', () => {
    assert.deepEqual(readWagonFacts(JSON.stringify(GOOD)), {
      packageName: 'cool-plugin',
      packageVersion: '1.0+a',
      packageSource: null,
      archiveName: 'cool-1.0.wgn',
      supportedPlatform: null,
      distribution: null,
      distributionVersion: null,
      distributionRelease: null,
      wheels: [],
      excludedWheels: [],
      supportedPythons: [],
    });
  });

  for (const [field, value] of [
    ['package_name', true],
    ['package_name', '.hidden'],
    ['package_name', 'a/b'],
    ['package_name', 'a b'],
    ['package_name', 'x'.repeat(256)],
    ['package_version', ''],
    ['package_version', '1.0\n'],
    ['archive_name', '../x.wgn'],
    ['package_source', ['git']],
    ['package_source', 'x'.repeat(2000)],
    ['wheels', 'one.whl'],
    ['wheels', [1]],
    ['wheels', ['']],
    ['wheels', Array(1001).fill('a.whl')],
    ['supported_python_versions', ['py3', '../']],
  ] as const) {
    test(`is refused where ${field} is ${JSON.stringify(value).slice(0, 40)}`, () => {
      assert.throws(() => readWagonFacts(JSON.stringify({ ...GOOD, [field]: value })), {
        kind: 'invalid',
        reason: 'invalid-plugin',
        message: new RegExp(field),
      });
    });
  }

  test('may be any JSON and any text: it is understood or refused', () => {
    const member = fc.constantFrom(
      'package_name',
      'package_version',
      'archive_name',
      'wheels',
      'excluded_wheels',
      'build_server_os_properties',
    );
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.dictionary(member, fc.jsonValue()).map((said) => JSON.stringify({ ...GOOD, ...said })),
    );
    fc.assert(
      fc.property(text, (given) => {
        try {
          const { packageName, packageVersion, archiveName } = readWagonFacts(given);
          for (const name of [packageName, packageVersion, archiveName])
            assert.doesNotMatch(name, /^\.|[/\\]/);
        } catch (error) {
          assert.ok(error instanceof DomainError && error.reason === 'invalid-plugin', String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

test('an archive of a plugin with any bytes changed is taken or refused, and never breaks', async () => {
  const { pool } = await testDatabase();
  const ada = await (await people(pool)).member('ada', { red: 'user' });
  const { pluginUploads, plugins } = catalog(pool);
  const wheels = [wheelOf({ name: 'cool', version: '1.0', files: { 'cool.py': 'x = 1\n' } })];
  const yaml = pluginYaml({ plugin: 'cool', packageName: 'cool', version: '1.0' });
  const archives = (['tar.gz', 'zip'] as const).flatMap((format) => {
    const wagon = wagonOf({ name: 'cool', version: '1.0', wheels, format });
    return [wagon.bytes, bundleOf(wagon, { 'plugin.yaml': yaml })];
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...archives),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
      fc.option(fc.nat(), { nil: null }),
      async (archive, changes, cut) => {
        const bytes = Buffer.from(archive);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        const sent = cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1));
        try {
          const ids = await pluginUploads.upload(ada, { source: sourceOf(sent) });
          for (const id of ids) await plugins.remove(ada, id);
        } catch (error) {
          assert.ok(error instanceof DomainError && error.kind === 'invalid', String((error as Error).stack));
        }
      },
    ),
    { numRuns: 400 },
  );
});
