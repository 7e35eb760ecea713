/** Modifications of deployments: more or fewer instances, started, finished or rolled back (cloudify.md §5.5). */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { JsonObject } from '../../dsl/plan.js';
import type { ModificationField, ModificationWish } from '../../orchestration/modifications.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe, itemQuery, listQuery } from './described.js';
import { Anything, Dict, IdParams, ListOf, MaybeText, MaybeTime, OWNERSHIP, Text, Time } from './fields.js';
import type { Params } from './lenient.js';
import { type ListingOptions, listBody, parseListing, readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { wireInstance } from './node-instances.js';
import { type Resource, schemaOf } from './resource.js';

const LISTS = {
  added_and_related: 'added',
  extended_and_related: 'extended',
  reduced_and_related: 'reduced',
  removed_and_related: 'removed',
  before_modification: 'beforeModification',
  before_rollback: 'beforeRollback',
} as const;

const MODIFICATION: Resource<ModificationField> = {
  name: 'DeploymentModification',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    deployment_id: { from: 'deploymentId', schema: Text },
    execution_id: { from: 'executionId', schema: MaybeText },
    status: {
      from: {
        field: 'status',
        words: { started: 'started', finished: 'finished', 'rolled-back': 'rolledback' },
      },
      schema: Text,
    },
    modified_nodes: { from: 'asked', schema: Dict },
    context: { from: 'context', schema: Dict },
    created_at: { from: 'createdAt', schema: Time },
    ended_at: { from: 'endedAt', schema: MaybeTime },
    ...OWNERSHIP,
  },
  derived: {
    node_instances: {
      needs: Object.values(LISTS),
      derive: (values) =>
        Object.fromEntries(
          Object.entries(LISTS).map(([name, field]) => [
            name,
            (values[field] as JsonObject[]).map(wireInstance),
          ]),
        ),
      schema: Type.Object(Object.fromEntries(Object.keys(LISTS).map((name) => [name, Type.Array(Anything)]))),
      listed: true,
    },
  },
};

const LISTING: ListingOptions<ModificationField> = { searches: { _search: 'id' } };

const Ids = Type.Union([Type.Array(Type.String()), Type.Null()]);
const NewModification = Type.Object(
  {
    deployment_id: Type.String(),
    nodes: Type.Record(
      Type.String(),
      Type.Object({
        instances: Type.Integer({ minimum: 0 }),
        removed_ids_include_hint: Type.Optional(Ids),
        removed_ids_exclude_hint: Type.Optional(Ids),
      }),
      { description: 'By name of a node or a scaling group' },
    ),
    context: Type.Optional(Dict),
  },
  { title: 'NewDeploymentModification' },
);

export function addDeploymentModifications({ scope, core }: Mounting): void {
  const schema = schemaOf(MODIFICATION);
  const one = { params: IdParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, id: string) =>
    readItem(MODIFICATION, params, id, (query) => core.modifications.list(caller, query));

  scope.get(
    '/deployment-modifications',
    {
      schema: describe('Deployment modifications', 'list', 'List modifications of deployments', {
        querystring: listQuery(MODIFICATION, LISTING),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(MODIFICATION, request.query, LISTING);
      const page = await core.modifications.list(callerOf(request), listing.query);
      return sendText(reply, 200, await listBody(listing, page));
    },
  );

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/deployment-modifications/:id',
    { schema: describe('Deployment modifications', 'get', 'Get a modification', one) },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.id)),
  );

  scope.post<{ Body: Static<typeof NewModification>; Querystring: Params }>(
    '/deployment-modifications',
    {
      schema: describe('Deployment modifications', 'start', 'Start a modification', {
        querystring: itemQuery(),
        body: NewModification,
        response: { 201: schema },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { deployment_id, nodes, context } = request.body;
      const wishes = new Map(
        Object.entries(nodes).map(([name, wish]): [string, ModificationWish] => [
          name,
          {
            instances: wish.instances,
            include: wish.removed_ids_include_hint ?? [],
            exclude: wish.removed_ids_exclude_hint ?? [],
          },
        ]),
      );
      const asked = nodes as unknown as JsonObject;
      const id = await core.modifications.start(
        caller,
        deployment_id,
        wishes,
        asked,
        (context ?? {}) as JsonObject,
      );
      return sendText(reply, 201, await read(caller, request.query, id));
    },
  );

  for (const action of ['finish', 'rollback'] as const) {
    const summary = action === 'finish' ? 'Finish a modification' : 'Roll a modification back';
    scope.post<{ Params: Static<typeof IdParams>; Querystring: Params }>(
      `/deployment-modifications/:id/${action}`,
      { schema: describe('Deployment modifications', action, summary, one) },
      async (request, reply) => {
        const caller = callerOf(request);
        await core.modifications[action](caller, request.params.id);
        return sendText(reply, 200, await read(caller, request.query, request.params.id));
      },
    );
  }
}
