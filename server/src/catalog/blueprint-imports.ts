/**
 * What stands behind `ns--blueprint:ID`: another blueprint, with everything it imports, as one text.
 *
 * The text is made anew for each import: a blueprint is imported seldom, and its files are here anyway. Its scripts stay
 * in its own archive (`Blueprints.file` finds them through the namespace), so it must stay while its importers do.
 */
import type { TenantScope } from '../caller.js';
import { formatDiagnostic } from '../dsl/diagnostics.js';
import { DomainError } from '../errors.js';
import type { BlueprintUid } from '../ids.js';
import type { Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import type { Blobs } from './blobs.js';
import { keepBlueprints } from './blueprint-imports.store.js';
import { pathsOf, textsOf } from './blueprint-texts.js';
import { findRecord } from './blueprints.store.js';
import { compileBlueprint, type Surroundings } from './compile-blueprint.js';
import type { CompilePool } from './compile-pool.js';
import type { ImportAsked, ImportFound, ImportSource, StandsOn } from './import-source.js';

export interface BlueprintImportsParts {
  readonly pool: Pool;
  readonly blobs: Blobs;
  readonly compiler: CompilePool;
  readonly plugins: ImportSource;
  readonly fetchText: Surroundings['fetchText'];
  readonly rewrite?: (name: string) => string;
}

/** Blueprints that import blueprints that import …: at most so many. */
const DEEPEST = 10;

export class BlueprintImports implements ImportSource {
  readonly #parts: BlueprintImportsParts;
  readonly #depth: number;

  constructor(parts: BlueprintImportsParts, depth = 0) {
    this.#parts = parts;
    this.#depth = depth;
  }

  async find({ scope, name }: ImportAsked): Promise<ImportFound> {
    if (this.#depth >= DEEPEST)
      return { kind: 'absent', problem: `blueprints import each other more than ${DEEPEST} levels deep` };
    const record = await findRecord(this.#parts.pool, scope, name);
    if (record === null) return { kind: 'absent', problem: `Blueprint ${name} not found` };
    if (record.state !== 'uploaded')
      return { kind: 'absent', problem: `Blueprint ${name} is not usable: its state is ${record.state}` };
    const source = await this.#sourceOf(scope, record);
    return 'problem' in source
      ? { kind: 'absent', problem: `Blueprint ${name}: ${source.problem}` }
      : { kind: 'text', text: source.text, standsOn: { blueprint: record.uid } };
  }

  async #sourceOf(
    scope: TenantScope,
    { uid, mainFile }: { readonly uid: BlueprintUid; readonly mainFile: string },
  ): Promise<{ readonly text: string } | { readonly problem: string }> {
    const { compiler, plugins, fetchText, rewrite } = this.#parts;
    const compiled = await compileBlueprint(
      { mainFile, texts: new Map(), paths: await pathsOf(this.#parts.pool, uid), wants: 'source' },
      {
        scope,
        imports: { plugin: plugins, blueprint: new BlueprintImports(this.#parts, this.#depth + 1) },
        fetchText,
        readTexts: (paths) => textsOf(this.#parts, uid, paths),
        ...(rewrite === undefined ? {} : { rewrite }),
      },
      compiler,
    );
    if (compiled.kind === 'source') return { text: compiled.text };
    const first = compiled.kind === 'diagnostics' ? compiled.diagnostics[0] : undefined;
    return { problem: first === undefined ? 'it cannot be read' : formatDiagnostic(first) };
  }
}

/**
 * In the transaction that makes a blueprint appear: from its commit on the blueprints it imports are in use.
 *
 * @throws DomainError `conflict` (`blueprint-not-uploaded`) when one of these went meanwhile
 */
export async function holdBlueprints(client: Queryable, standsOn: readonly StandsOn[]): Promise<void> {
  const imported = new Set(standsOn.flatMap((one) => ('blueprint' in one ? [one.blueprint] : [])));
  if (imported.size === 0) return;
  const kept = await keepBlueprints.all(client, [[...imported]]);
  if (kept.length === imported.size) return;
  throw new DomainError(
    'conflict',
    'blueprint-not-uploaded',
    'A blueprint that the blueprint imports was deleted while it was compiled; upload the blueprint again',
  );
}
