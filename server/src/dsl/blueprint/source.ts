/**
 * Where things stand in the text.
 *
 * A compile of a correct blueprint never asks, so positions cost nothing then: elements carry a `Place` (a path of
 * keys, linked upwards), and only when something is wrong is the file's event stream read once more and the
 * path followed. The same parser that made the values makes the positions; a second YAML library (measured ten
 * times slower, and free to disagree) was rejected for that.
 */
import { EVENT_ID, type Event, getScalarValue, parseEvents } from 'js-yaml';
import type { SourcePosition } from '../diagnostics.js';
import type { LenientText } from './lenient-yaml.js';

export type PathKey = string | number;

/** Same parser options for values and positions, else they could disagree. */
export const PARSER_OPTIONS = { maxDepth: 100 } as const;

export class SourceFile {
  private tree: Mark | null | undefined;
  private lineStarts: number[] | undefined;
  private moved: ReadonlyMap<number, number> = new Map();
  /** The text as the parser reads it; offsets are offsets of this. */
  readable: string;

  constructor(
    /** As the author knows it: a path in the archive, or the import as written. */
    readonly name: string,
    readonly text: string,
    /** Written by us; never the author's fault. */
    readonly bundled = false,
  ) {
    this.readable = text;
  }

  /** What the parser made of the text to be able to read it. */
  isReadAs({ text, moved }: Pick<LenientText, 'text' | 'moved'>): void {
    this.readable = text;
    this.moved = moved;
  }

  /** The position of what the path leads to: a mapping entry's key, a list's item. The nearest ancestor that exists. */
  positionOf(path: readonly PathKey[]): SourcePosition {
    if (this.tree === undefined) this.tree = readMarks(this.readable);
    let mark = this.tree;
    let offset = mark?.start ?? 0;
    for (const key of path) {
      const child = mark === null ? undefined : childOf(mark, key, 0);
      if (child === undefined) break;
      offset = child.at;
      mark = child.value;
    }
    return this.positionAt(offset);
  }

  positionAt(offset: number): SourcePosition {
    this.lineStarts ??= lineStartsOf(this.readable);
    let low = 0;
    let high = this.lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.lineStarts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    const column = offset - this.lineStarts[low]! + 1 - (this.moved.get(low) ?? 0);
    return { file: this.name, line: low + 1, column: Math.max(1, column) };
  }
}

/** A spot in a file, by its path. Made by the thousand, so it holds no more than it must. */
export class Place {
  constructor(
    readonly file: SourceFile,
    private readonly parent: Place | null = null,
    private readonly key: PathKey | null = null,
  ) {}

  at(...keys: PathKey[]): Place {
    let place: Place = this;
    for (const key of keys) place = new Place(this.file, place, key);
    return place;
  }

  path(): PathKey[] {
    const path: PathKey[] = [];
    for (let place: Place | null = this; place !== null; place = place.parent) {
      if (place.key !== null) path.push(place.key);
    }
    return path.reverse();
  }

  position(): SourcePosition {
    return this.file.positionOf(this.path());
  }
}

interface Mark {
  readonly start: number;
  /** Of a mapping: where each key stands, the last of equal ones. */
  readonly entries?: Map<string, { at: number; value: Mark }>;
  readonly items?: { at: number; value: Mark }[];
  /** What was merged in with `<<`. */
  readonly merged?: Mark[];
}

function childOf(mark: Mark, key: PathKey, level: number): { at: number; value: Mark } | undefined {
  if (typeof key === 'number' && mark.items !== undefined) return mark.items[key];
  const found = mark.entries?.get(String(key));
  if (found !== undefined || level > 20) return found;
  for (const other of mark.merged ?? []) {
    for (const source of other.items?.map((item) => item.value) ?? [other]) {
      const inherited = childOf(source, key, level + 1);
      if (inherited !== undefined) return inherited;
    }
  }
  return undefined;
}

type OpenMark = { mark: Mark; key: { at: number; text: string; merge: boolean } | null };

function readMarks(text: string): Mark | null {
  let events: Event[];
  try {
    events = parseEvents(text, PARSER_OPTIONS);
  } catch {
    return null;
  }
  const anchors = new Map<string, Mark>();
  const stack: OpenMark[] = [];
  let root: Mark | null = null;
  let last = 0;
  const give = (mark: Mark, at: number, scalar: string | null) => {
    const top = stack[stack.length - 1];
    if (top === undefined) root ??= mark;
    else if (top.mark.items !== undefined) top.mark.items.push({ at, value: mark });
    else if (top.key === null) top.key = { at, text: scalar ?? '', merge: scalar === '<<' };
    else {
      if (top.key.merge) top.mark.merged!.push(mark);
      else top.mark.entries!.set(top.key.text, { at: top.key.at, value: mark });
      top.key = null;
    }
  };
  const anchor = (event: { anchorStart: number; anchorEnd: number }, mark: Mark) => {
    if (event.anchorStart >= 0) anchors.set(text.slice(event.anchorStart, event.anchorEnd), mark);
  };
  for (const event of events) {
    switch (event.type) {
      case EVENT_ID.SCALAR: {
        const start = event.valueStart >= 0 ? quoted(text, event.valueStart, event.style) : last;
        last = Math.max(last, event.valueEnd);
        const mark: Mark = { start };
        anchor(event, mark);
        give(mark, start, getScalarValue(text, event));
        break;
      }
      case EVENT_ID.SEQUENCE: {
        const mark: Mark = { start: event.start, items: [] };
        anchor(event, mark);
        stack.push({ mark, key: null });
        break;
      }
      case EVENT_ID.MAPPING: {
        const mark: Mark = { start: event.start, entries: new Map(), merged: [] };
        anchor(event, mark);
        stack.push({ mark, key: null });
        break;
      }
      case EVENT_ID.ALIAS: {
        const at = Math.max(0, event.anchorStart - 1);
        last = event.anchorEnd;
        give(anchors.get(text.slice(event.anchorStart, event.anchorEnd)) ?? { start: at }, at, null);
        break;
      }
      case EVENT_ID.POP: {
        const closed = stack.pop();
        if (closed !== undefined) give(closed.mark, closed.mark.start, null);
        break;
      }
    }
  }
  return root;
}

/** Quoted scalars start at their quote. */
function quoted(text: string, start: number, style: number): number {
  const before = text[start - 1];
  return (style === 2 && before === "'") || (style === 3 && before === '"') ? start - 1 : start;
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
