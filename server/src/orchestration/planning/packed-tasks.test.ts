import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { TaskGraph } from './graph.js';
import { packed } from './packed.js';
import { PackedTasks } from './packed-tasks.js';
import { aRandomDeployment } from './testdata/a-random-deployment.js';
import { install } from './workflows/install.js';
import { uninstall } from './workflows/uninstall.js';

describe('a stored graph that is read task by task', () => {
  it('says of every task what the whole graph says, in whichever form it was stored', () => {
    fc.assert(
      fc.property(aRandomDeployment, fc.boolean(), (model, isPacked) => {
        for (const workflow of [install, uninstall]) {
          const graph = workflow(model, {});
          if (!('tasks' in graph)) continue;
          const tasks = new PackedTasks(isPacked ? packed(graph) : graph);
          assert.equal(tasks.length, graph.tasks.length);
          for (const { id, instance, call, dependsOn } of graph.tasks) {
            assert.deepEqual(tasks.task(id), { id, instance, call, dependsOn: [...dependsOn] });
            assert.equal(tasks.runs(id), call !== null);
            assert.equal(tasks.instances[tasks.placeOf(id)] ?? null, instance);
          }
          assert.deepEqual(tasks.stages, [{ name: graph.workflow, from: 0 }]);
        }
      }),
    );
  });

  it('has no task where there is none, and the stages that it was planned in', () => {
    const stages: NonNullable<TaskGraph['stages']> = [{ name: 'one', from: 0, tolerant: true, memo: {} }];
    const tasks = new PackedTasks({ workflow: 'heal', tasks: [], stages });
    assert.equal(tasks.length, 0);
    assert.deepEqual(tasks.instances, []);
    assert.deepEqual(
      tasks.stages.map(({ name, from }) => ({ name, from })),
      [{ name: 'one', from: 0 }],
    );
  });
});
