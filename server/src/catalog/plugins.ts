/**
 * Uploaded plugins: told, handed out again, kept while they are needed. How they get in: `plugin-uploads.ts`. How blueprints
 * import them: `plugin-imports.ts`.
 *
 * For those who run plugins:
 *
 *   const scope = { tenantId, userId: whoStartedTheExecution, seesPrivate: false };
 *   const plugin = await plugins.find(scope, { packageName, packageVersion, blueprint });     // PlanPlugin's, blueprint's uid
 *   plugin.id, .packageName, .packageVersion, .archiveName, .wheels, .supportedPlatform, .supportedPythons,
 *   plugin.tenantName, .visibility, .size, .sha256                                            // of the wagon, hexadecimal
 *   plugins.openWagon(plugin)                                                                 // Readable: its bytes
 *   await plugins.reportInstallation(plugin, { place: 'manager', name: worker, state: 'installing' })
 *
 * What a plan says of an operation's plugin: `plan.plugins[operation.plugin]` (`PlanPlugin` in dsl/plan.ts: `packageName`,
 * `packageVersion`, `install`, `source`, `installArguments`, `executor`, `properties`); an operation may name another executor.
 * A plugin never changes: its wagon's `sha256` names what is to be installed, its `id` is new after a deletion.
 */
import { hostname } from 'node:os';
import type { Readable } from 'node:stream';
import { type Caller, requirePermission, scopeFor, type TenantScope } from '../caller.js';
import type { JsonObject, PlanPlugin } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { BlueprintUid, PluginUid } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { detectFormat, HEAD_BYTES } from './archive/format.js';
import type { Blobs } from './blobs.js';
import type { Visibility } from './blueprints.store.js';
import { newest, parseRange } from './package-version.js';
import { requireUnused } from './plugin-needs.js';
import { chooseYaml } from './plugin-yamls.js';
import {
  deletePlugin,
  findPlugin,
  holdBytes,
  type LockedPlugin,
  lockArchiveName,
  lockPlugin,
  type PluginField,
  type PluginRecord,
  pluginList,
  pluginsOfPackage,
  type ReaderScope,
  selectAbsent,
  selectHolder,
  selectOfBlueprint,
  selectUpload,
  selectUserId,
  selectYaml,
  selectYamls,
  updatePlugin,
  updateVisibility,
  upsertInstallation,
} from './plugins.store.js';

export type { PluginField, PluginRecord, ReaderScope } from './plugins.store.js';

const WIDTH: Readonly<Record<Visibility, number>> = { private: 0, tenant: 1, global: 2 };

const MOST_PLACES = 100;

export type InstallationState =
  | 'pending-install'
  | 'installing'
  | 'installed'
  | 'error'
  | 'pending-uninstall'
  | 'uninstalling'
  | 'uninstalled';

export interface Installation {
  /** A worker is on the `manager`. */
  readonly place: 'manager' | 'agent';
  readonly name: string;
  readonly state: InstallationState;
  readonly error?: string;
}

/** What one looks for, to run it. */
export interface WantedPlugin {
  readonly packageName: string;
  /** Null: the newest. */
  readonly packageVersion: string | null;
  /** What this one was compiled from goes before everything else. */
  readonly blueprint?: BlueprintUid;
}

export interface PluginChange {
  readonly title?: string;
  /** Username of whom it is to belong to. Needs `records.restore`. */
  readonly creator?: string;
  readonly labels?: JsonObject;
  readonly blueprintLabels?: JsonObject;
  readonly resourceTags?: JsonObject;
}

export class Plugins {
  readonly #pool: Pool;
  readonly #blobs: Blobs;

  constructor({ pool, blobs }: { pool: Pool; blobs: Blobs }) {
    this.#pool = pool;
    this.#blobs = blobs;
  }

  /** Needs `plugins.read`. */
  async list(caller: Caller, query: ListQuery<PluginField>): Promise<ListPage> {
    return listPage(this.#pool, pluginList, scopeFor(caller, 'plugins.read'), query);
  }

  /** Of the tenant, or one that another tenant made global. Needs `plugins.read`. Throws `not-found`. */
  async get(caller: Caller, id: string): Promise<PluginRecord> {
    const found = await findPlugin(this.#pool, scopeFor(caller, 'plugins.read'), id);
    if (found === null) throw notFound('Plugin', id);
    return found;
  }

  /**
   * The one to run: what the blueprint was compiled from, else the newest of the version that the scope sees. Null: none.
   * For the engine; nobody's permission is asked.
   */
  async find(scope: ReaderScope, wanted: WantedPlugin): Promise<PluginRecord | null> {
    const { packageName, packageVersion, blueprint } = wanted;
    const range = packageVersion === null ? null : parseRange(`===${packageVersion}`);
    const ofBlueprint =
      blueprint === undefined
        ? []
        : await selectOfBlueprint.all(this.#pool, scope.tenantId, [blueprint, packageName]);
    const own = newest(ofBlueprint, (plugin) => plugin.packageVersion, range);
    if (own !== null) return own;
    const all = await pluginsOfPackage(this.#pool, scope, packageName);
    return newest(all, (plugin) => plugin.packageVersion, range);
  }

  /** The wagon, byte for byte as it was sent. For those who have found the plugin. */
  openWagon(plugin: Pick<PluginRecord, 'wagon' | 'size'>): Readable {
    return this.#blobs.stream({ uid: plugin.wagon, size: plugin.size });
  }

  /**
   * Of the plugins that a plan is to run, those that must be uploaded and are not: with a package to install, and no source
   * of their own. For the engine and for deployments.
   */
  async absent(scope: TenantScope, plugins: readonly PlanPlugin[]): Promise<readonly PlanPlugin[]> {
    const wanted = plugins.filter(
      (plugin) => plugin.install && plugin.source === null && plugin.packageName !== null,
    );
    if (wanted.length === 0) return [];
    const rows = await selectAbsent.all(this.#pool, scope.tenantId, [
      wanted.map((plugin) => plugin.packageName),
      wanted.map((plugin) => plugin.packageVersion),
      scope.seesPrivate,
      scope.userId,
    ]);
    const missing = new Set(rows.map((row) => `${row.packageName}\n${row.packageVersion}`));
    return wanted.filter((plugin) => missing.has(`${plugin.packageName}\n${plugin.packageVersion}`));
  }

  /** What was uploaded, byte for byte: the wagon, or with `full` what it came in. Needs `plugins.read`. */
  async archive(
    caller: Caller,
    id: string,
    { full = false } = {},
  ): Promise<{ stream: Readable; size: number; filename: string }> {
    const plugin = await this.get(caller, id);
    const upload = full ? await selectUpload.one(this.#pool, [plugin.uid]) : null;
    if (upload === null) {
      return { stream: this.openWagon(plugin), size: plugin.size, filename: plugin.archiveName };
    }
    const head: Buffer[] = [];
    for await (const chunk of this.#blobs.reader(upload).range(0, HEAD_BYTES)) head.push(chunk);
    const format = detectFormat(Buffer.concat(head)) ?? 'zip';
    return {
      stream: this.#blobs.stream(upload),
      size: upload.size,
      filename: `${plugin.archiveName.replace(/\.wgn$/, '')}.${format}`,
    };
  }

  /**
   * What the plugin adds to a version of the language (`minor` 3: `cloudify_dsl_1_3`; null: to any). Needs `plugins.read`.
   *
   * @throws DomainError `not-found`, also for a plugin that came without such a file
   */
  async yaml(caller: Caller, id: string, minor: number | null): Promise<{ file: string; text: string }> {
    const plugin = await this.get(caller, id);
    const chosen = chooseYaml(await selectYamls.all(this.#pool, [plugin.uid]), minor);
    const stored = chosen === null ? null : await selectYaml.one(this.#pool, [plugin.uid, chosen.file]);
    if (chosen === null || stored === null) {
      const edition = minor === null ? '' : ` for cloudify_dsl_1_${minor}`;
      throw new DomainError(
        'not-found',
        'plugin-yaml-not-found',
        `Plugin \`${id}\` was uploaded without a YAML file${edition}`,
      );
    }
    return { file: chosen.file, text: stored.text };
  }

  /**
   * Removes a plugin. With `force` also while blueprints need it; they keep their plans. Needs `plugins.write`.
   *
   * @throws DomainError `not-found`; `invalid` (`plugin-of-other-tenant`); `conflict` (`plugin-in-use`)
   */
  async remove(caller: Caller, id: string, { force = false } = {}): Promise<void> {
    const scope = scopeFor(caller, 'plugins.write');
    await inTransaction(this.#pool, async (client) => {
      // Whoever is about to need it waits for this lock, or holds it.
      const plugin = await this.#lock(client, scope, id);
      if (!force) await requireUnused(client, scope, plugin);
      await holdBytes.run(client, [plugin.uid]);
      await deletePlugin.run(client, scope.tenantId, [plugin.uid]);
      await record(client, caller, {
        action: 'delete',
        thing: 'plugin',
        id,
        details: { package: plugin.packageName, version: plugin.packageVersion, force },
      });
    });
  }

  /**
   * Shows a plugin to more people. Needs `plugins.write`, and `global.write` for `global`.
   *
   * @throws DomainError `not-found`; `invalid` (`visibility-not-wider`, `plugin-of-other-tenant`); `conflict`
   *   (`plugin-exists`) when another tenant has the same archive
   */
  async setVisibility(caller: Caller, id: string, visibility: Visibility): Promise<void> {
    const scope = scopeFor(caller, 'plugins.write');
    if (visibility === 'global') requirePermission(caller, 'global.write');
    const seen = await this.get(caller, id);
    await inTransaction(this.#pool, async (client) => {
      await lockArchiveName.run(client, [seen.packageName, seen.archiveName]);
      const plugin = await this.#lock(client, scope, id);
      if (WIDTH[visibility] <= WIDTH[plugin.visibility]) {
        throw new DomainError(
          'invalid',
          'visibility-not-wider',
          `Plugin \`${id}\` has visibility ${plugin.visibility}; it cannot be set to ${visibility}, only to a wider one`,
        );
      }
      if (visibility === 'global') {
        const { packageName, archiveName, uid } = plugin;
        const other = await selectHolder.one(client, [scope.tenantId, packageName, archiveName, true, uid]);
        if (other !== null) throw pluginExists(plugin);
      }
      await updateVisibility.run(client, scope.tenantId, [plugin.uid, visibility]);
      await record(client, caller, {
        action: 'set-visibility',
        thing: 'plugin',
        id,
        details: { visibility },
      });
    });
  }

  /**
   * Changes what is said of a plugin; what it is stays. Needs `plugins.write`, for the creator also `records.restore`.
   *
   * @throws DomainError `not-found` (also of the creator); `invalid` (`plugin-of-other-tenant`, `title-invalid`)
   */
  async update(caller: Caller, id: string, change: PluginChange): Promise<void> {
    const scope = scopeFor(caller, 'plugins.write');
    if (change.creator !== undefined) requirePermission(caller, 'records.restore');
    if (change.title !== undefined) checkTitle(change.title);
    await inTransaction(this.#pool, async (client) => {
      const plugin = await this.#lock(client, scope, id);
      const creator = change.creator === undefined ? null : await selectUserId.one(client, [change.creator]);
      if (change.creator !== undefined && creator === null) throw notFound('User', change.creator);
      await updatePlugin.run(client, scope.tenantId, [
        plugin.uid,
        change.title ?? null,
        creator?.id ?? null,
        jsonOrNull(change.labels),
        jsonOrNull(change.blueprintLabels),
        jsonOrNull(change.resourceTags),
      ]);
      await record(client, caller, {
        action: 'update',
        thing: 'plugin',
        id,
        details: { changed: Object.keys(change) },
      });
    });
  }

  /**
   * Asks for a plugin to be installed: on workers of these names, without any on this machine's. Needs `plugins.write`.
   *
   * @throws DomainError `not-found`; `invalid` (`installation-place-invalid`)
   */
  async requestInstallation(
    caller: Caller,
    id: string,
    { managers, agents = [] }: { readonly managers?: readonly string[]; readonly agents?: readonly string[] },
  ): Promise<void> {
    const onManagers = managers ?? (agents.length > 0 ? [] : [hostname()]);
    const asked = [
      ...onManagers.map((name) => ({ place: 'manager' as const, name })),
      ...agents.map((name) => ({ place: 'agent' as const, name })),
    ];
    if (asked.length > MOST_PLACES || asked.some(({ name }) => name.length === 0 || name.length > 256)) {
      throw new DomainError(
        'invalid',
        'installation-place-invalid',
        `A plugin is installed on at most ${MOST_PLACES} managers and agents at once, whose names have 1 to 256 characters`,
      );
    }
    await this.setInstallations(
      caller,
      id,
      asked.map((place) => ({ ...place, state: 'pending-install' })),
    );
  }

  /** Notes where a plugin is installed or is to be. Needs `plugins.write`. Throws `not-found`. */
  async setInstallations(caller: Caller, id: string, installations: readonly Installation[]): Promise<void> {
    const scope = scopeFor(caller, 'plugins.write');
    const plugin = await findPlugin(this.#pool, scope, id);
    if (plugin === null) throw notFound('Plugin', id);
    await inTransaction(this.#pool, async (client) => {
      for (const each of installations) await noteInstallation(client, plugin.uid, each);
      await record(client, caller, {
        action: 'set-installation',
        thing: 'plugin',
        id,
        details: { states: installations.map(({ place, name, state }) => `${place} ${name}: ${state}`) },
      });
    });
  }

  /** The same, by who runs plugins. */
  async reportInstallation(plugin: Pick<PluginRecord, 'uid'>, installation: Installation): Promise<void> {
    await inTransaction(this.#pool, (client) => noteInstallation(client, plugin.uid, installation));
  }

  /** The tenant's own plugin, to be changed. */
  async #lock(client: Client, scope: TenantScope, id: string): Promise<LockedPlugin> {
    const own = await lockPlugin.one(client, scope.tenantId, [id, scope.seesPrivate, scope.userId]);
    if (own !== null) return own;
    if ((await findPlugin(client, scope, id)) === null) throw notFound('Plugin', id);
    throw new DomainError(
      'invalid',
      'plugin-of-other-tenant',
      `Plugin \`${id}\` is global and belongs to another tenant; only there it can be changed`,
    );
  }
}

async function noteInstallation(
  client: Client,
  plugin: PluginUid,
  { place, name, state, error }: Installation,
): Promise<void> {
  const told = error === undefined ? null : error.slice(0, 64 * 1024).replaceAll('\0', '\ufffd');
  await upsertInstallation.run(client, [plugin, place, name, state, told]);
}

/** @throws DomainError `invalid` (`title-invalid`) */
export function checkTitle(title: string): void {
  if (title.length <= 256 && !/\p{Cc}/u.test(title)) return;
  throw new DomainError(
    'invalid',
    'title-invalid',
    'A title has at most 256 characters, and no control characters',
  );
}

export function pluginExists(
  plugin: Pick<PluginRecord, 'packageName' | 'packageVersion' | 'archiveName'>,
): DomainError {
  return new DomainError(
    'conflict',
    'plugin-exists',
    `a plugin archive by the name of ${plugin.archiveName} already exists for package with name ${plugin.packageName} and version ${plugin.packageVersion}`,
  );
}

function jsonOrNull(value: JsonObject | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
