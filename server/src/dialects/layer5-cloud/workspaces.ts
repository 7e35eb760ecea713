/** Workspaces, and what is put into them (specs: layer5.md §7). */
import Type from 'typebox';
import type { DesignKind } from '../../designs/designs.js';
import type { JsonObject } from '../../dsl/plan.js';
import { isUuid } from '../../membership/acting-tenant.js';
import type { WorkspaceField } from '../../workspaces/workspaces.js';
import { uuidOrNull } from './access.js';
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
    `${root}/:workspaceId`,
    { tag, name: 'workspaces_get', summary: 'Get a workspace', answer: WORKSPACE },
    async (call) => find(call, call.id('workspaceId', 'Workspace')),
  );
  route(
    mounting,
    'put',
    `${root}/:workspaceId`,
    { tag, name: 'workspaces_update', summary: 'Change a workspace', body: ChangeBody, answer: WORKSPACE },
    async (call) => {
      const id = call.id('workspaceId', 'Workspace');
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
    `${root}/:workspaceId`,
    { tag, name: 'workspaces_delete', summary: 'Delete a workspace; its designs move to the default one' },
    async (call) => {
      await call.core.workspaces.remove(call.caller, call.id('workspaceId', 'Workspace'));
      return undefined;
    },
  );
  addContents(mounting);
  addAssignments(mounting);
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

/** Lists the organization's items that are in the workspace, or with `{"assigned":false}` those that are not. */
const ASSIGNED = { ...PAGE, filter: 'JSON: `{"assigned":false}` for what is not in it' };

async function side(call: Call): Promise<{ id: string; assigned: boolean }> {
  const id = call.id('workspaceId', 'Workspace');
  await call.core.workspaces.require(call.caller, id);
  return { id, assigned: readFilter(call.query).assigned !== false };
}

function selected<Filter>(filter: Filter, assigned: boolean): Filter | { readonly not: Filter } {
  return assigned ? filter : { not: filter };
}

function addContents(mounting: Mounting): void {
  route(
    mounting,
    'get',
    `${root}/:workspaceId/environments`,
    {
      tag,
      name: 'workspaces_environments',
      summary: 'List the environments of a workspace',
      query: ASSIGNED,
      answer: pageSchema('EnvironmentPage', 'environments', ENVIRONMENT),
    },
    async (call) => {
      const { id, assigned } = await side(call);
      const listing = readListing(call.query, ENVIRONMENTS, [
        selected({ selection: 'workspace', values: [id] }, assigned),
      ]);
      const { rows, total } = rowsOf<EnvironmentRow>(
        await call.core.accountEnvironments.list(call.caller, listing.query),
      );
      return pageOf('environments', listing, { rows: rows.map(environmentOf), total });
    },
  );
  route(
    mounting,
    'get',
    `${root}/:workspaceId/teams`,
    {
      tag,
      name: 'workspaces_teams',
      summary: 'List the teams of a workspace',
      query: ASSIGNED,
      answer: pageSchema('TeamPage', 'teams', TEAM),
    },
    async (call) => {
      const { id, assigned } = await side(call);
      const listing = readListing(call.query, TEAMS, [
        selected({ selection: 'workspace', values: [id] }, assigned),
      ]);
      return pageOf('teams', listing, rowsOf(await call.core.teams.list(call.caller, listing.query)));
    },
  );
  for (const [items, kind] of [
    ['designs', 'design'],
    ['views', 'view'],
  ] as const) {
    route(
      mounting,
      'get',
      `${root}/:workspaceId/${items}`,
      {
        tag,
        name: `workspaces_${items}`,
        summary: `List the ${items} of a workspace`,
        query: { ...ASSIGNED, visibility: 'Only with one of these visibilities' },
        answer: pageSchema(
          items === 'designs' ? 'WorkspaceDesignPage' : 'ViewPage',
          items,
          items === 'designs' ? DESIGN : VIEW,
        ),
      },
      async (call) => {
        const { id, assigned } = await side(call);
        const filters = [
          ...designFilters(call),
          selected({ selection: 'workspace', values: [id] }, assigned),
        ];
        const listing = readListing(call.query, DESIGNS, filters);
        const { rows, total } = rowsOf<Record<string, unknown>>(
          await call.core.designs.list(call.caller, kind, listing.query),
        );
        return pageOf(items, listing, {
          rows: kind === 'view' ? rows.map(viewOf) : designsOf(rows, false),
          total,
        });
      },
    );
  }
  route(
    mounting,
    'get',
    `${root}/:workspaceId/events`,
    {
      tag,
      name: 'workspaces_events',
      summary: 'List what happened to a workspace and its designs',
      query: PAGE,
      answer: pageSchema('WorkspaceEventPage', 'data', EVENT),
    },
    async (call) => {
      const { id } = await side(call);
      const listing = readListing(call.query, EVENTS, [{ selection: 'workspace', values: [id] }]);
      return pageOf('data', listing, eventsOf(await call.core.notices.list(call.caller, listing.query)));
    },
  );
}

function addAssignments(mounting: Mounting): void {
  for (const [items, parameter] of [
    ['environments', 'environmentId'],
    ['teams', 'teamId'],
    ['designs', 'designId'],
    ['views', 'viewId'],
  ] as const) {
    const thing = items.slice(0, -1);
    const mapping = `workspaces${items[0]!.toUpperCase()}${items.slice(1)}Mapping`;
    const path = `${root}/:workspaceId/${items}/:${parameter}`;
    const told = entity(`Workspace${thing[0]!.toUpperCase()}${thing.slice(1)}`, {
      id: Id,
      workspaceId: Id,
      [parameter]: Id,
      createdAt: Time,
      updatedAt: Time,
      deletedAt: MaybeTime,
    });
    route(
      mounting,
      'post',
      path,
      {
        tag,
        name: `workspaces_${items}_assign`,
        summary: `Put one of the ${items} into a workspace`,
        answer: pageSchema(`Workspace${thing[0]!.toUpperCase()}${thing.slice(1)}Mapping`, mapping, told),
      },
      async (call) => {
        const workspaceId = call.id('workspaceId', 'Workspace');
        const thingId = call.param(parameter).toLowerCase();
        const { id, createdAt } = await assign(call, items, workspaceId, thingId);
        const row = {
          id,
          workspaceId,
          [parameter]: thingId,
          createdAt,
          updatedAt: createdAt,
          deletedAt: null,
        };
        return pageOf(mapping, { page: 0, size: 1 }, { rows: [row], total: 1 });
      },
    );
    route(
      mounting,
      'delete',
      path,
      { tag, name: `workspaces_${items}_unassign`, summary: `Take one of the ${items} out of a workspace` },
      async (call) => {
        const workspaceId = call.id('workspaceId', 'Workspace');
        const thingId = call.id(parameter, thing);
        if (items === 'environments' || items === 'teams') {
          await call.core.workspaces.unassign(
            call.caller,
            workspaceId,
            items === 'teams' ? 'team' : 'environment',
            thingId,
          );
        } else await call.core.designs.move(call.caller, kindOf(items), thingId, null, workspaceId);
        return undefined;
      },
    );
  }
}

function kindOf(items: 'designs' | 'views'): DesignKind {
  return items === 'designs' ? 'design' : 'view';
}

async function assign(
  call: Call,
  items: 'environments' | 'teams' | 'designs' | 'views',
  workspaceId: string,
  thingId: string,
): Promise<{ id: string; createdAt: Date }> {
  if (items === 'environments' || items === 'teams') {
    return call.core.workspaces.assign(
      call.caller,
      workspaceId,
      items === 'teams' ? 'team' : 'environment',
      thingId,
    );
  }
  await call.core.designs.move(call.caller, kindOf(items), isUuid(thingId) ? thingId : '', workspaceId);
  // A design is in one workspace: there is no row between them, so the design names the place.
  return { id: thingId, createdAt: new Date() };
}
