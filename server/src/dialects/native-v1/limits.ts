/** `/tenants/{name}/limits`: how much of the engine a tenant has, and may have. For those who administer the installation. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Static, type TSchema, Type } from 'typebox';
import type { Core } from '../../core.js';
import type { Share } from '../../orchestration/shares.js';
import { callerOf } from './caller.js';
import { requireMatch, tagOf } from './conditions.js';
import { once } from './idempotent.js';
import { strictly } from './strict-body.js';

const TenantParams = Type.Object({ name: Type.String({ description: 'Name of the tenant' }) });

const Limit = (title: string, description: string) =>
  Type.Object(
    {
      now: Type.Integer({ description: `How many ${description}` }),
      most: Type.Union([Type.Integer(), Type.Null()], { description: 'How many may; null: any number' }),
      own: Type.Boolean({ description: 'False: the limit is that of the settings' }),
    },
    { title },
  );

const Limits = Type.Object(
  {
    tenant: Type.String(),
    running: Limit('RunningLimit', 'executions of it a worker has now'),
    waiting: Limit('WaitingLimit', 'executions of it wait for a worker, a deployment or a group'),
  },
  { title: 'TenantLimits' },
);

const most = (maximum: number, description: string) =>
  Type.Optional(
    Type.Union([Type.Integer({ minimum: 0, maximum }), Type.Null()], {
      description: `${description}; null: as the settings say; absent: as it is`,
    }),
  );

const LimitsChange = Type.Object(
  {
    running: most(1_000_000, 'How many executions of it may run at once; 0: none, what it asks for waits'),
    waiting: most(100_000_000, 'How many may wait before more are refused; 0: any number'),
  },
  { additionalProperties: false, minProperties: 1, title: 'TenantLimitsChange' },
);

/** Null and a number mean different things here, and a limit with a slip in its name must not be taken for none. */
const validatorCompiler = ({ schema }: { schema: TSchema }) => strictly(schema);

export function limitRoutes(app: FastifyInstance, core: Core): void {
  const read = {
    tags: ['Tenants'],
    operationId: 'tenant_limits_get',
    summary: 'Tell how many executions of a tenant run and wait, and how many may',
    params: TenantParams,
    response: { 200: Limits },
  } as const;
  app.get('/tenants/:name/limits', { schema: read }, async (request, reply) => {
    const { name } = request.params as Static<typeof TenantParams>;
    return told(reply, await core.shares.get(await callerOf(request, core), name));
  });

  const change = {
    tags: ['Tenants'],
    operationId: 'tenant_limits_set',
    summary: 'Change how many executions of a tenant may run and wait',
    params: TenantParams,
    body: LimitsChange,
    response: { 200: Limits },
  } as const;
  app.patch('/tenants/:name/limits', { schema: change, validatorCompiler }, async (request, reply) => {
    const { name } = request.params as Static<typeof TenantParams>;
    const body = request.body as Static<typeof LimitsChange>;
    const caller = await callerOf(request, core);
    return once(core, caller, request, reply, {
      again: async () => told(reply, await core.shares.get(caller, name)),
      change: async () => {
        const wanted = {
          ...(body.running === undefined ? {} : { mostRunning: body.running }),
          ...(body.waiting === undefined ? {} : { mostWaiting: body.waiting }),
        };
        const requires = (before: Share) => requireMatch(request, tagFor(before));
        return told(reply, await core.shares.set(caller, name, wanted, requires));
      },
    });
  });
}

/** Of the limits, which people change; how many run and wait changes all the time, so nothing here is ever "not modified". */
function tagFor({ tenant, mostRunning, ownRunning, mostWaiting, ownWaiting }: Share): string {
  return tagOf(JSON.stringify([tenant, mostRunning, ownRunning, mostWaiting, ownWaiting]));
}

function told(reply: FastifyReply, share: Share): Static<typeof Limits> {
  reply.header('etag', tagFor(share)).header('cache-control', 'no-store');
  return {
    tenant: share.tenant,
    running: { now: share.running, most: share.mostRunning, own: share.ownRunning },
    waiting: { now: share.waiting, most: share.mostWaiting, own: share.ownWaiting },
  };
}
