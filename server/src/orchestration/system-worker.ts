/**
 * A worker of one kind of system executions: looks for them, claims them under a lease that it renews, lets each be carried out,
 * and gives back what it has begun when it stops. A worker that dies is followed by another when its lease has run out.
 *
 * What always holds: whoever carries one out writes only through `SystemExecutions.end`, which refuses who has lost the claim.
 */
import type { Signals } from '../store/signals.js';
import type { SystemClaim, SystemExecutions } from './system-executions.js';

export interface SystemWorkerParts {
  readonly executions: SystemExecutions;
  readonly signals: Signals;
  readonly name: string;
  /** Seconds. */
  readonly lease: number;
  readonly log: {
    info(details: object, sentence: string): void;
    warn(details: object, sentence: string): void;
    error(details: object, sentence: string): void;
  };
}

/** What a kind of system executions consists of. */
export interface SystemWork {
  /** What is looked for, for the log: `log bundles to make`. */
  readonly what: string;
  /** How many one process carries out at a time. */
  readonly atOnce: number;
  /** Milliseconds between signs of life, at most. Absent: a third of the lease. */
  readonly beatMs?: number;
  /** Carries it out and ends it. */
  carryOut(held: HeldExecution): Promise<void>;
  /** It broke off, and is still ours: ends it, or leaves it to whoever takes it when its lease has run out. */
  broke(claim: SystemClaim, error: unknown): Promise<void>;
  /** Before it is given back unfinished. Where it throws, the lease runs out. */
  giveBack?(claim: SystemClaim): Promise<void>;
}

/** A claimed execution, while it is carried out. */
export class HeldExecution {
  readonly claim: SystemClaim;
  /** Aborted when this process stops, or somebody else has the execution: write nothing more. */
  readonly out: AbortSignal;
  /** Aborted when somebody asked for its end. */
  readonly unwanted: AbortSignal;
  readonly #lost = new AbortController();
  readonly #cancelled = new AbortController();
  #silent = false;
  #also: () => Promise<void> = async () => {};

  constructor(claim: SystemClaim, stopping: AbortSignal) {
    this.claim = claim;
    this.out = AbortSignal.any([stopping, this.#lost.signal]);
    this.unwanted = this.#cancelled.signal;
    if (claim.status !== 'started' && claim.status !== 'pending') this.#cancelled.abort();
  }

  get isLost(): boolean {
    return this.#lost.signal.aborted;
  }

  /** Done with each sign of life. */
  withEachSign(also: () => Promise<void>): void {
    this.#also = also;
  }

  /** Gives no more signs of life: executions are locked, so that nobody can take it over, and a sign would wait for the end. */
  fallSilent(): void {
    this.#silent = true;
  }

  /** @internal */
  async sign(executions: SystemExecutions, lease: number): Promise<void> {
    await this.#also();
    if (this.#silent) return;
    const now = await executions.renew(this.claim, lease);
    if (now === 'lost') this.#lost.abort();
    if (now === 'cancelled') this.#cancelled.abort();
  }
}

export interface SystemWorker {
  /** Gives back what it has begun; it is taken up elsewhere. */
  stop(): Promise<void>;
}

const POLL_MS = 1000;

export function startSystemWorker(parts: SystemWorkerParts, work: SystemWork): SystemWorker {
  const { executions, signals, log } = parts;
  const stopping = new AbortController();
  const working = new Set<Promise<void>>();
  let looking = Promise.resolve();
  let busy = false;
  const claimAll = async () => {
    while (!stopping.signal.aborted && working.size < work.atOnce) {
      const claim = await executions.claim(parts.name, parts.lease);
      if (claim === null) return;
      const one = carryOut(parts, work, claim, stopping.signal).finally(() => {
        working.delete(one);
        signals.send(`ended:${claim.id}`);
        look();
      });
      working.add(one);
    }
  };
  const look = () => {
    if (busy || stopping.signal.aborted) return;
    busy = true;
    looking = claimAll()
      .catch((error: unknown) => log.warn({ err: error }, `cannot look for ${work.what}; trying again`))
      .finally(() => {
        busy = false;
      });
  };
  const unsubscribe = signals.subscribe((hints) => {
    if (hints.includes('work')) look();
  });
  const timer = setInterval(look, POLL_MS);
  look();
  return {
    async stop() {
      stopping.abort();
      unsubscribe();
      clearInterval(timer);
      await looking;
      await Promise.all(working);
    },
  };
}

async function carryOut(
  parts: SystemWorkerParts,
  work: SystemWork,
  claim: SystemClaim,
  stopping: AbortSignal,
): Promise<void> {
  const { executions, log, lease } = parts;
  const held = new HeldExecution(claim, stopping);
  const sign = () => void held.sign(executions, lease).catch(() => {});
  const beat = setInterval(sign, Math.min((lease * 1000) / 3, work.beatMs ?? Number.POSITIVE_INFINITY));
  try {
    await work.carryOut(held);
    log.info({ execution: claim.id }, `${claim.workflow} is over`);
  } catch (error) {
    if (held.isLost) return;
    if (stopping.aborted && !held.unwanted.aborted) {
      await work.giveBack?.(claim).catch(() => {});
      await executions.release(claim).catch(() => {});
      return;
    }
    await work.broke(claim, error).catch((trouble: unknown) => {
      // Its lease runs out, and whoever takes it then ends it.
      log.error({ err: trouble, execution: claim.id }, 'a broken execution could not be ended');
    });
  } finally {
    clearInterval(beat);
  }
}
