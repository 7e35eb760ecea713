/** Resource handlers: cloud accounts in which servers can be built (specs: cloudbolt.md §5.6). */
import { Type } from 'typebox';
import type { Core } from '../../core.js';
import type { JsonObject } from '../../dsl/plan.js';
import type { CloudAccountField } from '../../inventory/resource-handlers.js';
import { callerOf } from './auth.js';
import { type Body, bodyOf } from './body.js';
import { badRequest, notFoundHere } from './errors.js';
import { readKey } from './hrefs.js';
import { integer, text } from './paths.js';
import {
  type Asked,
  addCollection,
  type Collection,
  HalItem,
  ItemParams,
  itemOf,
  type Mounting,
  sendHal,
} from './resource.js';
import { RunJob, runAnswer } from './run-answer.js';
import { hrefMember, hrefsMember, objectMember, required, textMember } from './values.js';

interface HandlerRow {
  readonly number: number;
  readonly name: string;
  readonly kind: string;
  readonly settings: JsonObject;
}

const HANDLERS: Collection<CloudAccountField, HandlerRow> = {
  name: 'resource-handlers',
  tag: 'Resource handlers',
  thing: 'resource handler',
  paths: { id: integer('uid'), pk: integer('uid'), name: text('name'), kind: text('kind') },
  reads: ['number', 'name', 'kind', 'settings'],
  title: ({ name }) => name,
  thin: ({ name, number }) => ({ name, id: String(number) }),
  list: (core, caller, query) => core.resourceHandlers.list(caller, query),
  item: handlerItem,
};

async function handlerItem({ core, caller, hrefs, row }: Asked<HandlerRow>) {
  const environments = await core.environments.list(caller, {
    shape: { number: 'number', code: 'code', name: 'name' },
    filters: [{ field: 'account', lookup: 'exact', value: String(row.number) }],
    sort: [],
    offset: 0,
    size: 100,
  });
  const found = JSON.parse(environments.items) as { number: number; code: string; name: string }[];
  const place = endpointOf(row.settings);
  return {
    _links: {
      self: hrefs.link('resource-handlers', { number: row.number, title: row.name }),
      environments: found.map((each) => hrefs.link('environments', { ...each, title: each.name })),
      actions: [
        {
          'sync-vms': {
            href: '/api/v2/resource-handlers/actions/sync-vms',
            title: 'Synchronize VMs from selected Resource Handlers',
          },
        },
      ],
    },
    name: row.name,
    id: String(row.number),
    description: typeof row.settings.description === 'string' ? row.settings.description : '',
    type: technologyOf(core, row.kind),
    ip: place?.hostname ?? '',
    port: place === null ? null : Number(place.port || (place.protocol === 'https:' ? 443 : 80)),
    protocol: place === null ? '' : place.protocol.replace(':', ''),
  };
}

function endpointOf({ endpoint, host, port }: JsonObject): URL | null {
  if (typeof endpoint === 'string' && URL.canParse(endpoint)) return new URL(endpoint);
  const address = `ssh://${String(host)}:${String(port ?? 22)}`;
  return typeof host === 'string' && URL.canParse(address) ? new URL(address) : null;
}

const NewHandler = Type.Object(
  {
    name: Type.String(),
    type: Type.String({
      description: 'A technology as the item prints it, or its kind: local, aws, ssh',
    }),
    description: Type.Optional(Type.String()),
    settings: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: 'As docs/servers.md lists them' }),
    ),
    secrets: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: 'Sealed, and never printed' }),
    ),
  },
  { title: 'NewResourceHandler' },
);
const SyncRequest = Type.Object(
  { 'resource-handlers': Type.Optional(Type.Array(Type.String(), { description: 'Links; absent: all' })) },
  { title: 'SyncRequest' },
);
const Template = Type.Object(
  { template: Type.String({ description: "The handler's name of an image" }), 'os-build': Type.String() },
  { title: 'Template' },
);
const Imported = Type.Object(
  { status_code: Type.Integer(), message: Type.String() },
  { title: 'TemplatesImported' },
);

export function addResourceHandlers(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  addCollection(mounting, HANDLERS);

  scope.post(
    '/resource-handlers',
    {
      schema: {
        tags: ['Resource handlers'],
        operationId: 'resource_handlers_create',
        summary: 'Add a resource handler',
        body: NewHandler,
        response: { 201: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const body = bodyOf(request);
      const kind = kindOf(core, required('type', textMember(body, 'type')));
      const description = textMember(body, 'description');
      const settings = {
        ...jsonMember(body, 'settings'),
        ...(description === undefined ? {} : { description }),
      };
      const secrets = jsonMember(body, 'secrets');
      const { uid } = await core.resourceHandlers.create(caller, {
        name: required('name', textMember(body, 'name')),
        kind,
        settings,
        secrets,
      });
      return sendHal(request, reply, await itemOf(HANDLERS, { core, caller, hrefs }, String(uid)), 201);
    },
  );

  scope.delete<{ Params: { id: string } }>(
    '/resource-handlers/:id',
    {
      schema: {
        tags: ['Resource handlers'],
        operationId: 'resource_handlers_delete',
        summary:
          'Forget a resource handler; its servers are historical, and nothing is touched where they are',
        params: ItemParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await core.resourceHandlers.remove(callerOf(request), numberOf(request.params.id));
      return reply.code(204).send();
    },
  );

  scope.post(
    '/resource-handlers/actions/sync-vms',
    {
      schema: {
        tags: ['Resource handlers'],
        operationId: 'resource_handlers_sync_vms',
        summary: 'Look at the servers where they are: import, update, and note what has vanished',
        body: Type.Optional(SyncRequest),
        response: { 200: RunJob },
      },
    },
    async (request, reply) => {
      const keys = hrefsMember(bodyOf(request), 'resource-handlers', ['resource-handlers']);
      const accounts = keys?.map((key) => ('number' in key ? key.number : Number.parseInt(key.code, 36)));
      const jobs = await core.serverSyncs.start(callerOf(request), accounts ?? null);
      if (jobs.length === 0)
        throw badRequest('There is no resource handler whose servers could be looked at');
      const links = jobs.map((job) => hrefs.link('jobs', { number: job, title: `Job id ${job}` }));
      return sendHal(request, reply, { ...runAnswer(hrefs, jobs[0]!), _links: { jobs: links } });
    },
  );

  scope.post<{ Params: { id: string } }>(
    '/resource-handlers/:id/import-template',
    {
      schema: {
        tags: ['Resource handlers'],
        operationId: 'resource_handlers_import_template',
        summary: 'Say which image of the handler stands for an OS build',
        params: ItemParams,
        body: Type.Union([Template, Type.Array(Template)]),
        response: { 200: Imported },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const given: unknown = request.body;
      const templates = (Array.isArray(given) ? given : [bodyOf(request)]) as Body[];
      if (templates.length === 0 || templates.length > 1000) throw badRequest('Name 1 to 1000 templates');
      if (templates.some((each) => typeof each !== 'object' || each === null))
        throw badRequest("Each template must be an object with 'template' and 'os-build'");
      const wanted = templates.map((each) => ({
        image: required('template', textMember(each, 'template')),
        osBuild: required('os-build', hrefMember(each, 'os-build', ['os-builds'])),
      }));
      await core.resourceHandlers.importTemplates(caller, numberOf(request.params.id), wanted);
      const message = `${wanted.length} template${wanted.length === 1 ? '' : 's'} imported`;
      return reply
        .code(200)
        .type('application/json')
        .send(JSON.stringify({ status_code: 200, message }));
    },
  );
}

function numberOf(id: string): number {
  const key = readKey('resource-handlers', id);
  if (key === null) throw notFoundHere();
  return 'number' in key ? key.number : Number.parseInt(key.code, 36);
}

function technologyOf(core: Core, kind: string): string {
  return core.resourceHandlers.technologies().find((each) => each.kind === kind)?.technology ?? kind;
}

/** By either name of it. @throws CloudBoltError 400 */
function kindOf(core: Core, type: string): string {
  const known = core.resourceHandlers.technologies();
  const wanted = type.trim().toLowerCase();
  const found = known.find(({ kind, technology }) => kind === wanted || technology.toLowerCase() === wanted);
  if (found !== undefined) return found.kind;
  const names = known.map(({ technology }) => `'${technology}'`).join(', ');
  throw badRequest(`Unknown resource handler type '${type.slice(0, 100)}'. Choices are: ${names}`);
}

function jsonMember(body: Body, name: string): JsonObject {
  return (objectMember(body, name) ?? {}) as JsonObject;
}
