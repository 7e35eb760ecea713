/**
 * A worker: claims executions, walks them, keeps its leases, and hands back what it holds when it is told to stop.
 *
 * A worker is known by a name that outlives its process (the host and its data folder). Holding the name's advisory
 * lock proves that no other process of that name lives, and then what the last one left is free at once; without the
 * proof its leases run out on the database's clock. Either way the fence keeps a paused one from writing.
 */
import type { PluginRegistry } from '../../plugins/registry.js';
import type { Pool } from '../../store/pool.js';
import type { Signals } from '../../store/signals.js';
import { Appetite, LEFT_TO_OTHERS_MS } from './appetite.js';
import { type Clock, machineClock } from './clock.js';
import type { EngineFigures } from './engine-figures.js';
import { giveUpExecution, type WalkDependencies, walkExecution } from './execution.js';
import { Lease, type Moment, momentOf } from './lease.js';
import { isOutage } from './outage.js';
import {
  type ClaimedExecution,
  claimExecutions,
  countBreakdown,
  freeLeases,
  type RenewedRow,
  releaseLease,
  renewLease,
  renewLeases,
  taken,
} from './running.store.js';
import { Slots } from './slots.js';
import type { Walk } from './walk.js';
import type { WalkSettings } from './walk-parts.js';
import { takeName } from './worker-name.js';

export interface WorkerSettings extends WalkSettings {
  readonly name: string;
  readonly databaseUrl: string;
  /** Executions walked at once. */
  readonly maxExecutions: number;
  /** Executions of one tenant that run at once on all workers, unless the tenant has a limit of its own; 0: any number. */
  readonly tenantMaxRunning: number;
  /** Executions of all tenants that run at once on all workers; 0: any number. */
  readonly maxRunning: number;
  /** Operations of one plugin at once, unless the plugin says more. */
  readonly maxOperations: number;
  /** Seconds; renewed at a third of it. */
  readonly lease: number;
  /** Seconds that running operations get at a graceful stop before they are stopped themselves. */
  readonly drain: number;
}

export interface WorkerParts
  extends Pick<
    WalkDependencies,
    'pool' | 'plugins' | 'evaluation' | 'blueprints' | 'packages' | 'errands' | 'agents'
  > {
  readonly pool: Pool;
  readonly plugins: PluginRegistry;
  readonly signals: Pick<Signals, 'send' | 'subscribe'>;
  readonly settings: WorkerSettings;
  readonly log: WorkerLog;
  readonly figures?: EngineFigures;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** How the worker comes by its name. Default: it is held in the database. */
  readonly takeName?: typeof takeName;
}

/** The log, as far as a worker writes it: details first, then a sentence. */
export interface WorkerLog {
  warn(details: object, sentence: string): void;
  error(details: object, sentence: string): void;
}

export interface RunningWorker {
  /** As executions name it. */
  readonly name: string;
  /** No other process of that name lives. */
  readonly sole: boolean;
  /** Executions being walked now. */
  readonly executions: number;
  /** Operations running now. */
  readonly operations: number;
  /** Stops claiming, waits for what runs or stops it, hands the rest back. */
  stop(): Promise<void>;
}

const POLL_MS = 1000;
/** Executions that one claim takes. */
const MOST_CLAIMED = 16;
/** The hint that something was written which those who follow want to be told. */
const NEWS = 'news';
/** Seconds before an execution whose walk broke off is tried again; doubled each time. */
const FIRST_PAUSE = 1;
/** So often the engine itself may fail at an execution before it gives it up. */
const MOST_BREAKDOWNS = 5;
/** At a stop: beyond what operations get, for the last batches. */
const LAST_WORDS_MS = 3000;

/** Starts a worker in this process; resolves when it takes work. */
export async function startWorker(parts: WorkerParts): Promise<RunningWorker> {
  const { pool, plugins, signals, settings, log, figures, clock = machineClock } = parts;
  const holds = new Map<number, Held>();
  const slots = new Slots(
    (name) => plugins.find(name)?.concurrency ?? settings.maxOperations,
    clock,
    settings.spread,
  );
  const appetite = new Appetite(clock, slots);
  const walked = () =>
    [...holds.values()].map(({ execution, walk }) => ({
      tenantId: execution.tenantId,
      isSeen: walk !== null,
    }));
  let stopping = false;
  let again = false;
  /** What is heard now, this worker says itself. */
  let tells = false;
  let claiming: Promise<void> | null = null;
  let later: (() => void) | null = null;

  const abandoned = new AbortController();
  const written = () => signals.send(NEWS);
  const dependencies = { ...parts, clock, slots, abandoned: abandoned.signal, written };

  const identity = await (parts.takeName ?? takeName)(settings, log);
  if (identity.session !== null) {
    await plugins.recoverAll();
    await freeLeases.run(identity.session, [identity.name]);
  }

  async function claim(): Promise<void> {
    do {
      again = false;
      const room = settings.maxExecutions - holds.size;
      if (stopping || room <= 0) return;
      const { most, sated } = appetite.wish(walked());
      const asked = momentOf(clock);
      const rows = await claimExecutions.all(pool, [
        identity.name,
        settings.lease,
        Math.min(room, MOST_CLAIMED),
        [...holds.keys()],
        settings.tenantMaxRunning,
        settings.maxRunning,
        most,
        sated,
      ]);
      const claimed = rows.map(taken);
      figures?.claimed(claimed);
      for (const execution of claimed) begin(execution, asked);
      if (claimed.length > 0) {
        appetite.ate();
        again ||= !appetite.isHeldBack(walked());
      }
      hold();
    } while (again);
  }

  /** Looks again when there is room, and where there is none, when others have had their time. */
  function hold(): void {
    if (!appetite.isHeldBack(walked())) return;
    slots.whenRoom(() => clock.after(0, look));
    const wait = appetite.untilAnybodys(walked());
    if (wait > 0 && wait < POLL_MS) lookLater(wait);
  }

  function lookLater(delay: number): void {
    later ??= clock.after(delay, () => {
      later = null;
      lookPatiently();
    });
  }

  /** Also for what others have left. */
  function lookPatiently(): void {
    appetite.waited();
    look();
  }

  function look(): void {
    again = true;
    if (claiming !== null || stopping) return;
    claiming = claim()
      .catch((error: unknown) => log.warn({ err: error }, 'cannot look for work; trying again'))
      .finally(() => {
        claiming = null;
      });
  }

  function begin(execution: ClaimedExecution, asked: Moment): void {
    const lease = new Lease(clock, settings.lease, asked, () => void renew().catch(() => {}));
    // It was resumed while we walked it: somebody had set its status by hand.
    holds.get(execution.uid)?.walk?.fence();
    holds.get(execution.uid)?.lease.tell();
    const held: Held = { execution, lease, walk: null, renewing: false, done: Promise.resolve() };
    holds.set(execution.uid, held);
    const assured = () => lease.assured();
    held.done = walkExecution({ ...dependencies, assured }, execution, (walk) => {
      const isNew = held.walk === null;
      held.walk = walk;
      if (stopping) walk.release(settings.drain);
      else if (isNew) clock.after(0, seen);
    })
      .catch((error: unknown) => broke(execution, error))
      .then(async (end) => {
        figures?.ended(execution, end);
        lease.tell();
        if (end === 'released')
          await releaseLease.run(pool, [execution.uid, execution.fence]).catch(() => {});
        if (holds.get(execution.uid) === held) holds.delete(execution.uid);
        tells = true;
        signals.send(`ended:${execution.id}`);
        tells = false;
        if (!stopping) look();
      });
  }

  /** What a walk asks for first, it has asked for. */
  function seen(): void {
    appetite.saw();
    if (!appetite.isHeldBack(walked())) look();
  }

  /** Trouble of our own making: tried again after a pause, some times, so that one bad execution neither spins nor stays for ever. */
  async function broke(execution: ClaimedExecution, error: unknown): Promise<'broken'> {
    log.error({ err: error, execution: execution.id }, 'the walk of an execution broke off');
    if (isOutage(error)) return 'broken';
    try {
      const row = await countBreakdown.one(pool, [execution.uid, execution.fence, FIRST_PAUSE]);
      if (row !== null && row.breakdowns >= MOST_BREAKDOWNS)
        await giveUpExecution(dependencies, execution, error);
    } catch (trouble) {
      log.error({ err: trouble, execution: execution.id }, 'a broken execution could not be ended');
    }
    return 'broken';
  }

  async function renew(): Promise<void> {
    if (holds.size === 0) return;
    const mine = [...holds.values()];
    const asked = momentOf(clock);
    const rows = await renewLeases.all(pool, [
      identity.name,
      settings.lease,
      mine.map((held) => held.execution.uid),
      mine.map((held) => held.execution.fence),
    ]);
    const kept = new Map(rows.map((row) => [row.uid, row]));
    for (const held of mine) {
      const row = kept.get(held.execution.uid);
      if (row?.renewed === false) renewBehind(held);
      keep(held, row ?? null, asked);
    }
  }

  /** Of an execution that somebody else has locked, such as a batch on its way: waited for by itself, so that no other lease waits. */
  function renewBehind(held: Held): void {
    if (held.renewing) return;
    held.renewing = true;
    const { uid, fence } = held.execution;
    const asked = momentOf(clock);
    renewLease
      .one(pool, [identity.name, settings.lease, uid, fence])
      .then((row) => keep(held, row, asked))
      .catch((error: unknown) => log.warn({ err: error }, 'cannot renew a lease; trying again'))
      .finally(() => {
        held.renewing = false;
      });
  }

  /** Null: it is no longer ours. */
  function keep(held: Held, row: RenewedRow | null, asked: Moment): void {
    if (holds.get(held.execution.uid) !== held) return;
    if (row === null) {
      held.walk?.fence();
      held.lease.tell();
      return;
    }
    held.walk?.observe(row.status);
    if (row.renewed) held.lease.renewed(asked);
  }

  const unsubscribe = signals.subscribe((hints) => {
    const isWork = hints.includes('work') || (!tells && hints.some((hint) => hint.startsWith('ended:')));
    if (isWork && appetite.isHeldBack(walked())) lookLater(LEFT_TO_OTHERS_MS);
    else if (isWork) look();
    if (hints.some((hint) => hint.startsWith('changed:'))) void renew().catch(() => {});
  });
  const stopPolling = every(clock, POLL_MS, lookPatiently);
  const stopRenewing = every(clock, (settings.lease * 1000) / 3, () => {
    renew().catch((error: unknown) => log.warn({ err: error }, 'cannot renew leases; trying again'));
  });
  look();

  return {
    name: identity.name,
    sole: identity.session !== null,
    get executions() {
      return holds.size;
    },
    get operations() {
      return slots.used;
    },
    async stop() {
      stopping = true;
      stopPolling();
      later?.();
      unsubscribe();
      const patience = (settings.drain + settings.cancelGrace) * 1000 + LAST_WORDS_MS;
      const inTime = clock.after(patience, () => abandoned.abort());
      // Through an outage nothing can be handed back: the leases run out by themselves.
      const given = new Promise<void>((resolve) => {
        abandoned.signal.addEventListener('abort', () => resolve());
      });
      await Promise.race([claiming, given]);
      for (const held of holds.values()) held.walk?.release(settings.drain);
      await Promise.race([Promise.all([...holds.values()].map((held) => held.done)), given]);
      for (const held of holds.values()) held.walk?.fence();
      inTime();
      stopRenewing();
      await identity.give();
    },
  };
}

/** Again and again until it is called off. */
function every(clock: Clock, pause: number, work: () => void): () => void {
  let callOff = clock.after(pause, again);
  function again(): void {
    callOff = clock.after(pause, again);
    work();
  }
  return () => callOff();
}

interface Held {
  readonly execution: ClaimedExecution;
  readonly lease: Lease;
  walk: Walk | null;
  /** A renewal waits until its row is free. */
  renewing: boolean;
  done: Promise<void>;
}
