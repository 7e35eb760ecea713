/** Finding operations by words. Pure. */
import type { Described } from '../../src/openapi/reading.js';
import { textOf } from '../../src/openapi/reading.js';

export interface Searchable {
  readonly described: Described;
  /** Where words are looked for, the best place first. */
  readonly places: readonly string[];
}

export function searchable(described: Described): Searchable {
  const { method, path, id, tag, operation } = described;
  return {
    described,
    places: [
      `${textOf(operation.summary)} ${id.replaceAll('_', ' ')}`,
      `${method} ${path}`,
      tag,
      textOf(operation.description),
    ].map((text) => text.toLowerCase()),
  };
}

/** Those that have every word somewhere, the best first; all for no words. */
export function search(all: readonly Searchable[], text: string): readonly Described[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const found = all.flatMap((each, at) => {
    const ranks = words.map((word) => rank(each.places, word));
    return ranks.includes(-1) ? [] : [{ each, at, rank: ranks.reduce((a, b) => a + b, 0) }];
  });
  return found.sort((a, b) => a.rank - b.rank || a.at - b.at).map(({ each }) => each.described);
}

/** 0 is best: in the first place, at the beginning of a word; -1: nowhere. */
function rank(places: readonly string[], word: string): number {
  const place = places.findIndex((each) => each.includes(word));
  if (place === -1) return -1;
  const text = places[place]!;
  const begins = text.startsWith(word) || text.includes(` ${word}`) || text.includes(`/${word}`);
  return place * 2 + (begins ? 0 : 1);
}
