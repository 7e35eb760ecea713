/** Deployments, with their evaluated outputs and capabilities. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Json, JsonObject } from '../../dsl/plan.js';
import { sendDeleted, sendJson, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { answerDeployments, DEPLOYMENT_LIST, deploymentResource, forCaller } from './deployment-list.js';
import { deletionOf, describe, itemQuery, Switch } from './described.js';
import { badParameters } from './errors.js';
import { Anything, Dict, IdParams, Text } from './fields.js';
import { LabelsBody, readLabels } from './labels.js';
import { booleanOf, booleanParam, checkId, LenientBoolean, type Params, single } from './lenient.js';
import { readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { schemaOf } from './resource.js';
import { OF_RECORDS, refuseRestored } from './restored-fields.js';
import { readVisibility, readWiderVisibility, VisibilityChange } from './visibility.js';

const NewDeployment = Type.Object(
  {
    blueprint_id: Type.String(),
    inputs: Type.Optional(Dict),
    visibility: Type.Optional(Type.String()),
    private_resource: Type.Optional(LenientBoolean),
    skip_plugins_validation: Type.Optional(LenientBoolean),
    site_name: Type.Optional(Type.String()),
    labels: Type.Optional(LabelsBody),
    display_name: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
    runtime_only_evaluation: Type.Optional(LenientBoolean),
  },
  { title: 'NewDeployment' },
);

const Change = Type.Object(
  {
    labels: Type.Optional(LabelsBody),
    display_name: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
  },
  { title: 'DeploymentChange' },
);
const CHANGEABLE = Object.keys(Change.properties);

const Deletion = Type.Object(
  {
    ignore_live_nodes: Type.Optional(LenientBoolean),
    force: Type.Optional(LenientBoolean),
  },
  { title: 'DeploymentDeletion' },
);

const SiteChange = Type.Object(
  { site_name: Type.Optional(Type.String()), detach_site: Type.Optional(LenientBoolean) },
  { title: 'DeploymentSiteChange' },
);

const Evaluation = Type.Object(
  {
    deployment_id: Type.String(),
    context: Type.Record(Type.String(), Type.Unknown(), {
      description: 'Ids of the node instances that SELF, SOURCE and TARGET mean: `self`, `source`, `target`',
    }),
    payload: Dict,
  },
  { title: 'Evaluation' },
);
const Evaluated = Type.Object({ deployment_id: Text, payload: Anything }, { title: 'Evaluated' });
const Outputs = Type.Object({ deployment_id: Text, outputs: Dict }, { title: 'DeploymentOutputs' });
const Capabilities = Type.Object(
  { deployment_id: Text, capabilities: Dict },
  { title: 'DeploymentCapabilities' },
);

/** As the client's restoring sends them; a new deployment has all of it from its blueprint. */
const RESTORED = [
  ...OF_RECORDS,
  'workdir_zip',
  'workflows',
  'groups',
  'scaling_groups',
  'policy_triggers',
  'policy_types',
  'outputs',
  'capabilities',
  'resource_tags',
  'deployment_status',
  'installation_status',
  'sub_services_status',
  'sub_environments_status',
  'sub_services_count',
  'sub_environments_count',
];

export function addDeployments({ scope, core, version }: Mounting): void {
  const schema = schemaOf(deploymentResource(async () => []));
  const one = { params: IdParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, id: string) => {
    const all = booleanParam(params, 'all_sub_deployments', true);
    return readItem(forCaller(core, caller, all), params, id, (query) =>
      core.deployments.list(caller, query),
    );
  };

  scope.get(
    '/deployments',
    {
      schema: describe('Deployments', 'list', 'List deployments', {
        querystring: DEPLOYMENT_LIST.question(),
        response: { 200: DEPLOYMENT_LIST.schema() },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      return sendText(reply, 200, await answerDeployments(core, callerOf(request), request.query));
    },
  );

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/deployments/:id',
    {
      schema: describe('Deployments', 'get', 'Get a deployment with its workflows', {
        ...one,
        querystring: itemQuery({
          all_sub_deployments: Switch('Count deployments inside it with those inside them; default: yes'),
        }),
      }),
    },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.id)),
  );

  scope.put<{ Params: Static<typeof IdParams>; Body: Static<typeof NewDeployment>; Querystring: Params }>(
    '/deployments/:id',
    {
      schema: describe('Deployments', 'create', 'Create a deployment', {
        params: IdParams,
        querystring: itemQuery({
          private_resource: Switch('The older spelling of `visibility`'),
          async_create: Switch('Accepted; a deployment is there when the answer comes'),
        }),
        body: NewDeployment,
        response: { 201: schema },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const { body } = request;
      checkId('deployment_id', id, { leadingLetter: false });
      refuseRestored(body, RESTORED);
      if (booleanOf('runtime_only_evaluation', body.runtime_only_evaluation, false)) {
        throw badParameters('`runtime_only_evaluation` is not supported');
      }
      booleanParam(request.query, 'async_create', false);
      const visibility = readVisibility(
        body.visibility,
        body.private_resource ?? single(request.query, 'private_resource'),
      );
      await core.deployments.create(caller, {
        id,
        blueprintId: body.blueprint_id,
        inputs: (body.inputs ?? {}) as JsonObject,
        ...(visibility === undefined ? {} : { visibility }),
        ...(body.display_name === undefined ? {} : { displayName: body.display_name }),
        ...(body.description === undefined ? {} : { description: body.description }),
        ...(body.labels === undefined ? {} : { labels: readLabels(body.labels) }),
        ...(body.site_name === undefined ? {} : { site: body.site_name }),
        withoutPlugins: booleanOf('skip_plugins_validation', body.skip_plugins_validation, false),
      });
      return sendText(reply, 201, await read(caller, request.query, id));
    },
  );

  scope.patch<{ Params: Static<typeof IdParams>; Body: Static<typeof Change>; Querystring: Params }>(
    '/deployments/:id',
    {
      schema: describe('Deployments', 'update', 'Change labels, name or description', {
        body: Change,
        ...one,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const { labels, display_name, description } = request.body;
      const unknown = Object.keys(request.body).filter((name) => !CHANGEABLE.includes(name));
      if (unknown.length > 0) throw badParameters(`These cannot be changed so: ${unknown.join(', ')}`);
      await core.deployments.update(caller, id, {
        ...(labels === undefined ? {} : { labels: readLabels(labels) }),
        ...(display_name === undefined ? {} : { displayName: display_name }),
        ...(description === undefined ? {} : { description }),
      });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.patch<{
    Params: Static<typeof IdParams>;
    Body: Static<typeof VisibilityChange>;
    Querystring: Params;
  }>(
    '/deployments/:id/set-visibility',
    {
      schema: describe('Deployments', 'set_visibility', 'Widen the visibility', {
        body: VisibilityChange,
        ...one,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      await core.deployments.update(caller, id, { visibility: readWiderVisibility(request.body.visibility) });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.post<{ Params: Static<typeof IdParams>; Body: Static<typeof SiteChange>; Querystring: Params }>(
    '/deployments/:id/set-site',
    { schema: describe('Deployments', 'set_site', 'Say where it stands', { body: SiteChange, ...one }) },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const { site_name, detach_site } = request.body;
      const detach = booleanOf('detach_site', detach_site, false);
      if ((site_name === undefined) !== detach) {
        throw badParameters('Must provide either a `site_name` of a valid site or `detach_site` with true');
      }
      await core.deployments.update(caller, id, { site: detach ? null : site_name! });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.delete<{ Params: Static<typeof IdParams>; Body: Static<typeof Deletion>; Querystring: Params }>(
    '/deployments/:id',
    {
      schema: describe('Deployments', 'delete', 'Delete a deployment', {
        params: IdParams,
        querystring: Type.Object({
          force: Switch('Also while it has instances that were not uninstalled, or others depend on it'),
          ignore_live_nodes: Switch('The older spelling of `force`'),
          recursive: Switch('With the services inside it'),
        }),
        body: Deletion,
        response: deletionOf(version, schema),
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const body = request.body ?? {};
      const force =
        booleanOf('ignore_live_nodes', body.ignore_live_nodes, false) ||
        booleanOf('force', body.force, false) ||
        booleanParam(request.query, 'ignore_live_nodes', false) ||
        booleanParam(request.query, 'force', false);
      const before = version === 'v3' ? await read(caller, request.query, id) : '';
      const recursive = booleanParam(request.query, 'recursive', false);
      await core.deployments.remove(caller, id, { force, recursive });
      return sendDeleted(reply, version, before);
    },
  );

  scope.get<{ Params: Static<typeof IdParams> }>(
    '/deployments/:id/outputs',
    {
      schema: describe('Deployments', 'outputs', 'Get the outputs, evaluated', {
        params: IdParams,
        response: { 200: Outputs },
      }),
    },
    async (request, reply) => {
      const { id } = request.params;
      const outputs = await core.deployments.outputs(callerOf(request), id);
      return sendJson(reply, 200, { deployment_id: id, outputs });
    },
  );

  scope.get<{ Params: Static<typeof IdParams> }>(
    '/deployments/:id/capabilities',
    {
      schema: describe('Deployments', 'capabilities', 'Get the capabilities, evaluated', {
        params: IdParams,
        response: { 200: Capabilities },
      }),
    },
    async (request, reply) => {
      const { id } = request.params;
      const capabilities = await core.deployments.capabilities(callerOf(request), id);
      return sendJson(reply, 200, { deployment_id: id, capabilities });
    },
  );

  scope.post<{ Body: Static<typeof Evaluation> }>(
    '/evaluate/functions',
    {
      schema: describe('Deployments', 'evaluate', 'Evaluate intrinsic functions', {
        body: Evaluation,
        response: { 200: Evaluated },
      }),
    },
    async (request, reply) => {
      const { deployment_id, context, payload } = request.body;
      const value = await core.deployments.evaluate(
        callerOf(request),
        deployment_id,
        readContext(context),
        payload as Json,
      );
      return sendJson(reply, 200, { deployment_id, payload: value });
    },
  );
}

function readContext(context: Readonly<Record<string, unknown>>): {
  self?: string;
  source?: string;
  target?: string;
} {
  const read: { self?: string; source?: string; target?: string } = {};
  for (const side of ['self', 'source', 'target'] as const) {
    const value = context[side];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string')
      throw badParameters(`The context's \`${side}\` must be a node instance id`);
    read[side] = value;
  }
  return read;
}
