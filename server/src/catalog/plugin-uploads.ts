/**
 * How plugins get in: received, read, and then there in one transaction.
 *
 * Nothing is reserved beforehand. Whether a package has this archive already is only known once the wagon has been read,
 * so of two that come at the same time the one that finishes first is kept, and the other is refused.
 */
import { randomUUID } from 'node:crypto';
import { type Caller, requirePermission, scopeFor, type TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { BlobUid, UserId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import type { StoredBlob } from './blobs.js';
import type { Visibility } from './blueprints.store.js';
import type { CompilePool } from './compile-pool.js';
import { Gate } from './gate.js';
import { type PluginPackage, readPluginPackages } from './plugin-package.js';
import { checkTitle, pluginExists } from './plugins.js';
import { insertPlugin, insertYamls, lockArchiveName, selectHolder, selectUserId } from './plugins.store.js';
import { type ArchiveSource, type ArchiveTaker, takeArchive } from './take-archive.js';
import type { Received } from './unpack.js';

export interface PluginUploadRequest {
  readonly source: ArchiveSource;
  readonly visibility?: Visibility;
  /** Default: the package's name. */
  readonly title?: string;
  /** What a restored record had. Needs `records.restore`. */
  readonly restored?: {
    readonly id?: string;
    /** ISO 8601. */
    readonly uploadedAt?: string;
    /** Username. */
    readonly createdBy?: string;
  };
}

export interface PluginUploadsParts extends ArchiveTaker {
  readonly pool: Pool;
  readonly compiler: CompilePool;
}

/** Archives that are read at the same time: bounds memory. */
const AT_ONCE = 4;

interface StoredPackage {
  readonly package: PluginPackage;
  readonly wagon: BlobUid;
  /** What it came in; null: as it is. */
  readonly upload: BlobUid | null;
}

export class PluginUploads {
  readonly #parts: PluginUploadsParts;
  readonly #gate = new Gate(AT_ONCE);

  constructor(parts: PluginUploadsParts) {
    this.#parts = parts;
  }

  /**
   * Uploads one plugin, or all those of a caravan. Needs `plugins.write`, and `global.write` for a global one.
   *
   * @returns ids, in the order of the upload
   * @throws DomainError `invalid` (`invalid-plugin`, `title-invalid`, `upload-broken-off`, `fetch-failed`,
   *   `address-not-allowed`, `url-invalid`); `limit` (`archive-too-large`, `download-too-large`); `conflict`
   *   (`plugin-exists`); `not-found` (the user of a restored record)
   */
  async upload(caller: Caller, request: PluginUploadRequest): Promise<readonly string[]> {
    const scope = scopeFor(caller, 'plugins.write');
    if (request.visibility === 'global') requirePermission(caller, 'global.write');
    if (request.restored !== undefined) requirePermission(caller, 'records.restore');
    if (request.title !== undefined) checkTitle(request.title);
    // A stream that breaks while nobody reads it yet must not end the process; who reads it then meets the error.
    if (request.source.kind === 'stream') request.source.stream.on('error', () => {});
    const upload = await takeArchive(request.source, this.#parts);
    return this.#gate.run(async () => {
      const packages = await readPluginPackages(upload, this.#parts);
      if (packages.length > 1 && request.restored?.id !== undefined) {
        throw new DomainError(
          'invalid',
          'invalid-plugin',
          'An id can be given to one plugin, not to several',
        );
      }
      const stored: StoredPackage[] = [];
      for (const each of packages) {
        const wagon = (await this.#blobOf(each.wagon)).uid;
        const isBare = each.wagon === upload;
        const full = isBare || packages.length > 1 ? null : (await this.#blobOf(upload)).uid;
        stored.push({ package: each, wagon, upload: full });
      }
      return inTransaction(this.#parts.pool, async (client) => {
        const ids: string[] = [];
        for (const each of inOrder(stored))
          ids.push(await this.#insert(client, caller, scope, request, each));
        return ids;
      });
    });
  }

  async #blobOf({ blob, whole }: Received): Promise<StoredBlob> {
    return blob ?? (await this.#parts.blobs.putAll([whole!]))[0]!;
  }

  async #insert(
    client: Client,
    caller: Caller,
    scope: TenantScope,
    { visibility = 'tenant', title, restored }: PluginUploadRequest,
    { package: { facts, yamls, tags }, wagon, upload }: StoredPackage,
  ): Promise<string> {
    const { packageName, packageVersion, archiveName } = facts;
    await lockArchiveName.run(client, [packageName, archiveName]);
    const everywhere = visibility === 'global';
    const holder = [scope.tenantId, packageName, archiveName, everywhere, null];
    if ((await selectHolder.one(client, holder)) !== null) throw pluginExists(facts);
    const row = await insertPlugin
      .one(client, scope.tenantId, [
        restored?.id ?? randomUUID(),
        visibility,
        await creatorOf(client, scope, restored?.createdBy),
        restored?.uploadedAt ?? null,
        title ?? packageName,
        packageName,
        packageVersion,
        facts.packageSource,
        archiveName,
        facts.supportedPlatform,
        facts.distribution,
        facts.distributionVersion,
        facts.distributionRelease,
        JSON.stringify(facts.wheels),
        JSON.stringify(facts.excludedWheels),
        JSON.stringify(facts.supportedPythons),
        JSON.stringify(tags.labels),
        JSON.stringify(tags.blueprintLabels),
        JSON.stringify(tags.resourceTags),
        wagon,
        upload,
      ])
      .catch((error: unknown) => {
        if ((error as { constraint?: string }).constraint !== 'plugins_id_key') throw error;
        throw new DomainError(
          'conflict',
          'plugin-id-taken',
          `A plugin has the id \`${restored?.id}\` already`,
        );
      });
    await insertYamls.run(client, [
      row!.uid,
      yamls.map((yaml) => yaml.file),
      yamls.map((yaml) => yaml.minor),
      yamls.map((yaml) => yaml.text),
    ]);
    await record(client, caller, {
      action: 'upload',
      thing: 'plugin',
      id: row!.id,
      details: { package: packageName, version: packageVersion, archive: archiveName, visibility },
    });
    return row!.id;
  }
}

async function creatorOf(
  client: Client,
  { userId }: TenantScope,
  username: string | undefined,
): Promise<UserId> {
  if (username === undefined) return userId;
  const user = await selectUserId.one(client, [username]);
  if (user === null) throw notFound('User', username);
  return user.id;
}

/** In the order of their names, so that two uploads that lock several of the same never wait for each other in a circle. */
function inOrder(packages: readonly StoredPackage[]): StoredPackage[] {
  const nameOf = ({ package: { facts } }: StoredPackage) => `${facts.packageName}\n${facts.archiveName}`;
  return [...packages].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}
