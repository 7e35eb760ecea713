/**
 * A page of events, and how many there are. Neither counts nor steps over what is not on the page, as far as counters
 * (counts.store.ts) know of what is asked:
 *
 *   asked for                                      total                       place of the page
 *   all of a tenant, one kind                      by counters                 by counters, to the hour
 *   of executions, deployments, groups, blueprints by counters                 by counters, to the week
 *   within a time                                  counted, as far as MOST     by the time
 *   anything else                                  counted, as far as MOST     walked
 *
 * Counted as far as MOST beyond the page: where there are more the total says so many, and grows while one pages on.
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
/** From here on the rows that a page leaves out are stepped over in an index, without looking at them. */
const LONG_WAY = 200;
/** More executions or deployments than this are not asked one by one. */
const ONE_BY_ONE = 200;

const { fields } = EVENT_LIST;
const OLDEST_FIRST: readonly SortKey<EventField>[] = [{ field: 'at' }];

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
  /** Rows of the selection that lie before the bounds. */
  readonly before: number;
}

/** Times: not before any of the first, before each of the second. */
interface Bounds {
  readonly from: readonly string[];
  readonly to: readonly string[];
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
    const known = this.#others.length === 0 && from === null && to === null;
    const placed = known && this.#byTime !== null;
    const counted = await this.#place(db, {
      ...(placed ? { offset, size } : { offset: 0, size: Number.MAX_SAFE_INTEGER }),
      descending: this.#byTime === 'descending',
    });
    const bounds = { from: there(counted.from, from), to: there(counted.to, to) };
    const { total, before } = counted;
    if (known || total === 0) return { total, before, bounds, exact: true };
    const most = offset + size + MOST;
    const [row] = await askComposed<{ count: number }>(
      db,
      sql`select count(*)::integer as count from (
        select ${this.#from()} where ${this.#conditions(bounds, true)} limit ${most}) counted`,
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
    const chosen =
      this.#byTime === null
        ? sql`select e.* ${this.#from()} where ${this.#conditions(found.bounds, true)} order by ${this.#sorting()}${limited(size, offset)}`
        : this.#chosenByTime(found.bounds, offset);
    const [row] = await askComposed<{ items: string; count: number }>(
      db,
      sql`select coalesce('[' || string_agg(item, ',') || ']', '[]') as items, count(*)::integer as count from (
        select ${sql.raw(itemText(fields, shape))} as item
        from (${chosen}) e ${sql.raw(DECORATION)} order by ${this.#sorting()}) page`,
      { anew: true },
    );
    return row!;
  }

  /** The order of the indexes; null: another one. */
  get #byTime(): 'ascending' | 'descending' | null {
    const [key, ...more] = this.#keys;
    // Two names of the wire stand for the one time.
    if (key === undefined || key.field !== 'at' || more.some(({ field }) => field !== 'at')) return null;
    return key.descending === true ? 'descending' : 'ascending';
  }

  /** Each in an index of its own, and then together: kinds of a tenant, and one execution or deployment beside another. */
  #chosenByTime(bounds: Bounds, offset: number): RawBuilder<unknown> {
    const { size } = this.#query;
    const branches = this.#branches();
    const order = this.#sorting();
    const way = (conditions: readonly RawBuilder<unknown>[], columns: string, rows: RawBuilder<unknown>) =>
      sql`select ${sql.raw(columns)} ${this.#from()} where ${sql.join(conditions, sql` and `)} order by ${order}${rows}`;
    const common = [this.#conditions(bounds, false)];
    const [only, ...more] = branches;
    if (more.length > 0) {
      const most = size === null ? null : offset + size;
      const each = branches.map((branch) => sql`(${way([...common, branch], 'e.*', limited(most))})`);
      return sql`select e.* from (${sql.join(each, sql` union all `)}) e order by ${order}${limited(size, offset)}`;
    }
    const conditions = [...common, only!];
    if (offset < LONG_WAY || this.#others.length > 0) return way(conditions, 'e.*', limited(size, offset));
    const beyond =
      this.#byTime === 'descending'
        ? sql`e.at <= s.at and (e.at, e.id) <= (s.at, s.id)`
        : sql`e.at >= s.at and (e.at, e.id) >= (s.at, s.id)`;
    return sql`select e.* from (${way(conditions, 'e.at, e.id', limited(1, offset))}) s
      cross join lateral (${way([...conditions, beyond], 'e.*', limited(size))}) e`;
  }

  #branches(): readonly RawBuilder<unknown>[] {
    const { executions, deployments, kinds } = this.#selection;
    if (executions === null && deployments === null)
      return kinds.map((kind) => sql`e.kind = ${sql.lit(kind)}`);
    const [column, uids] =
      executions === null
        ? (['e.deployment_uid', deployments!] as const)
        : (['e.execution_uid', executions] as const);
    const ofKind = kinds.length === 1 ? sql`e.kind = ${sql.lit(kinds[0]!)}` : sql`true`;
    const both =
      executions === null || deployments === null
        ? ofKind
        : sql`${ofKind} and e.deployment_uid = any(${[...deployments]}::bigint[])`;
    if (uids.length > ONE_BY_ONE) return [sql`${sql.raw(column)} = any(${[...uids]}::bigint[]) and ${both}`];
    return uids.map((uid) => sql`${sql.raw(column)} = ${uid} and ${both}`);
  }

  /** @param whose also whose they are and of which kind; the branches say it otherwise */
  #conditions({ from, to }: Bounds, whose: boolean): RawBuilder<unknown> {
    const { executions, deployments, hidden, kinds } = this.#selection;
    const theirs = !whose
      ? []
      : [
          ...(kinds.length === 1 ? [sql`e.kind = ${sql.lit(kinds[0]!)}`] : []),
          ...(executions === null ? [] : [sql`e.execution_uid = any(${[...executions]}::bigint[])`]),
          ...(deployments === null ? [] : [sql`e.deployment_uid = any(${[...deployments]}::bigint[])`]),
        ];
    return sql.join(
      [
        sql`e.tenant_id = ${this.#scope.tenantId}`,
        ...from.map((time) => sql`e.at >= ${sql.lit(time)}::timestamptz`),
        ...to.map((time) => sql`e.at < ${sql.lit(time)}::timestamptz`),
        ...theirs,
        ...(hidden.length === 0
          ? []
          : [sql`(e.deployment_uid is null or e.deployment_uid <> all(${[...hidden]}::bigint[]))`]),
        ...this.#others,
      ],
      sql` and `,
    );
  }

  /** With what decorates, where a condition or the order looks at it. */
  #from(): RawBuilder<unknown> {
    const looked = [...this.#selection.rest.flatMap(fieldsOf), ...this.#keys.map(({ field }) => field)];
    const beyond = looked.some((field) => /\b[xdb]\./.test(fields[field].sql));
    return sql.raw(beyond ? `from events e ${DECORATION}` : 'from events e');
  }

  /** Without a word on nulls where there can be none: an index is read in its order or the other way round. */
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

function there(...times: readonly (string | null)[]): readonly string[] {
  return times.filter((time) => time !== null);
}
