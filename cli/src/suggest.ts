/** The known word nearest to what was typed. Pure. */

/** Edits (insert, delete, replace, swap of neighbours) between two words. */
export function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(at(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, at(i - 1, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, at(i - 2, j - 2) + 1);
      }
      row.push(best);
    }
  }
  return at(a.length, b.length);
}

/** Null when nothing is near enough to be meant. A beginning of a known word counts as near. */
export function nearest(typed: string, known: readonly string[]): string | null {
  let best: { word: string; score: number } | null = null;
  for (const word of known) {
    const score =
      typed.length >= 2 && word.startsWith(typed) ? 0.5 : distance(typed.toLowerCase(), word.toLowerCase());
    if (best === null || score < best.score) best = { word, score };
  }
  if (best === null) return null;
  return best.score <= Math.max(1, Math.floor(best.word.length / 3)) ? best.word : null;
}
