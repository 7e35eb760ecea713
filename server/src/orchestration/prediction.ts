/**
 * What installing a plan would do: the task graph that an execution would have, without a deployment, an execution or anything else
 * being made. Instances are called by their nodes and numbers, since their ids are drawn when they are made. Pure.
 */

import type { Caller } from '../caller.js';
import type { JsonObject, Plan } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import { prepareFor } from './deployment-creation.js';
import { instantiate } from './planning/instances.js';
import { printGraph } from './planning/print.js';
import { install } from './planning/workflows/install.js';

export interface PredictedTask {
  readonly id: number;
  /** Null for a task that only orders and tells others. */
  readonly operation: string | null;
  readonly instance: string | null;
  readonly dependsOn: readonly number[];
}

export interface Prediction {
  readonly tasks: readonly PredictedTask[];
  /** For people. */
  readonly text: string;
}

/** Tasks of a graph that are told; what would be more is cut, with its number told by `text`. */
const MOST = 2000;

/** @throws DomainError `invalid` as creating the deployment would */
export function predictInstall(
  caller: Caller,
  plan: Plan,
  deployment: { readonly id: string; readonly blueprintId: string; readonly inputs: JsonObject },
): Prediction {
  const prepared = prepareFor(plan, deployment, caller, deployment.blueprintId);
  let drawn = 0;
  const instances = instantiate(prepared, () => {
    drawn += 1;
    return String(drawn);
  });
  const graph = install(
    {
      types: prepared,
      nodes: new Map(prepared.nodes.map((node) => [node.name, node])),
      instances: instances.map((one) => ({ ...one, state: 'uninitialized' as const })),
    },
    {},
  );
  if ('problem' in graph) throw new DomainError('invalid', 'workflow-unavailable', graph.problem);
  return {
    tasks: graph.tasks.slice(0, MOST).map(({ id, call, instance, dependsOn }) => ({
      id,
      operation: call?.operation ?? null,
      instance,
      dependsOn,
    })),
    text: printGraph(graph).slice(0, 100_000),
  };
}
