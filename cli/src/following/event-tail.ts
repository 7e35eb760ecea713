/**
 * Reads a growing list of events: each event once, none left out.
 *
 * The server orders events by the time it recorded them, and a page is named by its offset. An event can become
 * visible behind the place one has read to (its transaction committed later than one that began after it); reading
 * on at the offset would then repeat an event and leave another out. So every read compares two numbers: how many
 * events the server counts, and how many different ones we hold. When they differ, it walks back page by page until
 * they agree. Offsets are only where to look; identity (`_storage_id`) decides what is new.
 *
 * Memory and the server's counting stay bounded: past `WINDOW` events the beginning of the list is moved forward in
 * time, far enough behind the newest event that nothing recorded before it can still appear.
 */
import type { EventRecord, Page } from '../api/wire.js';

/** Fetches a page in the order of recording; `from` limits it to events recorded then or later. */
export type FetchEvents = (request: {
  readonly offset: number;
  readonly size: number;
  readonly from: string | null;
}) => Promise<Page<EventRecord>>;

const PAGE = 1000;
const WINDOW = 5000;
/** How long after its recording time an event may still become visible, at worst. */
const LATEST_APPEARANCE = 30_000;

export class EventTail {
  /** Events of the window, with the time they were recorded. */
  private seen = new Map<string, string>();
  /** New events not handed out yet: a read that fails halfway must not lose what it had found. */
  private pending: EventRecord[] = [];
  private from: string | null;

  constructor(
    private readonly fetch: FetchEvents,
    options: { readonly from?: string | null; readonly known?: readonly EventRecord[] } = {},
  ) {
    this.from = options.from ?? null;
    for (const event of options.known ?? []) this.seen.set(identity(event), recordedAt(event));
  }

  /** How many events are remembered, to tell new ones from known ones. */
  get held(): number {
    return this.seen.size;
  }

  /** Everything that is new since the last read, in the order of recording. */
  async read(): Promise<EventRecord[]> {
    let offset = this.seen.size;
    const begin = offset;
    let total = 0;
    for (;;) {
      const page = await this.page(offset, PAGE);
      total = page.metadata.pagination.total;
      offset += page.items.length;
      if (page.items.length === 0 || offset >= total) break;
    }
    if (this.seen.size > total) await this.restart();
    else await this.lookBehind(begin, total);
    this.moveWindow();
    const fresh = this.pending;
    this.pending = [];
    return fresh.sort(byRecording);
  }

  private async page(offset: number, size: number): Promise<Page<EventRecord>> {
    const page = await this.fetch({ offset, size, from: this.from });
    for (const event of page.items) {
      const id = identity(event);
      if (this.seen.has(id)) continue;
      this.seen.set(id, recordedAt(event));
      this.pending.push(event);
    }
    return page;
  }

  private async lookBehind(begin: number, total: number): Promise<void> {
    let end = begin;
    while (this.seen.size < total && end > 0) {
      const start = Math.max(0, end - PAGE);
      for (let offset = start; offset < end; ) {
        const { items } = await this.page(offset, end - offset);
        if (items.length === 0) break;
        offset += items.length;
      }
      end = start;
    }
  }

  /** Events were deleted on the server: what is left is read anew, so that the counts mean something again. */
  private async restart(): Promise<void> {
    const left = new Map<string, string>();
    const fresh: EventRecord[] = [];
    let offset = 0;
    for (;;) {
      const page = await this.fetch({ offset, size: PAGE, from: this.from });
      for (const event of page.items) {
        const id = identity(event);
        if (!this.seen.has(id) && !left.has(id)) fresh.push(event);
        left.set(id, recordedAt(event));
      }
      offset += page.items.length;
      if (page.items.length === 0 || offset >= page.metadata.pagination.total) break;
    }
    this.seen = left;
    this.pending.push(...fresh);
  }

  private moveWindow(): void {
    if (this.seen.size <= WINDOW) return;
    let newest = '';
    for (const time of this.seen.values()) if (time > newest) newest = time;
    const edge = new Date(new Date(newest).getTime() - LATEST_APPEARANCE).toISOString();
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
