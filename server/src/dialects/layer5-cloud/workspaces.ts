/** Workspaces, and what is put into them (specs: layer5.md §7). */
import Type from 'typebox';
import type { JsonObject } from '../../dsl/plan.js';
import { isUuid } from '../../membership/acting-tenant.js';
import type { WorkspaceField } from '../../workspaces/workspaces.js';
import { uuidOrNull } from './access.js';
import { addAssignment } from './assignments.js';
import { DESIGN, DESIGNS, designFilters, designsOf } from './design-form.js';
import { ENVIRONMENT, ENVIRONMENTS, type EnvironmentRow, environmentOf } from './environments.js';
import { absent } from './errors.js';
import { EVENT, EVENTS, eventsOf } from './events.js';
import { type ListingOptions, pageOf, readFilter, readListing, rowsOf } from './listing.js';
import {
  type Call,
  entity,
  Id,
  MaybeId,
  MaybeObject,
  MaybeText,
  MaybeTime,
  type Mounting,
  Name,
  Opaque,
  PAGE,
  pageSchema,
  route,
  Text,
  Time,
} from './routes.js';
import { TEAM, TEAMS } from './teams.js';
import { VIEW, viewOf } from './view-form.js';

const WORKSPACE = entity('Workspace', {
  id: Id,
  name: Text,
  description: Text,
  organizationId: Id,
  orgName: Text,
  owner: Type.Union([Text, Type.Null()]),
  ownerId: MaybeId,
  ownerEmail: Type.Union([Text, Type.Null()]),
  ownerAvatar: Type.Union([Text, Type.Null()]),
  metadata: Opaque,
  createdAt: Time,
  updatedAt: Time,
  deletedAt: MaybeTime,
});
const LISTING: ListingOptions<WorkspaceField> = {
  fields: [
    'id',
    'name',
    'description',
    'tenant',
    'tenantTitle',
    'owner',
    'ownerName',
    'ownerEmail',
    'ownerAvatar',
    'metadata',
    'createdAt',
    'updatedAt',
  ],
};
const NewBody = Type.Object({
  name: Name,
  description: MaybeText,
  organizationId: Type.Optional(Type.String()),
  metadata: MaybeObject,
});
const ChangeBody = Type.Object({ name: Type.Optional(Name), description: MaybeText, metadata: MaybeObject });

interface Row {
  readonly tenant: string;
  readonly tenantTitle: string;
  readonly owner: string | null;
  readonly ownerName: string | null;
  readonly [key: string]: unknown;
}
const workspaceOf = ({ tenant, tenantTitle, owner, ownerName, ...row }: Row) => ({
  ...row,
  organizationId: tenant,
  orgName: tenantTitle,
  owner: ownerName,
  ownerId: owner,
  deletedAt: null,
});

const root = '/api/workspaces';
const tag = 'Workspaces';

export function addWorkspaces(mounting: Mounting): void {
  route(
    mounting,
    'get',
    root,
    {
      tag,
      name: 'workspaces_list',
      summary: 'List workspaces',
      query: { ...PAGE, orgId: 'Another organization', filter: 'JSON; accepted' },
      answer: pageSchema('WorkspacePage', 'workspaces', WORKSPACE),
    },
    async (call) => {
      readFilter(call.query);
      const listing = readListing(call.query, LISTING);
      const page = await call.core.workspaces.list(call.caller, {
        ...listing.query,
        allTenants: call.everywhere,
      });
      const { rows, total } = rowsOf<Row>(page);
      return pageOf('workspaces', listing, { rows: rows.map(workspaceOf), total });
    },
  );
  route(
    mounting,
    'post',
    root,
    {
      tag,
      name: 'workspaces_create',
      summary: 'Make a workspace',
      body: NewBody,
      status: 201,
      answer: WORKSPACE,
    },
    async (call) => {
      const { organizationId, metadata, ...rest } = call.body;
      const caller = await inOrganization(call, organizationId);
      const id = await call.core.workspaces.create(caller, {
        ...rest,
        ...(metadata === undefined ? {} : { metadata: metadata as JsonObject }),
      });
      return find({ ...call, caller }, id);
    },
  );
  route(
    mounting,
    'get',
    `${root}/:id`,
    { tag, name: 'workspaces_get', summary: 'Get a workspace', answer: WORKSPACE },
    async (call) => find(call, call.id('id', 'Workspace')),
  );
  route(
    mounting,
    'put',
    `${root}/:id`,
    { tag, name: 'workspaces_update', summary: 'Change a workspace', body: ChangeBody, answer: WORKSPACE },
    async (call) => {
      const id = call.id('id', 'Workspace');
      const { metadata, ...rest } = call.body;
      await call.core.workspaces.update(call.caller, id, {
        ...rest,
        ...(metadata === undefined ? {} : { metadata: metadata as JsonObject }),
      });
      return find(call, id);
    },
  );
  route(
    mounting,
    'delete',
    `${root}/:id`,
    { tag, name: 'workspaces_delete', summary: 'Delete a workspace; its designs move to the default one' },
    async (call) => {
      await call.core.workspaces.remove(call.caller, call.id('id', 'Workspace'));
      return undefined;
    },
  );
  addContents(mounting);
}

/** The organisation that a body names, else the acting one. */
export async function inOrganization(call: Call, named: string | undefined) {
  const id = uuidOrNull('organizationId', named);
  return id === null ? call.caller : call.within(id);
}

async function find(call: Call, id: string): Promise<unknown> {
  const [row] = rowsOf<Row>(
    await call.core.workspaces.list(
      call.caller,
      readListing({}, LISTING, [{ field: 'id', anyOf: [id] }]).query,
    ),
  ).rows;
  if (row === undefined) throw absent('Workspace', id);
  return workspaceOf(row);
}

function addContents(mounting: Mounting): void {
  const shared = {
    tag,
    holder: 'workspace',
    require: (call: Call, id: string) => call.core.workspaces.require(call.caller, id),
  } as const;
  addAssignment(mounting, {
    ...shared,
    items: 'environments',
    pageTitle: 'EnvironmentPage',
    item: ENVIRONMENT,
    async list(call, within) {
      const listing = readListing(call.query, ENVIRONMENTS, [within]);
      const page = await call.core.accountEnvironments.list(call.caller, listing.query);
      const { rows, total } = rowsOf<EnvironmentRow>(page);
      return pageOf('environments', listing, { rows: rows.map(environmentOf), total });
    },
    put: ({ core, caller }, id, thing) => core.workspaces.assign(caller, id, 'environment', thing),
    take: ({ core, caller }, id, thing) => core.workspaces.unassign(caller, id, 'environment', thing),
  });
  addAssignment(mounting, {
    ...shared,
    items: 'teams',
    pageTitle: 'TeamPage',
    item: TEAM,
    async list(call, within) {
      const listing = readListing(call.query, TEAMS, [within]);
      return pageOf('teams', listing, rowsOf(await call.core.teams.list(call.caller, listing.query)));
    },
    put: ({ core, caller }, id, thing) => core.workspaces.assign(caller, id, 'team', thing),
    take: ({ core, caller }, id, thing) => core.workspaces.unassign(caller, id, 'team', thing),
  });
  for (const { items, kind, pageTitle, item } of [
    { items: 'designs', kind: 'design', pageTitle: 'WorkspaceDesignPage', item: DESIGN },
    { items: 'views', kind: 'view', pageTitle: 'ViewPage', item: VIEW },
  ] as const) {
    addAssignment(mounting, {
      ...shared,
      items,
      pageTitle,
      item,
      query: { visibility: 'Only with one of these visibilities' },
      async list(call, within) {
        const listing = readListing(call.query, DESIGNS, [...designFilters(call), within]);
        const page = await call.core.designs.list(call.caller, kind, listing.query);
        const { rows, total } = rowsOf<Record<string, unknown>>(page);
        return pageOf(items, listing, {
          rows: kind === 'view' ? rows.map(viewOf) : designsOf(rows, false),
          total,
        });
      },
      async put({ core, caller }, id, thing) {
        await core.designs.move(caller, kind, isUuid(thing) ? thing : '', id);
        // A design is in one workspace: there is no row between them, so the design names the place.
        return { id: thing, createdAt: new Date() };
      },
      take: ({ core, caller }, id, thing) => core.designs.move(caller, kind, thing, null, id),
    });
  }
  route(
    mounting,
    'get',
    `${root}/:id/events`,
    {
      tag,
      name: 'workspaces_events',
      summary: 'List what happened to a workspace and its designs',
      query: PAGE,
      answer: pageSchema('WorkspaceEventPage', 'data', EVENT),
    },
    async (call) => {
      const id = call.id('id', 'Workspace');
      await shared.require(call, id);
      const listing = readListing(call.query, EVENTS, [{ selection: 'workspace', values: [id] }]);
      return pageOf('data', listing, eventsOf(await call.core.notices.list(call.caller, listing.query)));
    },
  );
}
