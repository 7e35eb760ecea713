/** How workers beside each other share executions, by the room that each has for operations. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../../test/support/an-engine.js';
import { DONE, type ScriptedPlugin, scriptedPlugin } from '../../../test/support/scripted-plugin.js';
import type { ExecutionRecord } from '../executions.js';
import type { RunningWorker } from './worker.js';

const BARE = `
node_templates:
  thing: {type: cloudify.nodes.Root}
`;

function things(instances: number): string {
  return `
node_templates:
  thing:
    type: cloudify.nodes.Root
    instances: {deploy: ${instances}}
    interfaces: {cloudify.interfaces.lifecycle: {create: scripted.create, start: scripted.start}}
`;
}

describe('workers beside each other', () => {
  let engine: Engine;
  let workers: RunningWorker[] = [];
  let plugins: ScriptedPlugin[] = [];
  let open = () => {};
  let id = 0;
  before(async () => {
    engine = await anEngine([scriptedPlugin()]);
  });
  after(() => engine.close());
  let gate: Promise<void>;
  beforeEach(() => {
    gate = new Promise((resolve) => {
      open = resolve;
    });
  });
  afterEach(async () => {
    open();
    await Promise.all(workers.map((worker) => worker.stop()));
    workers = [];
    plugins = [];
  });

  /** A worker whose operations `create` wait until the gate is open, where they are told to. */
  async function work(name: string, maxOperations: number, gated: boolean): Promise<ScriptedPlugin> {
    const plugin = scriptedPlugin();
    plugin.on('create', () => (gated ? gate : tick(20)).then(() => DONE));
    plugin.on('start', () => (gated ? tick() : tick(20)).then(() => DONE));
    const settings = { name, maxOperations, lease: 2, drain: 0 };
    workers.push(await engine.work(settings, { plugins: [plugin] }));
    plugins.push(plugin);
    return plugin;
  }
  async function install(instances: number): Promise<ExecutionRecord> {
    id += 1;
    await engine.deploy(`d${id}`, things(instances));
    return engine.install(`d${id}`);
  }
  async function until(what: string, condition: () => boolean) {
    const deadline = Date.now() + 60_000;
    while (!condition()) {
      if (Date.now() > deadline) assert.fail(`${what}: it did not come true`);
      await tick();
    }
  }
  const calls = () => plugins.map((plugin) => plugin.calls.length);
  const end = async (execution: ExecutionRecord) => {
    const { status, error } = await engine.until(execution);
    assert.equal(status, 'terminated', error ?? '');
  };

  it('have one large execution each, where one worker could have had them all', async () => {
    for (const name of ['a', 'b', 'c']) await work(name, 3, true);
    const executions = [];
    for (const nth of [1, 2, 3]) {
      executions.push(await install(8));
      await until('one more is full', () => calls().filter((count) => count === 3).length === nth);
    }
    assert.deepEqual(
      workers.map((worker) => worker.executions),
      [1, 1, 1],
    );
    open();
    for (const execution of executions) await end(execution);
    assert.equal(
      calls().reduce((sum, count) => sum + count, 0),
      3 * 8 * 2,
    );
  });

  it('leave what comes to one that has room', async () => {
    const full = await work('full', 2, true);
    const large = await install(6);
    await until('it is full', () => full.calls.length === 2);
    const idle = await work('idle', 20, false);
    const small = [];
    for (let nth = 0; nth < 8; nth += 1) {
      small.push(await install(1));
      await end(small.at(-1)!);
    }
    assert.equal(full.calls.length, 2);
    assert.equal(idle.calls.length, 16);
    open();
    await end(large);
  });

  it('end what was asked for at once in about equal parts', async () => {
    for (const name of ['a', 'b', 'c']) await work(name, 3, false);
    const ids = Array.from({ length: 12 }, (_, nth) => `many${nth}`);
    for (const one of ids) await engine.deploy(one, things(6));
    const executions = await Promise.all(ids.map((one) => engine.install(one)));
    for (const execution of executions) await end(execution);
    const parts = calls();
    assert.equal(
      parts.reduce((sum, count) => sum + count, 0),
      12 * 6 * 2,
    );
    assert.ok(Math.min(...parts) >= 24, parts.join(' '));
  });

  it('are not waited for by one that is alone: full as it is, it carries out what needs no room, and children before parents', async () => {
    const full = await work('alone', 1, true);
    const large = await install(4);
    await until('it is full', () => full.calls.length === 1);
    await engine.deploy('outer', BARE);
    await engine.keep('bare', BARE);
    const labels = [{ key: 'csys-obj-parent', value: 'outer' }];
    await engine.deployments.create(engine.caller, { id: 'inner', blueprintId: 'bare', labels });
    for (const deployment of ['outer', 'inner']) await end(await engine.install(deployment));
    const started = await engine.executions.start(engine.caller, {
      ...{ deploymentId: 'outer', workflow: 'uninstall', parameters: { recursive: true } },
      allowCustomParameters: true,
    });
    await end(started);
    assert.deepEqual(await engine.states('inner'), { thing: 'deleted' });
    assert.equal((await engine.executions.get(engine.caller, large.id)).status, 'started');
    assert.equal(full.calls.length, 1);
    open();
    await end(large);
  });

  it('end a cancelled execution that a full one has left, before anybody takes it', async () => {
    const full = await work('full', 1, true);
    const large = await install(4);
    await until('it is full', () => full.calls.length === 1);
    const left = await install(1);
    await engine.executions.cancel(engine.caller, left.id, 'cancel');
    assert.equal((await engine.until(left)).status, 'cancelled');
    open();
    await end(large);
    assert.equal(full.calls.length, 8);
  });
});

function tick(milliseconds = 5): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
