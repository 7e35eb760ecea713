/**
 * `scale`: more or fewer instances of a node or a scaling group, with everything that scales with them.
 *
 *     out:  start the modification, install what it added ──► finish it
 *                     └─ failed ──► uninstall what it added ──► take it back ──► failed
 *     in:   start the modification, uninstall what is to go ──► finish it
 *
 * A scale-in that fails, or a scale-out with `rollback_if_failed: false`, leaves its modification started; resuming the
 * execution goes on with it, and `abort_started` of a later scale takes it back.
 */
import type { JsonObject } from '../../../dsl/plan.js';
import { event, GraphBuilder } from '../build.js';
import { type StartedModification, withAdded } from '../changes.js';
import type { DeploymentModel, InstanceModel } from '../model.js';
import { type Hints, modify, unitKey, withCounts } from '../modification.js';
import type { NextStep, Situation, Step } from '../staged.js';
import { addInstall } from './install.js';
import { addUninstall } from './uninstall.js';
import { flag, own, type Problem } from './workflow.js';

const COMPUTE = 'cloudify.nodes.Compute';

interface Wishes {
  readonly entity: string;
  readonly delta: number;
  readonly compute: boolean;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly ignoreFailure: boolean;
  readonly rollback: boolean;
  readonly abort: boolean;
}

export const scale: NextStep = (situation) => {
  const wishes = read(situation.parameters);
  if ('problem' in wishes) return wishes;
  const last = situation.past.at(-1);
  switch (last?.name) {
    case undefined:
      if (wishes.delta === 0) return told('Scaling was asked for with a delta of 0: nothing to do');
      if (situation.modification === null) return begin(situation, wishes);
      if (!wishes.abort) return { problem: stillStarted(situation.modification) };
      return goingBack('abort', situation, situation.modification, 'Aborting a started modification');
    case 'abort':
      return { name: 'aborted', tasks: [], changes: [{ kind: 'rollback-modification' }] };
    case 'aborted':
      return begin(situation, wishes);
    case 'scale':
      if (!last!.failed) return { name: 'finish', tasks: [], changes: [{ kind: 'finish-modification' }] };
      return goingBack('rollback', situation, situation.modification, 'Scale out failed, scaling back in.');
    case 'rollback':
      return { name: 'undo', tasks: [], changes: [{ kind: 'rollback-modification' }] };
    case 'undo':
      return { problem: situation.past.find(({ name }) => name === 'scale')?.error ?? 'Scaling failed' };
    default:
      return null;
  }
};

function begin(situation: Situation, wishes: Wishes): Step | Problem {
  const { model, multiplicities } = situation;
  const entity = entityOf(model, wishes);
  if ('problem' in entity) return entity;
  const key = unitKey(entity.kind, entity.name);
  const now = multiplicities.get(key) ?? 0;
  const planned = now + wishes.delta;
  if (planned < 0) {
    return {
      problem: `Provided delta: ${wishes.delta} is illegal. current number of instances of entity ${entity.name} is ${now}`,
    };
  }
  const hints = hintsOf(model, entity, wishes);
  if ('problem' in hints) return hints;
  const counts = new Map([...multiplicities, [key, planned]]);
  const plan = { ...model.types, nodes: [...model.nodes.values()] };
  const outcome = modify(withCounts(plan, counts), model.instances, hints, situation.newSuffix);
  const out = wishes.delta > 0;
  const tasks = out
    ? installing(withAdded(model, outcome), outcome.added)
    : uninstalling(model, new Set(outcome.removed), wishes.ignoreFailure);
  if ('problem' in tasks) return tasks;
  const asked: JsonObject = {
    [entity.name]: {
      instances: planned,
      removed_ids_include_hint: [...wishes.include],
      removed_ids_exclude_hint: [...wishes.exclude],
    },
  };
  return {
    name: 'scale',
    ...tasks,
    tolerant: out && wishes.rollback,
    changes: [{ kind: 'start-modification', asked, context: {}, counts: new Map([[key, planned]]), outcome }],
  };
}

function installing(model: DeploymentModel, added: readonly InstanceModel[]): Pick<Step, 'tasks'> | Problem {
  const ids = new Set(added.map(({ id }) => id));
  const builder = new GraphBuilder();
  return addInstall(builder, model, { has: ({ id }) => ids.has(id) }) ?? tasksOf(builder);
}

function uninstalling(
  model: DeploymentModel,
  ids: ReadonlySet<string>,
  ignoreFailure: boolean,
): Pick<Step, 'tasks'> | Problem {
  const builder = new GraphBuilder();
  return addUninstall(builder, model, { has: ({ id }) => ids.has(id) }, ignoreFailure) ?? tasksOf(builder);
}

/** Uninstalls what the modification has added, whatever fails. */
function goingBack(
  name: string,
  { model }: Situation,
  modification: StartedModification | null,
  message: string,
): Step | Problem {
  const ids = new Set(modification?.added ?? []);
  const builder = new GraphBuilder();
  builder.marker(null, [], [event(message)]);
  return (
    addUninstall(builder, model, { has: ({ id }) => ids.has(id) }, true) ?? { name, ...tasksOf(builder) }
  );
}

function told(message: string): Step {
  const builder = new GraphBuilder();
  builder.marker(null, [], [event(message)]);
  return { name: 'nothing', ...tasksOf(builder) };
}

function stillStarted({ id }: StartedModification): string {
  return `Cannot start deployment modification while there are existing started deployment modifications. Currently started deployment modifications: [${id}]`;
}

interface Entity {
  readonly kind: 'node' | 'group';
  readonly name: string;
}

/** A scaling group of that name, else a node; with `scale_compute` the host of the node. */
function entityOf(model: DeploymentModel, wishes: Wishes): Entity | Problem {
  const name = wishes.entity;
  if (Object.hasOwn(model.types.scalingGroups, name)) return { kind: 'group', name };
  const node = model.nodes.get(name);
  if (node === undefined) return { problem: `No scalable entity named ${name} was found` };
  const isHost = model.types.nodeTypes[node.type]?.hierarchy.includes(COMPUTE) === true;
  return { kind: 'node', name: wishes.compute && !isHost && node.host !== null ? node.host : name };
}

function hintsOf(model: DeploymentModel, entity: Entity, wishes: Wishes): Hints | Problem {
  const named = [...wishes.include, ...wishes.exclude];
  if (named.length === 0) return { include: new Set(), exclude: new Set() };
  if (wishes.delta > 0)
    return { problem: 'Instances to include or exclude can only be named when scaling in' };
  if (wishes.compute) return { problem: 'Cannot include or exclude instances while "scale_compute" is set' };
  const byId = new Map(model.instances.map((instance) => [instance.id, instance]));
  const scaled = model.instances.filter((one) => placeIn(one, entity) !== null);
  const strangers = named.filter((id) => {
    const instance = byId.get(id);
    return instance === undefined || placeIn(instance, entity) === null;
  });
  if (strangers.length > 0)
    return { problem: `These instances are not of ${entity.name}: ${strangers.join(', ')}` };
  const both = wishes.include.filter((id) => wishes.exclude.includes(id));
  if (both.length > 0)
    return { problem: `These instances are both included and excluded: ${both.join(', ')}` };
  const places = (ids: readonly string[]) => new Set(ids.map((id) => placeIn(byId.get(id)!, entity)!));
  const [include, exclude] = [places(wishes.include), places(wishes.exclude)];
  const all = new Set(scaled.map((one) => placeIn(one, entity)!));
  if (all.size - exclude.size < -wishes.delta) {
    return {
      problem: `Too many instances of ${entity.name} are excluded to remove ${-wishes.delta} of them`,
    };
  }
  return { include, exclude };
}

/** What of the entity goes when the instance goes: itself, or its instance of the group. */
function placeIn(instance: InstanceModel, { kind, name }: Entity): string | null {
  if (kind === 'node') return instance.node === name ? instance.id : null;
  return instance.scalingGroups.find((group) => group.name === name)?.id ?? null;
}

function tasksOf(builder: GraphBuilder): Pick<Step, 'tasks'> {
  return { tasks: builder.finish('scale').tasks };
}

function read(parameters: JsonObject): Wishes | Problem {
  const entity = own(parameters, 'scalable_entity_name');
  if (typeof entity !== 'string' || entity === '')
    return { problem: 'Parameter "scalable_entity_name" must be the name of a node or a scaling group' };
  const given = own(parameters, 'delta') ?? 1;
  const delta = typeof given === 'string' && /^\s*[-+]?\d+\s*$/.test(given) ? Number(given) : given;
  if (typeof delta !== 'number' || !Number.isSafeInteger(delta))
    return { problem: `The delta parameter must be a number. Got: ${JSON.stringify(given)}` };
  const include = ids(parameters, 'include_instances');
  if ('problem' in include) return include;
  const exclude = ids(parameters, 'exclude_instances');
  if ('problem' in exclude) return exclude;
  const flags = {
    compute: flag(parameters, 'scale_compute'),
    ignoreFailure: flag(parameters, 'ignore_failure'),
    rollback: flag(parameters, 'rollback_if_failed', true),
    abort: flag(parameters, 'abort_started'),
  };
  for (const value of Object.values(flags)) if (typeof value === 'object') return value;
  return { entity, delta, include, exclude, ...(flags as Record<keyof typeof flags, boolean>) };
}

/** A list, or one id alone. */
function ids(parameters: JsonObject, name: string): readonly string[] | Problem {
  const given = own(parameters, name) ?? [];
  const all = Array.isArray(given) ? given : [given];
  if (all.every((one) => typeof one === 'string')) return all as string[];
  return { problem: `Parameter "${name}" must be a list of ids of node instances` };
}
