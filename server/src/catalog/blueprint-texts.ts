/** Files of a blueprint that is there, as the compiler wants them: their paths, and the texts of some. */
import type { BlueprintUid } from '../ids.js';
import type { Pool } from '../store/pool.js';
import type { Blobs } from './blobs.js';
import { selectFile, selectFiles } from './blueprints.store.js';

export async function pathsOf(pool: Pool, blueprint: BlueprintUid): Promise<Set<string>> {
  const paths = new Set<string>();
  for (let after = ''; ; ) {
    const rows = await selectFiles.all(pool, [blueprint, '', '\u{10ffff}', after, 1000]);
    for (const { path } of rows) paths.add(path);
    if (rows.length < 1000) return paths;
    after = rows.at(-1)!.path;
  }
}

export async function textsOf(
  { pool, blobs }: { readonly pool: Pool; readonly blobs: Blobs },
  blueprint: BlueprintUid,
  paths: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const path of paths) {
    const file = await selectFile.one(pool, [blueprint, path]);
    if (file === null) continue;
    const chunks: Buffer[] = [];
    for await (const chunk of blobs.stream({ uid: file.blob, size: file.size })) chunks.push(chunk as Buffer);
    texts.set(path, Buffer.concat(chunks).toString('utf8'));
  }
  return texts;
}
