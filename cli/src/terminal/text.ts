/**
 * Text as a terminal counts it: columns, not characters.
 *
 * Everything that came over the network passes `clean` before it is shown: a script's output may hold escape
 * sequences, and a line of a log must not be able to move the cursor, retitle the window or rewrite what stands above.
 */
import { stripVTControlCharacters } from 'node:util';

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const ASCII = /^[\x20-\x7e]*$/;
const COMBINING = /^[\p{Mark}\p{Default_Ignorable_Code_Point}]$/u;

/** One line without escape sequences; line breaks become `⏎`, tabs a space, other control characters disappear. */
export function clean(text: string, lineBreak = ' ⏎ '): string {
  if (ASCII.test(text)) return text;
  return stripVTControlCharacters(text)
    .trimEnd()
    .replace(/\r?\n|\r/g, lineBreak)
    .replaceAll('\t', ' ')
    .replace(CONTROLS, '');
}

/** Several lines, each clean. */
export function cleanLines(text: string): string[] {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => clean(line.replaceAll('\t', '  ')));
}

/** Columns a text takes; colours count nothing, East Asian wide characters and emoji count two. */
export function width(text: string): number {
  if (ASCII.test(text)) return text.length;
  let columns = 0;
  for (const character of stripVTControlCharacters(text)) columns += characterWidth(character);
  return columns;
}

function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (COMBINING.test(character)) return 0;
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
  return wide ? 2 : 1;
}

/** Plain text cut to `columns`, with `…` in the last one when something was cut. */
export function truncate(text: string, columns: number, ellipsis = '…'): string {
  if (width(text) <= columns) return text;
  if (columns <= 0) return '';
  let taken = '';
  let used = 0;
  for (const character of text) {
    const next = characterWidth(character);
    if (used + next > columns - width(ellipsis)) break;
    taken += character;
    used += next;
  }
  return columns >= width(ellipsis) ? taken + ellipsis : taken;
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - width(text))) + text;
}

/** Words broken over lines of at most `columns`; a word longer than a line is broken itself. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    let left = word;
    if (line !== '' && width(line) + 1 + width(left) > columns) {
      lines.push(line);
      line = '';
    }
    while (width(left) > columns && columns > 1) {
      const piece = truncate(left, columns, '');
      lines.push(piece);
      left = left.slice(piece.length);
    }
    line = line === '' ? left : `${line} ${left}`;
  }
  lines.push(line);
  return lines;
}
