/**
 * Watches an execution to its end.
 *
 * Over the live stream of the server's own API: what was before is read from the list, what comes then is told, and after a break
 * in the connection everything since (`Last-Event-ID`). A server without that API is asked again and again: its status
 * is always read before the events, so that once it is final, the events read after it are all there are. A
 * server that goes away in the middle (it is restarted, say) is waited for; the execution goes on when it is back,
 * and so does the watching, at the event it had come to.
 */
import type { Client, Query } from '../api/client.js';
import { path } from '../api/paths.js';
import { type EventRecord, type ExecutionRecord, isFinal, type Page } from '../api/wire.js';
import { ApiError, type CliError, ExitCode, UnreachableError } from '../errors.js';
import type { Printer } from '../output.js';
import { progressLines } from '../terminal/bar.js';
import { eventLines, kindOf, plainEventLine } from '../terminal/event-line.js';
import { LiveBlock } from '../terminal/live.js';
import type { Style } from '../terminal/style.js';
import { clean, wrap } from '../terminal/text.js';
import { clock, span } from '../terminal/time.js';
import { columnsOf, type World } from '../world.js';
import { EventTail, type FetchEvents } from './event-tail.js';
import { executionAfter, type Frame, openFrames, recordOf } from './frames.js';
import { InFlight } from './in-flight.js';
import { Patience } from './patience.js';

/** How long a server may stay away before we stop waiting for it. */
const ABSENCE = 10 * 60_000;
const FRAME = 100;
const BY_TIME = '-reported_timestamp';

export interface FollowOptions {
  /** False: only what the workflow itself reports, not what scripts and plugins log. */
  readonly logs: boolean;
}

/** Shows an execution until it ends; answers the exit code that tells how. */
export async function followExecution(
  client: Client,
  world: World,
  print: Printer,
  id: string,
  options: FollowOptions,
): Promise<number> {
  const watcher = new Watcher(client, world, print, id, options);
  return watcher.watch();
}

/** Pages of events, newest first: by their id where the server sorts by it, else by the time of recording. */
export function eventSource(client: Client, filters: Query): FetchEvents {
  let newestFirst = '-_storage_id';
  return async function fetch(request): Promise<Page<EventRecord>> {
    const { offset, size, from } = request;
    try {
      return await client.get<Page<EventRecord>>('/events', {
        ...filters,
        _sort: newestFirst,
        _size: size,
        _offset: offset,
        ...(from === null ? {} : { _range: `reported_timestamp,${from},` }),
      });
    } catch (error) {
      const refused = error instanceof ApiError && error.status === 400;
      if (!refused || newestFirst === BY_TIME) throw error;
      newestFirst = BY_TIME;
      return fetch(request);
    }
  };
}

export const eventKinds = (logs: boolean): readonly string[] =>
  logs ? ['cloudify_event', 'cloudify_log'] : ['cloudify_event'];

/** Waits; ends early when the signal does. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}

/** What comes of `work`, or null as soon as the signal says so: a server that is slow to answer is not waited for. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const aborted = new Promise<null>((resolve) => {
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  return Promise.race([work, aborted]);
}

/** True when asking again later may help. */
export function isPassing(error: unknown): error is CliError {
  return error instanceof UnreachableError || (error instanceof ApiError && error.passing);
}

/** A stream broke off in the middle: what it had not told yet is told by the next. */
function isBroken(error: unknown): boolean {
  return ['ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(
    String((error as NodeJS.ErrnoException | null)?.code),
  );
}

class Watcher {
  private readonly tail: EventTail;
  private readonly flight = new InFlight();
  private readonly live: LiveBlock | null;
  private execution: ExecutionRecord | null = null;
  private notice: string | null = null;
  private awaySince: number | null = null;
  private tick = 0;
  private ended = false;
  private left = false;
  private readonly logs: boolean;

  constructor(
    private readonly client: Client,
    private readonly world: World,
    private readonly print: Printer,
    private readonly id: string,
    options: FollowOptions,
  ) {
    this.logs = options.logs;
    this.tail = new EventTail(eventSource(client, { execution_id: id, type: eventKinds(options.logs) }));
    const drawable =
      print.onTerminal && print.format === 'table' && !print.quiet && world.env.TERM !== 'dumb';
    this.live = drawable ? new LiveBlock(world.stdout) : null;
  }

  async watch(): Promise<number> {
    const interrupt = new AbortController();
    const release = this.world.onInterrupt(() => interrupt.abort());
    const frames = this.live === null ? null : setInterval(() => this.draw(), FRAME);
    try {
      const execution = await unlessAborted(this.untilEnd(interrupt.signal), interrupt.signal);
      if (execution === null) return this.leave();
      return await this.tellEnd(execution);
    } finally {
      if (frames !== null) clearInterval(frames);
      release();
      this.live?.close();
    }
  }

  /** The execution in its final status, or null when the watcher was told to stop. */
  private async untilEnd(signal: AbortSignal): Promise<ExecutionRecord | null> {
    const patience = new Patience();
    let last: string | null = null;
    while (!signal.aborted) {
      try {
        const execution = await this.client.get<ExecutionRecord>(path('executions', this.id));
        this.execution = execution;
        if (isFinal(execution.status)) return await this.over(execution, signal);
        const frames = await openFrames(this.client, this.id, { logs: this.logs, after: last, signal });
        if (frames === null) return await this.asking(execution, signal);
        for await (const frame of frames) {
          const wasAway = this.awaySince !== null;
          this.isBack();
          if (frame.event === 'reset' || (frame.event === 'hello' && last === null)) {
            await this.show(await this.tail.read());
          }
          last = frame.id ?? last;
          await this.news(frame, wasAway);
          if (frame.event === 'end' || isFinal(this.execution.status)) break;
        }
        if (!isFinal(this.execution.status)) await pause(patience.next(true), signal);
      } catch (error) {
        if (signal.aborted) return null;
        if (!isPassing(error) && !isBroken(error)) throw error;
        await pause(isPassing(error) ? this.away(error, patience) : patience.next(false), signal);
      }
    }
    return null;
  }

  /** Shows what one frame of the stream tells. */
  private async news({ data }: Frame, always: boolean): Promise<void> {
    const before = this.execution!;
    const now = data.executions?.find((one) => one.id === this.id);
    if (now !== undefined) this.execution = executionAfter(before, now);
    const fresh = this.tail.take((data.events ?? []).map((event) => recordOf(event, before)));
    if (fresh.length > 0 || always) await this.show(fresh);
  }

  /** The last word is the record's own: what is told of it on the way is not all of it. */
  private async over(execution: ExecutionRecord, signal: AbortSignal): Promise<ExecutionRecord> {
    await this.show(await this.tail.read());
    await this.lastEvents(execution, signal);
    return execution;
  }

  private isBack(): void {
    if (this.awaySince !== null && !this.print.onTerminal) this.print.note('The server answers again.');
    this.awaySince = null;
    this.notice = null;
  }

  /** The same of a server that tells no streams. */
  private async asking(first: ExecutionRecord, signal: AbortSignal): Promise<ExecutionRecord | null> {
    const patience = new Patience();
    let known: ExecutionRecord | null = first;
    let before = '';
    while (!signal.aborted) {
      let wait: number;
      const begun = performance.now();
      try {
        const execution: ExecutionRecord = known ?? (await this.client.get(path('executions', this.id)));
        known = null;
        this.execution = execution;
        const fresh = await this.tail.read();
        this.isBack();
        await this.show(fresh);
        if (isFinal(execution.status)) {
          await this.lastEvents(execution, signal);
          return execution;
        }
        const now = `${execution.status} ${execution.finished_operations}`;
        // A server that takes its time is left twice that time in peace.
        wait = Math.max(2 * (performance.now() - begun), patience.next(fresh.length > 0 || now !== before));
        before = now;
      } catch (error) {
        if (!isPassing(error)) throw error;
        wait = this.away(error, patience);
      }
      await pause(wait, signal);
    }
    return null;
  }

  /** A server may record the closing event a moment after the status; wait for it, but not for long. */
  private async lastEvents(execution: ExecutionRecord, signal: AbortSignal): Promise<void> {
    for (let tries = 0; !this.ended && tries < 5 && execution.started_at !== null; tries++) {
      await pause(100, signal);
      await this.show(await this.tail.read());
    }
  }

  private away(error: CliError, patience: Patience): number {
    const now = this.world.now();
    if (this.execution === null) throw error;
    if (this.awaySince === null) {
      this.awaySince = now;
      if (!this.print.onTerminal) this.print.note(`${error.message} Waiting for it.`);
    }
    if (now - this.awaySince > ABSENCE) throw error;
    this.notice = 'no answer';
    return patience.next(false);
  }

  private async show(fresh: readonly EventRecord[]): Promise<void> {
    if (this.left) return;
    for (const event of fresh) {
      this.flight.note(event);
      const kind = kindOf(event);
      if (kind === 'workflow_succeeded' || kind === 'workflow_failed' || kind === 'workflow_cancelled') {
        this.ended = true;
      } else if (kind === 'workflow_started' || kind === 'task_started') {
        this.ended = false;
      }
    }
    if (this.print.quiet) return;
    if (this.print.format !== 'table') {
      for (const event of fresh) await this.print.streamed(event);
    } else if (this.live !== null) {
      this.draw(this.lines(fresh));
    } else if (this.print.onTerminal) {
      this.print.lines(this.lines(fresh));
    } else {
      this.print.lines(fresh.map(plainEventLine));
    }
  }

  /** For a person: without the sending of a task, which its starting tells again at once. */
  private lines(fresh: readonly EventRecord[]): string[] {
    const columns = columnsOf(this.world.stdout) ?? 80;
    return fresh
      .filter((event) => kindOf(event) !== 'sending_task')
      .flatMap((event) => eventLines(event, this.print.style, columns));
  }

  private draw(lasting: readonly string[] = []): void {
    const { execution } = this;
    if (this.live === null || execution === null || this.left) return;
    const now = this.world.now();
    const since = Date.parse(execution.started_at ?? execution.created_at);
    const until = execution.ended_at === null ? now : Date.parse(execution.ended_at);
    this.tick++;
    this.live.draw(
      progressLines(
        {
          workflow: clean(execution.workflow_id),
          deployment: clean(execution.deployment_id ?? ''),
          finished: execution.finished_operations ?? 0,
          total: execution.total_operations ?? 0,
          elapsed: Math.max(0, until - since),
          status: execution.status,
          trouble: this.flight.trouble,
          tick: this.tick,
          running: this.flight.running(now),
          notice:
            this.notice === null || this.awaySince === null
              ? null
              : `the server has not answered for ${clock(now - this.awaySince)}; the watch goes on when it does`,
        },
        columnsOf(this.world.stdout) ?? 80,
        this.print.style,
      ),
      lasting,
    );
  }

  private leave(): number {
    this.left = true;
    this.live?.close();
    if (this.print.quiet) return ExitCode.interrupted;
    const { style } = this.print;
    const what = this.execution === null ? 'The execution' : `The ${clean(this.execution.workflow_id)}`;
    this.print.note(`${what} goes on without you.`);
    this.print.note(`  ${style.glyphs.task} watch again: orrery executions follow ${this.id}`);
    this.print.note(`  ${style.glyphs.task} stop it:     orrery executions cancel ${this.id}`);
    return ExitCode.interrupted;
  }

  private async tellEnd(execution: ExecutionRecord): Promise<number> {
    const code = execution.status === 'terminated' ? ExitCode.ok : ExitCode.executionFailed;
    if (this.print.quiet) {
      this.print.lines([execution.id]);
      return code;
    }
    if (this.print.format !== 'table') {
      await this.print.streamed(execution);
      return code;
    }
    const lines = endLines(
      execution,
      this.print.style,
      columnsOf(this.world.stdout) ?? Number.POSITIVE_INFINITY,
    );
    if (this.live !== null) this.live.close(lines);
    else this.print.lines(lines);
    return code;
  }
}

/** What to say when an execution is over. */
export function endLines(execution: ExecutionRecord, style: Style, columns: number): string[] {
  const begun = Date.parse(execution.started_at ?? execution.created_at);
  const took = execution.ended_at === null ? '' : ` after ${span(Date.parse(execution.ended_at) - begun)}`;
  const name = `${clean(execution.workflow_id)} of ${clean(execution.deployment_id ?? '-')}`;
  const finished = execution.finished_operations ?? 0;
  const total = execution.total_operations ?? 0;
  if (execution.status === 'terminated') {
    const count = total > 0 ? `, ${finished} operations` : '';
    return [style.paint('good', `${style.glyphs.done} ${name} completed${took}${count}`)];
  }
  const count = total > 0 ? `, ${finished} of ${total} operations done` : '';
  if (execution.status === 'cancelled') {
    return [
      style.paint('warning', `${style.glyphs.stopped} ${name} cancelled${took}${count}`),
      `  ${style.paint('busy', style.glyphs.task)} go on: orrery executions resume ${execution.id} --follow`,
    ];
  }
  const error = clean((execution.error ?? '').split('\n')[0] ?? '');
  return [
    style.paint('bad', `${style.glyphs.failed} ${name} failed${took}${count}`),
    ...(error === '' ? [] : wrap(error, columns - 2).map((line) => `  ${line}`)),
    `  ${style.paint('busy', style.glyphs.task)} one by one: orrery executions operations ${execution.id} --undone, then retry or skip`,
    `  ${style.paint('busy', style.glyphs.task)} try the rest again: orrery executions resume ${execution.id} --follow`,
  ];
}
