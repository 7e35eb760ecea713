/** Dependencies between deployments. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Json, JsonObject } from '../../dsl/plan.js';
import type { DependencyField, DependencyRequest } from '../../orchestration/dependencies.js';
import type { ListFilter } from '../../store/list.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { Done, describe, itemQuery, listQuery } from './described.js';
import { badParameters } from './errors.js';
import { Anything, IdParams, ListOf, MaybeText, OWNERSHIP, Text, Time } from './fields.js';
import { LenientBoolean, type Params } from './lenient.js';
import { envelope, type ListingOptions, listBody, parseListing, readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, schemaOf } from './resource.js';
import { OF_RECORDS, refuseRestored } from './restored-fields.js';

const DEPENDENCY: Resource<DependencyField> = {
  name: 'InterDeploymentDependency',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    dependency_creator: { from: 'creator', schema: Text },
    source_deployment_id: { from: 'sourceId', schema: MaybeText },
    target_deployment_id: { from: 'targetId', schema: MaybeText },
    target_deployment_func: { from: 'targetFunction', schema: Anything },
    external_source: { from: 'externalSource', schema: Anything },
    external_target: { from: 'externalTarget', schema: Anything },
    created_at: { from: 'createdAt', schema: Time },
    ...OWNERSHIP,
  },
};

const LISTING: ListingOptions<DependencyField> = {
  searches: { _search: 'creator' },
  acrossTenants: true,
  filters: {
    source_deployment: (values): ListFilter<DependencyField> => ({ field: 'sourceId', anyOf: values }),
    target_deployment: (values): ListFilter<DependencyField> => ({ field: 'targetId', anyOf: values }),
  },
};

const Target = {
  dependency_creator: Type.String({
    description: 'What made it: the place of a function, or component.NAME',
  }),
  target_deployment: Type.Optional(Type.String()),
  target_deployment_func: Type.Optional(Anything),
  external_target: Type.Optional(Anything),
};
const NewDependency = Type.Object(
  { ...Target, source_deployment: Type.Optional(Type.String()), external_source: Type.Optional(Anything) },
  { title: 'NewInterDeploymentDependency' },
);
const Removal = Type.Object(
  {
    ...Target,
    source_deployment: Type.Optional(Type.String()),
    external_source: Type.Optional(Anything),
    is_component_deletion: Type.Optional(LenientBoolean),
  },
  { title: 'InterDeploymentDependencyRemoval' },
);
const Many = Type.Array(Type.Object(Target));
const Bulk = Type.Object(
  { source_deployment_id: Type.String(), inter_deployment_dependencies: Many },
  { title: 'InterDeploymentDependencies' },
);
const Replacement = Type.Object(
  { inter_deployment_dependencies: Many },
  { title: 'InterDeploymentDependencyReplacement' },
);
const Ids = ListOf(Type.Object({ id: Text }));

const PATH = '/deployments/inter-deployment-dependencies';
const TAG = 'Dependencies';

export function addDependencies({ scope, core }: Mounting): void {
  const schema = schemaOf(DEPENDENCY);

  scope.get(
    PATH,
    {
      schema: describe(TAG, 'list', 'List dependencies between deployments', {
        querystring: listQuery(DEPENDENCY, LISTING),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(DEPENDENCY, request.query, LISTING);
      const page = await core.dependencies.list(callerOf(request), listing.query);
      return sendText(reply, 200, await listBody(listing, page));
    },
  );

  scope.put<{ Body: Static<typeof NewDependency>; Querystring: Params }>(
    PATH,
    {
      schema: describe(TAG, 'create', 'Record a dependency', {
        querystring: itemQuery(),
        body: NewDependency,
        response: { 200: schema },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      refuseRestored(request.body, [...OF_RECORDS, 'id']);
      const id = await core.dependencies.create(caller, requestOf(request.body));
      const item = await readItem(DEPENDENCY, request.query, id, (query) =>
        core.dependencies.list(caller, query),
      );
      return sendText(reply, 200, item);
    },
  );

  scope.post<{ Body: Static<typeof Bulk> }>(
    PATH,
    {
      schema: describe(TAG, 'create_many', 'Record several of one deployment', {
        body: Bulk,
        response: { 200: Ids },
      }),
    },
    async (request, reply) => {
      const { source_deployment_id: source, inter_deployment_dependencies: all } = request.body;
      const ids = await core.dependencies.createMany(callerOf(request), source, all.map(requestOf));
      return sendText(reply, 200, told(ids));
    },
  );

  scope.put<{ Params: Static<typeof IdParams>; Body: Static<typeof Replacement> }>(
    '/deployments/:id/inter-deployment-dependencies',
    {
      schema: describe(TAG, 'replace', 'Replace all of one deployment', {
        params: IdParams,
        body: Replacement,
        response: { 200: Ids },
      }),
    },
    async (request, reply) => {
      const all = request.body.inter_deployment_dependencies.map(requestOf);
      const ids = await core.dependencies.createMany(callerOf(request), request.params.id, all, {
        replace: true,
      });
      return sendText(reply, 200, told(ids));
    },
  );

  scope.delete<{ Body: Static<typeof Removal> }>(
    PATH,
    { schema: describe(TAG, 'delete', 'Forget a dependency', { body: Removal, response: { 204: Done } }) },
    async (request, reply) => {
      await core.dependencies.remove(callerOf(request), requestOf(request.body));
      return reply.code(204).send();
    },
  );
}

function told(ids: readonly string[]): string {
  const items = JSON.stringify(ids.map((id) => ({ id })));
  return envelope({ offset: 0, size: ids.length }, items, ids.length);
}

function requestOf(body: Static<typeof NewDependency>): DependencyRequest {
  const source = textOf(body.source_deployment);
  const target = textOf(body.target_deployment);
  const called = body.target_deployment_func ?? null;
  const externalSource = objectOf('external_source', body.external_source);
  const externalTarget = objectOf('external_target', body.external_target);
  return {
    creator: body.dependency_creator,
    ...(source === undefined ? {} : { source }),
    ...(target === undefined ? {} : { target }),
    ...(called === null ? {} : { targetFunction: called as Json }),
    ...(externalSource === undefined ? {} : { externalSource }),
    ...(externalTarget === undefined ? {} : { externalTarget }),
  };
}

function textOf(value: string | null | undefined): string | undefined {
  return value === undefined || value === null || value === '' ? undefined : value;
}

function objectOf(name: string, value: unknown): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw badParameters(`\`${name}\` must be an object`);
  return value as JsonObject;
}
