/** Groups of executions: one workflow on all deployments of a group. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { JsonObject } from '../../dsl/plan.js';
import type { ExecutionGroupField, GroupAction } from '../../grouping/execution-groups.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe, itemQuery, listQuery, Switch } from './described.js';
import { badParameters } from './errors.js';
import { Count, Dict, IdParams, ListOf, MaybeText, Names, OWNERSHIP, Text, Time } from './fields.js';
import { booleanOf, booleanParam, LenientBoolean, type Params } from './lenient.js';
import { type ListingOptions, listBody, parseListing, readItem } from './listing.js';
import { passesMaintenance } from './maintenance.js';
import type { Mounting } from './mounting.js';
import { fieldNames, type Resource, schemaOf } from './resource.js';
import { OF_RECORDS, refuseRestored } from './restored-fields.js';

const GROUP: Resource<ExecutionGroupField> = {
  name: 'ExecutionGroup',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    deployment_group_id: { from: 'deploymentGroupId', schema: MaybeText },
    workflow_id: { from: 'workflow', schema: Text },
    concurrency: { from: 'concurrency', schema: Count },
    created_at: { from: 'createdAt', schema: Time },
    ...OWNERSHIP,
  },
  // Of a group of thousands they are long: lists tell them when they are asked to.
  derived: {
    execution_ids: {
      needs: ['executionIds'],
      derive: ({ executionIds }) => executionIds,
      schema: Names,
      listed: false,
    },
    status: { needs: ['status'], derive: ({ status }) => status, schema: MaybeText, listed: false },
  },
};

const LISTING: ListingOptions<ExecutionGroupField> = { searches: { _search: 'id' }, acrossTenants: true };
const ACTIONS: readonly GroupAction[] = ['cancel', 'force-cancel', 'kill', 'resume', 'force-resume'];

const Start = Type.Object(
  {
    deployment_group_id: Type.String(),
    workflow_id: Type.String(),
    default_parameters: Type.Optional(Dict),
    parameters: Type.Optional(Type.Record(Type.String(), Dict, { description: 'By deployment' })),
    force: Type.Optional(LenientBoolean),
    allow_custom_parameters: Type.Optional(LenientBoolean),
    concurrency: Type.Optional(Type.Integer({ minimum: 0, description: 'How many at once; default: 5' })),
  },
  { title: 'ExecutionGroupStart' },
);
const Action = Type.Object(
  { action: Type.String({ description: ACTIONS.join(', ') }) },
  { title: 'GroupAction' },
);
const Change = Type.Object(
  {
    success_group_id: Type.Optional(
      Type.String({ description: 'Where deployments go whose execution terminated' }),
    ),
    failure_group_id: Type.Optional(
      Type.String({ description: 'Where deployments go whose execution failed' }),
    ),
    concurrency: Type.Optional(Type.Integer({ minimum: 0, description: '0 holds back those that wait' })),
  },
  { title: 'ExecutionGroupChange' },
);

export function addExecutionGroups({ scope, core }: Mounting): void {
  const schema = schemaOf(GROUP);
  const one = { params: IdParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, id: string) =>
    readItem(GROUP, params, id, (query) => core.executionGroups.list(caller, query));

  scope.get(
    '/execution-groups',
    {
      schema: describe('Execution groups', 'list', 'List groups of executions', {
        querystring: listQuery(GROUP, LISTING, { _get_data: Switch('With the executions and the status') }),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const whole = booleanParam(request.query, '_get_data', false) && request.query._include === undefined;
      const params = whole ? { ...request.query, _include: fieldNames(GROUP).join(',') } : request.query;
      // What is told one by one elsewhere is told of every tenant here too.
      const { _all_tenants: everywhere, ...rest } = params;
      const listing = parseListing(GROUP, rest, LISTING);
      const allTenants = booleanParam({ _all_tenants: everywhere }, '_all_tenants', false);
      const page = await core.executionGroups.list(callerOf(request), { ...listing.query, allTenants });
      return sendText(reply, 200, await listBody(listing, page));
    },
  );

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/execution-groups/:id',
    { schema: describe('Execution groups', 'get', 'Get a group of executions', one) },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.id)),
  );

  scope.post<{ Body: Static<typeof Start>; Querystring: Params }>(
    '/execution-groups',
    {
      schema: describe('Execution groups', 'start', 'Run a workflow on all deployments of a group', {
        querystring: itemQuery(),
        body: Start,
        response: { 200: schema },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { body } = request;
      refuseRestored(body, [...OF_RECORDS, 'id', 'associated_executions']);
      const id = await core.executionGroups.start(caller, {
        deploymentGroupId: body.deployment_group_id,
        workflow: body.workflow_id,
        defaultParameters: (body.default_parameters ?? {}) as JsonObject,
        parameters: (body.parameters ?? {}) as Record<string, JsonObject>,
        force: booleanOf('force', body.force, false),
        allowCustomParameters: booleanOf('allow_custom_parameters', body.allow_custom_parameters, false),
        ...(body.concurrency === undefined ? {} : { concurrency: body.concurrency }),
      });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.post<{ Params: Static<typeof IdParams>; Body: Static<typeof Action>; Querystring: Params }>(
    '/execution-groups/:id',
    {
      schema: describe('Execution groups', 'act', 'Cancel or resume all executions', {
        body: Action,
        ...one,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const action = ACTIONS.find((known) => known === request.body.action);
      if (action === undefined) {
        throw badParameters(
          `Invalid action: ${request.body.action}, Valid actions are: ${ACTIONS.join(', ')}`,
        );
      }
      await core.executionGroups.act(caller, id, action, { evenInMaintenance: passesMaintenance(request) });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.patch<{ Params: Static<typeof IdParams>; Body: Static<typeof Change>; Querystring: Params }>(
    '/execution-groups/:id',
    {
      schema: describe(
        'Execution groups',
        'update',
        'Change how many run at once, and where deployments go',
        {
          body: Change,
          ...one,
        },
      ),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const { success_group_id, failure_group_id, concurrency } = request.body;
      await core.executionGroups.update(caller, id, {
        ...(concurrency === undefined ? {} : { concurrency }),
        ...(success_group_id === undefined ? {} : { successGroup: success_group_id }),
        ...(failure_group_id === undefined ? {} : { failureGroup: failure_group_id }),
      });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );
}
