/**
 * Runs the operations of pools: takes them from a dispatcher, asks the plugins, and brings their outcomes back.
 *
 * What always holds:
 *  - What is held is kept by beats, one for all of it. What a beat no longer names is stopped at once, and says nothing more.
 *  - An outcome is delivered until it has arrived, however long the other end is away, as long as this process lives.
 *  - A stop takes no new work, lets what runs end for a while, then ends it and says that it does not know how it went.
 */
import { DomainError, type ErrorKind } from '../../../errors.js';
import type { AbortReason, OperationOutcome, Plugin } from '../../../plugins/plugin.js';
import type { PluginRegistry } from '../../../plugins/registry.js';
import { type AbortNews, type Dispatcher, type Finish, Lost, type Work } from './dispatcher.js';
import { heldRequest } from './held-request.js';
import { Speech } from './speech.js';

export interface PoolWorkerParts {
  readonly dispatcher: Dispatcher;
  readonly plugins: PluginRegistry;
  readonly log: {
    warn(details: object, sentence: string): void;
    error(details: object, sentence: string): void;
  };
  /** Operations at once. */
  readonly room: number;
  /** Seconds that what is held stays ours without a beat. */
  readonly lease: number;
  /** Seconds that running operations get at a stop. */
  readonly drain: number;
}

export interface PoolWorker {
  readonly operations: number;
  /** `drop`: nobody hears what it brings any more; what runs is ended at once. */
  stop(drop?: boolean): Promise<void>;
}

interface Held {
  readonly work: Work;
  readonly stop: AbortController;
  readonly atOnce: AbortController;
  abort: AbortNews | null;
  /** Nothing that it says arrives any more. */
  lost: boolean;
  done: Promise<void>;
}

const AGAIN_MS = 1000;
/** An outcome that cannot be taken as it is: the operation has failed for that. */
const UNFIT = new Set<ErrorKind>(['invalid', 'limit']);
/** Seconds that a stop waits beyond the drain, for processes that must be ended and last words. */
const LAST_WORDS = 20;

export function startPoolWorker(parts: PoolWorkerParts): PoolWorker {
  const { dispatcher, plugins, log, room, lease } = parts;
  const held = new Map<number, Held>();
  const stopping = new AbortController();
  /** Nobody waits for what has not been delivered. */
  const over = new AbortController();
  const speech = new Speech(dispatcher, {
    lost: (operation) => lose(operation),
    trouble: (error) => log.warn({ err: error }, 'what operations say cannot be delivered; trying again'),
  });
  let wake = () => {};
  let woken = new AbortController();

  /** Tells the loop that there is room again. */
  function ring(): void {
    wake();
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      woken = new AbortController();
      const signal = woken.signal;
      const full = held.size >= room;
      wake = () => {
        if (full) woken.abort();
      };
      try {
        const known = [...held.values()].flatMap((one) => (one.abort === null ? [] : [one.abort]));
        const { work, aborts } = await dispatcher.attend(Math.max(0, room - held.size), known, signal);
        for (const news of aborts) abort(news);
        for (const one of work) begin(one);
      } catch (error) {
        if (stopping.signal.aborted) return;
        log.warn({ err: error }, 'cannot look for operations; trying again');
        await pause(AGAIN_MS, stopping.signal);
      }
    }
  }

  function begin(work: Work): void {
    const one: Held = {
      work,
      stop: new AbortController(),
      atOnce: new AbortController(),
      abort: null,
      lost: false,
      done: Promise.resolve(),
    };
    held.set(work.operation, one);
    speech.begin(work);
    one.done = run(one)
      .catch((error: unknown) => log.error({ err: error }, 'an operation of a pool broke off'))
      .finally(() => {
        held.delete(work.operation);
        speech.drop(work.operation);
        ring();
      });
  }

  async function run(one: Held): Promise<void> {
    const { work } = one;
    const { request, patches } = heldRequest(work, {
      dispatcher,
      speech,
      stop: one.stop.signal,
      atOnce: one.atOnce.signal,
    });
    let finish: Finish;
    try {
      const outcome = await asked(pluginOf(plugins, work), request);
      finish = finishOf(one, outcome, patches);
    } catch (error) {
      finish = one.stop.signal.aborted && one.abort === null ? null : failed(error);
    }
    const rest = await speech.end(work);
    await deliver(one, rest, finish);
  }

  async function deliver(
    one: Held,
    rest: Parameters<Dispatcher['finish']>[1],
    finish: Finish,
  ): Promise<void> {
    let [last, words] = [finish, rest];
    while (!one.lost && !over.signal.aborted) {
      try {
        await dispatcher.finish(one.work, words, last);
        return;
      } catch (error) {
        if (error instanceof Lost) return;
        if (error instanceof DomainError && UNFIT.has(error.kind) && last !== null) {
          [last, words] = [failed(error), []];
          continue;
        }
        log.warn({ err: error }, 'an outcome cannot be delivered; trying again');
        await pause(AGAIN_MS, over.signal);
      }
    }
  }

  function abort(news: AbortNews): void {
    const one = held.get(news.operation);
    if (one === undefined) return;
    one.abort = news;
    end(one, news.abort, news.atOnce);
  }

  function lose(operation: number): void {
    const one = held.get(operation);
    if (one === undefined || one.lost) return;
    one.lost = true;
    speech.drop(operation);
    end(one, 'fenced', true);
  }

  async function beat(): Promise<void> {
    const mine = [...held.values()];
    const { kept, aborts } = await dispatcher.renew(mine.map(({ work }) => work));
    for (const one of mine) {
      const { operation } = one.work;
      if (held.get(operation) === one && !kept.has(operation)) lose(operation);
    }
    for (const news of aborts) abort(news);
  }

  let beating = false;
  const heartbeat = setInterval(
    () => {
      if (beating) return;
      beating = true;
      beat()
        .catch((error: unknown) => log.warn({ err: error }, 'cannot keep operations; trying again'))
        .finally(() => {
          beating = false;
        });
    },
    (lease * 1000) / 3,
  );
  const looping = loop();

  return {
    get operations() {
      return held.size;
    },
    async stop(drop = false) {
      if (drop) for (const operation of [...held.keys()]) lose(operation);
      stopping.abort();
      woken.abort();
      await looping;
      const idle = () => Promise.all([...held.values()].map((one) => one.done));
      await Promise.race([idle(), pause(parts.drain * 1000)]);
      for (const one of held.values()) end(one, 'shutdown', false);
      await Promise.race([idle(), pause(LAST_WORDS * 1000)]);
      over.abort();
      clearInterval(heartbeat);
    },
  };
}

function end(one: Held, reason: AbortReason, atOnce: boolean): void {
  if (!one.stop.signal.aborted) one.stop.abort(reason);
  if (atOnce && !one.atOnce.signal.aborted) one.atOnce.abort(reason);
}

function pluginOf(plugins: PluginRegistry, { order }: Work): Plugin | null {
  const plugin = plugins.find(order.plugin);
  return plugin === null || plugin.describe(order.functionName) === null ? null : plugin;
}

async function asked(
  plugin: Plugin | null,
  request: Parameters<Plugin['run']>[0],
): Promise<OperationOutcome> {
  if (plugin !== null) return plugin.run(request);
  const message = `this worker has no plugin with the function ${request.functionName}`;
  return {
    kind: 'failed',
    failure: { type: 'NonRecoverableError', message, retryable: false, causes: [] },
  };
}

function finishOf(
  one: Held,
  outcome: OperationOutcome,
  patches: ReturnType<typeof heldRequest>['patches'],
): Finish {
  // It was stopped, and nobody but us wanted that: whether it may run again is for the walk to say.
  if (outcome?.kind === 'aborted' && one.abort === null && one.stop.signal.aborted) return null;
  const changes = outcome?.runtimeProperties;
  if (changes === undefined) return { outcome, patches: null };
  const { runtimeProperties: _whole, ...rest } = outcome;
  return { outcome: rest as OperationOutcome, patches: patches(changes) };
}

function failed(error: unknown): Finish {
  const message = (error as Error | null)?.message ?? String(error);
  const failure = { type: 'PluginError', message, retryable: true, causes: [] };
  return { outcome: { kind: 'failed', failure }, patches: null };
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    if (signal?.aborted === true) done();
    signal?.addEventListener('abort', done);
  });
}
