/** `/deployments`: as of one moment. */
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Core } from '../../core.js';
import { callerOf } from './caller.js';
import { isKnown, tagOf } from './conditions.js';

export const DeploymentParams = Type.Object({ id: Type.String({ description: 'Id of the deployment' }) });

const MaybeText = Type.Union([Type.String(), Type.Null()]);
const MaybeTime = Type.Union([Type.String({ format: 'date-time' }), Type.Null()]);

const DeploymentSnapshot = Type.Object(
  {
    position: Type.Integer({ description: 'Where a stream goes on from here: its `after`' }),
    deployment: Type.Object({
      id: Type.String(),
      displayName: Type.String(),
      blueprint: Type.String(),
      visibility: Type.String(),
      installed: Type.Boolean({ description: 'Every instance is started' }),
      health: Type.String({ description: 'good, in-progress or requires-attention' }),
      createdAt: Type.String({ format: 'date-time' }),
    }),
    runningExecution: Type.Union([
      Type.Object({
        id: Type.String(),
        workflow: Type.String(),
        status: Type.String(),
        totalOperations: Type.Integer(),
        finishedOperations: Type.Integer(),
        createdAt: Type.String({ format: 'date-time' }),
        startedAt: MaybeTime,
      }),
      Type.Null(),
    ]),
    counts: Type.Record(Type.String(), Type.Integer(), { description: 'Instances by state' }),
    nodes: Type.Array(
      Type.Object({
        name: Type.String(),
        type: Type.String(),
        host: MaybeText,
        instances: Type.Integer({ description: 'For each instance of what contains it' }),
        plannedInstances: Type.Integer({ description: 'Once the modification that is under way is over' }),
        relationships: Type.Array(Type.Object({ type: Type.String(), target: Type.String() })),
      }),
    ),
    instances: Type.Array(
      Type.Object({
        id: Type.String(),
        node: Type.String(),
        index: Type.Integer(),
        host: MaybeText,
        state: Type.String(),
        version: Type.Integer({ description: 'Grows with each change' }),
        updated: Type.String({ format: 'date-time' }),
        relationships: Type.Array(
          Type.Object({
            relationship: Type.Integer({ description: "Place in the node's relationships" }),
            type: Type.String(),
            targetNode: Type.String(),
            targetInstance: Type.String(),
          }),
        ),
      }),
    ),
  },
  { title: 'DeploymentSnapshot' },
);

export function deploymentRoutes(app: FastifyInstance, core: Core): void {
  const snapshot = {
    tags: ['Deployments'],
    operationId: 'deployments_snapshot',
    summary: 'Tell a deployment with its nodes, instances and relationships as of one moment',
    params: DeploymentParams,
    response: { 200: DeploymentSnapshot, 304: Type.Null({ description: 'As `If-None-Match` names it' }) },
  } as const;
  app.get('/deployments/:id/snapshot', { schema: snapshot }, async (request, reply) => {
    const { id } = request.params as Static<typeof DeploymentParams>;
    const caller = await callerOf(request, core);
    // Before it is read: whoever follows from there misses nothing.
    const position = await core.streams.now();
    const text = await core.pictures.deployment(caller, id);
    if (isKnown(request, reply, tagOf(createHash('sha256').update(text).digest('hex')))) return reply.send();
    return reply.type('application/json').send(Buffer.from(`{"position":${position},${text.slice(1)}`));
  });
}
