import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type TaskState, toldBy } from './graph.js';
import { type Decision, type ResumeRequest, type Resumption, resume, settle, undoneOf } from './resume.js';
import { aDeployment } from './testdata/a-deployment.js';
import { install } from './workflows/install.js';

const operations = ['lifecycle.create', 'lifecycle.configure', 'lifecycle.start'];
const built = install(aDeployment({ a: { operations }, b: { operations } }), {});
assert.ok('tasks' in built);
const GRAPH = built;

describe('resume', () => {
  it('sends back what failed or waited, and leaves what is done or never began', () => {
    assert.deepEqual(changed(['succeeded', 'failed', 'pending', 'skipped', 'waiting']), [
      '1 failed -> pending',
      '4 waiting -> pending',
    ]);
  });

  it('asks about tasks of which nobody knows what became', () => {
    assert.deepEqual(resumed(['succeeded', 'interrupted', 'pending', 'started']), {
      kind: 'undecided',
      tasks: [1, 3],
    });
  });

  it('runs those again that may, and with force all of them', () => {
    const states: TaskState[] = ['succeeded', 'interrupted', 'pending', 'started'];
    assert.deepEqual(resumed(states, { mayRunAgain: ({ id }) => id === 1 }), {
      kind: 'undecided',
      tasks: [3],
    });
    const all = ['1 interrupted -> pending', '3 started -> pending'];
    assert.deepEqual(changed(states, { mayRunAgain: () => true }), all);
    assert.deepEqual(changed(states, { force: true }), all);
  });

  it('does as a person decides, and tells what the tasks that now count as done mean', () => {
    const decisions = new Map<number, Decision>([
      [0, { kind: 'done' }],
      [3, { kind: 'skip', reason: 'made by hand' }],
      [4, { kind: 'retry' }],
    ]);
    const resumption = resumed(['interrupted', 'pending', 'pending', 'failed', 'interrupted'], { decisions });
    assert.equal(resumption.kind, 'resumed');
    assert.deepEqual(lines(resumption), [
      '0 interrupted -> succeeded',
      '3 failed -> skipped',
      '4 interrupted -> pending',
    ]);
    assert.deepEqual(resumption.kind === 'resumed' && resumption.effects, [
      { instance: 'a_1', effect: { kind: 'state', state: 'created' } },
      { instance: 'a_1', effect: { kind: 'event', message: 'Node instance created' } },
      { instance: 'b_2', effect: { kind: 'state', state: 'created' } },
      { instance: 'b_2', effect: { kind: 'event', message: 'Node instance created' } },
    ]);
  });

  it('refuses decisions about tasks that are done, not begun, or not there', () => {
    const decisions = new Map<number, Decision>([
      [99, { kind: 'done' }],
      [1, { kind: 'retry' }],
      [0, { kind: 'retry' }],
      [2, { kind: 'retry' }],
    ]);
    assert.deepEqual(resumed(['succeeded', 'pending', 'failed'], { force: true, decisions }), {
      kind: 'pointless',
      tasks: [0, 1, 99],
    });
  });
});

describe('settle', () => {
  const states: TaskState[] = ['interrupted', 'pending', 'pending', 'interrupted', 'failed'];

  it('changes what was decided and nothing else, and names what still waits for a decision', () => {
    const settlement = settle(GRAPH, states, new Map([[3, { kind: 'skip', reason: 'made by hand' }]]));
    assert.ok(settlement.kind === 'settled');
    assert.deepEqual(settlement.changes, [{ task: 3, from: 'interrupted', to: 'skipped' }]);
    assert.deepEqual(settlement.effects, toldBy(GRAPH.tasks[3]!));
    assert.deepEqual(settlement.undecided, [0]);
  });

  it('then leaves to resume what it would have done with all decisions at once', () => {
    const decisions: [number, Decision][] = [
      [0, { kind: 'done' }],
      [3, { kind: 'retry' }],
      [4, { kind: 'skip', reason: 'not needed' }],
    ];
    const now = new Map(states.entries());
    for (const [task, decision] of decisions) {
      const settlement = settle(GRAPH, now, new Map([[task, decision]]));
      assert.ok(settlement.kind === 'settled');
      for (const { task: moved, to } of settlement.changes) now.set(moved, to === 'pending' ? 'waiting' : to);
    }
    const after = resumed([...Array(5).keys()].map((id) => now.get(id)!));
    assert.deepEqual(lines(after), ['3 waiting -> pending']);
    const atOnce = resumed(states, { decisions: new Map(decisions) });
    assert.deepEqual(lines(atOnce), [
      '0 interrupted -> succeeded',
      '3 interrupted -> pending',
      '4 failed -> skipped',
    ]);
  });

  it('refuses decisions about tasks that are done, not begun, or not there', () => {
    const decisions = new Map<number, Decision>([1, 99].map((task) => [task, { kind: 'retry' }]));
    assert.deepEqual(settle(GRAPH, states, decisions), { kind: 'pointless', tasks: [1, 99] });
  });
});

describe('what is undone of an instance', () => {
  it('is what was begun and did not succeed, of its own operations alone', () => {
    assert.deepEqual(undoneOf(GRAPH, ['succeeded', 'failed', 'pending', 'interrupted'], 'a_1'), [1]);
    assert.deepEqual(undoneOf(GRAPH, ['succeeded', 'failed', 'pending', 'interrupted'], 'b_2'), [3]);
    assert.deepEqual(undoneOf(GRAPH, ['succeeded'], 'nobody'), []);
  });
});

function resumed(states: readonly TaskState[], request: Partial<ResumeRequest> = {}): Resumption {
  return resume(GRAPH, states, { force: false, ...request });
}

function changed(states: readonly TaskState[], request: Partial<ResumeRequest> = {}): string[] {
  return lines(resumed(states, request));
}

function lines(resumption: Resumption): string[] {
  if (resumption.kind !== 'resumed') assert.fail(`${resumption.kind} ${resumption.tasks}`);
  return resumption.changes.map(({ task, from, to }) => `${task} ${from} -> ${to}`);
}
