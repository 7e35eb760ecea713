/**
 * Bytes, kept in PostgreSQL (decision 0004): immutable, found by their SHA-256, stored once however often they come.
 *
 * What always holds: a blob that can be found is whole; memory does not grow with its size, neither in nor out; no
 * transaction and no connection is held while a slow peer sends or receives; nothing is swept while something
 * refers to it (a foreign key says so), nor within six hours after it was stored, stored again, or let go.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { BlobUid } from '../ids.js';
import type { Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import {
  CHUNK_BYTES,
  deleteBlob,
  deleteUnreferenced,
  finish,
  hold,
  insertChunks,
  insertUnfinished,
  selectChunks,
  upsertWhole,
} from './blobs.store.js';

export interface StoredBlob {
  readonly uid: BlobUid;
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** What goes to the store in one statement, at most; also the size up to which contents may be put in groups. */
export const WRITE_BYTES = 4 * CHUNK_BYTES;
const READ_CHUNKS = 4;
/** Kept by a `BlobReader` that jumps about: 2 MB. */
const CACHED_CHUNKS = 8;

export class Blobs {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Stores what comes. When `chunks` throws, nothing is left behind and its error goes on to the caller.
   * A process that dies on the way leaves an unfinished blob, which is swept.
   */
  async put(chunks: AsyncIterable<Buffer>): Promise<StoredBlob> {
    const hash = createHash('sha256');
    const upload = new Upload(this.#pool);
    let parts: Buffer[] = [];
    let waiting = 0;
    let size = 0;
    try {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.length;
        parts.push(chunk);
        waiting += chunk.length;
        if (waiting <= WRITE_BYTES) continue;
        const bytes = Buffer.concat(parts, waiting);
        const whole = waiting - (waiting % CHUNK_BYTES);
        await upload.write(bytes.subarray(0, whole));
        parts = [bytes.subarray(whole)];
        waiting -= whole;
      }
      if (!upload.begun) return (await this.putAll([Buffer.concat(parts, waiting)]))[0]!;
      if (waiting > 0) await upload.write(Buffer.concat(parts, waiting));
      const digest = hash.digest();
      return { uid: await upload.finish(digest, size), size, sha256: digest.toString('hex') };
    } catch (error) {
      await upload.discard();
      throw error;
    }
  }

  /** Stores several contents in one statement. All of them together should not exceed some megabytes. */
  async putAll(contents: readonly Buffer[], db: Queryable = this.#pool): Promise<StoredBlob[]> {
    const digests = contents.map((content) => createHash('sha256').update(content).digest('hex'));
    const starts = new Map<string, { start: number; size: number }>();
    const parts: Buffer[] = [];
    let start = 0;
    for (const [index, content] of contents.entries()) {
      if (starts.has(digests[index]!)) continue;
      starts.set(digests[index]!, { start, size: content.length });
      parts.push(content);
      start += content.length;
    }
    const places = [...starts.values()];
    const rows = await upsertWhole.all(db, [
      [...starts.keys()],
      places.map((place) => place.start),
      places.map((place) => place.size),
      Buffer.concat(parts, start),
    ]);
    const uids = new Map(rows.map((row) => [row.digest, row.uid]));
    return contents.map((content, index) => ({
      uid: uids.get(digests[index]!)!,
      size: content.length,
      sha256: digests[index]!,
    }));
  }

  /** The whole, from first to last byte. Errors when the blob was swept meanwhile: never short in silence. */
  stream(blob: { readonly uid: BlobUid; readonly size: number }): Readable {
    return Readable.from(this.#chunks(blob), { objectMode: false, highWaterMark: CHUNK_BYTES });
  }

  /** For reading here and there. */
  reader(blob: { readonly uid: BlobUid; readonly size: number }): BlobReader {
    return new BlobReader(this.#pool, blob);
  }

  /**
   * Removes what nothing refers to. Periodic work; any number of processes may do it at once.
   *
   * @returns how many blobs were removed
   */
  async sweep(): Promise<number> {
    let removed = 0;
    for (;;) {
      const now = await deleteUnreferenced.run(this.#pool);
      removed += now;
      if (now === 0) return removed;
    }
  }

  async *#chunks(blob: { readonly uid: BlobUid; readonly size: number }): AsyncGenerator<Buffer> {
    let sent = 0;
    for (let n = 0; sent < blob.size; n += READ_CHUNKS) {
      const rows = await selectChunks.all(this.#pool, [blob.uid, n, READ_CHUNKS]);
      if (rows.length === 0) throw new Error(`blob ${blob.uid} lacks chunk ${n}`);
      for (const { data } of rows) {
        sent += data.length;
        yield data;
      }
    }
  }
}

/** An upload under way: at most one write is in flight while the next bytes come in. */
class Upload {
  readonly #pool: Pool;
  #uid: BlobUid | null = null;
  #chunks = 0;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  get begun(): boolean {
    return this.#uid !== null;
  }

  async write(bytes: Buffer): Promise<void> {
    this.#uid ??= (await insertUnfinished.one(this.#pool))!.uid;
    await this.#writing;
    this.#writing = insertChunks.run(this.#pool, [this.#uid, this.#chunks, bytes]);
    // Met by whoever awaits it next; until then it must not count as unhandled.
    this.#writing.catch(() => {});
    this.#chunks += Math.ceil(bytes.length / CHUNK_BYTES);
  }

  async finish(digest: Buffer, size: number): Promise<BlobUid> {
    await this.#writing;
    for (;;) {
      const same = await hold.one(this.#pool, [digest]);
      if (same !== null) {
        await this.discard();
        return same.uid;
      }
      try {
        await finish.run(this.#pool, [this.#uid, digest, size]);
        return this.#uid!;
      } catch (error) {
        // Somebody finished the same bytes in between: theirs will do.
        if ((error as { code?: string }).code !== '23505') throw error;
      }
    }
  }

  /** Best effort: what stays behind is swept. */
  async discard(): Promise<void> {
    await this.#writing.catch(() => {});
    if (this.#uid !== null) await deleteBlob.run(this.#pool, [this.#uid]).catch(() => {});
  }
}

/** Reads any part of a blob; remembers the chunks it used last. */
export class BlobReader {
  readonly size: number;
  readonly #pool: Pool;
  readonly #uid: BlobUid;
  readonly #cache = new Map<number, Buffer>();

  constructor(pool: Pool, blob: { readonly uid: BlobUid; readonly size: number }) {
    this.#pool = pool;
    this.#uid = blob.uid;
    this.size = blob.size;
  }

  /** From `start` to before `end`. */
  async *range(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < Math.min(end, this.size); ) {
      const n = Math.floor(at / CHUNK_BYTES);
      const chunk = await this.#chunk(n);
      const piece = chunk.subarray(at - n * CHUNK_BYTES, end - n * CHUNK_BYTES);
      at += piece.length;
      yield piece;
    }
  }

  async #chunk(n: number): Promise<Buffer> {
    const cached = this.#cache.get(n);
    if (cached !== undefined) {
      this.#cache.delete(n);
      this.#cache.set(n, cached);
      return cached;
    }
    const row = await selectChunks.one(this.#pool, [this.#uid, n, 1]);
    if (row === null) throw new Error(`blob ${this.#uid} lacks chunk ${n}`);
    this.#cache.set(n, row.data);
    if (this.#cache.size > CACHED_CHUNKS) {
      for (const oldest of this.#cache.keys()) {
        this.#cache.delete(oldest);
        break;
      }
    }
    return row.data;
  }
}
