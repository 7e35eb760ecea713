/**
 * Tar, entry by entry: ustar, pax and GNU long names, and the older form without magic.
 *
 * Headers are understood by the `tar` package. Its parser is not used: it keeps everything behind the end mark in
 * memory and unpacks nested compression on its own, both unwelcome with bytes of strangers.
 */
import { Header, Pax } from 'tar';
import type { RawEntry } from './archive.js';
import { isTarHeader } from './format.js';
import { damaged, excessive, unrecognised, unsafe } from './limits.js';

const BLOCK = 512;
/** Bytes of one extended header. Real ones have some hundred. */
const MAX_EXTENSION_BYTES = 64 * 1024;
/** Extended headers in a row, without a file between them. */
const MAX_EXTENSIONS = 8;

export async function* readTar(chunks: AsyncIterable<Buffer>): AsyncGenerator<RawEntry> {
  const reader = new BlockReader(chunks);
  try {
    let local: Pax | undefined;
    let global: Pax | undefined;
    let longPath: string | undefined;
    let extensions = 0;
    let seen = false;
    for (;;) {
      const block = await reader.exactly(BLOCK, seen || extensions > 0 ? damaged : unrecognised);
      if (block === null || isZero(block)) {
        if (!seen && extensions === 0 && block === null) throw unrecognised();
        if (local !== undefined || longPath !== undefined) throw damaged('it ends behind an extended header');
        // The end mark. What follows is padding; it is read to be counted, so that it cannot hide a bomb.
        await reader.drain();
        return;
      }
      if (!isTarHeader(block)) {
        if (!seen && extensions === 0) throw unrecognised();
        throw damaged('the checksum of an entry is wrong');
      }
      const plain = new Header(block);
      const type = plain.type;
      if (type === 'ExtendedHeader' || type === 'OldExtendedHeader' || type === 'GlobalExtendedHeader') {
        const text = await extension(reader, plain.size ?? 0, ++extensions);
        if (type === 'GlobalExtendedHeader') global = Pax.parse(text, global, true);
        else local = Pax.parse(text, local, false);
        continue;
      }
      if (type === 'NextFileHasLongPath' || type === 'OldGnuLongPath') {
        longPath = (await extension(reader, plain.size ?? 0, ++extensions)).replace(/\0.*$/s, '');
        continue;
      }
      if (type === 'NextFileHasLongLinkpath')
        throw unsafe('it has a link; only files and folders are accepted');

      const header = new Header(block, 0, local, global);
      const path = longPath ?? header.path ?? '';
      const size = header.size ?? 0;
      if (!Number.isSafeInteger(size) || size < 0) throw damaged('the size of an entry makes no sense');
      local = undefined;
      longPath = undefined;
      extensions = 0;
      seen = true;
      const kind =
        type === 'Directory' || type === 'GNUDumpDir'
          ? 'folder'
          : type === 'File' || type === 'OldFile' || type === 'ContiguousFile'
            ? path.endsWith('/')
              ? 'folder'
              : 'file'
            : 'other';
      let left = size;
      const content = (async function* () {
        while (left > 0) {
          const chunk = await reader.some(left);
          if (chunk === null) throw damaged('it ends in the middle of a file');
          left -= chunk.length;
          yield chunk;
        }
      })();
      yield { path, kind, mode: (header.mode ?? 0o644) & 0o777, content };
      for await (const _ of content) {
        // Whatever was not wanted lies before the next header.
      }
      while (left > 0) {
        const chunk = await reader.some(left);
        if (chunk === null) throw damaged('it ends in the middle of a file');
        left -= chunk.length;
      }
      const padding = (BLOCK - (size % BLOCK)) % BLOCK;
      if (padding > 0 && (await reader.exactly(padding)) === null) {
        throw damaged('it ends in the middle of a file');
      }
    }
  } finally {
    await reader.close();
  }
}

async function extension(reader: BlockReader, size: number, count: number): Promise<string> {
  if (!Number.isSafeInteger(size) || size < 0) throw damaged('the size of an entry makes no sense');
  if (size > MAX_EXTENSION_BYTES || count > MAX_EXTENSIONS)
    throw excessive('an extended header is too large');
  const padded = await reader.exactly(size + ((BLOCK - (size % BLOCK)) % BLOCK));
  if (padded === null) throw damaged('it ends in the middle of an extended header');
  return padded.toString('utf8', 0, size);
}

function isZero(block: Buffer): boolean {
  for (const byte of block) if (byte !== 0) return false;
  return true;
}

/** Gives chunks out in the sizes one asks for. */
class BlockReader {
  private readonly chunks: AsyncIterator<Buffer>;
  private buffer: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.chunks = chunks[Symbol.asyncIterator]();
  }

  /** `size` bytes; null at a clean end; throws `shorter` when there are only some. */
  async exactly(size: number, shorter: (what: string) => Error = damaged): Promise<Buffer | null> {
    if (size === 0) return Buffer.alloc(0);
    if (this.buffer.length < size) {
      const parts = [this.buffer];
      let length = this.buffer.length;
      while (length < size) {
        const next = await this.chunks.next();
        if (next.done === true) {
          if (length === 0) return null;
          throw shorter('it ends too early');
        }
        parts.push(next.value);
        length += next.value.length;
      }
      this.buffer = Buffer.concat(parts, length);
    }
    const bytes = this.buffer.subarray(0, size);
    this.buffer = this.buffer.subarray(size);
    return bytes;
  }

  /** At least one byte and at most `most`; null at the end. */
  async some(most: number): Promise<Buffer | null> {
    while (this.buffer.length === 0) {
      const next = await this.chunks.next();
      if (next.done === true) return null;
      this.buffer = next.value;
    }
    const bytes = this.buffer.subarray(0, most);
    this.buffer = this.buffer.subarray(bytes.length);
    return bytes;
  }

  async drain(): Promise<void> {
    this.buffer = Buffer.alloc(0);
    while ((await this.chunks.next()).done !== true);
  }

  async close(): Promise<void> {
    await this.chunks.return?.();
  }
}
