import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printGraph } from '../print.js';
import { aDeployment } from '../testdata/a-deployment.js';
import { runAction } from './run-action.js';

describe('run_action', () => {
  const model = aDeployment({ db: {}, web: {} });
  const [first, second] = [...model.instances].map(({ id }) => id).sort();

  it('runs its steps one after the other on the instance that is named', () => {
    const graph = runAction(model, { run: 5, steps: ['Look', 'Mend'], node_instance_id: second! });
    assert.ok('tasks' in graph);
    assert.deepEqual(
      graph.tasks.map(({ instance, dependsOn, call }) => [instance, dependsOn, call!.parameters]),
      [
        [second, [], { run: 5, step: 0 }],
        [second, [0], { run: 5, step: 1 }],
      ],
    );
    assert.ok(graph.tasks.every(({ call }) => call!.maxRetries === 0));
    assert.match(printGraph(graph), /orrery\.interfaces\.action\.run/);
  });

  it('takes any instance where none is named, always the same', () => {
    const graph = runAction(model, { run: 5, steps: ['Look'], node_instance_id: null });
    assert.ok('tasks' in graph);
    assert.equal(graph.tasks[0]!.instance, first);
  });

  it('says what is wrong with what it is given', () => {
    for (const parameters of [
      {},
      { run: 1, steps: [] },
      { run: 1, steps: ['Look'], node_instance_id: 'gone' },
    ])
      assert.ok('problem' in runAction(model, parameters));
  });
});
