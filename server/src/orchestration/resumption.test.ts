/** Decisions about single operations, in every state of docs/executions.md, and two people who decide at once. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../test/support/an-engine.js';
import { everyTask } from '../../test/support/every-task.js';
import { DONE, type ScriptedPlugin, scriptedPlugin, stopped } from '../../test/support/scripted-plugin.js';
import type { Caller } from '../caller.js';
import type { ExecutionRecord } from './executions.js';
import { type DecisionRequest, Resumption } from './resumption.js';
import type { RunningWorker } from './running/worker.js';

const TWO = `
node_templates:
  one:
    type: cloudify.nodes.Root
    interfaces: {cloudify.interfaces.lifecycle: {create: scripted.fragile.one, start: scripted.start}}
  two:
    type: cloudify.nodes.Root
    interfaces: {cloudify.interfaces.lifecycle: {create: scripted.fragile.two}}
`;
const NO = {
  kind: 'failed' as const,
  failure: { type: 'X', message: 'no', retryable: false, causes: [] },
};

describe('a decision about an operation', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let worker: RunningWorker | null = null;
  let resumption: Resumption;
  let bob: Caller;
  let count = 0;
  before(async () => {
    plugin = scriptedPlugin();
    engine = await anEngine([plugin]);
    resumption = new Resumption(engine.database.pool, { work: () => engine.signals.send('work') });
    bob = { ...engine.caller, username: 'bob' };
  });
  after(() => engine.close());
  beforeEach(() => {
    plugin.calls.length = 0;
    for (const name of ['fragile.one', 'fragile.two', 'start']) plugin.on(name, () => DONE);
  });
  afterEach(async () => {
    await worker?.stop();
    worker = null;
  });

  const work = async () => {
    worker = await engine.work({ drain: 0, lease: 1, cancelGrace: 0 });
  };
  const deploy = async () => {
    count += 1;
    await engine.deploy(`d${count}`, TWO);
    return `d${count}`;
  };
  const decide = (execution: ExecutionRecord, request: Partial<DecisionRequest>, caller = engine.caller) =>
    resumption.decide(caller, execution.id, {
      of: { task: 0 },
      kind: 'retry',
      reason: '',
      resume: true,
      ...request,
    });
  const tasks = (execution: ExecutionRecord) => everyTask(engine, execution.id);
  const taskOf = async (execution: ExecutionRecord, node: string) =>
    (await tasks(execution)).find((one) => one.instance?.startsWith(node))!;
  const messages = async (execution: ExecutionRecord) =>
    (await engine.events(execution)).map((event) => event.message);

  /** `one` has failed; the rest of it has not begun or is done. */
  async function failed(): Promise<ExecutionRecord> {
    plugin.on('fragile.one', () => NO);
    await work();
    const execution = await engine.install(await deploy());
    assert.equal((await engine.until(execution)).status, 'failed');
    plugin.on('fragile.one', () => DONE);
    return execution;
  }

  /** Both were under way when their worker died, and neither bears being run twice. */
  async function interrupted(): Promise<ExecutionRecord> {
    plugin.calls.length = 0;
    for (const name of ['fragile.one', 'fragile.two']) {
      plugin.on(name, async (request) => {
        await stopped(request);
        return { kind: 'aborted' };
      });
    }
    await work();
    const execution = await engine.install(await deploy());
    while (plugin.calls.length < 2) await tick();
    await worker!.stop();
    for (const name of ['fragile.one', 'fragile.two']) plugin.on(name, () => DONE);
    await work();
    assert.equal((await engine.until(execution)).status, 'failed');
    assert.deepEqual(
      (await tasks(execution)).flatMap((one) => (one.name.endsWith('.create') ? [one.state] : [])),
      ['interrupted', 'interrupted'],
    );
    plugin.calls.length = 0;
    return execution;
  }

  it('runs a failed one again and lets the execution go on', async () => {
    const execution = await failed();
    const { task } = await taskOf(execution, 'one');
    const answer = await decide(execution, { of: { task }, reason: 'mended the disk' });
    assert.deepEqual([answer.decided, answer.undecided], [[task], []]);
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(
      plugin.calls.filter((call) => call.startsWith('fragile.one')),
      ['fragile.one one 1', 'fragile.one one 2'],
    );
    assert.ok(
      (await messages(execution)).some((message) => /sent back by ada: mended the disk$/.test(message)),
    );
  });

  it('goes on without a failed one, tells who and why, and what depends on it starts', async () => {
    const execution = await failed();
    const { task } = await taskOf(execution, 'one');
    await decide(execution, { of: { task }, kind: 'skip', reason: 'made by hand' });
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(
      plugin.calls.filter((call) => !call.startsWith('fragile.two')),
      ['fragile.one one 1', 'start one 1'],
    );
    const shown = await taskOf(execution, 'one');
    assert.deepEqual(
      [shown.state, shown.row?.reason, shown.row?.decidedBy],
      ['skipped', 'made by hand', 'ada'],
    );
    assert.ok(shown.row?.decidedAt instanceof Date);
    const told = await messages(execution);
    assert.ok(told.some((message) => /is skipped by ada: made by hand$/.test(message)));
    assert.ok(told.includes('Node instance created'), 'what it means counts as done');
    const { rows } = await engine.database.pool.query<{ action: string }>(
      `select action from audit where thing_id = $1 order by id`,
      [execution.id],
    );
    assert.deepEqual(
      rows.map((row) => row.action),
      ['start', 'resume', 'skip-operation'],
    );
  });

  it('runs again whatever of a node instance is undone', async () => {
    const execution = await failed();
    const { instance } = await taskOf(execution, 'one');
    const answer = await decide(execution, { of: { instance: instance! } });
    assert.equal(answer.decided.length, 1);
    assert.equal((await engine.until(execution)).status, 'terminated');
    await assert.rejects(decide(execution, { of: { instance: instance! } }), {
      reason: 'execution-not-resumable',
    });
  });

  it('is asked for each interrupted one: the execution goes on after the last', async () => {
    const execution = await interrupted();
    const [one, two] = [await taskOf(execution, 'one'), await taskOf(execution, 'two')];
    const first = await decide(execution, { of: { task: one.task }, kind: 'done', reason: 'it is there' });
    assert.deepEqual([first.status, first.undecided], ['failed', [two.task]]);
    assert.equal((await engine.executions.get(engine.caller, execution.id)).status, 'failed');
    const second = await decide(execution, { of: { task: two.task } });
    assert.deepEqual(second.undecided, []);
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(plugin.calls.sort(), ['fragile.two two 2', 'start one 1']);
  });

  it('may be taken without going on, and resuming then asks nothing of it', async () => {
    const execution = await failed();
    const { task } = await taskOf(execution, 'one');
    const answer = await decide(execution, {
      of: { task },
      kind: 'skip',
      reason: 'not needed',
      resume: false,
    });
    assert.equal(answer.status, 'failed');
    await engine.executions.resume(engine.caller, execution.id);
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.equal(plugin.calls.filter((call) => call.startsWith('fragile.one')).length, 1);
  });

  it('is the first of two people’s, and the other is told who was first and why', async () => {
    for (let round = 0; round < 5; round += 1) {
      const execution = await interrupted();
      const { task } = await taskOf(execution, 'one');
      const skip = { of: { task }, kind: 'skip', reason: 'bob looked' } as const;
      const answers = await Promise.allSettled([
        decide(execution, { of: { task }, reason: 'ada looked' }),
        decide(execution, skip, bob),
      ]);
      const refused = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      assert.equal(refused.length, 1, 'one wins');
      assert.equal(refused[0].reason, 'operation-already-decided');
      const row = (await taskOf(execution, 'one')).row!;
      assert.match(refused[0].message, new RegExp(`${row.decidedBy} has decided so \\(${row.reason}\\)`));
      assert.match(row.reason!, new RegExp(row.decidedBy!));
      await engine.executions.resume(engine.caller, execution.id, { force: true });
      assert.equal((await engine.until(execution)).status, 'terminated');
      await worker!.stop();
    }
  });

  it('may be thought better of by who has said "again", until the execution goes on', async () => {
    const execution = await interrupted();
    const { task } = await taskOf(execution, 'one');
    await decide(execution, { of: { task } });
    await decide(execution, { of: { task }, kind: 'skip', reason: 'after all' });
    await assert.rejects(decide(execution, { of: { task } }), { reason: 'operation-already-decided' });
  });

  it('of one who has ended cancelled counts too', async () => {
    plugin.on('fragile.one', async (request) => {
      await stopped(request);
      return { kind: 'aborted' };
    });
    await work();
    const execution = await engine.install(await deploy());
    while (plugin.calls.length < 2) await tick();
    await engine.executions.cancel(engine.caller, execution.id, 'cancel');
    assert.equal((await engine.until(execution)).status, 'cancelled');
    const { task, state } = await taskOf(execution, 'one');
    assert.equal(state, 'interrupted');
    await decide(execution, { of: { task }, kind: 'done', reason: 'it was quick' });
    assert.equal((await engine.until(execution)).status, 'terminated');
  });

  it('is refused where there is nothing to decide: running, completed, done, not begun, not there, without a reason', async () => {
    const execution = await failed();
    const all = await tasks(execution);
    const begun = all.find((one) => one.state === 'pending')!;
    const done = all.find((one) => one.state === 'succeeded');
    for (const task of [begun.task, done?.task ?? 99, 99]) {
      await assert.rejects(decide(execution, { of: { task } }), { reason: 'unknown-operation' });
    }
    await assert.rejects(decide(execution, { of: { instance: 'nobody_1' } }), {
      reason: 'unknown-operation',
    });
    const { task } = await taskOf(execution, 'one');
    await assert.rejects(decide(execution, { of: { task }, kind: 'skip', reason: ' ' }), {
      reason: 'reason-missing',
    });
    await decide(execution, { of: { task } });
    await engine.until(execution);
    await assert.rejects(decide(execution, { of: { task } }), { reason: 'execution-not-resumable' });
  });

  it('waits while something else runs on the deployment', async () => {
    const execution = await failed();
    let open = () => {};
    plugin.on('fragile.one', () => new Promise((resolve) => (open = () => resolve(DONE))));
    const other = await engine.install(execution.deploymentId!);
    while (plugin.calls.filter((call) => call.startsWith('fragile.one')).length < 2) await tick();
    const { task } = await taskOf(execution, 'one');
    await assert.rejects(decide(execution, { of: { task }, kind: 'skip', reason: 'x', resume: false }), {
      reason: 'execution-already-running',
    });
    open();
    await engine.until(other);
  });
});

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}
