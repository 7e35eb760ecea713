/**
 * A blueprint compiled again from its files, with other bounds on the plugins that it imports: first as a hidden copy of it,
 * whose plan it takes over when all is well.
 *
 * Compiling writes nothing. What writes does so in the caller's transaction, so that it goes together with what it is for.
 */
import { randomUUID } from 'node:crypto';
import type { TenantScope } from '../caller.js';
import { formatDiagnostic } from '../dsl/diagnostics.js';
import { DomainError } from '../errors.js';
import type { BlueprintUid, TenantId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import type { Blobs } from './blobs.js';
import {
  copyBlueprint,
  copyFiles,
  dropNeeds,
  lockForPlan,
  moveNeeds,
  showBlueprint,
  takePlan,
} from './blueprint-copies.store.js';
import { BlueprintImports, holdBlueprints } from './blueprint-imports.js';
import { pathsOf, textsOf } from './blueprint-texts.js';
import { type BlueprintRecord, deleteBlueprint, holdBytes, insertPlan } from './blueprints.store.js';
import { compileBlueprint } from './compile-blueprint.js';
import type { CompiledPlan } from './compile-once.js';
import type { CompilePool } from './compile-pool.js';
import type { ImportSource, StandsOn } from './import-source.js';
import { holdPlugins } from './plugin-needs.js';

export interface BlueprintCopiesParts {
  readonly pool: Pool;
  readonly blobs: Blobs;
  readonly compiler: CompilePool;
  readonly plugins: ImportSource;
  readonly fetchText: (url: string) => Promise<string>;
}

export interface CompiledAgain {
  readonly plan: CompiledPlan;
  readonly standsOn: readonly StandsOn[];
}

const LONGEST_ID = 256;

export class BlueprintCopies {
  readonly #parts: BlueprintCopiesParts;

  constructor(parts: BlueprintCopiesParts) {
    this.#parts = parts;
  }

  /**
   * @param rewrite what is looked for in the place of an import from elsewhere, here and in blueprints that this one imports
   * @throws DomainError `invalid` (`invalid-blueprint`)
   */
  async compile(
    scope: TenantScope,
    { uid, mainFile }: Pick<BlueprintRecord, 'uid' | 'mainFile'>,
    rewrite: (name: string) => string,
  ): Promise<CompiledAgain> {
    const { pool, compiler, plugins, fetchText } = this.#parts;
    const compiled = await compileBlueprint(
      { mainFile, texts: new Map(), paths: await pathsOf(pool, uid) },
      {
        scope,
        imports: { plugin: plugins, blueprint: new BlueprintImports({ ...this.#parts, rewrite }) },
        fetchText,
        readTexts: (paths) => textsOf(this.#parts, uid, paths),
        rewrite,
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

  /** A hidden copy with the new plan, seen by those who see the original. Throws as an upload that ends does. */
  async stage(
    client: Client,
    tenant: TenantId,
    original: Pick<BlueprintRecord, 'uid' | 'id' | 'description'>,
    { plan, standsOn }: CompiledAgain,
  ): Promise<{ readonly uid: BlueprintUid; readonly id: string }> {
    const id = [...`plugins-update-${randomUUID()}-${original.id}`].slice(0, LONGEST_ID).join('');
    const imports = [...plan.importedBlueprints];
    const requirements =
      imports.length === 0 ? plan.requirements : { ...plan.requirements, blueprints: imports };
    const note = `A copy of ${original.id} with other plugins`;
    const row = await copyBlueprint.one(client, tenant, [
      original.uid,
      id,
      JSON.stringify(requirements),
      imports,
      original.description === null ? note : `${original.description}\n${note}`,
    ]);
    const { uid } = row!;
    await copyFiles.run(client, [uid, original.uid]);
    await insertPlan.run(client, [uid, plan.json]);
    await holdBlueprints(client, standsOn);
    await holdPlugins(client, tenant, uid, plan.plugins, standsOn);
    return { uid, id };
  }

  /** Nobody begins to stand on the blueprint until the transaction ends. */
  async lock(client: Client, tenant: TenantId, blueprint: BlueprintUid): Promise<boolean> {
    return (await lockForPlan.one(client, tenant, [blueprint])) !== null;
  }

  /** The original gets the copy's plan. */
  async takeOver(
    client: Client,
    tenant: TenantId,
    original: BlueprintUid,
    copy: BlueprintUid,
  ): Promise<void> {
    await takePlan.run(client, tenant, [original, copy]);
    await dropNeeds.run(client, tenant, [original]);
    await moveNeeds.run(client, tenant, [original, copy]);
  }

  async drop(client: Client, tenant: TenantId, copy: BlueprintUid): Promise<void> {
    await holdBytes.run(client, [copy]);
    await deleteBlueprint.run(client, tenant, [copy]);
  }

  /** It stays, as a blueprint like others. */
  async show(client: Client, tenant: TenantId, copy: BlueprintUid): Promise<void> {
    await showBlueprint.run(client, tenant, [copy]);
  }
}
