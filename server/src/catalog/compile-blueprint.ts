/** Compiles a blueprint, fetching what it imports from elsewhere as the compiler asks for it. */
import type { TenantScope } from '../caller.js';
import type { Diagnostic } from '../dsl/diagnostics.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import type { CompiledPlan, CompileRequest } from './compile-once.js';
import type { CompilePool } from './compile-pool.js';
import { type ImportFound, type ImportSources, type StandsOn, splitScheme } from './import-source.js';

export interface Surroundings {
  readonly scope: TenantScope;
  readonly imports: ImportSources;
  /** The text behind an http or https URL. Throws DomainError. */
  fetchText(url: string): Promise<string>;
  /** Texts of files in the archive. */
  readTexts(paths: ReadonlySet<string>): Promise<ReadonlyMap<string, string>>;
  /** What is looked for in the place of an import from elsewhere. Default: itself. */
  readonly rewrite?: (name: string) => string;
}

export type Compiled =
  | {
      readonly kind: 'plan';
      readonly plan: CompiledPlan;
      readonly warnings: readonly Diagnostic[];
      /** What its imports came from. */
      readonly standsOn: readonly StandsOn[];
    }
  | { readonly kind: 'source'; readonly text: string }
  | { readonly kind: 'diagnostics'; readonly diagnostics: readonly Diagnostic[] };

/** Imports from elsewhere that one blueprint may have, and rounds of asking for more of them. */
const MAX_IMPORTS = 100;
const MAX_ROUNDS = 20;

/** @throws DomainError when the compile cannot be done; what the author did wrong comes back as diagnostics */
export async function compileBlueprint(
  blueprint: Pick<CompileRequest, 'mainFile' | 'texts' | 'paths' | 'wants'>,
  around: Surroundings,
  pool: CompilePool,
): Promise<Compiled> {
  const texts = new Map(blueprint.texts);
  const imported = new Map<string, string>();
  const replaced = new Map<string, JsonObject>();
  const unavailable = new Map<string, string>();
  const standsOn: StandsOn[] = [];
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const answer = await pool.compile({ ...blueprint, texts, imported, replaced, unavailable });
    if (answer.kind === 'plan') return { ...answer, standsOn };
    if (answer.kind === 'diagnostics' || answer.kind === 'source') return answer;
    if (answer.kind === 'lacks') {
      for (const [path, text] of await around.readTexts(new Set(answer.paths))) texts.set(path, text);
      continue;
    }
    if (imported.size + unavailable.size + answer.imports.length > MAX_IMPORTS) {
      return failed(blueprint.mainFile, `it imports more than ${MAX_IMPORTS} files from elsewhere`);
    }
    await Promise.all(
      answer.imports.map(async (name) => {
        const found = await find(around.rewrite?.(name) ?? name, answer.minor, around);
        if (found.kind === 'absent') {
          unavailable.set(name, found.problem);
          return;
        }
        imported.set(name, found.text);
        if (found.replaced !== undefined) replaced.set(name, found.replaced);
        if (found.standsOn !== undefined) standsOn.push(found.standsOn);
      }),
    );
  }
  return failed(blueprint.mainFile, `its imports nest deeper than ${MAX_ROUNDS} levels`);
}

async function find(name: string, minor: number, around: Surroundings): Promise<ImportFound> {
  if (/^https?:/i.test(name)) {
    try {
      return { kind: 'text', text: await around.fetchText(name) };
    } catch (error) {
      if (error instanceof DomainError) return { kind: 'absent', problem: error.message };
      throw error;
    }
  }
  const split = splitScheme(name);
  const source = split === null ? undefined : around.imports[split.scheme];
  if (split === null || source === undefined) {
    return { kind: 'absent', problem: `Imports like \`${name}\` are not supported` };
  }
  return source.find({ scope: around.scope, name: split.rest, minor });
}

function failed(file: string, problem: string): Compiled {
  const summary = `The blueprint cannot be compiled: ${problem}`;
  return {
    kind: 'diagnostics',
    diagnostics: [{ severity: 'error', summary, at: { file, line: 1, column: 1 } }],
  };
}
