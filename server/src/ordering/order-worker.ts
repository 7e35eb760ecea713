/**
 * The part of a worker that sees to orders: carries out what is due and draws the consequences of what has ended, when it is told
 * of either, and once a second in case it was not. Any number of processes do it at once.
 */
import type { Signals } from '../store/signals.js';
import type { BeginRuns } from './begin-runs.js';
import type { CarryOut } from './carry-out.js';
import type { Settlement } from './settle.js';

export interface OrderWorkerParts {
  readonly carryOut: CarryOut;
  readonly settlement: Settlement;
  readonly beginRuns: BeginRuns;
  readonly signals: Signals;
  readonly log: { error(details: object, sentence: string): void };
}

/** Told when something of an order is due. */
export const DUE = 'orders';
const POLL_MS = 1000;

export function startOrderWorker({ carryOut, settlement, beginRuns, signals, log }: OrderWorkerParts): {
  stop(): Promise<void>;
} {
  const turns = [
    turning(() => settlement.all(), log),
    turning(() => carryOut.all(), log),
    turning(() => beginRuns.all(), log),
  ] as const;
  const [settle, carry, begin] = turns;
  const unsubscribe = signals.subscribe((hints) => {
    if (hints.includes(DUE)) {
      carry.look();
      begin.look();
    }
    if (hints.some((hint) => hint.startsWith('ended:'))) settle.look();
  });
  const timer = setInterval(() => {
    for (const turn of turns) turn.look();
  }, POLL_MS);
  for (const turn of turns) turn.look();
  return {
    async stop() {
      unsubscribe();
      clearInterval(timer);
      await Promise.all(turns.map((turn) => turn.stop()));
    },
  };
}

/** One turn at a time; who asks during one gets another after it. */
function turning(work: () => Promise<unknown>, log: OrderWorkerParts['log']) {
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  const look = (): void => {
    if (stopped) return;
    if (running !== null) {
      again = true;
      return;
    }
    again = false;
    running = work()
      .then(() => {})
      .catch((error: unknown) => log.error({ err: error }, 'orders could not be seen to; trying again'))
      .finally(() => {
        running = null;
        if (again) look();
      });
  };
  return {
    look,
    async stop() {
      stopped = true;
      await running;
    },
  };
}
