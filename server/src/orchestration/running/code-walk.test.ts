/** Workflows that are code: what the code asks for is done. */
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
const BUSY = { type: 'RecoverableError', message: 'busy', retryable: true, causes: [] };

function done(result: Json = null): OperationOutcome {
  return { kind: 'done', result };
}

describe('a workflow that is code', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
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
    await work();
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

  it('asks for one operation after the other, and is told of each when it is durable', async () => {
    const seen: string[][] = [];
    let execution: ExecutionRecord | null = null;
    plugin.on('a', ({ inputs }) => done({ got: inputs.word ?? null }));
    code = async ({ operation }, { parameters }) => {
      const answer = await operation('a', { parameters: { word: parameters.word ?? null } });
      assert.deepEqual(answer, { key: 'a one node 1', kind: 'done', result: { got: 'hi' } });
      seen.push(await tasks(execution!));
      await operation('b', { instance: 'one' });
      await operation('meet', { instance: 'two', side: 'source', target: 'one' });
      await operation('meet', { instance: 'two', side: 'target', target: 'one' });
      return undefined;
    };
    execution = await start({ parameters: { word: 'hi' } });
    const ended = await engine.until(execution);
    assert.deepEqual([ended.status, ended.error], ['terminated', '']);
    assert.deepEqual(plugin.calls, ['a one 1', 'b one 1', 'meet two 1', 'met two 1']);
    assert.deepEqual(seen, [['code started', 'own.a succeeded']]);
    const all = ['own.a', 'own.b', 'own.meet', 'own.meet'].map((name) => `${name} succeeded`);
    assert.deepEqual(await tasks(ended), ['code succeeded', ...all]);
    assert.deepEqual((await messages(ended)).slice(0, 4), [
      "Starting 'code' workflow execution",
      "Sending task 'a'",
      "Task started 'a'",
      `Task succeeded 'a' - {"got":"hi"}`,
    ]);
    const { rows } = await engine.database.pool.query<{ total: number; finished: number }>(
      'select total_operations as total, finished_operations as finished from executions where id = $1',
      [ended.id],
    );
    assert.deepEqual(rows, [{ total: 4, finished: 4 }]);
  });

  it('has what it asks for at once done at once', async () => {
    let together = 0;
    let open = () => {};
    const all = new Promise<void>((resolve) => {
      open = resolve;
    });
    for (const name of ['a', 'b', 'c']) {
      plugin.on(name, async () => {
        together += 1;
        if (together === 3) open();
        await all;
        return DONE;
      });
    }
    code = async ({ operation }) => {
      await Promise.all([operation('a'), operation('b'), operation('c')]);
      return undefined;
    };
    assert.equal((await run()).status, 'terminated');
  });

  it('sets states and tells events', async () => {
    code = async ({ state, event, operation }) => {
      await state('one', 'starting');
      await operation('a');
      await state('one', 'started');
      await event('half of it');
      const answer = await state('one', 'splendid');
      assert.ok(answer.kind === 'failed' && /"splendid" is no state/.test(answer.failure.message));
      return undefined;
    };
    const ended = await run();
    assert.deepEqual([ended.status, ended.error], ['terminated', '']);
    assert.deepEqual(await engine.states(id), { one: 'started', two: 'uninitialized' });
    assert.ok((await messages(ended)).includes('half of it'));
  });

  it('is told what cannot be asked for', async () => {
    code = async ({ operation }) => {
      for (const [answer, why] of [
        [await operation('a', { instance: 'three' }), /no node instance three/],
        [await operation('unknown'), /has no operation own.unknown/],
        [await operation('nothing'), /has no operation own.nothing/],
        [await operation('meet', { side: 'source', target: 'two' }), /has no relationship to two/],
      ] as const)
        assert.ok(answer.kind === 'failed' && why.test(answer.failure.message), JSON.stringify(answer));
      return undefined;
    };
    assert.deepEqual((await run()).error, '');
    assert.deepEqual(plugin.calls, []);
  });

  it('leaves retries to the engine, or has none', async () => {
    plugin.on('a', ({ operation }) => (operation.attempt < 3 ? { kind: 'failed', failure: BUSY } : DONE));
    plugin.on('b', () => ({ kind: 'failed', failure: BUSY }));
    code = async ({ operation }) => {
      assert.equal((await operation('a')).kind, 'done');
      const answer = await operation('b', { maxRetries: 0 });
      assert.ok(answer.kind === 'failed' && answer.failure.message === 'busy');
      return undefined;
    };
    const ended = await run();
    assert.deepEqual([ended.status, ended.error], ['terminated', ''], 'it has put up with the failure');
    assert.deepEqual(plugin.calls, ['a one 1', 'a one 2', 'a one 3', 'b one 1']);
    assert.ok((await messages(ended)).includes("Task succeeded 'a' [retry 2/2]"));
    assert.deepEqual((await tasks(ended)).slice(1), ['own.a succeeded', 'own.b failed']);
  });

  it('that raises has failed, with its traceback', async () => {
    code = async ({ operation }) => {
      await operation('a');
      const causes = [{ type: 'ValueError', message: 'odd', traceback: 'Traceback …\nValueError: odd' }];
      return { kind: 'failed', failure: { ...BUSY, causes } };
    };
    const ended = await run();
    assert.deepEqual([ended.status, ended.error], ['failed', 'Traceback …\nValueError: odd']);
    assert.deepEqual(plugin.calls, ['a one 1'], 'and is not run again by itself');
  });

  it('stores what is asked for once, whatever is lost on the way', async () => {
    for (const loss of ['answer', 'request'] as const) {
      let lost = 0;
      lose = (asked) => {
        if (asked !== 'engine_append' || lost >= 2) return null;
        lost += 1;
        return loss;
      };
      plugin.calls.length = 0;
      code = async ({ operation }) => {
        await operation('a');
        await Promise.all([operation('b'), operation('c')]);
        return undefined;
      };
      const ended = await run();
      assert.deepEqual([ended.status, ended.error, lost], ['terminated', '', 2]);
      assert.deepEqual([...plugin.calls].sort(), ['a one 1', 'b one 1', 'c one 1']);
      assert.equal((await tasks(ended)).length, 4);
    }
  });

  it('is told of a cancel, and so are its operations', async () => {
    let reached = () => {};
    const there = new Promise<void>((resolve) => {
      reached = resolve;
    });
    plugin.on('a', async (request) => {
      reached();
      await stopped(request);
      return { kind: 'aborted' };
    });
    let told = '';
    code = async ({ operation }, request) => {
      request.declare({ resumable: true });
      void operation('a');
      told = await stopped(request as never);
      // Nobody does this any more.
      void operation('b');
      return { kind: 'aborted' };
    };
    const execution = await start();
    await there;
    await engine.executions.cancel(engine.caller, execution.id, 'cancel');
    const ended = await engine.until(execution);
    assert.deepEqual([ended.status, told], ['cancelled', 'cancelled']);
    assert.deepEqual(await tasks(ended), ['code failed', 'own.a failed']);
    assert.deepEqual(plugin.calls, ['a one 1']);
  });

  it('runs in a dry run, and what it asks for is only told', async () => {
    code = async ({ operation, state }, request) => {
      assert.equal(request.isDryRun, true);
      assert.deepEqual(await operation('a'), { key: 'a one node 1', kind: 'done', result: null });
      await state('one', 'started');
      return undefined;
    };
    const ended = await run({ dryRun: true });
    assert.deepEqual([ended.status, ended.error, plugin.calls], ['terminated', '', []]);
    assert.deepEqual(await engine.states(id), { one: 'uninitialized', two: 'uninitialized' });
    assert.ok((await messages(ended)).includes("Task succeeded 'a' (dry run)"));
  });
});
