/**
 * Which rows are on a page: from FROM to OFFSET.
 *
 * A page is chosen on the indexes of one table where that is enough, and only its rows are joined with what decorates them. One behind
 * the middle of a collection whose rows are counted is read from the end: the last page costs what the first one does. Where a condition is
 * of a short table (servers of some environments), the first rows of each that is found there are merged: rows of the same environment
 * lie together, and whoever went through all in their order might go through most of them before the first one.
 */
import { type RawBuilder, sql } from 'kysely';
import { asksParts, leadOf, looksAtColumns, looksAtDriver } from './list-conditions.js';
import type { Branch, Driver, Led, ListQuery, ListScope, ListSpec, SortKey } from './list-spec.js';

/** How an order ends, and how that of the opposite order does. */
const REVERSED = {
  ' asc': ' desc',
  ' desc': ' asc',
  ' desc nulls last': ' asc nulls first',
} as const;

/** Rows that may have come since somebody last counted; when there were more, the page is read again. */
const MARGIN = 1000;

export interface Sorting {
  readonly sql: string;
  readonly end: keyof typeof REVERSED;
}

export interface PageParts {
  /** What the others look into, in front of them; null: nothing. */
  readonly found: RawBuilder<unknown> | null;
  /** How many rows there are. */
  readonly total: RawBuilder<unknown>;
  /** From FROM to OFFSET: the rows of the page, in order. */
  readonly rows: RawBuilder<unknown>;
  /** The total comes from what is counted as it changes, of a whole collection. */
  readonly counted: boolean;
  /** With a total above this the page may be short. */
  readonly most: number;
}

type Bounds = { readonly offset: number; readonly size: number | null };

/** Joins everything, then chooses: where a condition or the order looks at what decorates. */
export function chosenLast(
  from: string,
  branches: readonly Branch[],
  conditions: readonly RawBuilder<unknown>[],
  sorting: readonly Sorting[],
  { offset, size }: Bounds,
): PageParts {
  const confined = sql`(${sql.join(
    branches.map(({ where }) => sql`(${where})`),
    sql` or `,
  )})`;
  const where = sql.join([confined, ...conditions], sql` and `);
  const order = sql.raw(sorting.map((one) => one.sql + one.end).join(', '));
  return {
    found: null,
    total: sql`select count(*) from ${sql.raw(from)} where ${where}`,
    rows: sql`from ${sql.raw(from)} where ${where} order by ${order}${limited(size, offset)}`,
    counted: false,
    most: Number.POSITIVE_INFINITY,
  };
}

/**
 * Chooses the keys of the page on the driver's own indexes, branch by branch, and joins only those.
 *
 * @param about how many rows there are, as far as anybody remembers; 0: nobody does
 */
export function chosenFirst<Field extends string>(
  spec: ListSpec<Field>,
  branches: readonly Branch[],
  conditions: readonly RawBuilder<unknown>[],
  sorting: readonly Sorting[],
  query: ListQuery<Field>,
  scope: ListScope,
  about: number,
): PageParts {
  const { from } = spec;
  const driver = spec.driver!;
  const table = sql.raw(`${driver.table} ${driver.alias}`);
  const key = `${driver.alias}.${driver.key}`;
  const wheres = branches.map((branch) => sql.join([sql`(${branch.where})`, ...conditions], sql` and `));
  const order = sql.raw(sorting.map((one) => one.sql + one.end).join(', '));
  const decorated = sql.raw(from.slice(`${driver.table} ${driver.alias}`.length));
  const counts = wheres.map((where) => sql`(select count(*) from ${table} where ${where})`);
  // The first branch is the tenant's own rows (or those of all tenants); who sees all of them needs no count of them.
  const butRare = leavesOutRare(driver, spec, query);
  const whole = conditions.length === 0 || butRare;
  const counted = driver.counted === true && scope.seesPrivate && whole;
  const fromEnd =
    counted && !butRare && query.size !== null && query.offset > about / 2 && query.offset < about;
  if (counted) {
    const whose = scope.everyTenant ? sql`` : sql`tenant_id = ${scope.tenantId} and `;
    const all = sql`(select coalesce(sum(difference), 0) from row_counts where ${whose}collection = ${sql.lit(driver.table)})`;
    const rare = sql`(select count(*) from ${table} where ${branches[0]!.where} and ${sql.raw(`${driver.alias}.${driver.rare}`)})`;
    counts[0] = butRare ? sql`${all} - ${rare}` : all;
  } else if (isTallied(driver, spec, query)) {
    const tallies = sql.raw(`${driver.tally!.table} ${driver.alias}`);
    counts[0] = sql`(select coalesce(sum(${sql.raw(driver.alias)}.difference), 0) from ${tallies} where ${wheres[0]})`;
  }
  const total = sql`select ${sql.join(counts, sql` + `)}`;
  const { offset, size } = query;
  const leds = branches.map((branch) => ledTo(branch, branches.length === 1, conditions, spec, query, scope));
  const choose = (ends: readonly string[], most: number | null, bounds: RawBuilder<unknown>) => {
    const inside = sql.raw(sorting.map((one, place) => one.sql + ends[place]).join(', '));
    const outside = sql.raw(ends.map((end, place) => `k${place}${end}`).join(', '));
    const named = sql.raw(sorting.map((one, place) => `${one.sql} as k${place}`).join(', '));
    const choices = branches.map((_, place) => {
      const from = (where: RawBuilder<unknown>) =>
        sql`select ${sql.raw(key)} as chosen, ${named} from ${table} where ${where} order by ${inside}${limited(most, 0, whole)}`;
      const led = most === null || sorting.length > 1 ? null : leds[place]!;
      if (led === null) return sql`(${from(wheres[place]!)})`;
      const there = sql`${sql.raw(led.lead.key)} = lead.key and ${led.rest}`;
      return sql`(select one.* from (${led.lead.found}) lead(key) cross join lateral (${from(there)}) one order by ${outside}${limited(most)})`;
    });
    return sql`(select chosen from (${sql.join(choices, sql` union all `)}) choice order by ${outside}${bounds})`;
  };
  const chosen =
    size !== null && fromEnd
      ? // The limit outside tells the planner how few the ones inside leave.
        sql`(select chosen from ${choose(
          sorting.map((one) => REVERSED[one.end]),
          about - offset + MARGIN,
          sql` limit (select greatest(0, least(${size}, n.total - ${offset})) from (${total}) n(total)) offset (select greatest(0, n.total - ${offset} - ${size}) from (${total}) n(total))`,
        )} last${limited(size, 0, whole)})`
      : choose(
          sorting.map((one) => one.end),
          size === null ? null : size + offset,
          limited(size, offset, whole),
        );
  const wary = query.filters.some((filter) => asksParts(spec, filter))
    ? amongFew(driver, wheres, sorting, query, total, chosen)
    : { found: null, total, chosen };
  return {
    found: wary.found,
    total: wary.total,
    counted: counted && !butRare,
    most: fromEnd ? about + MARGIN : Number.POSITIVE_INFINITY,
    rows: sql`from ${wary.chosen} choice join ${table} on ${sql.raw(key)} = choice.chosen ${decorated} order by ${order}`,
  };
}

/** So many rows are few enough to be sorted, and no longer rare. */
const FEW = 2000;

/**
 * Where nobody can tell beforehand whether what is asked for is rare: a few more than a few are found first, on whichever index, and where
 * that was all, the page is chosen among them. Else `total` and `chosen` say. Who takes a rare part of names for a
 * frequent one goes through half the table in its order before the first page is full.
 */
function amongFew(
  { table, alias, key }: Driver,
  wheres: readonly RawBuilder<unknown>[],
  sorting: readonly Sorting[],
  { offset, size }: Bounds,
  total: RawBuilder<unknown>,
  chosen: RawBuilder<unknown>,
): Pick<PageParts, 'found' | 'total'> & { readonly chosen: RawBuilder<unknown> } {
  const named = sql.raw(sorting.map((one, place) => `${one.sql} as k${place}`).join(', '));
  const kept = sql.raw(sorting.map((one, place) => `k${place}${one.end}`).join(', '));
  const all = wheres.map(
    (where) =>
      sql`select ${sql.raw(`${alias}.${key}`)} as chosen, ${named} from ${sql.raw(`${table} ${alias}`)} where ${where}`,
  );
  const few = sql.raw(`(select count(*) <= ${FEW} from found)`);
  return {
    found: sql`with found as materialized (select * from (${sql.join(all, sql` union all `)}) one limit ${sql.lit(FEW + 1)})`,
    total: sql`select case when ${few} then (select count(*) from found) else (${total}) end`,
    chosen: sql`((select chosen from found where ${few} order by ${kept}${limited(size, offset)})
      union all (select chosen from ${chosen} choice where not ${few}))`,
  };
}

/** Whether all conditions look at what rows are tallied by. */
function isTallied<Field extends string>(
  { alias, tally }: Driver,
  spec: ListSpec<Field>,
  { filters, search }: ListQuery<Field>,
): boolean {
  if (tally === undefined || (search ?? '') !== '') return false;
  const columns = new Set(tally.columns.map((column) => `${alias}.${column}`));
  return filters.every((filter) => looksAtColumns(spec, filter, (column) => columns.has(column), false));
}

/** What leads to the rows of a branch: what confines it, or where nobody is confined, the first condition that can. */
function ledTo<Field extends string>(
  { where, led }: Branch,
  alone: boolean,
  conditions: readonly RawBuilder<unknown>[],
  spec: ListSpec<Field>,
  { filters }: ListQuery<Field>,
  { everyTenant, tenantId }: ListScope,
): Led | null {
  if (led !== null) return { lead: led.lead, rest: sql.join([led.rest, ...conditions], sql` and `) };
  if (!alone) return null;
  for (const [place, filter] of filters.entries()) {
    const lead = leadOf(spec, filter, everyTenant ? null : tenantId);
    if (lead === null) continue;
    const others = conditions.filter((_, at) => at !== place);
    return { lead, rest: sql.join([sql`(${where})`, ...others], sql` and `) };
  }
  return null;
}

/** Whether rows are left out for being rare, and for nothing else. */
function leavesOutRare<Field extends string>(
  { alias, rare }: Driver,
  { fields }: ListSpec<Field>,
  { filters, search }: ListQuery<Field>,
): boolean {
  const [only, ...more] = filters;
  if (rare === undefined || only === undefined || more.length > 0 || (search ?? '') !== '') return false;
  return 'anyOf' in only && fields[only.field].sql === `${alias}.${rare}` && only.anyOf.join() === 'false';
}

/** Sizes of pages that clients ask for of themselves; few, so that each question in each of them has a name (composed.ts). */
const USUAL_SIZES = new Set([5, 10, 20, 25, 30, 50, 100, 200, 250, 500, 1000]);

/**
 * A single row, and the first page, are said in so many words: with a parameter each would be planned anew, for fear of large ones.
 *
 * @param fixed how the rows are found is the same for all values: then so are the usual sizes. Of a limit that is a parameter
 *   PostgreSQL assumes a tenth of the table, and takes longer to plan a page, each time, than to read it
 */
function limited(size: number | null, offset = 0, fixed = false): RawBuilder<unknown> {
  const inWords = size === 1 || (fixed && size !== null && USUAL_SIZES.has(size));
  const most = size === null ? sql`` : sql` limit ${inWords ? sql.lit(size) : size}`;
  return offset === 0 ? most : sql`${most} offset ${offset}`;
}

/** Whether conditions and order look at the driver alone. */
export function driven<Field extends string>(
  spec: ListSpec<Field>,
  query: ListQuery<Field>,
  keys: readonly SortKey<Field>[],
): boolean {
  if (spec.driver === undefined) return false;
  const alias = `${spec.driver.alias}.`;
  const looked = [...(query.search === undefined ? [] : spec.search), ...keys.map((key) => key.field)];
  return (
    looked.every((field) => spec.fields[field].sql.startsWith(alias)) &&
    query.filters.every((filter) => looksAtDriver(spec, filter, alias))
  );
}
