/**
 * A blueprint as others import it (`ns--blueprint:ID`): all its files as one text, without the base types.
 *
 * It says itself which blueprints it imports, and under which namespaces, because their files stay where they are.
 */
import type { Diagnostic } from '../diagnostics.js';
import { isObject } from '../json.js';
import type { Json, JsonObject } from '../plan.js';
import type { CompileRequest } from './compile.js';
import { findFiles } from './imports.js';
import { DEFAULT_LIMITS } from './limits.js';
import { Merger } from './merge.js';
import { Report } from './report.js';
import { NAMED, SECTION_RULES, type SectionName } from './sections.js';

export type SourceResult =
  | { readonly kind: 'source'; readonly source: JsonObject }
  | { readonly kind: 'diagnostics'; readonly diagnostics: Diagnostic[] }
  | { readonly kind: 'needs'; readonly imports: string[]; readonly minor: number };

export function sourceOf(request: CompileRequest): SourceResult {
  const limits = { ...DEFAULT_LIMITS, ...request.limits };
  const report = new Report(limits.diagnostics);
  const imports = findFiles(request, limits, report);
  if (imports === null || report.failed) return { kind: 'diagnostics', diagnostics: report.diagnostics() };
  const { minor, text } = imports.version;
  if (imports.missing.length > 0) return { kind: 'needs', imports: [...imports.missing], minor };
  const merger = new Merger(minor, { report, minor });
  for (const [index, { file, value, namespace }] of imports.files.entries())
    merger.add(file, value, namespace, index === 0);
  if (report.failed) return { kind: 'diagnostics', diagnostics: report.diagnostics() };
  const { sections, wholes } = merger.result();
  const source: JsonObject = { tosca_definitions_version: text };
  const base = imports.files.find(({ file }) => file.bundled);
  if (base !== undefined) source.imports = ['cloudify/types/types.yaml'];
  for (const name of Object.keys(SECTION_RULES) as SectionName[]) {
    const whole = wholes.get(name);
    if (whole !== undefined && !whole.place.file.bundled && !OWN.has(name)) source[name] = whole.value;
    if (!NAMED.includes(name)) continue;
    const entries: { [name: string]: Json } = {};
    for (const entry of sections[name].values()) if (!entry.bundled) entries[entry.name] = entry.value;
    if (Object.keys(entries).length > 0) source[name] = entries;
  }
  if (imports.blueprints.length > 0) {
    source.imported_blueprints = [...imports.blueprints];
    source.namespaces_mapping = { ...imports.namespaces };
  }
  return { kind: 'source', source };
}

/** Sections that say something about the file they stand in. */
const OWN: ReadonlySet<string> = new Set(
  Object.entries(SECTION_RULES).flatMap(([name, rule]) =>
    isObject(rule as unknown as Json) && rule.merge === 'own' ? [name] : [],
  ),
);
