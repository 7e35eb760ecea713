/**
 * Where imports that are no files come from: `plugin:NAME…`, `blueprint:ID`.
 *
 * The compiler (`dsl/`) is pure: it asks for names it lacks, the catalog finds them and compiles again. What gives texts
 * for one scheme is an `ImportSource`, asked once for each name of an upload, outside of any transaction. What a blueprint
 * was compiled from must stay: `standsOn` is handed to the transaction that makes the blueprint appear, which refuses
 * when one of these is gone by then.
 */
import type { TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import type { BlueprintUid, PluginUid } from '../ids.js';

export type ImportScheme = 'plugin' | 'blueprint';

export interface ImportAsked {
  /** For whom: what they may not see is not there. */
  readonly scope: TenantScope;
  /** What stands behind the scheme and its colon, e.g. `cool-plugin?version=>=1.0,<2`. */
  readonly name: string;
  /** Of the main blueprint's version of the language: 3 for `cloudify_dsl_1_3`. */
  readonly minor: number;
}

export type ImportFound =
  | {
      readonly kind: 'text';
      /** YAML, as a file would hold it. Its own imports are found as the importing file's are. */
      readonly text: string;
      /** Sections that stand in the place of what the text says. */
      readonly replaced?: JsonObject;
      readonly standsOn?: StandsOn;
    }
  /** For the author, as the end of a sentence about the import. */
  | { readonly kind: 'absent'; readonly problem: string };

/** Something in the catalog that must stay while the blueprint does. */
export type StandsOn = { readonly plugin: PluginUid } | { readonly blueprint: BlueprintUid };

export interface ImportSource {
  /** Throws nothing for what an author can write. */
  find(asked: ImportAsked): Promise<ImportFound>;
}

/** A scheme without a source: such imports are told to be unsupported. */
export type ImportSources = Readonly<Partial<Record<ImportScheme, ImportSource>>>;

/** `plugin:x?…` in its two parts; null for anything that has no scheme of ours. */
export function splitScheme(name: string): { readonly scheme: ImportScheme; readonly rest: string } | null {
  const found = /^(plugin|blueprint):(.*)$/is.exec(name);
  if (found === null) return null;
  return { scheme: found[1]!.toLowerCase() as ImportScheme, rest: found[2]! };
}
