/**
 * Finds all files of a blueprint, breadth first from the main one, parents before children.
 *
 * Files of the archive and the base types are at hand. Anything else (`https://…`, `plugin:…`, `blueprint:…`) is
 * asked for: this room does no I/O, so the names of what is missing go back to the caller, who fetches and calls
 * again. A file seen before under the same namespace is not read twice, so circles of imports are harmless.
 */
import { isObject, kindOf } from '../json.js';
import type { Json, JsonObject } from '../plan.js';
import { bundledTypes } from './bundled-types.js';
import { normalisePath } from './implementation.js';
import type { Limits } from './limits.js';
import { isNamespace, joinNamespaces, splitNamespace } from './namespaces.js';
import { parse } from './parse.js';
import { CODE, type Report } from './report.js';
import { Place, SourceFile } from './source.js';
import { SERVER_TYPES } from './types/servers.js';
import { readVersion, type Version } from './version.js';

export interface ImportRequest {
  readonly mainFile: string;
  readonly read: (path: string) => string | null;
  /** Texts of imports that are no files, by the import as written (a relative one inside a fetched file: by its URL). */
  readonly imported: ReadonlyMap<string, string>;
  /** Sections that stand in the place of what the text of an import says, by the same names. */
  readonly replaced?: ReadonlyMap<string, JsonObject>;
  /** Imports the caller cannot get, with the reason. */
  readonly unavailable?: ReadonlyMap<string, string>;
}

export interface ImportedFile {
  readonly file: SourceFile;
  readonly value: JsonObject;
  /** Empty: none. Nested ones are joined by `--`. */
  readonly namespace: string;
  /** Properties given with the import of a plugin. */
  readonly properties: { readonly values: JsonObject; readonly place: Place } | null;
}

export interface Imports {
  readonly version: Version;
  /** The main file first. */
  readonly files: readonly ImportedFile[];
  readonly missing: readonly string[];
  /** Ids of blueprints imported with `blueprint:`. */
  readonly blueprints: readonly string[];
  /** Namespace -> id of the blueprint it stands for. */
  readonly namespaces: Readonly<Record<string, string>>;
}

type Found =
  | { readonly kind: 'file'; readonly file: SourceFile; readonly folder: string; readonly id: string }
  | { readonly kind: 'bundled'; readonly file: SourceFile; readonly value: JsonObject; readonly id: string }
  | { readonly kind: 'missing'; readonly name: string }
  | { readonly kind: 'none'; readonly reason: string };

interface Pending {
  readonly name: string;
  readonly namespace: string;
  readonly place: Place;
  /** Folder of the importing file: a path in the archive, or a URL ending in `/`. */
  readonly folder: string;
  readonly properties: JsonObject | null;
}

/** Node types for servers of the inventory. */
const SERVER_TYPES_NAME = 'orrery/servers.yaml';
const URL_LIKE = /^https?:\/\//i;
const FETCHED = /^(?:https?:\/\/|plugin:|blueprint:)/i;

/** All files; null when the main one cannot be used. Troubles are reported. */
export function findFiles(request: ImportRequest, limits: Limits, report: Report): Imports | null {
  const text = request.read(request.mainFile);
  const main = new SourceFile(request.mainFile, text ?? '');
  if (text === null) {
    report.error(new Place(main), CODE.importNotFound, `There is no file '${request.mainFile}'`);
    return null;
  }
  const value = parse(main, limits, report);
  if (value === null) return null;
  const version = readVersion(value.tosca_definitions_version, new Place(main), report);
  if (version === null) return null;
  const search = new Search(request, version, limits, report);
  search.run({ file: main, value, namespace: '', properties: null }, folderOf(request.mainFile));
  return search.result();
}

class Search {
  private readonly files: ImportedFile[] = [];
  private readonly missing = new Set<string>();
  private readonly blueprints: string[] = [];
  private readonly namespaces: Record<string, string> = {};
  private readonly seen = new Set<string>();
  private readonly parsed = new Map<string, JsonObject | null>();

  constructor(
    private readonly request: ImportRequest,
    private readonly version: Version,
    private readonly limits: Limits,
    private readonly report: Report,
  ) {}

  run(main: ImportedFile, folder: string): void {
    this.files.push(main);
    this.seen.add(`\n${main.file.name}`);
    const queue = this.importsOf(main, folder);
    for (let at = 0; at < queue.length; at++) {
      const pending = queue[at]!;
      if (this.files.length >= this.limits.files) {
        this.report.error(
          pending.place,
          null,
          `A blueprint may consist of at most ${this.limits.files} files`,
        );
        return;
      }
      const found = this.find(pending);
      if (found.kind === 'missing') this.missing.add(found.name);
      else if (found.kind === 'none') this.report.error(pending.place, CODE.importNotFound, found.reason);
      else queue.push(...this.take(pending, found));
    }
  }

  result(): Imports {
    const { version, files, blueprints, namespaces } = this;
    return { version, files, missing: [...this.missing], blueprints, namespaces };
  }

  private take(pending: Pending, found: Found & { kind: 'file' | 'bundled' }): Pending[] {
    const bundled = found.kind === 'bundled';
    const namespace = bundled ? '' : pending.namespace;
    const key = `${namespace}\n${found.id}`;
    if (this.seen.has(key)) return [];
    this.seen.add(key);
    if (pending.name.startsWith('blueprint:') && !this.noteBlueprint(pending)) return [];
    if (found.kind === 'bundled') {
      this.files.push({ file: found.file, value: found.value, namespace: '', properties: null });
      return [];
    }
    const value = this.parsed.has(found.id) ? this.parsed.get(found.id)! : this.parse(found);
    this.parsed.set(found.id, value);
    if (value === null || !this.isVersionFine(value, found.file, pending.place)) return [];
    const properties =
      pending.properties === null ? null : { values: pending.properties, place: pending.place };
    if (pending.name.startsWith('blueprint:')) this.noteNested(value.namespaces_mapping, namespace);
    const imported: ImportedFile = { file: found.file, value, namespace, properties };
    this.files.push(imported);
    return this.importsOf(imported, found.folder);
  }

  private parse({ file, id }: Found & { kind: 'file' }): JsonObject | null {
    const value = parse(file, this.limits, this.report);
    const replaced = this.request.replaced?.get(id);
    return value === null || replaced === undefined ? value : { ...value, ...replaced };
  }

  /** An import may speak the same or an older version of the language, or not say which. */
  private isVersionFine(value: JsonObject, file: SourceFile, from: Place): boolean {
    const written = value.tosca_definitions_version;
    if (written === undefined || written === null) return true;
    const version = readVersion(written, new Place(file), this.report);
    if (version === null) return false;
    if (version.minor <= this.version.minor) return true;
    this.report.error(
      from,
      CODE.importVersion,
      `An import uses a newer tosca_definitions_version (${version.text}) than the main blueprint's ${this.version.text}`,
    );
    return false;
  }

  private noteBlueprint(pending: Pending): boolean {
    const id = pending.name.slice('blueprint:'.length);
    if (pending.namespace === '') {
      this.report.error(
        pending.place,
        CODE.namespaceMissing,
        `Importing blueprint '${id}' needs a namespace: 'name--${pending.name}'`,
      );
      return false;
    }
    const other = Object.hasOwn(this.namespaces, pending.namespace)
      ? this.namespaces[pending.namespace]
      : undefined;
    if (other !== undefined && other !== id) {
      this.report.error(
        pending.place,
        CODE.namespaceTaken,
        `The namespace '${pending.namespace}' stands for blueprint '${other}' already`,
      );
      return false;
    }
    this.namespaces[pending.namespace] = id;
    if (!this.blueprints.includes(id)) this.blueprints.push(id);
    return true;
  }

  /** Blueprints that an imported blueprint imports: their files are found through its namespace. */
  private noteNested(mapping: Json | undefined, namespace: string): void {
    if (!isObject(mapping)) return;
    for (const [inner, id] of Object.entries(mapping)) {
      if (typeof id !== 'string') continue;
      this.namespaces[joinNamespaces(namespace, inner)] = id;
      if (!this.blueprints.includes(id)) this.blueprints.push(id);
    }
  }

  private importsOf({ file, value, namespace }: ImportedFile, folder: string): Pending[] {
    const raw = value.imports;
    if (raw === undefined || raw === null) return [];
    const place = new Place(file).at('imports');
    if (!Array.isArray(raw)) {
      this.report.error(place, CODE.format, `Expected 'list' type but found '${kindOf(raw)}' type`);
      return [];
    }
    const names = new Set<string>();
    const pending: Pending[] = [];
    for (const [index, each] of raw.entries()) {
      const read = this.readImport(each, place.at(index));
      if (read === null) continue;
      if (names.has(read.written)) {
        this.report.error(place.at(index), CODE.duplicateImport, `Duplicate imports: '${read.written}'`);
        continue;
      }
      names.add(read.written);
      const [own, name] = splitNamespace(read.written);
      if (own !== '' && !isNamespace(own)) {
        this.report.error(place.at(index), CODE.namespaceFormat, `'${own}' cannot be a namespace`);
        continue;
      }
      if (own !== '' && bundledTypes(name, this.version.minor) !== null) {
        this.report.error(
          place.at(index),
          CODE.namespaceTaken,
          'The base types cannot be imported under a namespace',
        );
        continue;
      }
      pending.push({
        name,
        namespace: joinNamespaces(namespace, own),
        place: place.at(index),
        folder,
        properties: read.properties,
      });
    }
    return pending;
  }

  private readImport(value: Json, place: Place): { written: string; properties: JsonObject | null } | null {
    if (typeof value === 'string') return { written: value, properties: null };
    if (isObject(value) && Object.keys(value).length === 1) {
      const written = Object.keys(value)[0]!;
      const properties = value[written]!;
      if (this.version.minor < 5) {
        this.report.error(
          place,
          CODE.tooNew,
          `An import with properties is not supported in version ${this.version.text}, it was added in cloudify_dsl_1_5`,
        );
      } else if (isObject(properties)) return { written, properties };
      else
        this.report.error(place, CODE.importMapping, `The properties of import '${written}' must be a dict`);
      return null;
    }
    this.report.error(
      place,
      CODE.importMapping,
      'An import is a name, or a mapping of one name to its properties',
    );
    return null;
  }

  private find(pending: Pending): Found {
    const { name, folder } = pending;
    const inArchive = FETCHED.test(name) || URL_LIKE.test(folder) ? null : this.findInArchive(name, folder);
    if (inArchive !== null) return inArchive;
    const bundled = bundledTypes(name, this.version.minor);
    if (bundled !== null) return { kind: 'bundled', ...bundled, id: bundled.file.name };
    // Ours too, but an ordinary file: it may be imported under a namespace, and goes along with a blueprint's source.
    if (name === SERVER_TYPES_NAME) {
      return { kind: 'file', file: new SourceFile(name, SERVER_TYPES), folder: '', id: name };
    }
    const wanted =
      URL_LIKE.test(folder) && !FETCHED.test(name)
        ? resolveUrl(name, folder)
        : FETCHED.test(name)
          ? name
          : null;
    if (wanted === null) return { kind: 'none', reason: `Import failed: no file '${name}' was found` };
    const text = this.request.imported.get(wanted);
    if (text !== undefined) {
      const at = URL_LIKE.test(wanted) ? wanted.slice(0, wanted.lastIndexOf('/') + 1) : '';
      return { kind: 'file', file: new SourceFile(wanted, text), folder: at, id: wanted };
    }
    const reason = this.request.unavailable?.get(wanted);
    if (reason !== undefined) return { kind: 'none', reason: `Import failed: '${wanted}': ${reason}` };
    return { kind: 'missing', name: wanted };
  }

  /** As given from the top, beside the importing file; each first in an edition of its own for this version. */
  private findInArchive(name: string, folder: string): Found | null {
    for (const base of folder === '' ? [''] : [folder, '']) {
      for (const candidate of [withEdition(name, this.version.minor), name]) {
        const path = normalisePath(base === '' ? candidate : `${base}/${candidate}`);
        const text = path === null ? null : this.request.read(path);
        if (path !== null && text !== null) {
          return { kind: 'file', file: new SourceFile(path, text), folder: folderOf(path), id: path };
        }
      }
    }
    return null;
  }
}

export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function withEdition(name: string, minor: number): string {
  const dot = name.lastIndexOf('.');
  return dot <= name.lastIndexOf('/')
    ? `${name}_1_${minor}`
    : `${name.slice(0, dot)}_1_${minor}${name.slice(dot)}`;
}

function resolveUrl(name: string, base: string): string | null {
  try {
    return new URL(name, base).href;
  } catch {
    return null;
  }
}
