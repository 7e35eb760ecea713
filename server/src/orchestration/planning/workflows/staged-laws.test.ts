/** What holds for workflows that are planned in stages, on any deployment: scaling, healing, updating. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { PreparedPlan } from '../../../dsl/plan.js';
import { instantiate } from '../instances.js';
import type { DeploymentModel, InstanceModel } from '../model.js';
import { unitKey } from '../modification.js';
import { inState } from '../testdata/a-deployment.js';
import { play, type Ran, type World, worldOf } from '../testdata/a-played-world.js';
import { aRandomDeployment } from '../testdata/a-random-deployment.js';
import type { UpdateWishes } from '../update-plan.js';
import { heal } from './heal.js';
import { scale } from './scale.js';
import { updating } from './update.js';

const choices = fc.infiniteStream(fc.nat());
const RUNS = { numRuns: 60 };

const shown = ({ id, state, relationships, scalingGroups }: InstanceModel) =>
  `${id} ${state} -> ${relationships.map((to) => `${to.relationship} ${to.targetInstance}`).join(' ')} in ${scalingGroups.map((group) => group.id).join(' ')}`;
const sketch = ({ model }: World) => model.instances.map(shown).sort();
const counts = ({ multiplicities }: World) =>
  [...multiplicities].map(([key, count]) => `${key} ${count}`).sort();

/** A deployment that runs, one of its nodes perhaps in a scaling group, and the name of what is to be scaled. */
const scalable: fc.Arbitrary<{ model: DeploymentModel; entity: string }> = fc
  .tuple(aRandomDeployment, fc.nat(), fc.boolean(), fc.integer({ min: 0, max: 2 }))
  .map(([model, pick, grouped, groups]) => {
    const nodes = [...model.nodes.values()];
    const node = nodes[pick % nodes.length]!.name;
    if (!grouped) return { model: inState(model, { '*': 'started' }), entity: node };
    const scalingGroups = { pack: { members: [node], scaling: { default: groups, min: 0, max: -1 } } };
    const types = { ...model.types, scalingGroups };
    const plan = { ...types, nodes };
    let count = 0;
    // All to one cannot lead into a group, nor out of one that the other end is in.
    const connected = {
      ...plan,
      nodes: nodes.map((one) => ({
        ...one,
        relationships: one.relationships.map((to) => ({ ...to, properties: {} })),
      })),
    };
    const instances = instantiate(connected, () => {
      count += 1;
      return String(count);
    });
    const made = {
      types: { ...types },
      nodes: new Map(connected.nodes.map((one) => [one.name, one])),
      instances,
    };
    return { model: inState(made, { '*': 'started' }), entity: 'pack' };
  });

describe('scale', () => {
  it('out and in again is the identity, for nodes and for scaling groups', () => {
    fc.assert(
      fc.property(scalable, fc.integer({ min: 1, max: 3 }), choices, ({ model, entity }, delta, chance) => {
        const before = worldOf(model);
        const parameters = { scalable_entity_name: entity, delta };
        const out = play(before, { next: scale, parameters, choices: chance });
        assert.equal(out.problem, null);
        assert.ok(out.world.model.instances.every(({ state }) => state === 'started'));
        const back = play(out.world, {
          next: scale,
          parameters: { ...parameters, delta: -delta },
          choices: chance,
        });
        assert.equal(back.problem, null);
        assert.deepEqual(sketch(back.world), sketch(before));
        assert.deepEqual(counts(back.world), counts(before));
      }),
      RUNS,
    );
  });

  it('out, when it fails, is taken back whole: nothing is left of it, and it fails with what failed', () => {
    fc.assert(
      fc.property(
        scalable,
        fc.integer({ min: 1, max: 3 }),
        fc.nat(),
        choices,
        ({ model, entity }, delta, at, chance) => {
          const before = worldOf(model);
          const parameters = { scalable_entity_name: entity, delta };
          const whole = play(before, { next: scale, parameters, choices: chance });
          const operations = whole.ran.filter(({ task }) => task.call !== null).length;
          if (operations === 0) return;
          let asked = 0;
          const failed = play(before, {
            next: scale,
            parameters,
            choices: chance,
            fails: ({ stage }) => {
              if (stage !== 'scale') return false;
              asked += 1;
              return asked === (at % operations) + 1;
            },
          });
          assert.equal(failed.problem, 'failed');
          assert.deepEqual(failed.stages, ['scale', 'rollback', 'undo']);
          assert.deepEqual(sketch(failed.world), sketch(before));
          assert.deepEqual(counts(failed.world), counts(before));
          assert.equal(failed.world.started, null);
        },
      ),
      RUNS,
    );
  });

  it('has the same end wherever it is broken off and taken up again', () => {
    fc.assert(
      fc.property(
        scalable,
        fc.integer({ min: -2, max: 3 }),
        fc.nat(),
        choices,
        ({ model, entity }, delta, every, chance) => {
          const parameters = { scalable_entity_name: entity, delta };
          const whole = play(worldOf(model), { next: scale, parameters, choices: chance });
          let asked = 0;
          const breaks = () => {
            asked += 1;
            return asked % ((every % 5) + 2) === 0;
          };
          const broken = play(worldOf(model), { next: scale, parameters, choices: chance, breaks });
          assert.deepEqual(
            [broken.problem, broken.stages, sketch(broken.world), counts(broken.world)],
            [whole.problem, whole.stages, sketch(whole.world), counts(whole.world)],
          );
          assert.deepEqual(named(broken.ran), named(whole.ran));
        },
      ),
      RUNS,
    );
  });
});

describe('heal', () => {
  it('of everything, by force, ends with everything started, and has deleted each before it made it', () => {
    fc.assert(
      fc.property(aRandomDeployment, choices, (random, chance) => {
        const before = worldOf(inState(random, { '*': 'started' }));
        const done = play(before, { next: heal, parameters: { force_reinstall: true }, choices: chance });
        assert.deepEqual(sketch(done.world), sketch(before));
        const ended = new Set<string>();
        for (const { task } of done.ran) {
          for (const effect of task.after) {
            if (effect.kind !== 'state') continue;
            if (effect.state === 'deleted') ended.add(task.instance!);
            if (effect.state === 'started') assert.ok(ended.has(task.instance!));
          }
        }
        assert.equal(ended.size, before.model.instances.length);
      }),
      RUNS,
    );
  });
});

describe('update', () => {
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
  const next = updating(() => ({ problem: 'no such workflow' }));
  const updated = (from: DeploymentModel, to: DeploymentModel, chance: fc.Stream<number>, more = {}) => {
    const plan = { ...to.types, nodes: [...to.nodes.values()] } as unknown as PreparedPlan;
    const update = { id: 'u', plan, wishes: WISHES };
    return play(worldOf(inState(from, { '*': 'started' })), {
      next,
      parameters: {},
      choices: chance,
      update,
      ...more,
    });
  };

  it('ends with exactly what a new deployment of the plan would have, all of it started', () => {
    fc.assert(
      fc.property(aRandomDeployment, aRandomDeployment, choices, (from, to, chance) => {
        const { world, problem } = updated(from, to, chance);
        assert.equal(problem, null);
        assert.ok(world.model.instances.every(({ state }) => state === 'started'));
        assert.deepEqual(perNode(world.model), perNode(to));
      }),
      RUNS,
    );
  });

  it('takes down what goes before anything else, and installs what comes last', () => {
    fc.assert(
      fc.property(aRandomDeployment, aRandomDeployment, choices, (from, to, chance) => {
        const { ran, world } = updated(from, to, chance);
        const before = new Set(from.instances.map(({ id }) => id));
        const after = new Set(world.model.instances.map(({ id }) => id));
        const order = ['take down', 'apply', 'check', 'heal', 'update', 'reinstall', 'install'];
        const stages = ran.map(({ stage }) => order.indexOf(stage));
        assert.deepEqual(
          stages,
          [...stages].sort((a, b) => a - b),
        );
        for (const { stage, task } of ran) {
          if (task.instance === null) continue;
          if (!after.has(task.instance)) assert.equal(stage, 'take down');
          if (!before.has(task.instance) && task.call !== null) assert.equal(stage, 'install');
        }
      }),
      RUNS,
    );
  });

  it('to the same plan runs nothing but checks', () => {
    fc.assert(
      fc.property(aRandomDeployment, choices, (model, chance) => {
        const { ran, world } = updated(model, model, chance);
        assert.deepEqual(named(ran.filter(({ task }) => task.call !== null)), []);
        assert.deepEqual(sketch(world), sketch(worldOf(inState(model, { '*': 'started' }))));
      }),
      RUNS,
    );
  });

  it('has the same end wherever it is broken off and taken up again', () => {
    fc.assert(
      fc.property(aRandomDeployment, aRandomDeployment, fc.nat(), choices, (from, to, every, chance) => {
        const whole = updated(from, to, chance);
        let asked = 0;
        const breaks = () => {
          asked += 1;
          return asked % ((every % 5) + 2) === 0;
        };
        const broken = updated(from, to, chance, { breaks });
        assert.deepEqual([broken.stages, sketch(broken.world)], [whole.stages, sketch(whole.world)]);
        assert.deepEqual(named(broken.ran), named(whole.ran));
      }),
      RUNS,
    );
  });
});

/** What was done, whatever the order. */
function named(ran: readonly Ran[]): string[] {
  return ran.map(({ stage, task }) => `${stage} ${task.id} ${task.instance} ${task.call?.operation}`).sort();
}

function perNode(model: DeploymentModel): string[] {
  const found = new Map<string, number>();
  for (const { node } of model.instances) found.set(node, (found.get(node) ?? 0) + 1);
  return [...found].map(([node, count]) => `${unitKey('node', node)} ${count}`).sort();
}
