/** Groups of deployments. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { JsonObject } from '../../dsl/plan.js';
import type { Choice, DeploymentGroupField, NewMember } from '../../grouping/deployment-groups.js';
import { sendDeleted, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { DEPLOYMENT_WORDS } from './deployment-list.js';
import { deletionOf, describe, itemQuery, listQuery, Switch } from './described.js';
import { badParameters } from './errors.js';
import { Count, Dict, IdParams, ListOf, MaybeText, Names, OWNERSHIP, Text, Time } from './fields.js';
import { conditionsFrom, RulesBody } from './filter-rules.js';
import { LabelsBody, readLabels } from './labels.js';
import { booleanOf, booleanParam, LenientBoolean, type Params } from './lenient.js';
import { type ListingOptions, listBody, parseListing, readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, schemaOf } from './resource.js';
import { OF_RECORDS, refuseRestored } from './restored-fields.js';
import { readVisibility } from './visibility.js';

const GROUP: Resource<DeploymentGroupField> = {
  name: 'DeploymentGroup',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    description: { from: 'description', schema: MaybeText },
    default_blueprint_id: { from: 'defaultBlueprintId', schema: MaybeText },
    default_inputs: { from: 'defaultInputs', schema: Dict },
    deployment_ids: { from: 'deploymentIds', schema: Names },
    labels: { from: 'labels', schema: Type.Array(Type.Object({ key: Text, value: Text })) },
    creation_counter: { from: 'made', schema: Count },
    created_at: { from: 'createdAt', schema: Time },
    ...OWNERSHIP,
  },
};

const LISTING: ListingOptions<DeploymentGroupField> = { searches: { _search: 'id' }, acrossTenants: true };

const NewMemberBody = Type.Object(
  {
    id: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    display_name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    inputs: Type.Optional(Type.Union([Dict, Type.Null()])),
    labels: Type.Optional(Type.Union([LabelsBody, Type.Null()])),
    site_name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    runtime_only_evaluation: Type.Optional(Type.Union([LenientBoolean, Type.Null()])),
    skip_plugins_validation: Type.Optional(Type.Union([LenientBoolean, Type.Null()])),
  },
  { title: 'NewGroupDeployment' },
);
const optional = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]));
const CHOICE = {
  deployment_ids: optional(Names),
  filter_id: optional(Type.String()),
  filter_rules: optional(RulesBody),
  deployments_from_group: optional(Type.String()),
};
const Chosen = Type.Object(CHOICE, { title: 'DeploymentGroupChoice' });
const Added = Type.Object(
  { ...CHOICE, new_deployments: optional(Type.Array(NewMemberBody)) },
  { title: 'DeploymentGroupAddition' },
);
const Put = Type.Object(
  {
    ...CHOICE,
    new_deployments: Type.Optional(Type.Array(NewMemberBody)),
    visibility: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
    blueprint_id: Type.Optional(Type.String()),
    default_inputs: Type.Optional(Dict),
    labels: Type.Optional(LabelsBody),
  },
  { title: 'NewDeploymentGroup' },
);
const Patch = Type.Object(
  { add: Type.Optional(Added), remove: Type.Optional(Chosen) },
  { title: 'DeploymentGroupChange' },
);

export function addDeploymentGroups({ scope, core, version }: Mounting): void {
  const schema = schemaOf(GROUP);
  const one = { params: IdParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, id: string) =>
    readItem(GROUP, params, id, (query) => core.deploymentGroups.list(caller, query));

  scope.get(
    '/deployment-groups',
    {
      schema: describe('Deployment groups', 'list', 'List groups of deployments', {
        querystring: listQuery(GROUP, LISTING),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(GROUP, request.query, LISTING);
      const page = await core.deploymentGroups.list(callerOf(request), listing.query);
      return sendText(reply, 200, await listBody(listing, page));
    },
  );

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/deployment-groups/:id',
    { schema: describe('Deployment groups', 'get', 'Get a group of deployments', one) },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.id)),
  );

  scope.put<{ Params: Static<typeof IdParams>; Body: Static<typeof Put>; Querystring: Params }>(
    '/deployment-groups/:id',
    {
      schema: describe('Deployment groups', 'put', 'Make a group of deployments, or change it', {
        body: Put,
        ...one,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const { body } = request;
      refuseRestored(body, [...OF_RECORDS, 'creation_counter']);
      const visibility = readVisibility(body.visibility);
      const members = await choiceOf(core, caller, body);
      await core.deploymentGroups.put(caller, id, {
        ...(visibility === undefined ? {} : { visibility }),
        ...(body.description === undefined ? {} : { description: body.description }),
        ...(body.blueprint_id === undefined ? {} : { defaultBlueprintId: body.blueprint_id }),
        ...(body.default_inputs === undefined ? {} : { defaultInputs: body.default_inputs as JsonObject }),
        ...(body.labels === undefined ? {} : { labels: readLabels(body.labels) }),
        ...(members === null ? {} : { members }),
        ...(body.new_deployments === undefined ? {} : { newMembers: body.new_deployments.map(memberOf) }),
      });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.patch<{ Params: Static<typeof IdParams>; Body: Static<typeof Patch>; Querystring: Params }>(
    '/deployment-groups/:id',
    {
      schema: describe('Deployment groups', 'update', 'Add deployments to a group, or take them out', {
        body: Patch,
        ...one,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const { add, remove } = request.body;
      if (add === undefined && remove === undefined)
        throw badParameters('Missing add or remove in json request body');
      if (add !== undefined) {
        const fresh = (add.new_deployments ?? []).map(memberOf);
        await core.deploymentGroups.add(caller, id, (await choiceOf(core, caller, add)) ?? {}, fresh);
      }
      if (remove !== undefined) {
        await core.deploymentGroups.drop(caller, id, (await choiceOf(core, caller, remove)) ?? {});
      }
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.delete<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/deployment-groups/:id',
    {
      schema: describe(
        'Deployment groups',
        'delete',
        'Delete a group; its deployments stay unless told otherwise',
        {
          params: IdParams,
          querystring: Type.Object({
            delete_deployments: Switch('Delete its deployments first'),
            force: Switch('As for deployments'),
            recursive: Switch('As for deployments'),
            delete_logs: Switch('Accepted: what deployments told goes with them'),
          }),
          response: deletionOf(version, schema),
        },
      ),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const before = version === 'v3' ? await read(caller, {}, id) : '';
      await core.deploymentGroups.remove(caller, id, {
        deployments: booleanParam(request.query, 'delete_deployments', false),
        force: booleanParam(request.query, 'force', false),
        recursive: booleanParam(request.query, 'recursive', false),
      });
      return sendDeleted(reply, version, before);
    },
  );
}

/** null: nothing is chosen. */
async function choiceOf(core: Core, caller: Caller, body: Static<typeof Chosen>): Promise<Choice | null> {
  const { deployment_ids: ids, filter_id: stored, filter_rules: rules, deployments_from_group: other } = body;
  const byRules = (stored ?? null) !== null || (rules ?? null) !== null;
  if ((ids ?? null) === null && !byRules && (other ?? null) === null) return null;
  const conditions = byRules
    ? await conditionsFrom(
        core,
        caller,
        'deployments',
        DEPLOYMENT_WORDS,
        typeof stored === 'string' ? { _filter_id: stored } : {},
        { filter_rules: rules ?? [] },
      )
    : null;
  return {
    ...(ids === undefined || ids === null ? {} : { deploymentIds: ids }),
    ...(conditions === null ? {} : { conditions }),
    ...(other === undefined || other === null ? {} : { ofGroup: other }),
  };
}

function memberOf(body: Static<typeof NewMemberBody>): NewMember {
  const { id, display_name, inputs, labels, site_name } = body;
  if (booleanOf('runtime_only_evaluation', body.runtime_only_evaluation, false)) {
    throw badParameters('`runtime_only_evaluation` is not supported');
  }
  return {
    ...(id === undefined || id === null ? {} : { id }),
    ...(display_name === undefined || display_name === null ? {} : { displayName: display_name }),
    ...(inputs === undefined || inputs === null ? {} : { inputs: inputs as JsonObject }),
    ...(labels === undefined || labels === null ? {} : { labels: readLabels(labels) }),
    ...(site_name === undefined || site_name === null ? {} : { site: site_name }),
  };
}
