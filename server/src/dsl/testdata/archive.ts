/** A blueprint archive for tests: texts by path. */
import { type CompileRequest, type CompileResult, compile } from '../blueprint/compile.js';
import { formatDiagnostic } from '../diagnostics.js';
import type { Plan } from '../plan.js';

export type Archive = Readonly<Record<string, string>>;

export const PREPARE_CONTEXT = {
  tenant: 'default_tenant',
  deployment: { id: 'd1', name: 'First', blueprint: 'b1', owner: 'admin' },
};

/** A text is the main file; scripts below `scripts/` exist without being written out. */
export function requestOf(archive: string | Archive, more: Partial<CompileRequest> = {}): CompileRequest {
  const files: Archive = typeof archive === 'string' ? { 'blueprint.yaml': archive } : archive;
  const read = (path: string) => (Object.hasOwn(files, path) ? files[path]! : null);
  return {
    mainFile: 'blueprint.yaml',
    read,
    exists: (path) => Object.hasOwn(files, path) || path.startsWith('scripts/'),
    imported: new Map(),
    ...more,
  };
}

/** The plan of a blueprint that has one. */
export function planOf(archive: string | Archive, more: Partial<CompileRequest> = {}): Plan {
  const result = compile(requestOf(archive, more));
  if (result.kind !== 'plan') throw new Error(troubles(result).join('\n'));
  return result.plan;
}

/** `line:column [code] summary` of each diagnostic; with the file when it is not the main one. */
export function troubles(result: CompileResult): string[] {
  if (result.kind === 'plan') return [];
  if (result.kind === 'needs') return result.imports.map((each) => `needs ${each}`);
  return result.diagnostics.map((each) => {
    const { at, code } = each;
    const file = at.file === 'blueprint.yaml' ? '' : `${at.file}:`;
    return `${file}${at.line}:${at.column} [${code ?? ''}] ${formatDiagnostic(each).slice(`${at.file}:${at.line}:${at.column}: `.length)}`;
  });
}

export function troublesOf(archive: string | Archive, more: Partial<CompileRequest> = {}): string[] {
  return troubles(compile(requestOf(archive, more)));
}

/** The usual first lines. */
export const HEAD = `tosca_definitions_version: cloudify_dsl_1_5
imports: [cloudify/types/types.yaml]
`;
