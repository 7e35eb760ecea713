/** Which kind of archive some bytes are, told by the bytes alone. Pure. */
import type { ArchiveFormat } from './archive.js';

/** As much of the beginning as `detectFormat` wants to see. */
export const HEAD_BYTES = 512;

export function detectFormat(head: Buffer): ArchiveFormat | null {
  // Local file header, or the end record of an empty zip.
  if (startsWith(head, [0x50, 0x4b, 0x03, 0x04]) || startsWith(head, [0x50, 0x4b, 0x05, 0x06])) return 'zip';
  if (startsWith(head, [0x1f, 0x8b, 0x08])) return 'tar.gz';
  // "BZh", block size 1–9, then the magic of a block or of the end.
  if (
    startsWith(head, [0x42, 0x5a, 0x68]) &&
    head[3]! >= 0x31 &&
    head[3]! <= 0x39 &&
    (head.subarray(4, 10).equals(BZIP2_BLOCK) || head.subarray(4, 10).equals(BZIP2_END))
  ) {
    return 'tar.bz2';
  }
  return isTarHeader(head) ? 'tar' : null;
}

/** Tar has a magic word only since 1988; the checksum over its header is older and stricter. */
export function isTarHeader(block: Buffer): boolean {
  if (block.length < 512) return false;
  const written = Number.parseInt(block.toString('latin1', 148, 156).replace(/[\0 ]+$/, ''), 8);
  let sum = 8 * 0x20;
  for (let i = 0; i < 512; i += 1) if (i < 148 || i >= 156) sum += block[i]!;
  return written === sum && sum !== 8 * 0x20;
}

const BZIP2_BLOCK = Buffer.from('314159265359', 'hex');
const BZIP2_END = Buffer.from('177245385090', 'hex');

function startsWith(head: Buffer, magic: readonly number[]): boolean {
  return head.length >= magic.length && magic.every((byte, index) => head[index] === byte);
}
