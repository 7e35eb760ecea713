/**
 * One connection: what it wants, how far it has been told, and what stands between it and the news.
 *
 *   catching ── has been told all there was ──► live ── its reader is slow ──► lagging ── it has read ──► catching
 *
 * Nothing piles up for a slow reader but what its socket holds, up to a bound. Beyond that it is told nothing more until it
 * has read, and is then told from where it was; the database keeps the rest.
 */
import type { Ticket } from '../identity/rechecks.js';
import type { Position } from './feed.js';
import type { Subscription } from './subscription.js';

/** The way to the client. */
export interface Wire {
  /** Bytes that were given and have not left this process. */
  readonly pending: number;
  write(chunk: Buffer): void;
  /** Resolves when little is pending, or the connection is gone. */
  drained(): Promise<void>;
  /** Ends it, after what was written. */
  end(): void;
  /** Called once, when the connection is gone. */
  onClose(told: () => void): void;
}

/** Bytes that may be pending before a reader counts as slow. */
export const MOST_PENDING = 1024 * 1024;
/** Below this it is no longer waited for. */
export const LITTLE_PENDING = 64 * 1024;
/** Frames of live turns that are kept for one that is being told what was before. */
const MOST_KEPT = 256;

export class Follower {
  readonly subscription: Subscription;
  readonly ticket: Ticket;
  readonly wire: Wire;
  position: Position;
  state: 'catching' | 'live' | 'lagging' | 'closed' = 'catching';
  /** Somebody waits until its reader has read. */
  isAwaited = false;
  /** Of turns since it was counted in, while it is being told what was before; null: too many, they were let go. */
  #kept: (readonly [Position, Buffer | null])[] | null = [];

  constructor(wire: Wire, subscription: Subscription, ticket: Ticket, position: Position) {
    this.wire = wire;
    this.subscription = subscription;
    this.ticket = ticket;
    this.position = position;
  }

  /** The news of a turn; null: none for it. */
  tell(position: Position, chunk: Buffer | null): void {
    if (this.state === 'live') this.send(position, chunk);
    else if (this.state === 'catching' && this.#kept !== null) {
      if (this.#kept.length >= MOST_KEPT) this.#kept = null;
      else this.#kept.push([position, chunk]);
    }
  }

  send(position: Position, chunk: Buffer | null): void {
    if (this.state === 'closed') return;
    this.position = position;
    if (chunk === null) return;
    this.wire.write(chunk);
    if (this.state === 'live' && this.wire.pending > MOST_PENDING) this.state = 'lagging';
  }

  /** From now on turns are kept for it again. */
  keepAnew(): void {
    if (this.state === 'closed') return;
    this.state = 'catching';
    this.#kept = [];
  }

  /** It has been told everything up to where it was counted in: now the turns since. False: they were let go. */
  goLive(): boolean {
    const kept = this.#kept;
    if (kept === null) return false;
    this.#kept = [];
    this.state = 'live';
    for (const [position, chunk] of kept) this.send(position, chunk);
    return true;
  }
}
