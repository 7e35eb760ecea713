/** Whether a workflow is on offer for a deployment as it stands. */
import type { PlanWorkflow } from '../../dsl/plan.js';
import type { InstanceLifecycleState } from './graph.js';

export interface DeploymentPicture {
  /** How many instances are in each state. */
  readonly instances: ReadonlyMap<InstanceLifecycleState, number>;
  /** Every type in the hierarchy of every node. */
  readonly nodeTypes: ReadonlySet<string>;
}

/** Not asked for forced or resumed executions. */
export function isAvailable(rules: PlanWorkflow['availability'], picture: DeploymentPicture): boolean {
  if (rules === null) return true;
  if (rules.available === false) return false;
  if (rules.instancesActive && !rules.instancesActive.some((rule) => holds(rule, picture.instances))) {
    return false;
  }
  const required = rules.nodeTypesRequired ?? [];
  return required.length === 0 || required.some((type) => picture.nodeTypes.has(type));
}

function holds(
  rule: 'all' | 'partial' | 'none',
  instances: ReadonlyMap<InstanceLifecycleState, number>,
): boolean {
  let total = 0;
  for (const count of instances.values()) total += count;
  const started = instances.get('started') ?? 0;
  const inactive = (instances.get('uninitialized') ?? 0) + (instances.get('deleted') ?? 0);
  switch (rule) {
    case 'all':
      return started === total;
    case 'partial':
      return started !== total && inactive !== total;
    case 'none':
      return started === 0;
  }
}
