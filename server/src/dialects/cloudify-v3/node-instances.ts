/** Node instances. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { JsonObject } from '../../dsl/plan.js';
import type { InstanceField, InstanceRecord } from '../../orchestration/node-instances.js';
import type { ListQuery } from '../../store/list.js';
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
    has_configuration_drift: {
      needs: ['systemProperties'],
      derive: ({ systemProperties }) => hasDrift(systemProperties),
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

function hasDrift(systemProperties: unknown): boolean {
  const { configuration_drift: drift } = systemProperties as { configuration_drift?: { result?: unknown } };
  return drift?.result !== undefined && drift.result !== null && drift.result !== false;
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
  const list = (query: ListQuery<InstanceField>) => core.nodeInstances.list(caller, query);
  const { query, filteredFrom } = await narrowed(listing, conditions, list);
  const page = await list(query);
  return listBody(listing, page, filteredFrom === null ? null : filteredFrom - page.total);
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
        querystring: listQuery(INSTANCE, LISTING),
        response: { 200: ListOf(schemaOf(INSTANCE)) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      return sendText(reply, 200, await answerInstances(core, callerOf(request), request.query));
    },
  );

  const read = (request: FastifyRequest, params: Params, id: string) =>
    readItem(INSTANCE, params, id, (query) => core.nodeInstances.list(callerOf(request), query));

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/node-instances/:id',
    {
      schema: describe('Node instances', 'get', 'Get a node instance', {
        querystring: itemQuery(),
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
