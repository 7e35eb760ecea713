/** `/deployments`: as of one moment. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Core } from '../../core.js';
import type { JsonObject } from '../../dsl/plan.js';
import { callerOf } from './caller.js';
import { isKnown, tagOf } from './conditions.js';
import { placed } from './placed.js';

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

const flag = (description: string) => Type.Optional(Type.Boolean({ description }));

const PreviewBody = Type.Object(
  {
    blueprint: Type.Optional(Type.String({ description: 'Absent: the one it has' })),
    inputs: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'Laid over the inputs it has' }),
    ),
    skipInstall: flag('Nothing that is new is installed'),
    skipUninstall: flag('Nothing that goes is taken down'),
    skipReinstall: flag('Nothing that differs is reinstalled'),
    skipDriftCheck: flag('Nobody is asked for drift'),
    skipHeal: flag('Nobody is checked and healed before being updated'),
    forceReinstall: flag('What is started is reinstalled, not updated in place'),
    reinstall: Type.Optional(
      Type.Array(Type.String(), { maxItems: 10_000, description: 'Instances to be reinstalled anyway' }),
    ),
    workflow: Type.Optional(
      Type.String({ description: 'To be run in place of everything after the change of plan' }),
    ),
  },
  { additionalProperties: false, title: 'UpdatePreviewRequest' },
);

const UpdatePreview = Type.Object(
  {
    deployment: Type.String(),
    blueprintBefore: Type.String(),
    blueprintAfter: Type.String(),
    steps: Type.Array(
      Type.Object({
        action: Type.String({ description: 'add, remove or modify' }),
        entity: Type.String({ description: 'node, relationship, property, operation, workflow, output …' }),
        path: Type.String({ description: 'As `nodes:web:properties:port`' }),
        order: Type.Integer(),
      }),
      { description: 'What differs between the two plans' },
    ),
    nodes: Type.Array(
      Type.Object({
        name: Type.String(),
        change: Type.String({ description: 'added, removed, replaced, modified or kept' }),
        instancesBefore: Type.Integer(),
        instancesAfter: Type.Integer(),
      }),
    ),
    instances: Type.Array(
      Type.Object({
        id: Type.String({ description: 'Of one that is to come: a name for this answer alone' }),
        node: Type.String(),
        change: Type.String({ description: 'added, removed or kept' }),
        state: Type.String({ description: 'As it is now' }),
        stages: Type.Array(Type.String(), { description: 'Stages that run something for it' }),
      }),
    ),
    relationships: Type.Array(
      Type.Object({
        source: Type.String(),
        target: Type.String(),
        type: Type.String(),
        change: Type.String({ description: 'added or removed' }),
      }),
      { description: 'Between instances, as far as they change' },
    ),
    stages: Type.Array(
      Type.Object({
        name: Type.String({ description: 'take down, apply, check, heal, update, reinstall or install' }),
        operations: Type.Array(
          Type.Object({
            operation: Type.String(),
            side: Type.String({ description: 'node; of a relationship source or target' }),
            instance: MaybeText,
            dependsOn: Type.Array(Type.Integer(), { description: 'Places in this list' }),
          }),
        ),
      }),
      { description: 'What is run, in this order, where checks find nothing wrong and nothing fails' },
    ),
  },
  { title: 'UpdatePreview' },
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
    if (isKnown(request, reply, tagOf(text.digest()))) return reply.send();
    return reply.type('application/json').send(Readable.from(placed(position, text.pieces())));
  });

  const preview = {
    tags: ['Deployments'],
    operationId: 'deployments_update_preview',
    summary: 'Tell what an update would add, remove, change, install and uninstall, and change nothing',
    params: DeploymentParams,
    body: PreviewBody,
    response: { 200: UpdatePreview },
  } as const;
  app.post('/deployments/:id/update-preview', { schema: preview }, async (request) => {
    const { id } = request.params as Static<typeof DeploymentParams>;
    const { blueprint, inputs, reinstall, workflow, ...skips } = request.body as Static<typeof PreviewBody>;
    return core.deploymentUpdates.foresee(await callerOf(request, core), {
      deploymentId: id,
      ...(blueprint === undefined ? {} : { blueprintId: blueprint }),
      ...(inputs === undefined ? {} : { inputs: inputs as JsonObject }),
      wishes: { ...NO_WISHES, ...skips, reinstallList: reinstall ?? [], workflow: workflow ?? null },
    });
  });
}

const NO_WISHES = {
  skipInstall: false,
  skipUninstall: false,
  skipReinstall: false,
  skipDriftCheck: false,
  skipHeal: false,
  forceReinstall: false,
  ignoreFailure: false,
};
