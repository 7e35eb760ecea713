/** What a run is about: some deployments, and what people want done with them. */
import * as fc from 'fast-check';
import type { OperationTable, PlanNode } from '../../src/dsl/plan.js';
import type { DeploymentModel } from '../../src/orchestration/planning/model.js';
import { aRandomDeployment } from '../../src/orchestration/planning/testdata/a-random-deployment.js';
import type { ModelDatabase } from './model-database.js';
import type { ExecutionRow } from './model-rows.js';
import { Random } from './random.js';

export interface Wish {
  readonly uid: number;
  readonly row: ExecutionRow;
  /** Milliseconds from the beginning. */
  readonly at: number;
}

export interface Scenario {
  readonly models: ReadonlyMap<number, DeploymentModel>;
  readonly wishes: readonly Wish[];
}

const LATER = ['uninstall', 'restart', 'check_status', 'heal', 'reinstall', 'stop'] as const;
/** Tasks of the largest deployment that is taken; larger ones cost time and find nothing more. */
const MOST_INSTANCES = 9;

/** Writes the deployments into the database; what is wished for is started by whoever lets the run run. */
export function aScenario(seed: number, database: ModelDatabase): Scenario {
  const random = new Random(seed, 'scenario');
  const models = new Map<number, DeploymentModel>();
  const wishes: Wish[] = [];
  const count = random.chance(0.7) ? 1 : 2;
  for (let uid = 1; uid <= count; uid += 1) {
    const model = ofDeployment(uid, aModel(seed * 7 + uid, random));
    models.set(uid, model);
    keep(database, uid, model);
    const many = random.chance(0.6) ? 1 : random.whole(2, 3);
    for (let nth = 0; nth < many; nth += 1) {
      const workflow = nth === 0 ? 'install' : random.pick(LATER);
      wishes.push(aWish(wishes.length + 1, uid, workflow, random));
    }
  }
  return { models, wishes };
}

function aWish(uid: number, deploymentUid: number, workflow: string, random: Random): Wish {
  const row: ExecutionRow = {
    ...{ uid, id: `x${uid}`, deploymentUid, workflow, function: `cloudify.plugins.workflows.${workflow}` },
    ...{ status: 'pending', parameters: {}, dryRun: random.chance(0.05), resumed: false },
    waitAfterFail: random.pick([0, 3, 40]),
    ...{ error: null, total: 0, finished: 0, graph: null, worker: null, fence: 0, batches: 0 },
    ...{ leaseUntil: null, breakdowns: 0 },
  };
  return { uid, row, at: uid === 1 ? 0 : random.between(0, 5000) };
}

function aModel(seed: number, random: Random): DeploymentModel {
  for (let nth = 0; ; nth += 1) {
    const [model] = fc.sample(aRandomDeployment, { seed: seed * 31 + nth, numRuns: 1 });
    const { length } = model!.instances;
    if (length > 0 && length <= MOST_INSTANCES) return someFragile(model!, random);
  }
}

function keep(database: ModelDatabase, uid: number, model: DeploymentModel): void {
  database.put('deployments', uid, {
    ...{ uid, id: `d${uid}`, latest: null, health: 'requires-attention', installed: false },
    ...{ types: model.types, nodes: [...model.nodes.values()] },
  });
  for (const { id, node, index, host, state, relationships } of model.instances) {
    database.put('instances', id, {
      ...{ id, deploymentUid: uid, node, index, host, state, relationships },
      ...{ version: 1, runtimeProperties: {}, systemProperties: {} },
    });
  }
}

/** Ids of instances are unique over all deployments. */
function ofDeployment(uid: number, model: DeploymentModel): DeploymentModel {
  const named = (id: string) => `${id}.${uid}`;
  const instances = model.instances.map((instance) => ({
    ...instance,
    id: named(instance.id),
    host: instance.host === null ? null : named(instance.host),
    relationships: instance.relationships.map((link) => ({
      ...link,
      targetInstance: named(link.targetInstance),
    })),
  }));
  return { ...model, instances };
}

/** An operation of which nobody has said that it bears being run twice. */
export function isFragile(operation: string): boolean {
  return operation.endsWith('.start') || operation.endsWith('.establish');
}

/** The same deployment where `start` and `establish` may not run again in silence, and some operations have a timeout. */
function someFragile(model: DeploymentModel, random: Random): DeploymentModel {
  const marked = (table: OperationTable): OperationTable =>
    Object.fromEntries(
      Object.entries(table).map(([name, operation]) => [
        name,
        {
          ...operation,
          resumable: !isFragile(name),
          executor: 'central_deployment_agent' as const,
          timeout: random.chance(0.3) ? random.pick([1, 10]) : null,
          timeoutRecoverable: random.chance(0.5),
          maxRetries: random.chance(0.3) ? random.whole(0, 4) : null,
          retryInterval: random.pick([null, 0, 2]),
        },
      ]),
    );
  const nodes = [...model.nodes.values()].map((node): [string, PlanNode] => [
    node.name,
    {
      ...node,
      operations: marked(node.operations),
      relationships: node.relationships.map((link) => ({
        ...link,
        sourceOperations: marked(link.sourceOperations),
        targetOperations: marked(link.targetOperations),
      })),
    },
  ]);
  return { ...model, nodes: new Map(nodes) };
}
