/**
 * Bytes of snapshots, in PostgreSQL as all other bytes, but apart from them: restoring replaces those and must not touch
 * the snapshot that it reads (decision 13). Those of log bundles are here too, for they outlive a restoring as well.
 *
 * Written a megabyte at a time, each write a transaction of its own; memory does not grow with the size, neither in nor out.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ArchiveBytes } from '../catalog/archive/archive.js';
import type { Client, Pool } from '../store/pool.js';
import {
  CHUNK_BYTES,
  deleteAbandoned,
  deleteArchive,
  finishArchive,
  insertArchive,
  insertPieces,
  selectPieces,
} from './archives.store.js';

export interface StoredArchive {
  readonly uid: number;
  readonly size: number;
  readonly sha256: Buffer;
}

const WRITE_BYTES = 4 * CHUNK_BYTES;
const READ_PIECES = 4;

export class Archives {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Stores what comes. When `chunks` throws or `signal` is aborted, nothing is left behind and the error goes on to the caller. */
  async put(chunks: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<StoredArchive> {
    const { uid } = (await insertArchive.one(this.#pool))!;
    const hash = createHash('sha256');
    let parts: Buffer[] = [];
    let waiting = 0;
    let size = 0;
    let pieces = 0;
    const write = async (bytes: Buffer) => {
      await insertPieces.run(this.#pool, [uid, pieces, bytes]);
      pieces += Math.ceil(bytes.length / CHUNK_BYTES);
    };
    try {
      for await (const chunk of chunks) {
        signal?.throwIfAborted();
        hash.update(chunk);
        size += chunk.length;
        parts.push(chunk);
        waiting += chunk.length;
        if (waiting < WRITE_BYTES) continue;
        const bytes = Buffer.concat(parts, waiting);
        const whole = waiting - (waiting % CHUNK_BYTES);
        await write(bytes.subarray(0, whole));
        parts = [bytes.subarray(whole)];
        waiting -= whole;
      }
      if (waiting > 0) await write(Buffer.concat(parts, waiting));
      const sha256 = hash.digest();
      await finishArchive.run(this.#pool, [uid, size, sha256]);
      return { uid, size, sha256 };
    } catch (error) {
      // Where this fails too, it is swept.
      await deleteArchive.run(this.#pool, [uid]).catch(() => {});
      throw error;
    }
  }

  /** What was put and turned out not to be wanted. Where this fails, it is swept. */
  async discard(uid: number): Promise<void> {
    await deleteArchive.run(this.#pool, [uid]).catch(() => {});
  }

  /** Together with what referred to it. */
  async drop(client: Client, uid: number): Promise<void> {
    await deleteArchive.run(client, [uid]);
  }

  stream(archive: { readonly uid: number; readonly size: number }): Readable {
    return Readable.from(this.#range(archive, 0, archive.size), {
      objectMode: false,
      highWaterMark: CHUNK_BYTES,
    });
  }

  /** For reading here and there, and a long way from there. */
  bytes(archive: { readonly uid: number; readonly size: number }): ArchiveBytes {
    return { size: archive.size, range: (start, end) => this.#range(archive, start, end) };
  }

  /** Removes what was begun and never finished. Periodic work; any number of processes may do it at once. */
  async sweep(): Promise<number> {
    return deleteAbandoned.run(this.#pool);
  }

  async *#range(
    { uid, size }: { readonly uid: number; readonly size: number },
    start: number,
    end: number,
  ): AsyncGenerator<Buffer> {
    const stop = Math.min(end, size);
    for (let at = start; at < stop; ) {
      const first = Math.floor(at / CHUNK_BYTES);
      const last = Math.floor((stop - 1) / CHUNK_BYTES);
      const rows = await selectPieces.all(this.#pool, [uid, first, Math.min(READ_PIECES, last - first + 1)]);
      if (rows.length === 0) throw new Error(`snapshot archive ${uid} lacks piece ${first}`);
      for (const [index, { data }] of rows.entries()) {
        const base = (first + index) * CHUNK_BYTES;
        const piece = data.subarray(at - base, stop - base);
        at += piece.length;
        if (piece.length > 0) yield piece;
      }
    }
  }
}
