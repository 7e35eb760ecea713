/** Random deployments and graphs for property tests. */
import * as fc from 'fast-check';
import type { InstanceLifecycleState, Task, TaskGraph } from '../graph.js';
import type { DeploymentModel } from '../model.js';
import { aDeployment, type NodeSketch, type RelationshipSketch } from './a-deployment.js';

const OPERATIONS = [
  'validation.create',
  'lifecycle.precreate',
  'lifecycle.create',
  'lifecycle.configure',
  'lifecycle.start',
  'lifecycle.poststart',
  'monitoring.start',
  'monitoring.stop',
  'lifecycle.prestop',
  'lifecycle.stop',
  'lifecycle.delete',
  'lifecycle.postdelete',
  'host.get_state',
];
const RELATIONSHIP_OPERATIONS = ['preconfigure', 'postconfigure', 'establish', 'unlink'];

export const STATES: readonly InstanceLifecycleState[] = [
  'uninitialized',
  'initializing',
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
];

/** Up to eight nodes in random order of declaration, each related only to nodes of lower number, so never in a circle. */
export const aRandomDeployment: fc.Arbitrary<DeploymentModel> = fc
  .integer({ min: 1, max: 8 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, place) => aRandomNode(place))))
  .chain((sketches) => {
    const names = sketches.map((_, place) => `n${place}`);
    return fc
      .shuffledSubarray(names, { minLength: names.length })
      .map((order) =>
        aDeployment(Object.fromEntries(order.map((name) => [name, sketches[names.indexOf(name)]!]))),
      );
  });

/** A deployment whose instances are in any states. */
export const aDeploymentInAnyState: fc.Arbitrary<DeploymentModel> = aRandomDeployment.chain((model) =>
  fc
    .array(fc.constantFrom(...STATES), {
      minLength: model.instances.length,
      maxLength: model.instances.length,
    })
    .map((states) => ({
      ...model,
      instances: model.instances.map((instance, place) => ({ ...instance, state: states[place]! })),
    })),
);

/** Any graph at all, not only such as a workflow builds. */
export const aRandomGraph: fc.Arbitrary<TaskGraph> = fc
  .integer({ min: 0, max: 40 })
  .chain((count) =>
    fc.tuple(
      ...Array.from({ length: count }, (_, id) =>
        id === 0 ? fc.constant([]) : fc.uniqueArray(fc.integer({ min: 0, max: id - 1 }), { maxLength: 4 }),
      ),
    ),
  )
  .map((dependencies) => ({
    workflow: 'any',
    tasks: (dependencies as number[][]).map(
      (dependsOn, id): Task => ({
        id,
        kind: 'marker',
        instance: null,
        call: null,
        dependsOn,
        before: [],
        after: [],
        onFailure: 'fail',
      }),
    ),
  }));

function aRandomNode(place: number): fc.Arbitrary<NodeSketch> {
  return fc.record({
    kind: fc.constantFrom('host' as const, 'node' as const),
    operations: fc.subarray(OPERATIONS),
    relationships: aRandomRelationshipList(place),
    instances: fc.integer({ min: 0, max: 3 }),
  });
}

function aRandomRelationshipList(place: number): fc.Arbitrary<RelationshipSketch[]> {
  if (place === 0) return fc.constant([]);
  const to = fc.integer({ min: 0, max: place - 1 }).map((target) => `n${target}`);
  const operations = fc.subarray(RELATIONSHIP_OPERATIONS);
  const connection = fc.record({
    to,
    kind: fc.constant('connected_to' as const),
    source: operations,
    target: operations,
    properties: fc.constantFrom({ connection_type: 'all_to_all' }, { connection_type: 'all_to_one' }),
  });
  const containment = fc.record({
    to,
    kind: fc.constant('contained_in' as const),
    source: operations,
    target: operations,
  });
  return fc
    .tuple(fc.option(containment, { nil: null }), fc.array(connection, { maxLength: 3 }))
    .map(([container, others]) => (container === null ? others : [container, ...others]));
}
