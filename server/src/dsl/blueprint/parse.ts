/**
 * Text to values, safely.
 *
 * YAML as the language's reference parser reads it (version 1.1: `yes` is true, `0644` is octal, a later equal key
 * wins), but only what JSON can hold comes out: dates stay texts, so do numbers that JavaScript cannot hold
 * exactly, and infinities. What aliases stand for is measured before anybody walks it.
 */
import {
  boolYaml11Tag,
  CHOMPING_MODE,
  constructFromEvents,
  defineMappingTag,
  defineScalarTag,
  EVENT_ID,
  type Event,
  floatYaml11Tag,
  getScalarValue,
  intYaml11Tag,
  mapTag,
  mergeTag,
  NOT_RESOLVED,
  nullYaml11Tag,
  SCALAR_STYLE,
  Schema,
  seqTag,
  strTag,
  YAMLException,
} from 'js-yaml';
import { isObject, kindOf, measure } from '../json.js';
import type { Json, JsonObject } from '../plan.js';
import { parseLeniently } from './lenient-yaml.js';
import type { Limits } from './limits.js';
import { CODE, type Report } from './report.js';
import { PARSER_OPTIONS, Place, type SourceFile } from './source.js';

/** `y` and `n` alone are names to the reference parser, not booleans. */
const boolTag = defineScalarTag<boolean>('tag:yaml.org,2002:bool', {
  implicit: true,
  implicitFirstChars: [...'yYnNtTfFoO'],
  resolve: (source, isExplicit, tagName) =>
    source.length === 1 ? NOT_RESOLVED : boolYaml11Tag.resolve(source, isExplicit, tagName),
  identify: () => false,
});
const intTag = defineScalarTag<number>('tag:yaml.org,2002:int', {
  implicit: true,
  implicitFirstChars: [...'-+0123456789'],
  resolve: (source, isExplicit, tagName) => {
    // `10:30` is a number to the base of sixty; with a zero in front it is a text, as many a MAC address is.
    if (source.includes(':') && !/^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/.test(source)) return NOT_RESOLVED;
    const value = intYaml11Tag.resolve(source, isExplicit, tagName);
    return typeof value === 'number' && Number.isSafeInteger(value) ? value + 0 : NOT_RESOLVED;
  },
  identify: () => false,
});
const floatTag = defineScalarTag<number>('tag:yaml.org,2002:float', {
  implicit: true,
  implicitFirstChars: [...'-+.0123456789'],
  resolve: (source, isExplicit, tagName) => {
    if (source.includes(':') && !/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/.test(source))
      return NOT_RESOLVED;
    const value = floatYaml11Tag.resolve(source, isExplicit, tagName);
    return typeof value === 'number' && Number.isFinite(value) ? value : NOT_RESOLVED;
  },
  identify: () => false,
});
/** A key that could reach an object's prototype has no honest use here. */
const safeMapTag = defineMappingTag<Record<string, unknown>>('tag:yaml.org,2002:map', {
  ...mapTag,
  addPair: (container, key, value) => {
    if (key === '__proto__') return 'the key __proto__ is not allowed';
    return mapTag.addPair(container, key, value);
  },
});
const SCHEMA = new Schema([strTag, nullYaml11Tag, boolTag, intTag, floatTag, mergeTag, seqTag, safeMapTag]);

const ILLEGAL = /[\u0080-\uffff]/;

/** The file's mapping, or null after reporting why there is none. */
export function parse(file: SourceFile, limits: Limits, report: Report): JsonObject | null {
  const root = new Place(file);
  if (file.text.length > limits.fileCharacters) {
    report.error(root, CODE.yaml, `The file has more than ${limits.fileCharacters} characters`);
    return null;
  }
  const read = parseLeniently(file.text, PARSER_OPTIONS);
  file.isReadAs(read);
  if ('error' in read.outcome) {
    const { reason, mark } = read.outcome.error;
    report.error(placeOf(file, mark?.position ?? 0), CODE.yaml, `Illegal YAML: ${reason}`);
    return null;
  }
  const events = withoutAddedLineBreak(read.outcome.events, read.text);
  let documents: unknown[];
  try {
    documents = constructFromEvents(events, {
      source: read.text,
      schema: SCHEMA,
      json: true,
      maxTotalMergeKeys: 500_000,
    });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    report.error(placeOf(file, error.mark?.position ?? 0), CODE.yaml, `Illegal YAML: ${error.reason}`);
    return null;
  }
  if (documents.length > 1) {
    report.error(root, CODE.yaml, 'A file holds one YAML document, this one holds several');
    return null;
  }
  const value = (documents[0] ?? null) as Json;
  if (!isWithinLimits(value, events, root, limits, report)) return null;
  if (!file.bundled && ILLEGAL.test(file.text)) checkCharacters(file, events, report);
  if (!isObject(value)) {
    const found = documents.length === 0 || value === null ? 'is empty' : `holds a ${kindOf(value)}`;
    report.error(root, CODE.yaml, `A blueprint is a mapping of sections, but the file ${found}`);
    return null;
  }
  return value;
}

/** A block text that the file ends in ends in a line break only where the file does; the parser ends every file in one. */
function withoutAddedLineBreak(events: Event[], text: string): Event[] {
  if (text.endsWith('\n') || text.endsWith('\r')) return events;
  const index = events.findLastIndex(({ type }) => type === EVENT_ID.SCALAR);
  const last = events[index];
  if (last?.type !== EVENT_ID.SCALAR || last.valueEnd !== text.length) return events;
  if (last.style !== SCALAR_STYLE.LITERAL_BLOCK && last.style !== SCALAR_STYLE.FOLDED_BLOCK) return events;
  return events.with(index, { ...last, chomping: CHOMPING_MODE.STRIP });
}

function isWithinLimits(
  value: Json,
  events: readonly Event[],
  root: Place,
  limits: Limits,
  report: Report,
): boolean {
  // Without an alias the text itself bounds everything, and so does the parser's depth.
  if (!events.some((event) => event.type === EVENT_ID.ALIAS)) return true;
  const extent = measure(value);
  if (extent === null) report.error(root, CODE.yaml, 'An alias stands inside of what it stands for');
  else if (extent.values > limits.values || extent.characters > limits.characters) {
    report.error(root, CODE.yaml, 'The aliases stand for more than a blueprint may hold');
  } else if (extent.depth > limits.depth) {
    report.error(root, CODE.yaml, `Values are nested more than ${limits.depth} levels deep`);
  } else return true;
  return false;
}

/** Comments may say anything; what the blueprint means is ASCII (error 108 of the reference parser). */
function checkCharacters(file: SourceFile, events: readonly Event[], report: Report): void {
  for (const event of events) {
    if (event.type !== EVENT_ID.SCALAR) continue;
    const found = ILLEGAL.exec(getScalarValue(file.readable, event));
    if (found === null) continue;
    const at = file.readable.indexOf(found[0], event.valueStart);
    const offset = at >= 0 && at < event.valueEnd ? at : event.valueStart;
    const place = placeOf(file, offset);
    report.error(
      place,
      CODE.illegalCharacters,
      `Illegal character ${JSON.stringify(found[0])}: only ASCII is allowed outside of comments`,
    );
  }
}

/** A place known by its offset instead of its path. */
class OffsetPlace extends Place {
  constructor(
    file: SourceFile,
    private readonly offset: number,
  ) {
    super(file);
  }

  override position() {
    return this.file.positionAt(this.offset);
  }
}

function placeOf(file: SourceFile, offset: number): Place {
  return new OffsetPlace(file, offset);
}
