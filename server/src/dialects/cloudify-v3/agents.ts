/** Agents on hosts, as they were told of. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { AgentField } from '../../orchestration/agents.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe, itemQuery, listQuery } from './described.js';
import { badParameters } from './errors.js';
import { ListOf, MaybeText, NameParams, OWNERSHIP, Text, Time } from './fields.js';
import { checkId, LenientBoolean, type Params } from './lenient.js';
import { type ListingOptions, listBody, parseListing, readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, schemaOf } from './resource.js';

const AGENT: Resource<AgentField> = {
  name: 'Agent',
  key: 'name',
  fields: {
    id: { from: 'name', schema: Text },
    name: { from: 'name', schema: Text },
    node_instance_id: { from: 'instance', schema: Text },
    host_id: { from: 'instance', schema: Text },
    node: { from: 'node', schema: Text },
    deployment: { from: 'deploymentId', schema: Text },
    deployment_id: { from: 'deploymentId', schema: Text },
    state: { from: 'state', schema: Text },
    ip: { from: 'ip', schema: MaybeText },
    install_method: { from: 'installMethod', schema: MaybeText },
    system: { from: 'system', schema: MaybeText },
    version: { from: 'version', schema: MaybeText },
    created_at: { from: 'createdAt', schema: Time },
    updated_at: { from: 'updatedAt', schema: Time },
    ...OWNERSHIP,
  },
};

const LISTING: ListingOptions<AgentField> = {
  searches: { _search: 'name' },
  // The command line says so of several at once.
  filters: {
    node_ids: (values) => ({ field: 'node', anyOf: values }),
    node_instance_ids: (values) => ({ field: 'instance', anyOf: values }),
    install_methods: (values) => ({ field: 'installMethod', anyOf: values }),
  },
};

const STATES = [
  'creating',
  'created',
  'configuring',
  'configured',
  'starting',
  'started',
  'stopping',
  'stopped',
  'deleting',
  'deleted',
  'restarting',
  'restarted',
  'restored',
  'upgrading',
  'upgraded',
  'nonresponsive',
  'failed',
];

const Words = Type.Union([Type.String({ maxLength: 256 }), Type.Null()]);
const NewAgent = Type.Object(
  {
    node_instance_id: Type.String(),
    state: Type.Optional(Type.String()),
    ip: Type.Optional(Words),
    install_method: Type.Optional(Words),
    system: Type.Optional(Words),
    version: Type.Optional(Words),
    create_rabbitmq_user: Type.Optional(LenientBoolean),
  },
  { title: 'NewAgent' },
);
const Change = Type.Object(
  {
    state: Type.Optional(Type.String()),
    system: Type.Optional(Type.String({ maxLength: 256 })),
    version: Type.Optional(Type.String({ maxLength: 256 })),
  },
  { title: 'AgentChange' },
);

export function addAgents({ scope, core }: Mounting): void {
  const schema = schemaOf(AGENT);
  const one = { params: NameParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, name: string) =>
    readItem(AGENT, params, name, (query) => core.agents.list(caller, query));

  scope.get(
    '/agents',
    {
      schema: describe('Agents', 'list', 'List agents', {
        querystring: listQuery(AGENT, LISTING),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(AGENT, request.query, LISTING);
      const page = await core.agents.list(callerOf(request), listing.query);
      return sendText(reply, 200, await listBody(listing, page));
    },
  );

  scope.get<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/agents/:name',
    { schema: describe('Agents', 'get', 'Get an agent', one) },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.name)),
  );

  scope.put<{ Params: Static<typeof NameParams>; Body: Static<typeof NewAgent>; Querystring: Params }>(
    '/agents/:name',
    { schema: describe('Agents', 'put', 'Write an agent down', { ...one, body: NewAgent }) },
    async (request, reply) => {
      const caller = callerOf(request);
      const { name } = request.params;
      const { body } = request;
      checkId('name', name, { leadingLetter: false });
      await core.agents.put(caller, {
        name,
        instance: body.node_instance_id,
        state: readState(body.state ?? 'creating'),
        ip: body.ip ?? null,
        installMethod: body.install_method ?? null,
        system: body.system ?? null,
        version: body.version ?? null,
      });
      return sendText(reply, 200, await read(caller, request.query, name));
    },
  );

  scope.patch<{ Params: Static<typeof NameParams>; Body: Static<typeof Change>; Querystring: Params }>(
    '/agents/:name',
    { schema: describe('Agents', 'update', 'Say how an agent is', { ...one, body: Change }) },
    async (request, reply) => {
      const caller = callerOf(request);
      const { state, ...rest } = request.body;
      await core.agents.update(caller, request.params.name, {
        ...rest,
        ...(state === undefined ? {} : { state: readState(state) }),
      });
      return sendText(reply, 200, await read(caller, request.query, request.params.name));
    },
  );
}

function readState(word: string): string {
  if (STATES.includes(word)) return word;
  throw badParameters(`Invalid state: \`${word}\`. Valid states are: ${STATES.join(', ')}`);
}
