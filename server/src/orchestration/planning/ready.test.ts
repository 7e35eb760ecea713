import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { TaskGraph, TaskState } from './graph.js';
import { Frontier, startable } from './ready.js';
import { aRandomGraph } from './testdata/a-random-deployment.js';

const DIAMOND = graphOf([[], [0], [0], [1, 2]]);

describe('startable', () => {
  it('names the tasks whose dependencies are all done', () => {
    assert.deepEqual(startable(DIAMOND, []), [0]);
    assert.deepEqual(startable(DIAMOND, ['succeeded']), [1, 2]);
    assert.deepEqual(startable(DIAMOND, ['succeeded', 'skipped']), [2]);
    assert.deepEqual(startable(DIAMOND, ['succeeded', 'skipped', 'succeeded']), [3]);
  });

  it('leaves out what is under way or waits for its next attempt', () => {
    assert.deepEqual(startable(DIAMOND, ['succeeded', 'started', 'waiting']), []);
  });

  it('names nothing once a task failed for good or was interrupted', () => {
    assert.deepEqual(startable(DIAMOND, ['succeeded', 'failed']), []);
    assert.deepEqual(startable(DIAMOND, ['succeeded', 'interrupted']), []);
  });
});

describe('Frontier', () => {
  it('equals startable after every step, in whatever order tasks end', () => {
    fc.assert(
      fc.property(aRandomGraph, fc.infiniteStream(fc.nat()), (graph, choices) => {
        const frontier = new Frontier(graph);
        const states = new Map<number, TaskState>();
        const underWay: number[] = [];
        while (states.size < graph.tasks.length || underWay.length > 0) {
          const expected = startable(graph, states);
          assert.equal(frontier.ready, expected.length);
          const taken = frontier.take(next(choices) % 4);
          for (const id of taken) {
            assert.ok(expected.includes(id), `${id} may not start`);
            states.set(id, 'started');
            underWay.push(id);
          }
          if (underWay.length === 0) continue;
          const [ended] = underWay.splice(next(choices) % underWay.length, 1);
          frontier.finish(ended!);
          states.set(ended!, 'succeeded');
        }
        assert.equal(frontier.remaining, 0);
        assert.deepEqual(frontier.take(), []);
      }),
    );
  });

  it('goes on from any states exactly where startable says', () => {
    const states: fc.Arbitrary<TaskState> = fc.constantFrom(
      'pending',
      'started',
      'waiting',
      'succeeded',
      'failed',
      'interrupted',
      'skipped',
    );
    const likely: fc.Arbitrary<TaskState> = fc.constantFrom('pending', 'succeeded', 'skipped', 'started');
    fc.assert(
      fc.property(
        aRandomGraph.chain((graph) =>
          fc.tuple(
            fc.constant(graph),
            fc.oneof(
              fc.array(states, { maxLength: graph.tasks.length }),
              fc.array(likely, { maxLength: graph.tasks.length }),
            ),
          ),
        ),
        ([graph, known]) => {
          const frontier = new Frontier(graph, known);
          const expected = startable(graph, known);
          assert.equal(frontier.ready, expected.length);
          assert.deepEqual(
            frontier.take().sort((a, b) => a - b),
            expected,
          );
        },
      ),
    );
  });

  it('hands out a task that was given back before any other, and once', () => {
    const frontier = new Frontier(graphOf([[], [], []]));
    assert.deepEqual(frontier.take(2), [0, 1]);
    frontier.giveBack(1);
    assert.deepEqual(frontier.take(), [1, 2]);
    assert.deepEqual(frontier.take(), []);
    assert.equal(frontier.remaining, 3);
  });

  it('hands out nothing once it is halted', () => {
    const frontier = new Frontier(DIAMOND);
    assert.deepEqual(frontier.take(), [0]);
    frontier.halt();
    frontier.finish(0);
    assert.equal(frontier.ready, 0);
    assert.deepEqual(frontier.take(), []);
    assert.equal(frontier.remaining, 3);
  });

  it('learns the end of a task that was under way from the beginning', () => {
    const frontier = new Frontier(DIAMOND, ['started']);
    assert.deepEqual(frontier.take(), []);
    frontier.finish(0);
    assert.deepEqual(frontier.take(), [1, 2]);
  });

  it('refuses the end of a task that was not handed out', () => {
    const frontier = new Frontier(DIAMOND);
    assert.throws(() => frontier.finish(3), /Task 3 is not under way/);
    frontier.take();
    frontier.finish(0);
    assert.throws(() => frontier.finish(0), /Task 0 is not under way/);
  });

  it('works off a chain of 100,000 tasks', () => {
    const count = 100_000;
    const frontier = new Frontier(
      graphOf(Array.from({ length: count }, (_, id) => (id === 0 ? [] : [id - 1]))),
    );
    for (let id = 0; id < count; id += 1) {
      assert.deepEqual(frontier.take(), [id]);
      frontier.finish(id);
    }
    assert.equal(frontier.remaining, 0);
  });
});

function graphOf(dependencies: readonly (readonly number[])[]): TaskGraph {
  return {
    workflow: 'any',
    tasks: dependencies.map((dependsOn, id) => ({
      id,
      kind: 'marker',
      instance: null,
      call: null,
      dependsOn,
      before: [],
      after: [],
      onFailure: 'fail',
    })),
  };
}

function next(choices: fc.Stream<number>): number {
  return choices.next().value ?? 0;
}
