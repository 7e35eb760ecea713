/**
 * Blueprints: uploaded, compiled, kept, handed out again.
 *
 * An upload goes through the states of `blueprint-state.ts`. The row that holds the id comes first, in a transaction
 * that decides whether the id is free; then everything heavy happens outside of transactions, into blobs that nobody
 * can see; and one last transaction makes archive, files, plan and labels appear together. A process that dies on the
 * way leaves a row that says so after half a minute, and bytes that are swept.
 */
import type { Readable } from 'node:stream';
import { type Caller, requirePermission, scopeFor, type TenantScope } from '../caller.js';
import type { Plan } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { BlueprintUid } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { type SummaryQuery, type SummaryRow, summarize } from '../store/summary.js';
import { inTransaction } from '../store/transaction.js';
import type { ArchiveFormat } from './archive/archive.js';
import type { Blobs } from './blobs.js';
import { selectEdition } from './blueprint-copies.store.js';
import { selectImported, selectImporters } from './blueprint-imports.store.js';
import { isUnderWay } from './blueprint-state.js';
import {
  type BlueprintField,
  type BlueprintRecord,
  blueprintList,
  deleteBlueprint,
  deleteFile,
  deleteOtherLabels,
  findRecord,
  holdBytes,
  insertLabels,
  type LockedBlueprint,
  lockBlueprint,
  lockId,
  putFile,
  type StoredFile,
  selectArchive,
  selectFile,
  selectFiles,
  selectHolders,
  selectPlan,
  touch,
  updateVisibility,
  type Visibility,
} from './blueprints.store.js';
import { type Label, normalLabels } from './labels.js';
import { PlanCache } from './plan-cache.js';
import type { UploadJournal } from './upload-journal.js';
import { alreadyExists } from './upload-request.js';

export type { BlueprintField, BlueprintRecord, StoredLabel, Visibility } from './blueprints.store.js';

const WIDTH: Readonly<Record<Visibility, number>> = { private: 0, tenant: 1, global: 2 };

/** Where clients look for it, in the folder of the blueprint's files. */
const ICON = 'icon.png';

export class Blueprints {
  readonly #pool: Pool;
  readonly #blobs: Blobs;
  readonly #plans: PlanCache;
  readonly #inUse: (blueprint: BlueprintUid) => Promise<readonly string[]>;
  readonly #journal: Pick<UploadJournal, 'forget'>;

  /** @param inUse names of some deployments of a blueprint, for the message to who wants to remove it */
  constructor({
    pool,
    blobs,
    journal,
    inUse = async () => [],
  }: {
    pool: Pool;
    blobs: Blobs;
    journal: Pick<UploadJournal, 'forget'>;
    inUse?: (blueprint: BlueprintUid) => Promise<readonly string[]>;
  }) {
    this.#pool = pool;
    this.#blobs = blobs;
    this.#journal = journal;
    this.#inUse = inUse;
    this.#plans = new PlanCache(async (uid) => {
      const row = await selectPlan.one(pool, [uid]);
      if (row === null)
        throw new DomainError('not-found', 'blueprint-not-found', 'The blueprint has no plan, or is gone');
      return row.plan;
    });
  }

  /** Needs `blueprints.read`. */
  async list(caller: Caller, query: ListQuery<BlueprintField>): Promise<ListPage> {
    return listPage(this.#pool, blueprintList, scopeFor(caller, 'blueprints.read'), query);
  }

  /** How many there are of each kind. Needs `blueprints.read`. */
  async summary(
    caller: Caller,
    query: SummaryQuery<BlueprintField>,
  ): Promise<{ rows: SummaryRow[]; total: number }> {
    return summarize(this.#pool, blueprintList, scopeFor(caller, 'blueprints.read'), query);
  }

  /** The tenant's own, else one that another tenant made global. Needs `blueprints.read`. Throws `not-found`. */
  async get(caller: Caller, id: string): Promise<BlueprintRecord> {
    const found = await findRecord(this.#pool, scopeFor(caller, 'blueprints.read'), id);
    if (found === null) throw notFound('Blueprint', id);
    return found;
  }

  /** Needs `blueprints.read`. Throws `not-found`, `conflict` (`blueprint-not-uploaded`). */
  async plan(caller: Caller, id: string): Promise<Plan> {
    return this.planOf((await this.#uploaded(caller, id)).uid);
  }

  /** For those who hold a blueprint's key already. The plan is shared: do not change it. */
  async planOf(blueprint: BlueprintUid): Promise<Plan> {
    return this.#plans.get(blueprint, (await selectEdition.one(this.#pool, [blueprint]))?.edition);
  }

  /** The archive, byte for byte as it was sent. Needs `blueprints.read`. */
  async archive(
    caller: Caller,
    id: string,
  ): Promise<{ stream: Readable; size: number; filename: string; format: ArchiveFormat }> {
    const blueprint = await this.#uploaded(caller, id);
    const stored = await selectArchive.one(this.#pool, [blueprint.uid]);
    if (stored === null) throw notFound('Blueprint', id);
    return {
      stream: this.#blobs.stream(stored),
      size: stored.size,
      filename: `${blueprint.id}.${stored.format}`,
      format: stored.format,
    };
  }

  /** One file of the blueprint's folder, or `ns--path` of a blueprint that it imports. Throws `not-found`. */
  async file(
    blueprint: BlueprintUid,
    path: string,
  ): Promise<{ size: number; mode: number; stream: Readable }> {
    const normal = path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/');
    const file =
      (await selectFile.one(this.#pool, [blueprint, normal])) ??
      (await this.#importedFile(blueprint, normal));
    if (file === null) throw notFound('Blueprint file', path);
    return {
      size: file.size,
      mode: file.mode,
      stream: this.#blobs.stream({ uid: file.blob, size: file.size }),
    };
  }

  /** After the whole store was replaced. */
  forgetPlans(): void {
    this.#plans.clear();
  }

  /** Files below `folder` (`''`: all), in the order of their bytes; at most 1000, those behind `after`. */
  async files(
    blueprint: BlueprintUid,
    folder: string,
    after = '',
  ): Promise<readonly { path: string; size: number; mode: number }[]> {
    // In bytes, `0` is what follows `/`; nothing in UTF-8 reaches the last code point.
    const [from, to] = folder === '' ? ['', '\u{10ffff}'] : [`${folder}/`, `${folder}0`];
    const rows = await selectFiles.all(this.#pool, [blueprint, from, to, after, 1000]);
    return rows.map(({ path, size, mode }) => ({ path, size, mode }));
  }

  /**
   * Removes a blueprint. Failed uploads go always, those under way only with `force`. Needs `blueprints.write`.
   *
   * @returns what was removed
   * @throws DomainError `not-found`; `conflict` `blueprint-in-use` (it has deployments), `blueprint-under-way`
   */
  async remove(caller: Caller, id: string, { force = false } = {}): Promise<BlueprintRecord> {
    const scope = scopeFor(caller, 'blueprints.write');
    try {
      return await inTransaction(this.#pool, async (client) => {
        const blueprint = await this.#lock(client, scope, id);
        if (isUnderWay(blueprint.state) && blueprint.alive && !force) {
          throw new DomainError(
            'conflict',
            'blueprint-under-way',
            `Blueprint \`${id}\` is still being uploaded`,
          );
        }
        const removed = (await findRecord(client, scope, id))!;
        await requireNotImported(client, scope, removed);
        await holdBytes.run(client, [blueprint.uid]);
        await this.#journal.forget(client, scope.tenantId, blueprint.uid);
        await deleteBlueprint.run(client, scope.tenantId, [blueprint.uid]);
        await record(client, caller, { action: 'delete', thing: 'blueprint', id, details: { force } });
        return removed;
      });
    } catch (error) {
      // A foreign key is violated: somebody needs it.
      if ((error as { code?: string }).code !== '23503') throw error;
      throw await this.#blockedBy(scope, id, error);
    }
  }

  /**
   * Shows a blueprint to more people. Needs `blueprints.write`, and `global.write` for `global`.
   *
   * @throws DomainError `invalid` (`visibility-not-wider`), `conflict` (`already-exists`) when another tenant has the id
   */
  async setVisibility(caller: Caller, id: string, visibility: Visibility): Promise<BlueprintRecord> {
    const scope = scopeFor(caller, 'blueprints.write');
    if (visibility === 'global') requirePermission(caller, 'global.write');
    return inTransaction(this.#pool, async (client) => {
      await lockId.run(client, [id]);
      const blueprint = await this.#lock(client, scope, id);
      if (WIDTH[visibility] <= WIDTH[blueprint.visibility]) {
        throw new DomainError(
          'invalid',
          'visibility-not-wider',
          `Blueprint \`${id}\` has visibility ${blueprint.visibility}; it cannot be set to ${visibility}, only to a wider one`,
        );
      }
      if (visibility === 'global') await this.#requireUnique(client, scope, id);
      await updateVisibility.run(client, scope.tenantId, [blueprint.uid, visibility]);
      await record(client, caller, {
        action: 'set-visibility',
        thing: 'blueprint',
        id,
        details: { visibility },
      });
      return (await findRecord(client, scope, id))!;
    });
  }

  /** Replaces all labels; those that stay keep their date. Needs `blueprints.write`. */
  async setLabels(caller: Caller, id: string, labels: readonly Label[]): Promise<BlueprintRecord> {
    const scope = scopeFor(caller, 'blueprints.write');
    const wanted = normalLabels(labels);
    return inTransaction(this.#pool, async (client) => {
      const blueprint = await this.#lock(client, scope, id);
      if (blueprint.state !== 'uploaded') throw notUploaded(id, blueprint.state);
      const [keys, values] = [wanted.map((label) => label.key), wanted.map((label) => label.value)];
      await deleteOtherLabels.run(client, scope.tenantId, [blueprint.uid, keys, values]);
      await insertLabels(client, scope.tenantId, blueprint.uid, wanted, scope.userId);
      await touch.run(client, scope.tenantId, [blueprint.uid]);
      await record(client, caller, {
        action: 'set-labels',
        thing: 'blueprint',
        id,
        details: { labels: wanted.map(({ key, value }) => ({ key, value })) },
      });
      return (await findRecord(client, scope, id))!;
    });
  }

  /**
   * Puts a picture beside the blueprint's files, in the place of one that is there, or takes it away (null). The archive stays
   * as it was uploaded. Needs `blueprints.write`.
   */
  async setIcon(caller: Caller, id: string, icon: Buffer | null): Promise<void> {
    const scope = scopeFor(caller, 'blueprints.write');
    await inTransaction(this.#pool, async (client) => {
      const blueprint = await this.#lock(client, scope, id);
      if (blueprint.state !== 'uploaded') throw notUploaded(id, blueprint.state);
      await holdBytes.run(client, [blueprint.uid]);
      if (icon === null) await deleteFile.run(client, [blueprint.uid, ICON]);
      else {
        const [blob] = await this.#blobs.putAll([icon], client);
        await putFile.run(client, [blueprint.uid, ICON, icon.length, blob!.uid]);
      }
      await touch.run(client, scope.tenantId, [blueprint.uid]);
      const details = { size: icon?.length ?? null };
      await record(client, caller, { action: 'set-icon', thing: 'blueprint', id, details });
    });
  }

  async #uploaded(caller: Caller, id: string): Promise<BlueprintRecord> {
    const blueprint = await this.get(caller, id);
    if (blueprint.state !== 'uploaded') throw notUploaded(id, blueprint.state);
    return blueprint;
  }

  /** The tenant's own blueprint, to be changed. */
  async #lock(client: Client, scope: TenantScope, id: string): Promise<LockedBlueprint> {
    const own = await lockBlueprint.one(client, scope.tenantId, [id, scope.seesPrivate, scope.userId]);
    if (own !== null) return own;
    if ((await findRecord(client, scope, id)) === null) throw notFound('Blueprint', id);
    throw new DomainError(
      'invalid',
      'belongs-to-other-tenant',
      `Blueprint \`${id}\` is global and belongs to another tenant; only there it can be changed`,
    );
  }

  async #requireUnique(client: Client, scope: TenantScope, id: string): Promise<void> {
    const others = await selectHolders.all(client, [
      scope.tenantId,
      id,
      scope.seesPrivate,
      scope.userId,
      true,
    ]);
    if (others.some((holder) => !holder.own)) throw alreadyExists(id);
  }

  /** A file of a blueprint that this one imports, by its namespaces and path. */
  async #importedFile(blueprint: BlueprintUid, path: string): Promise<StoredFile | null> {
    const at = path.lastIndexOf('--');
    if (at <= 0) return null;
    const { namespaces } = await this.planOf(blueprint);
    const space = path.slice(0, at);
    const id = Object.hasOwn(namespaces, space) ? namespaces[space] : undefined;
    const imported = id === undefined ? null : await selectImported.one(this.#pool, [blueprint, id]);
    return imported === null ? null : selectFile.one(this.#pool, [imported.uid, path.slice(at + 2)]);
  }

  async #blockedBy(scope: TenantScope, id: string, cause: unknown): Promise<DomainError> {
    const blueprint = await findRecord(this.#pool, scope, id);
    const names = blueprint === null ? [] : await this.#inUse(blueprint.uid);
    return new DomainError(
      'conflict',
      'blueprint-in-use',
      `Blueprint \`${id}\` cannot be deleted: ${names.length === 0 ? 'an update of its plugins needs it' : `it has deployments (${names.join(', ')})`}`,
      { details: { deployments: names }, cause },
    );
  }
}

/** Throws `conflict` (`blueprint-in-use`) naming blueprints whose source imports this one. */
async function requireNotImported(
  client: Client,
  scope: TenantScope,
  { id, visibility }: Pick<BlueprintRecord, 'id' | 'visibility'>,
): Promise<void> {
  const importers = await selectImporters.all(client, scope.tenantId, [id, visibility === 'global']);
  if (importers.length === 0) return;
  const names = importers.filter(({ own }) => own).map((each) => each.id);
  const others = names.length < importers.length ? ['others that are not yours to see'] : [];
  throw new DomainError(
    'conflict',
    'blueprint-in-use',
    `Blueprint \`${id}\` cannot be deleted: blueprints import it (${[...names, ...others].join(', ')})`,
    { details: { blueprints: names } },
  );
}

function notUploaded(id: string, state: string): DomainError {
  return new DomainError(
    'conflict',
    'blueprint-not-uploaded',
    `Blueprint \`${id}\` is not usable: its state is ${state}`,
    {
      details: { state },
    },
  );
}
