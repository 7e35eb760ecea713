/**
 * Operations that a process has sent away: written where the workers of their pool find them, heard of while they run, and their
 * outcomes brought home to the walks that wait for them.
 *
 * What always holds, and must:
 *  - What is sent is sent under the fence of its execution. Whoever claims the execution next finds the same row and goes on with
 *    it, whether it waits, runs or has ended: sending again what was sent already is how an operation is adopted.
 *  - A row goes only when what became of it is durable in its execution.
 *  - What a holder says is handed to the walk in the order in which it was said, all of it before the outcome.
 *
 * Hints make it quick; a look at everything once a second makes it certain.
 */
import type { BlueprintUid, ExecutionUid, TenantId } from '../../../ids.js';
import type { AbortReason, OperationOutcome } from '../../../plugins/plugin.js';
import type { Pool } from '../../../store/pool.js';
import { HEARS_AGAIN, type Signals } from '../../../store/signals.js';
import type { DispatchedRequest } from '../attempt-request.js';
import { isOutage } from '../outage.js';
import {
  type Abort,
  abortHeld,
  type ErrandRow,
  forgetOperations,
  lookAtErrands,
  loseSilent,
  sendOperations,
  sweepDispatched as sweepLeft,
  withdrawWaiting,
} from './dispatch.store.js';
import type { Finish, WorkOrder } from './dispatcher.js';
import { ErrandTalk } from './errand-talk.js';
import { PoolWatch, type Waiting } from './pool-watch.js';
import { SeenProperties } from './property-patches.js';
import { type DispatchVault, placeOf, sealed, unsealed } from './seal.js';

/** One attempt that is to run elsewhere. */
export interface Errand {
  readonly execution: { readonly uid: ExecutionUid; readonly fence: number; readonly tenantId: TenantId };
  readonly blueprint: BlueprintUid;
  readonly task: number;
  readonly attempt: number;
  readonly pool: string;
  /** As the registry knows it. */
  readonly plugin: string;
  /** It may have been sent by an earlier walk of the execution. */
  readonly adopted: boolean;
  readonly request: DispatchedRequest;
  /** A worker has it, since so many seconds. */
  begins(secondsAgo: number): void;
  /** Something to tell of the operation that it does not say itself. */
  note(message: string): void;
  /** Resolves when what was said so far is durable. */
  durable(): Promise<void>;
}

export interface Homecoming {
  readonly outcome: OperationOutcome;
  /** Its holder is gone, and nobody knows how it went. */
  readonly lost: boolean;
  /** To be called when what became of it is durable. */
  forget(): void;
}

/** Lets a pool run an operation of a walk, whose blueprint is known. */
export type SendAway = (errand: Omit<Errand, 'blueprint'>) => Promise<Homecoming>;

export interface ErrandsParts {
  readonly pool: Pool;
  readonly vault: DispatchVault;
  readonly signals: Signals;
  readonly log: { error(details: object, sentence: string): void };
  /** Seconds that an operation waits for a pool that nobody serves; 0: for ever. */
  readonly poolWait: number;
}

interface Open extends Waiting {
  readonly errand: Errand;
  readonly seen: SeenProperties;
  readonly resolve: (home: Homecoming) => void;
  readonly unlisten: () => void;
  uid: number | null;
  held: boolean;
  abort: { reason: Abort; atOnce: boolean; sent: boolean } | null;
}

const POLL_MS = 1000;
/** At most so many in one statement, and so many bytes of work. */
const SENDS = 200;
const SEND_BYTES = 8 * 1024 * 1024;

export class Errands {
  readonly #parts: ErrandsParts;
  readonly #open = new Set<Open>();
  readonly #byUid = new Map<number, Open>();
  readonly #hinted = new Set<number>();
  readonly #talk: ErrandTalk;
  readonly #watch: PoolWatch;
  #forgotten: number[] = [];
  #turning: Promise<void> | null = null;
  #again = false;
  #whole = false;
  #closed = false;
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: () => void;

  constructor(parts: ErrandsParts) {
    this.#parts = parts;
    this.#watch = new PoolWatch(parts);
    this.#talk = new ErrandTalk(parts, {
      speaker: (uid) => this.#byUid.get(uid),
      due: () => this.#look(),
    });
    this.#timer = setInterval(() => this.#lookAtAll(), POLL_MS);
    this.#unsubscribe = parts.signals.subscribe((hints) => this.#hear(hints));
  }

  get away(): number {
    return this.#open.size;
  }

  /** Resolves with what became of it. When its walk ends first (`shutdown`, `fenced`) it runs on, for the next walk. */
  run(errand: Errand): Promise<Homecoming> {
    return new Promise((resolve) => {
      const { signal, atOnce } = errand.request;
      const stop = () => this.#stop(open);
      const open: Open = {
        errand,
        resolve,
        seen: new SeenProperties(errand.request.context),
        unlisten: () => {
          signal.removeEventListener('abort', stop);
          atOnce?.removeEventListener('abort', stop);
        },
        uid: null,
        held: false,
        abort: null,
        unserved: null,
        noted: false,
      };
      this.#open.add(open);
      signal.addEventListener('abort', stop);
      atOnce?.addEventListener('abort', stop);
      if (signal.aborted) stop();
      this.#look();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#unsubscribe();
    for (const open of this.#open) this.#leave(open);
    await this.#turning;
  }

  #hear(hints: readonly string[]): void {
    for (const hint of hints) {
      if (hint === HEARS_AGAIN) this.#whole = true;
      else if (hint.startsWith('told:')) {
        const uid = Number(hint.slice('told:'.length));
        if (!this.#byUid.has(uid)) continue;
        this.#hinted.add(uid);
      } else continue;
      this.#look();
    }
  }

  #lookAtAll(): void {
    if (this.#open.size === 0 && this.#talk.idle && this.#forgotten.length === 0) return;
    this.#whole = true;
    this.#look();
  }

  #look(): void {
    this.#again = true;
    if (this.#turning !== null || this.#closed) return;
    this.#turning = this.#turns().finally(() => {
      this.#turning = null;
    });
  }

  async #turns(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      // What comes in the same moment goes out together.
      await Promise.resolve();
      const whole = this.#whole;
      this.#whole = false;
      try {
        await this.#turn(whole);
      } catch (error) {
        if (!isOutage(error))
          this.#parts.log.error({ err: error }, 'operations that run elsewhere could not be looked at');
        this.#whole = true;
        return;
      }
    }
  }

  async #turn(whole: boolean): Promise<void> {
    const { pool } = this.#parts;
    await this.#sendNew();
    await this.#passOnAborts();
    const uids = whole ? [...this.#byUid.keys()] : [...this.#hinted].filter((uid) => this.#byUid.has(uid));
    this.#hinted.clear();
    if (uids.length > 0) {
      if (whole) await this.#loseSilent();
      const known = uids.filter((uid) => this.#byUid.get(uid)?.held === true);
      const rows = await lookAtErrands.all(pool, [uids, known]);
      for (const row of rows) this.#begin(row);
      await this.#talk.listen(uids);
      for (const row of rows) if (row.state !== 'held') this.#bringHome(row);
    }
    await this.#talk.writeBack();
    await this.#forgetEnded();
    if (whole) await this.#lookForWorkers();
  }

  async #sendNew(): Promise<void> {
    const { vault, pool, signals } = this.#parts;
    for (;;) {
      const batch: { open: Open; work: Buffer }[] = [];
      let bytes = 0;
      for (const open of this.#open) {
        if (open.uid !== null || batch.length === SENDS || bytes > SEND_BYTES) continue;
        if (open.abort !== null && !open.errand.adopted) {
          this.#settle(open, { kind: 'aborted' }, false);
          continue;
        }
        const { execution, task, attempt } = open.errand;
        const work = sealed(vault, orderOf(open.errand), placeOf.work(execution.uid, task, attempt));
        bytes += work.length;
        batch.push({ open, work });
      }
      if (batch.length === 0) return;
      const of = <T>(read: (one: (typeof batch)[number]) => T) => batch.map(read);
      const rows = await sendOperations.all(pool, [
        of(({ open }) => open.errand.execution.uid),
        of(({ open }) => open.errand.execution.fence),
        of(({ open }) => open.errand.task),
        of(({ open }) => open.errand.attempt),
        of(({ open }) => open.errand.pool),
        of(({ open }) => open.errand.blueprint),
        of(({ work }) => work),
      ]);
      const uids = new Map(rows.map((row) => [`${row.execution}:${row.task}`, row.uid]));
      for (const { open } of batch) {
        const { execution, task, pool: name } = open.errand;
        const uid = uids.get(`${execution.uid}:${task}`);
        if (uid === undefined) {
          // The fence has moved on: whoever holds it sends for itself.
          this.#leave(open);
          continue;
        }
        if (!this.#open.has(open)) continue;
        open.uid = uid;
        this.#byUid.set(uid, open);
        signals.send(`pool:${name}`);
        if (open.errand.adopted) this.#hinted.add(uid);
      }
    }
  }

  async #passOnAborts(): Promise<void> {
    const { pool, signals } = this.#parts;
    const told = [...this.#byUid].filter(([, open]) => open.abort?.sent === false);
    if (told.length === 0) return;
    const gone = await withdrawWaiting.all(pool, [told.map(([uid]) => uid)]);
    for (const { uid } of gone) this.#settle(this.#byUid.get(uid), { kind: 'aborted' }, false);
    const held = told.filter(([uid]) => this.#byUid.has(uid));
    if (held.length === 0) return;
    const workers = await abortHeld.all(pool, [
      held.map(([uid]) => uid),
      held.map(([, open]) => open.abort!.reason),
      held.map(([, open]) => open.abort!.atOnce),
    ]);
    for (const [, open] of held) open.abort!.sent = true;
    for (const worker of new Set(workers.map((row) => row.worker))) signals.send(`abort:${worker}`);
  }

  #begin(row: ErrandRow): void {
    const open = this.#byUid.get(row.uid);
    if (open === undefined || open.held) return;
    open.held = true;
    open.errand.begins(Math.max(0, row.heldFor ?? 0));
  }

  #bringHome(row: ErrandRow): void {
    const open = this.#byUid.get(row.uid);
    if (open === undefined) return;
    if (row.state === 'lost' || row.outcome === null) {
      this.#settle(open, { kind: 'aborted' }, true);
      return;
    }
    const place = placeOf.outcome(row.uid, row.lease);
    const { outcome, patches } = unsealed<NonNullable<Finish>>(this.#parts.vault, row.outcome, place);
    this.#settle(
      open,
      patches === null ? outcome : { ...outcome, runtimeProperties: open.seen.patched(patches) },
      false,
    );
  }

  async #forgetEnded(): Promise<void> {
    const forgotten = this.#forgotten.splice(0);
    if (forgotten.length > 0) await forgetOperations.run(this.#parts.pool, [forgotten]);
  }

  async #loseSilent(): Promise<void> {
    const silent = await loseSilent.all(this.#parts.pool, [[...this.#byUid.keys()]]);
    for (const { state, pool } of silent) if (state === 'waiting') this.#parts.signals.send(`pool:${pool}`);
  }

  /** Says of operations that wait that nobody is there to run them, and in the end that they have waited long enough. */
  async #lookForWorkers(): Promise<void> {
    const waiting = [...this.#byUid].filter(([, open]) => !open.held);
    const tooLong = await this.#watch.look(waiting);
    if (tooLong.size === 0) return;
    const gone = await withdrawWaiting.all(this.#parts.pool, [[...tooLong.keys()]]);
    for (const { uid } of gone) {
      const message = tooLong.get(uid)!;
      const failure = { type: 'NonRecoverableError', message, retryable: false, causes: [] };
      this.#settle(this.#byUid.get(uid), { kind: 'failed', failure }, false);
    }
  }

  #stop(open: Open): void {
    const { signal, atOnce } = open.errand.request;
    const reason = signal.reason as AbortReason;
    if (reason === 'shutdown' || reason === 'fenced') {
      this.#leave(open);
      return;
    }
    open.abort = { reason, atOnce: atOnce?.aborted === true, sent: false };
    this.#look();
  }

  /** It runs on without us. Counts as begun: whoever is next finds out how it stands. */
  #leave(open: Open): void {
    open.errand.begins(0);
    this.#settle(open, { kind: 'aborted' }, false, false);
  }

  #settle(open: Open | undefined, outcome: OperationOutcome, lost: boolean, over = true): void {
    if (open === undefined || !this.#open.delete(open)) return;
    open.unlisten();
    const { uid } = open;
    if (uid !== null) this.#byUid.delete(uid);
    const forget = () => {
      if (!over || uid === null) return;
      this.#forgotten.push(uid);
      this.#look();
    };
    open.resolve({ outcome, lost, forget });
  }
}

/** A chore: what ended executions have left. */
export async function sweepDispatched(pool: Pool): Promise<void> {
  await sweepLeft.run(pool);
}

function orderOf({ plugin, request }: Errand): WorkOrder {
  const { functionName, inputs, operation, context } = request;
  return { plugin, functionName, inputs, operation, context, declared: request.plugin ?? null };
}
