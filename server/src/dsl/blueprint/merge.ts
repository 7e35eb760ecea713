/** Several files become one blueprint: section by section, name by name. */
import { isObject } from '../json.js';
import type { Json, JsonObject } from '../plan.js';
import type { Entry, Section } from './entry.js';
import { renamed } from './namespaces.js';
import { CODE } from './report.js';
import { NAMED, ruleOf, SECTION_RULES, type SectionName } from './sections.js';
import { expected, type ShapeCheck, tooNew } from './shape.js';
import { Place, type SourceFile } from './source.js';

/** Sections that authors write. */
const WRITTEN = Object.keys(SECTION_RULES).filter(
  (name) => name !== 'imported_blueprints' && name !== 'namespaces_mapping',
);

/** What all files together say. */
export interface Merged {
  readonly sections: Readonly<Record<SectionName, Section>>;
  /** Sections that are not tables of names, by the first file that has them. */
  readonly wholes: ReadonlyMap<SectionName, { readonly value: Json; readonly place: Place }>;
}

export class Merger {
  private readonly sections = Object.fromEntries(
    Object.keys(SECTION_RULES).map((name) => [name, new Map() as Section]),
  ) as unknown as Record<SectionName, Section>;
  private readonly wholes = new Map<SectionName, { value: Json; place: Place }>();
  private readonly seen = new Set<string>();

  /** `minor`: the main file's version. */
  constructor(
    private readonly minor: number,
    private readonly check: ShapeCheck,
  ) {}

  /** Adds a file; the main one first. Under a namespace its names are changed, its places stay as written. */
  add(file: SourceFile, written: JsonObject, namespace: string, isMain: boolean): void {
    const raw = namespace === '' ? written : renamed(written, namespace);
    const root = new Place(file);
    for (const name in raw) {
      const value = raw[name]!;
      const place = root.at(name);
      const rule = ruleOf(name);
      if (rule === null) {
        const known = WRITTEN;
        const { report } = this.check;
        report.error(
          place,
          CODE.format,
          `'${name}' is not in schema${report.meant(name, known)}. Valid schema values: [${known.join(', ')}]`,
        );
        continue;
      }
      if (value === null) continue;
      if (rule.since > this.check.minor && !file.bundled) tooNew(`'${name}'`, rule.since, place, this.check);
      const section = name as SectionName;
      if (NAMED.includes(section)) this.addNames(section, value, place, namespace, file.bundled);
      else if (isMain || rule.merge !== 'own') this.addWhole(section, value, place, file.bundled);
    }
  }

  result(): Merged {
    return { sections: this.sections, wholes: this.wholes };
  }

  private addWhole(name: SectionName, value: Json, place: Place, bundled: boolean): void {
    const rule = ruleOf(name)!;
    if (!bundled) rule.shape(value, place, this.check);
    const before = this.wholes.get(name);
    if (before === undefined || (before.place.file.bundled && !bundled))
      this.wholes.set(name, { value, place });
    else if (rule.merge === 'once') this.notMergeable(name, place);
  }

  private addNames(name: SectionName, value: Json, place: Place, namespace: string, bundled: boolean): void {
    const rule = ruleOf(name)!;
    const { report } = this.check;
    if (!isObject(value)) {
      expected('dict', value, place, report);
      return;
    }
    const once = rule.merge === 'once' || (rule.mergeSince ?? 0) > this.minor;
    if (once && this.seen.has(name)) {
      this.notMergeable(name, place);
      return;
    }
    this.seen.add(name);
    const section = this.sections[name];
    for (const key in value) {
      // `name:` with nothing behind it stands for an empty mapping; whether that is enough, the shape says.
      const each = value[key] === null && name !== 'resource_tags' ? {} : value[key]!;
      const asWritten =
        namespace !== '' && key.startsWith(`${namespace}--`) ? key.slice(namespace.length + 2) : key;
      const entry: Entry = { name: key, value: each, place: place.at(asWritten), bundled };
      if (!bundled) rule.shape(each, entry.place, this.check);
      const before = section.get(key);
      if (before === undefined) {
        section.set(key, entry);
        continue;
      }
      const merged = rule.merge === 'first-name' ? before : mergeEntries(name, before, entry);
      if (merged !== null) section.set(key, merged);
      else {
        const first = before.place.position();
        const where = `it is already defined in ${first.file}:${first.line}`;
        report.error(
          entry.place,
          CODE.mergeConflict,
          `Import failed: Could not merge '${name}' due to conflict on '${key}'`,
          where,
        );
      }
    }
  }

  private notMergeable(name: SectionName, place: Place): void {
    this.check.report.error(place, CODE.notMergeable, `Import failed: non-mergeable field: '${name}'`);
  }
}

/** The entry two files make of one name; null: they contradict each other. */
function mergeEntries(section: SectionName, before: Entry, entry: Entry): Entry | null {
  if (section === 'workflows') return mergeWorkflows(before, entry);
  if (section === 'node_templates') return mergeTemplates(before, entry);
  // What an author says wins over our base types; of several authors' `cloudify.*`, the last.
  if (before.bundled !== entry.bundled) return before.bundled ? entry : before;
  if (before.bundled) return before;
  return entry.name.startsWith('cloudify.') ? entry : null;
}

function mergeWorkflows(before: Entry, entry: Entry): Entry | null {
  const first = asMapping(before.value);
  const second = asMapping(entry.value);
  if (first === null || second === null) return null;
  if (!before.bundled && !entry.bundled && first.mapping !== second.mapping) return null;
  const [over, under, place] = before.bundled ? [second, first, entry.place] : [first, second, before.place];
  return { ...before, value: { ...under, ...over }, place, bundled: before.bundled && entry.bundled };
}

function asMapping(value: Json): JsonObject | null {
  if (typeof value === 'string') return { mapping: value };
  return isObject(value) ? value : null;
}

/** One side may add relationships to a node that the other defines. */
function mergeTemplates(before: Entry, entry: Entry): Entry | null {
  const onlyRelationships = (value: Json) =>
    isObject(value) && Object.keys(value).every((key) => key === 'relationships');
  const [defining, adding] = onlyRelationships(entry.value)
    ? [before, entry]
    : onlyRelationships(before.value)
      ? [entry, before]
      : [null, null];
  if (defining === null || adding === null || !isObject(defining.value) || !isObject(adding.value))
    return null;
  const relationships = [...listOf(before.value), ...listOf(entry.value)];
  return { ...defining, value: { ...defining.value, relationships } };
}

function listOf(value: Json): Json[] {
  const list = isObject(value) ? value.relationships : undefined;
  return Array.isArray(list) ? list : [];
}
