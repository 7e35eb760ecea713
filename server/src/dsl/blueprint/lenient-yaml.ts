/**
 * One thing YAML parsers do not agree on: may the later lines of a quoted text, or of `[…]` and `{…}`, stand further left
 * than what they belong to? The standard says no, and so does our parser; the reference parser does not care, and a
 * good many published blueprints close their brackets wherever they like.
 *
 * Blanks in front of such a line mean nothing (in a quoted text they are folded away), so a line the parser trips
 * over is moved to the right and the text is read again. Positions are told as if nothing had been moved.
 */
import { type Event, parseEvents, YAMLException } from 'js-yaml';

type ParserOptions = Parameters<typeof parseEvents>[1];

export interface LenientText {
  /** As the parser was given it in the end. */
  readonly text: string;
  /** Lines (from 0) that were moved to the right, and by how much. */
  readonly moved: ReadonlyMap<number, number>;
  /** What stands in the text, or why it cannot be read; positions are those of `text`. */
  readonly outcome: { readonly events: Event[] } | { readonly error: YAMLException };
}

const TOO_FAR_LEFT = 'deficient indentation';
/** Deeper than anything can be nested. */
const BLANKS = 256;
/** Characters that may be read again in all for one file; then the author has to move the lines. */
const MOST = 32 * 1024 * 1024;

export function parseLeniently(original: string, options: ParserOptions): LenientText {
  const moved = new Map<number, number>();
  let text = original;
  let read = 0;
  for (;;) {
    try {
      return { text, moved, outcome: { events: parseEvents(text, options) } };
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
      const line = error.mark?.line;
      const position = error.mark?.position;
      read += text.length;
      if (error.reason !== TOO_FAR_LEFT || line === undefined || position === undefined) {
        return { text, moved, outcome: { error } };
      }
      if (moved.has(line) || read > MOST) return { text, moved, outcome: { error } };
      const start = text.lastIndexOf('\n', position - 1) + 1;
      moved.set(line, BLANKS);
      text = `${text.slice(0, start)}${' '.repeat(BLANKS)}${text.slice(start)}`;
    }
  }
}
