/** A YAML text of the language that is no blueprint, such as a plugin's: read with the same bounds. Pure. */
import type { Diagnostic } from '../diagnostics.js';
import type { JsonObject } from '../plan.js';
import { DEFAULT_LIMITS } from './limits.js';
import { parse } from './parse.js';
import { Report } from './report.js';
import { SourceFile } from './source.js';

export type Fragment =
  | { readonly kind: 'value'; readonly value: JsonObject }
  | { readonly kind: 'diagnostics'; readonly diagnostics: readonly Diagnostic[] };

/** @param name as diagnostics tell it */
export function parseFragment(name: string, text: string): Fragment {
  const report = new Report(10);
  const value = parse(new SourceFile(name, text), DEFAULT_LIMITS, report);
  return value === null || report.failed
    ? { kind: 'diagnostics', diagnostics: report.diagnostics() }
    : { kind: 'value', value };
}
