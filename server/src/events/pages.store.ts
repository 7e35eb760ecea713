/**
 * A page of events, and how many there are. Events lie in packs (migration 0049), and what is known of a pack without opening it says
 * nearly always which ones to open. As far as counters (counts.store.ts) know of what is asked, not even packs are counted:
 *
 *   asked for                                      total                       place of the page
 *   all of a tenant, one kind                      by counters                 by counters, to the hour; there by packs
 *   of executions, deployments, groups, blueprints by counters                 by counters, to the week; there by packs
 *   within a time                                  by packs, as far as MOST    by the time
 *   anything else                                  counted, as far as MOST     walked
 *
 * Counted as far as MOST beyond the page: where there are more the total says so many, and grows while one pages on.
 *
 * Packs may overlap in time, though each lies within a second. So a page is found in two steps, in one statement: the order of packs bounds the
 * time in which the page must lie, and the packs that reach into it are opened and put in order.
 *
 * Rows are chosen first and dressed afterwards: names of executions, deployments and blueprints are looked up for the page alone.
 * Bounds of time stand in the text of the question, so that it is planned for the one or two partitions that they leave.
 */
import { type RawBuilder, sql } from 'kysely';
import type { TenantScope } from '../caller.js';
import { askComposed } from '../store/composed.js';
import { itemText } from '../store/item-text.js';
import type { ListPage, ListQuery, SortKey } from '../store/list.js';
import { condition, fieldsOf } from '../store/list-conditions.js';
import type { Queryable } from '../store/statement.js';
import { type Place, placeInTenant, placeOfSubjects, type Stretch } from './counts.store.js';
import { DECORATION, EVENT_LIST, type EventField } from './events.store.js';
import { type EventSelection, selectionOf } from './selection.js';

/** Rows that are counted beyond a page where no counter knows of them. */
export const MOST = 10_000;
/** More executions or deployments than this are not asked one by one. */
const ONE_BY_ONE = 200;
const SECOND = 1000;

const { fields } = EVENT_LIST;
const OLDEST_FIRST: readonly SortKey<EventField>[] = [{ field: 'at' }];
/** Columns that a pack holds for all its events: whether one of certain texts is in it is seen without opening it. */
const HELD: Partial<Record<EventField, string>> = {
  type: 'types',
  level: 'levels',
  logger: 'loggers',
  operation: 'operations',
  nodeName: 'nodes',
  nodeInstanceId: 'instances',
};

export async function pageOfEvents(
  db: Queryable,
  scope: TenantScope,
  query: ListQuery<EventField>,
): Promise<ListPage> {
  const selection = await selectionOf(db, scope, query.filters);
  const { kinds, executions, deployments } = selection;
  if (kinds.length === 0 || executions?.length === 0 || deployments?.length === 0)
    return { items: '[]', total: 0 };
  const asked = new Asked(scope, query, selection);
  const found = await asked.count(db);
  const { offset, size } = query;
  if (size === 0 || (found.exact && offset >= found.total)) return { items: '[]', total: found.total };
  const page = await asked.page(db, found);
  const seen = page.count === 0 ? 0 : offset + page.count;
  // Somebody may append between the two questions.
  return { items: page.items, total: Math.max(found.total, seen) };
}

interface Found {
  readonly total: number;
  readonly exact: boolean;
  readonly bounds: Bounds;
  /** Events of the selection that lie before the bounds. */
  readonly before: number;
}

/** Times between which whole packs lie, as counters know them: not before the first, before the second; null: no bound. */
interface Bounds {
  readonly from: string | null;
  readonly to: string | null;
}

class Asked {
  readonly #scope: TenantScope;
  readonly #query: ListQuery<EventField>;
  readonly #selection: EventSelection;
  readonly #keys: readonly SortKey<EventField>[];
  readonly #others: readonly RawBuilder<unknown>[];

  constructor(scope: TenantScope, query: ListQuery<EventField>, selection: EventSelection) {
    this.#scope = scope;
    this.#query = query;
    this.#selection = selection;
    this.#keys = query.sort.length > 0 ? query.sort : OLDEST_FIRST;
    const search = query.search ?? '';
    const searched = search === '' ? [] : [sql`e.message ilike ${`%${search.replace(/[\\%_]/g, '\\$&')}%`}`];
    this.#others = [...selection.rest.map((filter) => condition(EVENT_LIST, filter)), ...searched];
  }

  async count(db: Queryable): Promise<Found> {
    const { from, to } = this.#selection;
    const { offset } = this.#query;
    const size = this.#query.size ?? Number.MAX_SAFE_INTEGER - offset;
    const known = this.#known;
    const placed = known && this.#byTime !== null;
    const counted = await this.#place(db, {
      ...(placed ? { offset, size } : { offset: 0, size: Number.MAX_SAFE_INTEGER }),
      descending: this.#byTime === 'descending',
    });
    const { total, before } = counted;
    const bounds = { from: counted.from, to: counted.to };
    if (known || total === 0) return { total, before, bounds, exact: true };
    const most = offset + size + MOST;
    const packs = this.#packs(bounds);
    const among = this.#among;
    const [row] = await askComposed<{ count: number }>(
      db,
      this.#others.length > 0
        ? sql`select count(*)::integer as count from (
            select ${this.#opened()} where ${packs} and ${this.#events()} limit ${most}) counted`
        : sql`select coalesce(sum(c.count), 0)::integer as count from (
            select case when ${within('p.at', from, to)} and ${within('p.last_at', from, to)} then ${among}
              else (select count(*) from events_of(p) e where ${this.#events()}) end as count
            from event_packs p where ${packs} limit ${most}) c`,
      { anew: true },
    );
    return { total: row!.count, before, bounds, exact: row!.count < most };
  }

  async #place(db: Queryable, stretch: Stretch): Promise<Place> {
    const { executions, deployments, hidden } = this.#selection;
    const tenant = this.#scope.tenantId;
    if (executions !== null || deployments !== null)
      return placeOfSubjects(db, tenant, this.#selection, stretch);
    if (hidden.length === 0) return placeInTenant(db, tenant, this.#selection, stretch);
    const all = { ...stretch, offset: 0, size: Number.MAX_SAFE_INTEGER };
    const place = await placeInTenant(db, tenant, this.#selection, all);
    const theirs = { ...this.#selection, deployments: hidden, hidden: [] };
    const { total } = await placeOfSubjects(db, tenant, theirs, all);
    return { ...place, total: place.total - total };
  }

  async page(db: Queryable, found: Found): Promise<{ items: string; count: number }> {
    const { size, shape } = this.#query;
    const offset = this.#query.offset - found.before;
    const { bounds } = found;
    const { ways, chosen } =
      this.#byTime === null
        ? {
            ways: sql``,
            chosen: sql`select e.* ${this.#opened()} where ${this.#packs(bounds)} and ${this.#events()}
              order by ${this.#sorting()}${limited(size, offset)}`,
          }
        : this.#known
          ? this.#byCounting(bounds, offset)
          : this.#byWalking(bounds, offset);
    const [row] = await askComposed<{ items: string; count: number }>(
      db,
      sql`${ways} select coalesce('[' || string_agg(item, ',') || ']', '[]') as items, count(*)::integer as count from (
        select ${sql.raw(itemText(fields, shape))} as item
        from (${chosen}) e ${sql.raw(DECORATION)} order by ${this.#sorting()}) page`,
      { anew: true },
    );
    return row!;
  }

  /** The order of packs; null: another one. */
  get #byTime(): 'ascending' | 'descending' | null {
    const [key, ...more] = this.#keys;
    // Two names of the wire stand for the one time.
    if (key === undefined || key.field !== 'at' || more.some(({ field }) => field !== 'at')) return null;
    return key.descending === true ? 'descending' : 'ascending';
  }

  /** Whether packs tell of themselves how many of their events are asked for. */
  get #known(): boolean {
    return this.#others.length === 0 && this.#selection.from === null && this.#selection.to === null;
  }

  /** Which packs there are to open, by how many are in those before. `run` has as many as can be needed, for each holds one event at least. */
  #byCounting(bounds: Bounds, offset: number): { ways: RawBuilder<unknown>; chosen: RawBuilder<unknown> } {
    const { size } = this.#query;
    const descending = this.#byTime === 'descending';
    const way = sql.raw(descending ? 'p.at desc, p.id desc' : 'p.at, p.id');
    const most = size === null ? null : offset + size;
    const columns = sql`p.at, p.id, p.last_at, ${this.#among} as count`;
    const packs = this.#branches().map(
      (branch) =>
        sql`(select ${columns} from event_packs p where ${this.#packs(bounds, branch)} order by ${way}${limited(most)})`,
    );
    const first = sql`r.upto > ${offset}`;
    const last = most === null ? sql`true` : sql`r.upto - r.count < ${most}`;
    // Backwards, packs that `run` does not reach may end later than those where the page begins; of one second they are.
    const late = sql`(select max(p.last_at) from event_packs p, (select max(r.at) filter (where ${first}) as at from run r) s
      where ${this.#packs(bounds)} and p.at <= s.at and p.at >= date_trunc('second', s.at))`;
    const edges = descending
      ? sql`select min(r.at) filter (where ${last}) as early, ${late} as late from run r`
      : sql`select min(r.at) filter (where ${first}) as early, max(r.last_at) filter (where ${last}) as late from run r`;
    const beyond = descending ? sql`r.at > g.late` : sql`r.last_at < g.early`;
    const ways = sql`with run as materialized (
        select p.at, p.last_at, p.count, sum(p.count) over (order by ${way} rows unbounded preceding) as upto
        from (${sql.join(packs, sql` union all `)}) p),
      edges as materialized (${edges}),
      past as materialized (select coalesce(sum(r.count) filter (where ${beyond}), 0)::bigint as count from run r cross join edges g)`;
    const edge = (name: string) => sql`(select g.${sql.raw(name)} from edges g)`;
    const chosen = sql`select e.* ${this.#opened()} where ${this.#packs(bounds)} and ${this.#events()}
        and p.at >= date_trunc('second', ${edge('early')}) and p.at <= ${edge('late')} and p.last_at >= ${edge('early')}
      order by ${this.#sorting()}${size === null ? sql`` : sql` limit ${size}`} offset (select ${offset}::bigint - t.count from past t)`;
    return { ways, chosen };
  }

  /** Which time the page ends with, by opening packs until there are enough. */
  #byWalking(bounds: Bounds, offset: number): { ways: RawBuilder<unknown>; chosen: RawBuilder<unknown> } {
    const { size } = this.#query;
    const descending = this.#byTime === 'descending';
    const order = (at: string, id: string) => sql.raw(descending ? `${at} desc, ${id} desc` : `${at}, ${id}`);
    const rows = sql`select e.* ${this.#opened()} where ${this.#packs(bounds)} and ${this.#events()}`;
    const page = sql` order by ${this.#sorting()}${limited(size, offset)}`;
    if (size === null) return { ways: sql``, chosen: sql`${rows}${page}` };
    const most = limited(offset + size);
    const walks = this.#branches().map(
      (branch) => sql`(select e.at as at, p.at as pack_at, p.id as pack ${this.#opened()}
        where ${this.#packs(bounds, branch)} and ${this.#events()} order by ${order('p.at', 'p.id')}${most})`,
    );
    const ways = sql`with edge as materialized (
      select ${sql.raw(descending ? 'min' : 'max')}(w.at) as at from (
        select w.at from (${sql.join(walks, sql` union all `)}) w order by ${order('w.pack_at', 'w.pack')}${most}) w)`;
    const edge = sql`(select g.at from edge g)`;
    const near = descending
      ? sql`p.at >= date_trunc('second', ${edge}) and e.at >= ${edge}`
      : sql`p.at <= ${edge} and e.at <= ${edge}`;
    return { ways, chosen: sql`${rows} and ${near}${page}` };
  }

  /** Each in an index of its own: one execution or deployment beside another. */
  #branches(): readonly (RawBuilder<unknown> | null)[] {
    const { executions, deployments } = this.#selection;
    const uids = executions ?? deployments ?? [];
    if (uids.length < 2 || uids.length > ONE_BY_ONE) return [null];
    const column = sql.raw(executions === null ? 'p.deployment_uid' : 'p.execution_uid');
    return uids.map((uid) => sql`${column} = ${uid}`);
  }

  /** Conditions on packs `p`: all that can be told of them without opening them. @param branch which of several it is about; null: all */
  #packs({ from, to }: Bounds, branch: RawBuilder<unknown> | null = null): RawBuilder<unknown> {
    const { executions, deployments, hidden, kinds, rest } = this.#selection;
    const asked = this.#selection;
    const lit = (time: string) => sql`${sql.lit(time)}::timestamptz`;
    return sql.join(
      [
        sql`p.tenant_id = ${this.#scope.tenantId}`,
        ...(from === null ? [] : [sql`p.at >= ${lit(from)}`]),
        ...(to === null ? [] : [sql`p.at < ${lit(to)}`]),
        ...(asked.from === null ? [] : [sql`p.at >= ${lit(secondOf(asked.from))}`]),
        ...(asked.to === null ? [] : [sql`p.at < ${lit(asked.to)}`]),
        ...(kinds.length > 1 ? [] : [sql.raw(kinds[0] === 'log' ? 'p.logs > 0' : 'p.events > 0')]),
        ...(executions === null ? [] : [among('p.execution_uid', executions)]),
        ...(deployments === null ? [] : [among('p.deployment_uid', deployments)]),
        ...(branch === null ? [] : [branch]),
        ...(hidden.length === 0
          ? []
          : [sql`(p.deployment_uid is null or p.deployment_uid <> all(${[...hidden]}::bigint[]))`]),
        ...rest.flatMap((filter) => {
          const column = 'anyOf' in filter ? HELD[filter.field] : undefined;
          return 'anyOf' in filter && column !== undefined
            ? [sql`p.${sql.raw(column)} && ${[...filter.anyOf]}::text[]`]
            : [];
        }),
      ],
      sql` and `,
    );
  }

  /** Conditions on the events `e` of a pack. */
  #events(): RawBuilder<unknown> {
    const { from, to, kinds } = this.#selection;
    return sql.join(
      [
        within('e.at', from, to),
        ...(kinds.length > 1 ? [] : [sql`e.kind = ${sql.lit(kinds[0]!)}`]),
        ...this.#others,
      ],
      sql` and `,
    );
  }

  /** How many of a pack's events are of the kinds asked for. */
  get #among(): RawBuilder<unknown> {
    const { kinds } = this.#selection;
    return sql.raw(kinds.length > 1 ? '(p.events + p.logs)' : kinds[0] === 'log' ? 'p.logs' : 'p.events');
  }

  /** Packs and their events; with what decorates, where a condition or the order looks at it. */
  #opened(): RawBuilder<unknown> {
    const looked = [...this.#selection.rest.flatMap(fieldsOf), ...this.#keys.map(({ field }) => field)];
    const beyond = looked.some((field) => /\b[xdb]\./.test(fields[field].sql));
    return sql.raw(`from event_packs p cross join lateral events_of(p) e ${beyond ? DECORATION : ''}`);
  }

  /** Without a word on nulls where there can be none. */
  #sorting(): RawBuilder<unknown> {
    const descending = this.#keys[0]?.descending === true;
    if (this.#byTime !== null) return sql.raw(descending ? 'e.at desc, e.id desc' : 'e.at, e.id');
    const sorted = this.#keys.map((key) => {
      const { sql: column, type } = fields[key.field];
      return `${type === 'json' ? `(${column})::text` : column}${key.descending ? ' desc nulls last' : ' asc'}`;
    });
    return sql.raw([...sorted, descending ? 'e.id desc' : 'e.id'].join(', '));
  }
}

function limited(size: number | null, offset = 0): RawBuilder<unknown> {
  const most = size === null ? sql`` : sql` limit ${size}`;
  return offset === 0 ? most : sql`${most} offset ${offset}`;
}

/** One is asked for by itself, which an index answers in its order. */
function among(column: string, uids: readonly number[]): RawBuilder<unknown> {
  return uids.length === 1
    ? sql`${sql.raw(column)} = ${uids[0]!}`
    : sql`${sql.raw(column)} = any(${[...uids]}::bigint[])`;
}

function within(column: string, from: string | null, to: string | null): RawBuilder<unknown> {
  const bounds = [
    ...(from === null ? [] : [sql`${sql.raw(column)} >= ${sql.lit(from)}::timestamptz`]),
    ...(to === null ? [] : [sql`${sql.raw(column)} < ${sql.lit(to)}::timestamptz`]),
  ];
  return bounds.length === 0 ? sql`true` : sql`(${sql.join(bounds, sql` and `)})`;
}

/** The second that an ISO time lies in: no pack that reaches into it begins before. */
function secondOf(time: string): string {
  return new Date(Math.floor(Date.parse(time) / SECOND) * SECOND).toISOString();
}
