import { randomBytes } from 'node:crypto';
import { describe } from 'node:test';
import { PAIR, refuses } from '../../../test/support/archive-reading.js';
import { gzip, paxRecord, tarHeader, tarOf, zipOf } from '../../../test/support/archives.js';

/** A tar with one file of three million zeros, packed with bzip2. */
const BOMB_BZ2 =
  'QlpoOTFBWSZTWZ+9oBgAYIvbgNoAQEBlAAAA4AAeAAAIIAB1CU1NqgM1D1ApUiNPQQ0fvedCUBY1CoCxj5z6ZzttUoAEIEdYyoJRBXMiUpDrEtjbivvLu95KAv4u5IpwoSE/e0Aw';

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
