/**
 * Checks: operations that change nothing, whose outcome is kept on the instance. `check_status` and `check_drift` are
 * made of them; `heal` and `update` look at what they left.
 */
import type { JsonObject } from '../../../dsl/plan.js';
import { type Chain, GraphBuilder, note } from '../build.js';
import type { Keep, OperationCall, Task, TaskGraph } from '../graph.js';
import type { DeploymentModel, InstanceModel } from '../model.js';
import { neighbours, strangers } from '../neighbours.js';
import { Operations } from '../operations.js';
import { weave } from '../weave.js';
import { CIRCLE, flag, type Problem, type Selection, select } from './workflow.js';

const CHECK_STATUS = 'cloudify.interfaces.validation.check_status';
const CHECK_DRIFT = 'cloudify.interfaces.lifecycle.check_drift';
const CHECK_LINK_DRIFT = 'cloudify.interfaces.relationship_lifecycle.check_drift';

/** Names of the system properties that keep the outcomes, as Cloudify's users know them. */
export const STATUS = 'status';
export const DRIFT = 'configuration_drift';
export const SOURCE_DRIFT = 'source_relationships_configuration_drift';
export const TARGET_DRIFT = 'target_relationships_configuration_drift';

/** Adds the check of one instance to its chain. */
type Check = (chain: Chain, instance: InstanceModel, operations: Operations) => void;

/** `check_status`: whether each instance is well. One that cannot say counts as well. */
export function checkStatus(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  return checkSelected(model, parameters, 'check_status', false, statusCheck);
}

/** `check_drift`: whether each instance, and each of its relationships, still is what it was configured to be. */
export function checkDrift(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  return checkSelected(model, parameters, 'check_drift', true, driftCheck);
}

const WELL = [note(STATUS, { ok: true, task: null, result: null })];
const AS_CONFIGURED = [note(DRIFT, { ok: true, task: null, result: null })];

export const statusCheck: Check = (chain, instance, operations) => {
  const call = operations.call(instance, CHECK_STATUS);
  if (call === null) chain.record(WELL);
  else chain.run(once(call, { instance: instance.id, name: STATUS }));
};

export const driftCheck: Check = (chain, instance, operations) => {
  const call = operations.call(instance, CHECK_DRIFT);
  if (call === null) chain.record(AS_CONFIGURED);
  else chain.run(once(call, { instance: instance.id, name: DRIFT }));
  if (!operations.hasRelationshipCalls(instance, CHECK_LINK_DRIFT)) return;
  const calls = instance.relationships.flatMap(({ targetInstance }, place) =>
    operations
      .relationshipCalls(instance, place, CHECK_LINK_DRIFT)
      .map((one) =>
        once(
          one,
          one.side === 'source'
            ? { instance: instance.id, name: SOURCE_DRIFT, of: targetInstance }
            : { instance: targetInstance, name: TARGET_DRIFT, of: instance.id },
        ),
      ),
  );
  chain.fork(calls);
};

export function hasDriftCheck(instance: InstanceModel, operations: Operations): boolean {
  return operations.call(instance, CHECK_DRIFT) !== null;
}

/** A check that fails says something; asking again would only say it later. */
function once(call: OperationCall, keep: Keep): OperationCall {
  return { ...call, maxRetries: 0, keep };
}

/** Adds the check on every instance of the selection, after everything that is in the graph already. */
export function addCheck(
  builder: GraphBuilder,
  model: DeploymentModel,
  selection: Selection,
  check: Check,
  how: { readonly byDependencyOrder: boolean; readonly onFailure: Task['onFailure'] },
): Problem | null {
  const related = how.byDependencyOrder ? neighbours(model) : strangers(model);
  if (related === null) return CIRCLE;
  const operations = new Operations(model);
  weave(builder, {
    model,
    neighbours: related,
    operations,
    direction: 'targets-first',
    after: builder.barrier(),
    onFailure: () => how.onFailure,
    fill(chain, instance) {
      if (selection.has(instance)) check(chain, instance, operations);
    },
  });
  return null;
}

function checkSelected(
  model: DeploymentModel,
  parameters: JsonObject,
  name: string,
  inOrder: boolean,
  check: Check,
): TaskGraph | Problem {
  const selection = select(model, parameters);
  if ('problem' in selection) return selection;
  const byDependencyOrder = flag(parameters, 'run_by_dependency_order', inOrder);
  if (typeof byDependencyOrder === 'object') return byDependencyOrder;
  const ignoreFailure = flag(parameters, 'ignore_failure');
  if (typeof ignoreFailure === 'object') return ignoreFailure;
  const builder = new GraphBuilder();
  // One that is not well must not hide how the others are.
  const onFailure = ignoreFailure ? 'ignore' : 'hold';
  return addCheck(builder, model, selection, check, { byDependencyOrder, onFailure }) ?? builder.finish(name);
}
