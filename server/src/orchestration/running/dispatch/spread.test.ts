/** Executions whose operations run on all workers, without naming a pool. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../../../test/support/an-engine.js';
import { DONE, type ScriptedPlugin, scriptedPlugin } from '../../../../test/support/scripted-plugin.js';
import type { ExecutionRecord } from '../../executions.js';
import { SPREAD } from './pools.js';

const THINGS = `
node_templates:
  thing:
    type: cloudify.nodes.Root
    instances: {deploy: 12}
    interfaces:
      cloudify.interfaces.lifecycle:
        create: scripted.fragile.create
        start: {implementation: scripted.start, inputs: {worker_pool: central}}
`;

describe('operations of a spread execution', () => {
  let engine: Engine;
  let one: ScriptedPlugin;
  let other: ScriptedPlugin;
  let running: { stop(): Promise<void> }[] = [];
  let id = 0;
  before(async () => {
    one = scriptedPlugin();
    other = scriptedPlugin();
    engine = await anEngine([one]);
  });
  after(() => engine.close());
  beforeEach(() => {
    for (const plugin of [one, other]) {
      plugin.calls.length = 0;
      for (const name of ['start', 'fragile.create']) plugin.on(name, () => DONE);
    }
  });
  afterEach(async () => {
    await Promise.all(running.map((worker) => worker.stop()));
    running = [];
  });

  /** Two workers: the first walks, and both serve. */
  async function twoWorkers(spread: number): Promise<{ stop(): Promise<void> }> {
    const settings = { lease: 2, drain: 0, room: 3 };
    const walker = await engine.work({ drain: 0, lease: 2, spread, name: 'first' });
    running.push(
      await engine.serve([SPREAD], { ...settings, name: 'first' }),
      await engine.serve([SPREAD], { ...settings, name: 'second' }, { plugins: [other] }),
    );
    running.push(walker);
    return walker;
  }
  async function install(): Promise<ExecutionRecord> {
    id += 1;
    await engine.deploy(`d${id}`, THINGS);
    return engine.install(`d${id}`);
  }
  async function until(what: string, condition: () => boolean | Promise<boolean>) {
    const deadline = Date.now() + 60_000;
    while (!(await condition())) {
      if (Date.now() > deadline) assert.fail(`${what}: it did not come true`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  const made = () => [...one.calls, ...other.calls].filter((call) => call.startsWith('fragile.create'));

  it('run on every worker; those that want to stay at home do', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    for (const plugin of [one, other]) plugin.on('fragile.create', () => gate.then(() => DONE));
    await twoWorkers(100);
    const execution = await install();
    await until('both are full', () => one.calls.length === 3 && other.calls.length === 3);
    open();
    const ended = await engine.until(execution);
    assert.equal(ended.status, 'terminated', ended.error ?? '');
    assert.equal(made().length, 12);
    assert.equal(one.calls.filter((call) => call.startsWith('start')).length, 12);
    assert.equal(other.calls.filter((call) => call.startsWith('start')).length, 0);
  });

  it('are no more at once than the setting says, so that others are not held up', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    for (const plugin of [one, other]) plugin.on('fragile.create', () => gate.then(() => DONE));
    await twoWorkers(4);
    const execution = await install();
    await until('four are away', () => made().length === 4);
    const { rows } = await engine.database.pool.query('select 1 from dispatched_operations');
    assert.equal(rows.length, 4);
    open();
    assert.equal((await engine.until(execution)).status, 'terminated');
  });

  it('run on while the walk changes hands, also to a process that is set otherwise, and none is run twice', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    for (const plugin of [one, other]) plugin.on('fragile.create', () => gate.then(() => DONE));
    const walker = await twoWorkers(100);
    const execution = await install();
    await until('both are full', () => made().length === 6);
    await walker.stop();
    // It does not spread what begins with it; this has begun spread.
    running.push(await engine.work({ drain: 0, lease: 2, name: 'third' }));
    await until('the third has it', async () => {
      const { rows } = await engine.database.pool.query('select worker from executions where uid = $1', [
        execution.uid,
      ]);
      return rows[0]?.worker === 'third';
    });
    open();
    const ended = await engine.until(execution);
    // An operation that may not be run twice in silence would have failed the execution.
    assert.equal(ended.status, 'terminated', ended.error ?? '');
    assert.equal(made().length, 12);
  });

  it('run where they are walked, when the setting says nothing', async () => {
    await twoWorkers(0);
    assert.equal((await engine.until(await install())).status, 'terminated');
    assert.equal(other.calls.length, 0);
  });
});
