/** Zip, entry by entry, in the order of its directory. Understood by `yauzl`; what comes out is counted by the caller. */
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { type Entry, fromRandomAccessReader, RandomAccessReader, type ZipFile } from 'yauzl';
import { DomainError } from '../../errors.js';
import type { ArchiveBytes, RawEntry } from './archive.js';
import { type ArchiveLimits, damaged, excessive, shown, unsafe } from './limits.js';

const KIND_BITS = 0o170000;
const FILE = 0o100000;
const FOLDER = 0o040000;
/** "Version made by" systems whose upper attribute half is a Unix mode. */
const UNIX_HOSTS = new Set([3, 19]);

export async function* readZip(bytes: ArchiveBytes, limits: ArchiveLimits): AsyncGenerator<RawEntry> {
  const zip = await open(bytes);
  try {
    if (zip.entryCount > limits.entries) {
      throw excessive(`it has more than ${limits.entries} files and folders`);
    }
    const extents: [start: number, end: number][] = [];
    for (let entry = await next(zip); entry !== null; entry = await next(zip)) {
      const described = describe(entry);
      const start = entry.relativeOffsetOfLocalHeader;
      extents.push([start, start + 30 + entry.fileNameLength + entry.compressedSize]);
      yield { ...described, content: content(zip, entry) };
    }
    // Files that share their bytes are the trick behind the densest bombs; no honest tool writes them.
    extents.sort((a, b) => a[0] - b[0]);
    for (const [index, extent] of extents.entries()) {
      if (index > 0 && extent[0] < extents[index - 1]![1]) throw unsafe('files in it overlap each other');
    }
  } finally {
    zip.close();
  }
}

function describe(entry: Entry): Pick<RawEntry, 'path' | 'kind' | 'mode'> {
  const unix = UNIX_HOSTS.has(entry.versionMadeBy >>> 8);
  const attributes = unix ? entry.externalFileAttributes >>> 16 : 0;
  const kindBits = attributes & KIND_BITS;
  const path = entry.fileName;
  if (entry.isEncrypted()) throw unsafe('it is encrypted');
  const kind =
    kindBits !== 0 && kindBits !== FILE && kindBits !== FOLDER
      ? 'other'
      : path.endsWith('/') || kindBits === FOLDER
        ? 'folder'
        : 'file';
  return { path, kind, mode: attributes === 0 ? 0o644 : attributes & 0o777 };
}

async function* content(zip: ZipFile, entry: Entry): AsyncGenerator<Buffer> {
  const stream = await new Promise<Readable>((resolve, reject) => {
    zip.openReadStream(entry, (error, opened) => (error ? reject(asDamaged(error)) : resolve(opened)));
  });
  let checksum = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      checksum = crc32(chunk, checksum);
      yield chunk;
    }
    if (checksum !== entry.crc32) throw damaged(`the checksum of "${shown(entry.fileName)}" is wrong`);
  } catch (error) {
    throw asDamaged(error);
  } finally {
    stream.destroy();
  }
}

function open(bytes: ArchiveBytes): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    fromRandomAccessReader(
      new Ranges(bytes),
      bytes.size,
      { lazyEntries: true, autoClose: false, strictFileNames: true },
      (error, zip) => (error ? reject(asDamaged(error)) : resolve(zip)),
    );
  });
}

function next(zip: ZipFile): Promise<Entry | null> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      zip.off('entry', onEntry);
      zip.off('end', onEnd);
      zip.off('error', onError);
    };
    const onEntry = (entry: Entry) => {
      settle();
      resolve(entry);
    };
    const onEnd = () => {
      settle();
      resolve(null);
    };
    const onError = (error: Error) => {
      settle();
      reject(asDamaged(error));
    };
    zip.on('entry', onEntry);
    zip.on('end', onEnd);
    zip.on('error', onError);
    zip.readEntry();
  });
}

/** yauzl throws plain errors for all that is wrong with a zip. What our own source threw passes through. */
function asDamaged(error: unknown): unknown {
  if (error instanceof SourceTrouble) return error.cause;
  if (error instanceof DomainError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (/^(absolute path|invalid relative path|invalid characters in fileName)/i.test(message))
    return unsafe(message);
  return damaged('the zip cannot be read', error);
}

class SourceTrouble extends Error {}

class Ranges extends RandomAccessReader {
  constructor(private readonly bytes: ArchiveBytes) {
    super();
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const { bytes } = this;
    const chunks = (async function* () {
      try {
        yield* bytes.range(start, end);
      } catch (error) {
        throw new SourceTrouble('source', { cause: error });
      }
    })();
    return Readable.from(chunks, { objectMode: false });
  }

  /** Headers are read in many small pieces; a stream for each would cost more than the piece. */
  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    const copy = async () => {
      let at = offset;
      for await (const chunk of this.bytes.range(position, position + length)) at += chunk.copy(buffer, at);
      if (at !== offset + length) throw damaged('it ends too early');
    };
    copy().then(
      () => callback(null),
      (cause: unknown) => callback(new SourceTrouble('source', { cause })),
    );
  }
}
