/**
 * `update`: the deployment becomes what another plan says, and its instances follow.
 *
 *     take down ──► apply ──► check ──► heal ──► update ──► reinstall ──► install
 *
 * What goes is taken down by the old plan's operations, before anything else is changed; `apply` is the moment when the
 * new plan is the deployment's, in one transaction with the instances that come and go; everything after runs by the new
 * plan. A failure before `apply` leaves the old plan, one after it the new. Stages with nothing to do are left out.
 */
import { event, GraphBuilder, note } from '../build.js';
import { containedIn } from '../containment.js';
import type { Task } from '../graph.js';
import type { DeploymentModel, InstanceModel } from '../model.js';
import { neighbours } from '../neighbours.js';
import { Operations } from '../operations.js';
import type { NextStep, Situation, Step } from '../staged.js';
import { type PlannedUpdate, planUpdate, type UpdateOutcome } from '../update-plan.js';
import { weave } from '../weave.js';
import { addCheck, DRIFT, driftCheck, hasDriftCheck } from './check.js';
import { checkStep, healStep, isWell, reinstallStep, sortOut } from './heal.js';
import { addInstall } from './install.js';
import { addUninstall } from './uninstall.js';
import { CIRCLE, type Problem } from './workflow.js';

const LIFECYCLE = 'cloudify.interfaces.lifecycle';
const UPDATES = ['preupdate', 'update', 'postupdate', 'update_config', 'update_apply', 'update_postapply'];
/** Who has one of these can be updated in place. */
const IN_PLACE = ['update', 'update_config', 'update_apply'];
const UPDATING = [event('Updating node instance')];
const UPDATED = [note(DRIFT, { ok: true, task: null, result: null }), event('Node instance updated')];
const LINK_UPDATE = 'cloudify.interfaces.relationship_lifecycle.update';

/** What the later stages know of the earlier ones; ids of instances. */
interface Memo {
  readonly added: string[];
  /** Places of new relationships between instances that were there before. */
  readonly linked: Record<string, number[]>;
  /** Of nodes that differ. */
  readonly changed: string[];
  /** To be updated in place. */
  readonly update: string[];
  readonly reinstall: string[];
}

/** @param run the workflow of that name, where one is to run in place of everything after `apply` */
export function updating(run: (name: string, model: DeploymentModel) => readonly Task[] | Problem): NextStep {
  return (situation) => {
    const { update, past } = situation;
    if (update === null) return { problem: 'This execution has no deployment update to carry out' };
    const last = past.at(-1);
    if (last === undefined || last.name === 'take down') {
      const outcome = planUpdate(situation.model, update.plan, situation.multiplicities, situation.newSuffix);
      const down = last === undefined ? takeDown(situation.model, outcome, update) : null;
      return down ?? apply(outcome, update, run);
    }
    if (update.wishes.workflow !== null) return null;
    const memo = last.memo as unknown as Memo;
    if (last.name === 'apply') return after('apply', situation, update, sorted(situation, update, memo));
    const tried = last.name === 'heal' || last.name === 'update';
    return after(last.name, situation, update, tried ? alsoReinstall(memo, last.left) : memo);
  };
}

function takeDown(
  model: DeploymentModel,
  outcome: UpdateOutcome,
  { wishes }: PlannedUpdate,
): Step | Problem | null {
  if (wishes.workflow !== null) return null;
  const going = new Set(wishes.skipUninstall ? [] : outcome.modification.removed);
  const builder = new GraphBuilder();
  const problem = addUninstall(
    builder,
    model,
    { has: ({ id }) => going.has(id) },
    wishes.ignoreFailure,
    ({ id }, place) => outcome.unlinked.get(id)?.has(place) === true,
  );
  if (problem !== null) return problem;
  const { tasks } = builder.finish('update');
  return tasks.length === 0 ? null : { name: 'take down', tasks };
}

function apply(
  outcome: UpdateOutcome,
  { wishes }: PlannedUpdate,
  run: (name: string, model: DeploymentModel) => readonly Task[] | Problem,
): Step | Problem {
  const { modification, counts, after: then } = outcome;
  const added = new Set(modification.added.map(({ id }) => id));
  const old = then.instances.filter(({ id }) => !added.has(id));
  const memo: Memo = {
    added: [...added],
    linked: Object.fromEntries([...outcome.linked].map(([id, places]) => [id, [...places]])),
    changed: old.filter(({ node }) => outcome.changedNodes.has(node)).map(({ id }) => id),
    update: [],
    reinstall: [],
  };
  const step = {
    name: 'apply',
    changes: [{ kind: 'apply-update' as const, outcome: modification, counts }],
    memo: memo as unknown as Step['memo'] & object,
  };
  if (wishes.workflow !== null) {
    const tasks = run(wishes.workflow, then);
    return 'problem' in tasks ? tasks : { ...step, tasks };
  }
  if (wishes.skipDriftCheck) return { ...step, tasks: [] };
  const builder = new GraphBuilder();
  const operations = new Operations(then);
  const running = new Set(
    old.filter((one) => one.state === 'started' && hasDriftCheck(one, operations)).map(({ id }) => id),
  );
  const how = { byDependencyOrder: false, onFailure: 'ignore' } as const;
  const problem = addCheck(builder, then, { has: ({ id }) => running.has(id) }, driftCheck, how);
  return problem ?? { ...step, tasks: builder.finish('update').tasks };
}

/** Who is updated in place, and who is reinstalled, as far as the new plan and the drift checks say it. */
function sorted(situation: Situation, { wishes }: PlannedUpdate, memo: Memo): Memo {
  const { model, health } = situation;
  const operations = new Operations(model);
  const added = new Set(memo.added);
  const changed = new Set(memo.changed);
  const update: string[] = [];
  const reinstall: string[] = [];
  for (const instance of model.instances) {
    const { id } = instance;
    if (instance.state !== 'started' || added.has(id)) continue;
    const found = health.get(id);
    const checked = !wishes.skipDriftCheck && hasDriftCheck(instance, operations);
    if (wishes.forceReinstall || (checked && found?.drift?.ok !== true)) reinstall.push(id);
    else if (
      hasDrifted(situation, instance, changed, checked) ||
      driftedLinks(situation, instance, checked).length > 0
    ) {
      if (isUpdatable(instance, operations)) update.push(id);
      else reinstall.push(id);
    }
  }
  return { ...memo, update, reinstall };
}

/** What nothing can check has drifted when its node has changed. */
function hasDrifted(
  { health }: Situation,
  { id }: InstanceModel,
  changed: ReadonlySet<string>,
  checked: boolean,
): boolean {
  return checked ? health.get(id)?.drift?.empty === false : changed.has(id);
}

interface DriftedLink {
  readonly place: number;
  readonly side: 'source' | 'target';
}

/** Sides of the instance's relationships that a check has found drifted. */
function driftedLinks(
  { health }: Situation,
  { id, relationships }: InstanceModel,
  checked: boolean,
): DriftedLink[] {
  if (!checked) return [];
  return relationships.flatMap(({ targetInstance }, place): DriftedLink[] => [
    ...(health.get(id)?.driftedTo.has(targetInstance) ? [{ place, side: 'source' as const }] : []),
    ...(health.get(targetInstance)?.driftedFrom.has(id) ? [{ place, side: 'target' as const }] : []),
  ]);
}

function isUpdatable(instance: InstanceModel, operations: Operations): boolean {
  return IN_PLACE.some((name) => operations.call(instance, `${LIFECYCLE}.${name}`) !== null);
}

function alsoReinstall(memo: Memo, ids: Iterable<string>): Memo {
  return { ...memo, reinstall: [...new Set([...memo.reinstall, ...ids])] };
}

/** A stage, when it has something to do, and what the ones after it know. */
type Look = (
  situation: Situation,
  update: PlannedUpdate,
  memo: Memo,
) => { readonly step: Step | Problem | null; readonly memo: Memo };

const PHASES: readonly (readonly [string, Look])[] = [
  [
    'check',
    ({ model }, { wishes }, memo) => ({
      step: memo.update.length === 0 || wishes.skipHeal ? null : checkStep(model, new Set(memo.update)),
      memo,
    }),
  ],
  [
    'heal',
    (situation, { wishes }, memo) => {
      const { model } = situation;
      const asked = new Set(wishes.skipHeal ? [] : memo.update);
      const unwell = model.instances.filter(({ id }) => asked.has(id) && !isWell(situation, id, false));
      const { healing, reinstalling } = sortOut(model, unwell, new Operations(model));
      return {
        step: healing.size === 0 ? null : healStep(model, healing, new Set()),
        memo: alsoReinstall(memo, reinstalling),
      };
    },
  ],
  [
    'update',
    (situation, update, memo) => {
      const ids = without(situation.model, memo);
      return { step: ids.size === 0 ? null : updateStep(situation, update, memo, ids), memo };
    },
  ],
  [
    'reinstall',
    ({ model }, { wishes }, memo) => {
      const wanted = containedIn(model, [
        ...(wishes.skipReinstall ? [] : memo.reinstall),
        ...wishes.reinstallList,
      ]);
      for (const id of memo.added) wanted.delete(id);
      const there = new Set(model.instances.filter(({ id }) => wanted.has(id)).map(({ id }) => id));
      return { step: there.size === 0 ? null : reinstallStep(model, there, wishes.ignoreFailure), memo };
    },
  ],
  [
    'install',
    ({ model }, { wishes }, memo) => ({ step: wishes.skipInstall ? null : installStep(model, memo), memo }),
  ],
];

/** The first stage after the one named that has something to do. */
function after(name: string, situation: Situation, update: PlannedUpdate, memo: Memo): Step | Problem | null {
  let known = memo;
  for (const [, look] of PHASES.slice(PHASES.findIndex(([phase]) => phase === name) + 1)) {
    const seen = look(situation, update, known);
    known = seen.memo;
    if (seen.step !== null) return told(seen.step, known);
  }
  return null;
}

function told(step: Step | Problem, memo: Memo): Step | Problem {
  return 'problem' in step ? step : { ...step, memo: memo as unknown as Step['memo'] & object };
}

/** What is reinstalled anyway need not be updated. */
function without(model: DeploymentModel, memo: Memo): ReadonlySet<string> {
  const reinstalled = containedIn(model, memo.reinstall);
  return new Set(memo.update.filter((id) => !reinstalled.has(id)));
}

/** Its own operations for what has drifted itself, those of relationships for the relationships that have. */
function updateStep(
  situation: Situation,
  { wishes }: PlannedUpdate,
  memo: Memo,
  ids: ReadonlySet<string>,
): Step | Problem {
  const { model } = situation;
  const changed = new Set(memo.changed);
  const related = neighbours(model);
  if (related === null) return CIRCLE;
  const builder = new GraphBuilder();
  const operations = new Operations(model);
  weave(builder, {
    model,
    neighbours: related,
    operations,
    direction: 'targets-first',
    after: [],
    onFailure: () => 'leave',
    fill(chain, instance) {
      if (!ids.has(instance.id)) return;
      chain.announce(UPDATING);
      const checked = !wishes.skipDriftCheck && hasDriftCheck(instance, operations);
      const own = hasDrifted(situation, instance, changed, checked) ? UPDATES : [];
      for (const name of own) {
        const call = operations.call(instance, `${LIFECYCLE}.${name}`);
        if (call !== null) chain.run(call);
      }
      if (operations.hasRelationshipCalls(instance, LINK_UPDATE)) {
        chain.fork(
          driftedLinks(situation, instance, checked).flatMap(({ place, side }) =>
            operations.relationshipCalls(instance, place, LINK_UPDATE).filter((call) => call.side === side),
          ),
        );
      }
      chain.record(UPDATED);
    },
  });
  return { name: 'update', tasks: builder.finish('update').tasks };
}

function installStep(model: DeploymentModel, { added, linked }: Memo): Step | Problem | null {
  const builder = new GraphBuilder();
  const fresh = new Set(added);
  const problem = addInstall(
    builder,
    model,
    { has: ({ id }) => fresh.has(id) },
    ({ id }, place) => Object.hasOwn(linked, id) && linked[id]!.includes(place),
  );
  if (problem !== null) return problem;
  const { tasks } = builder.finish('update');
  return tasks.length === 0 ? null : { name: 'install', tasks };
}
