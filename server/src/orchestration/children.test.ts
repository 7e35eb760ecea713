/** Uninstalling a deployment with all that is inside it: who waits for whom, and what a failure, a cancel and a crash mean. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../test/support/an-engine.js';
import { DONE, type ScriptedPlugin, scriptedPlugin, stopped } from '../../test/support/scripted-plugin.js';
import { Dependencies } from './dependencies.js';
import type { ExecutionRecord } from './executions.js';
import type { RunningWorker } from './running/worker.js';

const THING = `
node_templates:
  thing:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle: {create: scripted.create, delete: scripted.delete}
`;
const NO = {
  kind: 'failed' as const,
  failure: { type: 'X', message: 'it is stuck', retryable: false, causes: [] },
};

describe('a recursive uninstall', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let worker: RunningWorker | null = null;
  let count = 0;
  /** Deployments whose `delete` was run, in order. */
  const deleted: string[] = [];
  before(async () => {
    plugin = scriptedPlugin();
    engine = await anEngine([plugin]);
    await engine.keep('thing', THING);
  });
  after(() => engine.close());
  beforeEach(async () => {
    deleted.length = 0;
    plugin.on('delete', (request) => {
      deleted.push(request.context.deployment.id);
      return DONE;
    });
    worker = await engine.work({ drain: 0, lease: 1 });
  });
  afterEach(async () => {
    await worker?.stop();
    worker = null;
  });

  const deploy = async (id: string, inside: string | null, installed = true) => {
    const labels = inside === null ? [] : [{ key: 'csys-obj-parent', value: inside }];
    await engine.deployments.create(engine.caller, { id, blueprintId: 'thing', labels });
    if (installed) assert.equal((await engine.until(await engine.install(id))).status, 'terminated');
  };
  /** An environment with two services, one of which has something inside itself. */
  const family = async (installed = true) => {
    count += 1;
    const [env, a, b, deep] = ['env', 'a', 'b', 'deep'].map((name) => `${name}${count}`);
    await deploy(env!, null);
    await deploy(a!, env!);
    await deploy(b!, env!, installed);
    await deploy(deep!, b!);
    return { env: env!, a: a!, b: b!, deep: deep! };
  };
  const uninstall = (deploymentId: string, parameters = {}) =>
    engine.executions.start(engine.caller, {
      deploymentId,
      workflow: 'uninstall',
      parameters: { recursive: true, ...parameters },
      allowCustomParameters: true,
    });
  const latest = async (deployment: string): Promise<ExecutionRecord> => {
    const { rows } = await engine.database.pool.query<{ id: string }>(
      `select x.id from executions x join deployments d on d.uid = x.deployment_uid
       where d.id = $1 and x.workflow = 'uninstall' order by x.uid desc limit 1`,
      [deployment],
    );
    return engine.executions.get(engine.caller, rows[0]!.id);
  };
  const states = async (...deployments: string[]) =>
    Promise.all(deployments.map(async (id) => (await engine.states(id)).thing));

  it('takes down what is inside first, at any depth, then the deployment itself', async () => {
    const { env, a, b, deep } = await family();
    const end = await engine.until(await uninstall(env));
    assert.deepEqual([end.status, end.error], ['terminated', '']);
    assert.equal(deleted.length, 4);
    assert.equal(deleted.at(-1), env);
    assert.ok(deleted.indexOf(deep) < deleted.indexOf(b));
    assert.deepEqual(await states(env, a, b, deep), ['deleted', 'deleted', 'deleted', 'deleted']);
    const told = (await engine.events(end)).map((event) => event.message);
    assert.ok(told.some((message) => message.startsWith(`Started 'uninstall' on deployment ${a}`)));
    assert.equal(told.filter((message) => /^(Starting|Resuming) 'uninstall'/.test(message)).length, 1);
  });

  it('reaches what is installed inside something that is not', async () => {
    const { env, b, deep } = await family(false);
    assert.equal((await engine.until(await uninstall(env))).status, 'terminated');
    assert.deepEqual(await states(env, b, deep), ['deleted', 'deleted', 'deleted']);
  });

  it('leaves what is inside alone unless asked', async () => {
    const { env, a } = await family();
    await engine.until(await uninstall(env, { recursive: false }));
    assert.deepEqual(deleted, [env]);
    assert.deepEqual(await states(a), ['started']);
  });

  it('fails with what failed inside, pulls no ground away, and resuming resumes that', async () => {
    const { env, a, b, deep } = await family();
    plugin.on('delete', (request) => (request.context.deployment.id === deep ? NO : DONE));
    const execution = await uninstall(env);
    const end = await engine.until(execution);
    assert.equal(end.status, 'failed');
    assert.match(
      end.error ?? '',
      new RegExp(`^Deployments inside this one could not be uninstalled: ${b} \\(execution `),
    );
    assert.match(end.error ?? '', new RegExp(`${deep} \\(execution .*it is stuck`));
    assert.deepEqual(await states(env, a, b, deep), ['started', 'deleted', 'started', 'deleting']);
    plugin.on('delete', () => DONE);
    await engine.executions.resume(engine.caller, execution.id);
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(await states(env, a, b, deep), ['deleted', 'deleted', 'deleted', 'deleted']);
    assert.equal((await latest(deep)).status, 'terminated');
  });

  it('goes on over what failed inside where failures are ignored', async () => {
    const { env, deep } = await family();
    plugin.on('delete', (request) => (request.context.deployment.id === deep ? NO : DONE));
    assert.equal((await engine.until(await uninstall(env, { ignore_failure: true }))).status, 'terminated');
    assert.deepEqual(await states(env, deep), ['deleted', 'deleted']);
  });

  for (const kind of ['cancel', 'force-cancel', 'kill'] as const) {
    it(`hands a ${kind} down to the lowest, and ends when all have ended`, async () => {
      const { env, b, deep } = await family();
      let under = false;
      plugin.on('delete', async (request) => {
        if (request.context.deployment.id !== deep) return DONE;
        under = true;
        assert.equal(await stopped(request), kind === 'kill' ? 'killed' : 'cancelled');
        return { kind: 'aborted' };
      });
      const execution = await uninstall(env);
      while (!under) await tick();
      await engine.executions.cancel(engine.caller, execution.id, kind);
      assert.equal((await engine.until(execution)).status, 'cancelled');
      assert.deepEqual([(await latest(b)).status, (await latest(deep)).status], ['cancelled', 'cancelled']);
      assert.deepEqual(await states(env, b), ['started', 'started']);
      plugin.on('delete', () => DONE);
      await engine.executions.resume(engine.caller, execution.id);
      assert.equal((await engine.until(execution)).status, 'terminated');
      assert.deepEqual(await states(env, b, deep), ['deleted', 'deleted', 'deleted']);
    });
  }

  it('waits as a row: no worker holds it meanwhile, and it goes on whoever dies', async () => {
    const { env, deep } = await family();
    let open = () => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    plugin.on('delete', async (request) => {
      if (request.context.deployment.id === deep)
        await Promise.race([gate, stopped(request).then(() => gate)]);
      return DONE;
    });
    const execution = await uninstall(env);
    while ((await inFlight()) !== 1 || worker!.executions !== 1) await tick();
    // Everybody who works is gone in the middle of it, as after a crash.
    await engine.database.pool.query(
      'update executions set fence = fence + 1, lease_until = now() + interval $$1s$$',
    );
    const dead = worker!;
    worker = await engine.work({ drain: 0, lease: 1, name: 'another' });
    open();
    assert.equal((await engine.until(execution)).status, 'terminated');
    await dead.stop();
    assert.deepEqual(await states(env, deep), ['deleted', 'deleted']);
    const { rows } = await engine.database.pool.query<{ count: number }>(
      `select count(*)::integer as count from executions x join deployments d on d.uid = x.deployment_uid where x.workflow = 'uninstall' and d.id = $1`,
      [deep],
    );
    assert.equal(rows[0]!.count, 1, 'nothing was started twice');
  });

  it('is refused by who depends on the deployment from outside, and not by who is inside', async () => {
    const { env, a, deep } = await family();
    const dependencies = new Dependencies(engine.database.pool);
    for (const source of [a, deep]) {
      await dependencies.create(engine.caller, { creator: `test.${source}`, source, target: env });
    }
    await assert.rejects(uninstall(env, { recursive: false }), { reason: 'deployment-has-dependents' });
    const outside = `outside${count}`;
    await deploy(outside, null);
    await dependencies.create(engine.caller, { creator: 'test.outside', source: outside, target: env });
    await assert.rejects(uninstall(env), { reason: 'deployment-has-dependents' });
    await dependencies.remove(engine.caller, { creator: 'test.outside', source: outside, target: env });
    assert.equal((await engine.until(await uninstall(env))).status, 'terminated');
    assert.deepEqual(await states(env, a, deep, outside), ['deleted', 'deleted', 'deleted', 'started']);
  });

  it('ends also where its tenant may run only one execution at once', async () => {
    const { env, deep } = await family();
    const { pool } = engine.database;
    await pool.query('update tenants set running_limit = 1');
    try {
      assert.equal((await engine.until(await uninstall(env))).status, 'terminated');
      assert.deepEqual(await states(env, deep), ['deleted', 'deleted']);
    } finally {
      await pool.query('update tenants set running_limit = null');
    }
  });

  it('waits its turn on a deployment inside where something else runs', async () => {
    const { env, a } = await family();
    let open = () => {};
    plugin.on('create', () => new Promise((resolve) => (open = () => resolve(DONE))));
    const other = await engine.executions.start(engine.caller, {
      deploymentId: a,
      workflow: 'execute_operation',
      parameters: { operation: 'cloudify.interfaces.lifecycle.create' },
    });
    while ((await inFlight()) !== 1) await tick();
    const execution = await uninstall(env);
    while (
      !(await latest(a).then(
        ({ status }) => status === 'queued',
        () => false,
      ))
    )
      await tick();
    plugin.on('create', () => DONE);
    open();
    await engine.until(other);
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.deepEqual(await states(env, a), ['deleted', 'deleted']);
  });

  async function inFlight(): Promise<number> {
    const { rows } = await engine.database.pool.query<{ count: number }>(
      `select count(*)::integer as count from operations where state = 'started'`,
    );
    return rows[0]!.count;
  }
});

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}
