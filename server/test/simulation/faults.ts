/**
 * What goes wrong in a run, and how often. Each kind of fault has chance of its own, so that switching one off leaves the
 * others as they are as far as that can be; faults are counted, so that a run can be had again with the first few only.
 */
import { Random } from './random.js';

export const FAULTS = [
  'lost-request',
  'lost-answer',
  'late-write',
  'slow-network',
  'crash',
  'freeze',
  'stop',
  'database-down',
  'database-clock',
  'process-clock',
  'lost-hints',
  'unkind-plugin',
  'user',
  'untimely-user',
] as const;

export type Fault = (typeof FAULTS)[number];

export interface FaultChoice {
  readonly without: readonly Fault[];
  /** Only the first so many. */
  readonly most: number;
}

export const ALL_FAULTS: FaultChoice = { without: [], most: Number.POSITIVE_INFINITY };

export class Faults {
  readonly #chance: Readonly<Record<Fault, Random>>;
  /** From 0, never, to 1, as often as can be: drawn for each run and kind, so that runs differ. */
  readonly #weather: Readonly<Record<Fault, number>>;
  readonly #choice: FaultChoice;
  #over = false;
  /** So many there were. */
  count = 0;

  constructor(seed: number, choice: FaultChoice) {
    const of = <T>(make: (fault: Fault) => T) =>
      Object.fromEntries(FAULTS.map((fault) => [fault, make(fault)])) as Record<Fault, T>;
    this.#choice = choice;
    this.#chance = of((fault) => new Random(seed, fault));
    this.#weather = of((fault) => {
      const luck = new Random(seed, `weather of ${fault}`);
      return luck.chance(0.35) ? 0 : luck.next();
    });
  }

  /** Whether a fault comes in this moment. `probability`: in the worst weather. */
  strikes(fault: Fault, probability: number): boolean {
    const struck = this.#chance[fault].next() < probability * this.#weather[fault];
    if (!struck || this.#over || this.#choice.without.includes(fault)) return false;
    if (this.count >= this.#choice.most) return false;
    this.count += 1;
    return true;
  }

  /** The chance of this kind of fault, for its particulars. */
  luck(fault: Fault): Random {
    return this.#chance[fault];
  }

  /** From now on nothing goes wrong. */
  cease(): void {
    this.#over = true;
  }
}
