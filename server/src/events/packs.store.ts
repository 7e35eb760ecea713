/**
 * A page of events in the order of time, as the packs that it lies in: PostgreSQL finds these and hands them over as they are, and they are
 * opened here (opening.ts, event-items.ts). Opening a hundred events and writing them as JSON took PostgreSQL two to four milliseconds.
 *
 * What is asked of an event beyond its time is asked of each word and each place of a pack once, by PostgreSQL; how many of its events name
 * those that fit is then a matter of numbers. So no pack is opened to count, but where it reaches beyond a time that is asked for.
 *
 * Packs may overlap in time, though each lies within a second. So the order of packs, `run`, bounds the time in which the page
 * must lie, and all packs that reach into it are opened and put in order.
 */
import { type RawBuilder, sql } from 'kysely';
import { askComposed } from '../store/composed.js';
import type { Queryable } from '../store/statement.js';
import { type Asked, type Bounds, COLUMNS, type Look } from './asked.store.js';
import { itemsText } from './event-items.js';
import { EVENT_LIST, type EventField, type Names, selectNames } from './events.store.js';
import { type Opened, type PackRow, pageOf, type StoredPack } from './opening.js';
import type { Kind } from './selection.js';

export interface PageOfPacks {
  readonly items: string;
  readonly count: number;
  /** Of all that fit, as far as `most`; null: not counted. */
  readonly total: number | null;
}

/** Numbers that are looked for one by one. */
const FEW = 8;

/** A pack that a page lies in, as SQL tells it. */
export interface Row {
  readonly total: number | null;
  readonly skip: number;
  readonly pack: string | null;
  readonly second: number;
  readonly secondText: string;
  readonly micros: number;
  readonly recordedAt: string;
  readonly words: string | null;
  readonly places: string | null;
}

/** Whether a question can be answered this way. */
export function isOfPacks(asked: Asked): boolean {
  return asked.byTime !== null && asked.query.size !== null && asked.ofWordsAndPlaces !== null;
}

/**
 * @param offset of the page, within the bounds
 * @param most count so many at most, within the bounds; null: it is known how many there are
 */
export async function pageOfPacks(
  db: Queryable,
  asked: Asked,
  bounds: Bounds,
  offset: number,
  most: number | null,
): Promise<PageOfPacks> {
  const size = asked.query.size!;
  const found = await askComposed<Row>(db, packsOf(asked, bounds, offset, size, most), { anew: true });
  const { total, skip } = found[0]!;
  const packs = found.flatMap((row) => (row.pack === null ? [] : [stored(row, row.pack)]));
  const events = opened(asked, packs, skip);
  if (events.length === 0) return { items: '[]', count: 0, total };
  const named = await namesOf(db, asked, new Set(events.map(({ pack }) => pack.row)));
  const items = itemsText(events, asked.query.shape, ({ pack }) => named.get(keyOf(pack.row))!);
  return { items, count: events.length, total };
}

/** The page, of packs in any order, behind the first `skip` of their events. */
export function opened(asked: Asked, packs: readonly StoredPack[], skip: number): readonly Opened[] {
  const { kinds, from, to } = asked.selection;
  const time = (text: string | null) => (text === null ? null : Date.parse(text));
  return pageOf(
    packs,
    { kinds, from: time(from), to: time(to) },
    { descending: asked.byTime === 'descending', skip, size: asked.query.size! },
  );
}

function packsOf(asked: Asked, bounds: Bounds, offset: number, size: number, most: number | null) {
  const descending = asked.byTime === 'descending';
  const way = sql.raw(descending ? 'p.at desc, p.id desc' : 'p.at, p.id');
  const { words, places, count } = matchedOf(asked);
  const branches = asked.branches().map(
    most === null
      ? (branch) => sql`(select p.at, p.id, p.last_at, ${count} as count from event_packs p
          where ${asked.packs(bounds, branch)} order by ${way} limit ${offset + size})`
      : // A row for each event, so that nothing is looked at beyond those that are counted.
        (
          branch,
        ) => sql`(select p.at, p.id, p.last_at from event_packs p cross join lateral generate_series(1, ${count})
          where ${asked.packs(bounds, branch)} order by ${way} limit ${most})`,
  );
  const all = sql.join(branches, sql` union all `);
  const packs =
    most === null
      ? all
      : sql`select p.at, p.id, p.last_at, count(*)::integer as count from (select * from (${all}) p order by ${way} limit ${most}) p group by p.at, p.id, p.last_at`;
  const first = sql`r.upto > ${offset}`;
  const last = sql`r.upto - r.count < ${offset + size}`;
  // Backwards, packs that `run` does not reach may end later than those where the page begins; of one second they are.
  const late =
    offset === 0
      ? sql`'infinity'::timestamptz`
      : sql`(select max(p.last_at) from event_packs p, (select max(r.at) filter (where ${first}) as at from run r) s
          where ${asked.packs(bounds)} and p.at <= s.at and p.at >= date_trunc('second', s.at))`;
  const edges = descending
    ? sql`select min(r.at) filter (where ${last}) as early, ${late} as late from run r`
    : sql`select min(r.at) filter (where ${first}) as early, max(r.last_at) filter (where ${last}) as late from run r`;
  const beyond = descending ? sql`r.at > g.late` : sql`r.last_at < g.early`;
  const edge = (name: string) => sql`(select g.${sql.raw(name)} from edges g)`;
  return sql`with run as materialized (
      select p.at, p.last_at, p.count, sum(p.count) over (order by ${way} rows unbounded preceding) as upto from (${packs}) p where p.count > 0),
    edges as materialized (${edges}),
    past as materialized (
      select coalesce(sum(r.count), 0)::bigint as total, ${offset}::bigint - coalesce(sum(r.count) filter (where ${beyond}), 0)::bigint as skip
      from run r cross join edges g),
    -- By an index alone: within a busy second most packs end too early.
    near as (select p.id from event_packs p where ${asked.whose(bounds)}
      and p.at >= date_trunc('second', ${edge('early')}) and p.at <= ${edge('late')} and p.last_at >= ${edge('early')})
    select ${most === null ? sql`null::bigint` : sql`t.total`} as total, t.skip, p.*
    from past t left join lateral (
      select row_to_json(p)::text as pack, extract(epoch from date_trunc('second', p.at))::float8 as second,
        to_char(p.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') as "secondText", extract(microseconds from p.at)::integer % 1000000 as micros,
        to_char(p.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "recordedAt",
        ${words === null ? sql`null` : sql`array_to_json(${words})`}::text as words, ${places === null ? sql`null` : sql`array_to_json(${places})`}::text as places
      from event_packs p where p.id = any(array(select p.id from near p)) and ${asked.packs(bounds)}) p on true`;
}

interface Matched {
  /** Arrays of the numbers of those that fit; null: all. */
  readonly words: RawBuilder<unknown> | null;
  readonly places: RawBuilder<unknown> | null;
  /** How many events of the pack fit. */
  readonly count: RawBuilder<unknown>;
}

/** What of a pack `p` is asked for. */
function matchedOf(asked: Asked): Matched {
  const { kinds, from, to } = asked.selection;
  const { words: ofWords, places: ofPlaces } = asked.ofWordsAndPlaces!;
  const plain = ofWords.length + ofPlaces.length === 0;
  const words = plain ? null : wordsThat(ofWords, kinds);
  const places = ofPlaces.length === 0 ? null : placesThat(ofPlaces);
  const count = plain
    ? asked.among
    : places === null
      ? numbersAmong('p.words_of', words!)
      : words === null
        ? numbersAmong('p.places_of', places)
        : sql`(select count(*)::integer from (select ${words} as words, ${places} as places) m,
            unnest(coalesce(p.words_of, ${NUMBERS}), coalesce(p.places_of, ${NUMBERS})) u(word, place)
            where u.word = any(m.words) and u.place = any(m.places))`;
  if (from === null && to === null) return { words, places, count };
  const opened = sql`(select count(*)::integer from events_of(p) e where ${asked.events()})`;
  return { words, places, count: sql`case when ${asked.whollyWithin} then ${count} else ${opened} end` };
}

/** From 1 to as many as the pack has events. */
const NUMBERS = sql`array(select generate_series(1, p.events + p.logs))`;

function wordsThat(looks: readonly Look[], kinds: readonly Kind[]): RawBuilder<unknown> | null {
  const [only] = looks;
  // What has a level is a log.
  const one = looks.length === 1 && (kinds.length > 1 || (kinds[0] === 'log' && only!.fields[0] === 'level'));
  if (one && only!.equal !== null) return positions(only!.fields[0]!, only!.equal);
  const kind = kinds.length > 1 ? [] : [kinds[0] === 'log' ? sql`e.level is not null` : sql`e.level is null`];
  if (looks.length + kind.length === 0) return null;
  const fields = new Set([
    ...looks.flatMap((look) => look.fields),
    ...(kind.length > 0 ? ['level' as const] : []),
  ]);
  return numbersThat([...fields], [...kind, ...looks.map(({ condition }) => condition)], looks);
}

function placesThat(looks: readonly Look[]): RawBuilder<unknown> {
  const [only] = looks;
  if (looks.length === 1 && only!.equal !== null) return positions(only!.fields[0]!, only!.equal);
  const fields = new Set(looks.flatMap((look) => look.fields));
  return numbersThat(
    [...fields],
    looks.map(({ condition }) => condition),
    looks,
  );
}

function positions(field: EventField, equal: readonly string[]): RawBuilder<unknown> {
  const column = sql.raw(`p.${COLUMNS[field]!}`);
  return sql`(${sql.join(
    [...new Set(equal)].map((text) => sql`coalesce(array_positions(${column}, ${text}), '{}')`),
    sql` || `,
  )})`;
}

function numbersThat(
  fields: readonly EventField[],
  conditions: readonly RawBuilder<unknown>[],
  looks: readonly Look[],
): RawBuilder<unknown> {
  const columns = fields.map((field) => `p.${COLUMNS[field]}`).join(', ');
  const names = fields.map((field) => EVENT_LIST.fields[field].sql.replace('e.', '')).join(', ');
  // Columns may be null where nothing is told; yet what is not there may be what is asked for.
  const all = looks.some(({ ofTexts }) => ofTexts) ? null : NUMBERS;
  return sql`array(select e.n::integer from unnest(${sql.raw(columns)}${all === null ? sql`` : sql`, ${all}`})
    with ordinality e(${sql.raw(names)}${all === null ? sql`` : sql`, number`}, n) where ${sql.join(conditions, sql` and `)})`;
}

/** How many of a pack's events name one of them. */
function numbersAmong(column: string, matched: RawBuilder<unknown>): RawBuilder<unknown> {
  const numbers = sql.raw(column);
  return sql`(select case when ${numbers} is null then cardinality(m.matched)
      when cardinality(m.matched) <= ${sql.lit(FEW)} then (
        select coalesce(sum(cardinality(${numbers}) - cardinality(array_remove(${numbers}, f.number))), 0)::integer from unnest(m.matched) f(number))
      else (select count(*)::integer from unnest(${numbers}) u(number) where u.number = any(m.matched)) end
    from (select ${matched} as matched offset 0) m)`;
}

export function stored(row: Row, pack: string): StoredPack {
  const { second, secondText, micros, recordedAt } = row;
  const numbers = (text: string | null) => (text === null ? null : (JSON.parse(text) as number[]));
  return {
    row: JSON.parse(pack) as PackRow,
    second,
    secondText,
    micros,
    recordedAt,
    words: numbers(row.words),
    places: numbers(row.places),
  };
}

async function namesOf(
  db: Queryable,
  { scope }: Asked,
  rows: ReadonlySet<PackRow>,
): Promise<ReadonlyMap<string, Names>> {
  const pairs = new Map([...rows].map((row) => [keyOf(row), row]));
  const each = [...pairs.values()];
  const found = await selectNames.all(db, scope.tenantId, [
    [...pairs.keys()],
    each.map((row) => row.execution_uid),
    each.map((row) => row.deployment_uid),
  ]);
  return new Map(found.map(({ key, ...names }) => [key, names]));
}

function keyOf({ execution_uid, deployment_uid }: PackRow): string {
  return `${execution_uid} ${deployment_uid}`;
}
