/**
 * How a blueprint gets in: received, unpacked, compiled, and only then there, all at once.
 *
 *   reserve (transaction: is the id free? the row, the audit row)
 *     └─► receive ─► unpack ─► compile ─► finish (transaction: archive, files, plan, labels)
 *           no transaction is open here; what is stored so far nobody can see
 *
 * Each step writes its state first. The row stays alive by a sign every ten seconds; without one it counts as dead,
 * whichever process it was in, and may be replaced. An upload that was replaced meanwhile finds its attempt overtaken
 * and writes nothing.
 */
import { type Caller, requirePermission, scopeFor, type TenantScope } from '../caller.js';
import { type Diagnostic, formatDiagnostic } from '../dsl/diagnostics.js';
import { DomainError } from '../errors.js';
import { record } from '../identity/audit.js';
import { requireName } from '../identity/names.js';
import type { BlueprintUid, ExecutionUid } from '../ids.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import type { StoredBlob } from './blobs.js';
import { holdBlueprints } from './blueprint-imports.js';
import { failureIn, type UploadPhase } from './blueprint-state.js';
import {
  advance,
  type BlueprintRecord,
  bindUploadExecution,
  deleteOtherLabels,
  failDeadUploads,
  failUpload,
  findRecord,
  finishUpload,
  insertBlueprint,
  insertFiles,
  insertLabels,
  insertPlan,
  lockId,
  restartBlueprint,
  type StoredFile,
  selectHolders,
  stayAlive,
} from './blueprints.store.js';
import { compileBlueprint } from './compile-blueprint.js';
import type { CompiledPlan } from './compile-once.js';
import type { CompilePool } from './compile-pool.js';
import { fetchImport } from './fetch-import.js';
import { Gate } from './gate.js';
import type { ImportSources, StandsOn } from './import-source.js';
import { type Label, normalLabels, withOwnLabels } from './labels.js';
import { holdPlugins } from './plugin-needs.js';
import { type ArchiveSource, type ArchiveTaker, takeArchive } from './take-archive.js';
import { FileSink, type Received, readTexts, type Unpacked, unpack } from './unpack.js';
import type { UploadJournal } from './upload-journal.js';
import { alreadyExists, normalMainFile, storable, type UploadRequest } from './upload-request.js';

export type { ArchiveSource } from './take-archive.js';
export type { UploadRequest } from './upload-request.js';

export interface BlueprintUploadsParts extends ArchiveTaker {
  readonly pool: Pool;
  readonly compiler: CompilePool;
  readonly imports?: ImportSources;
  /** Tells uploads as executions. */
  readonly journal: UploadJournal;
  /** Told of failures that are not the caller's fault, once each. */
  readonly onTrouble?: (error: unknown, blueprint: string) => void;
}

const SIGN_OF_LIFE_MS = 10_000;
/** Archives that are unpacked and compiled at the same time: bounds memory. */
const AT_ONCE = 4;

interface Attempt {
  readonly caller: Caller;
  readonly scope: TenantScope;
  readonly id: string;
  readonly uid: BlueprintUid;
  readonly attempt: number;
  readonly execution: ExecutionUid;
  phase: UploadPhase;
}

export class BlueprintUploads {
  readonly #parts: BlueprintUploadsParts;
  readonly #gate = new Gate(AT_ONCE);
  readonly #background = new Set<Promise<unknown>>();

  constructor(parts: BlueprintUploadsParts) {
    this.#parts = parts;
  }

  /**
   * Uploads a blueprint. With `wait` (the default) it answers when the blueprint is there; without, as soon as nothing
   * more is needed from the caller: at once for a URL, after the last byte of a stream. Needs `blueprints.write`, and
   * `global.write` for a global one.
   *
   * @throws DomainError `conflict` (`already-exists`, `upload-superseded`); `invalid` (`name-invalid`, `main-file-invalid`,
   *   `label-invalid`, `archive-…`, `invalid-blueprint` with `details.diagnostics`, `upload-broken-off`, `fetch-failed`,
   *   `address-not-allowed`, `url-invalid`); `limit` (`archive-too-large`, `download-too-large`). After all but the
   *   first four the blueprint is there in a failed state that says the same.
   */
  async upload(caller: Caller, request: UploadRequest, { wait = true } = {}): Promise<BlueprintRecord> {
    const scope = scopeFor(caller, 'blueprints.write');
    requireName('blueprint', request.id);
    const mainFile = normalMainFile(request.mainFile);
    const labels = normalLabels(request.labels ?? []);
    if (request.visibility === 'global') requirePermission(caller, 'global.write');
    // A stream that breaks while nobody reads it yet must not end the process; who reads it then meets the error.
    if (request.source.kind === 'stream') request.source.stream.on('error', () => {});

    const attempt = await this.#reserve(caller, scope, request, mainFile);
    const received = this.#alive(attempt, () => this.#receive(attempt, request.source));
    const done = received.then((archive) =>
      this.#alive(attempt, () => this.#process(attempt, archive, mainFile, labels)),
    );
    if (wait) {
      await done;
    } else {
      this.#background.add(done);
      // The blueprint's row tells what went wrong; nobody awaits this.
      done.catch(() => {}).finally(() => this.#background.delete(done));
      if (request.source.kind === 'stream') await received;
    }
    const stored = await findRecord(this.#parts.pool, scope, request.id);
    if (stored === null) throw superseded(request.id);
    return stored;
  }

  /**
   * Says what an upload would say, and keeps nothing. Needs `blueprints.write`.
   *
   * @returns warnings
   */
  async validate(
    caller: Caller,
    request: Pick<UploadRequest, 'source' | 'mainFile'>,
  ): Promise<{ readonly warnings: readonly Diagnostic[] }> {
    const scope = scopeFor(caller, 'blueprints.write');
    const mainFile = normalMainFile(request.mainFile);
    const archive = await takeArchive(request.source, this.#parts);
    return this.#gate.run(async () => {
      const unpacked = await unpack(archive.bytes, mainFile, this.#parts.limits, null);
      return { warnings: (await this.#compile(scope, archive, unpacked, mainFile)).warnings };
    });
  }

  /**
   * Marks uploads whose process died as failed. Periodic work; any number of processes may do it at once.
   *
   * @returns how many
   */
  async failDead(): Promise<number> {
    const { pool, journal } = this.#parts;
    return inTransaction(pool, async (client) => {
      const error = 'The server was stopped during the upload; upload it again';
      const dead = await failDeadUploads.all(client, [error]);
      for (const { tenantId, execution } of dead) {
        if (execution !== null) await journal.end(client, tenantId, execution, error);
      }
      return dead.length;
    });
  }

  /** Resolves when no upload goes on in the background. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#background]);
  }

  async #reserve(
    caller: Caller,
    scope: TenantScope,
    request: UploadRequest,
    mainFile: string,
  ): Promise<Attempt> {
    const { id, source, visibility = 'tenant' } = request;
    const description = request.description === undefined ? null : storable(request.description);
    const phase: UploadPhase = source.kind === 'url' ? 'pending' : 'uploading';
    return inTransaction(this.#parts.pool, async (client) => {
      await lockId.run(client, [id]);
      const everywhere = visibility === 'global';
      const holders = await selectHolders.all(client, [
        scope.tenantId,
        id,
        scope.seesPrivate,
        scope.userId,
        everywhere,
      ]);
      const own = holders.find((holder) => holder.own);
      const free = own === undefined || (own.visible && !own.alive && own.state !== 'uploaded');
      if (!free || holders.some((holder) => !holder.own)) throw alreadyExists(id);
      const values = [visibility, scope.userId, description, mainFile, phase];
      const row =
        own === undefined
          ? await insertBlueprint.one(client, scope.tenantId, [id, ...values])
          : await restartBlueprint.one(client, scope.tenantId, [own.uid, ...values]);
      if (own !== undefined) await deleteOtherLabels.run(client, scope.tenantId, [own.uid, [], []]);
      await record(client, caller, {
        action: 'upload',
        thing: 'blueprint',
        id,
        details: {
          visibility,
          source: source.kind,
          ...(own === undefined ? {} : { replaces: 'failed upload' }),
        },
      });
      const { uid, attempt } = row!;
      if (own !== undefined) await this.#parts.journal.forget(client, scope.tenantId, uid);
      const execution = await this.#parts.journal.begin(client, scope, {
        blueprint: id,
        visibility,
        mainFile,
        url: source.kind === 'url' ? source.url : null,
        labels: request.labels ?? [],
      });
      await bindUploadExecution.run(client, scope.tenantId, [uid, execution]);
      return { caller, scope, id, uid, attempt, execution, phase };
    });
  }

  /** Runs a step of an upload: with signs of life meanwhile, and with its failure written down. */
  async #alive<T>(attempt: Attempt, step: () => Promise<T>): Promise<T> {
    const { pool, onTrouble } = this.#parts;
    const { scope, uid } = attempt;
    const timer = setInterval(() => {
      stayAlive.run(pool, scope.tenantId, [uid, attempt.attempt]).catch(() => {});
    }, SIGN_OF_LIFE_MS);
    try {
      return await step();
    } catch (error) {
      const told = error instanceof DomainError ? error : null;
      if (told === null) onTrouble?.(error, attempt.id);
      const state = failureIn(attempt.phase, told?.reason === 'invalid-blueprint');
      const message = told?.message ?? 'Something went wrong in the server; its log says more';
      const detail = told === null ? null : `${told.kind}: ${told.reason}`;
      // Where this fails too the row is dead soon, and says so then.
      const values = [uid, attempt.attempt, state, storable(message), detail];
      await inTransaction(pool, async (client) => {
        if ((await failUpload.run(client, scope.tenantId, values)) === 0) return;
        await this.#parts.journal.end(client, scope.tenantId, attempt.execution, storable(message));
      }).catch((trouble: unknown) => onTrouble?.(trouble, attempt.id));
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  async #advance(attempt: Attempt, phase: UploadPhase): Promise<void> {
    const { pool, journal } = this.#parts;
    const { scope, uid, id, execution } = attempt;
    await inTransaction(pool, async (client) => {
      if ((await advance.run(client, scope.tenantId, [uid, attempt.attempt, phase])) === 0)
        throw superseded(id);
      await journal.tell(client, scope.tenantId, execution, `Blueprint ${id}: ${phase}`);
    });
    attempt.phase = phase;
  }

  async #receive(attempt: Attempt, source: ArchiveSource): Promise<Received> {
    if (source.kind === 'stream') return takeArchive(source, this.#parts);
    return takeArchive(source, this.#parts, () => this.#advance(attempt, 'uploading'));
  }

  async #process(
    attempt: Attempt,
    archive: Received,
    mainFile: string,
    labels: readonly Label[],
  ): Promise<void> {
    await this.#gate.run(async () => {
      const { blobs, limits } = this.#parts;
      const sink = new FileSink(blobs);
      await this.#advance(attempt, 'extracting');
      const unpacked = await unpack(archive.bytes, mainFile, limits, sink);
      await this.#advance(attempt, 'parsing');
      const { plan, standsOn } = await this.#compile(attempt.scope, archive, unpacked, mainFile);
      const stored = await sink.finish(unpacked.folder, archive);
      await this.#finish(attempt, stored, unpacked, { plan, standsOn }, labels);
    });
  }

  async #compile(scope: TenantScope, archive: Received, unpacked: Unpacked, mainFile: string) {
    const { limits, compiler, imports = {} } = this.#parts;
    const compiled = await compileBlueprint(
      { mainFile, texts: unpacked.texts, paths: unpacked.paths },
      {
        scope,
        imports,
        fetchText: (url) => fetchImport(this.#parts.fetch, url),
        readTexts: (paths) => readTexts(archive.bytes, unpacked.folder, paths, limits),
      },
      compiler,
    );
    if (compiled.kind === 'plan') return compiled;
    const diagnostics = compiled.kind === 'diagnostics' ? compiled.diagnostics : [];
    throw new DomainError(
      'invalid',
      'invalid-blueprint',
      diagnostics.map((diagnostic) => formatDiagnostic(diagnostic)).join('\n'),
      { details: { diagnostics } },
    );
  }

  async #finish(
    attempt: Attempt,
    stored: { files: readonly StoredFile[]; archive: StoredBlob },
    unpacked: Unpacked,
    { plan, standsOn }: { readonly plan: CompiledPlan; readonly standsOn: readonly StandsOn[] },
    labels: readonly Label[],
  ): Promise<void> {
    const { scope, uid, id, caller } = attempt;
    const all = withOwnLabels(labels, plan.labels);
    await inTransaction(this.#parts.pool, async (client) => {
      const touched = await finishUpload.run(client, scope.tenantId, [
        uid,
        attempt.attempt,
        stored.archive.uid,
        unpacked.format,
        JSON.stringify(
          plan.importedBlueprints.length === 0
            ? plan.requirements
            : { ...plan.requirements, blueprints: plan.importedBlueprints },
        ),
        plan.description === null ? null : storable(plan.description),
        [...plan.importedBlueprints],
      ]);
      if (touched === 0) throw superseded(id);
      await insertFiles(client, uid, stored.files);
      await insertPlan.run(client, [uid, plan.json]);
      await holdBlueprints(client, standsOn);
      await holdPlugins(client, scope.tenantId, uid, plan.plugins, standsOn);
      await insertLabels(client, scope.tenantId, uid, all, scope.userId);
      await this.#parts.journal.end(client, scope.tenantId, attempt.execution, null);
      await record(client, caller, {
        action: 'finish-upload',
        thing: 'blueprint',
        id,
        details: { sha256: stored.archive.sha256, bytes: stored.archive.size, files: stored.files.length },
      });
    });
  }
}

function superseded(id: string): DomainError {
  return new DomainError(
    'conflict',
    'upload-superseded',
    `Blueprint \`${id}\` was removed or uploaded again while this upload was under way`,
  );
}
