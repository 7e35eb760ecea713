/** How designs look on this wire, and what their lists may be asked for (specs: layer5.md §8.1). */
import Type from 'typebox';
import type { DesignField } from '../../designs/designs.js';
import { isUuid } from '../../membership/acting-tenant.js';
import type { ListFilter } from '../../store/list.js';
import { badRequest } from './errors.js';
import { type ListingOptions, one, type Query, several } from './listing.js';
import { type Call, Count, entity, Id, MaybeId, Opaque, Text, Time } from './routes.js';

export const VISIBILITIES = ['private', 'public', 'published'] as const;

const FIELDS = {
  id: Id,
  name: Text,
  userId: MaybeId,
  orgId: Id,
  workspaceId: Id,
  patternFile: Type.String({ description: 'As it was sent; empty in lists unless `populate` asks for it' }),
  visibility: Type.Union(VISIBILITIES.map((word) => Type.Literal(word))),
  designType: Type.Union([Text, Type.Null()]),
  sourceContent: Type.Union([Text, Type.Null()]),
  catalogData: Opaque,
  location: Opaque,
  viewCount: Count,
  shareCount: Count,
  downloadCount: Count,
  cloneCount: Count,
  deploymentCount: Count,
  createdAt: Time,
  updatedAt: Time,
};
export const DESIGN = entity('Design', { ...FIELDS, user: Type.Optional(Opaque) });
export const FILTER = entity('Filter', { ...FIELDS, filterFile: Text, user: Type.Optional(Opaque) });

const LISTED: readonly DesignField[] = [
  'id',
  'name',
  'tenant',
  'workspace',
  'owner',
  'visibility',
  'origin',
  'catalogData',
  'location',
  'views',
  'shares',
  'downloads',
  'clones',
  'deployments',
  'createdAt',
  'updatedAt',
  'metadata',
  'workspaceName',
  'tenantTitle',
  'ownerPerson',
];
export const DESIGNS: ListingOptions<DesignField> = {
  fields: LISTED,
  orders: {
    viewCount: 'views',
    shareCount: 'shares',
    downloadCount: 'downloads',
    cloneCount: 'clones',
    deploymentCount: 'deployments',
  },
};
/** With the text. */
export const DESIGNS_WHOLE: ListingOptions<DesignField> = { ...DESIGNS, fields: [...LISTED, 'body'] };
/** With the text, and the file it was made of. */
export const DESIGN_WITH_SOURCE: ListingOptions<DesignField> = {
  ...DESIGNS,
  fields: [...LISTED, 'body', 'source'],
};

/** Whether texts are asked for. */
export function populates(query: Query): boolean {
  return several(query, 'populate').some((word) =>
    ['patternfile', 'pattern_file', 'filterfile', 'filter_file', 'true', '1'].includes(word.toLowerCase()),
  );
}

type Row = Readonly<Record<string, unknown>>;

/** @param withUser with a projection of the owner, as in the catalog */
export function designOf(row: Row, withUser = false): Record<string, unknown> {
  const {
    tenant,
    workspace,
    owner,
    body = '',
    origin,
    source = null,
    views,
    shares,
    downloads,
    clones,
    deployments,
    ownerPerson,
  } = row;
  const { id, name, visibility, catalogData, location, createdAt, updatedAt } = row;
  return {
    id,
    name,
    userId: owner,
    orgId: tenant,
    workspaceId: workspace,
    patternFile: body,
    visibility,
    designType: origin,
    sourceContent: source,
    catalogData: catalogOf(catalogData as Row),
    location,
    viewCount: views,
    shareCount: shares,
    downloadCount: downloads,
    cloneCount: clones,
    deploymentCount: deployments,
    createdAt,
    updatedAt,
    ...(withUser ? { user: personOf(ownerPerson as Row | null) } : {}),
  };
}

export function designsOf(rows: readonly Row[], withUser: boolean): Record<string, unknown>[] {
  return rows.map((row) => designOf(row, withUser));
}

/** The same for filters, whose text has a name of its own and is told in base64. */
export function filterOf(row: Row, withUser = false): Record<string, unknown> {
  const { patternFile, ...rest } = designOf(row, withUser);
  return { ...rest, filterFile: Buffer.from(String(patternFile)).toString('base64') };
}

/** Some clients read the picture's address under a name that no rule of spelling gives. */
function catalogOf(data: Row): Row {
  return data.snapshotUrl === undefined ? data : { ...data, snapshotURL: data.snapshotUrl };
}

function personOf(person: Row | null): Record<string, unknown> | null {
  return person === null ? null : { ...person, userId: person.username };
}

export function isVisibility(word: string): word is (typeof VISIBILITIES)[number] {
  return VISIBILITIES.some((known) => known === word);
}

/** Conditions that lists of designs share. */
export function designFilters(call: Pick<Call, 'query'>): ListFilter<DesignField>[] {
  const { query } = call;
  const visibilities = several(query, 'visibility');
  const wrong = visibilities.find((word) => !isVisibility(word));
  if (wrong !== undefined)
    throw badRequest(`visibility must be one of ${VISIBILITIES.join(', ')}, not ${wrong.slice(0, 50)}`);
  const since = one(query, 'updatedAfter')?.trim() ?? '';
  const user = named(query, 'userId');
  const workspace = named(query, 'workspaceId');
  return [
    ...(visibilities.length === 0 ? [] : [{ field: 'visibility' as const, anyOf: visibilities }]),
    ...(since === '' ? [] : [{ field: 'updatedAt' as const, from: time(since) }]),
    ...(user === null ? [] : [{ selection: 'owner', values: [user] }]),
    ...(workspace === null ? [] : [{ selection: 'workspace', values: [workspace] }]),
  ];
}

function named(query: Query, name: string): string | null {
  const text = one(query, name)?.trim() ?? '';
  if (text === '') return null;
  if (!isUuid(text)) throw badRequest(`${name} must be a UUID`);
  return text.toLowerCase();
}

function time(text: string): string {
  const at = new Date(text);
  if (!/^\d{4}-/.test(text) || Number.isNaN(at.getTime()))
    throw badRequest('updated_after must be a time as RFC 3339 has it');
  return at.toISOString();
}
