/** "Did you mean": the known name that a mistyped one is nearest to. */

/** Longest name that is compared: nobody mistypes more, and the cost grows with the square. */
const LONGEST = 80;

/** Letters against letters that may still be compared: many wrong names among many known ones must not take long. */
export interface Patience {
  left: number;
}

export function patience(): Patience {
  return { left: 2_000_000 };
}

/** `, did you mean 'x'?` when some known name is near enough, else nothing. To be put behind a message. */
export function meant(name: string, known: Iterable<string>, budget: Patience): string {
  const near = nearest(name, known, budget);
  return near === null ? '' : `, did you mean '${near}'?`;
}

/** The known name with the fewest slips between it and `name`; null when all are too far off. */
export function nearest(name: string, known: Iterable<string>, budget = patience()): string | null {
  if (name.length < 2 || name.length > LONGEST || budget.left <= 0) return null;
  const simple = simplified(name);
  let best: string | null = null;
  let least = Math.max(1, Math.floor(name.length / 4)) + 1;
  for (const candidate of known) {
    budget.left--;
    if (budget.left <= 0) break;
    if (Math.abs(candidate.length - name.length) >= least || candidate.length > LONGEST) continue;
    budget.left -= name.length * candidate.length;
    const slips = simplified(candidate) === simple ? 0.5 : distance(name, candidate, least);
    if (slips >= least) continue;
    best = candidate;
    least = slips;
  }
  return best;
}

/** Case, dashes and underscores are what people mix up most. */
function simplified(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}

/** Letters left out, added, changed or swapped between two names; `most` when it is that or more. */
function distance(left: string, right: string, most: number): number {
  let before: number[] = [];
  let above = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const here = [row];
    let least = row;
    for (let column = 1; column <= right.length; column++) {
      const changed = above[column - 1]! + (left[row - 1] === right[column - 1] ? 0 : 1);
      let slips = Math.min(changed, above[column]! + 1, here[column - 1]! + 1);
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped) slips = Math.min(slips, before[column - 2]! + 1);
      here.push(slips);
      least = Math.min(least, slips);
    }
    if (least >= most) return most;
    before = above;
    above = here;
  }
  return above[right.length]!;
}
