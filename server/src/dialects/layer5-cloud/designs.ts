/** Designs: made, listed, read, deleted (specs: layer5.md §8.2). Filters have the same routes under their own names. */
import Type from 'typebox';
import { nameOfDesign, textOfDesign } from '../../designs/design-file.js';
import type { DesignField, NewDesign } from '../../designs/designs.js';
import type { JsonObject } from '../../dsl/plan.js';
import { isUuid } from '../../membership/acting-tenant.js';
import type { ListFilter } from '../../store/list.js';
import { uuidOrNull } from './access.js';
import { type Kind, PATTERN, read, WASM_FILTER, workspaceOf } from './content-kinds.js';
import { importFrom } from './design-files.js';
import {
  DESIGNS,
  DESIGNS_WHOLE,
  designFilters,
  isVisibility,
  populates,
  VISIBILITIES,
} from './design-form.js';
import { absent, badRequest } from './errors.js';
import { flag, one, pageOf, readListing, rowsOf } from './listing.js';
import { type Call, entity, type Mounting, PAGE, pageSchema, route } from './routes.js';

const Word = Type.Optional(Type.String({ maxLength: 512 }));
/** Text, or an object that is written as YAML. */
const File = Type.Optional(Type.Union([Type.String(), Type.Object({}, { additionalProperties: true })]));
const FIELDS = {
  id: Word,
  name: Word,
  patternFile: File,
  filterFile: Type.Optional(Type.String()),
  visibility: Word,
  designType: Word,
  workspaceId: Word,
  catalogData: Type.Optional(Type.Object({}, { additionalProperties: true })),
  location: Type.Optional(Type.Object({}, { additionalProperties: true })),
};
const Body = Type.Object({
  ...FIELDS,
  patternData: Type.Optional(Type.Object(FIELDS)),
  filterData: Type.Optional(Type.Object(FIELDS)),
  save: Type.Optional(Type.Boolean()),
  url: Type.Optional(Type.String({ maxLength: 2048 })),
  path: Word,
});
type Given = Type.Static<typeof Body>;
const ManyBody = Type.Object({
  patterns: Type.Optional(Type.Array(Type.Object({ id: Type.String() }), { maxItems: 1000 })),
  filters: Type.Optional(Type.Array(Type.Object({ id: Type.String() }), { maxItems: 1000 })),
});

const QUERY = {
  ...PAGE,
  orgId: 'Another organization',
  workspaceId: 'Only those in this workspace',
  userId: 'Only those of this user',
  visibility: 'Only with one of these visibilities',
  shared: 'true: those that are shared with you',
  populate: '`pattern_file`: with their texts',
  metrics: 'Accepted; counts are always told',
  updatedAfter: 'Only those changed after this time',
};

export function addDesigns(mounting: Mounting): void {
  for (const each of [PATTERN, WASM_FILTER]) addContent(mounting, each, each.root, '');
  addContent(mounting, PATTERN, '/api/pattern', '_alias');
}

function addContent(mounting: Mounting, of: Kind, root: string, alias: string): void {
  const { tag, word, items, schema } = of;
  const name = (verb: string) => `${items === 'patterns' ? 'designs' : 'filters'}_${verb}${alias}`;
  route(
    mounting,
    'get',
    root,
    {
      tag,
      name: name('list'),
      summary: `List ${word}s that you may see`,
      query: QUERY,
      answer: pageSchema(`${of.word === 'design' ? 'Design' : 'Filter'}Page`, items, schema),
    },
    (call) => list(call, of),
  );
  route(
    mounting,
    'post',
    root,
    {
      tag,
      name: name('put'),
      summary: `Make a ${word}; with the id of one that is there, change it`,
      description: 'The text is kept as it is sent: any text is one. With `save: false` nothing is kept.',
      body: Body,
      answer: Type.Array(schema),
    },
    async (call) =>
      call.body.url === undefined || call.body.url === ''
        ? [await put(call, of)]
        : importFrom(call, of, call.body.url, wanted(call.body).name ?? null, call.body.save !== false),
  );
  if (alias === '') {
    const answer = entity(`Deleted${word === 'design' ? 'Designs' : 'Filters'}`, {
      [items]: Type.Array(schema),
      totalCount: Type.Integer(),
    });
    route(
      mounting,
      'post',
      `${root}/delete`,
      { tag, name: name('delete_many'), summary: `Delete ${word}s`, body: ManyBody, answer },
      (call) => removeMany(call, of),
    );
    route(
      mounting,
      'delete',
      root,
      { tag, name: name('delete_by_body'), summary: `Delete ${word}s`, body: ManyBody, answer },
      (call) => removeMany(call, of),
    );
  }
  route(
    mounting,
    'get',
    `${root}/:id`,
    {
      tag,
      name: name('get'),
      summary: `Get a ${word}`,
      query: { metrics: 'Accepted; counts are always told' },
      answer: schema,
    },
    async (call) => {
      const id = call.id('id', 'Design');
      const row = await read(call, of, id);
      await call.core.designs.count(id, 'views');
      return of.form({ ...row, views: Number(row.views) + 1 });
    },
  );
  if (items === 'filters') {
    route(
      mounting,
      'put',
      `${root}/:id`,
      { tag, name: name('update'), summary: `Change a ${word}`, body: Body, answer: schema },
      async (call) => {
        const id = call.id('id', 'Filter');
        const before = await read(call, of, id);
        const given = {
          name: String(before.name),
          filterFile: Buffer.from(String(before.body)).toString('base64'),
          ...call.body,
          ...call.body.filterData,
          id,
        };
        return put({ ...call, body: given }, of);
      },
    );
  }
  route(
    mounting,
    'delete',
    `${root}/:id`,
    { tag, name: name('delete'), summary: `Delete a ${word}`, answer: schema },
    async (call) => {
      const id = call.id('id', 'Design');
      const row = await read(call, of, id);
      await call.core.designs.remove(call.caller, of.kind, id);
      return of.form(row);
    },
  );
}

async function list(call: Call, of: Kind): Promise<unknown> {
  const filters = [...designFilters(call), ...(one(call.query, 'userId') ? [othersSee(call)] : [])];
  const listing = readListing(call.query, populates(call.query) ? DESIGNS_WHOLE : DESIGNS, filters);
  const shared = flag(call.query, 'shared') === true;
  const query = { ...listing.query, allTenants: call.everywhere };
  const { rows, total } = rowsOf<Record<string, unknown>>(
    await call.core.designs.list(call.caller, of.kind, query, { shared }),
  );
  return pageOf(of.items, listing, { rows: rows.map((row) => of.form(row)), total });
}

/** Of another user, what others see of them too. */
function othersSee(call: Call): ListFilter<DesignField> {
  const own = one(call.query, 'userId')?.toLowerCase() === call.person.userUuid;
  return own ? { all: [] } : { field: 'visibility', anyOf: ['public', 'published'] };
}

/** What is wanted, in whichever of the forms it came. */
function wanted(body: Given): Given {
  const { patternData, filterData, ...flat } = body;
  return { ...flat, ...patternData, ...filterData };
}

async function put(call: Call<Given>, of: Kind): Promise<Record<string, unknown>> {
  const given = wanted(call.body);
  const body = textOf(given, of);
  const name = given.name?.trim() ? given.name : nameOfDesign(body);
  if (name === null) throw badRequest('name is missing', 'Send a name, or a file that names itself');
  const { visibility = '' } = given;
  if (visibility !== '' && !isVisibility(visibility))
    throw badRequest(`visibility must be one of ${VISIBILITIES.join(', ')}, not ${visibility.slice(0, 50)}`);
  const id = uuidOrNull('id', given.id);
  const design: NewDesign = {
    kind: of.kind,
    id,
    name,
    body,
    workspace: await workspaceOf(call, given.workspaceId),
    ...(visibility !== '' && isVisibility(visibility) ? { visibility } : {}),
    ...(given.designType ? { origin: given.designType.slice(0, 64) } : {}),
    ...(given.catalogData === undefined ? {} : { catalogData: given.catalogData as JsonObject }),
    ...(given.location === undefined ? {} : { location: given.location as JsonObject }),
  };
  if (call.body.save === false) return of.form(unsaved(call, design));
  return of.form(await read(call, of, await call.core.designs.put(call.caller, design)));
}

/** What would be kept. */
function unsaved(call: Call, design: NewDesign): Record<string, unknown> {
  const now = new Date();
  return {
    id: design.id ?? null,
    name: design.name,
    tenant: call.caller.tenant?.uuid ?? null,
    workspace: design.workspace ?? null,
    owner: call.person.userUuid,
    body: design.body,
    visibility: design.visibility ?? 'private',
    origin: design.origin ?? null,
    catalogData: design.catalogData ?? {},
    location: design.location ?? {},
    views: 0,
    shares: 0,
    downloads: 0,
    clones: 0,
    deployments: 0,
    createdAt: now,
    updatedAt: now,
  };
}

function textOf({ patternFile, filterFile }: Given, of: Kind): string {
  if (of.kind === 'filter') {
    if (filterFile === undefined)
      throw badRequest('filter_file is missing', 'Send the text of the filter in base64');
    return Buffer.from(filterFile, 'base64').toString('utf8');
  }
  if (patternFile === undefined) throw badRequest('pattern_file is missing', 'Send the text of the design');
  return typeof patternFile === 'string' ? patternFile : textOfDesign(patternFile as JsonObject);
}

async function removeMany(call: Call<Type.Static<typeof ManyBody>>, of: Kind): Promise<unknown> {
  const wantedIds = (of.items === 'patterns' ? call.body.patterns : call.body.filters) ?? [];
  const gone: Record<string, unknown>[] = [];
  for (const { id } of wantedIds) {
    if (!isUuid(id)) throw absent('Design', id);
    const row = await read(call, of, id.toLowerCase());
    await call.core.designs.remove(call.caller, of.kind, id.toLowerCase());
    gone.push(of.form(row));
  }
  return { [of.items]: gone, totalCount: gone.length };
}
