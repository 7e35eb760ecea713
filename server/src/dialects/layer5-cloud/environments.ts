/** Environments: sets of connections (specs: layer5.md §7). */
import Type from 'typebox';
import type { JsonObject } from '../../dsl/plan.js';
import type { EnvironmentField } from '../../workspaces/account-environments.js';
import { uuidOrNull } from './access.js';
import { addAssignment } from './assignments.js';
import { CONNECTION, CONNECTIONS, type ConnectionRow, connectionOf } from './connection-form.js';
import { absent } from './errors.js';
import { hybrid, type ListingOptions, pageOf, readFilter, readListing, rowsOf } from './listing.js';
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

const FIELDS = {
  id: Id,
  schemaVersion: Text,
  name: Text,
  description: Text,
  organizationId: Id,
  owner: MaybeId,
  metadata: Opaque,
  createdAt: Time,
  updatedAt: Time,
  deletedAt: MaybeTime,
};
export const ENVIRONMENT = entity('Environment', FIELDS);
const ENVIRONMENT_HYBRID = entity('EnvironmentAndPage', {
  ...FIELDS,
  page: Type.Integer(),
  pageSize: Type.Integer(),
  totalCount: Type.Integer(),
  environments: Type.Array(ENVIRONMENT),
});
export const ENVIRONMENTS: ListingOptions<EnvironmentField> = {
  fields: ['id', 'name', 'description', 'tenant', 'owner', 'metadata', 'createdAt', 'updatedAt'],
};
const NewBody = Type.Object({
  name: Name,
  description: MaybeText,
  organizationId: Type.Optional(Type.String()),
  orgId: Type.Optional(Type.String()),
  metadata: MaybeObject,
});
const ChangeBody = Type.Object({
  name: Type.Optional(Name),
  description: MaybeText,
  organizationId: Type.Optional(Type.String()),
  metadata: MaybeObject,
});

export interface EnvironmentRow {
  readonly tenant: string;
  readonly [key: string]: unknown;
}
export const environmentOf = ({ tenant, ...row }: EnvironmentRow): Record<string, unknown> => ({
  ...row,
  schemaVersion: 'environments.meshery.io/v1beta1',
  organizationId: tenant,
  deletedAt: null,
});

export function addEnvironments(mounting: Mounting): void {
  const tag = 'Environments';
  const root = '/api/environments';
  route(
    mounting,
    'get',
    root,
    {
      tag,
      name: 'environments_list',
      summary: 'List environments',
      query: { ...PAGE, orgId: 'Another organization', filter: 'JSON; accepted' },
      answer: pageSchema('EnvironmentPage', 'environments', ENVIRONMENT),
    },
    async (call) => {
      readFilter(call.query);
      const listing = readListing(call.query, ENVIRONMENTS);
      const page = await call.core.accountEnvironments.list(call.caller, {
        ...listing.query,
        allTenants: call.everywhere,
      });
      const { rows, total } = rowsOf<EnvironmentRow>(page);
      return pageOf('environments', listing, { rows: rows.map(environmentOf), total });
    },
  );
  route(
    mounting,
    'post',
    root,
    {
      tag,
      name: 'environments_create',
      summary: 'Make an environment',
      body: NewBody,
      status: 201,
      answer: ENVIRONMENT_HYBRID,
    },
    async (call) => {
      const { organizationId, orgId, metadata, ...rest } = call.body;
      const named = uuidOrNull('organizationId', organizationId ?? orgId);
      const caller = named === null ? call.caller : await call.within(named);
      const id = await call.core.accountEnvironments.create(caller, {
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
    {
      tag,
      name: 'environments_get',
      summary: 'Get an environment',
      query: { orgId: 'Another organization' },
      answer: ENVIRONMENT_HYBRID,
    },
    async (call) => find(call, call.id('id', 'Environment')),
  );
  route(
    mounting,
    'put',
    `${root}/:id`,
    {
      tag,
      name: 'environments_update',
      summary: 'Change an environment',
      body: ChangeBody,
      answer: ENVIRONMENT_HYBRID,
    },
    async (call) => {
      const id = call.id('id', 'Environment');
      const { metadata, organizationId, ...rest } = call.body;
      const named = uuidOrNull('organizationId', organizationId);
      const caller = named === null ? call.caller : await call.within(named);
      await call.core.accountEnvironments.update(caller, id, {
        ...rest,
        ...(metadata === undefined ? {} : { metadata: metadata as JsonObject }),
      });
      return find({ ...call, caller }, id);
    },
  );
  route(
    mounting,
    'delete',
    `${root}/:id`,
    { tag, name: 'environments_delete', summary: 'Delete an environment; its connections stay' },
    async (call) => {
      await call.core.accountEnvironments.remove(call.caller, call.id('id', 'Environment'));
      return undefined;
    },
  );
  addAssignment(mounting, {
    tag,
    holder: 'environment',
    items: 'connections',
    pageTitle: 'EnvironmentConnectionPage',
    item: CONNECTION,
    require: find,
    async list(call, within) {
      const listing = readListing(call.query, CONNECTIONS, [within]);
      const page = await call.core.accountEnvironments.connections(call.caller, listing.query);
      const { rows, total } = rowsOf<ConnectionRow>(page);
      return pageOf('connections', listing, { rows: rows.map(connectionOf), total });
    },
    put: ({ core, caller }, id, thing) => core.accountEnvironments.assign(caller, id, thing),
    take: ({ core, caller }, id, thing) => core.accountEnvironments.unassign(caller, id, thing),
  });
}

async function find(call: Call, id: string): Promise<Record<string, unknown>> {
  const [row] = rowsOf<EnvironmentRow>(
    await call.core.accountEnvironments.list(
      call.caller,
      readListing({}, ENVIRONMENTS, [{ field: 'id', anyOf: [id] }]).query,
    ),
  ).rows;
  if (row === undefined) throw absent('Environment', id);
  return hybrid('environments', environmentOf(row));
}
