import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { gzip, tarOf } from '../../test/support/archives.js';
import { archiveOf, BLUEPRINT, bytesOf, catalog, sourceOf } from '../../test/support/catalog.js';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import type { DomainError } from '../errors.js';
import type { ArchiveSource } from './blueprint-uploads.js';

const { pool } = await testDatabase();
const house = await people(pool);
const ada = await house.member('ada', { red: 'user' });
const { uploads, blueprints } = catalog(pool);

async function refusal(work: Promise<unknown>): Promise<DomainError> {
  const error = await work.then(
    () => assert.fail('should have been refused'),
    (reason: unknown) => reason,
  );
  assert.equal((error as Error).name, 'DomainError', (error as Error).stack);
  return error as DomainError;
}

async function count(sql: string): Promise<number> {
  return (await pool.query(`select count(*)::integer as n from ${sql}`)).rows[0].n;
}

describe('an upload that fails stays there and says why', () => {
  const cases: readonly (readonly [string, () => ArchiveSource, string, string, RegExp])[] = [
    [
      'not an archive',
      () => sourceOf(randomBytes(3000)),
      'failed-extracting',
      'archive-unrecognised',
      /zip, tar/,
    ],
    [
      'an empty body',
      () => sourceOf(Buffer.alloc(0)),
      'failed-extracting',
      'archive-unrecognised',
      /zip, tar/,
    ],
    [
      'a cut archive',
      () => sourceOf(gzip(tarOf([{ path: 'a/x', content: randomBytes(9000) }])).subarray(0, 5000)),
      'failed-extracting',
      'archive-damaged',
      /damaged/,
    ],
    [
      'a path that climbs out',
      () => sourceOf(tarOf([{ path: 'app/../../x', content: 'x' }])),
      'failed-extracting',
      'archive-unsafe',
      /leads out/,
    ],
    [
      'a link',
      () => sourceOf(tarOf([{ path: 'app/x', type: '2', link: '/etc/passwd' }])),
      'failed-extracting',
      'archive-unsafe',
      /link/,
    ],
    [
      'a bomb',
      () => sourceOf(gzip(tarOf([{ path: 'app/x', content: Buffer.alloc(70_000_000) }]))),
      'failed-extracting',
      'archive-excessive',
      /200 times/,
    ],
    [
      'two top folders',
      () => archiveOf({ 'a/blueprint.yaml': BLUEPRINT, 'b/x': 'x' }, ''),
      'failed-extracting',
      'archive-layout',
      /Right is one top folder/,
    ],
    [
      'no main file',
      () => archiveOf({ 'other.yaml': BLUEPRINT }),
      'failed-extracting',
      'archive-layout',
      /"other.yaml": name the main file/,
    ],
    [
      'broken YAML',
      () => archiveOf({ 'blueprint.yaml': 'a: [1\n' }),
      'invalid',
      'invalid-blueprint',
      /^blueprint.yaml:\d+:\d+: /,
    ],
    [
      'an unknown type',
      () => archiveOf({ 'blueprint.yaml': `${BLUEPRINT}  # \n`.replace('type: thing', 'type: nothing') }),
      'invalid',
      'invalid-blueprint',
      /^blueprint.yaml:11:\d+: .*nothing/,
    ],
    [
      'a plugin that is not there',
      () => archiveOf({ 'blueprint.yaml': `${BLUEPRINT}imports: ["plugin:some-plugin"]\n` }),
      'invalid',
      'invalid-blueprint',
      /some-plugin/,
    ],
    [
      'an import from a private address',
      () => archiveOf({ 'blueprint.yaml': `${BLUEPRINT}imports: ["http://127.0.0.1:9/x.yaml"]\n` }),
      'invalid',
      'invalid-blueprint',
      /CLOUD_ENDPOINT_ALLOWLIST/,
    ],
    [
      'a URL to a private address',
      () => ({ kind: 'url', url: 'http://169.254.169.254/latest' }),
      'failed-uploading',
      'address-not-allowed',
      /CLOUD_ENDPOINT_ALLOWLIST/,
    ],
    [
      'a URL of another kind',
      () => ({ kind: 'url', url: 'file:///etc/passwd' }),
      'failed-uploading',
      'url-invalid',
      /http and https/,
    ],
  ];
  for (const [what, source, state, reason, message] of cases) {
    test(what, async () => {
      const id = what.replaceAll(' ', '-');
      const error = await refusal(uploads.upload(ada, { id, source: source() }));
      assert.equal(error.reason, reason, error.stack);
      assert.match(error.message, message);
      const stored = await blueprints.get(ada, id);
      assert.equal(stored.state, state);
      assert.equal(stored.error, error.message);
      assert.equal(stored.archive, null);
      assert.equal((await blueprints.files(stored.uid, '')).length, 0);
      await assert.rejects(blueprints.plan(ada, id), { kind: 'conflict', reason: 'blueprint-not-uploaded' });
      await assert.rejects(blueprints.archive(ada, id), { kind: 'conflict' });

      const again = await uploads.upload(ada, { id, source: archiveOf({ 'blueprint.yaml': BLUEPRINT }) });
      assert.deepEqual([again.state, again.error, again.uid], ['uploaded', null, stored.uid]);
    });
  }

  test('all diagnostics are told, in lines and as data', async () => {
    const error = await refusal(
      uploads.upload(ada, {
        id: 'many-faults',
        source: archiveOf({
          'blueprint.yaml': BLUEPRINT.replace('type: thing', 'type: nothing').replace(
            '[one, size]',
            '[two, size]',
          ),
        }),
      }),
    );
    const { diagnostics } = error.details as { diagnostics: { at: { line: number } }[] };
    assert.ok(diagnostics.length >= 1);
    assert.equal(error.message.split('\n').length, diagnostics.length);
  });

  test('an archive over the limit, and the limit is about bytes that came', async () => {
    const small = catalog(pool, { limits: { archiveBytes: 2_000_000 } });
    for (const size of [2_100_000, 5_000_000]) {
      const source = sourceOf(randomBytes(size));
      const error = await refusal(small.uploads.upload(ada, { id: `over-${size}`, source }));
      assert.deepEqual([error.kind, error.reason], ['limit', 'archive-too-large']);
      assert.equal(
        source.kind === 'stream' && source.stream.destroyed,
        false,
        'the answer must still get out',
      );
      assert.equal((await blueprints.get(ada, `over-${size}`)).state, 'failed-uploading');
    }
    assert.equal(await count('blobs where digest is null'), 0);
  });

  for (const size of [50_000, 6_000_000]) {
    test(`a stream that breaks off after ${size} bytes leaves nothing but the row`, async () => {
      const blobsBefore = await count('blobs');
      const stream = new Readable({ read() {} });
      const work = refusal(uploads.upload(ada, { id: `broken-${size}`, source: { kind: 'stream', stream } }));
      stream.push(randomBytes(size));
      while (
        (await pool.query('select state from blueprints where id = $1', [`broken-${size}`])).rows[0]
          ?.state !== 'uploading'
      );
      stream.destroy(new Error('aborted'));
      assert.equal((await work).reason, 'upload-broken-off');
      const stored = await blueprints.get(ada, `broken-${size}`);
      assert.equal(stored.state, 'failed-uploading');
      assert.match(stored.error!, /broke off/);
      assert.equal(await count('blobs'), blobsBefore);
    });
  }

  test('a stream that closed before its end, even before anybody read it, is not taken for whole', async () => {
    const source = archiveOf({ 'blueprint.yaml': BLUEPRINT });
    assert.ok(source.kind === 'stream');
    source.stream.destroy();
    assert.equal((await refusal(uploads.upload(ada, { id: 'closed', source }))).reason, 'upload-broken-off');
    assert.equal((await blueprints.get(ada, 'closed')).state, 'failed-uploading');
  });

  test('characters that the store does not take come from authors too', async () => {
    const odd = BLUEPRINT.replace('one node that does nothing', '"zero \\0 inside"');
    assert.equal(
      (await uploads.upload(ada, { id: 'odd', source: archiveOf({ 'blueprint.yaml': odd }) })).description,
      'zero \ufffd inside',
    );
    await assert.rejects(
      uploads.upload(ada, {
        id: 'odd-type',
        source: archiveOf({ 'blueprint.yaml': BLUEPRINT.replace('type: thing', 'type: "a\\0b"') }),
      }),
      {
        reason: 'invalid-blueprint',
      },
    );
    assert.equal((await blueprints.get(ada, 'odd-type')).state, 'invalid');
  });

  test('trouble of ours is not told to the caller, but to the log', async () => {
    const told: unknown[] = [];
    const broken = catalog(pool, {
      onTrouble: (error) => told.push(error),
      fetch: async () => {
        throw new TypeError('secret detail');
      },
    });
    await assert.rejects(
      broken.uploads.upload(ada, { id: 'ours', source: { kind: 'url', url: 'http://x.example/' } }),
      /secret detail/,
    );
    const stored = await blueprints.get(ada, 'ours');
    assert.equal(stored.state, 'failed-uploading');
    assert.doesNotMatch(stored.error!, /secret/);
    assert.equal(told.length, 1);
  });
});

describe('an upload that lost its process or its place', () => {
  test('an upload whose process died fails by itself, and a new one may take its place before that', async () => {
    for (const [id, state] of [
      ['dead-1', 'extracting'],
      ['dead-2', 'parsing'],
      ['dead-3', 'pending'],
    ] as const) {
      await uploads.upload(ada, { id, source: archiveOf({ 'blueprint.yaml': 'x' }) }).catch(() => {});
      await pool.query(
        "update blueprints set state = $2, error = null, alive_until = now() - interval '1 second' where id = $1",
        [id, state],
      );
    }
    await pool.query("update blueprints set alive_until = now() + interval '20 seconds' where id = 'dead-3'");
    const replaced = await uploads.upload(ada, {
      id: 'dead-2',
      source: archiveOf({ 'blueprint.yaml': BLUEPRINT }),
    });
    assert.equal(replaced.state, 'uploaded');
    assert.equal(await uploads.failDead(), 1);
    assert.equal((await blueprints.get(ada, 'dead-1')).state, 'failed-extracting');
    assert.equal((await blueprints.get(ada, 'dead-3')).state, 'pending');
    assert.match((await blueprints.get(ada, 'dead-1')).error!, /stopped during the upload/);
  });

  test('an upload that was overtaken writes nothing', async () => {
    const stream = new Readable({ read() {} });
    const slow = refusal(uploads.upload(ada, { id: 'overtaken', source: { kind: 'stream', stream } }));
    while ((await count("blueprints where id = 'overtaken'")) === 0);
    await pool.query(
      "update blueprints set alive_until = now() - interval '1 second' where id = 'overtaken'",
    );
    const winner = await uploads.upload(ada, {
      id: 'overtaken',
      source: archiveOf({ 'blueprint.yaml': BLUEPRINT, mine: 'yes' }),
    });
    stream.push(bytesOf({ 'blueprint.yaml': BLUEPRINT }));
    stream.push(null);
    assert.equal((await slow).reason, 'upload-superseded');
    const stored = await blueprints.get(ada, 'overtaken');
    assert.deepEqual(
      [stored.state, stored.error, stored.archive?.sha256],
      ['uploaded', null, winner.archive?.sha256],
    );
  });
});
