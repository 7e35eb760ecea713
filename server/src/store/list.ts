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
import { HOLE, itemText, type ListField, memberText, type Shown } from './item-text.js';
import { chosenFirst, chosenLast, driven, type PageParts, type Sorting } from './list-choice.js';
import { asksParts, condition } from './list-conditions.js';
import { memoryOf, numberOf } from './list-memory.js';
import { branchesOf, type ListPage, type ListQuery, type ListScope, type ListSpec } from './list-spec.js';
import { isLive, versionText } from './remembered-items.js';
import { MOMENT } from './remembered-pages.js';
import type { Queryable } from './statement.js';

export type { Shown } from './item-text.js';
export type { ListFilter } from './list-conditions.js';
export type { ListPage, ListQuery, ListScope, ListSpec, SortKey } from './list-spec.js';

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

interface ReadPage extends ListPage {
  /** All of it was read in this moment; absent: in several, or it may depend on more. */
  readonly moment?: string;
}

/** Reads one page; within a transaction, what that sees. */
export async function listPage<Field extends string>(
  db: Queryable,
  spec: ListSpec<Field>,
  scope: TenantScope,
  query: ListQuery<Field>,
): Promise<ListPage> {
  if (!(db instanceof pg.Pool)) return readPage(db, spec, scope, query);
  const { tenantId, userId, seesPrivate, seesAllTenants } = scope;
  const key = JSON.stringify([numberOf(spec), tenantId, userId, seesPrivate, seesAllTenants, query]);
  const { pages, questions } = memoryOf(db);
  return questions.ask(key, async () => {
    if (isRemembered(db, spec, query)) {
      const unchanged = pages.get(await pages.moment(db), key);
      if (unchanged !== null) return unchanged;
    }
    const { moment, ...page } = await readPage(db, spec, scope, query);
    if (moment !== undefined) pages.put(moment, key, page);
    return page;
  });
}

async function readPage<Field extends string>(
  db: Queryable,
  spec: ListSpec<Field>,
  scope: TenantScope,
  query: ListQuery<Field>,
): Promise<ReadPage> {
  const everyTenant = query.allTenants === true && scope.seesAllTenants === true && scope.seesPrivate;
  const listed: ListScope = { ...scope, everyTenant };
  const collection = `${numberOf(spec)} ${everyTenant ? '' : scope.tenantId}`;
  const memory = memoryOf(db);
  const parts = partsOf(spec, listed, query, memory.totalOf(collection));
  const page = await pageOf(db, spec, query, parts);
  if (parts.counted) memory.noteTotal(collection, page.total);
  if (page.total <= parts.most) return page;
  // Very many rows came since somebody last counted: now it is known how many there are.
  return pageOf(db, spec, query, partsOf(spec, listed, query, page.total));
}

function partsOf<Field extends string>(
  spec: ListSpec<Field>,
  scope: ListScope,
  query: ListQuery<Field>,
  about: number,
): PageParts {
  const branches = branchesOf(spec.confine(scope));
  const conditions = query.filters.map((filter) =>
    condition(spec, filter, scope.everyTenant ? null : scope.tenantId),
  );
  if (query.search !== undefined && query.search !== '') {
    const pattern = `%${query.search.replace(/[\\%_]/g, '\\$&')}%`;
    const places = spec.search.map((field) => sql`${sql.raw(spec.fields[field].sql)} ilike ${pattern}`);
    conditions.push(sql`(${sql.join(places, sql` or `)})`);
  }
  const keys = query.sort.length > 0 ? query.sort : spec.defaultSort;
  const sorting: Sorting[] = [
    ...keys.map((key) => ({
      sql: orderedBy(spec.fields[key.field]),
      end: key.descending ? (' desc nulls last' as const) : (' asc' as const),
    })),
    { sql: spec.tieBreak, end: keys[0]?.descending ? ' desc' : ' asc' },
  ];
  return driven(spec, query, keys)
    ? chosenFirst(spec, branches, conditions, sorting, query, scope, about)
    : chosenLast(spec.from, branches, conditions, sorting, query);
}

async function pageOf<Field extends string>(
  db: Queryable,
  spec: ListSpec<Field>,
  query: ListQuery<Field>,
  parts: PageParts,
): Promise<ReadPage> {
  if (isRemembered(db, spec, query)) return rememberedPage(db, spec, query, parts);
  const [row] = await askComposed<ListPage>(
    db,
    sql`${parts.found ?? sql``}
    select (${parts.total})::integer as total,
           coalesce((select '[' || string_agg(item, ',') || ']' from (
             select ${sql.raw(itemText(spec.fields, query.shape))} as item ${parts.rows}) page), '[]') as items`,
    { anew: query.filters.some((filter) => asksParts(spec, filter)) },
  );
  return { items: row!.items, total: row!.total };
}

/** JSON has no order of its own. */
function orderedBy({ sql: column, type }: ListField): string {
  return type === 'json' ? `(${column})::text` : column;
}

/** Fewer items are written as quickly as they are looked up; more would drive out all others. */
const REMEMBERED_PAGES = { least: 20, most: 1000 };

function isRemembered<Field extends string>(
  db: Queryable,
  spec: ListSpec<Field>,
  { size }: ListQuery<Field>,
): boolean {
  if (spec.versions === undefined || spec.driver === undefined || !(db instanceof pg.Pool)) return false;
  return size !== null && size >= REMEMBERED_PAGES.least && size <= REMEMBERED_PAGES.most;
}

/** The page, put together from remembered items and those that PostgreSQL must write. */
async function rememberedPage<Field extends string>(
  db: Queryable,
  spec: ListSpec<Field>,
  { shape }: ListQuery<Field>,
  parts: PageParts,
): Promise<ReadPage> {
  const memory = memoryOf(db).items;
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
    { moment: string; total: number; keys: string; versions: string } & Record<`live${number}`, string>
  >(
    db,
    sql`${parts.found ?? sql``} select ${sql.raw(MOMENT)} as moment, (${parts.total})::integer as total, page.* from (
      select coalesce(string_agg(key::text, ','), '') as keys, coalesce(string_agg(version, ','), '') as versions${told} from (
        select ${key} as key, ${version} as version${lives} ${parts.rows}) row) page`,
  );
  const { moment, total } = row!;
  if (row!.keys === '') return { items: '[]', total, moment };
  const keys = row!.keys.split(',');
  const seen = row!.versions.split(',');
  const values = live.map((_, at) => row![`live${at}`]!.split(HOLE));
  const kind = memory.kindOf(spec.driver!.table, shape);
  const remembered = keys.map((one, at) => memory.get(kind, one, seen[at]!));
  const missing = keys.filter((_, at) => remembered[at] === null);
  let sameMoment = true;
  if (missing.length > 0) {
    const text = sql.raw(itemText(spec.fields, shape, isHole));
    // The keys are those that the caller was just found to see.
    const written = await askComposed<{ key: string; version: string; item: string; moment: string }>(
      db,
      sql`select ${key}::text as key, ${version} as version, ${text} as item, (select ${sql.raw(MOMENT)}) as moment from ${sql.raw(spec.from)} where ${key} = any(${missing}::bigint[])`,
    );
    const fresh = new Map(written.map((one) => [one.key, memory.put(kind, one.key, one.version, one.item)]));
    sameMoment = written[0]?.moment === moment;
    for (const [at, one] of keys.entries()) remembered[at] ??= fresh.get(one) ?? null;
  }
  const texts = remembered.flatMap((pieces, at) =>
    // What was deleted between the two questions is not told.
    pieces === null ? [] : [filled(pieces, (hole) => values[hole]![at]!)],
  );
  const items = `[${texts.join(',')}]`;
  return sameMoment ? { items, total, moment } : { items, total };
}

function filled(pieces: readonly string[], live: (hole: number) => string): string {
  let text = pieces[0]!;
  for (let hole = 1; hole < pieces.length; hole += 1) text += live(hole - 1) + pieces[hole]!;
  return text;
}
