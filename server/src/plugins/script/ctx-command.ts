/**
 * The `ctx` command as the worker understands it: words in, text and an exit code out.
 *
 * The command itself only carries words (see bin/ctx), so that what an option means and how a value is printed is
 * said once, here. Values are printed as Python prints them, because that is what scripts compare with.
 */
import type { Json } from '../../dsl/plan.js';
import { CtxError, type CtxHandler, StopOperation } from './ctx-values.js';

export interface CommandAnswer {
  readonly exit: number;
  /** For standard output; for standard error when `exit` is not 0. */
  readonly text: string;
}

/** What a command that stopped its script, or could not be carried out, exits with. */
const REFUSED = 1;

export async function ctxCommand(handler: CtxHandler, words: readonly string[]): Promise<CommandAnswer> {
  const args: string[] = [];
  let json = false;
  let prefix = '@';
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index]!;
    if (word === '--') {
      args.push(...words.slice(index + 1));
      break;
    }
    if (word === '-j' || word === '--json-output') json = true;
    else if (word === '--json-arg-prefix') prefix = words[++index] ?? '';
    else if (word.startsWith('--json-arg-prefix=')) prefix = word.slice('--json-arg-prefix='.length);
    else args.push(word);
  }
  try {
    const value = await handler(args.map((word) => decoded(word, prefix)));
    return { exit: 0, text: json ? pythonJson(value) : isEmpty(value) ? '' : pythonText(value) };
  } catch (error) {
    if (error instanceof StopOperation) return { exit: REFUSED, text: `${error.message}\n` };
    const type = error instanceof CtxError ? error.type : error instanceof Error ? error.name : 'Error';
    return {
      exit: REFUSED,
      text: `ctx: ${type}: ${error instanceof Error ? error.message : String(error)}\n`,
    };
  }
}

function decoded(word: string, prefix: string): Json {
  if (prefix === '' || !word.startsWith(prefix)) return word;
  try {
    return JSON.parse(word.slice(prefix.length)) as Json;
  } catch (error) {
    throw new CtxError(
      'ValueError',
      `"${word}" starts with ${prefix}, but is not JSON: ${(error as Error).message}`,
    );
  }
}

/** What Python holds for false. */
function isEmpty(value: Json): boolean {
  return typeof value === 'object' && value !== null ? Object.keys(value).length === 0 : !value;
}

/** A value as Python's `str` prints it. */
export function pythonText(value: Json): string {
  if (typeof value === 'string') return value;
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return pythonNumber(value);
  if (Array.isArray(value)) return `[${value.map(quoted).join(', ')}]`;
  const entries = Object.entries(value).map(([key, one]) => `${quoted(key)}: ${quoted(one)}`);
  return `{${entries.join(', ')}}`;
}

/** A value as Python's `json.dumps` writes it: a space after each comma and colon, and ASCII only. */
export function pythonJson(value: Json): string {
  if (typeof value === 'string')
    return JSON.stringify(value).replace(BEYOND_ASCII, (unit) => escaped('\\u', unit, 4));
  if (typeof value === 'number') return pythonNumber(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  const entries = Object.entries(value).map(([key, one]) => `${pythonJson(key)}: ${pythonJson(one)}`);
  return `{${entries.join(', ')}}`;
}

const BEYOND_ASCII = /[\u0080-\uffff]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const CONTROL = /[\u0000-\u001f\u007f-\u00a0\u00ad]/g;

function quoted(value: Json): string {
  if (typeof value !== 'string') return pythonText(value);
  const mark = value.includes("'") && !value.includes('"') ? '"' : "'";
  const inner = value
    .replaceAll('\\', '\\\\')
    .replaceAll(mark, `\\${mark}`)
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replace(CONTROL, (character) => escaped('\\x', character, 2));
  return mark + inner + mark;
}

function escaped(start: string, character: string, digits: number): string {
  return start + character.charCodeAt(0).toString(16).padStart(digits, '0');
}

/** Python gives an exponent at least two digits. */
function pythonNumber(value: number): string {
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}
