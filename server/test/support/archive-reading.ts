/** Reads archives in tests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArchiveBytes } from '../../src/catalog/archive/archive.js';
import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS } from '../../src/catalog/archive/limits.js';
import { readArchive } from '../../src/catalog/archive/read-archive.js';

/** A blueprint and a script. */
export const PAIR = [
  { path: 'app/blueprint.yaml', content: 'a: 1\n' },
  { path: 'app/scripts/run.sh', content: '#!/bin/sh\n', mode: 0o755 },
];
/** The tar of `PAIR`, packed with bzip2. */
export const PAIR_BZ2 =
  'QlpoOTFBWSZTWeHpjvcAAFbdgMsQaAH/kAABemdeIAjIIACKhKKanqbQQ09Rpk0yPSabaoJU0mgANAAAA9ZWgyQVFeCJEkL2qCsjwqKREUCNjjx13lt3+9Iy0kBUQgKMxYUiAxg2dgjqCIrJq0vyzfNVCO82vJF7KbexqLXsZDhnUDmrsWawNORTPmxCsUfi7kinChIcPTHe4A==';

export const SMALL: ArchiveLimits = {
  ...DEFAULT_ARCHIVE_LIMITS,
  expandedBytes: 8 * 1024 * 1024,
  ratioFloorBytes: 1024 * 1024,
  entries: 100,
  entryBytes: 4 * 1024 * 1024,
};

/** In pieces, as they come over a line. */
export function bytesIn(buffer: Buffer, piece = 1000): ArchiveBytes {
  return {
    size: buffer.length,
    async *range(start, end) {
      for (let at = start; at < end; at += piece) yield buffer.subarray(at, Math.min(at + piece, end));
    },
  };
}

/** All files with their texts and modes. */
export async function filesIn(archive: Buffer, limits = SMALL) {
  const files: Record<string, string> = {};
  const modes: Record<string, number> = {};
  const { format } = await readArchive(bytesIn(archive), limits, async ({ path, content, mode }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    files[path] = Buffer.concat(chunks).toString();
    modes[path] = mode;
  });
  return { format, files, modes };
}

/** A test that this archive is refused so. */
export function refuses(
  title: string,
  archive: () => Buffer,
  reason: string,
  message: RegExp,
  limits = SMALL,
) {
  test(title, async () => {
    await assert.rejects(filesIn(archive(), limits), (error: Error & { kind?: string; reason?: string }) => {
      assert.equal(error.reason, reason, error.stack);
      assert.equal(error.kind, 'invalid');
      assert.match(error.message, message);
      return true;
    });
  });
}
