/**
 * Writes a zip as a stream: entries of any size, of which nothing is known before they come.
 *
 * What is behind an entry's bytes says how many they were (a data descriptor), and the directory at the end says it again;
 * sizes have 64 bits throughout. Memory does not grow with the archive but for one line of the directory per entry.
 */
import { pipeline, Readable } from 'node:stream';
import { crc32, createDeflateRaw } from 'node:zlib';

/** Level of compression: tables are mostly the same words again, and the fastest level finds them. */
const LEVEL = 3;
const MOST_32 = 0xffffffff;
const VERSION = 45;
/** Sizes follow the bytes; names are UTF-8. */
const FLAGS = 0x0808;
const FILE_MODE = 0o100600;
/** The first of January 1980, which is as far back as a zip remembers: an archive says itself when it was made. */
const DATE = 0x21;

interface Written {
  readonly name: Buffer;
  readonly offset: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
}

export class ZipWriter {
  readonly #entries: Written[] = [];
  #offset = 0;

  /** The bytes of one entry, with what stands before and behind them. */
  async *entry(
    path: string,
    content: AsyncIterable<Buffer>,
    { stored = false }: { readonly stored?: boolean } = {},
  ): AsyncGenerator<Buffer> {
    const name = Buffer.from(path);
    const method = stored ? 0 : 8;
    const offset = this.#offset;
    yield this.#counted(localHeader(name, method));
    let crc = 0;
    let size = 0;
    let packed = 0;
    const measured = (async function* () {
      for await (const chunk of content) {
        crc = crc32(chunk, crc);
        size += chunk.length;
        yield chunk;
      }
    })();
    for await (const chunk of stored ? measured : deflated(measured)) {
      packed += chunk.length;
      yield this.#counted(chunk);
    }
    yield this.#counted(descriptor(crc, packed, size));
    this.#entries.push({ name, offset, method, crc, packed, size });
  }

  /** The directory; nothing may follow. */
  *end(): Generator<Buffer> {
    const start = this.#offset;
    for (const entry of this.#entries) yield this.#counted(centralHeader(entry));
    const length = this.#offset - start;
    yield endOfDirectory(this.#entries.length, start, length);
  }

  #counted(bytes: Buffer): Buffer {
    this.#offset += bytes.length;
    return bytes;
  }
}

/** Ends its source when it is itself ended early, and fails as its source does. */
async function* deflated(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const deflate = createDeflateRaw({ level: LEVEL });
  // Errors come out of the stream that is read.
  pipeline(Readable.from(source, { objectMode: false }), deflate, () => {});
  yield* deflate as AsyncIterable<Buffer>;
}

function localHeader(name: Buffer, method: number): Buffer {
  const header = Buffer.alloc(30 + 20);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(FLAGS, 6);
  header.writeUInt16LE(method, 8);
  header.writeUInt16LE(DATE, 12);
  header.writeUInt32LE(MOST_32, 18);
  header.writeUInt32LE(MOST_32, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(20, 28);
  // Says that the sizes behind the bytes have 64 bits.
  header.writeUInt16LE(1, 30);
  header.writeUInt16LE(16, 32);
  return Buffer.concat([header.subarray(0, 30), name, header.subarray(30)]);
}

function descriptor(crc: number, packed: number, size: number): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(crc, 4);
  bytes.writeBigUInt64LE(BigInt(packed), 8);
  bytes.writeBigUInt64LE(BigInt(size), 16);
  return bytes;
}

function centralHeader({ name, offset, method, crc, packed, size }: Written): Buffer {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE((3 << 8) | VERSION, 4);
  header.writeUInt16LE(VERSION, 6);
  header.writeUInt16LE(FLAGS, 8);
  header.writeUInt16LE(method, 10);
  header.writeUInt16LE(DATE, 14);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(MOST_32, 20);
  header.writeUInt32LE(MOST_32, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(28, 30);
  header.writeUInt32LE((FILE_MODE * 0x10000) >>> 0, 38);
  header.writeUInt32LE(MOST_32, 42);
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  extra.writeBigUInt64LE(BigInt(size), 4);
  extra.writeBigUInt64LE(BigInt(packed), 12);
  extra.writeBigUInt64LE(BigInt(offset), 20);
  return Buffer.concat([header, name, extra]);
}

function endOfDirectory(entries: number, start: number, length: number): Buffer {
  const bytes = Buffer.alloc(56 + 20 + 22);
  bytes.writeUInt32LE(0x06064b50, 0);
  bytes.writeBigUInt64LE(44n, 4);
  bytes.writeUInt16LE((3 << 8) | VERSION, 12);
  bytes.writeUInt16LE(VERSION, 14);
  bytes.writeBigUInt64LE(BigInt(entries), 24);
  bytes.writeBigUInt64LE(BigInt(entries), 32);
  bytes.writeBigUInt64LE(BigInt(length), 40);
  bytes.writeBigUInt64LE(BigInt(start), 48);
  bytes.writeUInt32LE(0x07064b50, 56);
  bytes.writeBigUInt64LE(BigInt(start + length), 64);
  bytes.writeUInt32LE(1, 72);
  bytes.writeUInt32LE(0x06054b50, 76);
  bytes.writeUInt16LE(0xffff, 84);
  bytes.writeUInt16LE(0xffff, 86);
  bytes.writeUInt32LE(MOST_32, 88);
  bytes.writeUInt32LE(MOST_32, 92);
  return bytes;
}
