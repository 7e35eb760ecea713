/** Blueprints nobody means to write: a sample, changed in its letters, its lines or its structure. */
import { load } from 'js-yaml';
import { PARTS, PLUGIN } from './blueprint-samples.js';
import { type Chance, chanceOf } from './chance.js';
import { garbageText, garbageValue } from './garbage.js';

export interface SpoiltBlueprint {
  /** The main file is `blueprint.yaml`. */
  readonly files: Readonly<Record<string, string>>;
  /** Answers imports of plugins. */
  readonly plugin: string;
  /** Answers every other import that is no file. */
  readonly imported: string;
  /** What a deployment is given, beside what the plan declares. */
  readonly inputs: Readonly<Record<string, unknown>>;
}

type Tree = { [key: string]: unknown } | unknown[];

const FUNCTIONS = [
  'get_input',
  'get_property',
  'get_attribute',
  'get_attributes_list',
  'get_attributes_dict',
  'get_secret',
  'get_capability',
  'get_environment_capability',
  'get_group_capability',
  'get_label',
  'get_sys',
  'get_consumers',
  'concat',
  'merge',
  'string_find',
  'string_replace',
  'string_split',
  'string_lower',
  'string_upper',
];
const WORDS = [
  ...['SELF', 'SOURCE', 'TARGET', 'vm', 'web', 'db', 'count', 'names', 'at', 'street', 'ns--vm', 'a--count'],
  ...[
    'type',
    'properties',
    'interfaces',
    'derived_from',
    'default',
    'cloudify.nodes.Root',
    'worker',
    'branch',
  ],
  ...[
    'imports',
    'node_templates',
    'blueprint.yaml',
    'parts.yaml',
    'ns--parts.yaml',
    'x--blueprint:other',
    '--',
    'plugin:p',
  ],
  ...[
    'UNBOUNDED',
    'cloudify_dsl_1_0',
    'cloudify_dsl_1_2',
    'string',
    'integer',
    'regex',
    '(a+)+$',
    'tool.x',
    'script',
  ],
];
const SCRAPS = [
  '\n',
  ' ',
  '  ',
  '\t',
  ': ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  ',',
  '&a ',
  '*a',
  '<<: ',
  '|\n',
  '>-\n',
  '#',
  "'",
  '"',
  '---\n',
  '? ',
  '!!str ',
  '\u0000',
  '\u00e4',
  '%',
  '~',
];

export function spoiltBlueprint(samples: readonly string[], seed: number, number: number): SpoiltBlueprint {
  const chance = chanceOf(seed, number);
  const main = spoilt(chance.pick(samples), samples, chance);
  const part = chance.oneIn(4) ? spoilt(PARTS, samples, chance) : PARTS;
  return {
    files: { 'blueprint.yaml': main, 'parts.yaml': part, 'types.yaml': chance.pick(samples) },
    plugin: chance.oneIn(4) ? spoilt(PLUGIN, samples, chance) : PLUGIN,
    imported: chance.oneIn(4) ? spoilt(PARTS, samples, chance) : part,
    inputs: Object.fromEntries(
      Array.from({ length: chance.whole(3) }, () => [chance.pick(WORDS), garbageValue(chance)]),
    ),
  };
}

function spoilt(sample: string, samples: readonly string[], chance: Chance): string {
  switch (chance.whole(4)) {
    case 0:
      return spoiltLetters(sample, chance);
    case 1:
      return spoiltLines(sample, chance.pick(samples), chance);
    default:
      return spoiltStructure(sample, samples, chance);
  }
}

/** Mostly one: what is wrong in one place only gets furthest. */
function changes(chance: Chance): number {
  return chance.oneIn(2) ? 1 : 1 + chance.whole(4);
}

function spoiltLetters(text: string, chance: Chance): string {
  let result = text;
  for (let times = changes(chance); times > 0; times--) {
    const at = chance.whole(result.length + 1);
    const length = chance.whole(chance.pick([2, 10, 200]));
    const piece = result.slice(at, at + length);
    const instead = chance.pick([
      '',
      piece + piece,
      chance.pick(SCRAPS),
      chance.pick(WORDS),
      piece.toUpperCase(),
    ]);
    result = result.slice(0, at) + instead + result.slice(at + length);
  }
  return chance.oneIn(40) ? garbageText(chance) : result;
}

function spoiltLines(text: string, other: string, chance: Chance): string {
  const lines = text.split('\n');
  const others = other.split('\n');
  for (let times = changes(chance); times > 0; times--) {
    const at = chance.whole(lines.length);
    const line = lines[at] ?? '';
    switch (chance.whole(6)) {
      case 0:
        lines.splice(at, 1 + chance.whole(3));
        break;
      case 1:
        lines.splice(at, 0, line);
        break;
      case 2:
        lines[at] = `  ${line}`;
        break;
      case 3:
        lines[at] = line.replace(/^ {2}/, '');
        break;
      case 4:
        lines.splice(at, 0, chance.pick(others));
        break;
      default:
        lines[at] = line.replace(/:.*/, `: ${JSON.stringify(garbageValue(chance))}`);
    }
  }
  return lines.join('\n');
}

/** JSON is YAML: a changed tree is written as such. */
function spoiltStructure(text: string, samples: readonly string[], chance: Chance): string {
  const tree = treeOf(text);
  if (tree === null) return spoiltLetters(text, chance);
  for (let times = changes(chance); times > 0; times--) spoilSomewhere(tree, samples, chance);
  try {
    return JSON.stringify(tree).replace(/[\u0080-\uffff]/g, (letter) => (chance.oneIn(3) ? letter : '?'));
  } catch {
    return text;
  }
}

/** What a sample holds, as JSON: samples are read again and again. */
const known = new Map<string, string | null>();

function treeOf(text: string): Tree | null {
  let json = known.get(text);
  if (json === undefined) {
    json = jsonOf(text);
    known.set(text, json);
  }
  return json === null ? null : (JSON.parse(json) as Tree);
}

function jsonOf(text: string): string | null {
  try {
    const value = load(text);
    return typeof value === 'object' && value !== null ? JSON.stringify(value) : null;
  } catch {
    return null;
  }
}

function spoilSomewhere(tree: Tree, samples: readonly string[], chance: Chance): void {
  const path = holdersOf(tree, chance);
  const holder = path.at(-1)!;
  const keys = Object.keys(holder);
  const key = keys.length === 0 ? 'x' : chance.pick(keys);
  const table = holder as { [key: string]: unknown };
  const rename = (name: string) => {
    if (name === '__proto__') return;
    table[name] = table[key];
    if (!Array.isArray(holder)) delete table[key];
  };
  switch (chance.whole(10)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key) || 0, 1);
      else delete table[key];
      break;
    case 1:
      rename(chance.oneIn(2) ? `${key}x` : chance.pick(WORDS));
      break;
    case 2:
      table[key] = garbageValue(chance);
      break;
    case 3:
    case 4:
      table[key] = aFunction(chance, 0);
      break;
    case 5: {
      const other = treeOf(chance.pick(samples));
      if (other !== null) table[key] = holdersOf(other, chance).at(-1);
      break;
    }
    case 6:
      table[key] = chance.pick(WORDS);
      break;
    case 7: {
      const above = chance.pick(path);
      table[key] = JSON.parse(JSON.stringify(above));
      break;
    }
    case 8: {
      const other = chance.pick(path) as { [key: string]: unknown };
      const otherKey = chance.pick(Object.keys(other).concat('y'));
      table[chance.oneIn(2) ? key : otherKey] = JSON.parse(JSON.stringify(other[otherKey] ?? null));
      break;
    }
    default:
      table[key] = chance.pick([null, [], {}, '', 0, -1, 1e9, 1.5, true, 'a'.repeat(3000)]);
  }
}

/** A way down the tree, from its root to some table or list in it. */
function holdersOf(tree: Tree, chance: Chance): Tree[] {
  const path: Tree[] = [tree];
  for (let depth = 0; depth < 12; depth++) {
    const inside = Object.values(path.at(-1)!).filter(
      (value): value is Tree => typeof value === 'object' && value !== null,
    );
    if (inside.length === 0 || (depth > 1 && chance.oneIn(4))) break;
    path.push(chance.pick(inside));
  }
  return path;
}

function aFunction(chance: Chance, depth: number): unknown {
  const argument = (): unknown =>
    depth < 4 && chance.oneIn(4)
      ? aFunction(chance, depth + 1)
      : chance.oneIn(8)
        ? garbageValue(chance)
        : chance.pick(WORDS);
  const args = chance.oneIn(3) ? argument() : Array.from({ length: chance.whole(5) }, argument);
  return { [chance.pick(FUNCTIONS)]: args, ...(chance.oneIn(10) ? { type: chance.pick(WORDS) } : {}) };
}
