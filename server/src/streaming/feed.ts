/**
 * What is new above a position, for a set of topics: events, and changes that no event tells. Both have ids of one sequence,
 * so a position is a number: everything up to it was told. How it can be that nothing appears below it later is in
 * `events/following.ts`.
 */
import { type ChangeRow, changesAfter, changesSweptUpTo } from '../events/changes.js';
import { EventFrontier, eventsAfter, forgottenUpTo, type StoredEvent } from '../events/following.js';
import type { DeploymentUid, ExecutionUid, TenantId, UserId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import { deploymentIds, executionIds } from './feed.store.js';

/** Everything up to this id was told. */
export type Position = number;

export interface EventRow extends StoredEvent {
  readonly execution: string | null;
  readonly deployment: string | null;
  /** Whose private deployment it tells of; null: everybody in the tenant may know. */
  readonly privateTo: UserId | null;
}

/** Who wants to know what, of the connections that are read for. */
export interface Watched {
  /** Of these tenants every event. */
  readonly tenants: readonly TenantId[];
  readonly deployments: readonly DeploymentUid[];
  readonly executions: readonly ExecutionUid[];
  /** Tenants of all of it: changes are rare and are read for a whole tenant. */
  readonly within: readonly TenantId[];
}

export interface News {
  readonly events: readonly EventRow[];
  readonly changes: readonly ChangeRow[];
  /** Where reading goes on. */
  readonly position: Position;
  /** There is more to be read now. */
  readonly more: boolean;
  /** Somebody is appending whose news nobody may have heard of yet. */
  readonly held: boolean;
}

const PAGE = 2000;
const AGAIN_MS = 10;

export class Feed {
  readonly #pool: Pool;
  readonly #frontier: EventFrontier;
  /** Does not change but for who may know of it, and that for more. */
  readonly #executions = new Names<ExecutionUid, string>();

  constructor(pool: Pool) {
    this.#pool = pool;
    this.#frontier = new EventFrontier(pool);
  }

  /** Where somebody begins who wants only what comes from now on, and whatever is under way. */
  async now(): Promise<Position> {
    let position = await this.#frontier.look();
    // Who was appending when this process looked for the first time may have drawn any id: their end is waited for.
    while (position === 0 && this.#frontier.held) {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      position = await this.#frontier.look();
    }
    return position;
  }

  /** Whether everything since `position` can still be told. */
  async reaches(position: Position): Promise<boolean> {
    return position <= (await this.#drawn()) && (await this.#remembers(position));
  }

  /**
   * What is new for `watched` above `from`; a page of it where there is much. Null: some of it can no longer be told, or
   * everything was replaced since.
   *
   * @param bound a position that was reached before, to read no further than it
   */
  async read(watched: Watched, from: Position, bound?: Position): Promise<News | null> {
    const frontier = bound ?? (await this.now());
    const { held } = this.#frontier;
    if (frontier <= from) return { events: [], changes: [], position: from, more: false, held };
    const { tenants, deployments, executions, within } = watched;
    const [read, changes] = await Promise.all([
      tenants.length + deployments.length + executions.length === 0
        ? { events: [], position: frontier }
        : eventsAfter(this.#pool, this.#frontier, from, { tenants, deployments, executions }, PAGE),
      changesAfter(this.#pool, within, from, frontier, PAGE),
    ]);
    // Asked last: what was read before it was not swept, nor put there by a restoring.
    if (!(await this.#remembers(from))) return null;
    // Read as far as both reach.
    const position = Math.min(frontier, read.position, changes.length < PAGE ? frontier : changes.at(-1)!.id);
    return {
      events: await this.#named(read.events.filter(({ id }) => id <= position)),
      changes: changes.filter(({ id }) => id <= position),
      position,
      more: position < frontier,
      held,
    };
  }

  async #named(events: readonly StoredEvent[]): Promise<EventRow[]> {
    const uids = <Uid>(of: (event: StoredEvent) => Uid | null) =>
      [...new Set(events.map(of))].filter((uid): uid is Awaited<NonNullable<Uid>> => uid !== null);
    const [executions, deployments] = await Promise.all([
      this.#executions.of(
        uids((one) => one.executionUid),
        async (missing) =>
          (await executionIds.all(this.#pool, [missing])).map(({ uid, id }) => [uid, id] as const),
      ),
      deploymentIds.all(this.#pool, [uids((one) => one.deploymentUid)]),
    ]);
    const byUid = new Map(deployments.map((one) => [one.uid, one]));
    return events.map((event) => {
      const deployment = event.deploymentUid === null ? undefined : byUid.get(event.deploymentUid);
      const execution = event.executionUid === null ? undefined : executions.get(event.executionUid);
      return {
        ...event,
        execution: execution ?? null,
        deployment: deployment?.id ?? null,
        privateTo: deployment?.privateTo ?? null,
      };
    });
  }

  async #remembers(position: Position): Promise<boolean> {
    const [swept, forgotten] = await Promise.all([changesSweptUpTo(this.#pool), forgottenUpTo(this.#pool)]);
    return position >= swept && position >= forgotten;
  }

  /** No id above it can have been told to anybody. */
  async #drawn(): Promise<number> {
    await this.#frontier.look();
    return this.#frontier.drawn;
  }
}

/** Remembers some thousands. */
class Names<Uid, Name> {
  readonly #known = new Map<Uid, Name>();

  async of(
    uids: readonly Uid[],
    ask: (missing: readonly Uid[]) => Promise<readonly (readonly [Uid, Name])[]>,
  ): Promise<ReadonlyMap<Uid, Name>> {
    const missing = uids.filter((uid) => !this.#known.has(uid));
    if (missing.length > 0) {
      if (this.#known.size > 10_000) this.#known.clear();
      for (const [uid, name] of await ask(missing)) this.#known.set(uid, name);
    }
    return this.#known;
  }
}
