/**
 * Reading an archive that somebody sent, without trusting a byte of it.
 *
 * What always holds: the kind is told by content, never by name; the limits are kept while reading, by counting what
 * really comes out, whatever the headers claim; memory does not grow with the archive, beyond one list of paths;
 * nothing but plain files reaches `onFile`, each under a relative, normal path that comes once. Nothing is written to
 * a disk, so an escape has nowhere to go; paths are still refused, because others will unpack what we hand on.
 */
import type { ArchiveBytes, ArchiveFile, ArchiveFormat } from './archive.js';
import { bunzip2 } from './bunzip2.js';
import { EntryPaths } from './entry-paths.js';
import { detectFormat, HEAD_BYTES } from './format.js';
import { gunzip } from './gunzip.js';
import { type ArchiveLimits, excessive, shown, unrecognised, unsafe } from './limits.js';
import { readTar } from './tar.js';
import { readZip } from './zip.js';

/**
 * Calls `onFile` for each file, one after the other, in the order of the archive.
 *
 * @throws DomainError `invalid` with reason `archive-unrecognised`, `archive-damaged`, `archive-unsafe` or `archive-excessive`
 */
export async function readArchive(
  bytes: ArchiveBytes,
  limits: ArchiveLimits,
  onFile: (file: ArchiveFile) => Promise<void>,
): Promise<{ readonly format: ArchiveFormat }> {
  const head: Buffer[] = [];
  for await (const chunk of bytes.range(0, Math.min(bytes.size, HEAD_BYTES))) head.push(chunk);
  const format = detectFormat(Buffer.concat(head));
  if (format === null) throw unrecognised();

  const meter = new Meter(bytes.size, limits);
  const paths = new EntryPaths(limits);
  const whole = bytes.range(0, bytes.size);
  const entries =
    format === 'zip'
      ? readZip(bytes, limits)
      : format === 'tar'
        ? readTar(meter.all(whole))
        : readTar(meter.all(format === 'tar.gz' ? gunzip(whole) : bunzip2(whole)));
  for await (const entry of entries) {
    if (entry.kind === 'other') {
      throw unsafe(`"${shown(entry.path)}" is a link or a device; only files and folders are accepted`);
    }
    const path = paths.add(entry.path, entry.kind);
    if (entry.kind === 'folder' || path === null) continue;
    const content = meter.entry(path, format === 'zip' ? meter.all(entry.content) : entry.content);
    await onFile({ path, mode: entry.mode, content });
    for await (const _ of content) {
      // Read what the visitor left, so that it is counted too.
    }
  }
  return { format };
}

class Meter {
  private total = 0;
  private readonly most: number;
  constructor(
    sent: number,
    private readonly limits: ArchiveLimits,
  ) {
    this.most = Math.min(limits.expandedBytes, Math.max(limits.ratioFloorBytes, sent * limits.ratio));
  }

  /** Counts towards the whole archive. */
  async *all(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.total += chunk.length;
      if (this.total > this.most) {
        throw excessive(
          this.most < this.limits.expandedBytes
            ? `it expands to more than ${this.limits.ratio} times its size`
            : `it expands to more than ${this.limits.expandedBytes} bytes`,
        );
      }
      yield chunk;
    }
  }

  async *entry(path: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let size = 0;
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > this.limits.entryBytes) {
        throw excessive(`"${shown(path)}" has more than ${this.limits.entryBytes} bytes`);
      }
      yield chunk;
    }
  }
}
