/** What rooms say of a collection once, and what a dialect asks of it. */
import { type RawBuilder, sql } from 'kysely';
import type { TenantScope } from '../caller.js';
import type { Shape } from './item-text.js';
import type { Conditional, Lead, ListFilter } from './list-conditions.js';
import type { Versions } from './remembered-items.js';

export interface ListSpec<Field extends string> extends Conditional<Field> {
  /** FROM clause with joins, e.g. `deployments d join blueprints b on …`. */
  readonly from: string;
  /**
   * The table that `from` begins with, where it alone decides how many rows there are and the others only decorate. Then,
   * as long as conditions and order look at it alone, rows are counted and the page is chosen on its indexes.
   */
  readonly driver?: Driver;
  /**
   * Lets items be remembered from page to page (remembered-items.ts), and pages while nothing is written (remembered-pages.ts): nothing
   * in this list depends on the time. Needs a `driver`.
   */
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

export interface Driver {
  readonly table: string;
  readonly alias: string;
  /** Column that no two rows share. */
  readonly key: string;
  /** Its rows are counted as they come and go (`row_counts`), so nobody needs to count them for a whole tenant. */
  readonly counted?: boolean;
  /** A boolean column that holds for few rows, which have an index of their own: all without them are counted as all but them. */
  readonly rare?: string;
  /**
   * A table of the same columns, `difference` beside them, whose sums say how many rows there are of each kind. What looks at these
   * columns alone is counted there; so does the first branch of the confinement.
   */
  readonly tally?: { readonly table: string; readonly columns: readonly string[] };
}

export interface ListPage {
  /** A JSON array. */
  readonly items: string;
  /** Rows that match, on all pages. */
  readonly total: number;
}

export interface ListScope extends TenantScope {
  /** The caller may see every tenant, and asks for them. */
  readonly everyTenant: boolean;
}

/** A condition; or several of which at most one holds for a row, so that each can use an index of its own. */
export type Confinement = RawBuilder<unknown> | readonly (RawBuilder<unknown> | Led)[];

/** `rest` holds, and the rows are led to: see `Via.leads`. */
export interface Led {
  readonly lead: Lead;
  readonly rest: RawBuilder<unknown>;
}

export interface Branch {
  readonly where: RawBuilder<unknown>;
  readonly led: Led | null;
}

export function branchesOf(confinement: Confinement): readonly Branch[] {
  const branches = Array.isArray(confinement)
    ? (confinement as readonly (RawBuilder<unknown> | Led)[])
    : [confinement as RawBuilder<unknown>];
  return branches.map((branch) =>
    'lead' in branch
      ? { where: sql`${branch.rest} and ${sql.raw(branch.lead.key)} in (${branch.lead.found})`, led: branch }
      : { where: branch, led: null },
  );
}

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
