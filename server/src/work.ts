/**
 * The worker: runs executions, and does what must be done from time to time.
 *
 * A chore is a function of the core that its room exports; every process with a worker does it, so it must bear being
 * done twice at once (by `for update skip locked`, or by being repeatable).
 */
import type { Core } from './core.js';
import type { Log } from './log.js';

export interface Chore {
  /** For the log. */
  readonly name: string;
  readonly everyMs: number;
  readonly run: (core: Core) => Promise<void>;
}

export interface Work {
  /** What is not right with it; empty: nothing. */
  troubles(): readonly string[];
  /** Takes no new work, lets what runs end for a while, and gives the rest back. */
  stop(): Promise<void>;
}

export const CHORES: readonly Chore[] = [];

export async function startWork(core: Core, log: Log, chores: readonly Chore[] = CHORES): Promise<Work> {
  const timers = chores.map((chore) => startChore(core, log, chore));
  return {
    troubles: () => [],
    stop: async () => {
      await Promise.all(timers.map((timer) => timer.stop()));
    },
  };
}

function startChore(core: Core, log: Log, chore: Chore): { stop(): Promise<void> } {
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  const turn = async () => {
    try {
      await chore.run(core);
    } catch (error) {
      log.error({ chore: chore.name, err: error }, 'a chore failed; it is tried again at its next time');
    }
    plan();
  };
  // Some disorder, so that several processes do not all come at once.
  const plan = () => {
    if (stopped) return;
    timer = setTimeout(
      () => {
        running = turn();
      },
      chore.everyMs * (0.9 + Math.random() * 0.2),
    );
  };
  plan();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
