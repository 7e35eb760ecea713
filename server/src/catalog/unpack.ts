/**
 * From a stream of bytes to what a blueprint consists of: its archive, its files, and the texts its compiler wants.
 *
 * A small archive stays in memory and goes to the store at the very end, together with its files; a large one goes to
 * the store while it comes in, and is read back from there (a zip must be read from its end). Memory is bounded either
 * way: one write's worth of archive, one of files, and `TEXT_BYTES` of texts.
 */
import { DomainError } from '../errors.js';
import type { ArchiveBytes, ArchiveFile, ArchiveFormat } from './archive/archive.js';
import { blueprintFolder, isClutter } from './archive/layout.js';
import { type ArchiveLimits, archiveTooLarge } from './archive/limits.js';
import { readArchive } from './archive/read-archive.js';
import { type Blobs, type StoredBlob, WRITE_BYTES } from './blobs.js';
import type { StoredFile } from './blueprints.store.js';

/** Contents up to this size are stored in groups. */
const SMALL_FILE_BYTES = 256 * 1024;
/** Texts kept for the compiler, all together. */
const TEXT_BYTES = 32 * 1024 * 1024;

export interface Received {
  readonly bytes: ArchiveBytes;
  /** Where the archive is stored; null while it is only in memory. */
  readonly blob: StoredBlob | null;
  readonly whole: Buffer | null;
}

/** Takes an archive in. @throws DomainError `limit` (`archive-too-large`), and whatever the stream throws */
export async function receive(
  source: AsyncIterable<Buffer>,
  blobs: Blobs,
  limits: ArchiveLimits,
): Promise<Received> {
  const chunks = bounded(source, limits.archiveBytes)[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let size = 0;
  let ended = false;
  try {
    while (!ended && size <= WRITE_BYTES) {
      const next = await chunks.next();
      if (next.done === true) ended = true;
      else {
        head.push(next.value);
        size += next.value.length;
      }
    }
    if (ended) {
      const whole = Buffer.concat(head, size);
      return { bytes: inMemory(whole), blob: null, whole };
    }
    const all = (async function* () {
      yield* head.splice(0);
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
    })();
    const blob = await blobs.put(all);
    return { bytes: blobs.reader(blob), blob, whole: null };
  } finally {
    await chunks.return?.(undefined);
  }
}

async function* bounded(source: AsyncIterable<Buffer>, most: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > most) throw archiveTooLarge(most);
    yield chunk;
  }
}

function inMemory(whole: Buffer): ArchiveBytes {
  return {
    size: whole.length,
    async *range(start, end) {
      yield whole.subarray(start, end);
    },
  };
}

export interface Unpacked {
  readonly format: ArchiveFormat;
  /** In the archive, the folder of the main file: `''` or a name with `/`. */
  readonly folder: string;
  /** Relative to `folder`. */
  readonly paths: ReadonlySet<string>;
  /** Texts the compiler may want, by path relative to `folder`. Not all of them: see `readTexts`. */
  readonly texts: Map<string, string>;
}

/**
 * Reads an archive once.
 *
 * @param sink where the files go; null: nowhere, the blueprint is only looked at
 * @throws DomainError `invalid` with a reason `archive-…`
 */
export async function unpack(
  bytes: ArchiveBytes,
  mainFile: string,
  limits: ArchiveLimits,
  sink: FileSink | null,
): Promise<Unpacked> {
  const paths: string[] = [];
  const texts = new Map<string, string>();
  let room = TEXT_BYTES;
  const { format } = await readArchive(bytes, limits, async (file) => {
    if (isClutter(file.path)) return;
    paths.push(file.path);
    const isText =
      /\.ya?ml$/i.test(file.path) || file.path === mainFile || file.path.endsWith(`/${mainFile}`);
    const { content, taken } = isText ? tapped(file.content, room) : { content: file.content, taken: null };
    await sink?.take({ ...file, content });
    for await (const _ of content) {
      // Without a sink nobody else reads it.
    }
    const text = taken?.();
    if (text !== undefined && text !== null) {
      room -= text.length;
      texts.set(file.path, decode(text));
    }
  });
  const folder = blueprintFolder(paths, mainFile);
  const inside = <T>(entries: Iterable<readonly [string, T]>) =>
    [...entries].flatMap(([path, value]) =>
      path.startsWith(folder) ? [[path.slice(folder.length), value] as const] : [],
    );
  return {
    format,
    folder,
    paths: new Set(inside(paths.map((path) => [path, null] as const)).map(([path]) => path)),
    texts: new Map(inside(texts)),
  };
}

/** Texts that `unpack` did not keep, because nothing in their name says that they are ones. Reads the archive again. */
export async function readTexts(
  bytes: ArchiveBytes,
  folder: string,
  wanted: ReadonlySet<string>,
  limits: ArchiveLimits,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  let room = TEXT_BYTES;
  await readArchive(bytes, limits, async (file) => {
    const path = file.path.startsWith(folder) ? file.path.slice(folder.length) : null;
    if (path === null || !wanted.has(path)) return;
    const { content, taken } = tapped(file.content, room);
    for await (const _ of content) {
      // Only for what is tapped.
    }
    const text = taken();
    if (text === null) {
      throw new DomainError(
        'invalid',
        'archive-excessive',
        `The archive is refused: the files that the blueprint imports have more than ${TEXT_BYTES} bytes`,
      );
    }
    room -= text.length;
    texts.set(path, decode(text));
  });
  return texts;
}

function decode(text: Buffer): string {
  return new TextDecoder('utf-8').decode(text);
}

/** Passes content on and keeps a copy of it; `taken` is null when it was larger than `most`. */
function tapped(source: AsyncIterable<Buffer>, most: number) {
  let parts: Buffer[] | null = [];
  let size = 0;
  const content = (async function* () {
    for await (const chunk of source) {
      size += chunk.length;
      if (size > most) parts = null;
      parts?.push(chunk);
      yield chunk;
    }
  })();
  return { content, taken: () => (parts === null ? null : Buffer.concat(parts, size)) };
}

/** Puts files into the store: small ones in groups, large ones as streams. */
export class FileSink {
  readonly #blobs: Blobs;
  readonly #files: StoredFile[] = [];
  #waiting: { path: string; mode: number; content: Buffer }[] = [];
  #waitingBytes = 0;

  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  async take(file: ArchiveFile): Promise<void> {
    const chunks = file.content[Symbol.asyncIterator]();
    const head: Buffer[] = [];
    let size = 0;
    while (size <= SMALL_FILE_BYTES) {
      const next = await chunks.next();
      if (next.done === true) {
        await this.#keep(file, Buffer.concat(head, size));
        return;
      }
      head.push(next.value);
      size += next.value.length;
    }
    const all = (async function* () {
      yield* head.splice(0);
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
    })();
    const blob = await this.#blobs.put(all);
    this.#files.push({ path: file.path, mode: file.mode, size: blob.size, blob: blob.uid });
  }

  /**
   * Stores what still waits, and the archive along with it when that is only in memory.
   *
   * @returns all files below `folder`, their paths relative to it, and the archive's blob
   */
  async finish(folder: string, archive: Received): Promise<{ files: StoredFile[]; archive: StoredBlob }> {
    const [last] = archive.whole === null ? [] : await this.#flush(archive.whole);
    if (archive.whole === null) await this.#flush(null);
    const files = this.#files
      .filter((file) => file.path.startsWith(folder))
      .map((file) => ({ ...file, path: file.path.slice(folder.length) }));
    return { files, archive: archive.blob ?? last! };
  }

  async #keep(file: ArchiveFile, content: Buffer): Promise<void> {
    this.#waiting.push({ path: file.path, mode: file.mode, content });
    this.#waitingBytes += content.length;
    if (this.#waitingBytes >= WRITE_BYTES) await this.#flush(null);
  }

  async #flush(extra: Buffer | null): Promise<StoredBlob[]> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const contents = waiting.map((file) => file.content);
    if (extra !== null) contents.push(extra);
    if (contents.length === 0) return [];
    const stored = await this.#blobs.putAll(contents);
    for (const [index, { path, mode }] of waiting.entries()) {
      this.#files.push({ path, mode, size: stored[index]!.size, blob: stored[index]!.uid });
    }
    return stored.slice(waiting.length);
  }
}
