/** Node instances. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { JsonObject } from '../../dsl/plan.js';
import type { InstanceField, InstanceRecord } from '../../orchestration/node-instances.js';
import type { ListPage, ListQuery } from '../../store/list.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe, itemQuery, listQuery, Switch } from './described.js';
import { CloudifyError } from './errors.js';
import { Anything, Dict, Flag, IdParams, ListOf, MaybeText, OWNERSHIP, Text } from './fields.js';
import { type AttributeWords, conditionsFrom, type SearchWords } from './filter-rules.js';
import { booleanParam, type Params } from './lenient.js';
import { type ListingOptions, listBody, narrowed, parseListing, readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, schemaOf } from './resource.js';

const INSTANCE: Resource<InstanceField> = {
  name: 'NodeInstance',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    node_id: { from: 'node', schema: Text },
    deployment_id: { from: 'deploymentId', schema: Text },
    host_id: { from: 'host', schema: MaybeText },
    index: { from: 'index', schema: Type.Integer() },
    state: { from: 'state', schema: Text },
    version: { from: 'version', schema: Type.Integer() },
    runtime_properties: { from: 'runtimeProperties', schema: Dict },
    system_properties: { from: 'systemProperties', schema: Dict },
    has_configuration_drift: { from: 'drifted', schema: Flag },
    scaling_groups: {
      from: 'scalingGroups',
      schema: Type.Array(Type.Object({ name: Text, id: Text })),
    },
    ...OWNERSHIP,
  },
  derived: {
    relationships: {
      needs: ['relationships'],
      derive: ({ relationships }) => wireRelationships(relationships as InstanceRecord['relationships']),
      schema: Type.Array(Type.Object({ type: Text, target_name: Text, target_id: Text })),
      listed: true,
    },
    is_status_check_ok: {
      needs: ['systemProperties'],
      derive: ({ systemProperties }) => statusIsOk(systemProperties),
      schema: Flag,
      listed: true,
    },
  },
};

/** An instance that was kept as it was at some time, in their words. */
export function wireInstance(kept: JsonObject): Record<string, unknown> {
  const instance = kept as unknown as InstanceRecord & { readonly modification?: string };
  return {
    id: instance.id,
    node_id: instance.node,
    host_id: instance.host,
    index: instance.index,
    state: instance.state,
    version: instance.version,
    runtime_properties: instance.runtimeProperties,
    system_properties: instance.systemProperties,
    scaling_groups: instance.scalingGroups,
    relationships: wireRelationships(instance.relationships),
    ...(instance.modification === undefined ? {} : { modification: instance.modification }),
  };
}

function wireRelationships(relationships: InstanceRecord['relationships']) {
  return relationships.map((one) => ({
    type: one.type,
    target_name: one.targetNode,
    target_id: one.targetInstance,
  }));
}

/** What the last status check left; an instance that was never checked is not known to be well. */
function statusIsOk(systemProperties: unknown): boolean {
  const { status } = systemProperties as { status?: { ok?: unknown } };
  return status?.ok === true;
}

const LISTING: ListingOptions<InstanceField> = { searches: { _search: 'id' }, acrossTenants: true };

const Change = Type.Object(
  {
    version: Type.Integer({ description: 'The version that was read; another one since then is a conflict' }),
    state: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    runtime_properties: Type.Optional(Dict),
    system_properties: Type.Optional(Dict),
    relationships: Type.Optional(Type.Array(Anything, { description: 'Cannot be changed; refused' })),
  },
  { title: 'NodeInstanceChange' },
);

/** What filter rules may ask of node instances. */
export const INSTANCE_WORDS: AttributeWords<InstanceField> = {
  labelled: false,
  names: { id: 'id' },
  attributes: { id: { field: 'id' } },
};

/** The list, narrowed by the rules of a search. */
export async function answerInstances(
  core: Core,
  caller: Caller,
  params: Params,
  body: SearchWords = {},
): Promise<string> {
  const listing = parseListing(INSTANCE, params, LISTING);
  const conditions = await conditionsFrom(core, caller, null, INSTANCE_WORDS, params, body);
  const list = listOf(core, caller, params);
  const { query, filteredFrom } = await narrowed(listing, conditions, list);
  const page = await list(query);
  return listBody(listing, page, filteredFrom === null ? null : filteredFrom - page.total);
}

const EVALUATED = { _evaluate_functions: Switch('Runtime properties with their functions evaluated') };

type InstanceQuery = (query: ListQuery<InstanceField>) => Promise<ListPage>;

/** Instances as `params` ask for them. */
function listOf(core: Core, caller: Caller, params: Params): InstanceQuery {
  if (booleanParam(params, '_evaluate_functions', false)) return (query) => evaluated(core, caller, query);
  return (query) => core.nodeInstances.list(caller, query);
}

/** What is added to the items of a page to evaluate them, and taken away again. */
const ASIDE = { '.id': 'id', '.deployment': 'deploymentId', '.tenant': 'tenantName' } as const;
type Told = Record<keyof typeof ASIDE, string> & Record<string, unknown>;

/** Each instance is what SELF means in its own runtime properties. */
async function evaluated(core: Core, caller: Caller, query: ListQuery<InstanceField>): Promise<ListPage> {
  const names = Object.keys(query.shape).filter((name) => query.shape[name] === 'runtimeProperties');
  if (names.length === 0) return core.nodeInstances.list(caller, query);
  const page = await core.nodeInstances.list(caller, { ...query, shape: { ...query.shape, ...ASIDE } });
  const items = JSON.parse(page.items) as Told[];
  for (const name of names) {
    const given = items.map((item) => ({
      self: item['.id'],
      deploymentId: item['.deployment'],
      tenantName: item['.tenant'],
      properties: item[name] as JsonObject,
    }));
    const found = await core.deployments.evaluateProperties(caller, given);
    for (const [place, item] of items.entries()) item[name] = found[place]!;
  }
  const bare = items.map((item) =>
    Object.fromEntries(Object.entries(item).filter(([name]) => !Object.hasOwn(ASIDE, name))),
  );
  return { total: page.total, items: JSON.stringify(bare) };
}

/** As it is told, for the description. */
export const INSTANCE_LIST = {
  question: () => listQuery(INSTANCE, LISTING),
  schema: () => ListOf(schemaOf(INSTANCE)),
};

export function addNodeInstances({ scope, core }: Mounting): void {
  const one = { params: IdParams, response: { 200: schemaOf(INSTANCE) } };

  scope.get(
    '/node-instances',
    {
      schema: describe('Node instances', 'list', 'List node instances', {
        querystring: listQuery(INSTANCE, LISTING, EVALUATED),
        response: { 200: ListOf(schemaOf(INSTANCE)) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      return sendText(reply, 200, await answerInstances(core, callerOf(request), request.query));
    },
  );

  const read = (request: FastifyRequest, params: Params, id: string) =>
    readItem(INSTANCE, params, id, listOf(core, callerOf(request), params));

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/node-instances/:id',
    {
      schema: describe('Node instances', 'get', 'Get a node instance', {
        querystring: itemQuery(EVALUATED),
        ...one,
      }),
    },
    async (request, reply) => sendText(reply, 200, await read(request, request.query, request.params.id)),
  );

  scope.patch<{ Params: Static<typeof IdParams>; Querystring: Params; Body: Static<typeof Change> }>(
    '/node-instances/:id',
    {
      schema: describe('Node instances', 'update', 'Update a node instance', {
        querystring: itemQuery({ force: Switch('Whatever the version') }),
        body: Change,
        ...one,
      }),
    },
    async (request, reply) => {
      const { version, state, runtime_properties, system_properties, relationships } = request.body;
      if (relationships !== undefined) {
        throw new CloudifyError(
          403,
          'only_deployment_update',
          'Relationships of a node instance can only be changed by a deployment update',
        );
      }
      await core.nodeInstances.update(callerOf(request), request.params.id, {
        version,
        ...(state === undefined ? {} : { state }),
        ...(runtime_properties === undefined ? {} : { runtimeProperties: runtime_properties as JsonObject }),
        ...(system_properties === undefined ? {} : { systemProperties: system_properties as JsonObject }),
        force: booleanParam(request.query, 'force', false),
      });
      return sendText(reply, 200, await read(request, request.query, request.params.id));
    },
  );
}
