/** Compiles a blueprint, fetching what it imports from elsewhere as the compiler asks for it. */
import type { Diagnostic } from '../dsl/diagnostics.js';
import { DomainError } from '../errors.js';
import type { TenantId } from '../ids.js';
import type { CompiledPlan, CompileRequest } from './compile-once.js';
import type { CompilePool } from './compile-pool.js';

/** What plugins bring to the language. */
export interface PluginYamls {
  /** The YAML of the newest plugin that `requirement` (an import without its `plugin:`) allows; null without. */
  find(tenant: TenantId, requirement: string): Promise<string | null>;
}

export interface ImportSources {
  readonly tenant: TenantId;
  readonly plugins: PluginYamls | null;
  /** The text behind an http or https URL. Throws DomainError. */
  fetchText(url: string): Promise<string>;
  /** Texts of files in the archive. */
  readTexts(paths: ReadonlySet<string>): Promise<ReadonlyMap<string, string>>;
}

export type Compiled =
  | { readonly kind: 'plan'; readonly plan: CompiledPlan; readonly warnings: readonly Diagnostic[] }
  | { readonly kind: 'diagnostics'; readonly diagnostics: readonly Diagnostic[] };

/** Imports from elsewhere that one blueprint may have, and rounds of asking for more of them. */
const MAX_IMPORTS = 100;
const MAX_ROUNDS = 20;

/** @throws DomainError when the compile cannot be done; what the author did wrong comes back as diagnostics */
export async function compileBlueprint(
  blueprint: Pick<CompileRequest, 'mainFile' | 'texts' | 'paths'>,
  sources: ImportSources,
  pool: CompilePool,
): Promise<Compiled> {
  const texts = new Map(blueprint.texts);
  const imported = new Map<string, string>();
  const unavailable = new Map<string, string>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const answer = await pool.compile({ ...blueprint, texts, imported, unavailable });
    if (answer.kind === 'plan' || answer.kind === 'diagnostics') return answer;
    if (answer.kind === 'lacks') {
      for (const [path, text] of await sources.readTexts(new Set(answer.paths))) texts.set(path, text);
      continue;
    }
    if (imported.size + unavailable.size + answer.imports.length > MAX_IMPORTS) {
      return failed(blueprint.mainFile, `it imports more than ${MAX_IMPORTS} files from elsewhere`);
    }
    await Promise.all(
      answer.imports.map(async (name) => {
        const found = await find(name, sources);
        if ('text' in found) imported.set(name, found.text);
        else unavailable.set(name, found.problem);
      }),
    );
  }
  return failed(blueprint.mainFile, `its imports nest deeper than ${MAX_ROUNDS} levels`);
}

type Found = { readonly text: string } | { readonly problem: string };

async function find(name: string, sources: ImportSources): Promise<Found> {
  if (/^https?:/i.test(name)) {
    try {
      return { text: await sources.fetchText(name) };
    } catch (error) {
      if (error instanceof DomainError) return { problem: error.message };
      throw error;
    }
  }
  if (name.startsWith('plugin:')) {
    const text = (await sources.plugins?.find(sources.tenant, name.slice('plugin:'.length))) ?? null;
    return text === null ? { problem: `No installed plugin is \`${name}\`` } : { text };
  }
  return { problem: `Imports like \`${name}\` are not supported yet` };
}

function failed(file: string, problem: string): Compiled {
  const summary = `The blueprint cannot be compiled: ${problem}`;
  return {
    kind: 'diagnostics',
    diagnostics: [{ severity: 'error', summary, at: { file, line: 1, column: 1 } }],
  };
}
