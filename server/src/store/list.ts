/**
 * One page of a collection, written as JSON by PostgreSQL.
 *
 * A room describes its collection once (`ListSpec`: core field -> SQL). A dialect asks with its own words
 * (`ListQuery.shape`: wire name -> core field) and gets the items as JSON text ready to send, so that a page of a
 * thousand rows costs the API process no parsing, no objects and no serialising. Only the fields of the shape are
 * computed. Filters, sorting and search speak core field names; a dialect translates and refuses unknown words first.
 */
import { type RawBuilder, sql } from 'kysely';
import pg from 'pg';
import type { TenantScope } from '../caller.js';
import { askComposed } from './composed.js';
import { HOLE, itemText, type ListField, memberText, type Shape, type Shown } from './item-text.js';
import { type Conditional, condition, fieldsOf, type ListFilter } from './list-conditions.js';
import { isLive, RememberedItems, type Versions, versionText } from './remembered-items.js';
import type { Queryable } from './statement.js';

export type { Shown } from './item-text.js';
export type { ListFilter } from './list-conditions.js';

export interface ListSpec<Field extends string> extends Conditional<Field> {
  /** FROM clause with joins, e.g. `deployments d join blueprints b on …`. */
  readonly from: string;
  /**
   * The table that `from` begins with, where it alone decides how many rows there are and the others only decorate. Then,
   * as long as conditions and order look at it alone, rows are counted and the page is chosen on its indexes.
   */
  readonly driver?: Driver;
  /** Lets items be remembered from page to page (remembered-items.ts). Needs a `driver`. */
  readonly versions?: Versions;
  /** Confinement to a tenant and to what the caller may see, given the scope. Never absent: see `ownTenant`. */
  readonly confine: (scope: ListScope) => Confinement;
  readonly defaultSort: readonly SortKey<Field>[];
  /** Unique SQL expression that makes any order total. */
  readonly tieBreak: string;
  /** Fields that `search` looks into, with OR. */
  readonly search: readonly Field[];
  /** Conditions beyond the fields, by name; they look at the driver alone. */
  readonly selections?: Readonly<Record<string, (values: readonly string[]) => RawBuilder<unknown>>>;
}

interface Driver {
  readonly table: string;
  readonly alias: string;
  /** Column that no two rows share. */
  readonly key: string;
  /** Its rows are counted as they come and go (`row_counts`), so nobody needs to count them for a whole tenant. */
  readonly counted?: boolean;
  /** A boolean column that holds for few rows, which have an index of their own: all without them are counted as all but them. */
  readonly rare?: string;
}

export interface ListScope extends TenantScope {
  /** The caller may see every tenant, and asks for them. */
  readonly everyTenant: boolean;
}

/** A condition; or several of which at most one holds for a row, so that each can use an index of its own. */
export type Confinement = RawBuilder<unknown> | readonly RawBuilder<unknown>[];

export interface SortKey<Field extends string> {
  readonly field: Field;
  readonly descending?: boolean;
}

export interface ListQuery<Field extends string> {
  /** Wire name -> core field, in the order of the answer. */
  readonly shape: Shape<Field>;
  readonly filters: readonly ListFilter<Field>[];
  readonly sort: readonly SortKey<Field>[];
  /** Case-insensitive part of a text. */
  readonly search?: string;
  /** Of every tenant, where the caller may see them all; of the caller's own otherwise. */
  readonly allTenants?: boolean;
  readonly offset: number;
  /** null: everything. */
  readonly size: number | null;
}

export interface ListPage {
  /** A JSON array. */
  readonly items: string;
  /** Rows that match, on all pages. */
  readonly total: number;
}

/**
 * Rows of the caller's tenant (or of all, for who may see them) that the caller may see: everybody's, but private ones only their creator's; and
 * what other tenants share with all. `alias` needs `tenant_id`, and `visibility` and `created_by` where `shared`.
 */
export function ownTenant(
  alias: string,
  options: { readonly visibility: boolean },
): (scope: ListScope) => readonly RawBuilder<unknown>[] {
  const table = sql.raw(alias);
  return (scope) => {
    if (scope.everyTenant) return [sql`true`];
    const inTenant = sql`${table}.tenant_id = ${scope.tenantId}`;
    if (!options.visibility) return [inTenant];
    return [
      scope.seesPrivate
        ? inTenant
        : sql`${inTenant} and (${table}.visibility <> 'private' or ${table}.created_by = ${scope.userId})`,
      sql`${table}.visibility = 'global' and ${table}.tenant_id <> ${scope.tenantId}`,
    ];
  };
}

export async function listPage<Field extends string>(
  db: Queryable,
  spec: ListSpec<Field>,
  scope: TenantScope,
  query: ListQuery<Field>,
): Promise<ListPage> {
  const everyTenant = query.allTenants === true && scope.seesAllTenants === true && scope.seesPrivate;
  const listed: ListScope = { ...scope, everyTenant };
  const confined = spec.confine(listed);
  const branches = Array.isArray(confined) ? confined : [confined as RawBuilder<unknown>];
  const conditions = query.filters.map((filter) => condition(spec, filter));
  if (query.search !== undefined && query.search !== '') {
    const pattern = `%${query.search.replace(/[\\%_]/g, '\\$&')}%`;
    const places = spec.search.map((field) => sql`${sql.raw(spec.fields[field].sql)} ilike ${pattern}`);
    conditions.push(sql`(${sql.join(places, sql` or `)})`);
  }
  const keys = query.sort.length > 0 ? query.sort : spec.defaultSort;
  const sorting: Sorting[] = [
    ...keys.map((key) => ({
      sql: orderedBy(spec.fields[key.field]),
      end: key.descending ? ' desc nulls last' : ' asc',
    })),
    { sql: spec.tieBreak, end: keys[0]?.descending ? ' desc' : ' asc' },
  ];
  const parts = driven(spec, query, keys)
    ? chosenFirst(spec, branches, conditions, sorting, query, listed)
    : chosenLast(spec.from, branches, conditions, sorting, query);
  const remembered = memoryFor(db, spec, query);
  if (remembered !== null) return pageOf(db, spec, query, parts, remembered);
  const [row] = await askComposed<ListPage>(
    db,
    sql`
    select (${parts.total})::integer as total,
           coalesce((select '[' || string_agg(item, ',') || ']' from (
             select ${sql.raw(itemText(spec.fields, query.shape))} as item ${parts.rows}) page), '[]') as items`,
  );
  return { items: row!.items, total: row!.total };
}

/** JSON has no order of its own. */
function orderedBy({ sql: column, type }: ListField): string {
  return type === 'json' ? `(${column})::text` : column;
}

/** Fewer items are written as quickly as they are looked up; more would drive out all others. */
const REMEMBERED_PAGES = { least: 20, most: 1000 };
const memories = new WeakMap<Queryable, RememberedItems>();

function memoryFor<Field extends string>(
  db: Queryable,
  spec: ListSpec<Field>,
  { size }: ListQuery<Field>,
): RememberedItems | null {
  if (spec.versions === undefined || spec.driver === undefined || !(db instanceof pg.Pool)) return null;
  if (size === null || size < REMEMBERED_PAGES.least || size > REMEMBERED_PAGES.most) return null;
  let memory = memories.get(db);
  if (memory === undefined) {
    memory = new RememberedItems();
    memories.set(db, memory);
  }
  return memory;
}

/** The page, put together from remembered items and those that PostgreSQL must write. */
async function pageOf<Field extends string>(
  db: Queryable,
  spec: ListSpec<Field>,
  { shape }: ListQuery<Field>,
  parts: PageParts,
  memory: RememberedItems,
): Promise<ListPage> {
  const versions = spec.versions!;
  const key = sql.raw(`${spec.driver!.alias}.${spec.driver!.key}`);
  const version = sql.raw(versionText(versions));
  const isHole = (shown: Shown<Field>) => isLive(spec.fields, versions, shown);
  const live = Object.values(shape).filter(isHole) as Exclude<Shown<Field>, { constant: unknown }>[];
  const lives = sql.raw(live.map((shown, at) => `, ${memberText(spec.fields, shown)} as l${at}`).join(''));
  const told = sql.raw(
    live.map((_, at) => `, coalesce(string_agg(l${at}, '${HOLE}'), '') as live${at}`).join(''),
  );
  const [row] = await askComposed<
    { total: number; keys: string; versions: string } & Record<`live${number}`, string>
  >(
    db,
    sql`select (${parts.total})::integer as total, page.* from (
      select coalesce(string_agg(key::text, ','), '') as keys, coalesce(string_agg(version, ','), '') as versions${told} from (
        select ${key} as key, ${version} as version${lives} ${parts.rows}) row) page`,
  );
  const { total } = row!;
  if (row!.keys === '') return { items: '[]', total };
  const keys = row!.keys.split(',');
  const seen = row!.versions.split(',');
  const values = live.map((_, at) => row![`live${at}`]!.split(HOLE));
  const kind = memory.kindOf(spec.driver!.table, shape);
  const items = keys.map((one, at) => memory.get(kind, one, seen[at]!));
  const missing = keys.filter((_, at) => items[at] === null);
  if (missing.length > 0) {
    const text = sql.raw(itemText(spec.fields, shape, isHole));
    // The keys are those that the caller was just found to see.
    const written = await askComposed<{ key: string; version: string; item: string }>(
      db,
      sql`select ${key}::text as key, ${version} as version, ${text} as item from ${sql.raw(spec.from)} where ${key} = any(${missing}::bigint[])`,
    );
    const fresh = new Map(written.map((one) => [one.key, memory.put(kind, one.key, one.version, one.item)]));
    for (const [at, one] of keys.entries()) items[at] ??= fresh.get(one) ?? null;
  }
  const texts = items.flatMap((pieces, at) =>
    // What was deleted between the two questions is not told.
    pieces === null ? [] : [filled(pieces, (hole) => values[hole]![at]!)],
  );
  return { items: `[${texts.join(',')}]`, total };
}

function filled(pieces: readonly string[], live: (hole: number) => string): string {
  let text = pieces[0]!;
  for (let hole = 1; hole < pieces.length; hole += 1) text += live(hole - 1) + pieces[hole]!;
  return text;
}

interface Sorting {
  readonly sql: string;
  readonly end: string;
}

interface PageParts {
  /** How many rows there are. */
  readonly total: RawBuilder<unknown>;
  /** From FROM to OFFSET: the rows of the page, in order. */
  readonly rows: RawBuilder<unknown>;
}

type Bounds = { readonly offset: number; readonly size: number | null };

/** Joins everything, then chooses: where a condition or the order looks at what decorates. */
function chosenLast(
  from: string,
  branches: readonly RawBuilder<unknown>[],
  conditions: readonly RawBuilder<unknown>[],
  sorting: readonly Sorting[],
  { offset, size }: Bounds,
): PageParts {
  const confined = sql`(${sql.join(
    branches.map((branch) => sql`(${branch})`),
    sql` or `,
  )})`;
  const where = sql.join([confined, ...conditions], sql` and `);
  const order = sql.raw(sorting.map((one) => one.sql + one.end).join(', '));
  return {
    total: sql`select count(*) from ${sql.raw(from)} where ${where}`,
    rows: sql`from ${sql.raw(from)} where ${where} order by ${order}${limited(size, offset)}`,
  };
}

/** Chooses the keys of the page on the driver's own indexes, branch by branch, and joins only those. */
function chosenFirst<Field extends string>(
  spec: ListSpec<Field>,
  branches: readonly RawBuilder<unknown>[],
  conditions: readonly RawBuilder<unknown>[],
  sorting: readonly Sorting[],
  query: ListQuery<Field>,
  scope: ListScope,
): PageParts {
  const { from } = spec;
  const { offset, size } = query;
  const driver = spec.driver!;
  const table = sql.raw(`${driver.table} ${driver.alias}`);
  const key = `${driver.alias}.${driver.key}`;
  const wheres = branches.map((branch) => sql.join([sql`(${branch})`, ...conditions], sql` and `));
  const order = sql.raw(sorting.map((one) => one.sql + one.end).join(', '));
  const named = sql.raw(sorting.map((one, place) => `${one.sql} as k${place}`).join(', '));
  const byName = sql.raw(sorting.map((one, place) => `k${place}${one.end}`).join(', '));
  const most = size === null ? null : size + offset;
  const choices = wheres.map(
    (where) =>
      sql`(select ${sql.raw(key)} as chosen, ${named} from ${table} where ${where} order by ${order}${limited(most)})`,
  );
  const chosen = sql`(select chosen from (${sql.join(choices, sql` union all `)}) choice order by ${byName}${limited(size, offset)})`;
  const decorated = sql.raw(from.slice(`${driver.table} ${driver.alias}`.length));
  const counts = wheres.map((where) => sql`(select count(*) from ${table} where ${where})`);
  // The first branch is the tenant's own rows (or those of all tenants); who sees all of them needs no count of them.
  const butRare = leavesOutRare(driver, spec, query);
  if (driver.counted === true && scope.seesPrivate && (conditions.length === 0 || butRare)) {
    const whose = scope.everyTenant ? sql`` : sql`tenant_id = ${scope.tenantId} and `;
    const all = sql`(select coalesce(sum(difference), 0) from row_counts where ${whose}collection = ${sql.lit(driver.table)})`;
    const rare = sql`(select count(*) from ${table} where ${branches[0]} and ${sql.raw(`${driver.alias}.${driver.rare}`)})`;
    counts[0] = butRare ? sql`${all} - ${rare}` : all;
  }
  return {
    total: sql`select ${sql.join(counts, sql` + `)}`,
    rows: sql`from ${chosen} choice join ${table} on ${sql.raw(key)} = choice.chosen ${decorated} order by ${order}`,
  };
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

/** A single row, and the first page, are said in so many words: with a parameter each would be planned anew, for fear of large ones. */
function limited(size: number | null, offset = 0): RawBuilder<unknown> {
  const most = size === null ? sql`` : size === 1 ? sql` limit 1` : sql` limit ${size}`;
  return offset === 0 ? most : sql`${most} offset ${offset}`;
}

/** Whether conditions and order look at the driver alone. */
function driven<Field extends string>(
  spec: ListSpec<Field>,
  query: ListQuery<Field>,
  keys: readonly SortKey<Field>[],
): boolean {
  if (spec.driver === undefined) return false;
  const alias = `${spec.driver.alias}.`;
  const looked = [
    ...query.filters.flatMap(fieldsOf),
    ...(query.search === undefined ? [] : spec.search),
    ...keys.map((key) => key.field),
  ];
  return looked.every((field) => spec.fields[field].sql.startsWith(alias));
}
