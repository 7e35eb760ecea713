/** Takes an archive in, from wherever it comes. */
import type { Readable } from 'node:stream';
import { DomainError } from '../errors.js';
import type { Fetched } from '../net/safe-fetch.js';
import type { ArchiveLimits } from './archive/limits.js';
import type { Blobs } from './blobs.js';
import { type Received, receive } from './unpack.js';

/** A stream is not destroyed when it is refused: whoever it comes from may still want to answer on it. */
export type ArchiveSource =
  | { readonly kind: 'stream'; readonly stream: Readable }
  | { readonly kind: 'url'; readonly url: string };

export interface ArchiveTaker {
  readonly blobs: Blobs;
  readonly limits: ArchiveLimits;
  /** `safeFetch` with the installation's allowlist. */
  readonly fetch: (url: string, bounds: { maxBytes: number; timeoutMs: number }) => Promise<Fetched>;
}

const ARCHIVE_TIMEOUT_MS = 15 * 60_000;

/**
 * @param answered called when a URL has answered, before its bytes are read
 * @throws DomainError `limit` (`archive-too-large`, `download-too-large`); `invalid` (`upload-broken-off`, `fetch-failed`,
 *   `address-not-allowed`, `url-invalid`)
 */
export async function takeArchive(
  source: ArchiveSource,
  { blobs, limits, fetch }: ArchiveTaker,
  answered: () => Promise<void> = async () => {},
): Promise<Received> {
  try {
    if (source.kind === 'stream') {
      return await receive(source.stream.iterator({ destroyOnReturn: false }), blobs, limits);
    }
    const { stream } = await fetch(source.url, {
      maxBytes: limits.archiveBytes,
      timeoutMs: ARCHIVE_TIMEOUT_MS,
    });
    try {
      await answered();
      return await receive(stream, blobs, limits);
    } finally {
      stream.destroy();
    }
  } catch (error) {
    if (source.kind === 'stream' && isBroken(source.stream) && !(error instanceof DomainError)) {
      throw new DomainError('invalid', 'upload-broken-off', 'The upload broke off before its end', {
        cause: error,
      });
    }
    throw error;
  }
}

function isBroken(stream: Readable): boolean {
  return stream.errored !== null || (stream.destroyed && !stream.readableEnded);
}
