/** One pass of the compiler over texts in memory. Runs in the process, or in a worker thread when there is much to do. */
import { compile } from '../dsl/blueprint/compile.js';
import { sourceOf } from '../dsl/blueprint/source-of.js';
import type { Diagnostic } from '../dsl/diagnostics.js';
import { type JsonObject, type Plan, type PlanPlugin, usedPlugins } from '../dsl/plan.js';

export interface CompileRequest {
  readonly mainFile: string;
  /** By path in the blueprint's folder. */
  readonly texts: ReadonlyMap<string, string>;
  /** All files of the folder, also those whose text is not there. */
  readonly paths: ReadonlySet<string>;
  /** Imports from elsewhere, by the name in the import. */
  readonly imported: ReadonlyMap<string, string>;
  /** Sections that stand in the place of what such an import's text says. */
  readonly replaced: ReadonlyMap<string, JsonObject>;
  /** Imports from elsewhere that cannot be had, with the reason. */
  readonly unavailable: ReadonlyMap<string, string>;
  /** `source`: not a plan, but the blueprint as others import it. */
  readonly wants?: 'source';
}

export type CompileAnswer =
  | { readonly kind: 'plan'; readonly plan: CompiledPlan; readonly warnings: readonly Diagnostic[] }
  /** YAML. */
  | { readonly kind: 'source'; readonly text: string }
  | { readonly kind: 'diagnostics'; readonly diagnostics: readonly Diagnostic[] }
  /** Imports from elsewhere that are missing in `imported` and in `unavailable`. */
  | { readonly kind: 'needs'; readonly imports: readonly string[]; readonly minor: number }
  /** Files that exist, but whose text is missing in `texts`. */
  | { readonly kind: 'lacks'; readonly paths: readonly string[] };

/** What the catalog keeps of a plan. The plan itself as text: it goes to the store as it is. */
export interface CompiledPlan {
  readonly json: string;
  readonly description: string | null;
  readonly requirements: Plan['requirements'];
  readonly labels: Plan['blueprintLabels'];
  /** Ids of blueprints it imports. */
  readonly importedBlueprints: readonly string[];
  /** Those that run some operation or workflow of it. */
  readonly plugins: readonly PlanPlugin[];
}

export function compileOnce(request: CompileRequest): CompileAnswer {
  const lacking = new Set<string>();
  const asked = {
    mainFile: request.mainFile,
    imported: request.imported,
    replaced: request.replaced,
    unavailable: request.unavailable,
    exists: (path: string) => request.paths.has(path),
    read: (path: string) => {
      const text = request.texts.get(path);
      if (text === undefined && request.paths.has(path)) lacking.add(path);
      return text ?? null;
    },
  };
  const result = request.wants === 'source' ? sourceOf(asked) : compile(asked);
  if (lacking.size > 0) return { kind: 'lacks', paths: [...lacking] };
  if (result.kind === 'source') return { kind: 'source', text: JSON.stringify(result.source) };
  if (result.kind !== 'plan') return result;
  const { plan, warnings } = result;
  return {
    kind: 'plan',
    warnings,
    plan: {
      json: JSON.stringify(plan),
      description: plan.description,
      requirements: plan.requirements,
      labels: plan.blueprintLabels,
      importedBlueprints: plan.importedBlueprints,
      plugins: usedPlugins(plan),
    },
  };
}
