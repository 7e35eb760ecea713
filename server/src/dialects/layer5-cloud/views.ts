/** Views: stored filters, shared like designs (specs: layer5.md §8.4). */
import Type from 'typebox';
import type { JsonObject } from '../../dsl/plan.js';
import { workspaceOf } from './content-kinds.js';
import { DESIGNS_WHOLE, designFilters, isVisibility, VISIBILITIES } from './design-form.js';
import { absent, badRequest } from './errors.js';
import { flag, pageOf, readListing, rowsOf } from './listing.js';
import { type Call, MaybeObject, type Mounting, Name, PAGE, pageSchema, route } from './routes.js';
import { VIEW, viewOf } from './view-form.js';

const FIELDS = {
  filters: Type.Optional(Type.Unknown()),
  visibility: Type.Optional(Type.String()),
  metadata: MaybeObject,
  workspaceId: Type.Optional(Type.String()),
};
const NewBody = Type.Object({ name: Name, ...FIELDS });
const ChangeBody = Type.Object({ name: Type.Optional(Name), ...FIELDS });

export function addViews(mounting: Mounting): void {
  const tag = 'Views';
  const root = '/api/content/views';
  route(
    mounting,
    'get',
    root,
    {
      tag,
      name: 'views_list',
      summary: 'List views that you may see',
      query: {
        ...PAGE,
        shared: 'true: those that are shared with you',
        visibility: 'Only with one of these visibilities',
        orgId: 'Another organization',
        userId: 'Only those of this user',
        filter: 'JSON; accepted',
      },
      answer: pageSchema('ViewPage', 'views', VIEW),
    },
    async (call) => {
      const listing = readListing(call.query, DESIGNS_WHOLE, designFilters(call));
      const shared = flag(call.query, 'shared') === true;
      const { rows, total } = rowsOf<Record<string, unknown>>(
        await call.core.designs.list(call.caller, 'view', listing.query, { shared }),
      );
      return pageOf('views', listing, { rows: rows.map(viewOf), total });
    },
  );
  route(
    mounting,
    'post',
    root,
    { tag, name: 'views_create', summary: 'Make a view', body: NewBody, status: 201, answer: VIEW },
    async (call) => {
      const { name, filters = {} } = call.body;
      const workspace = await workspaceOf(call, call.body.workspaceId);
      return find(
        call,
        await call.core.designs.put(call.caller, {
          kind: 'view',
          name,
          body: JSON.stringify(filters),
          workspace,
          ...changeOf(call.body),
        }),
      );
    },
  );
  route(
    mounting,
    'get',
    `${root}/:id`,
    { tag, name: 'views_get', summary: 'Get a view', answer: VIEW },
    async (call) => find(call, call.id('id', 'View')),
  );
  route(
    mounting,
    'put',
    `${root}/:id`,
    { tag, name: 'views_update', summary: 'Change a view', body: ChangeBody, answer: VIEW },
    async (call) => {
      const id = call.id('id', 'View');
      const { name, filters } = call.body;
      await call.core.designs.update(call.caller, 'view', id, {
        ...(name === undefined ? {} : { name }),
        ...(filters === undefined ? {} : { body: JSON.stringify(filters) }),
        ...changeOf(call.body),
      });
      return find(call, id);
    },
  );
  route(
    mounting,
    'delete',
    `${root}/:id`,
    { tag, name: 'views_delete', summary: 'Delete a view' },
    async (call) => {
      await call.core.designs.remove(call.caller, 'view', call.id('id', 'View'));
      return undefined;
    },
  );
}

function changeOf({ visibility, metadata }: Type.Static<typeof ChangeBody>) {
  if (visibility !== undefined && visibility !== '' && !isVisibility(visibility)) {
    throw badRequest(`visibility must be one of ${VISIBILITIES.join(', ')}, not ${visibility.slice(0, 50)}`);
  }
  return {
    ...(visibility !== undefined && isVisibility(visibility) ? { visibility } : {}),
    ...(metadata === undefined ? {} : { metadata: metadata as JsonObject }),
  };
}

async function find(call: Call, id: string): Promise<unknown> {
  const listing = readListing({}, DESIGNS_WHOLE, [{ field: 'id', anyOf: [id] }]);
  const [row] = rowsOf<Record<string, unknown>>(
    await call.core.designs.reachable(call.caller, 'view', listing.query),
  ).rows;
  if (row === undefined) throw absent('View', id);
  return viewOf(row);
}
