/** Workflows that are code: what holds when the code, an operation or a worker has ended before its time. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { type Conversation, conversation } from '../../../test/support/a-conversation.js';
import { anEngine, type Engine } from '../../../test/support/an-engine.js';
import { everyTask } from '../../../test/support/every-task.js';
import { flakyPool, type Loss } from '../../../test/support/flaky-pool.js';
import { DONE, type ScriptedPlugin, scriptedPlugin, stopped } from '../../../test/support/scripted-plugin.js';
import type { Json } from '../../dsl/plan.js';
import type { OperationOutcome } from '../../plugins/plugin.js';
import type { WorkflowPlugin, WorkflowRequest } from '../../plugins/workflow.js';
import type { ExecutionRecord, ExecutionRequest } from '../executions.js';
import type { RunningWorker } from './worker.js';

const BLUEPRINT = `
node_templates:
  one:
    type: cloudify.nodes.Root
    interfaces:
      own: {a: scripted.a, b: scripted.b, c: scripted.c, fragile: scripted.fragile.x, nothing: ''}
  two:
    type: cloudify.nodes.Root
    relationships:
      - type: cloudify.relationships.connected_to
        target: one
        source_interfaces: {own: {meet: scripted.meet}}
        target_interfaces: {own: {meet: scripted.met}}
workflows:
  code:
    mapping: scripted.the_code
    parameters: {word: {default: hello}}
`;

const NEVER = { type: 'NonRecoverableError', message: 'never', retryable: false, causes: [] };

function done(result: Json = null): OperationOutcome {
  return { kind: 'done', result };
}

describe('a workflow that is code and ended before its time', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let worker: RunningWorker;
  let code: (ask: Conversation, request: WorkflowRequest) => Promise<OperationOutcome | undefined>;
  let lose: (asked: string) => Loss = () => null;
  let count = 0;
  let id = '';

  before(async () => {
    plugin = scriptedPlugin();
    const coded: WorkflowPlugin = {
      ...plugin,
      runWorkflow: async (request) => {
        try {
          return (await code(conversation(request), request)) ?? DONE;
        } catch (error) {
          return { kind: 'failed', failure: { ...NEVER, message: (error as Error).message } };
        }
      },
    };
    engine = await anEngine([coded]);
    worker = await work();
  });
  after(() => engine.close());
  beforeEach(async () => {
    for (const name of ['a', 'b', 'c', 'fragile.x', 'meet', 'met']) plugin.on(name, () => DONE);
    count += 1;
    id = `d${count}`;
    await engine.deploy(id, BLUEPRINT);
    plugin.calls.length = 0;
  });
  afterEach(() => {
    lose = () => null;
  });

  function work(): Promise<RunningWorker> {
    const pool = flakyPool(engine.database.pool, (asked) => lose(asked));
    return engine.work({ lease: 2, drain: 0 }, { pool });
  }

  const start = (more: Partial<ExecutionRequest> = {}) =>
    engine.executions.start(engine.caller, { deploymentId: id, workflow: 'code', ...more });
  const run = async (more: Partial<ExecutionRequest> = {}) => engine.until(await start(more));
  const messages = async (execution: ExecutionRecord) =>
    (await engine.events(execution)).map(({ message }) => message);
  const tasks = async (execution: ExecutionRecord) =>
    (await everyTask(engine, execution.id)).map(({ name, state }) => `${name} ${state}`);

  it('is run again by a resume when it says so, and what has succeeded is not repeated', async () => {
    let runs = 0;
    const resumed: boolean[] = [];
    plugin.on('a', () => done(`a of run ${runs}`));
    plugin.on('b', () => (runs === 1 ? { kind: 'failed', failure: NEVER } : DONE));
    code = async ({ operation, event }, request) => {
      runs += 1;
      resumed.push(request.isResumed);
      request.declare({ resumable: true });
      const first = await operation('a');
      assert.deepEqual(first, { key: 'a one node 1', kind: 'done', result: 'a of run 1' });
      await event('once');
      const second = await operation('b');
      if (second.kind === 'failed') throw new Error(second.failure.message);
      await operation('c');
      return undefined;
    };
    const failed = await run();
    assert.deepEqual([failed.status, failed.error], ['failed', 'never']);
    const ended = await engine.until(await engine.executions.resume(engine.caller, failed.id, {}));
    assert.deepEqual([ended.status, ended.error], ['terminated', '']);
    assert.deepEqual(plugin.calls, ['a one 1', 'b one 1', 'b one 2', 'c one 1']);
    assert.deepEqual(resumed, [false, true]);
    assert.equal((await messages(ended)).filter((one) => one === 'once').length, 1);
  });

  it('has a failure that it put up with left alone, unless it asks again', async () => {
    let runs = 0;
    plugin.on('b', () => ({ kind: 'failed', failure: NEVER }));
    code = async ({ operation }, request) => {
      runs += 1;
      request.declare({ resumable: true });
      if (runs === 1) {
        assert.equal((await operation('b')).kind, 'failed');
        throw new Error('later');
      }
      await operation('a');
      return undefined;
    };
    const failed = await run();
    const ended = await engine.until(await engine.executions.resume(engine.caller, failed.id, {}));
    assert.deepEqual([ended.status, plugin.calls], ['terminated', ['b one 1', 'a one 1']]);
  });

  it('that does not say so is run again only by force', async () => {
    let runs = 0;
    code = async ({ operation }, request) => {
      runs += 1;
      request.declare({ resumable: false });
      await operation('a');
      const answer = await operation('b');
      if (answer.kind === 'failed') throw new Error('half-way');
      return undefined;
    };
    plugin.on('b', () => (runs === 1 ? { kind: 'failed', failure: NEVER } : DONE));
    const failed = await run();
    await assert.rejects(engine.executions.resume(engine.caller, failed.id, {}), /may have done its work/);
    const ended = await engine.until(
      await engine.executions.resume(engine.caller, failed.id, { force: true }),
    );
    assert.deepEqual([ended.status, ended.error, runs], ['terminated', '', 2]);
    assert.deepEqual(plugin.calls, ['a one 1', 'b one 1', 'b one 2']);
  });

  it('is taken up by another worker when its own dies', async () => {
    const attempts: [number, boolean][] = [];
    let reached = () => {};
    const there = new Promise<void>((resolve) => {
      reached = resolve;
    });
    plugin.on('b', async (request) => {
      if (request.operation.attempt > 1) return DONE;
      reached();
      await stopped(request);
      return { kind: 'aborted' };
    });
    code = async ({ operation }, request) => {
      attempts.push([request.attempt, request.wasBrokenOff]);
      request.declare({ resumable: true });
      await operation('a');
      const both = Promise.all([operation('b'), operation('c')]);
      await Promise.race([both, stopped(request as never)]);
      return request.signal.aborted ? { kind: 'aborted' } : undefined;
    };
    const execution = await start();
    await there;
    await worker.stop();
    worker = await work();
    const ended = await engine.until(execution);
    assert.deepEqual([ended.status, ended.error], ['terminated', '']);
    assert.deepEqual(attempts, [
      [1, false],
      [2, true],
    ]);
    assert.deepEqual(
      plugin.calls.filter((one) => !one.startsWith('c')),
      ['a one 1', 'b one 1', 'b one 2'],
    );
  });

  it('that may not be run again stops its execution when its worker dies', async () => {
    let reached = () => {};
    const there = new Promise<void>((resolve) => {
      reached = resolve;
    });
    let runs = 0;
    code = async ({ operation }, request) => {
      runs += 1;
      request.declare({ resumable: false });
      await operation('a');
      if (runs > 1) return undefined;
      reached();
      await stopped(request as never);
      return { kind: 'aborted' };
    };
    const execution = await start();
    await there;
    await worker.stop();
    worker = await work();
    const failed = await engine.until(execution);
    assert.equal(failed.status, 'failed');
    assert.match(failed.error!, /code was running when its worker died, and is not declared resumable/);
    assert.deepEqual([await tasks(failed), runs], [['code interrupted', 'own.a succeeded'], 1]);
    const forced = await engine.executions.resume(engine.caller, failed.id, { force: true });
    assert.equal((await engine.until(forced)).status, 'terminated');
    assert.deepEqual([plugin.calls, runs], [['a one 1'], 2]);
  });

  it('is not run again over an operation of which nobody knows what became of it', async () => {
    let reached = () => {};
    const there = new Promise<void>((resolve) => {
      reached = resolve;
    });
    let runs = 0;
    plugin.on('fragile.x', async (request) => {
      reached();
      await stopped(request);
      return { kind: 'aborted' };
    });
    code = async ({ operation }, request) => {
      runs += 1;
      request.declare({ resumable: true });
      await Promise.race([operation('fragile'), stopped(request as never)]);
      return request.signal.aborted ? { kind: 'aborted' } : undefined;
    };
    const execution = await start();
    await there;
    await worker.stop();
    worker = await work();
    const failed = await engine.until(execution);
    assert.match(failed.error!, /own.fragile was running when its worker died/);
    assert.equal(runs, 1);
    const decisions = [{ task: 1, kind: 'done', reason: 'I have looked' } as const];
    const resumed = await engine.executions.resume(engine.caller, failed.id, { decisions });
    assert.equal((await engine.until(resumed)).status, 'terminated');
    assert.deepEqual([plugin.calls, runs], [['fragile.x one 1'], 2]);
  });

  it('finds the graphs that it has kept, with the states their steps have', async () => {
    let runs = 0;
    const step = { name: 'own.a', type: 'RemoteWorkflowTask', dependencies: [], parameters: { any: 1 } };
    code = async ({ wish }, request) => {
      runs += 1;
      request.declare({ resumable: true });
      const { graphs } = request;
      const found = await graphs.find('mine');
      if (runs === 1) {
        assert.equal(found, null);
        const kept = await graphs.keep('mine', [{ ...step, id: `first of ${id}` }]);
        await graphs.add(kept.id, { ...step, id: `second of ${id}` });
        const instance = (await request.instances())[0]!.id;
        await wish({
          key: `step first of ${id}`,
          kind: 'operation',
          operation: 'own.a',
          instance,
          side: 'node',
          target: null,
          parameters: {},
          maxRetries: 0,
          retryInterval: null,
        });
        throw new Error('once more');
      }
      const steps = await graphs.steps(found!.id);
      assert.deepEqual(
        steps.map((one) => [one.id, one.state, one.parameters]),
        [
          [`first of ${id}`, 'succeeded', { any: 1 }],
          [`second of ${id}`, 'pending', { any: 1 }],
        ],
      );
      await graphs.remove(`second of ${id}`);
      await graphs.setState(`first of ${id}`, 'failed');
      assert.deepEqual(
        (await graphs.steps(found!.id)).map((one) => one.state),
        ['succeeded'],
      );
      return undefined;
    };
    const failed = await run();
    assert.equal(failed.error, 'once more');
    const ended = await engine.until(await engine.executions.resume(engine.caller, failed.id, {}));
    assert.deepEqual([ended.status, ended.error], ['terminated', '']);
  });
});
