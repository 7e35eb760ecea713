/** `/stream`: what happens, as it happens. What is told, and what a client must do, is in docs/native-v1.md. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { type Caller, scopeFor } from '../../caller.js';
import type { Core } from '../../core.js';
import { DomainError } from '../../errors.js';
import type { DeploymentUid, ExecutionUid } from '../../ids.js';
import { KINDS, type Kind, type Subscription, subscription } from '../../streaming/subscription.js';
import { signIn } from './caller.js';
import { openWire } from './sse-wire.js';

const MOST_TOPICS = 100;
const TOPIC = '^(tenant|deployment:.{1,256}|execution:.{1,256})$';

const Topic = Type.String({
  pattern: TOPIC,
  description: '`tenant`, `deployment:ID` or `execution:ID`',
});
const OneKind = Type.Union(
  KINDS.map((kind) => Type.Literal(kind)),
  {
    description:
      'events: what happened; logs: what operations wrote; states: how deployments, executions and instances stand; tasks: how the tasks of the executions stand',
  },
);
const After = Type.String({
  pattern: '^[0-9]{1,15}$',
  description:
    'Position from which on news are told: that of a snapshot, or an `id` of a stream. `Last-Event-ID` wins over it. Absent: from now on',
});

const StreamQuery = Type.Object(
  {
    topic: Type.Union([Topic, Type.Array(Topic, { minItems: 1, maxItems: MOST_TOPICS })], {
      description: 'What to follow; may be given several times',
    }),
    with: Type.Optional(
      Type.String({
        pattern: `^(${KINDS.join('|')})(,(${KINDS.join('|')})){0,3}$`,
        description: `What is told of it, with commas between: ${KINDS.join(', ')}. Default: events,logs,states`,
      }),
    ),
    after: Type.Optional(After),
  },
  { additionalProperties: false },
);

const StreamBody = Type.Object(
  {
    topics: Type.Array(Topic, { minItems: 1, maxItems: MOST_TOPICS }),
    with: Type.Optional(Type.Array(OneKind, { minItems: 1, maxItems: KINDS.length })),
    after: Type.Optional(After),
  },
  { additionalProperties: false, title: 'StreamRequest' },
);

const Answer = {
  200: {
    description: 'Frames, until one side ends it',
    content: { 'text/event-stream': { schema: Type.String() } },
  },
};

interface Wanted {
  readonly topics: readonly string[];
  readonly kinds: readonly Kind[];
  readonly after: string | null;
}

const USUAL: readonly Kind[] = ['events', 'logs', 'states'];

export function streamRoutes(app: FastifyInstance, core: Core): void {
  let isFollowed = false;
  app.addHook('preClose', async () => {
    if (isFollowed) await core.streams.close();
  });

  const get = {
    tags: ['Stream'],
    operationId: 'stream_follow',
    summary: 'Follow what happens, as it happens',
    description:
      'One connection for many topics. The same as a POST, for clients that can only GET (EventSource).',
    querystring: StreamQuery,
    response: Answer,
  } as const;
  app.get('/stream', { schema: get, exposeHeadRoute: false }, async (request, reply) => {
    isFollowed = true;
    const { topic, after = null, with: kinds } = request.query as Static<typeof StreamQuery>;
    await follow(core, request, reply, {
      topics: [topic].flat(),
      kinds: kinds === undefined ? USUAL : (kinds.split(',') as Kind[]),
      after,
    });
  });

  const post = {
    tags: ['Stream'],
    operationId: 'stream_follow_many',
    summary: 'Follow what happens, with topics that a query cannot hold',
    body: StreamBody,
    response: Answer,
  } as const;
  app.post('/stream', { schema: post }, async (request, reply) => {
    isFollowed = true;
    const { topics, after = null, with: kinds = USUAL } = request.body as Static<typeof StreamBody>;
    await follow(core, request, reply, { topics, kinds, after });
  });
}

/** Everything that can be refused is refused before the first byte of the stream. */
async function follow(
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
  wanted: Wanted,
): Promise<void> {
  const { caller, authenticated } = await signIn(request, core);
  if (!core.streams.hasRoom) {
    throw new DomainError('unavailable', 'too-many-streams', 'This server holds as many streams as it may', {
      details: { retryAfterSeconds: 5 },
    });
  }
  const subscribed = await resolve(core, caller, wanted);
  const position = await startOf(core, request, wanted.after);
  const ticket = await core.streams.admit(authenticated, caller);
  if (reply.raw.destroyed) return;
  core.streams.follow(openWire(reply), subscribed, ticket, position, {
    position: position,
    topics: wanted.topics,
    with: wanted.kinds,
    heartbeatSeconds: core.streams.heartbeatMs / 1000,
    serverTime: new Date().toISOString(),
  });
}

/** @throws DomainError `not-found` for a topic that is not there, or not the caller's to see; `forbidden` */
async function resolve(core: Core, caller: Caller, { topics, kinds }: Wanted): Promise<Subscription> {
  const { tenantId, userId, seesPrivate } = scopeFor(caller, 'events.read');
  const deployments = new Set<DeploymentUid>();
  const executions = new Map<ExecutionUid, DeploymentUid | null>();
  let whole = false;
  for (const topic of new Set(topics)) {
    const id = topic.slice(topic.indexOf(':') + 1);
    if (topic === 'tenant') {
      scopeFor(caller, 'executions.read');
      scopeFor(caller, 'deployments.read');
      whole = true;
    } else if (topic.startsWith('deployment:')) {
      deployments.add((await core.followed.deployment(caller, id)).uid);
    } else {
      const { uid, deploymentUid } = await core.followed.execution(caller, id);
      if (kinds.includes('tasks')) await core.followed.requireFollowableGraph(uid);
      executions.set(uid, deploymentUid);
    }
  }
  return subscription({
    tenantId,
    whole,
    deployments,
    executions: new Set(executions.keys()),
    kinds: new Set(kinds),
    only: seesPrivate ? null : userId,
  });
}

/** @throws DomainError `invalid` (`stream-position-invalid`) */
async function startOf(core: Core, request: FastifyRequest, after: string | null): Promise<number> {
  const last = request.headers['last-event-id'];
  const given = typeof last === 'string' && last !== '' ? last : after;
  if (given === null) return core.streams.now();
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw new DomainError(
    'invalid',
    'stream-position-invalid',
    'A position is one that a snapshot or a stream has told, such as 4711',
    { details: { field: last === given ? 'Last-Event-ID' : 'after' } },
  );
}
