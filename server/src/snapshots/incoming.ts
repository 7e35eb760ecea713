/** Takes the bytes of a snapshot in, from a request or from where a URL says. */
import type { Readable } from 'node:stream';
import { DomainError } from '../errors.js';
import type { Fetched } from '../net/safe-fetch.js';
import type { Archives, StoredArchive } from './archives.js';

/** A stream is not destroyed when it is refused: whoever it comes from may still want to answer on it. */
export type SnapshotSource =
  | { readonly kind: 'stream'; readonly stream: Readable }
  | { readonly kind: 'url'; readonly url: string };

export interface IncomingParts {
  readonly archives: Archives;
  readonly mostBytes: number;
  readonly fetch: (url: string, bounds: { maxBytes: number; timeoutMs: number }) => Promise<Fetched>;
}

const FETCH_TIMEOUT_MS = 60 * 60_000;

/** @throws DomainError `limit` (`archive-too-large`, `download-too-large`); `invalid` (`upload-broken-off`, `fetch-failed`, …) */
export async function takeIn(source: SnapshotSource, parts: IncomingParts): Promise<StoredArchive> {
  const { archives, mostBytes } = parts;
  if (source.kind === 'stream') return takeStream(source.stream, archives, mostBytes);
  const { stream } = await parts.fetch(source.url, { maxBytes: mostBytes, timeoutMs: FETCH_TIMEOUT_MS });
  try {
    return await archives.put(bounded(stream as AsyncIterable<Buffer>, mostBytes));
  } finally {
    stream.destroy();
  }
}

async function takeStream(stream: Readable, archives: Archives, most: number): Promise<StoredArchive> {
  const chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  try {
    return await archives.put(bounded(chunks, most));
  } catch (cause) {
    if (cause instanceof DomainError || !isBroken(stream)) throw cause;
    throw new DomainError('invalid', 'upload-broken-off', 'The upload broke off before its end', { cause });
  }
}

async function* bounded(source: AsyncIterable<Buffer>, most: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > most)
      throw new DomainError('limit', 'archive-too-large', `A snapshot may have at most ${most} bytes`);
    yield chunk;
  }
}

function isBroken(stream: Readable): boolean {
  return stream.errored !== null || (stream.destroyed && !stream.readableEnded);
}
