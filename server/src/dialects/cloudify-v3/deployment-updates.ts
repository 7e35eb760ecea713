/** Updates of deployments: another blueprint or other inputs for one that lives (cloudify.md §5.6). */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { JsonObject } from '../../dsl/plan.js';
import type { UpdateField } from '../../orchestration/deployment-updates.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe, itemQuery, listQuery } from './described.js';
import { badParameters } from './errors.js';
import { Dict, Flag, IdParams, ListOf, MaybeText, OWNERSHIP, Text, Time } from './fields.js';
import { booleanOf, LenientBoolean, type Params } from './lenient.js';
import { type ListingOptions, listBody, parseListing, readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, schemaOf } from './resource.js';

interface StoredStep {
  readonly id: string;
  readonly action: string;
  readonly entity: string;
  readonly path: string;
  readonly order: number;
}

const Step = Type.Object({
  id: Text,
  action: Text,
  entity_type: Text,
  entity_id: Text,
  topology_order: Type.Integer(),
});

const UPDATE: Resource<UpdateField> = {
  name: 'DeploymentUpdate',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    deployment_id: { from: 'deploymentId', schema: Text },
    execution_id: { from: 'executionId', schema: MaybeText },
    state: {
      from: {
        field: 'state',
        words: {
          updating: 'updating',
          'executing-workflow': 'executing_workflow',
          finalizing: 'finalizing',
          successful: 'successful',
          failed: 'failed',
          preview: 'preview',
        },
      },
      schema: Text,
    },
    old_blueprint_id: { from: 'oldBlueprint', schema: Text },
    new_blueprint_id: { from: 'newBlueprint', schema: Text },
    old_inputs: { from: 'oldInputs', schema: Dict },
    new_inputs: { from: 'newInputs', schema: Dict },
    deployment_update_nodes: { from: 'nodes', schema: Dict },
    deployment_update_node_instances: { from: 'instances', schema: Dict },
    keep_old_deployment_dependencies: { from: { constant: false }, schema: Flag },
    runtime_only_evaluation: { from: { constant: false }, schema: Flag },
    created_at: { from: 'createdAt', schema: Time },
    ...OWNERSHIP,
  },
  derived: {
    preview: {
      needs: ['state'],
      derive: ({ state }) => state === 'preview',
      schema: Flag,
      listed: true,
    },
    steps: {
      needs: ['steps'],
      derive: ({ steps }) =>
        (steps as StoredStep[]).map(({ id, action, entity, path, order }) => ({
          id,
          action,
          entity_type: entity,
          entity_id: path,
          topology_order: order,
        })),
      schema: Type.Array(Step),
      listed: true,
    },
    modified_entity_ids: {
      needs: ['steps'],
      derive: ({ steps }) => {
        const ids: Record<string, string[]> = {};
        for (const { entity, path } of steps as StoredStep[]) ids[entity] = [...(ids[entity] ?? []), path];
        return ids;
      },
      schema: Type.Record(Text, Type.Array(Text)),
      listed: true,
    },
  },
};

const LISTING: ListingOptions<UpdateField> = { searches: { _search: 'id' } };

const SWITCHES = [
  'skip_install',
  'skip_uninstall',
  'skip_reinstall',
  'skip_drift_check',
  'skip_heal',
  'force_reinstall',
  'ignore_failure',
  'install_first',
  'preview',
  'force',
  'update_plugins',
  'runtime_only_evaluation',
  'auto_correct_types',
  'reevaluate_active_statuses',
] as const;

const NewUpdate = Type.Object(
  {
    blueprint_id: Type.Optional(Type.String()),
    inputs: Type.Optional(Dict),
    reinstall_list: Type.Optional(Type.Array(Type.String(), { description: 'Ids of node instances' })),
    workflow_id: Type.Optional(
      Type.String({ description: 'Run in place of everything that the update would run otherwise' }),
    ),
    ...Object.fromEntries(SWITCHES.map((name) => [name, Type.Optional(LenientBoolean)])),
  },
  { title: 'NewDeploymentUpdate' },
);
type Wanted = Static<typeof NewUpdate> & Partial<Record<(typeof SWITCHES)[number], boolean | string>>;

export function addDeploymentUpdates({ scope, core }: Mounting): void {
  const schema = schemaOf(UPDATE);
  const one = { params: IdParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, id: string) =>
    readItem(UPDATE, params, id, (query) => core.deploymentUpdates.list(caller, query));

  scope.get(
    '/deployment-updates',
    {
      schema: describe('Deployment updates', 'list', 'List updates of deployments', {
        querystring: listQuery(UPDATE, LISTING),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(UPDATE, request.query, LISTING);
      const page = await core.deploymentUpdates.list(callerOf(request), listing.query);
      return sendText(reply, 200, await listBody(listing, page));
    },
  );

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/deployment-updates/:id',
    { schema: describe('Deployment updates', 'get', 'Get an update', one) },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.id)),
  );

  scope.post<{ Params: Static<typeof IdParams>; Body: Wanted; Querystring: Params }>(
    '/deployment-updates/:id/update/initiate',
    {
      schema: describe('Deployment updates', 'initiate', 'Start an update of the deployment, or preview it', {
        ...one,
        body: NewUpdate,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { body } = request;
      const is = (name: (typeof SWITCHES)[number]) => booleanOf(name, body[name], false);
      for (const name of ['install_first', 'runtime_only_evaluation'] as const) {
        if (is(name)) throw badParameters(`\`${name}\` is not supported`);
      }
      const id = await core.deploymentUpdates.initiate(caller, {
        deploymentId: request.params.id,
        ...(body.blueprint_id === undefined ? {} : { blueprintId: body.blueprint_id }),
        inputs: (body.inputs ?? {}) as JsonObject,
        correctTypes: is('auto_correct_types'),
        preview: is('preview'),
        force: is('force'),
        updatePlugins: booleanOf('update_plugins', body.update_plugins, true),
        reevaluate: is('reevaluate_active_statuses'),
        wishes: {
          skipInstall: is('skip_install'),
          skipUninstall: is('skip_uninstall'),
          skipReinstall: is('skip_reinstall'),
          skipDriftCheck: is('skip_drift_check'),
          skipHeal: is('skip_heal'),
          forceReinstall: is('force_reinstall'),
          ignoreFailure: is('ignore_failure'),
          reinstallList: body.reinstall_list ?? [],
          workflow: body.workflow_id ?? null,
        },
      });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.post<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/deployment-updates/:id/update/finalize',
    {
      schema: describe('Deployment updates', 'finalize', 'The update as it is: it finalizes itself', {
        ...one,
        response: { 200: schema },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      await core.deploymentUpdates.finalize(caller, request.params.id);
      return sendText(reply, 200, await read(caller, request.query, request.params.id));
    },
  );
}
