/** What holds for the graphs of all workflows, on any deployment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { InstanceLifecycleState, TaskGraph, TaskState } from '../graph.js';
import type { DeploymentModel, InstanceModel } from '../model.js';
import { Frontier, startable } from '../ready.js';
import { resume } from '../resume.js';
import { inState } from '../testdata/a-deployment.js';
import { aDeploymentInAnyState, aRandomDeployment } from '../testdata/a-random-deployment.js';
import { checkDrift, checkStatus } from './check.js';
import { install } from './install.js';
import { pull } from './pull.js';
import { reinstall } from './reinstall.js';
import { restart } from './restart.js';
import { rollback } from './rollback.js';
import { start } from './start.js';
import { stop } from './stop.js';
import { uninstall } from './uninstall.js';
import type { BuildGraph } from './workflow.js';

const ALL: readonly BuildGraph[] = [
  install,
  uninstall,
  reinstall,
  start,
  stop,
  restart,
  pull,
  checkStatus,
  checkDrift,
  rollback,
  (model, parameters) => rollback(model, { ...parameters, full_rollback: true }),
];

/** A workflow over some of the nodes of a deployment in any state. */
const anything = fc
  .tuple(aDeploymentInAnyState, fc.constantFrom(...ALL))
  .chain(([model, build]) =>
    fc.tuple(
      fc.constant(model),
      fc.constant(build),
      fc.oneof(fc.constant([]), fc.subarray([...model.nodes.keys()])),
    ),
  );

describe('every graph', () => {
  it('has ids in order, and dependencies that are lower and named once', () => {
    fc.assert(
      fc.property(anything, ([model, build, nodes]) => {
        for (const [place, task] of graph(build, model, nodes).tasks.entries()) {
          assert.equal(task.id, place);
          assert.ok(task.dependsOn.every((dependency) => dependency >= 0 && dependency < task.id));
          assert.equal(new Set(task.dependsOn).size, task.dependsOn.length);
          assert.equal(task.kind === 'marker', task.call === null);
          if (task.kind === 'marker') assert.deepEqual(task.before, []);
        }
      }),
    );
  });

  it('tells what a success means with that very success', () => {
    fc.assert(
      fc.property(anything, ([model, build, nodes]) => {
        for (const { call, before, after } of graph(build, model, nodes).tasks) {
          const told = (effects: typeof before) =>
            effects.flatMap((e) => (e.kind === 'state' ? [e.state] : []));
          for (const state of told(before)) {
            assert.ok(!['created', 'configured', 'started', 'deleted'].includes(state), state);
          }
          if (call?.operation === 'cloudify.interfaces.lifecycle.create')
            assert.equal(told(after)[0], 'created');
          if (call?.operation === 'cloudify.interfaces.lifecycle.configure') {
            assert.equal(told(after)[0], 'configured');
          }
        }
      }),
    );
  });

  it('is worked off to its end, with no task before what it depends on', () => {
    fc.assert(
      fc.property(anything, fc.infiniteStream(fc.nat()), ([model, build, nodes], choices) => {
        const built = graph(build, model, nodes);
        const ended = new Set<number>();
        for (const id of run(built, choices)) {
          assert.ok(built.tasks[id]!.dependsOn.every((dependency) => ended.has(dependency)));
          ended.add(id);
        }
        assert.equal(ended.size, built.tasks.length);
      }),
    );
  });

  it('has the same work left after a resume from any point of any run', () => {
    fc.assert(
      fc.property(anything, fc.infiniteStream(fc.nat()), ([model, build, nodes], choices) => {
        const built = graph(build, model, nodes);
        const order = run(built, choices);
        const done = order.slice(0, (choices.next().value ?? 0) % (order.length + 1));
        const states = new Map<number, TaskState>(done.map((id) => [id, 'succeeded']));
        const broken = startable(built, states);
        const endings: TaskState[] = ['failed', 'waiting', 'interrupted', 'started', 'pending'];
        for (const id of broken) states.set(id, endings[(choices.next().value ?? 0) % endings.length]!);

        const resumption = resume(built, states, { force: true });
        assert.equal(resumption.kind, 'resumed');
        if (resumption.kind !== 'resumed') return;
        for (const { task, to } of resumption.changes) states.set(task, to);
        assert.deepEqual(startable(built, states), broken);
        const rest = run(built, choices, states);
        assert.deepEqual(
          [...done, ...rest].sort((a, b) => a - b),
          built.tasks.map(({ id }) => id),
        );
      }),
    );
  });
});

describe('install', () => {
  it('has nothing to do where every instance is started', () => {
    fc.assert(
      fc.property(aRandomDeployment, (model) => {
        assert.deepEqual(graph(install, inState(model, { '*': 'started' })).tasks, []);
      }),
    );
  });

  it('brings every instance to started, and none before those it relates to', () => {
    fc.assert(
      fc.property(aDeploymentInAnyState, fc.infiniteStream(fc.nat()), (model, choices) => {
        const states = played(model, graph(install, model), choices, (instance, now) => {
          for (const target of targetsOf(model, instance)) assert.equal(now.get(target), 'started');
        });
        for (const { id } of model.instances) assert.equal(states.get(id), 'started');
      }),
    );
  });
});

describe('uninstall', () => {
  it('brings every instance to deleted, and none before those that relate to it', () => {
    fc.assert(
      fc.property(aDeploymentInAnyState, fc.infiniteStream(fc.nat()), (model, choices) => {
        const states = played(model, graph(uninstall, model), choices, (instance, now) => {
          for (const source of sourcesOf(model, instance)) assert.equal(now.get(source), 'deleted');
        });
        for (const { id } of model.instances) assert.equal(states.get(id), 'deleted');
      }),
    );
  });

  it('mirrors install: who waits for whom is turned round', () => {
    fc.assert(
      fc.property(aRandomDeployment, (model) => {
        const up = order(graph(install, model));
        const down = order(graph(uninstall, inState(model, { '*': 'started' })));
        const turned = [...down].map((pair) => pair.split(' < ').reverse().join(' < '));
        assert.deepEqual([...up].sort(), turned.sort());
      }),
    );
  });
});

describe('start, and whatever else runs one operation in order,', () => {
  it('runs it on an instance only when it is done with all that the instance relates to', () => {
    fc.assert(
      fc.property(
        aDeploymentInAnyState,
        fc.constantFrom(start, stop, pull),
        fc.infiniteStream(fc.nat()),
        (model, build, choices) => {
          const built = graph(build, model);
          const ran = run(built, choices).map((id) => built.tasks[id]!);
          const place = new Map(
            ran.flatMap(({ instance }, at) => (instance === null ? [] : [[instance, at]])),
          );
          for (const instance of model.instances) {
            const at = place.get(instance.id);
            for (const target of at === undefined ? [] : targetsOf(model, instance)) {
              assert.ok((place.get(target) ?? -1) < at!, `${instance.id} before ${target}`);
            }
          }
          assert.ok(
            ran.every(({ before, after }) => [...before, ...after].every(({ kind }) => kind !== 'state')),
          );
        },
      ),
    );
  });

  it('restart stops everything before it starts anything', () => {
    fc.assert(
      fc.property(aDeploymentInAnyState, fc.infiniteStream(fc.nat()), (model, choices) => {
        const built = graph(restart, model);
        const order = run(built, choices).flatMap((id) => built.tasks[id]!.call?.operation ?? []);
        const from = order.findIndex((name) => name.endsWith('.start'));
        if (from >= 0) assert.ok(order.slice(from).every((name) => name.endsWith('.start')));
      }),
    );
  });
});

describe('rollback', () => {
  it('leaves nothing half-way, and whatever is not half-way as it is', () => {
    fc.assert(
      fc.property(aDeploymentInAnyState, fc.infiniteStream(fc.nat()), (model, choices) => {
        const states = played(model, graph(rollback, model), choices, () => {});
        const turned: Record<string, string> = {
          creating: 'uninitialized',
          configuring: 'uninitialized',
          starting: 'configured',
        };
        for (const { id, state } of model.instances) assert.equal(states.get(id), turned[state] ?? state);
      }),
    );
  });
});

describe('reinstall', () => {
  it('ends with every selected instance started, having deleted each before', () => {
    fc.assert(
      fc.property(aDeploymentInAnyState, fc.infiniteStream(fc.nat()), (model, choices) => {
        const history = new Map<string, InstanceLifecycleState[]>();
        const states = played(model, graph(reinstall, model), choices, () => {}, history);
        for (const { id, state } of model.instances) {
          assert.equal(states.get(id), 'started');
          if (state !== 'deleted') assert.ok(history.get(id)?.includes('deleted'));
        }
      }),
    );
  });
});

function graph(build: BuildGraph, model: DeploymentModel, nodes: readonly string[] = []): TaskGraph {
  const built = build(model, { node_ids: [...nodes] });
  if ('problem' in built) assert.fail(built.problem);
  return built;
}

/** The order in which tasks ended, each started as soon as chance allowed. */
function run(
  built: TaskGraph,
  choices: fc.Stream<number>,
  states: ReadonlyMap<number, TaskState> = new Map(),
): number[] {
  const frontier = new Frontier(built, states);
  const underWay: number[] = [];
  const ended: number[] = [];
  for (;;) {
    underWay.push(...frontier.take(1 + ((choices.next().value ?? 0) % 3)));
    if (underWay.length === 0) return ended;
    const [id] = underWay.splice((choices.next().value ?? 0) % underWay.length, 1);
    frontier.finish(id!);
    ended.push(id!);
  }
}

/** Plays a whole run and follows the states; `atFirst` is called when something is first told or run for an instance. */
function played(
  model: DeploymentModel,
  built: TaskGraph,
  choices: fc.Stream<number>,
  atFirst: (instance: InstanceModel, now: ReadonlyMap<string, InstanceLifecycleState>) => void,
  history = new Map<string, InstanceLifecycleState[]>(),
): Map<string, InstanceLifecycleState> {
  const byId = new Map(model.instances.map((instance) => [instance.id, instance]));
  const now = new Map(model.instances.map(({ id, state }) => [id, state]));
  const begun = new Set<string>();
  for (const id of run(built, choices)) {
    const task = built.tasks[id]!;
    if (task.instance !== null && !begun.has(task.instance)) {
      begun.add(task.instance);
      atFirst(byId.get(task.instance)!, now);
    }
    for (const effect of [...task.before, ...task.after]) {
      if (effect.kind !== 'state') continue;
      now.set(task.instance!, effect.state);
      history.set(task.instance!, [...(history.get(task.instance!) ?? []), effect.state]);
    }
  }
  return now;
}

function targetsOf(model: DeploymentModel, instance: InstanceModel): string[] {
  const there = new Set(model.instances.map(({ id }) => id));
  return instance.relationships.map((to) => to.targetInstance).filter((id) => there.has(id));
}

function sourcesOf(model: DeploymentModel, instance: InstanceModel): string[] {
  return model.instances
    .filter((source) => source.relationships.some((to) => to.targetInstance === instance.id))
    .map(({ id }) => id);
}

/** `a < b` for every two instances of which b, directly or not, waits for a. */
function order(built: TaskGraph): Set<string> {
  const before: Set<string>[] = [];
  const pairs = new Set<string>();
  for (const task of built.tasks) {
    const instances = new Set<string>();
    for (const dependency of task.dependsOn) {
      for (const instance of before[dependency]!) instances.add(instance);
      const instance = built.tasks[dependency]!.instance;
      if (instance !== null) instances.add(instance);
    }
    before.push(instances);
    for (const instance of instances) {
      if (task.instance !== null && instance !== task.instance) pairs.add(`${instance} < ${task.instance}`);
    }
  }
  return pairs;
}
