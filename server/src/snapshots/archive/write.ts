/** Makes the archive of a snapshot, as a stream: every carried table as of one moment, then the manifest. */
import { createHash, randomBytes } from 'node:crypto';
import { keysUnder, masterKeysAt } from '../../secrets/carried-keys.js';
import { lockKey } from '../../secrets/passphrase.js';
import type { Vault } from '../../secrets/vault.js';
import { appliedMigrations, beginMoment, catalogTables, copyOut } from '../../store/copy.js';
import type { Client } from '../../store/pool.js';
import { type Contents, carried, entryOf, formatOf } from '../contents.js';
import { partOf } from '../snapshots.store.js';
import { FORMAT, MANIFEST, type Manifest, type ManifestTable, SECRET_KEYS } from './manifest.js';
import { ZipWriter } from './zip-writer.js';

export interface SnapshotOrder {
  readonly id: string;
  readonly execution: string;
  readonly contents: Contents;
  readonly passphrase: string | null;
}

/**
 * @param client its transaction is begun here and not ended: whoever lent it ends it, and throws it away when this did not
 *   come to its end
 */
export async function* writeSnapshot(
  client: Client,
  vault: Vault,
  order: SnapshotOrder,
): AsyncGenerator<Buffer> {
  await beginMoment(client);
  const zip = new ZipWriter();
  const tables: ManifestTable[] = [];
  for (const { name, columns } of carried(await catalogTables.all(client))) {
    const format = formatOf(name);
    const path = entryOf(name);
    const rows = copyOut(client, { name, columns }, format, partOf(name, order.contents));
    const meter = new Meter();
    yield* zip.entry(path, meter.watch(rows), { stored: format === 'binary' });
    tables.push({ path, ...meter.facts(), name, columns: [...columns], rows: rows.rowCount, format });
  }
  const secrets = yield* writeKeys(client, vault, order.passphrase, zip);
  const manifest: Manifest = {
    format: FORMAT,
    product: 'orrery',
    snapshot: order.id,
    execution: order.execution,
    createdAt: new Date().toISOString(),
    contents: { ...order.contents },
    schema: await appliedMigrations.all(client),
    tables,
    secrets,
  };
  yield* zip.entry(MANIFEST, one(Buffer.from(JSON.stringify(manifest, null, 1))));
  yield* zip.end();
}

async function* writeKeys(
  client: Client,
  vault: Vault,
  passphrase: string | null,
  zip: ZipWriter,
): AsyncGenerator<Buffer, Manifest['secrets']> {
  const masterKeys = await masterKeysAt(client);
  if (passphrase === null) return { masterKeys, passphrase: null };
  const snapshotKey = randomBytes(32);
  const lock = await lockKey(snapshotKey, passphrase);
  const meter = new Meter();
  const lines = (async function* () {
    for await (const key of keysUnder(client, vault, snapshotKey))
      yield Buffer.from(`${JSON.stringify(key)}\n`);
  })();
  yield* zip.entry(SECRET_KEYS, meter.watch(lines));
  return { masterKeys, passphrase: { path: SECRET_KEYS, ...meter.facts(), lock } };
}

/** Counts and digests what passes. */
export class Meter {
  readonly #hash = createHash('sha256');
  #bytes = 0;

  async *watch(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      this.#hash.update(chunk);
      this.#bytes += chunk.length;
      yield chunk;
    }
  }

  /** Once, after the end. */
  facts(): { readonly bytes: number; readonly sha256: string } {
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
