/** Lives through many seeds, some of them beside each other, and fails with what there is to know of the first that fails. */
import assert from 'node:assert/strict';
import { told } from './failing-seed.js';
import { live } from './life.js';

/** Seeds beside each other: their turns share the event loop's. Each is a world of its own. */
const TOGETHER = 16;

export interface Tally {
  readonly endings: ReadonlyMap<string, number>;
  readonly seeds: number;
  readonly faults: number;
  readonly claims: number;
  readonly attempts: number;
  readonly steps: number;
}

export async function liveThrough(from: number, seeds: number): Promise<Tally> {
  const endings = new Map<string, number>();
  const tally = { faults: 0, claims: 0, attempts: 0, steps: 0 };
  const failing: number[] = [];
  let next = from;
  const one = async () => {
    while (next < from + seeds && failing.length === 0) {
      const seed = next;
      next += 1;
      const verdict = await live(seed);
      if (verdict.problem !== null) failing.push(seed);
      for (const ending of verdict.endings) endings.set(ending, (endings.get(ending) ?? 0) + 1);
      for (const what of ['faults', 'claims', 'attempts', 'steps'] as const) tally[what] += verdict[what];
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, one));
  if (failing.length > 0) assert.fail(await told(failing[0]!));
  return { endings, seeds, ...tally };
}

/** The luck is such that everything happens. */
export function checkVariety({ endings, seeds, faults, claims }: Tally): void {
  for (const status of ['terminated', 'failed', 'cancelled']) {
    assert.ok((endings.get(status) ?? 0) > seeds / 20, `${status}: ${endings.get(status)}`);
  }
  assert.ok(faults > seeds * 5, `${faults} faults`);
  assert.ok(claims > seeds * 1.5, `${claims} claims`);
}
