/**
 * Reading on: events in the order of their ids, each once and none left out, while others append.
 *
 * An id is drawn before its transaction commits, so a reader who has seen 9 may yet be shown 8. A reader therefore goes no
 * further than the *frontier*: the highest id below which nothing can appear any more. Who appends holds a shared lock from
 * before its first id is drawn until after its commit can be seen (`events_announced`, migrations 0019 and 0049). Whoever is seen to
 * append for the first time has drawn only ids above those that were drawn when it was not seen yet. So
 *
 *   frontier = the lowest, over all who append now, of what had been drawn when each was last known not to append;
 *              all that is drawn, when nobody appends
 *
 * It stands still for as long as the longest transaction that appends, and for no other: not for reports, uploads, deletions
 * or backups. Rejected: the oldest running transaction of the whole server (`pg_snapshot_xmin`), which any of those holds back
 * for minutes, in any database of it; waiting a while and hoping; and a lock that makes writers wait for each other.
 *
 * What nobody promises: that ids below the frontier are dense, or that an event stays (deletion, retention: `forgottenUpTo`).
 */
import type { DeploymentUid, ExecutionUid, TenantId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import { type StoredEvent, selectAfter, selectAllAfter, selectFrontier } from './following.store.js';

export type { StoredEvent } from './following.store.js';
export { forgottenUpTo } from './retention.js';

/** Events of any of these. */
export interface EventTopics {
  readonly tenants: readonly TenantId[];
  readonly deployments: readonly DeploymentUid[];
  readonly executions: readonly ExecutionUid[];
}

export interface EventsRead {
  readonly events: readonly StoredEvent[];
  /** Where to read on: everything up to it has been told. */
  readonly position: number;
  /** There is more that can be read now. */
  readonly more: boolean;
}

/** A pack of events has its ids from a multiple of this on, whether it uses all of them or not (migration 0049). */
export const IDS_OF_A_PACK = 256;
/** Ids that one call looks at, so that a topic of which nothing is told costs no more than one of which much is. */
const WINDOW = 2_000 * IDS_OF_A_PACK;
const NOBODY_YET = -1;

/** What one process knows of the frontier. One for each process; calls may overlap. */
export class EventFrontier {
  readonly #pool: Pool;
  /** Of each who appends: what had been drawn when it was last known not to. */
  #since = new Map<string, number>();
  #drawn = NOBODY_YET;
  #position = 0;
  #looking: Promise<number> | null = null;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** As far as it was known at the last look; 0 before the first. Never falls. */
  get position(): number {
    return this.#position;
  }

  /**
   * Looks anew: one short question to the database, which those share who ask while it is on its way.
   *
   * It stays behind what was drawn when somebody is appending; after their commit another look is due.
   */
  look(): Promise<number> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  /** The last id that was drawn, at the last look; nothing above it can have been told to anybody. */
  get drawn(): number {
    return this.#drawn;
  }

  /** Whether somebody was appending at the last look: news may come without anybody being told of it. */
  get held(): boolean {
    return this.#since.size > 0;
  }

  async #look(): Promise<number> {
    const { drawn, writers } = (await selectFrontier.one(this.#pool))!;
    const before = this.#drawn;
    this.#since = new Map(
      // Of who was there before the first look nothing is known: it may have drawn any id.
      writers.map((writer) => [writer, this.#since.get(writer) ?? Math.max(0, before)]),
    );
    this.#drawn = drawn;
    this.#position = Math.max(this.#position, Math.min(drawn, ...this.#since.values()));
    return this.#position;
  }
}

/**
 * The next events above `position`, not beyond the frontier as it was at its last look: in the order of ids, at most `limit`, and
 * at most a megabyte of text and one more. A message is told up to 64 Ki characters.
 *
 * Every event of the topics with an id above the position asked for and up to the one returned is among those returned, or
 * was deleted, or will never be seen; so whoever goes on from the returned position is told each event exactly once. Also
 * where nothing is returned the position moves on.
 *
 * @param topics null: everything, of every tenant
 */
export async function eventsAfter(
  pool: Pool,
  frontier: EventFrontier,
  position: number,
  topics: EventTopics | null,
  limit: number,
): Promise<EventsRead> {
  const settled = frontier.position;
  if (position >= settled) return { events: [], position, more: false };
  // Reading everything ends at the limit anyway.
  const until = topics === null ? settled : Math.min(settled, position + WINDOW);
  const events =
    topics === null
      ? await selectAllAfter.all(pool, [position, until, limit])
      : await selectAfter.all(pool, [
          position,
          until,
          limit,
          topics.tenants,
          topics.deployments,
          topics.executions,
        ]);
  const isAll = events.length < limit && events.length === (events[0]?.found ?? 0);
  const reached = isAll ? until : events.at(-1)!.id;
  return { events, position: reached, more: reached < settled };
}
