/** Starting, cancelling and resuming in every state of docs/executions.md, and their races. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../test/support/an-engine.js';
import { DONE, type ScriptedPlugin, scriptedPlugin, stopped } from '../../test/support/scripted-plugin.js';
import type { ExecutionStatus } from './execution-state.js';
import type { ExecutionRecord } from './executions.js';
import { claimExecutions } from './running/running.store.js';
import type { RunningWorker } from './running/worker.js';

const THING = `
node_templates:
  thing:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: scripted.create
        start: scripted.start
`;
const TWO = `
node_templates:
  one: &one
    type: cloudify.nodes.Root
    interfaces: {cloudify.interfaces.lifecycle: {create: scripted.one}}
  two:
    type: cloudify.nodes.Root
    interfaces: {cloudify.interfaces.lifecycle: {create: scripted.two}}
`;
const KINDS = ['cancel', 'force-cancel', 'kill'] as const;

describe('an execution', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let worker: RunningWorker | null = null;
  let id = 0;
  before(async () => {
    plugin = scriptedPlugin();
    engine = await anEngine([plugin]);
  });
  after(() => engine.close());
  beforeEach(() => {
    plugin.calls.length = 0;
    for (const name of ['create', 'start', 'one', 'two']) plugin.on(name, () => DONE);
  });
  afterEach(async () => {
    await worker?.stop();
    worker = null;
  });

  const work = async (settings: Parameters<Engine['work']>[0] = {}) => {
    worker = await engine.work({ drain: 0, lease: 1, ...settings });
  };

  async function deploy(blueprint = THING): Promise<string> {
    id += 1;
    await engine.deploy(`d${id}`, blueprint);
    return `d${id}`;
  }

  const cancel = (execution: ExecutionRecord, kind: (typeof KINDS)[number] = 'cancel') =>
    engine.executions.cancel(engine.caller, execution.id, kind);
  const resume = (execution: ExecutionRecord) => engine.executions.resume(engine.caller, execution.id);
  const ends = async (execution: ExecutionRecord) => (await engine.until(execution)).status;
  const rows = async (execution: ExecutionRecord) =>
    (
      await engine.database.pool.query<{ state: string }>(
        'select state from operations where execution_uid = $1 order by task',
        [execution.uid],
      )
    ).rows.map((row) => row.state);
  const called = async (call: string) => {
    while (!plugin.calls.includes(call)) await tick();
  };

  for (const kind of KINDS) {
    it(`that no worker has seen ends at once with ${kind}, tells it, and can be resumed`, async () => {
      const execution = await engine.install(await deploy());
      assert.equal((await cancel(execution, kind)).status, 'cancelled');
      assert.deepEqual(
        (await engine.events(execution)).map((event) => event.type),
        ['workflow_cancelled'],
      );
      const { health } = await engine.deployments.get(engine.caller, `d${id}`);
      assert.equal(health, 'requires-attention');
      await work();
      assert.deepEqual(plugin.calls, []);
      await resume(execution);
      assert.equal(await ends(execution), 'terminated');
    });

    it(`that a worker has claimed but not begun ends cancelled with ${kind}, whoever takes it over`, async () => {
      const execution = await engine.install(await deploy());
      await claimExecutions.all(engine.database.pool, ['a worker that dies', 0, 1, [], 0, 0, 1, []]);
      assert.notEqual((await cancel(execution, kind)).status, 'cancelled');
      await work();
      assert.equal(await ends(execution), 'cancelled');
      assert.deepEqual(plugin.calls, []);
    });

    it(`that cannot even be planned ends cancelled with ${kind}`, async () => {
      const execution = await engine.install(await deploy());
      await claimExecutions.all(engine.database.pool, ['a worker that dies', 0, 1, [], 0, 0, 1, []]);
      await engine.database.pool.query(`update executions set function = 'no.such' where uid = $1`, [
        execution.uid,
      ]);
      await cancel(execution, kind);
      await work();
      const end = await engine.until(execution);
      assert.deepEqual([end.status, end.error], ['cancelled', '']);
    });

    it(`whose only operation waits for a retry far away ends at once with ${kind}`, async () => {
      await work();
      plugin.on('create', () => ({ kind: 'again', after: 86_400 * 300, message: 'much later' }));
      const execution = await engine.install(await deploy());
      while (!(await rows(execution)).includes('waiting')) await tick();
      await cancel(execution, kind);
      assert.equal(await ends(execution), 'cancelled');
      plugin.on('create', () => DONE);
      await resume(execution);
      assert.equal(await ends(execution), 'terminated');
      assert.deepEqual(plugin.calls, ['create thing 1', 'create thing 2', 'start thing 1']);
    });

    it(`that has failed and waits for what still runs is cancelled by ${kind}`, async () => {
      await work();
      plugin.on('one', async () => {
        await called('two two 1');
        return { kind: 'failed', failure: { type: 'X', message: 'no', retryable: false, causes: [] } };
      });
      plugin.on('two', async (request) => {
        assert.equal(await stopped(request), kind === 'kill' ? 'killed' : 'cancelled');
        return { kind: 'aborted' };
      });
      const execution = await engine.install(await deploy(TWO));
      while (!(await rows(execution)).includes('failed')) await tick();
      assert.equal((await engine.executions.get(engine.caller, execution.id)).status, 'started');
      await cancel(execution, kind);
      assert.equal(await ends(execution), 'cancelled');
      assert.deepEqual(await rows(execution), ['failed', 'failed']);
    });

    it(`whose worker dies while it stops after ${kind} is cancelled by the next, and what ran is run again on resume`, async () => {
      const execution = await dead('create', await deploy());
      await cancel(execution, kind);
      await work();
      assert.equal(await ends(execution), 'cancelled');
      assert.deepEqual(await rows(execution), ['failed']);
      await resume(execution);
      assert.equal(await ends(execution), 'terminated');
      assert.deepEqual(plugin.calls, ['create thing 1', 'create thing 2', 'start thing 1']);
    });

    it(`that has ended refuses ${kind}`, async () => {
      await work();
      const execution = await engine.install(await deploy());
      assert.equal(await ends(execution), 'terminated');
      await assert.rejects(cancel(execution, kind), { reason: 'execution-action-illegal' });
      await assert.rejects(resume(execution), { reason: 'execution-not-resumable' });
    });
  }

  /** An install whose worker has died in the middle of `operation`: its row says `started`, and nobody works on it. */
  async function dead(operation: string, deployment: string): Promise<ExecutionRecord> {
    await work({ cancelGrace: 0 });
    plugin.on(operation, async (request) => {
      await stopped(request);
      return { kind: 'aborted' };
    });
    const execution = await engine.install(deployment);
    await called(`${operation} thing 1`);
    // A graceful stop leaves the row as a crash does.
    await worker!.stop();
    assert.deepEqual((await rows(execution)).at(-1), 'started');
    plugin.on(operation, () => DONE);
    return execution;
  }

  it('may be asked to end harder and harder, never softer', async () => {
    const execution = await dead('create', await deploy());
    const steps: [(typeof KINDS)[number], ExecutionStatus][] = [
      ['cancel', 'cancelling'],
      ['force-cancel', 'force-cancelling'],
      ['kill', 'kill-cancelling'],
      ['kill', 'kill-cancelling'],
    ];
    for (const [kind, status] of steps) assert.equal((await cancel(execution, kind)).status, status);
    await assert.rejects(cancel(execution, 'cancel'), { reason: 'execution-action-illegal' });
    await work();
    assert.equal(await ends(execution), 'cancelled');
  });

  it('that was failing when its worker died ends failed, and resuming asks nothing of what may run again', async () => {
    await work({ cancelGrace: 0 });
    plugin.on('one', async () => {
      await called('two two 1');
      return { kind: 'failed', failure: { type: 'X', message: 'no', retryable: false, causes: [] } };
    });
    plugin.on('two', async (request) => {
      await stopped(request);
      return new Promise(() => {});
    });
    const execution = await engine.install(await deploy(TWO));
    while (!(await rows(execution)).includes('failed')) await tick();
    // As if the worker had gone in this moment.
    await engine.database.pool.query(
      'update executions set fence = fence + 1, lease_until = now() where uid = $1',
      [execution.uid],
    );
    const end = await engine.until(execution);
    assert.equal(end.status, 'failed');
    assert.deepEqual(await rows(execution), ['failed', 'failed']);
    assert.ok(
      !(await engine.events(execution)).some((event) => event.message.includes('runs again as attempt')),
    );
    for (const name of ['one', 'two']) plugin.on(name, () => DONE);
    await resume(execution);
    assert.equal(await ends(execution), 'terminated');
  });

  it('lets what still runs end within wait_after_fail, then stops it, then goes on without it', async () => {
    await work({ cancelGrace: 0.1 });
    const seen: string[] = [];
    plugin.on('one', async () => {
      await called('two two 1');
      return { kind: 'failed', failure: { type: 'X', message: 'no', retryable: false, causes: [] } };
    });
    plugin.on('two', async (request) => {
      seen.push(await stopped(request));
      return new Promise(() => {});
    });
    const execution = await engine.install(await deploy(TWO), { waitAfterFail: 0 });
    const end = await engine.until(execution);
    assert.equal(end.status, 'failed');
    assert.deepEqual(seen, ['cancelled']);
    assert.deepEqual(await rows(execution), ['failed', 'failed']);
  });

  it('that could not be planned fails with a clear error, and resuming plans it anew', async () => {
    const execution = await engine.install(await deploy());
    const name = await swap(execution, 'no.such');
    await work();
    const end = await engine.until(execution);
    assert.equal(end.status, 'failed');
    assert.match(end.error ?? '', /Workflow install \(no\.such\) cannot be run here/);
    await swap(execution, name);
    await resume(execution);
    assert.equal(await ends(execution), 'terminated');
    assert.deepEqual(plugin.calls, ['create thing 1', 'start thing 1']);
  });

  async function swap(execution: ExecutionRecord, name: string): Promise<string> {
    const { pool } = engine.database;
    const { rows: old } = await pool.query<{ function: string }>(
      'select function from executions where uid = $1',
      [execution.uid],
    );
    await pool.query('update executions set function = $2 where uid = $1', [execution.uid, name]);
    return old[0]!.function;
  }

  it('that is queued and cancelled stays cancelled when the one before it ends in the same moment', async () => {
    await work({ maxExecutions: 50 });
    for (let round = 0; round < 10; round += 1) {
      const deployment = await deploy();
      const first = await engine.install(deployment);
      const second = await engine.install(deployment, { queue: true });
      const third = await engine.install(deployment, { queue: true });
      const cancelled = await cancel(second).then(
        (answer) => answer.status,
        () => 'refused',
      );
      for (const one of [first, third]) assert.equal(await ends(one), 'terminated');
      const end = await engine.until(second);
      assert.equal(end.status, cancelled === 'refused' ? 'terminated' : 'cancelled');
    }
  });

  it('that waits in line is taken up when two that were forced end in the same moment', async () => {
    await work({ maxExecutions: 50 });
    for (let round = 0; round < 5; round += 1) {
      let open = () => {};
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      plugin.calls.length = 0;
      plugin.on('start', async () => {
        await gate;
        return DONE;
      });
      const deployment = await deploy();
      const one = await engine.install(deployment);
      const two = await engine.install(deployment, { force: true });
      while (plugin.calls.filter((call) => call === 'start thing 1').length < 2) await tick();
      const queued = await engine.install(deployment, { queue: true });
      open();
      for (const each of [one, two, queued]) assert.equal(await ends(each), 'terminated');
    }
  });

  it('is the only one on its deployment, also when one starts and another is resumed in the same moment', async () => {
    for (let round = 0; round < 10; round += 1) {
      const deployment = await deploy();
      const old = await engine.install(deployment);
      await cancel(old);
      const both = await Promise.allSettled([
        engine.install(deployment),
        resume(old),
        engine.install(deployment),
      ]);
      assert.equal(both.filter((one) => one.status === 'fulfilled').length, 1);
    }
    await engine.database.pool.query(`update executions set status = 'cancelled' where status = 'pending'`);
  });

  it('survives that everybody cancels, kills and resumes it at once', async () => {
    await work({ maxExecutions: 50 });
    plugin.on('create', async (request) => {
      await Promise.race([stopped(request), new Promise((resolve) => setTimeout(resolve, 20))]);
      return request.signal.aborted ? { kind: 'aborted' } : DONE;
    });
    const execution = await engine.install(await deploy());
    for (let round = 0; round < 15; round += 1) {
      await Promise.allSettled([
        ...KINDS.map((kind) => cancel(execution, kind)),
        resume(execution),
        resume(execution),
      ]);
      await tick();
    }
    const status = await ends(execution);
    if (status !== 'terminated') {
      await resume(execution);
      assert.equal(await ends(execution), 'terminated');
    }
    const done = (await engine.events(execution)).filter((event) => event.type === 'task_succeeded');
    assert.equal(done.length, 2);
  });
});

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}
