/**
 * A page of events, and how many there are. Events lie in packs (migration 0049), and what is known of a pack without opening it says
 * nearly always which ones to open. As far as counters (counts.store.ts) know of what is asked, not even packs are counted:
 *
 *   asked for                                      total                       place of the page
 *   all of a tenant, one kind                      by counters                 by counters, to the hour; there by packs
 *   of executions, deployments, groups, blueprints by counters                 by counters, to the week; there by packs
 *   within a time                                  by packs, as far as MOST    by packs
 *   with certain words or places                   by packs, as far as MOST    by packs
 *   anything else                                  counted, as far as MOST     walked
 *
 * The first two, of both kinds and of one execution or deployment, are questions that need no planning (planned-pages.store.ts).
 * Counted as far as MOST beyond the page: where there are more the total says so many, and grows while one pages on.
 *
 * All but the last are answered by packs, which are opened here (packs.store.ts). For the last, PostgreSQL opens them: the order of packs
 * bounds the time in which the page must lie, and the packs that reach into it are put in order. Rows are chosen first and dressed
 * afterwards: names of executions, deployments and blueprints are looked up for the page alone.
 */
import { type RawBuilder, sql } from 'kysely';
import type { TenantScope } from '../caller.js';
import { askComposed } from '../store/composed.js';
import { itemText } from '../store/item-text.js';
import type { ListPage, ListQuery } from '../store/list.js';
import { fieldsOf } from '../store/list-conditions.js';
import type { Queryable } from '../store/statement.js';
import { Asked, type Bounds } from './asked.store.js';
import { type Place, placeInTenant, placeOfSubjects, type Stretch } from './counts.store.js';
import { DECORATION, EVENT_LIST, type EventField } from './events.store.js';
import { isOfPacks, pageOfPacks } from './packs.store.js';
import { pageOfSubject, pageOfTenant } from './planned-pages.store.js';
import { selectionOf } from './selection.js';

/** Rows that are counted beyond a page where no counter knows of them. */
export const MOST = 10_000;

const { fields } = EVENT_LIST;

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
  const { offset, size } = query;
  const whole = await pageOfTenant(db, asked);
  if (whole !== null) return { items: whole.items, total: whole.total! };
  const place = await placeOf(db, asked);
  const beyond = size === 0 || offset >= place.total;
  if (place.total === 0 || (asked.known && beyond)) return { items: '[]', total: place.total };
  const within = offset - place.before;
  const page =
    (await pageOfSubject(db, asked, place, within)) ??
    (isOfPacks(asked)
      ? await pageOfPacks(db, asked, place, within, asked.known ? null : offset + size! + MOST)
      : await walked(db, asked, place));
  const seen = page.count === 0 ? 0 : offset + page.count;
  // Somebody may append between the two questions.
  return { items: page.items, total: Math.max(page.total ?? place.total, seen) };
}

/** Where the page is, as far as counters know, and how many there can be at most. */
async function placeOf(db: Queryable, asked: Asked): Promise<Place> {
  const { executions, deployments, hidden } = asked.selection;
  const { offset, size } = asked.query;
  const all: Stretch = {
    offset: 0,
    size: Number.MAX_SAFE_INTEGER,
    descending: asked.byTime === 'descending',
  };
  const placed = asked.known && asked.byTime !== null && size !== null;
  const stretch = placed ? { ...all, offset, size } : all;
  const tenant = asked.scope.tenantId;
  if (executions !== null || deployments !== null)
    return placeOfSubjects(db, tenant, asked.selection, stretch);
  if (hidden.length === 0) return placeInTenant(db, tenant, asked.selection, stretch);
  const place = await placeInTenant(db, tenant, asked.selection, all);
  const theirs = { ...asked.selection, deployments: hidden, hidden: [] };
  const { total } = await placeOfSubjects(db, tenant, theirs, all);
  return { ...place, total: place.total - total };
}

interface Page {
  readonly items: string;
  readonly count: number;
  readonly total: number;
}

async function walked(
  db: Queryable,
  asked: Asked,
  bounds: Bounds & { readonly total: number },
): Promise<Page> {
  const total = asked.known ? bounds.total : await countOpened(db, asked, bounds);
  const { size, shape } = asked.query;
  if (size === 0) return { items: '[]', count: 0, total };
  const chosen = asked.byTime === null ? inOrder(asked, bounds) : byWalking(asked, bounds);
  const [row] = await askComposed<{ items: string; count: number }>(
    db,
    sql`${chosen.ways} select coalesce('[' || string_agg(item, ',') || ']', '[]') as items, count(*)::integer as count from (
      select ${sql.raw(itemText(fields, shape))} as item
      from (${chosen.rows}) e ${sql.raw(DECORATION)} order by ${sorting(asked)}) page`,
    { anew: true },
  );
  return { ...row!, total };
}

async function countOpened(db: Queryable, asked: Asked, bounds: Bounds): Promise<number> {
  const { offset, size } = asked.query;
  const most = offset + (size ?? Number.MAX_SAFE_INTEGER - offset - MOST) + MOST;
  const [row] = await askComposed<{ count: number }>(
    db,
    sql`select count(*)::integer as count from (
      select ${opened(asked)} where ${asked.packs(bounds)} and ${asked.events()} limit ${most}) counted`,
    { anew: true },
  );
  return row!.count;
}

interface Chosen {
  readonly ways: RawBuilder<unknown>;
  readonly rows: RawBuilder<unknown>;
}

function inOrder(asked: Asked, bounds: Bounds): Chosen {
  const { size, offset } = asked.query;
  const rows = sql`select e.* ${opened(asked)} where ${asked.packs(bounds)} and ${asked.events()}
    order by ${sorting(asked)}${limited(size, offset)}`;
  return { ways: sql``, rows };
}

/** Which time the page ends with, by opening packs until there are enough. */
function byWalking(asked: Asked, bounds: Bounds): Chosen {
  const { size, offset } = asked.query;
  if (size === null) return inOrder(asked, bounds);
  const descending = asked.byTime === 'descending';
  const order = (at: string, id: string) => sql.raw(descending ? `${at} desc, ${id} desc` : `${at}, ${id}`);
  const most = limited(offset + size);
  const walks = asked.branches().map(
    (branch) => sql`(select e.at as at, p.at as pack_at, p.id as pack ${opened(asked)}
      where ${asked.packs(bounds, branch)} and ${asked.events()} order by ${order('p.at', 'p.id')}${most})`,
  );
  const ways = sql`with edge as materialized (
    select ${sql.raw(descending ? 'min' : 'max')}(w.at) as at from (
      select w.at from (${sql.join(walks, sql` union all `)}) w order by ${order('w.pack_at', 'w.pack')}${most}) w)`;
  const edge = sql`(select g.at from edge g)`;
  const near = descending
    ? sql`p.at >= date_trunc('second', ${edge}) and e.at >= ${edge}`
    : sql`p.at <= ${edge} and e.at <= ${edge}`;
  const rows = sql`select e.* ${opened(asked)} where ${asked.packs(bounds)} and ${asked.events()} and ${near}
    order by ${sorting(asked)}${limited(size, offset)}`;
  return { ways, rows };
}

/** Packs and their events; with what decorates, where a condition or the order looks at it. */
function opened({ selection, keys }: Asked): RawBuilder<unknown> {
  const looked = [...selection.rest.flatMap(fieldsOf), ...keys.map(({ field }) => field)];
  const beyond = looked.some((field) => /\b[xdb]\./.test(fields[field].sql));
  return sql.raw(`from event_packs p cross join lateral events_of(p) e ${beyond ? DECORATION : ''}`);
}

/** Without a word on nulls where there can be none. */
function sorting({ byTime, keys }: Asked): RawBuilder<unknown> {
  const descending = keys[0]?.descending === true;
  if (byTime !== null) return sql.raw(descending ? 'e.at desc, e.id desc' : 'e.at, e.id');
  const sorted = keys.map((key) => {
    const { sql: column, type } = fields[key.field];
    return `${type === 'json' ? `(${column})::text` : column}${key.descending ? ' desc nulls last' : ' asc'}`;
  });
  return sql.raw([...sorted, descending ? 'e.id desc' : 'e.id'].join(', '));
}

function limited(size: number | null, offset = 0): RawBuilder<unknown> {
  const most = size === null ? sql`` : sql` limit ${size}`;
  return offset === 0 ? most : sql`${most} offset ${offset}`;
}
