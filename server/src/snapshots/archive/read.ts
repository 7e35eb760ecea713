/**
 * Reads the archive of a snapshot: once to see that it is whole, and then, as far as it is to be restored, again.
 *
 * Nothing of it is believed before every file in it has the length and the digest that its manifest says. Only the
 * manifest is ever held in memory.
 */
import type { ArchiveBytes, ArchiveFile } from '../../catalog/archive/archive.js';
import type { ArchiveLimits } from '../../catalog/archive/limits.js';
import { readArchive } from '../../catalog/archive/read-archive.js';
import { MANIFEST, type Manifest, notASnapshot, readManifest } from './manifest.js';
import { Meter } from './write.js';

const MANIFEST_BYTES = 16 * 1024 * 1024;
/** One for each table, and some. */
const MOST_ENTRIES = 1000;
/** Tables are mostly the same words again and again; what expands beyond this is a bomb all the same. */
const EXPANSION = 300;
const EXPANSION_FLOOR = 1024 * 1024 * 1024;

function limitsFor(archive: ArchiveBytes): ArchiveLimits {
  const expandedBytes = Math.max(EXPANSION_FLOOR, archive.size * EXPANSION);
  return {
    archiveBytes: archive.size,
    expandedBytes,
    ratio: EXPANSION,
    ratioFloorBytes: EXPANSION_FLOOR,
    entries: MOST_ENTRIES,
    entryBytes: expandedBytes,
    pathBytes: 200,
  };
}

/**
 * Reads all of it and returns what it says of itself, which is then known to be true.
 *
 * @throws DomainError `invalid` (`snapshot-archive-invalid`, `archive-…`)
 */
export async function verifySnapshot(archive: ArchiveBytes, signal?: AbortSignal): Promise<Manifest> {
  const found = new Map<string, { bytes: number; sha256: string }>();
  let manifest: Manifest | null = null;
  await readArchive(archive, limitsFor(archive), async ({ path, content }) => {
    if (path === MANIFEST) {
      manifest = readManifest(await textOf(content));
      return;
    }
    const meter = new Meter();
    for await (const _ of meter.watch(content)) signal?.throwIfAborted();
    found.set(path, meter.facts());
  });
  if (manifest === null) throw notASnapshot('it holds no manifest');
  requireFound(manifest, found);
  return manifest;
}

function requireFound(
  manifest: Manifest,
  found: ReadonlyMap<string, { bytes: number; sha256: string }>,
): void {
  const { tables, secrets } = manifest;
  const said = [...tables, ...(secrets.passphrase === null ? [] : [secrets.passphrase])];
  for (const { path, bytes, sha256 } of said) {
    const fact = found.get(path);
    if (fact === undefined) throw notASnapshot(`${path} is missing`);
    if (fact.bytes !== bytes || fact.sha256 !== sha256)
      throw notASnapshot(`${path} is not what its manifest says`);
  }
  const known = new Set(said.map(({ path }) => path));
  const extra = [...found.keys()].find((path) => !known.has(path));
  if (extra !== undefined) throw notASnapshot(`${extra} does not belong to it`);
  if (known.size !== said.length) throw notASnapshot('a file of it counts twice');
}

/** Hands on each file, in order, after `verifySnapshot`. */
export async function eachFile(
  archive: ArchiveBytes,
  take: (file: ArchiveFile) => Promise<void>,
): Promise<void> {
  await readArchive(archive, limitsFor(archive), take);
}

async function textOf(content: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > MANIFEST_BYTES) throw notASnapshot('its manifest is too long');
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Lines of a text, each parsed as JSON. */
export async function* linesOf<T>(content: AsyncIterable<Buffer>): AsyncGenerator<T> {
  let rest = '';
  const decoder = new TextDecoder('utf-8');
  for await (const chunk of content) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as T;
  }
}
