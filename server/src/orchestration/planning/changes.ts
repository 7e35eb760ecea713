/** What a stage changes in the stored deployment, as data: decided here, written by `orchestration/changes.ts`. */
import type { JsonObject } from '../../dsl/plan.js';
import type { DeploymentModel } from './model.js';
import type { Modification, Multiplicities } from './modification.js';

/** A modification that was started and has not ended. */
export interface StartedModification {
  readonly id: string;
  /** Ids of instances it has added. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export type Change =
  /** What is added comes into being at once, uninitialized; what is to go stays until the modification is finished. */
  | {
      readonly kind: 'start-modification';
      /** As it was asked for: by node or group. */
      readonly asked: JsonObject;
      readonly context: JsonObject;
      /** Only what changes; by `unitKey`. */
      readonly counts: Multiplicities;
      readonly outcome: Modification;
    }
  | { readonly kind: 'finish-modification' }
  | { readonly kind: 'rollback-modification' }
  /** The deployment becomes what the update of the execution wants it to be. */
  | { readonly kind: 'apply-update'; readonly outcome: Modification; readonly counts: Multiplicities };

/** The picture as it will be stored with the changes; what ends a modification changes no picture that is looked at again. */
export function applied(model: DeploymentModel, changes: readonly Change[]): DeploymentModel {
  return changes.reduce((picture, change) => {
    if (change.kind !== 'start-modification') return picture;
    return withAdded(picture, change.outcome);
  }, model);
}

/** The picture with what a modification adds, before it takes anything away. */
export function withAdded(
  model: DeploymentModel,
  { added, rewired }: Pick<Modification, 'added' | 'rewired'>,
): DeploymentModel {
  const wired = new Map(rewired.map(({ id, during }) => [id, during]));
  const instances = model.instances.map((one) => {
    const relationships = wired.get(one.id);
    return relationships === undefined ? one : { ...one, relationships };
  });
  return { ...model, instances: [...instances, ...added] };
}
