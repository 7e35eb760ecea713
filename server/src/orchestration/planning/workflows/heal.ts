/**
 * `heal`: finds out who is not well, lets those who know how heal themselves, and reinstalls the others with everything
 * they contain.
 *
 *     check ──► heal ──► reinstall        what has nothing to do is left out
 *
 * Without a `node_instance_id` the whole deployment is looked at, and an instance that has no check counts as well. With
 * one, the host of the instance with all it contains is; and what cannot be checked is reinstalled, as somebody says that
 * it is broken (Cloudify up to 6 did so; 7 leaves it alone).
 */
import { event, GraphBuilder, note } from '../build.js';
import { containedIn } from '../containment.js';
import type { DeploymentModel, InstanceModel } from '../model.js';
import { neighbours } from '../neighbours.js';
import { Operations } from '../operations.js';
import type { NextStep, Situation, Step } from '../staged.js';
import { weave } from '../weave.js';
import { addCheck, STATUS, statusCheck } from './check.js';
import { addInstall } from './install.js';
import { addUninstall } from './uninstall.js';
import { CIRCLE, flag, own, type Problem, type Selection } from './workflow.js';

const LIFECYCLE = 'cloudify.interfaces.lifecycle';
const HEALING = [event('Healing node instance')];
const HEALED = [
  note(STATUS, { ok: true, task: null, result: null, healed: true }),
  event('Node instance healed'),
];
const HEAL = `${LIFECYCLE}.heal`;
/** More names make nobody wiser. */
const NAMED = 5;

interface Wishes {
  readonly instance: string | null;
  readonly ignoreFailure: boolean;
  readonly checkStatus: boolean;
  readonly allowReinstall: boolean;
  readonly forceReinstall: boolean;
}

export const heal: NextStep = (situation) => {
  const wishes = read(situation);
  if ('problem' in wishes) return wishes;
  const scope = scopeOf(situation.model, wishes.instance);
  if ('problem' in scope) return scope;
  const last = situation.past.at(-1);
  if (last?.name === 'reinstall') return null;
  if (wishes.forceReinstall) return reinstallStep(situation.model, scope, wishes.ignoreFailure);
  if (last === undefined && wishes.checkStatus) return checkStep(situation.model, scope);

  if (last?.name === 'heal') {
    const waiting = last.memo.reinstall as string[];
    return reinstallUnwell(situation.model, new Set([...waiting, ...last.left]), wishes);
  }
  const unwell = situation.model.instances.filter(
    ({ id }) => scope.has(id) && !isWell(situation, id, wishes.instance !== null),
  );
  const operations = new Operations(situation.model);
  const { healing, reinstalling } = sortOut(situation.model, unwell, operations);
  if (healing.size > 0) return healStep(situation.model, healing, reinstalling);
  return reinstallUnwell(situation.model, reinstalling, wishes);
};

/** The names of those whom only a reinstall helps must survive the healing of the others. */
export function healStep(
  model: DeploymentModel,
  healing: ReadonlySet<string>,
  reinstalling: ReadonlySet<string>,
): Step | Problem {
  const builder = new GraphBuilder();
  const operations = new Operations(model);
  const related = neighbours(model);
  if (related === null) return CIRCLE;
  weave(builder, {
    model,
    neighbours: related,
    operations,
    direction: 'targets-first',
    after: [],
    onFailure: () => 'leave',
    fill(chain, instance) {
      if (!healing.has(instance.id)) return;
      chain.announce(HEALING);
      for (const name of ['preheal', 'heal', 'postheal']) {
        const call = operations.call(instance, `${LIFECYCLE}.${name}`);
        if (call !== null) chain.run(call);
      }
      chain.record(HEALED);
    },
  });
  return { name: 'heal', ...tasksOf(builder), memo: { reinstall: [...reinstalling] } };
}

/** Uninstall and install of `ids` in one stage; links of the others are taken back and made again. */
export function reinstallStep(
  model: DeploymentModel,
  ids: ReadonlySet<string>,
  ignoreFailure: boolean,
): Step | Problem {
  const selection: Selection = { has: ({ id }) => ids.has(id) };
  const uninstalled: DeploymentModel = {
    ...model,
    instances: model.instances.map((one) => (ids.has(one.id) ? { ...one, state: 'deleted' } : one)),
  };
  const builder = new GraphBuilder();
  return (
    addUninstall(builder, model, selection, ignoreFailure) ??
    addInstall(builder, uninstalled, selection) ?? { name: 'reinstall', ...tasksOf(builder) }
  );
}

export function checkStep(model: DeploymentModel, scope: ReadonlySet<string>): Step | Problem {
  const builder = new GraphBuilder();
  const selection: Selection = { has: ({ id }) => scope.has(id) };
  const how = { byDependencyOrder: false, onFailure: 'ignore' } as const;
  return addCheck(builder, model, selection, statusCheck, how) ?? { name: 'check', ...tasksOf(builder) };
}

/** Those who can heal themselves and do not stand in something that is reinstalled anyway, and those who cannot. */
export function sortOut(
  model: DeploymentModel,
  unwell: readonly InstanceModel[],
  operations: Operations,
): { healing: Set<string>; reinstalling: Set<string> } {
  const canHeal = (instance: InstanceModel) => operations.call(instance, HEAL) !== null;
  const helpless = unwell.filter((instance) => !canHeal(instance)).map(({ id }) => id);
  const reinstalling = containedIn(model, helpless);
  const healing = unwell.filter((one) => canHeal(one) && !reinstalling.has(one.id));
  return { healing: new Set(healing.map(({ id }) => id)), reinstalling };
}

/** @param strict what was never checked is not known to be well */
export function isWell({ health }: Pick<Situation, 'health'>, id: string, strict: boolean): boolean {
  const status = health.get(id)?.status ?? null;
  if (status === null) return !strict;
  return status.ok && (status.task !== null || !strict);
}

function reinstallUnwell(
  model: DeploymentModel,
  ids: ReadonlySet<string>,
  { allowReinstall, ignoreFailure }: Wishes,
): Step | Problem | null {
  if (ids.size === 0) return null;
  const all = containedIn(model, ids);
  if (!allowReinstall) return { problem: refusal([...all]) };
  return reinstallStep(model, all, ignoreFailure);
}

function refusal(ids: readonly string[]): string {
  const more = ids.length > NAMED ? ` (and ${ids.length - NAMED} more)` : '';
  return `allow_reinstall is false, but would need to reinstall instances: ${ids.slice(0, NAMED).join(', ')}${more}`;
}

/** The host of the instance (or itself) with everything inside; the whole deployment for null. */
function scopeOf(model: DeploymentModel, id: string | null): ReadonlySet<string> | Problem {
  if (id === null) return new Set(model.instances.map((instance) => instance.id));
  const instance = model.instances.find((one) => one.id === id);
  if (instance === undefined) return { problem: `No node instance with id ${id} is in the deployment` };
  return containedIn(model, [instance.host ?? id]);
}

function tasksOf(builder: GraphBuilder): Pick<Step, 'tasks'> {
  return { tasks: builder.finish('').tasks };
}

function read({ parameters }: Situation): Wishes | Problem {
  const instance = own(parameters, 'node_instance_id') ?? null;
  if (instance !== null && typeof instance !== 'string')
    return { problem: 'Parameter "node_instance_id" must be the id of a node instance' };
  const flags = {
    ignoreFailure: flag(parameters, 'ignore_failure', true),
    checkStatus: flag(parameters, 'check_status', true),
    allowReinstall: flag(parameters, 'allow_reinstall', true),
    forceReinstall: flag(parameters, 'force_reinstall'),
  };
  for (const value of Object.values(flags)) if (typeof value === 'object') return value;
  return { instance: instance === '' ? null : instance, ...(flags as Record<keyof typeof flags, boolean>) };
}
