/**
 * A deployment in which workflows are played: stages are planned, their changes made and their tasks run in any order that
 * the graph allows, without a database. What goes wrong, and where it is broken off, the test says.
 */
import type * as fc from 'fast-check';
import { withAdded } from '../changes.js';
import { isDone, type Task, type TaskState } from '../graph.js';
import type { DeploymentModel } from '../model.js';
import { type Modification, type Multiplicities, unitKey } from '../modification.js';
import { Frontier } from '../ready.js';
import { resume } from '../resume.js';
import type { NextStep, PastStage, Situation, Step } from '../staged.js';
import type { PlannedUpdate } from '../update-plan.js';

export interface World {
  readonly model: DeploymentModel;
  readonly multiplicities: Multiplicities;
  readonly started: { readonly counts: Multiplicities; readonly outcome: Modification } | null;
}

export interface Ran {
  readonly stage: string;
  readonly task: Task;
}

export interface Played {
  readonly world: World;
  /** Why it failed; null: it did not. */
  readonly problem: string | null;
  /** Tasks that were done, in the order of their ends. */
  readonly ran: readonly Ran[];
  readonly stages: readonly string[];
}

export function worldOf(model: DeploymentModel): World {
  const nodes = [...model.nodes.values()].map(({ name, scaling }): [string, number] => [
    unitKey('node', name),
    Number(scaling.default),
  ]);
  const groups = Object.entries(model.types.scalingGroups).map(([name, { scaling }]): [string, number] => [
    unitKey('group', name),
    Number(scaling.default),
  ]);
  return { model, multiplicities: new Map([...nodes, ...groups]), started: null };
}

export interface Play {
  readonly next: NextStep;
  readonly parameters: Situation['parameters'];
  readonly choices: fc.Stream<number>;
  readonly update?: PlannedUpdate;
  /** What checks left. */
  readonly health?: Situation['health'];
  /** Told each stage before it is played. */
  readonly told?: (step: Step) => void;
  /** The operation fails for good. */
  readonly fails?: (ran: Ran) => boolean;
  /** Asked before each task ends: everything is broken off, and taken up from what is stored. */
  readonly breaks?: () => boolean;
}

/** @param suffix of new instances' ids */
export function play(
  before: World,
  { next, parameters, choices, update, health, told, ...more }: Play,
): Played {
  let world = before;
  let suffix = 1000;
  const past: PastStage[] = [];
  const ran: Ran[] = [];
  for (;;) {
    const step = next({
      model: world.model,
      parameters,
      past,
      health: health ?? new Map(),
      multiplicities: world.multiplicities,
      modification: world.started && {
        id: 'm',
        added: world.started.outcome.added.map(({ id }) => id),
        removed: world.started.outcome.removed,
      },
      update: update ?? null,
      children: [],
      newSuffix: () => {
        suffix += 1;
        return String(suffix);
      },
    });
    if (step === null || 'problem' in step) {
      const stages = past.map(({ name }) => name);
      return { world, problem: step === null ? null : step.problem, ran, stages };
    }
    told?.(step);
    world = changed(world, step, update);
    const end = run(world, step, choices, more);
    world = end.world;
    for (const task of end.done) ran.push({ stage: step.name, task });
    const stages = [...past.map(({ name }) => name), step.name];
    if (end.failed && step.tolerant !== true) return { world, problem: 'failed', ran, stages };
    past.push({
      name: step.name,
      memo: step.memo ?? {},
      failed: end.failed,
      error: end.failed ? 'failed' : '',
      left: end.left,
    });
  }
}

function changed(world: World, step: Step, update?: PlannedUpdate): World {
  let { model, multiplicities, started } = world;
  for (const change of step.changes ?? []) {
    switch (change.kind) {
      case 'start-modification':
        model = withAdded(model, change.outcome);
        started = { counts: change.counts, outcome: change.outcome };
        break;
      case 'finish-modification':
        model = without(model, started!.outcome.removed, started!.outcome);
        multiplicities = new Map([...multiplicities, ...started!.counts]);
        started = null;
        break;
      case 'rollback-modification': {
        const { outcome } = started!;
        const added = new Set(outcome.added.map(({ id }) => id));
        model = without(model, [...added], { rewired: [] });
        // What was connected to what was added is not any more.
        model = {
          ...model,
          instances: model.instances.map((one) => ({
            ...one,
            relationships: one.relationships.filter((to) => !added.has(to.targetInstance)),
          })),
        };
        started = null;
        break;
      }
      case 'apply-update': {
        const { plan } = update!;
        const rewired = without(model, change.outcome.removed, change.outcome);
        model = {
          types: plan,
          nodes: new Map(plan.nodes.map((node) => [node.name, node])),
          instances: [...rewired.instances, ...change.outcome.added],
        };
        multiplicities = change.counts;
        break;
      }
    }
  }
  return { model, multiplicities, started };
}

function without(
  model: DeploymentModel,
  removed: readonly string[],
  { rewired }: Pick<Modification, 'rewired'>,
): DeploymentModel {
  const gone = new Set(removed);
  const after = new Map(rewired.map((one) => [one.id, one]));
  const instances = model.instances
    .filter(({ id }) => !gone.has(id))
    .map((one) => {
      const change = after.get(one.id);
      if (change === undefined) return one;
      return { ...one, relationships: change.after, scalingGroups: change.scalingGroups };
    });
  return { ...model, instances };
}

function run(
  world: World,
  step: Step,
  choices: fc.Stream<number>,
  { fails = () => false, breaks = () => false }: Pick<Play, 'fails' | 'breaks'>,
) {
  const graph = { workflow: step.name, tasks: step.tasks };
  const states = new Map<number, TaskState>();
  const now = new Map(world.model.instances.map(({ id, state }) => [id, state]));
  const left = new Set<string>();
  const done: Task[] = [];
  let frontier = new Frontier(graph, states);
  let underWay: number[] = [];
  const chance = (of: number) => (choices.next().value ?? 0) % of;
  for (;;) {
    if (![...states.values()].includes('failed')) underWay.push(...frontier.take(1 + chance(3)));
    if (underWay.length === 0) break;
    if (breaks()) {
      // What was under way counts as begun; a person says: all of it again.
      for (const id of underWay) states.set(id, 'started');
      const again = resume(graph, states, { force: true });
      if (again.kind !== 'resumed') throw new Error(again.kind);
      for (const { task, to } of again.changes) states.set(task, to);
      frontier = new Frontier(graph, states);
      underWay = [];
      continue;
    }
    const [id] = underWay.splice(chance(underWay.length), 1);
    const task = step.tasks[id!]!;
    const passes = task.onFailure === 'leave' && left.has(task.instance!);
    const failed = !passes && task.call !== null && fails({ stage: step.name, task });
    for (const effect of passes ? [] : task.before) {
      if (effect.kind === 'state') now.set(task.instance!, effect.state);
    }
    if (failed && task.onFailure === 'fail') {
      states.set(task.id, 'failed');
      continue;
    }
    if (failed && task.onFailure === 'leave') left.add(task.instance!);
    else if (!passes) {
      done.push(task);
      for (const effect of task.after) if (effect.kind === 'state') now.set(task.instance!, effect.state);
    }
    states.set(task.id, failed || passes ? 'skipped' : 'succeeded');
    frontier.finish(task.id);
  }
  const { model } = world;
  const instances = model.instances.map((one) => ({ ...one, state: now.get(one.id) ?? one.state }));
  return {
    world: { ...world, model: { ...model, instances } },
    failed: [...states.values()].some((state) => !isDone(state)),
    left: [...left],
    done,
  };
}
