/** What designs and filters have in common, and where they differ on this wire. */
import type { DesignKind } from '../../designs/designs.js';
import { isUuid } from '../../membership/acting-tenant.js';
import { uuidOrNull } from './access.js';
import { DESIGN, DESIGN_WITH_SOURCE, designOf, FILTER, filterOf } from './design-form.js';
import { absent } from './errors.js';
import { one, readListing, rowsOf } from './listing.js';
import type { Call } from './routes.js';

export interface Kind {
  readonly kind: DesignKind;
  readonly items: 'patterns' | 'filters';
  readonly root: string;
  readonly tag: string;
  readonly word: string;
  readonly form: (row: Readonly<Record<string, unknown>>, withUser?: boolean) => Record<string, unknown>;
  readonly schema: typeof DESIGN;
}
export const PATTERN: Kind = {
  kind: 'design',
  items: 'patterns',
  root: '/api/content/patterns',
  tag: 'Designs',
  word: 'design',
  form: designOf,
  schema: DESIGN,
};
export const WASM_FILTER: Kind = {
  kind: 'filter',
  items: 'filters',
  root: '/api/content/filters',
  tag: 'Filters',
  word: 'filter',
  form: filterOf,
  schema: FILTER,
};

/** A design that the caller may look at, whole. @throws WireError 404 */
export async function read(call: Call, of: Kind, id: string): Promise<Record<string, unknown>> {
  const listing = readListing({}, DESIGN_WITH_SOURCE, [{ field: 'id', anyOf: [id] }]);
  const [row] = rowsOf<Record<string, unknown>>(
    await call.core.designs.reachable(call.caller, of.kind, listing.query),
  ).rows;
  if (row === undefined) throw absent(of.word === 'design' ? 'Design' : 'Filter', id);
  return row;
}

/** The one that is named; else the preferred one of the acting organization, if it is there; else the default one. */
export async function workspaceOf(call: Call, named: string | undefined): Promise<string | null> {
  const id = uuidOrNull('workspaceId', named ?? one(call.query, 'workspaceId'));
  if (id !== null) return id;
  const { values } = await call.core.preferences.get(call.caller);
  const places = (values.selectedWorkspaceForOrganizations ?? {}) as Readonly<Record<string, unknown>>;
  const preferred = places[call.caller.tenant?.uuid ?? ''];
  if (typeof preferred !== 'string' || !isUuid(preferred)) return null;
  const there = await call.core.workspaces.require(call.caller, preferred).then(
    () => true,
    () => false,
  );
  return there ? preferred : null;
}
