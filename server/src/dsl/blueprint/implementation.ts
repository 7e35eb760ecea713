/** What an implementation text means: nothing, a script, or a function of a plugin (cloudify-engine.md §2.4). */
import type { PlanOperation, PlanPlugin } from '../plan.js';
import { SEPARATOR, withoutNamespaces } from './namespaces.js';
import { CODE } from './report.js';

export type Target =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'script';
      readonly plugin: string;
      readonly key: 'script_path' | 'script_source';
      readonly value: string;
    }
  | {
      readonly kind: 'plugin';
      readonly plugin: string;
      readonly function: string;
      readonly executor: PlanOperation['executor'];
    }
  /** `code` null: the code of the place where it is used. */
  | { readonly kind: 'unknown'; readonly code: number | null; readonly message: string };

const URL_LIKE = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Which texts name files. */
export interface ScriptFiles {
  readonly exists: (path: string) => boolean;
  /** Folder of the main file; scripts may be named relative to it. Empty: the top. */
  readonly folder: string;
  /** Whether a namespaced path lies in another blueprint's archive. */
  readonly isElsewhere: (path: string) => boolean;
}

/** Resolves implementation texts against the plugins and files of one blueprint; each text once. */
export class Implementations {
  private readonly known = new Map<string, Target>();
  private readonly scriptPlugin: string | null;

  constructor(
    private readonly plugins: ReadonlyMap<string, Pick<PlanPlugin, 'name' | 'executor'>>,
    private readonly files: ScriptFiles,
  ) {
    const named = [...plugins.keys()].filter((name) => name.endsWith('script'));
    this.scriptPlugin = plugins.has('script') ? 'script' : (named[0] ?? null);
  }

  resolve(text: string): Target {
    const known = this.known.get(text);
    if (known !== undefined) return known;
    const target = this.find(text);
    this.known.set(text, target);
    return target;
  }

  private find(text: string): Target {
    if (text.trim() === '') return { kind: 'nothing' };
    if (text.includes('\n')) return this.script('script_source', text);
    if (URL_LIKE.test(text)) return this.script('script_path', text);
    const path = this.pathOf(text);
    if (path !== null) return this.script('script_path', path);
    const owners: string[] = [];
    for (let dot = text.indexOf('.'); dot >= 0; dot = text.indexOf('.', dot + 1)) {
      const name = text.slice(0, dot);
      if (this.plugins.has(name)) owners.push(name);
    }
    if (owners.length > 1) {
      const message = `Ambiguous implementation '${text}', plugins ${owners.join(', ')} all match`;
      return { kind: 'unknown', code: CODE.ambiguousImplementation, message };
    }
    const owner = owners[0];
    if (owner !== undefined && text.length > owner.length + 1) {
      const executor = this.plugins.get(owner)!.executor as PlanOperation['executor'];
      return { kind: 'plugin', plugin: owner, function: text.slice(owner.length + 1), executor };
    }
    return {
      kind: 'unknown',
      code: null,
      message: `Could not extract plugin or a script resource is not found from '${text}'`,
    };
  }

  private script(key: 'script_path' | 'script_source', value: string): Target {
    if (this.scriptPlugin !== null) return { kind: 'script', plugin: this.scriptPlugin, key, value };
    const message = `A plugin whose name ends in 'script' is needed to run scripts; the base types have one`;
    return { kind: 'unknown', code: CODE.scriptPlugin, message };
  }

  /** The file an implementation names, as a path in the archive; null when there is none. */
  private pathOf(text: string): string | null {
    const { exists, folder, isElsewhere } = this.files;
    if (isElsewhere(text)) return text;
    // A namespace keeps names apart; files are where they are.
    for (const each of text.includes(SEPARATOR) ? [text, withoutNamespaces(text)] : [text]) {
      const path = normalisePath(each);
      if (path === null) continue;
      if (exists(path)) return path;
      if (folder !== '' && exists(`${folder}/${path}`)) return `${folder}/${path}`;
    }
    return null;
  }
}

/** A relative path without `.`, `..` and doubled slashes; null when it is absolute or leads outside. */
export function normalisePath(path: string): string | null {
  if (path.startsWith('/') || path.includes('\\') || path.includes('\0')) return null;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (parts.pop() === undefined) return null;
    } else parts.push(part);
  }
  return parts.length === 0 ? null : parts.join('/');
}
