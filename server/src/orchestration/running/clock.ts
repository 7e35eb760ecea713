/** Time, as the engine has it: passed in, so that a simulation can have its own. */

export interface Clock {
  /** Milliseconds since 1970, as this process believes. */
  now(): number;
  /** Milliseconds since some moment: for durations, since nobody can set it. */
  ticks(): number;
  /** Does `work` once, in `delay` milliseconds; returns how to call it off. */
  after(delay: number, work: () => void): () => void;
  /** Does `work` when everything else that is due in this moment has been done. */
  soon(work: () => void): void;
}

/** The machine's own. */
export const machineClock: Clock = {
  now: () => Date.now(),
  ticks: () => performance.now(),
  after(delay, work) {
    const timer = setTimeout(work, delay);
    return () => clearTimeout(timer);
  },
  soon: (work) => void setImmediate(work),
};
