/** Uploaded plugins as those who run them need them: found for an execution, their wheels written into a folder. */
import { createWriteStream } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pool } from '../store/pool.js';
import type { ArchiveBytes } from './archive/archive.js';
import type { ArchiveLimits } from './archive/limits.js';
import { readArchive } from './archive/read-archive.js';
import type { Blobs } from './blobs.js';
import type { Plugins, WantedPlugin } from './plugins.js';
import { type PluginRecord, type ReaderScope, selectKeptWagons, selectPending } from './plugins.store.js';

export interface PackageToRun {
  readonly packageName: string;
  readonly packageVersion: string;
  /** Of the wagon, in hexadecimal. */
  readonly sha256: string;
  /** Writes the wagon's wheels into a folder; returns their names. Throws DomainError `invalid` as `readArchive`. */
  unpack(folder: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Notes where it is installed. */
  report(state: 'installing' | 'installed' | 'error', error?: string): Promise<void>;
  /** Of the wagon, in bytes. */
  readonly size: number;
  /** The wagon as it was uploaded, for whoever unpacks it elsewhere. */
  wagon(): Readable;
}

export interface PluginPackagesParts {
  readonly pool: Pool;
  readonly plugins: Plugins;
  readonly blobs: Blobs;
  readonly limits: ArchiveLimits;
  /** Of the worker, for people. */
  readonly worker: string;
}

const WHEEL = /(?:^|\/)wheels\/[^/]+\.whl$/;

export class PluginPackages {
  readonly #parts: PluginPackagesParts;

  constructor(parts: PluginPackagesParts) {
    this.#parts = parts;
  }

  /** For the engine; nobody's permission is asked. */
  async find(scope: ReaderScope, wanted: WantedPlugin): Promise<PackageToRun | null> {
    const plugin = await this.#parts.plugins.find(scope, wanted);
    return plugin === null ? null : this.#toRun(plugin);
  }

  /** Those that somebody asked this worker to install, some at a time. */
  async askedFor(): Promise<readonly PackageToRun[]> {
    const asked = await selectPending.all(this.#parts.pool, [this.#parts.worker]);
    return asked.map((plugin) => this.#toRun(plugin));
  }

  #toRun(plugin: PluginRecord): PackageToRun {
    const { packageName, packageVersion, sha256 } = plugin;
    const { plugins, worker } = this.#parts;
    return {
      packageName,
      packageVersion,
      sha256,
      unpack: (folder, signal) => this.#unpack(plugin, folder, signal),
      size: plugin.size,
      wagon: () => this.#parts.blobs.stream({ uid: plugin.wagon, size: plugin.size }),
      report: (state, error) =>
        plugins.reportInstallation(plugin, {
          place: 'manager',
          name: worker,
          state,
          ...(error === undefined ? {} : { error }),
        }),
    };
  }

  /** Of these wagons, by SHA-256, those that some tenant still has. */
  async kept(sha256s: readonly string[]): Promise<ReadonlySet<string>> {
    if (sha256s.length === 0) return new Set();
    const rows = await selectKeptWagons.all(this.#parts.pool, [sha256s]);
    return new Set(rows.map((row) => row.sha256));
  }

  async #unpack(plugin: PluginRecord, folder: string, signal: AbortSignal): Promise<string[]> {
    const { blobs, limits } = this.#parts;
    return writeWheels(blobs.reader({ uid: plugin.wagon, size: plugin.size }), limits, folder, signal);
  }
}

/** Writes the wheels of a wagon into a folder; returns their names. Throws DomainError `invalid` as `readArchive`. */
export async function writeWheels(
  wagon: ArchiveBytes,
  limits: ArchiveLimits,
  folder: string,
  signal: AbortSignal,
): Promise<string[]> {
  const names: string[] = [];
  await readArchive(wagon, limits, async ({ path, content }) => {
    if (!WHEEL.test(path)) return;
    const name = basename(path);
    // `wx`: two of one name in one wagon do not become one.
    const file = createWriteStream(join(folder, name), { mode: 0o600, flags: 'wx' });
    await pipeline(Readable.from(content), file, { signal });
    names.push(name);
  });
  return names;
}
