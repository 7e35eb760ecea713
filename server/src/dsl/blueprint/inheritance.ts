/** `derived_from`: who descends from whom. Iterative and linear, however long a chain somebody writes. */
import { isObject } from '../json.js';
import type { Entry, Section } from './entry.js';
import { CODE, type Report } from './report.js';

/** The name of the parent type; null without. */
export function parentOf(entry: Entry): string | null {
  const parent = isObject(entry.value) ? entry.value.derived_from : undefined;
  return typeof parent === 'string' ? parent : null;
}

/**
 * Reports unknown parents (103), circles (100) and chains that are too long, each once.
 *
 * Afterwards `sound` names the types whose whole ancestry is in order: only those may be flattened.
 */
export function checkAncestry(
  section: Section,
  kind: string,
  longest: number,
  report: Report,
): ReadonlySet<string> {
  const depth = new Map<string, number>();
  const broken = new Set<string>();
  for (const start of section.keys()) {
    const trail: string[] = [];
    const onTrail = new Set<string>();
    let name: string | null = start;
    let bad = false;
    while (name !== null && !depth.has(name) && !broken.has(name)) {
      if (onTrail.has(name)) {
        const circle = [...trail.slice(trail.indexOf(name)), name].join(' --> ');
        report.error(section.get(name)!.place, CODE.cycle, `Circular dependency detected: ${circle}`);
        bad = true;
        break;
      }
      onTrail.add(name);
      trail.push(name);
      const entry: Entry = section.get(name)!;
      const parent = parentOf(entry);
      if (parent !== null && !section.has(parent)) {
        report.error(
          entry.place.at('derived_from'),
          CODE.unknownType,
          `Missing definition for ${kind} '${parent}', which '${name}' is derived from${report.meant(parent, section.keys())}`,
        );
        bad = true;
        break;
      }
      name = parent;
    }
    bad ||= name !== null && broken.has(name);
    let level = name === null ? 0 : (depth.get(name) ?? 0);
    for (const each of trail.reverse()) {
      level++;
      if (!bad && level > longest + 1) {
        report.error(section.get(each)!.place, null, `'${each}' has more than ${longest} ancestors`);
        bad = true;
      }
      if (bad) broken.add(each);
      else depth.set(each, level);
    }
  }
  return new Set(depth.keys());
}

/** A type's ancestors, root first, itself last. Only for names that `checkAncestry` found sound. */
export function lineage(section: Section, name: string): Entry[] {
  const line: Entry[] = [];
  for (let at: string | null = name; at !== null; ) {
    const entry: Entry = section.get(at)!;
    line.push(entry);
    at = parentOf(entry);
  }
  return line.reverse();
}
