import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { gzip, paxRecord, tarHeader, tarOf, zipOf } from '../../../test/support/archives.js';
import type { ArchiveBytes } from './archive.js';
import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS } from './limits.js';
import { readArchive } from './read-archive.js';

const SMALL: ArchiveLimits = {
  ...DEFAULT_ARCHIVE_LIMITS,
  expandedBytes: 8 * 1024 * 1024,
  ratioFloorBytes: 1024 * 1024,
  entries: 100,
  entryBytes: 4 * 1024 * 1024,
};

function bytesOf(buffer: Buffer, piece = 1000): ArchiveBytes {
  return {
    size: buffer.length,
    async *range(start, end) {
      for (let at = start; at < end; at += piece) yield buffer.subarray(at, Math.min(at + piece, end));
    },
  };
}

async function filesIn(archive: Buffer, limits = SMALL) {
  const files: Record<string, string> = {};
  const modes: Record<string, number> = {};
  const { format } = await readArchive(bytesOf(archive), limits, async ({ path, content, mode }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    files[path] = Buffer.concat(chunks).toString();
    modes[path] = mode;
  });
  return { format, files, modes };
}

function refuses(title: string, archive: () => Buffer, reason: string, message: RegExp, limits = SMALL) {
  test(title, async () => {
    await assert.rejects(filesIn(archive(), limits), (error: Error & { kind?: string; reason?: string }) => {
      assert.equal(error.reason, reason, error.stack);
      assert.equal(error.kind, 'invalid');
      assert.match(error.message, message);
      return true;
    });
  });
}

const PAIR = [
  { path: 'app/blueprint.yaml', content: 'a: 1\n' },
  { path: 'app/scripts/run.sh', content: '#!/bin/sh\n', mode: 0o755 },
];
/** The tar of `PAIR`, packed with bzip2. */
const PAIR_BZ2 =
  'QlpoOTFBWSZTWeHpjvcAAFbdgMsQaAH/kAABemdeIAjIIACKhKKanqbQQ09Rpk0yPSabaoJU0mgANAAAA9ZWgyQVFeCJEkL2qCsjwqKREUCNjjx13lt3+9Iy0kBUQgKMxYUiAxg2dgjqCIrJq0vyzfNVCO82vJF7KbexqLXsZDhnUDmrsWawNORTPmxCsUfi7kinChIcPTHe4A==';
/** A tar with one file of three million zeros, packed with bzip2. */
const BOMB_BZ2 =
  'QlpoOTFBWSZTWZ+9oBgAYIvbgNoAQEBlAAAA4AAeAAAIIAB1CU1NqgM1D1ApUiNPQQ0fvedCUBY1CoCxj5z6ZzttUoAEIEdYyoJRBXMiUpDrEtjbivvLu95KAv4u5IpwoSE/e0Aw';

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
      await readArchive(bytesOf(archive), SMALL, async ({ path, content }) => {
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

describe('what must not be unpacked is refused', () => {
  const reason = 'archive-unsafe';
  for (const [what, path, message] of [
    ['a path that climbs out', '../etc/passwd', /leads out/],
    ['a path that climbs out further on', 'a/b/../../../c', /leads out/],
    ['an absolute path', '/etc/passwd', /absolute/],
    ['a drive letter', 'C:/windows/x', /absolute/],
    ['a backslash', 'a\\..\\b', /backslash|characters/],
    ['a control character', 'a\nb', /control character/],
  ] as const) {
    refuses(`${what}, in a tar`, () => tarOf([{ path, content: 'x' }]), reason, message);
    refuses(`${what}, in a zip`, () => zipOf([{ path, content: 'x' }]), reason, /./);
  }
  refuses(
    'a path that climbs out, in a pax header',
    () =>
      tarOf([
        { path: 'x', type: 'x', content: paxRecord('path', '../../x') },
        { path: 'fine', content: 'x' },
      ]),
    reason,
    /leads out/,
  );
  refuses(
    'a zip name with a zero byte',
    () => zipOf([{ path: 'a\0b', content: 'x' }]),
    reason,
    /control character/,
  );
  refuses('a folder that climbs out', () => tarOf([{ path: '../x/', type: '5' }]), reason, /leads out/);
  for (const [what, type] of [
    ['hard link', '1'],
    ['symbolic link', '2'],
    ['character device', '3'],
    ['block device', '4'],
    ['pipe', '6'],
  ] as const) {
    refuses(
      `a ${what} in a tar`,
      () => tarOf([...PAIR, { path: 'app/l', type, link: 'blueprint.yaml' }]),
      reason,
      /link or a device/,
    );
  }
  refuses(
    'a symbolic link in a zip',
    () => zipOf([{ path: 'l', content: '/etc/passwd', mode: 0o120777 }]),
    reason,
    /link or a device/,
  );
  refuses('a device in a zip', () => zipOf([{ path: 'l', mode: 0o060666 }]), reason, /link or a device/);
  refuses(
    'an encrypted zip',
    () => zipOf([{ path: 'a', content: 'x', encrypted: true }]),
    reason,
    /encrypted/,
  );
  refuses(
    'a file that comes twice',
    () => tarOf([PAIR[0]!, { path: './app//blueprint.yaml', content: 'b: 2' }]),
    reason,
    /twice/,
  );
  refuses(
    'a file that comes twice in a zip',
    () => zipOf([PAIR[0]!, { path: 'app/blueprint.yaml', content: 'b' }]),
    reason,
    /twice/,
  );
  refuses(
    'a file that is a folder as well',
    () =>
      tarOf([
        { path: 'a', content: 'x' },
        { path: 'a/b', content: 'x' },
      ]),
    reason,
    /both a file and a folder/,
  );
  refuses(
    'a folder that is a file as well',
    () =>
      zipOf([
        { path: 'a/b', content: 'x' },
        { path: 'a', content: 'x' },
      ]),
    reason,
    /both a file and a folder/,
  );
  refuses(
    'a zip whose files share their bytes',
    () =>
      zipOf([
        { path: 'a', content: 'x' },
        { path: 'b', sameBytesAs: 0 },
      ]),
    reason,
    /overlap/,
  );
});

describe('what grows too much is refused, by what comes out and not by what it claims', () => {
  const reason = 'archive-excessive';
  const zeros = Buffer.alloc(3 * 1024 * 1024);
  refuses('a gzip bomb', () => gzip(tarOf([{ path: 'a', content: zeros }])), reason, /more than 200 times/);
  refuses('a zip bomb', () => zipOf([{ path: 'a', content: zeros }]), reason, /more than 200 times/);
  refuses('a bzip2 bomb', () => Buffer.from(BOMB_BZ2, 'base64'), reason, /more than 200 times/);
  refuses(
    'a bomb behind the end of a tar',
    () => gzip(Buffer.concat([tarOf(PAIR), zeros])),
    reason,
    /more than 200 times/,
  );
  refuses(
    'many small bombs',
    () =>
      zipOf(Array.from({ length: 20 }, (_, i) => ({ path: `f${i}`, content: zeros.subarray(0, 200_000) }))),
    reason,
    /more than 200 times/,
  );
  refuses(
    'a zip of zips is only bytes, but a large one',
    () =>
      zipOf([
        {
          path: 'inner.zip',
          content: zipOf([{ path: 'a', content: randomBytes(5 * 1024 * 1024), stored: true }]),
          stored: true,
        },
      ]),
    reason,
    /more than 4194304 bytes/,
  );
  refuses(
    'one file over its limit',
    () => tarOf([{ path: 'a', content: randomBytes(5 * 1024 * 1024) }]),
    reason,
    /more than 4194304 bytes/,
  );
  refuses(
    'all files together over their limit',
    () => tarOf(['a', 'b', 'c'].map((path) => ({ path, content: Buffer.alloc(3 * 1024 * 1024) }))),
    reason,
    /more than 8388608 bytes/,
  );
  refuses(
    'too many files',
    () => tarOf(Array.from({ length: 101 }, (_, i) => ({ path: `f${i}` }))),
    reason,
    /more than 100 files/,
  );
  refuses(
    'too many files in a zip',
    () => zipOf(Array.from({ length: 101 }, (_, i) => ({ path: `f${i}` }))),
    reason,
    /more than 100 files/,
  );
  refuses(
    'too many folders',
    () => tarOf(Array.from({ length: 101 }, (_, i) => ({ path: `f${i}/`, type: '5' }))),
    reason,
    /more than 100 files/,
  );
  refuses(
    'a path that is too long',
    () =>
      tarOf([
        { path: 'x', type: 'L', content: 'a/'.repeat(600) },
        { path: 'x', content: 'x' },
      ]),
    reason,
    /longer than 1024 bytes/,
  );
  refuses(
    'an extended header that is too large',
    () => tarOf([{ path: 'x', type: 'x', content: paxRecord('comment', 'x'.repeat(100_000)) }, PAIR[0]!]),
    reason,
    /extended header/,
  );
  refuses(
    'extended headers without end',
    () =>
      tarOf([
        ...Array.from({ length: 20 }, () => ({ path: 'x', type: 'x', content: paxRecord('comment', 'x') })),
        PAIR[0]!,
      ]),
    reason,
    /extended header/,
  );
  refuses(
    'a size that a file does not have',
    () => Buffer.concat([tarHeader({ path: 'a' }, 0o77777777777), zeros.subarray(0, 10)]),
    'archive-damaged',
    /ends in the middle/,
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
