/** Running actions by their numbers: on servers, on resources, and rules (specs: cloudbolt.md §5.4, §5.9, §5.10). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Core } from '../../core.js';
import type { JsonObject } from '../../dsl/plan.js';
import type { Begun } from '../../ordering/action-runs.js';
import { jobHint, LONGEST_WAIT } from '../../ordering/awaiting.js';
import { callerOf } from './auth.js';
import { bodyOf } from './body.js';
import { badRequest, notFoundHere } from './errors.js';
import { readKey } from './hrefs.js';
import { ItemParams, type Mounting, rowOf, sendHal } from './resource.js';
import { begunAnswer, RunJob } from './run-answer.js';
import { resourcesAt } from './services.js';
import { objectMember } from './values.js';

const RunRequest = Type.Object(
  {
    parameters: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: 'What the action asks for, by name' }),
    ),
  },
  { title: 'RunActionRequest' },
);
const ActionParams = Type.Object({
  ...ItemParams.properties,
  action: Type.String({ description: 'Number, or Global ID, of the action' }),
});
const TypedActionParams = Type.Object({
  type: Type.String({ description: 'Name of a resource type' }),
  ...ActionParams.properties,
});

export function addActionRoutes(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  const answer = async (request: FastifyRequest, reply: FastifyReply, begun: Begun) => {
    if (begun.synchronous && begun.job !== null) await ended(core, request, begun.job);
    return sendHal(request, reply, begunAnswer(hrefs, begun));
  };

  scope.post<{ Params: { id: string; action: string } }>(
    '/servers/:id/actions/:action',
    { schema: schemaOf('servers_run_action', 'Run an action on a server', ActionParams) },
    async (request, reply) => {
      const { id, action } = request.params;
      const keys = [keyOf('servers', id), keyOf('server-actions', action)] as const;
      return answer(
        request,
        reply,
        await core.actionRuns.onServer(callerOf(request), ...keys, given(request)),
      );
    },
  );

  scope.delete<{ Params: { id: string } }>(
    '/servers/:id',
    {
      schema: {
        tags: ['Servers'],
        operationId: 'servers_delete',
        summary: 'Order the end of a server; the order is named by `Location`',
        params: ItemParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { number, groupUid } = await core.servers.get(caller, keyOf('servers', request.params.id));
      const what = { servers: [{ number }], resources: [] };
      const { order } = await core.ordersByAction.remove(caller, groupUid, what);
      return reply
        .code(204)
        .header('location', hrefs.item('orders', { number: order }))
        .send();
    },
  );

  const onResource = async (
    request: FastifyRequest,
    reply: FastifyReply,
    at: { readonly path: string; readonly type: string; readonly id: string; readonly action: string },
  ) => {
    const caller = callerOf(request);
    const { number } = await rowOf(resourcesAt(at.path, at.type), { core, caller }, at.id);
    const action = keyOf('resource-actions', at.action);
    return answer(
      request,
      reply,
      await core.actionRuns.onResource(caller, { number }, action, given(request)),
    );
  };
  scope.post<{ Params: { id: string; action: string } }>(
    '/services/:id/actions/:action',
    { schema: schemaOf('services_run_action', 'Run an action on a service', ActionParams) },
    async (request, reply) =>
      onResource(request, reply, { path: 'services', type: 'service', ...request.params }),
  );
  scope.post<{ Params: { type: string; id: string; action: string } }>(
    '/resources/:type/:id/actions/:action',
    { schema: schemaOf('resources_run_action', 'Run an action on a resource', TypedActionParams) },
    async (request, reply) =>
      onResource(request, reply, { path: `resources/${request.params.type}`, ...request.params }),
  );

  scope.post<{ Params: { id: string } }>(
    '/rules/:id/actions/run',
    {
      schema: {
        tags: ['Actions'],
        operationId: 'rules_run',
        summary: 'Ask the condition of a rule, and run its action where that has found something',
        params: ItemParams,
        response: { 200: RunJob },
      },
    },
    async (request, reply) =>
      answer(
        request,
        reply,
        await core.actionRuns.rule(callerOf(request), keyOf('rules', request.params.id)),
      ),
  );
}

function schemaOf(
  operationId: string,
  summary: string,
  params: typeof ActionParams | typeof TypedActionParams,
) {
  return {
    tags: ['Actions'] as const,
    operationId,
    summary,
    params,
    body: Type.Optional(RunRequest),
    response: { 200: RunJob },
  };
}

function keyOf(collection: string, id: string) {
  const key = readKey(collection, id);
  if (key === null) throw notFoundHere();
  return key;
}

/** Inputs of an action: scalars, or lists of them. */
function given(request: FastifyRequest): JsonObject {
  const parameters = objectMember(bodyOf(request), 'parameters') ?? {};
  for (const [name, value] of Object.entries(parameters)) {
    const values = Array.isArray(value) ? value : [value];
    if (values.length <= 1000 && values.every((one) => one === null || typeof one !== 'object')) continue;
    throw badRequest(
      `Invalid value for '${name.slice(0, 80)}': it should be a text, a number, true, false, or a list of them`,
    );
  }
  return { ...parameters } as JsonObject;
}

/** Of an action that is to be over when it is answered; after a minute it is answered anyway. */
async function ended(core: Core, request: FastifyRequest, job: number): Promise<void> {
  const caller = callerOf(request);
  const gone = new AbortController();
  request.raw.once('close', () => gone.abort());
  await core.awaiting.until(
    jobHint(caller.tenant!.id, job),
    () => core.jobs.get(caller, { number: job }),
    ({ settled }) => settled,
    LONGEST_WAIT,
    gone.signal,
  );
}
