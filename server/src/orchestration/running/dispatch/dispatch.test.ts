/** Operations that run in pools, with workers of theirs that come late, stop, freeze and die. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../../../test/support/an-engine.js';
import {
  DONE,
  type ScriptedPlugin,
  scriptedPlugin,
  stopped,
} from '../../../../test/support/scripted-plugin.js';
import type { ExecutionRecord } from '../../executions.js';

function thing(create: string, more = '', instances = 1): string {
  return `
node_templates:
  thing:
    type: cloudify.nodes.Root
    instances: {deploy: ${instances}}
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: ${create}, inputs: {worker_pool: far, greeting: hello${more}}}
        start: scripted.start
`;
}

describe('operations of a pool', () => {
  let engine: Engine;
  let near: ScriptedPlugin;
  let far: ScriptedPlugin;
  let running: { stop(): Promise<void> }[] = [];
  let id = 0;
  before(async () => {
    near = scriptedPlugin();
    far = scriptedPlugin();
    engine = await anEngine([near]);
  });
  after(() => engine.close());
  beforeEach(() => {
    for (const plugin of [near, far]) {
      plugin.calls.length = 0;
      for (const name of ['create', 'start', 'fragile.create']) plugin.on(name, () => DONE);
    }
  });
  afterEach(async () => {
    await Promise.all(running.map((worker) => worker.stop()));
    running = [];
  });

  const work: Engine['work'] = async (settings, own) => {
    const worker = await engine.work({ drain: 0, lease: 2, ...settings }, own);
    running.push(worker);
    return worker;
  };
  const serve = async (settings: Parameters<Engine['serve']>[1] = {}, own = {}) => {
    const worker = await engine.serve(
      ['far'],
      { lease: 2, drain: 0, ...settings },
      { plugins: [far], ...own },
    );
    running.push(worker);
    return worker;
  };

  async function install(blueprint: string): Promise<ExecutionRecord> {
    id += 1;
    await engine.deploy(`d${id}`, blueprint);
    return engine.install(`d${id}`);
  }

  const rows = async (text: string) => (await engine.database.pool.query(text)).rows;
  const dispatched = () => rows('select state, attempt, lease from dispatched_operations order by uid');
  const until = async (what: string, condition: () => Promise<boolean> | boolean) => {
    const deadline = Date.now() + 60_000;
    while (!(await condition())) {
      if (Date.now() > deadline) assert.fail(`${what}: it did not come true`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  it('run where their pool is, and all others where the execution is walked; nothing is left of them', async () => {
    await Promise.all([work(), serve()]);
    far.on('create', (request) => {
      assert.equal(request.inputs.greeting, 'hello');
      assert.equal(request.operation.attempt, 1);
      return {
        kind: 'done',
        result: 'made',
        runtimeProperties: { [request.context.self!.instance.id]: { made: true } },
      };
    });
    const execution = await engine.until(await install(thing('scripted.create', '', 3)));
    assert.equal(execution.status, 'terminated');
    assert.deepEqual(far.calls, Array(3).fill('create thing 1'));
    assert.deepEqual(near.calls, Array(3).fill('start thing 1'));
    const properties = await rows(
      `select runtime_properties as p from node_instances where deployment_uid = ${execution.deploymentUid}`,
    );
    assert.deepEqual(
      properties.map((row) => row.p),
      Array(3).fill({ made: true }),
    );
    await until('the rows go', async () => (await dispatched()).length === 0);
  });

  it('log, tell, save, read and evaluate as if they ran here, secrets masked', async () => {
    await Promise.all([work(), serve()]);
    far.on('create', async (request) => {
      const { id: instance } = request.context.self!.instance;
      request.log('info', `I know ${String(request.inputs.key)}`);
      request.event('half-way');
      await request.saveRuntimeProperties({ [instance]: { a: 1, b: 2 } });
      assert.deepEqual(await request.readRuntimeProperties!(instance), { a: 1, b: 2 });
      assert.equal(await request.evaluate({ get_attribute: ['SELF', 'a'] }), 1);
      assert.equal((await request.surroundings!.instance(instance)).node, 'thing');
      await assert.rejects(request.surroundings!.node('nothing', null), { reason: 'node-not-found' });
      await assert.rejects(request.saveRuntimeProperties({ stranger_abc: { a: 1 } }), {
        reason: 'runtime-properties-illegal',
      });
      return { kind: 'done', result: null, runtimeProperties: { [instance]: { b: 3 } } };
    });
    const execution = await engine.until(
      await install(thing('scripted.create', ', key: {get_secret: door}')),
    );
    assert.equal(execution.error, '');
    const told = (await engine.events(execution)).map((event) => event.message);
    assert.ok(told.includes('I know ********'), told.join('\n'));
    assert.ok(told.indexOf('half-way') > told.indexOf('I know ********'));
    assert.deepEqual(
      await rows(
        `select runtime_properties as p from node_instances where deployment_uid = ${execution.deploymentUid}`,
      ),
      [{ p: { b: 3 } }],
    );
    const [kept] = await rows('select count(*)::integer as n from dispatched_messages');
    assert.equal(kept.n, 0);
  });

  it('wait for a worker, tell so, and fail when nobody has come for as long as the setting says', async () => {
    await work({ poolWait: 7 });
    const execution = await engine.until(await install(thing('scripted.create')));
    assert.equal(execution.status, 'failed');
    assert.match(execution.error ?? '', /no worker of the pool far was there for 7 seconds/);
    const told = (await engine.events(execution)).map((event) => event.message);
    assert.ok(told.includes('Waits for a worker of the pool far: there is none now'), told.join('\n'));
    assert.deepEqual([...near.calls, ...far.calls], []);
  });

  it('are taken up by a worker that comes late', async () => {
    await work({ poolWait: 0 });
    const execution = await install(thing('scripted.create'));
    await until('it waits', async () => (await dispatched())[0]?.state === 'waiting');
    await serve();
    assert.equal((await engine.until(execution)).status, 'terminated');
  });

  it('go on while the walk changes hands, and are not run twice', async () => {
    const first = await work({ name: 'first' });
    await serve();
    let finish = () => {};
    far.on('fragile.create', (request) => {
      request.log('info', 'before');
      return new Promise((resolve) => {
        finish = () => {
          request.log('info', 'after');
          resolve({
            kind: 'done',
            result: 'once',
            runtimeProperties: { [request.context.self!.instance.id]: { by: 'far' } },
          });
        };
      });
    });
    const execution = await install(thing('scripted.fragile.create'));
    await until('it runs', () => far.calls.length === 1);
    await first.stop();
    await work({ name: 'second' });
    await until(
      'the second has it',
      async () =>
        (await rows(`select worker from executions where uid = ${execution.uid}`))[0]?.worker === 'second',
    );
    finish();
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(far.calls, ['fragile.create thing 1']);
    const told = (await engine.events(execution)).map((event) => event.message);
    assert.equal(told.filter((message) => message === 'after').length, 1);
    assert.equal(told.filter((message) => message.startsWith('Task started')).length, 2);
  });

  it('are recorded when they have ended while nobody walked', async () => {
    const first = await work({ name: 'first' });
    await serve();
    let finish = () => {};
    far.on(
      'create',
      () =>
        new Promise((resolve) => {
          finish = () => resolve({ kind: 'done', result: 'alone' });
        }),
    );
    const execution = await install(thing('scripted.create'));
    await until('it runs', () => far.calls.length === 1);
    await first.stop();
    finish();
    await until('it has ended', async () => (await dispatched())[0]?.state === 'ended');
    await work({ name: 'second' });
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(far.calls, ['create thing 1']);
  });

  it('that were to be sent when the walk died are sent by the next one, though nobody has said that they may run twice', async () => {
    const first = await work({ name: 'first', poolWait: 0 });
    const execution = await install(thing('scripted.fragile.create'));
    await until('it waits', async () => (await dispatched())[0]?.state === 'waiting');
    await first.stop();
    await engine.database.pool.query('delete from dispatched_operations');
    await serve();
    await work({ name: 'second' });
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(far.calls, ['fragile.create thing 1']);
  });

  it('run again when their worker stops, where they are resumable; the walk stops where they are not', async () => {
    await work();
    for (const [create, status] of [
      ['scripted.create', 'terminated'],
      ['scripted.fragile.create', 'failed'],
    ] as const) {
      far.calls.length = 0;
      const one = await serve({ name: 'one' });
      let hung = true;
      const name = create.slice('scripted.'.length);
      far.on(name, async (request) => {
        if (!hung) return DONE;
        assert.equal(await stopped(request), 'shutdown');
        return { kind: 'aborted' };
      });
      const execution = await install(thing(create));
      await until('it runs', () => far.calls.length === 1);
      hung = false;
      await serve({ name: 'two' });
      await one.stop();
      assert.equal((await engine.until(execution)).status, status);
      assert.deepEqual(
        far.calls,
        status === 'failed' ? [`${name} thing 1`] : [`${name} thing 1`, `${name} thing 2`],
      );
    }
  });

  it('are cancelled: those that run are told so, those that wait go without a trace', async () => {
    await Promise.all([work(), serve({ room: 1 })]);
    const reasons: string[] = [];
    far.on('create', async (request) => {
      reasons.push(await stopped(request));
      return { kind: 'aborted' };
    });
    const execution = await install(thing('scripted.create', '', 3));
    await until('one runs', () => far.calls.length === 1);
    await until('the others wait', async () => (await dispatched()).length === 3);
    await engine.executions.cancel(engine.caller, execution.id, 'cancel');
    assert.equal((await engine.until(execution)).status, 'cancelled');
    assert.deepEqual([reasons, far.calls.length], [['cancelled'], 1]);
  });

  it('have their timeout from when they are taken, not from when they were sent', async () => {
    await work({ poolWait: 0 });
    far.on('create', async (request) => {
      assert.equal(await stopped(request), 'timeout');
      return { kind: 'aborted' };
    });
    const blueprint = thing('scripted.create').replace(
      'implementation: scripted.create,',
      'implementation: scripted.create, timeout: 1, timeout_recoverable: false,',
    );
    const execution = await install(blueprint);
    await until('it waits', async () => (await dispatched())[0]?.state === 'waiting');
    await new Promise((resolve) => setTimeout(resolve, 1200));
    assert.equal((await dispatched())[0]?.state, 'waiting');
    await serve();
    const ended = await engine.until(execution);
    assert.equal(ended.status, 'failed');
    assert.match(ended.error ?? '', /timeout of 1 seconds/);
  });

  it('name their pool by the property of their node too; a name that is none fails them with a reason', async () => {
    await Promise.all([work(), serve()]);
    const typed = (pool: string) => `
node_types:
  far.Thing:
    derived_from: cloudify.nodes.Root
    properties: {worker_pool: {default: ''}}
    interfaces: {cloudify.interfaces.lifecycle: {create: scripted.create}}
node_templates:
  thing: {type: far.Thing, properties: {worker_pool: ${pool}}}
`;
    assert.equal((await engine.until(await install(typed('far')))).status, 'terminated');
    assert.deepEqual(far.calls, ['create thing 1']);
    assert.equal((await engine.until(await install(typed('central')))).status, 'terminated');
    assert.deepEqual(near.calls, ['create thing 1']);
    const failed = await engine.until(await install(typed('"no such name!"')));
    assert.match(failed.error ?? '', /worker_pool is "no such name!": it should be the name of a pool/);
  });

  it('of a host run where a worker stands on it, with all that is contained in it, executor host_agent or not', async () => {
    await Promise.all([work(), serve()]);
    const blueprint = `
node_types:
  far.Host:
    derived_from: cloudify.nodes.Compute
    properties: {worker_pool: {default: ''}}
node_templates:
  host:
    type: far.Host
    properties: {worker_pool: far, agent_config: {install_method: none}}
    interfaces: {cloudify.interfaces.lifecycle: {create: scripted.create}}
  app:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: scripted.create, executor: host_agent}
        start: {implementation: scripted.start, inputs: {worker_pool: central}}
    relationships: [{type: cloudify.relationships.contained_in, target: host}]
`;
    const execution = await engine.until(await install(blueprint));
    assert.equal(execution.status, 'terminated', execution.error ?? '');
    assert.deepEqual(far.calls, ['create host 1', 'create app 1']);
    assert.deepEqual(near.calls, ['start app 1']);
    const agent = await engine.until(
      await install(blueprint.replace('install_method: none', 'install_method: remote')),
    );
    assert.equal(agent.status, 'failed');
    assert.match(agent.error ?? '', /plugin agent has no function cloudify_agent\.installer/);
  });

  it('of a worker that was silent for longer than its lease: nothing that it says afterwards is heard', async () => {
    await work();
    let thaw = () => {};
    const frozen = new Promise<void>((resolve) => {
      thaw = resolve;
    });
    // Its connections stand still, as those of a process that is stopped.
    const { pool } = engine.database;
    let still = false;
    const standing = new Proxy(pool, {
      get(target, name) {
        if (name !== 'query') return Reflect.get(target, name, target);
        return async (...args: unknown[]) => {
          if (still) await frozen;
          return (target.query as (...given: unknown[]) => unknown)(...args);
        };
      },
    });
    await serve({ name: 'frozen', room: 1 }, { pool: standing });
    let late = () => {};
    far.on('create', (request) => {
      if (request.operation.attempt > 1) return DONE;
      return new Promise((resolve) => {
        late = () => {
          request.log('info', 'too late');
          resolve({
            kind: 'done',
            result: null,
            runtimeProperties: { [request.context.self!.instance.id]: { late: true } },
          });
        };
      });
    });
    const execution = await install(thing('scripted.create'));
    await until('it runs', () => far.calls.length === 1);
    still = true;
    await serve({ name: 'other' });
    late();
    const ended = await engine.until(execution);
    assert.equal(ended.status, 'terminated');
    assert.deepEqual(far.calls, ['create thing 1', 'create thing 2']);
    const before = await engine.events(execution);
    still = false;
    thaw();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.deepEqual(await engine.events(execution), before);
    assert.ok(before.every((event) => event.message !== 'too late'));
    assert.deepEqual(
      await rows(
        `select runtime_properties as p from node_instances where deployment_uid = ${execution.deploymentUid}`,
      ),
      [{ p: {} }],
    );
  });
});
