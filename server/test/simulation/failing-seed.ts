/** What is told of a seed that fails: with how few faults it still does, how to have it again, and what happened. */
import { ALL_FAULTS, FAULTS, type Fault, type FaultChoice } from './faults.js';
import { type LifeOptions, live, type Verdict } from './life.js';

export interface Shrunk {
  readonly faults: FaultChoice;
  readonly verdict: Verdict;
}

/** The same seed with as few kinds of faults, and as few of them, as still break a promise. */
export async function shrink(seed: number, options: LifeOptions = {}): Promise<Shrunk> {
  let without: Fault[] = [];
  const again = (faults: FaultChoice) => live(seed, { ...options, faults, trace: true });
  for (const fault of FAULTS) {
    const { problem } = await again({ without: [...without, fault], most: ALL_FAULTS.most });
    if (problem !== null) without = [...without, fault];
  }
  const whole = await again({ without, most: ALL_FAULTS.most });
  for (let most = 0; most < whole.faults; most += 1) {
    const faults = { without, most };
    const verdict = await again(faults);
    if (verdict.problem !== null) return { faults, verdict };
  }
  return { faults: { without, most: ALL_FAULTS.most }, verdict: whole };
}

export function replayCommand(seed: number, { without, most }: FaultChoice): string {
  const fewer = without.length > 0 ? ` --without ${without.join(',')}` : '';
  const first = Number.isFinite(most) ? ` --most ${most}` : '';
  return `npm run simulate -- --from ${seed} --seeds 1 --trace${fewer}${first}`;
}

/** Lines of a trace that a person can bear. */
const LINES = 120;

export async function told(seed: number): Promise<string> {
  const { faults, verdict } = await shrink(seed);
  const trace = verdict.trace.slice(-LINES).join('\n');
  return `seed ${seed}: ${verdict.problem}\nagain: ${replayCommand(seed, faults)}\n${trace}`;
}
