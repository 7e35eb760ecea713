/** The stages of an update, printed: what goes, the moment of the new plan, what is checked, updated, reinstalled, and what comes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PreparedPlan } from '../../../dsl/plan.js';
import type { DeploymentModel } from '../model.js';
import { printGraph } from '../print.js';
import type { InstanceHealth, Step } from '../staged.js';
import { aDeployment, inState, type NodeSketch } from '../testdata/a-deployment.js';
import { play, worldOf } from '../testdata/a-played-world.js';
import type { UpdateWishes } from '../update-plan.js';
import { updating } from './update.js';

const WISHES: UpdateWishes = {
  skipInstall: false,
  skipUninstall: false,
  skipReinstall: false,
  skipDriftCheck: false,
  skipHeal: false,
  forceReinstall: false,
  ignoreFailure: false,
  reinstallList: [],
  workflow: null,
};
const NOBODY: ReadonlySet<string> = new Set();
const DRIFTED: InstanceHealth = {
  status: null,
  drift: { ok: true, task: 'check', empty: false },
  driftedTo: NOBODY,
  driftedFrom: NOBODY,
};
const SAME: InstanceHealth = { ...DRIFTED, drift: { ok: true, task: 'check', empty: true } };

function stages(
  from: Readonly<Record<string, NodeSketch>>,
  to: Readonly<Record<string, NodeSketch>>,
  more: { wishes?: Partial<UpdateWishes>; health?: Record<string, InstanceHealth> } = {},
): string {
  const target: DeploymentModel = aDeployment(to);
  const plan = { ...target.types, nodes: [...target.nodes.values()] } as unknown as PreparedPlan;
  const told: Step[] = [];
  const played = play(worldOf(inState(aDeployment(from), { '*': 'started' })), {
    next: updating(() => ({ problem: 'no such workflow' })),
    parameters: {},
    // One at a time, the first first.
    choices: endless(),
    update: { id: 'u', plan, wishes: { ...WISHES, ...more.wishes } },
    health: new Map(Object.entries(more.health ?? {})),
    told: (step) => told.push(step),
  });
  assert.equal(played.problem, null);
  return told.map(shown).join('\n');
}

function shown(step: Step): string {
  const changes = (step.changes ?? []).map(({ kind }) => `+ ${kind}\n`).join('');
  const graph = printGraph({ workflow: step.name, tasks: step.tasks });
  // What is told at starts and successes is printed elsewhere.
  return (
    changes +
    graph
      .split('\n')
      .filter((line) => !/^ {2}[<>]/.test(line))
      .join('\n')
  );
}

function endless() {
  return { next: () => ({ value: 0, done: false }) } as unknown as Parameters<typeof play>[1]['choices'];
}

const APP = ['lifecycle.create', 'lifecycle.delete'];

describe('update', () => {
  it('takes down what goes, applies the plan, and installs what comes', () => {
    assert.equal(
      stages(
        {
          db: { operations: APP },
          old: { operations: APP, relationships: [{ to: 'db', source: ['unlink'] }] },
        },
        {
          db: { operations: APP },
          web: { operations: APP, relationships: [{ to: 'db', source: ['establish'] }] },
        },
      ),
      `take down: 2 tasks
0 old_2 relationship_lifecycle.unlink of 0 at source
1 old_2 lifecycle.delete, after 0
+ apply-update
apply: 0 tasks
install: 2 tasks
0 web_1002 lifecycle.create
1 web_1002 relationship_lifecycle.establish of 0 at source, after 0`,
    );
  });

  it('updates in place who has changed and knows how, and reinstalls who does not', () => {
    const both = (size: number) => ({
      knows: { operations: ['lifecycle.update', 'lifecycle.postupdate'], properties: { size } },
      does_not: { operations: APP, properties: { size } },
      stays: { operations: ['lifecycle.update'] },
    });
    assert.equal(
      stages(both(1), both(2)),
      `+ apply-update
apply: 0 tasks
check: 1 task
0 knows_1 marker
update: 2 tasks
0 knows_1 lifecycle.update, left on failure
1 knows_1 lifecycle.postupdate, after 0, left on failure
reinstall: 2 tasks
0 does_not_2 lifecycle.delete
1 does_not_2 lifecycle.create, after 0`,
    );
  });

  it('believes the check rather than the plan: who has not drifted is left alone, changed or not', () => {
    const checked = (size: number) => ({
      a: { operations: ['lifecycle.check_drift', 'lifecycle.update'], properties: { size } },
    });
    assert.equal(
      stages(checked(1), checked(2), { health: { a_1: SAME } }),
      `+ apply-update
apply: 1 task
0 a_1 lifecycle.check_drift, failure ignored, 0 retries, kept as configuration_drift on a_1`,
    );
  });

  it('runs updates of relationships for those that have drifted, on the side that has', () => {
    const sides = { source: ['update'], target: ['update'] };
    const plan: Record<string, NodeSketch> = {
      db: {},
      cache: {},
      web: {
        operations: ['lifecycle.check_drift', 'lifecycle.update'],
        relationships: [
          { to: 'db', ...sides },
          { to: 'cache', ...sides },
        ],
      },
    };
    const health = {
      web_3: { ...SAME, driftedTo: new Set(['cache_2']) },
      db_1: { ...SAME, driftedFrom: new Set(['web_3']) },
    };
    assert.equal(
      stages(plan, plan, { health, wishes: { skipHeal: true } }),
      `+ apply-update
apply: 1 task
0 web_3 lifecycle.check_drift, failure ignored, 0 retries, kept as configuration_drift on web_3
update: 4 tasks
0 web_3 marker, left on failure
1 web_3 relationship_lifecycle.update of 0 at target, after 0, left on failure
2 web_3 relationship_lifecycle.update of 1 at source, after 0, left on failure
3 web_3 marker, after 1 2, left on failure`,
    );
  });

  it('leaves out what is not wanted', () => {
    const from = { a: { operations: APP, properties: { size: 1 } }, old: { operations: APP } };
    const to = { a: { operations: APP, properties: { size: 2 } }, fresh: { operations: APP } };
    const wishes = { skipInstall: true, skipUninstall: true, skipReinstall: true, skipDriftCheck: true };
    assert.equal(stages(from, to, { wishes }), '+ apply-update\napply: 0 tasks');
    assert.equal(
      stages(from, to, { wishes: { ...wishes, reinstallList: ['a_1'] } }),
      `+ apply-update
apply: 0 tasks
reinstall: 2 tasks
0 a_1 lifecycle.delete
1 a_1 lifecycle.create, after 0`,
    );
  });
});
