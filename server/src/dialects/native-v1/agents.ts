/** Agents of hosts: the script that puts one there, and what that script fetches. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import { AgentParams, AgentScript, Bytes, RuntimeQuery } from './worker-forms.js';
import { bytes, tokenOf } from './worker-wire.js';

const about = (operationId: string, summary: string) => ({
  tags: ['Workers'] as [string],
  operationId,
  summary,
});

type CallerOf = (request: FastifyRequest) => Promise<Caller>;

export function agentRoutes(app: FastifyInstance, core: Core, callerOf: CallerOf): void {
  script(app, core, callerOf);
  void app.register(async (scope) => downloads(scope, core));
}

function script(app: FastifyInstance, { hostAgents }: Core, callerOf: CallerOf): void {
  app.post(
    '/workers/agents/:instance/script',
    {
      schema: {
        ...about(
          'workers_agent_script',
          'Make new credentials for the agent of a host, and the script that puts it there',
        ),
        params: AgentParams,
        response: { 200: AgentScript },
      },
    },
    async (request) => {
      const { instance } = request.params as Static<typeof AgentParams>;
      return { script: await hostAgents.scriptFor(await callerOf(request), instance) };
    },
  );
}

/** With an agent's credentials: the host has no program yet to come in with. */
function downloads(scope: FastifyInstance, core: Core): void {
  scope.addHook('onRequest', async (request) => {
    await core.remoteWorkers.verify(tokenOf(request), null);
  });
  scope.get(
    '/workers/agent/program',
    {
      schema: {
        ...about('workers_agent_program', 'Read the program of an agent'),
        response: { 200: Bytes },
      },
    },
    async (_request, reply) => {
      const { bytes: content } = await core.hostAgents.program();
      return bytes(reply, { size: content.length, stream: Readable.from([content]) });
    },
  );
  scope.get(
    '/workers/agent/node',
    {
      schema: {
        ...about(
          'workers_agent_node',
          'Read the Node that the API runs with, for a host of its kind that has none',
        ),
        querystring: RuntimeQuery,
        response: { 200: Bytes },
      },
    },
    async (request, reply) => {
      const { system, machine } = request.query as Static<typeof RuntimeQuery>;
      return bytes(reply, await core.hostAgents.runtime(system, machine));
    },
  );
}
