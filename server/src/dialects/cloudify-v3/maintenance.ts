/** Maintenance mode, and what it refuses (specs: cloudify.md §5.7, cloudify-rest.md §D7). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { Core } from '../../core.js';
import type { MaintenanceState } from '../../installation/maintenance.js';
import { sendJson } from './answer.js';
import { callerOf } from './auth.js';
import { Done, describe, itemQuery } from './described.js';
import { CloudifyError } from './errors.js';
import { MaybeText, Text } from './fields.js';
import type { Params } from './lenient.js';
import type { Mounting } from './mounting.js';
import { pick } from './small-list.js';

const Record = Type.Partial(
  Type.Object({
    status: Type.Union([Type.Literal('deactivated'), Type.Literal('activating'), Type.Literal('activated')]),
    activated_at: Type.String({ description: 'A time; empty: it is not active' }),
    activation_requested_at: Text,
    requested_by: Text,
    remaining_executions: Type.Union([
      Type.Array(Type.Object({ id: Text, status: Text, deployment_id: MaybeText, workflow_id: Text })),
      Type.Null(),
    ]),
  }),
  { title: 'Maintenance' },
);

export function addMaintenance({ scope, core }: Mounting): void {
  scope.get(
    '/maintenance',
    {
      schema: describe('Manager', 'maintenance_get', 'Get the state of maintenance mode', {
        querystring: itemQuery(),
        response: { 200: Record },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) =>
      sendJson(reply, 200, pick(told(await core.maintenance.get()), request.query)),
  );

  const changing = {
    querystring: itemQuery(),
    response: { 200: Record, 304: Done },
  };
  const answer = (reply: FastifyReply, params: Params, state: MaintenanceState | null) =>
    state === null ? reply.code(304).send() : sendJson(reply, 200, pick(told(state), params));

  scope.post(
    '/maintenance/activate',
    {
      schema: describe('Manager', 'maintenance_activate', 'Activate maintenance mode', {
        description:
          'No execution starts from now on. It is active when none runs any more; 304 when it was asked for already.',
        ...changing,
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) =>
      answer(reply, request.query, await core.maintenance.activate(callerOf(request))),
  );

  scope.post(
    '/maintenance/deactivate',
    {
      schema: describe('Manager', 'maintenance_deactivate', 'Deactivate maintenance mode', {
        description: 'What was queued starts. 304 when it was not active.',
        ...changing,
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const before = await core.maintenance.deactivate(callerOf(request));
      if (before !== null) await core.executions.startQueued();
      const ended = before === null ? null : { ...before, status: 'deactivated' as const, remaining: [] };
      return answer(reply, request.query, ended);
    },
  );
}

function told({ status, activatedAt, requestedAt, requestedBy, remaining }: MaintenanceState) {
  const executions = remaining.map(({ id, status: theirs, deploymentId, workflow }) => ({
    id,
    status: theirs.replaceAll('-', '_'),
    deployment_id: deploymentId,
    workflow_id: workflow,
  }));
  return {
    status,
    activated_at: activatedAt?.toISOString() ?? '',
    activation_requested_at: requestedAt?.toISOString() ?? '',
    requested_by: requestedBy ?? '',
    remaining_executions: executions.length === 0 ? null : executions,
  };
}

/** Answered in maintenance too: what the server is and how it does, and what one maintains it with. */
const OPEN =
  /^\/(ok|version|status|config|maintenance|license|license-check|cluster|cluster-status|managers|brokers|db-nodes|snapshots|snapshot-status)(\/|$)/;
/** What begins work, refused from the moment maintenance is asked for. */
const BEGINS =
  /^\/(executions|execution-groups|deployments\/:id|deployment-modifications|deployment-updates|snapshots\/:id)(\/|$)/;

/**
 * @throws CloudifyError 503, in maintenance mode
 */
export async function obeyMaintenance(request: FastifyRequest, core: Core): Promise<void> {
  const status = await core.maintenance.status();
  if (status === 'deactivated' || passesMaintenance(request)) return;
  const path = (request.routeOptions.url ?? '').replace(/^\/api(\/v3(\.1)?)?/, '');
  const { method } = request;
  const writes = method === 'POST' || method === 'PUT' || method === 'PATCH';
  if (status === 'activating') {
    if (!writes || !BEGINS.test(path)) return;
    throw new CloudifyError(
      503,
      'entering_maintenance_mode',
      'Your request was rejected since Cloudify manager is currently entering maintenance mode',
    );
  }
  if (OPEN.test(path)) return;
  throw new CloudifyError(
    503,
    'maintenance_mode_active',
    'Your request was rejected since Cloudify manager is currently in maintenance mode',
  );
}

/** Those who may set it, and operations that call back, as long as they say so. */
export function passesMaintenance(request: FastifyRequest): boolean {
  const header = request.headers['x-bypass-maintenance'];
  if (header === undefined || header === '') return false;
  const caller = callerOf(request);
  return caller.executionId !== undefined || caller.permissions.has('maintenance.manage');
}
