import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bytesIn, filesIn, PAIR, PAIR_BZ2, refuses, SMALL } from '../../../test/support/archive-reading.js';
import { gzip, paxRecord, tarOf, zipOf } from '../../../test/support/archives.js';
import { readArchive } from './read-archive.js';

describe('an archive is read by what it is', () => {
  for (const [format, archive] of [
    ['tar', tarOf(PAIR)],
    ['tar.gz', gzip(tarOf(PAIR))],
    ['tar.bz2', Buffer.from(PAIR_BZ2, 'base64')],
    ['zip', zipOf(PAIR.map((entry) => ({ ...entry, mode: 0o100000 | (entry.mode ?? 0o644) })))],
  ] as const) {
    test(`${format}: files with their content and mode`, async () => {
      const read = await filesIn(archive);
      assert.equal(read.format, format);
      assert.deepEqual(read.files, { 'app/blueprint.yaml': 'a: 1\n', 'app/scripts/run.sh': '#!/bin/sh\n' });
      assert.deepEqual(read.modes, { 'app/blueprint.yaml': 0o644, 'app/scripts/run.sh': 0o755 });
    });
  }

  test('folders and a leading "./" do not matter', async () => {
    const { files } = await filesIn(
      tarOf([
        { path: './', type: '5' },
        { path: './a/', type: '5' },
        { path: './a//b.txt', content: 'x' },
      ]),
    );
    assert.deepEqual(files, { 'a/b.txt': 'x' });
  });

  test('long names of GNU tar and of pax are whole, and a global header is no file', async () => {
    const long = `${'d'.repeat(90)}/${'f'.repeat(90)}`;
    const { files } = await filesIn(
      tarOf([
        { path: 'pax_global_header', type: 'g', content: paxRecord('comment', 'abc') },
        { path: '././@LongLink', type: 'L', content: `${long}\0` },
        { path: long.slice(0, 99), content: 'gnu' },
        { path: 'PaxHeader', type: 'x', content: paxRecord('path', 'ünï/ćode.txt') },
        { path: 'uni', content: 'pax' },
      ]),
    );
    assert.deepEqual(files, { [long]: 'gnu', 'ünï/ćode.txt': 'pax' });
  });

  test('a tar without its end mark is whole when its last file is', async () => {
    assert.deepEqual((await filesIn(tarOf(PAIR, { end: false }))).files, (await filesIn(tarOf(PAIR))).files);
  });

  test('a visitor may leave a file half read', async () => {
    const seen: string[] = [];
    const big = { path: 'big', content: Buffer.alloc(300_000, 1) };
    for (const archive of [tarOf([big, ...PAIR]), gzip(tarOf([big, ...PAIR])), zipOf([big, ...PAIR])]) {
      await readArchive(bytesIn(archive), SMALL, async ({ path, content }) => {
        seen.push(path);
        for await (const _ of content) break;
      });
    }
    assert.equal(seen.length, 9);
  });
});

describe('what is not an archive is refused', () => {
  const reason = 'archive-unrecognised';
  refuses('nothing at all', () => Buffer.alloc(0), reason, /zip, tar, tar.gz or tar.bz2/);
  refuses(
    'random bytes',
    () => Buffer.concat([Buffer.from([0]), randomBytes(5000)]),
    reason,
    /not an archive/,
  );
  refuses(
    'a text',
    () => Buffer.from('tosca_definitions_version: cloudify_dsl_1_3\n'.repeat(50)),
    reason,
    /not an archive/,
  );
  refuses('zeros', () => Buffer.alloc(10_240), reason, /not an archive/);
  refuses(
    'another compression',
    () => Buffer.from('fd377a585a000004e6d6b446', 'hex'),
    reason,
    /not an archive/,
  );
  refuses('gzip around something else', () => gzip(randomBytes(4000)), reason, /not an archive/);
  refuses('gzip in gzip', () => gzip(gzip(tarOf(PAIR))), reason, /not an archive/);
});

describe('what is damaged is refused', () => {
  const reason = 'archive-damaged';
  refuses(
    'a tar cut within a file',
    () => tarOf([{ path: 'a', content: 'x'.repeat(2000) }]).subarray(0, 1024),
    reason,
    /ends/,
  );
  refuses('a tar cut within a header', () => tarOf(PAIR).subarray(0, 1024 + 100), reason, /ends/);
  refuses(
    'a tar with a wrong checksum further on',
    () => {
      const tar = tarOf(PAIR);
      tar[1024] = 0x41;
      return tar;
    },
    reason,
    /checksum/,
  );
  refuses(
    'a gzip cut off',
    () => gzip(tarOf([{ path: 'a', content: randomBytes(50_000) }])).subarray(0, 20_000),
    reason,
    /gzip/,
  );
  refuses(
    'a gzip with a wrong checksum',
    () => {
      const archive = gzip(tarOf(PAIR));
      archive[archive.length - 6]! ^= 0xff;
      return archive;
    },
    reason,
    /gzip/,
  );
  refuses('a bzip2 cut off', () => Buffer.from(PAIR_BZ2, 'base64').subarray(0, 100), reason, /bzip2/);
  refuses('a zip without its directory', () => zipOf(PAIR).subarray(0, 60), reason, /zip/);
  refuses('a zip cut within its directory', () => zipOf(PAIR).subarray(0, -40), reason, /zip/);
  refuses(
    'a zip whose bytes do not match their checksum',
    () => zipOf([{ path: 'a', content: 'abc', checksum: 1 }]),
    reason,
    /checksum/,
  );
  refuses(
    'a zip whose file is longer than it says',
    () => zipOf([{ path: 'a', content: 'x'.repeat(5000), size: 10 }]),
    reason,
    /zip/,
  );
});

test('whatever bytes come, the answer is a file list or a DomainError', async () => {
  const seeds = [tarOf(PAIR), gzip(tarOf(PAIR)), Buffer.from(PAIR_BZ2, 'base64'), zipOf(PAIR)];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
      fc.option(fc.nat(), { nil: undefined }),
      async (seed, changes, cut) => {
        const archive = Buffer.from(seed);
        for (const [at, byte] of changes) archive[at % archive.length] = byte;
        const bytes = cut === undefined ? archive : archive.subarray(0, cut % archive.length);
        try {
          await filesIn(bytes);
        } catch (error) {
          assert.equal((error as Error).name, 'DomainError', (error as Error).stack);
        }
      },
    ),
    { numRuns: 400 },
  );
});
