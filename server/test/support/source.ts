/** Reads TypeScript as a visitor would: what a file imports, which texts it holds, what is left without its comments. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

export interface SourceFile {
  /** From the folder that was read, with forward slashes. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** Contents of quoted texts and templates; `${…}` in a template becomes `?`. */
  readonly texts: readonly Placed[];
  /** The code with comments and texts blanked out. */
  readonly bare: string;
}

export interface Import {
  /** As written: `./list.js`, `node:fs`, `pg`. */
  readonly written: string;
  /** Path of the imported source file, for imports within the folder. */
  readonly file: string | null;
  readonly typeOnly: boolean;
  readonly line: number;
}

export interface Placed {
  readonly text: string;
  readonly line: number;
}

/** Every `.ts` file below `folder`. */
export function readSources(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'))
    .map((path) => parseSource(path.replaceAll('\\', '/'), readFileSync(join(folder, path), 'utf8')))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function parseSource(path: string, source: string): SourceFile {
  const { code, bare, texts } = scan(source);
  return {
    path,
    lines: source.replace(/\n$/, '').split('\n').length,
    imports: importsOf(path, code, bare),
    texts,
    bare,
  };
}

function importsOf(path: string, code: string, bare: string): Import[] {
  const found: Import[] = [];
  // In `bare` a text keeps its quotes and its length, so positions agree; in `code` it keeps its words.
  const patterns = [
    /\b(?:import|export)(\s+type)?\b[^;'"`()]*?\bfrom\s*(['"])/g,
    /\bimport\s*()(['"])/g,
    /\bimport\s*\(\s*()(['"])/g,
  ];
  for (const pattern of patterns) {
    for (const match of bare.matchAll(pattern)) {
      const start = match.index + match[0].length;
      const written = code.slice(start, code.indexOf(match[2]!, start));
      const file = written.startsWith('.')
        ? posix.normalize(posix.join(posix.dirname(path), written)).replace(/\.js$/, '.ts')
        : null;
      found.push({
        written,
        file,
        typeOnly: match[1] !== undefined && match[1] !== '',
        line: lineAt(code, match.index),
      });
    }
  }
  return found;
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** `code`: comments blanked. `bare`: comments and contents of texts blanked. Both as long as the source. */
function scan(source: string): { code: string; bare: string; texts: Placed[] } {
  const code = [...source.split('')];
  const bare = [...code];
  const texts: Placed[] = [];
  const blank = (array: string[], from: number, to: number) => {
    for (let i = from; i < to; i += 1) if (array[i] !== '\n') array[i] = ' ';
  };
  let i = 0;
  // Open `${`: depth of braces inside each.
  const inserts: number[] = [];

  const template = (from: number): number => {
    let text = '';
    let at = from;
    while (at < source.length) {
      if (source[at] === '\\') {
        text += source.slice(at, at + 2);
        at += 2;
      } else if (source[at] === '`') {
        break;
      } else if (source.startsWith('${', at)) {
        blank(bare, from, at);
        texts.push({ text: `${text}?`, line: lineAt(source, from) });
        inserts.push(0);
        return at + 2;
      } else {
        text += source[at];
        at += 1;
      }
    }
    blank(bare, from, at);
    texts.push({ text, line: lineAt(source, from) });
    return at + 1;
  };

  while (i < source.length) {
    const rest = source.slice(i, i + 2);
    const character = source[i]!;
    if (rest === '//') {
      const end = endOf(source, '\n', i);
      blank(code, i, end);
      blank(bare, i, end);
      i = end;
    } else if (rest === '/*') {
      const end = endOf(source, '*/', i) + 2;
      blank(code, i, end);
      blank(bare, i, end);
      i = end;
    } else if (character === "'" || character === '"') {
      let end = i + 1;
      while (end < source.length && source[end] !== character) end += source[end] === '\\' ? 2 : 1;
      texts.push({ text: source.slice(i + 1, end), line: lineAt(source, i) });
      blank(bare, i + 1, end);
      i = end + 1;
    } else if (character === '`') {
      i = template(i + 1);
    } else if (character === '}' && inserts.at(-1) === 0) {
      inserts.pop();
      i = template(i + 1);
    } else if (
      character === '/' &&
      /(^|[(,=:[!&|?{};\n]|\breturn|=>)\s*$/.test(source.slice(Math.max(0, i - 40), i))
    ) {
      let end = i + 1;
      let inClass = false;
      while (end < source.length && source[end] !== '\n' && (inClass || source[end] !== '/')) {
        if (source[end] === '[') inClass = true;
        if (source[end] === ']') inClass = false;
        end += source[end] === '\\' ? 2 : 1;
      }
      blank(bare, i + 1, end);
      i = end + 1;
    } else {
      if (inserts.length > 0 && character === '{') inserts[inserts.length - 1]! += 1;
      if (inserts.length > 0 && character === '}') inserts[inserts.length - 1]! -= 1;
      i += 1;
    }
  }
  return { code: code.join(''), bare: bare.join(''), texts };
}

function endOf(source: string, mark: string, from: number): number {
  const end = source.indexOf(mark, from);
  return end === -1 ? source.length : end;
}
