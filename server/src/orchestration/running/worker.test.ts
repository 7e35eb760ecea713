/** Workers beside each other, after each other, and with executions that nobody can walk. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../../test/support/an-engine.js';
import { everyTask } from '../../../test/support/every-task.js';
import { flakyPool, type Loss } from '../../../test/support/flaky-pool.js';
import { DONE, type ScriptedPlugin, scriptedPlugin, stopped } from '../../../test/support/scripted-plugin.js';
import type { ExecutionRecord } from '../executions.js';
import type { RunningWorker } from './worker.js';

function thing(create: string, instances = 1): string {
  return `
node_templates:
  thing:
    type: cloudify.nodes.Root
    instances: {deploy: ${instances}}
    interfaces: {cloudify.interfaces.lifecycle: {create: ${create}, start: scripted.start}}
`;
}

describe('workers', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let workers: RunningWorker[] = [];
  let id = 0;
  before(async () => {
    plugin = scriptedPlugin();
    engine = await anEngine([plugin]);
  });
  after(() => engine.close());
  beforeEach(() => {
    plugin.calls.length = 0;
    plugin.on('start', () => DONE);
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    workers = [];
  });

  const work: Engine['work'] = async (settings, own) => {
    const worker = await engine.work({ drain: 0, lease: 2, ...settings }, own);
    workers.push(worker);
    return worker;
  };

  async function install(blueprint: string): Promise<ExecutionRecord> {
    id += 1;
    await engine.deploy(`d${id}`, blueprint);
    return engine.install(`d${id}`);
  }

  const workerOf = async (execution: ExecutionRecord) =>
    (
      await engine.database.pool.query<{ worker: string | null; fence: number; breakdowns: number }>(
        'select worker, fence, breakdowns from executions where uid = $1',
        [execution.uid],
      )
    ).rows[0]!;

  it('share executions: each is walked by one, and what one that is stopped leaves the other takes, repeating nothing', async () => {
    const twins = ['left', 'right'].map((name) => {
      const twin = scriptedPlugin();
      for (const step of ['create', 'start']) {
        twin.on(step, () => new Promise((resolve) => setTimeout(() => resolve(DONE), 5)));
      }
      return { name, twin };
    });
    const executions: ExecutionRecord[] = [];
    for (let n = 0; n < 50; n += 1) executions.push(await install(thing('scripted.create')));
    const [left] = await Promise.all(
      twins.map(({ name, twin }) => work({ name, maxExecutions: 5, drain: 5 }, { plugins: [twin] })),
    );
    while (twins.some(({ twin }) => twin.calls.length < 10)) await tick();
    await left!.stop();
    const after = twins[0]!.twin.calls.length;
    for (const execution of executions) assert.equal((await engine.until(execution)).status, 'terminated');
    assert.equal(twins[0]!.twin.calls.length, after, 'one that is stopped starts nothing more');
    const calls = twins.flatMap(({ twin }) => twin.calls);
    // What was meant to start when its worker was stopped is asked for elsewhere, under its next number.
    assert.equal(calls.length, 100);
  });

  it('that drains lets running operations end, starts nothing more, and another goes on where it stopped', async () => {
    let release = () => {};
    plugin.on(
      'fragile.slow',
      () =>
        new Promise((resolve) => {
          release = () => resolve(DONE);
        }),
    );
    const worker = await work({ drain: 30 });
    const execution = await install(thing('scripted.fragile.slow'));
    while (plugin.calls.length === 0) await tick();
    const stopping = worker.stop();
    await tick();
    assert.equal((await engine.executions.get(engine.caller, execution.id)).status, 'started');
    release();
    await stopping;
    assert.deepEqual(plugin.calls, ['fragile.slow thing 1']);
    await work();
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(plugin.calls, ['fragile.slow thing 1', 'start thing 1']);
  });

  it('that drains ends an operation that takes longer than it may', async () => {
    let reason = '';
    plugin.on('create', async (request) => {
      reason = await stopped(request);
      return { kind: 'aborted' };
    });
    const worker = await work({ drain: 0.05 });
    const execution = await install(thing('scripted.create'));
    while (plugin.calls.length === 0) await tick();
    await worker.stop();
    assert.equal(reason, 'shutdown');
    plugin.on('create', () => DONE);
    await work();
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(plugin.calls, ['create thing 1', 'create thing 2', 'start thing 1']);
  });

  it('that fails at one operation does not forget another that was running when its predecessor died', async () => {
    plugin.on('create', async (request) => {
      await stopped(request);
      return { kind: 'aborted' };
    });
    const worker = await work();
    const execution = await install(thing('scripted.create', 2));
    while (plugin.calls.length < 2) await tick();
    await worker.stop();
    const failure = { type: 'X', message: 'no', retryable: false, causes: [] };
    plugin.on('create', () => ({ kind: 'failed', failure }));
    // One at a time: the second waits for its turn when the first fails.
    await work({ maxOperations: 1 });
    assert.equal((await engine.until(execution)).status, 'failed');
    const operations = await everyTask(engine, execution.id);
    const touched = operations.filter((one) => one.state !== 'pending').map((one) => one.state);
    assert.deepEqual(touched, ['failed', 'failed']);
    assert.equal(plugin.calls.length, 3);
    plugin.on('create', () => DONE);
    await engine.executions.resume(engine.caller, execution.id);
    assert.equal((await engine.until(execution)).status, 'terminated');
  });

  it('that stops does not leave to a person what its plugin was never asked to do', async () => {
    // The intent is written, and the worker is told to stop before it hears so.
    let hold = () => {};
    let held = false;
    const pool = flakyPool(engine.database.pool, () => null);
    const slow = new Proxy(pool, {
      get(object, key) {
        const value: unknown = Reflect.get(object, key, object);
        if (key !== 'query') return typeof value === 'function' ? value.bind(object) : value;
        return async (query: { name?: string }, ...rest: unknown[]) => {
          const answer = await (value as (...args: unknown[]) => Promise<unknown>).call(
            object,
            query,
            ...rest,
          );
          if (query.name === 'engine_commit' && !held) {
            held = true;
            await new Promise<void>((resolve) => {
              hold = resolve;
            });
          }
          return answer;
        };
      },
    });
    const worker = await work({}, { pool: slow });
    const execution = await install(thing('scripted.fragile.once'));
    while (!held) await tick();
    const stopping = worker.stop();
    await tick();
    hold();
    await stopping;
    assert.deepEqual(plugin.calls, []);
    await work();
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(plugin.calls, ['fragile.once thing 2', 'start thing 1']);
  });

  it('stop in time also when the database is away', async () => {
    let away = false;
    const pool = flakyPool(engine.database.pool, (): Loss => (away ? 'request' : null));
    plugin.on('create', async (request) => {
      await stopped(request);
      return { kind: 'aborted' };
    });
    const worker = await work({ drain: 0, cancelGrace: 0 }, { pool });
    const execution = await install(thing('scripted.create'));
    while (plugin.calls.length === 0) await tick();
    away = true;
    const start = Date.now();
    await worker.stop();
    assert.ok(Date.now() - start < 10_000);
    plugin.on('create', () => DONE);
    await work();
    assert.equal((await engine.until(execution)).status, 'terminated');
  });

  it('keep what they walk through an outage that is longer than their lease', async () => {
    let away = false;
    const pool = flakyPool(engine.database.pool, (): Loss => (away ? 'request' : null));
    let release = () => {};
    plugin.on(
      'fragile.long',
      (request) =>
        new Promise((resolve) => {
          release = () => resolve(request.signal.aborted ? { kind: 'aborted' } : DONE);
        }),
    );
    await work({ lease: 1 }, { pool });
    const execution = await install(thing('scripted.fragile.long'));
    while (plugin.calls.length === 0) await tick();
    const { fence } = await workerOf(execution);
    away = true;
    await engine.database.pool.query('update executions set lease_until = now() where uid = $1', [
      execution.uid,
    ]);
    // Two rounds of looking for work, while the lease is over and cannot be renewed.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    away = false;
    engine.signals.send('work');
    for (let turn = 0; turn < 20; turn += 1) await tick();
    release();
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.equal((await workerOf(execution)).fence, fence);
    assert.deepEqual(plugin.calls, ['fragile.long thing 1', 'start thing 1']);
  });

  it('give up an execution that they cannot walk, neither at once nor never, and work on others meanwhile', async () => {
    const poisoned = await install(thing('scripted.create'));
    plugin.on('create', () => DONE);
    await engine.database.pool.query(`update executions set graph = '{"tasks": 7}' where uid = $1`, [
      poisoned.uid,
    ]);
    await work();
    const sound = await install(thing('scripted.create'));
    assert.equal((await engine.until(sound)).status, 'terminated');
    const { breakdowns } = await workerOf(poisoned);
    assert.ok(breakdowns <= 2, `it was tried ${breakdowns} times already`);
    // The pauses grow to many seconds: the test need not wait for them.
    for (let tries = breakdowns; tries < 5; ) {
      await engine.database.pool.query(
        `update executions set lease_until = now() where uid = $1 and status = 'pending'`,
        [poisoned.uid],
      );
      engine.signals.send('work');
      await tick();
      tries = (await workerOf(poisoned)).breakdowns;
    }
    const end = await engine.until(poisoned);
    assert.equal(end.status, 'failed');
    assert.match(end.error ?? '', /the engine could not carry it out: .*is not/);
  });

  it('let a small execution have its turn beside a large one', async () => {
    let running = 0;
    let held = Promise.resolve();
    const create = async () => {
      running += 1;
      assert.ok(running <= 2);
      await tick();
      await held;
      running -= 1;
      return DONE;
    };
    plugin.on('create', create);
    plugin.on('small', create);
    await work({ maxOperations: 2 });
    const large = await install(thing('scripted.create', 60));
    while (plugin.calls.length < 4) await tick();
    let goOn = () => {};
    held = new Promise((resolve) => {
      goOn = resolve;
    });
    const small = await install(thing('scripted.small'));
    while ((await workerOf(small)).worker === null) await tick();
    goOn();
    assert.equal((await engine.until(small)).status, 'terminated');
    assert.equal((await engine.until(large)).status, 'terminated');
    assert.equal(plugin.calls.length, 122);
    assert.ok(plugin.calls.indexOf('small thing 1') < plugin.calls.lastIndexOf('create thing 1'));
  });
});

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
