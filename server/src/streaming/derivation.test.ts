/** What decision 20 rests on: the engine changes no state of an instance without an event, in the same batch, that names it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import type { Effect, Task } from '../orchestration/planning/graph.js';
import type { DeploymentModel } from '../orchestration/planning/model.js';
import { aDeploymentInAnyState } from '../orchestration/planning/testdata/a-random-deployment.js';
import { workflowFor } from '../orchestration/planning/workflows/workflow-table.js';

const BUILT = ['install', 'uninstall', 'reinstall', 'start', 'stop', 'restart', 'rollback'];

function tasksOf(name: string, model: DeploymentModel): readonly Task[] {
  const workflow = workflowFor(`cloudify.plugins.workflows.${name}`);
  assert.ok(workflow !== undefined && 'build' in workflow, name);
  const graph = workflow.build(model, {});
  return 'problem' in graph ? [] : graph.tasks;
}

/** A state changes, and no event names the instance. */
function isUntold(effects: readonly Effect[]): boolean {
  const kinds = effects.map(({ kind }) => kind);
  return kinds.includes('state') && !kinds.includes('event');
}

it('is a law of every graph that a state is told together with an event that names the instance', () => {
  fc.assert(
    fc.property(aDeploymentInAnyState, fc.constantFrom(...BUILT), (model, name) => {
      for (const task of tasksOf(name, model)) {
        // The start and the success of an operation are events of its instance themselves.
        if (task.kind === 'operation') continue;
        for (const effects of [task.before, task.after])
          assert.ok(!isUntold(effects), `${name}: task ${task.id}`);
      }
    }),
  );
});
