/**
 * Reads a growing list of events: each event once, none left out.
 *
 * The list is read from its newest end, page by page, until two numbers agree: how many events the server counts,
 * and how many different ones we hold. Usually the first page settles it, however long the list has become. Reading
 * on from "the offset I had come to" was rejected: an event can become visible behind that place (its transaction
 * committed later than one that began after it, or a log line was kept back until its operation ended), and then one
 * event is repeated and another never seen. What is pushed along while we read is met again on the next page;
 * identity (`_storage_id`) decides what is new, offsets only where to look.
 *
 * What is remembered is an id per event. For a list without an end (`events list -f`) the beginning is moved forward
 * in time, `lateness` behind the newest event, so that memory and the server's counting stay bounded.
 */
import type { EventRecord, Page } from '../api/wire.js';

/** Fetches a page, newest first; `from` limits it to events recorded then or later. */
export type FetchEvents = (request: {
  readonly offset: number;
  readonly size: number;
  readonly from: string | null;
}) => Promise<Page<EventRecord>>;

export interface TailOptions {
  /** Only events recorded then or later. */
  readonly from?: string | null;
  /** Events at or after `from` that are known already. */
  readonly known?: readonly EventRecord[];
  /** Milliseconds after which no event appears any more; absent: it always may, and everything is remembered. */
  readonly lateness?: number;
}

const LARGE_PAGE = 1000;
const SMALL_PAGE = 100;
/** Events remembered before the beginning is moved. */
const WINDOW = 5000;

export class EventTail {
  /** Events of the list, with the time they were recorded. */
  private seen = new Map<string, string>();
  /** New events not handed out yet: a read that fails halfway must not lose what it had found. */
  private pending: EventRecord[] = [];
  private from: string | null;
  private readonly lateness: number | null;
  private nextSize = LARGE_PAGE;

  constructor(
    private readonly fetch: FetchEvents,
    options: TailOptions = {},
  ) {
    this.from = options.from ?? null;
    this.lateness = options.lateness ?? null;
    for (const event of options.known ?? []) this.seen.set(identity(event), recordedAt(event));
  }

  /** How many events are remembered, to tell new ones from known ones. */
  get held(): number {
    return this.seen.size;
  }

  /** Everything that is new since the last read, in the order of recording. */
  async read(): Promise<EventRecord[]> {
    const met = new Map<string, string>();
    let offset = 0;
    let total: number;
    do {
      const page = await this.fetch({ offset, size: this.nextSize, from: this.from });
      total = page.metadata.pagination.total;
      for (const event of page.items) {
        const id = identity(event);
        met.set(id, recordedAt(event));
        if (this.seen.has(id)) continue;
        this.seen.set(id, recordedAt(event));
        this.pending.push(event);
      }
      if (page.items.length === 0) break;
      offset += page.items.length;
      this.nextSize = LARGE_PAGE;
    } while (offset < total && this.seen.size !== total);
    // More than there are: some were deleted. All pages were read then, so what was met is what there is.
    if (this.seen.size > total && offset >= total) this.seen = met;
    this.nextSize = this.pending.length > SMALL_PAGE / 2 ? LARGE_PAGE : SMALL_PAGE;
    this.moveBeginning();
    const fresh = this.pending;
    this.pending = [];
    return fresh.sort(byRecording);
  }

  /** Of events that were told otherwise those that are new; they are known from now on. */
  take(events: readonly EventRecord[]): EventRecord[] {
    const fresh = events.filter((event) => !this.seen.has(identity(event)));
    for (const event of fresh) this.seen.set(identity(event), recordedAt(event));
    return fresh;
  }

  private moveBeginning(): void {
    if (this.lateness === null || this.seen.size <= WINDOW) return;
    let newest = '';
    for (const time of this.seen.values()) if (time > newest) newest = time;
    const edge = new Date(Date.parse(newest) - this.lateness).toISOString();
    const kept = new Map([...this.seen].filter(([, time]) => time >= edge));
    if (kept.size > this.seen.size / 2) return;
    this.from = edge;
    this.seen = kept;
  }
}

function recordedAt(event: EventRecord): string {
  return event.reported_timestamp ?? event.timestamp;
}

function identity(event: EventRecord): string {
  if (event._storage_id !== undefined && event._storage_id !== null) return String(event._storage_id);
  return JSON.stringify([
    recordedAt(event),
    event.timestamp,
    event.type,
    event.event_type,
    event.node_instance_id,
    event.operation,
    event.message,
  ]);
}

function byRecording(a: EventRecord, b: EventRecord): number {
  const [first, second] = [recordedAt(a), recordedAt(b)];
  if (first !== second) return first < second ? -1 : 1;
  return Number(a._storage_id ?? 0) - Number(b._storage_id ?? 0);
}
