/** What is done so that executions of a hundred thousand instances need little memory, and can be stopped at any time; shown on few. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../../test/support/an-engine.js';
import { everyTask } from '../../../test/support/every-task.js';
import { DONE, type ScriptedPlugin, scriptedPlugin } from '../../../test/support/scripted-plugin.js';
import type { ExecutionId } from '../../ids.js';
import type { Pool } from '../../store/pool.js';
import { decideOperations } from '../executions.store.js';
import { readModel } from './picture.js';
import type { ClaimedExecution } from './running.store.js';
import { countsIn, frontierOf, readMemory } from './walk-memory.js';
import type { RunningWorker } from './worker.js';

const RACKS = `
node_templates:
  rack: {type: cloudify.nodes.Root, instances: {deploy: 2}}
  machine:
    type: cloudify.nodes.Root
    instances: {deploy: 3}
    relationships: [{type: cloudify.relationships.contained_in, target: rack}]
    interfaces: {cloudify.interfaces.lifecycle: {create: scripted.create, start: scripted.start}}
`;

describe('a large execution', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let worker: RunningWorker | null = null;
  let id = 0;
  before(async () => {
    plugin = scriptedPlugin();
    engine = await anEngine([plugin]);
  });
  after(() => engine.close());
  afterEach(async () => {
    await worker?.stop();
    worker = null;
  });

  const deploy = async () => {
    id += 1;
    await engine.deploy(`d${id}`, RACKS);
    return `d${id}`;
  };
  const claimed = async (execution: string) => {
    const { rows } = await engine.database.pool.query<ClaimedExecution>(
      `select x.uid, x.tenant_id as "tenantId", x.deployment_uid as "deploymentUid" from executions x where x.id = $1`,
      [execution],
    );
    return rows[0]!;
  };

  for (const workflow of ['install', 'uninstall']) {
    it(`of ${workflow} that is cancelled while it is planned ends before its plan is stored, and is planned anew when resumed`, async () => {
      const deployment = await deploy();
      const { execution, asked } = await planned(deployment, workflow);
      assert.equal((await engine.until(execution)).status, 'cancelled');
      assert.equal(asked(), 1);
      const { rows } = await engine.database.pool.query(
        'select graph is null as unplanned from executions where id = $1',
        [execution.id],
      );
      assert.deepEqual(rows, [{ unplanned: true }]);
      assert.deepEqual(plugin.calls, []);
      await engine.executions.resume(engine.caller, execution.id);
      assert.equal((await engine.until(execution)).status, 'terminated');
    });
  }

  /** An execution that is cancelled when its worker has read the instances. */
  async function planned(deployment: string, workflow: string) {
    plugin.calls.length = 0;
    let cancels = 0;
    const execution = await engine.executions.start(engine.caller, { deploymentId: deployment, workflow });
    const pool = afterQuery(engine.database.pool, 'instances_of_deployment', async () => {
      if (cancels > 0) return;
      cancels += 1;
      await engine.executions.cancel(engine.caller, execution.id as ExecutionId, 'cancel');
    });
    worker = await engine.work({ longToPlan: 1 }, { pool });
    return { execution, asked: () => cancels };
  }

  it('that is taken up again reads what succeeded as numbers, and the rest row by row', async () => {
    const deployment = await deploy();
    const failure = { type: 'X', message: 'no', retryable: false, causes: [] };
    plugin.on('create', () => DONE);
    let starts = 0;
    plugin.on('start', () => {
      starts += 1;
      return starts === 2 ? { kind: 'failed', failure } : DONE;
    });
    worker = await engine.work({ taskRetries: 0 });
    const execution = await engine.install(deployment);
    assert.equal((await engine.until(execution)).status, 'failed');
    const memory = await readMemory(engine.database.pool, await claimed(execution.id));
    const all = await everyTask(engine, execution.id);
    const inState = (...states: string[]) =>
      all.filter((one) => states.includes(one.state)).map(({ task }) => task);
    assert.deepEqual(memory.succeeded, inState('succeeded'));
    assert.deepEqual(
      memory.rest.map(({ task }) => task),
      inState('failed', 'interrupted', 'started', 'waiting', 'skipped'),
    );
    assert.deepEqual(memory.rest.find(({ state }) => state === 'failed')!.failure?.message, 'no');
  });

  it('has in memory once what its instances have alike', async () => {
    const deployment = await deploy();
    worker = await engine.work();
    const execution = await engine.install(deployment);
    await engine.until(execution);
    const { instances } = await readModel(engine.database.pool, await claimed(execution.id));
    const machines = instances.filter(({ node }) => node === 'machine');
    assert.equal(machines.length, 6);
    assert.equal(
      new Set(machines.map(({ relationships }) => relationships)).size,
      2,
      'one list for each rack',
    );
    for (const { relationships } of machines) {
      const rack = relationships[0]!.targetInstance;
      assert.ok(instances.some((one) => one.id === rack && one.node === 'rack'));
    }
  });

  it('of which thousands of operations are to run again goes on from those that are done', async () => {
    const { pool } = engine.database;
    const deployment = await deploy();
    const { id: execution } = await engine.install(deployment);
    const { uid, tenantId } = await claimed(execution);
    await pool.query(
      `insert into operations (tenant_id, execution_uid, task, state, attempt, retries, started_at)
       select $1, $2, n, case when n % 2 = 0 then 'failed' else 'succeeded' end, 1, 0, now() from generate_series(0, 7999) n`,
      [tenantId, uid],
    );
    const moves = Array.from({ length: 4000 }, (_, n) => ({
      task: 2 * n,
      state: 'waiting',
      due_at: new Date(0),
    }));
    assert.equal(await decideOperations.run(pool, tenantId, [uid, JSON.stringify(moves)]), 4000);
    const memory = await readMemory(pool, { tenantId, uid });
    assert.equal(memory.succeeded.length, 4000);
    assert.ok(memory.rest.every(({ state, dueAt }) => state === 'waiting' && dueAt?.getTime() === 0));
    const graph = {
      workflow: 'install',
      tasks: Array.from({ length: 8000 }, (_, task) => ({
        ...{ id: task, kind: 'marker' as const, instance: null, call: null },
        ...{ dependsOn: task === 0 ? [] : [task - 1], before: [], after: [], onFailure: 'fail' as const },
      })),
    };
    assert.equal(frontierOf(graph, memory).remaining, 4000);
    assert.deepEqual(countsIn(graph, memory), { total: 0, finished: 0 });
    await engine.executions.cancel(engine.caller, execution, 'cancel');
  });
});

/** The same pool; after each statement of that name `then` is waited for before its answer is heard. */
function afterQuery(pool: Pool, name: string, then: () => Promise<void>): Pool {
  return new Proxy(pool, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key, object);
      if (key !== 'query') return typeof value === 'function' ? value.bind(object) : value;
      return async (query: { name?: string }, ...rest: unknown[]) => {
        const answer = await (value as (...args: unknown[]) => Promise<unknown>).call(object, query, ...rest);
        if (query.name === name) await then();
        return answer;
      };
    },
  });
}
