/**
 * What an update will do, as far as it can be known without doing it: the update's own stages, planned one after the other as a
 * worker plans them (`workflows/update.ts`), each with the result that is hoped for. Pure.
 *
 * Assumed: checks find nothing wrong and no operation fails. Where a check finds drift, or an instance ill, more is done than is
 * foreseen here.
 */
import type { DeploymentModel, InstanceModel } from './model.js';
import type { Multiplicities } from './modification.js';
import type { InstanceHealth, NextStep, PastStage } from './staged.js';
import { type PlannedUpdate, planUpdate } from './update-plan.js';
import type { Problem } from './workflows/workflow.js';

export interface Foresight {
  readonly nodes: readonly ForeseenNode[];
  readonly instances: readonly ForeseenInstance[];
  readonly relationships: readonly ForeseenRelationship[];
  readonly stages: readonly ForeseenStage[];
}

export interface ForeseenNode {
  readonly name: string;
  /** `replaced`: another node of that name comes. `modified`: properties, operations or relationships differ. */
  readonly change: 'added' | 'removed' | 'replaced' | 'modified' | 'kept';
  readonly instancesBefore: number;
  readonly instancesAfter: number;
}

export interface ForeseenInstance {
  /** Of one that is to come: a name for this foresight alone. */
  readonly id: string;
  readonly node: string;
  readonly change: 'added' | 'removed' | 'kept';
  readonly state: string;
  /** Stages that run something for it. */
  readonly stages: readonly string[];
}

export interface ForeseenRelationship {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly change: 'added' | 'removed';
}

export interface ForeseenStage {
  readonly name: string;
  readonly operations: readonly {
    readonly operation: string;
    readonly side: string;
    readonly instance: string | null;
    /** Places in this list that it waits for, directly or through tasks that run nothing. */
    readonly dependsOn: readonly number[];
  }[];
}

/** More stages than an update has. */
const MOST_STAGES = 20;
const FOUND_WELL = { ok: true, task: 'foreseen', empty: true };
const WELL: InstanceHealth = {
  status: FOUND_WELL,
  drift: FOUND_WELL,
  driftedTo: new Set(),
  driftedFrom: new Set(),
};

export function foresee(
  model: DeploymentModel,
  update: PlannedUpdate,
  multiplicities: Multiplicities,
  next: NextStep,
): Foresight | Problem {
  // The same ids whenever it is planned: stages name what the ones before have made.
  const suffixes = () => {
    let drawn = 0;
    return () => {
      drawn += 1;
      return `new${drawn}`;
    };
  };
  const outcome = planUpdate(model, update.plan, multiplicities, suffixes());
  const health = new Map(outcome.after.instances.map(({ id }) => [id, WELL]));
  const past: PastStage[] = [];
  const stages: ForeseenStage[] = [];
  let current = model;
  while (past.length < MOST_STAGES) {
    const newSuffix = suffixes();
    const situation = {
      model: current,
      parameters: {},
      past,
      health,
      multiplicities,
      modification: null,
      update,
      children: [],
    };
    const step = next({ ...situation, newSuffix });
    if (step === null) break;
    if ('problem' in step) return step;
    if (step.changes?.some(({ kind }) => kind === 'apply-update') === true) current = outcome.after;
    stages.push(stageOf(step));
    past.push({ name: step.name, memo: step.memo ?? {}, failed: false, error: '', left: [] });
  }
  const told = stages.filter(({ operations }) => operations.length > 0);
  return {
    nodes: nodesOf(model, outcome.after, outcome.changedNodes, new Set(outcome.modification.removed)),
    instances: instancesOf(model, outcome.after, told),
    relationships: relationshipsOf(model, outcome.after),
    stages: told,
  };
}

function stageOf({
  name,
  tasks,
}: {
  readonly name: string;
  readonly tasks: Parameters<typeof operationsOf>[0];
}) {
  return { name, operations: operationsOf(tasks) };
}

function operationsOf(
  tasks: readonly {
    readonly instance: string | null;
    readonly call: { readonly operation: string; readonly side: string } | null;
    readonly dependsOn: readonly number[];
  }[],
): ForeseenStage['operations'] {
  // Through what runs nothing: for each task the operations that must be over.
  const before: (readonly number[])[] = [];
  const operations: ForeseenStage['operations'][number][] = [];
  for (const { call, instance, dependsOn } of tasks) {
    const waits = [...new Set(dependsOn.flatMap((task) => before[task] ?? []))].sort((a, b) => a - b);
    if (call === null) before.push(waits);
    else {
      before.push([operations.length]);
      operations.push({ operation: call.operation, side: call.side, instance, dependsOn: waits });
    }
  }
  return operations;
}

function nodesOf(
  before: DeploymentModel,
  after: DeploymentModel,
  modified: ReadonlySet<string>,
  removed: ReadonlySet<string>,
): ForeseenNode[] {
  const count = (model: DeploymentModel, name: string) =>
    model.instances.filter(({ node }) => node === name).length;
  const stays = (name: string) =>
    before.instances.some(({ id, node }) => node === name && !removed.has(id)) || count(before, name) === 0;
  const relinked = new Set(
    relationshipsOf(before, after).map(({ source }) => nodeOf(before, source) ?? nodeOf(after, source)),
  );
  const names = [...new Set([...after.nodes.keys(), ...before.nodes.keys()])];
  return names.map((name) => {
    const [had, has] = [before.nodes.get(name), after.nodes.get(name)];
    const change = (): ForeseenNode['change'] => {
      if (had === undefined) return 'added';
      if (has === undefined) return 'removed';
      if (had.type !== has.type || !stays(name)) return 'replaced';
      return modified.has(name) || relinked.has(name) ? 'modified' : 'kept';
    };
    return {
      name,
      change: change(),
      instancesBefore: count(before, name),
      instancesAfter: count(after, name),
    };
  });
}

function nodeOf({ instances }: DeploymentModel, id: string): string | undefined {
  return instances.find((one) => one.id === id)?.node;
}

function instancesOf(
  before: DeploymentModel,
  after: DeploymentModel,
  stages: readonly ForeseenStage[],
): ForeseenInstance[] {
  const had = new Set(before.instances.map(({ id }) => id));
  const has = new Set(after.instances.map(({ id }) => id));
  const inStages = new Map<string, Set<string>>();
  for (const { name, operations } of stages) {
    for (const { instance } of operations) {
      if (instance === null) continue;
      const there = inStages.get(instance) ?? new Set();
      inStages.set(instance, there.add(name));
    }
  }
  const shown = ({ id, node, state }: InstanceModel, change: ForeseenInstance['change']) => ({
    id,
    node,
    change,
    state,
    stages: [...(inStages.get(id) ?? [])],
  });
  return [
    ...before.instances.map((one) => shown(one, has.has(one.id) ? 'kept' : 'removed')),
    ...after.instances.filter(({ id }) => !had.has(id)).map((one) => shown(one, 'added')),
  ];
}

function relationshipsOf(before: DeploymentModel, after: DeploymentModel): ForeseenRelationship[] {
  const all = (model: DeploymentModel) =>
    new Map(
      model.instances.flatMap(({ id, relationships }) =>
        relationships.map(({ type, targetInstance }) => [
          `${id} ${type} ${targetInstance}`,
          { source: id, target: targetInstance, type },
        ]),
      ),
    );
  const [had, has] = [all(before), all(after)];
  return [
    ...[...had].filter(([key]) => !has.has(key)).map(([, one]) => ({ ...one, change: 'removed' as const })),
    ...[...has].filter(([key]) => !had.has(key)).map(([, one]) => ({ ...one, change: 'added' as const })),
  ];
}
