import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../../test/support/an-engine.js';
import { everyTask } from '../../../test/support/every-task.js';
import { DONE, type ScriptedPlugin, scriptedPlugin, stopped } from '../../../test/support/scripted-plugin.js';
import { claimExecutions } from './running.store.js';

const TWO_TIERS = `
node_templates:
  db:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: scripted.create_db
        start: scripted.start_db
        stop: scripted.stop_db
  app:
    type: cloudify.nodes.Root
    relationships:
      - {type: cloudify.relationships.connected_to, target: db}
    interfaces:
      cloudify.interfaces.lifecycle:
        create: scripted.create_app
`;

function one(operation: string): string {
  return `
node_templates:
  thing:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: ${operation}
        start: scripted.start_thing
`;
}

describe('the walk of an execution', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let id = 0;
  before(async () => {
    plugin = scriptedPlugin();
    engine = await anEngine([plugin]);
    await engine.work();
  });
  after(() => engine.close());

  async function install(blueprint: string, more: { dryRun?: boolean } = {}) {
    id += 1;
    plugin.calls.length = 0;
    await engine.deploy(`d${id}`, blueprint);
    const execution = await engine.executions.start(engine.caller, {
      deploymentId: `d${id}`,
      workflow: 'install',
      ...more,
    });
    return { deployment: `d${id}`, execution };
  }

  it('runs operations in the order of the relationships and tells every step', async () => {
    const { deployment, execution } = await install(TWO_TIERS);
    const end = await engine.until(execution);
    assert.deepEqual(
      [end.status, end.error, end.totalOperations, end.finishedOperations],
      ['terminated', '', 3, 3],
    );
    assert.deepEqual(plugin.calls, ['create_db db 1', 'start_db db 1', 'create_app app 1']);
    assert.deepEqual(await engine.states(deployment), { app: 'started', db: 'started' });
    const told = (await engine.events(execution)).map((event) => event.message);
    assert.equal(told[0], `Starting 'install' workflow execution`);
    assert.equal(told.at(-1), `'install' workflow execution succeeded`);
    assert.ok(told.indexOf(`Task succeeded 'start_db'`) < told.indexOf(`Sending task 'create_app'`));
    const after = await engine.deployments.get(engine.caller, deployment);
    assert.deepEqual(
      [after.installed, after.health, after.latestExecution?.status],
      [true, 'good', 'terminated'],
    );
  });

  it('writes the intent before the operation starts', async () => {
    let seen: unknown;
    plugin.on('look', async (request) => {
      const [execution] = request.operation.id.split(':');
      const { rows } = await engine.database.pool.query(
        'select o.state, o.attempt from operations o join executions x on x.uid = o.execution_uid where x.id = $1',
        [execution],
      );
      seen = rows;
      return DONE;
    });
    const { execution } = await install(one('scripted.look'));
    await engine.until(execution);
    assert.deepEqual(seen, [{ state: 'started', attempt: 1 }]);
  });

  it('tries a failed operation again, and fails the execution when its retries are used up', async () => {
    plugin.on('broken', () => ({
      kind: 'failed',
      failure: { type: 'ProcessException', message: 'exit code 3', retryable: true, causes: [] },
    }));
    const { execution, deployment } = await install(one('scripted.broken'));
    const end = await engine.until(execution);
    assert.equal(end.status, 'failed');
    assert.match(
      end.error ?? '',
      /Task failed: broken \(thing_\w{6}:cloudify\.interfaces\.lifecycle\.create\): ProcessException `exit code 3`/,
    );
    assert.deepEqual(plugin.calls, ['broken thing 1', 'broken thing 2', 'broken thing 3']);
    assert.deepEqual(await engine.states(deployment), { thing: 'creating' });
    const failed = (await engine.events(execution))
      .filter((event) => event.type === 'task_failed')
      .map((event) => event.message);
    assert.deepEqual(failed, [
      `Task failed 'broken' -> exit code 3`,
      `Task failed 'broken' -> exit code 3 [retry 1/2]`,
      `Task failed 'broken' -> exit code 3 [retry 2/2]`,
    ]);
  });

  it('resumes after a failure without repeating what was done', async () => {
    let mended = false;
    plugin.on('start_thing', () =>
      mended ? DONE : { kind: 'failed', failure: { type: 'X', message: 'no', retryable: false, causes: [] } },
    );
    const { execution, deployment } = await install(one('scripted.create_thing'));
    assert.equal((await engine.until(execution)).status, 'failed');
    mended = true;
    plugin.calls.length = 0;
    await engine.executions.resume(engine.caller, execution.id);
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(plugin.calls, ['start_thing thing 2']);
    assert.deepEqual(await engine.states(deployment), { thing: 'started' });
  });

  it('calls an operation again that asks for it, and counts that as a retry', async () => {
    plugin.on('patient', (request) =>
      request.operation.retryNumber < 2
        ? { kind: 'again', after: 0, message: 'not yet' }
        : { kind: 'done', result: 'now' },
    );
    const { execution } = await install(one('scripted.patient'));
    assert.equal((await engine.until(execution)).status, 'terminated');
    const told = (await engine.events(execution)).map((event) => event.message);
    assert.ok(told.includes(`Task rescheduled 'patient' -> not yet`));
    assert.ok(told.includes(`Task succeeded 'patient' - now [retry 2/2]`));
  });

  it('keeps runtime properties of a failed attempt, and does not undo what others wrote meanwhile', async () => {
    plugin.on('writes', async (request) => {
      const self = request.context.self!.instance;
      if (request.operation.attempt === 2) {
        assert.deepEqual(self.runtimeProperties, { mine: 1, yours: 2 });
        return { kind: 'done', result: null, runtimeProperties: { [self.id]: { yours: 2, done: true } } };
      }
      await engine.database.pool.query(
        `update node_instances set runtime_properties = runtime_properties || '{"yours": 2}' where id = $1`,
        [self.id],
      );
      return {
        kind: 'failed',
        failure: { type: 'X', message: 'later', retryable: true, causes: [] },
        runtimeProperties: { [self.id]: { mine: 1 } },
      };
    });
    const { execution, deployment } = await install(one('scripted.writes'));
    assert.equal((await engine.until(execution)).status, 'terminated');
    const { rows } = await engine.database.pool.query(
      'select runtime_properties as p from node_instances i join deployments d on d.uid = i.deployment_uid where d.id = $1',
      [deployment],
    );
    assert.deepEqual(rows, [{ p: { yours: 2, done: true } }]);
  });

  it('lets an operation read what others have written meanwhile, and saves its own changes beside it', async () => {
    plugin.on('looks_again', async (request) => {
      const { id: instance } = request.context.self!.instance;
      await engine.database.pool.query(
        `update node_instances set runtime_properties = '{"theirs": 1}' where id = $1`,
        [instance],
      );
      const now = await request.readRuntimeProperties!(instance);
      return { kind: 'done', result: null, runtimeProperties: { [instance]: { ...now, mine: 2 } } };
    });
    const { execution, deployment } = await install(one('scripted.looks_again'));
    assert.equal((await engine.until(execution)).status, 'terminated');
    const { rows } = await engine.database.pool.query(
      'select runtime_properties as p from node_instances i join deployments d on d.uid = i.deployment_uid where d.id = $1',
      [deployment],
    );
    assert.deepEqual(rows, [{ p: { theirs: 1, mine: 2 } }]);
  });

  it('stops what runs when the execution is cancelled', async () => {
    plugin.on('endless', async (request) => {
      const reason = await stopped(request);
      assert.equal(reason, 'cancelled');
      return { kind: 'aborted' };
    });
    const { execution } = await install(one('scripted.endless'));
    await engine.until(execution, 'started');
    while (!plugin.calls.includes('endless thing 1')) await new Promise((resolve) => setTimeout(resolve, 5));
    const asked = await engine.executions.cancel(engine.caller, execution.id, 'cancel');
    // The answer is read after the worker was told, which may have been faster.
    assert.ok(['cancelling', 'cancelled'].includes(asked.status), asked.status);
    assert.equal((await engine.until(execution)).status, 'cancelled');
    plugin.on('endless', () => DONE);
    await engine.executions.resume(engine.caller, execution.id);
    assert.equal((await engine.until(execution)).status, 'terminated');
  });

  it('walks a dry run without touching the world or the instances', async () => {
    const { execution, deployment } = await install(TWO_TIERS, { dryRun: true });
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(plugin.calls, []);
    assert.deepEqual(await engine.states(deployment), { app: 'uninitialized', db: 'uninitialized' });
    assert.ok(
      (await engine.events(execution)).some(
        (event) => event.message === `Task succeeded 'create_db' (dry run)`,
      ),
    );
  });

  it('refuses a second execution on a deployment, queues it when asked, and starts it when the first has ended', async () => {
    let release = () => {};
    plugin.on(
      'slow',
      () =>
        new Promise((resolve) => {
          release = () => resolve(DONE);
        }),
    );
    const { execution, deployment } = await install(one('scripted.slow'));
    while (!plugin.calls.includes('slow thing 1')) await new Promise((resolve) => setTimeout(resolve, 5));
    const again = { deploymentId: deployment, workflow: 'install' };
    await assert.rejects(engine.executions.start(engine.caller, again), {
      reason: 'execution-already-running',
    });
    const queued = await engine.executions.start(engine.caller, { ...again, queue: true });
    assert.equal(queued.status, 'queued');
    await assert.rejects(engine.deployments.remove(engine.caller, deployment, { force: true }), {
      reason: 'deployment-has-active-executions',
    });
    release();
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.equal((await engine.until(queued)).status, 'terminated');
  });

  it('lets only one of two simultaneous starts win', async () => {
    id += 1;
    let release = () => {};
    const asked = new Promise<void>((resolve) => {
      release = resolve;
    });
    // The first must not be over before the last has asked.
    plugin.on('held', () => asked.then(() => DONE));
    await engine.deploy(`d${id}`, one('scripted.held'));
    const starts = await Promise.allSettled(
      [1, 2, 3, 4].map(() =>
        engine.executions.start(engine.caller, { deploymentId: `d${id}`, workflow: 'install' }),
      ),
    );
    release();
    assert.equal(starts.filter((start) => start.status === 'fulfilled').length, 1);
  });
});

describe('a walk that loses its execution', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let id = 0;
  before(async () => {
    plugin = scriptedPlugin();
    engine = await anEngine([plugin]);
    await engine.work({ lease: 1 });
  });
  after(() => engine.close());

  /** Installs, waits for `operation` to run, and takes the execution away from its worker. */
  async function takenAway(operation: string) {
    id += 1;
    plugin.calls.length = 0;
    let first = true;
    let reason = '';
    const name = operation.replace('scripted.', '');
    plugin.on(name, async (request) => {
      if (!first) return DONE;
      first = false;
      reason = await stopped(request);
      return { kind: 'done', result: 'too late' };
    });
    await engine.deploy(`d${id}`, one(operation));
    const execution = await engine.executions.start(engine.caller, {
      deploymentId: `d${id}`,
      workflow: 'install',
    });
    while (!plugin.calls.includes(`${name} thing 1`)) await new Promise((resolve) => setTimeout(resolve, 5));
    const { rowCount } = await engine.database.pool.query(
      'update executions set fence = fence + 1, lease_until = now() where id = $1',
      [execution.id],
    );
    assert.equal(rowCount, 1);
    return { execution, reason: () => reason };
  }

  it('is stopped, writes nothing more, and a resumable operation runs again under the next attempt', async () => {
    const { execution, reason } = await takenAway('scripted.sturdy');
    const end = await engine.until(execution);
    assert.equal(end.status, 'terminated');
    assert.equal(reason(), 'fenced');
    assert.deepEqual(plugin.calls, ['sturdy thing 1', 'sturdy thing 2', 'start_thing thing 1']);
    const told = (await engine.events(execution)).map((event) => event.message);
    assert.equal(told.filter((message) => message === `Task succeeded 'sturdy' - too late`).length, 0);
    assert.equal(told.filter((message) => message === `Task succeeded 'sturdy'`).length, 1);
    assert.ok(
      told.some((message) => /Task rescheduled 'sturdy' -> its worker died .* attempt 2/.test(message)),
    );
  });

  it('leaves an operation that is not resumable to a person, who may take it as done', async () => {
    const { execution } = await takenAway('scripted.fragile.act');
    assert.equal((await engine.until(execution)).status, 'failed');
    assert.deepEqual(plugin.calls, ['fragile.act thing 1']);
    await assert.rejects(engine.executions.resume(engine.caller, execution.id), {
      reason: 'operation-needs-decision',
    });
    const [task] = (await everyTask(engine, execution.id)).filter((one) => one.state === 'interrupted');
    await engine.executions.resume(engine.caller, execution.id, {
      decisions: [{ task: task!.task, kind: 'done', reason: 'I looked: it is there' }],
    });
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(plugin.calls, ['fragile.act thing 1', 'start_thing thing 1']);
    const told = (await engine.events(execution)).map((event) => event.message);
    assert.ok(told.some((message) => message.includes('taken as done by ada: I looked: it is there')));
    assert.ok(told.includes('Node instance created'));
  });

  it('or has it run again by force', async () => {
    const { execution } = await takenAway('scripted.fragile.again');
    assert.equal((await engine.until(execution)).status, 'failed');
    await engine.executions.resume(engine.caller, execution.id, { force: true });
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(plugin.calls, ['fragile.again thing 1', 'fragile.again thing 2', 'start_thing thing 1']);
  });

  it('never lets two claims have the same fence', async () => {
    const fences = await Promise.all(
      [1, 2, 3].map(() => claimExecutions.all(engine.database.pool, ['other', 1, 10, [], 0, 0, 10, []])),
    );
    assert.deepEqual(fences.flat(), []);
  });
});
