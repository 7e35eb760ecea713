/**
 * Live streams: every connection of this process, told what concerns it as it happens.
 *
 * One loop reads for all of them. A hint of another process (`store/signals.ts`) or the poll starts a turn: what is new for
 * all topics together is read once, what it means for states is looked up once, each frame is made once for all who want
 * the same, and written to each. Turns keep a distance, so that a thousand connections cost a bounded number of writes.
 * Connections that come with a position are first told what was before it, by readings of their own.
 *
 * What always holds: a connection is told every frame in order, each once; between its position and the next nothing is
 * left out. Where that cannot be, it is told `reset` and begins anew.
 */

import type { Caller } from '../caller.js';
import type { Authenticated } from '../identity/callers.js';
import { recheck, type Ticket, ticketFor } from '../identity/rechecks.js';
import type { DeploymentUid } from '../ids.js';
import type { Followed } from '../orchestration/followed.js';
import type { Pool } from '../store/pool.js';
import type { Signals } from '../store/signals.js';
import { Feed, type News, type Position } from './feed.js';
import { Follower, LITTLE_PENDING, type Wire } from './follower.js';
import { frame, heartbeat, Teller } from './frames.js';
import { countsOf, standingAfter } from './standing.js';
import { type Subscription, watchedBy } from './subscription.js';

export interface StreamSettings {
  /** Milliseconds between the beginnings of two turns, at least. */
  readonly turnMs: number;
  /** Without a hint, a turn begins after so long. */
  readonly pollMs: number;
  readonly heartbeatMs: number;
  /** How often it is asked whether those who follow still may. */
  readonly recheckMs: number;
  /** Counts of states are told no more often, for each deployment. */
  readonly countMs: number;
  /** A reader that takes nothing for so long is let go. */
  readonly patienceMs: number;
  readonly mostConnections: number;
}

export const STREAM_SETTINGS: StreamSettings = {
  turnMs: 25,
  pollMs: 1000,
  heartbeatMs: 15_000,
  recheckMs: 2000,
  countMs: 1000,
  patienceMs: 60_000,
  mostConnections: 10_000,
};

/** Readings of what was before that go on at once, for all who come back. */
const MOST_READINGS = 4;

export interface StreamParts {
  readonly pool: Pool;
  readonly signals: Signals;
  readonly followed: Followed;
  readonly settings?: Partial<StreamSettings>;
  readonly notice: (details: object, sentence: string) => void;
}

/** A page of what was before: its frame (null: nothing in it) and where it ends; null: it cannot be told any more. */
type Page = { readonly chunk: Buffer | null; readonly position: Position } | null;

export class Streams {
  readonly #parts: StreamParts;
  readonly #settings: StreamSettings;
  readonly #feed: Feed;
  readonly #followers = new Set<Follower>();
  /** Where the loop is; null: nobody follows, and it stands still. */
  #position: Position | null = null;
  #turning: Promise<void> | null = null;
  /** When the next turn begins, on the clock of `performance`. */
  #due = Number.POSITIVE_INFINITY;
  #lastTurn = 0;
  #timer: NodeJS.Timeout | null = null;
  #beat: NodeJS.Timeout | null = null;
  #check: NodeJS.Timeout | null = null;
  #unsubscribe: (() => void) | null = null;
  #closed = false;
  #failing = false;
  #readings = 0;
  readonly #waiting: (() => void)[] = [];
  #afterTurn: (() => void)[] = [];
  readonly #pages = new Map<string, Promise<Page>>();
  /** When counts may be told again, and of whom they are owed. */
  readonly #counted = new Map<DeploymentUid, number>();
  readonly #owed = new Set<DeploymentUid>();

  constructor(parts: StreamParts) {
    this.#parts = parts;
    this.#settings = { ...STREAM_SETTINGS, ...parts.settings };
    this.#feed = new Feed(parts.pool);
  }

  get connections(): number {
    return this.#followers.size;
  }

  get hasRoom(): boolean {
    return !this.#closed && this.#followers.size < this.#settings.mostConnections;
  }

  get heartbeatMs(): number {
    return this.#settings.heartbeatMs;
  }

  /** Where somebody begins who wants only what comes from now on. */
  now(): Promise<Position> {
    return this.#feed.now();
  }

  /** What somebody who has just been let in stays in with. */
  admit(authenticated: Authenticated, caller: Caller): Promise<Ticket> {
    return ticketFor(this.#parts.pool, authenticated, caller);
  }

  /** Tells `wire` what comes after `position`, until it closes. `hello` is said first. */
  follow(wire: Wire, wanted: Subscription, ticket: Ticket, position: Position, hello: object = {}): void {
    if (this.#closed) {
      wire.end();
      return;
    }
    const follower = new Follower(wire, wanted, ticket, position);
    this.#followers.add(follower);
    wire.onClose(() => this.#forget(follower));
    this.#start();
    wire.write(frame('hello', position, hello));
    void this.#catchUp(follower);
  }

  /** Looks for news soon: a hint. */
  look(): void {
    this.#plan(0);
  }

  /** Ends every connection; they come back, here or elsewhere, to where they were. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const follower of [...this.#followers]) this.#end(follower, 'server-stops');
    this.#stop();
    await this.#turning;
  }

  #start(): void {
    if (this.#beat !== null) return;
    const { heartbeatMs, recheckMs } = this.#settings;
    this.#beat = setInterval(() => this.#heartbeat(), heartbeatMs).unref();
    this.#check = setInterval(() => void this.#recheck(), recheckMs).unref();
    this.#unsubscribe = this.#parts.signals.subscribe(() => this.look());
    this.#plan(0);
  }

  #stop(): void {
    clearInterval(this.#beat ?? undefined);
    clearInterval(this.#check ?? undefined);
    clearTimeout(this.#timer ?? undefined);
    this.#unsubscribe?.();
    this.#beat = null;
    this.#check = null;
    this.#timer = null;
    this.#unsubscribe = null;
    this.#due = Number.POSITIVE_INFINITY;
    this.#position = null;
    this.#counted.clear();
    this.#owed.clear();
  }

  #forget(follower: Follower): void {
    follower.state = 'closed';
    this.#followers.delete(follower);
    if (this.#followers.size === 0) this.#stop();
  }

  #end(follower: Follower, reason: string): void {
    if (follower.state === 'closed') return;
    follower.wire.write(frame('end', follower.position, { reason }));
    follower.wire.end();
    this.#forget(follower);
  }

  #heartbeat(): void {
    if (this.#position === null) return;
    const chunk = heartbeat(this.#position);
    for (const follower of this.#followers)
      if (follower.state === 'live') follower.send(this.#position, chunk);
  }

  /** Begins a turn after `ms`, if none is to begin before. */
  #plan(ms: number): void {
    if (this.#closed || this.#followers.size === 0) return;
    const at = Math.max(performance.now() + ms, this.#lastTurn + this.#settings.turnMs);
    if (at >= this.#due) return;
    this.#due = at;
    if (this.#turning !== null) return;
    clearTimeout(this.#timer ?? undefined);
    this.#timer = setTimeout(() => this.#begin(), Math.max(0, at - performance.now()));
  }

  #begin(): void {
    this.#due = Number.POSITIVE_INFINITY;
    this.#lastTurn = performance.now();
    this.#turning = this.#turn()
      .then(
        (again) => {
          this.#failing = false;
          return again;
        },
        (error: unknown) => {
          if (!this.#failing)
            this.#parts.notice({ err: error }, 'streams cannot read what is new; trying on');
          this.#failing = true;
          return this.#settings.pollMs;
        },
      )
      .then((again) => {
        this.#turning = null;
        for (const told of this.#afterTurn.splice(0)) told();
        const due = this.#due;
        this.#due = Number.POSITIVE_INFINITY;
        this.#plan(Math.min(again, Math.max(0, due - performance.now())));
      });
  }

  /** @returns milliseconds after which the next one is to begin, at the latest */
  async #turn(): Promise<number> {
    const { pollMs, turnMs } = this.#settings;
    const from = this.#position ?? (await this.#feed.now());
    // Who comes while this is read is counted in from its end.
    const counted = [...this.#followers];
    const subscriptions = byKey(counted);
    const news = await this.#feed.read(watchedBy(subscriptions.values()), from);
    if (news === null) {
      // Ids may be those of other things now: whoever comes back is let in anew, and told to begin anew.
      for (const one of this.#followers) this.#end(one, 'begin-anew');
      return 0;
    }
    const told = await this.#teller(news, subscriptions.values());
    this.#position = news.position;
    if (this.#followers.size === 0) this.#stop();
    const chunks = new Map<string, Buffer | null>();
    for (const [key, one] of subscriptions) chunks.set(key, told.frameFor(one));
    for (const one of counted) one.tell(news.position, chunks.get(one.subscription.key) ?? null);
    for (const one of counted) if (one.state === 'lagging' && !one.isAwaited) void this.#waitFor(one);
    if (news.more) return 0;
    if (this.#owed.size > 0) return Math.min(pollMs, this.#settings.countMs);
    return news.held ? turnMs : pollMs;
  }

  async #teller(news: News, subscriptions: Iterable<Subscription>): Promise<Teller> {
    const all = [...subscriptions];
    const standing = await standingAfter(this.#parts.followed, news, all);
    for (const { deploymentUid } of [...standing.instances, ...standing.restructured])
      this.#owed.add(deploymentUid);
    const now = performance.now();
    const due = [...this.#owed].filter((uid) => (this.#counted.get(uid) ?? 0) <= now);
    for (const uid of due) {
      this.#owed.delete(uid);
      this.#counted.set(uid, now + this.#settings.countMs);
    }
    return new Teller(news, { ...standing, counts: await countsOf(this.#parts.followed, due) });
  }

  /** Tells what was before the loop's position, then lets the loop go on with it. */
  async #catchUp(follower: Follower): Promise<void> {
    try {
      for (;;) {
        follower.keepAnew();
        // A turn that is being read may know nothing of this one yet, or tell what is read here: it is waited for, and what
        // it brings let go. The next one begins where this one is counted in.
        await this.#turning;
        if (follower.state === 'closed') return;
        follower.keepAnew();
        const until = this.#position;
        if (until === null) await this.#begins(follower);
        else if (follower.position > until) await this.#ahead(follower);
        else if ((await this.#read(follower, until)) && follower.goLive()) return;
        if (this.#hasLeft(follower)) return;
      }
    } catch (error) {
      this.#parts.notice({ err: error }, 'a stream cannot be told what was before');
      this.#end(follower, 'try-again');
    }
  }

  /** The first of all: the loop begins where it is. */
  async #begins(follower: Follower): Promise<void> {
    if (!(await this.#feed.reaches(follower.position))) await this.#reset(follower);
    if (!this.#hasLeft(follower)) this.#position ??= follower.position;
    this.#plan(0);
  }

  /** It has been told more than this process has read yet, by another one: the loop is to come this far first. */
  async #ahead(follower: Follower): Promise<void> {
    if (!(await this.#feed.reaches(follower.position))) await this.#reset(follower);
    this.#plan(0);
    await new Promise<void>((resolve) => this.#afterTurn.push(resolve));
  }

  /** Pages up to `until`. False: the reader is gone, or slow beyond patience. */
  async #read(follower: Follower, until: Position): Promise<boolean> {
    while (follower.position < until) {
      const page = await this.#page(follower, until);
      if (this.#hasLeft(follower)) return false;
      if (page === null) await this.#reset(follower);
      else follower.send(page.position, page.chunk);
      if (!(await this.#drained(follower))) return false;
    }
    return true;
  }

  async #reset(follower: Follower): Promise<void> {
    const position = await this.#feed.now();
    follower.send(position, frame('reset', position, { reason: 'position-too-old' }));
  }

  #hasLeft(follower: Follower): boolean {
    return !this.#followers.has(follower);
  }

  /** The next page for a follower; those who come back together are told the same one. */
  #page({ subscription, position }: Follower, until: Position): Promise<Page> {
    const key = `${subscription.key}|${position}|${until}`;
    const known = this.#pages.get(key);
    if (known !== undefined) return known;
    const page = this.#inTurn(async (): Promise<Page> => {
      const news = await this.#feed.read(watchedBy([subscription]), position, until);
      if (news === null) return null;
      const standing = await standingAfter(this.#parts.followed, news, [subscription]);
      const touched = new Set(standing.instances.map(({ deploymentUid }) => deploymentUid));
      const counts = await countsOf(this.#parts.followed, [...touched]);
      const chunk = new Teller(news, { ...standing, counts }).frameFor(subscription);
      return { chunk, position: news.position };
    });
    this.#pages.set(key, page);
    const forget = () => setTimeout(() => this.#pages.delete(key), 1000).unref();
    page.then(forget, () => this.#pages.delete(key));
    return page;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#readings >= MOST_READINGS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#readings += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#readings -= 1;
      else next();
    }
  }

  /** A slow reader: nothing more is written until it has read; then it is told from where it was. */
  async #waitFor(follower: Follower): Promise<void> {
    follower.isAwaited = true;
    const hasRead = await this.#drained(follower);
    follower.isAwaited = false;
    if (hasRead) await this.#catchUp(follower);
  }

  async #drained(follower: Follower): Promise<boolean> {
    if (follower.wire.pending < LITTLE_PENDING) return !this.#hasLeft(follower);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<true>((resolve) => {
      timer = setTimeout(() => resolve(true), this.#settings.patienceMs).unref();
    });
    const isLate = await Promise.race([follower.wire.drained().then(() => false as const), late]);
    clearTimeout(timer);
    if (isLate) this.#end(follower, 'too-slow');
    return !isLate && !this.#hasLeft(follower);
  }

  /** Ends those who may no longer: a token revoked, a user suspended, a role taken away. */
  async #recheck(): Promise<void> {
    const all = [...this.#followers];
    try {
      const good = await recheck(
        this.#parts.pool,
        all.map(({ ticket }) => ticket),
      );
      for (const [place, one] of all.entries()) if (good[place] !== true) this.#end(one, 'rights-changed');
    } catch (error) {
      if (!this.#failing)
        this.#parts.notice({ err: error }, 'it cannot be told whether streams are still allowed');
    }
  }
}

function byKey(followers: readonly Follower[]): Map<string, Subscription> {
  return new Map(followers.map(({ subscription }) => [subscription.key, subscription]));
}
