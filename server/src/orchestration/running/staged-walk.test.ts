/** Workflows that are planned stage by stage, carried out: scaling, healing, checking, rolling back. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../../test/support/an-engine.js';
import { DONE, type ScriptedPlugin, scriptedPlugin, stopped } from '../../../test/support/scripted-plugin.js';
import type { JsonObject } from '../../dsl/plan.js';
import type { OperationOutcome } from '../../plugins/plugin.js';
import type { ExecutionRecord, ExecutionRequest } from '../executions.js';
import type { RunningWorker } from './worker.js';

const BLUEPRINT = `
node_templates:
  vm:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle: {create: scripted.create, stop: scripted.stop, delete: scripted.delete}
  app:
    type: cloudify.nodes.Root
    relationships:
      - {type: cloudify.relationships.contained_in, target: vm}
    interfaces:
      cloudify.interfaces.lifecycle: {start: scripted.start, stop: scripted.stop, heal: scripted.heal}
      cloudify.interfaces.validation: {check_status: scripted.check}
  proxy:
    type: cloudify.nodes.Root
    relationships:
      - type: cloudify.relationships.connected_to
        target: app
        source_interfaces:
          cloudify.interfaces.relationship_lifecycle: {establish: scripted.establish, unlink: scripted.unlink}
groups:
  stack: {members: [vm, app]}
policies:
  stack_scaling: {type: cloudify.policies.scaling, targets: [stack], properties: {default_instances: 1}}
`;

const FAILS: OperationOutcome = {
  kind: 'failed',
  failure: { type: 'NonRecoverableError', message: 'no room', retryable: false, causes: [] },
};

describe('a workflow of several stages', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let worker: RunningWorker;
  let count = 0;
  let id = '';

  before(async () => {
    plugin = scriptedPlugin();
    engine = await anEngine([plugin]);
    worker = await engine.work({ lease: 2, drain: 0 });
  });
  after(() => engine.close());
  beforeEach(async () => {
    for (const name of ['create', 'start', 'stop', 'delete', 'heal', 'check', 'establish', 'unlink'])
      plugin.on(name, () => DONE);
    count += 1;
    id = `d${count}`;
    await engine.deploy(id, BLUEPRINT);
    assert.equal((await engine.until(await engine.install(id))).status, 'terminated');
    plugin.calls.length = 0;
  });
  afterEach(async () => {
    if (worker.executions > 0) await worker.stop();
  });

  const start = (workflow: string, parameters: JsonObject, more: Partial<ExecutionRequest> = {}) =>
    engine.executions.start(engine.caller, { deploymentId: id, workflow, parameters, ...more });
  const run = async (workflow: string, parameters: JsonObject, more: Partial<ExecutionRequest> = {}) =>
    engine.until(await start(workflow, parameters, more));

  async function instances(): Promise<string[]> {
    const { rows } = await engine.database.pool.query<{
      node: string;
      index: number;
      state: string;
      links: unknown[];
    }>(
      `select i.node, i.index, i.state, i.relationships as links from node_instances i join deployments d on d.uid = i.deployment_uid
       where d.id = $1 order by i.node, i.index`,
      [id],
    );
    return rows.map(({ node, index, state, links }) => `${node} ${index} ${state} ${links.length}`);
  }
  async function modifications(): Promise<string[]> {
    const { rows } = await engine.database.pool.query<{ status: string }>(
      `select m.status from deployment_modifications m join deployments d on d.uid = m.deployment_uid where d.id = $1 order by m.uid`,
      [id],
    );
    return rows.map(({ status }) => status);
  }
  async function statusOf(node: string): Promise<JsonObject> {
    const { rows } = await engine.database.pool.query<{ properties: JsonObject }>(
      `select i.system_properties as properties from node_instances i join deployments d on d.uid = i.deployment_uid
       where d.id = $1 and i.node = $2`,
      [id, node],
    );
    return rows[0]!.properties;
  }
  const idOf = async (node: string) => {
    const { rows } = await engine.database.pool.query<{ id: string }>(
      `select i.id from node_instances i join deployments d on d.uid = i.deployment_uid where d.id = $1 and i.node = $2`,
      [id, node],
    );
    return rows[0]!.id;
  };
  const messages = async (execution: ExecutionRecord) =>
    (await engine.events(execution)).map(({ message }) => message);

  const BEFORE = ['app 1 started 1', 'proxy 1 started 1', 'vm 1 started 0'];

  it('scales a group out and in again, and everything is as before', async () => {
    const out = await run('scale', { scalable_entity_name: 'stack', delta: 1 });
    assert.deepEqual([out.status, out.error], ['terminated', '']);
    assert.deepEqual(plugin.calls, ['create vm 1', 'start app 1', 'establish proxy 1']);
    assert.deepEqual(await instances(), [
      'app 1 started 1',
      'app 2 started 1',
      'proxy 1 started 2',
      'vm 1 started 0',
      'vm 2 started 0',
    ]);
    plugin.calls.length = 0;
    assert.equal((await run('scale', { scalable_entity_name: 'stack', delta: -1 })).status, 'terminated');
    assert.deepEqual(plugin.calls, ['unlink proxy 1', 'stop app 1', 'stop vm 1', 'delete vm 1']);
    assert.deepEqual(await instances(), BEFORE);
    assert.deepEqual(await modifications(), ['finished', 'finished']);
  });

  it('rolls a failed scale-out back: what was added is uninstalled and gone, and the failure is told', async () => {
    plugin.on('start', () => FAILS);
    const failed = await run('scale', { scalable_entity_name: 'app', delta: 1 });
    assert.equal(failed.status, 'failed');
    assert.match(failed.error!, /no room/);
    assert.deepEqual(await instances(), BEFORE);
    assert.deepEqual(await modifications(), ['rolled-back']);
    assert.ok((await messages(failed)).includes('Scale out failed, scaling back in.'));
    assert.equal((await run('scale', { scalable_entity_name: 'app', delta: 0 })).status, 'terminated');
  });

  it('leaves a failed scale-out as it is where that is wanted; another one is refused, or takes it back first', async () => {
    plugin.on('start', () => FAILS);
    const wishes = { scalable_entity_name: 'app', delta: 1, rollback_if_failed: false };
    assert.equal((await run('scale', wishes)).status, 'failed');
    assert.deepEqual(await modifications(), ['started']);
    plugin.on('start', () => DONE);
    const second = await run('scale', { scalable_entity_name: 'app', delta: 1 }, { force: true });
    assert.match(second.error!, /existing started deployment modifications/);
    const third = await run(
      'scale',
      { scalable_entity_name: 'app', delta: 1, abort_started: true },
      { force: true },
    );
    assert.deepEqual([third.status, third.error], ['terminated', '']);
    assert.deepEqual(await modifications(), ['rolled-back', 'finished']);
    assert.deepEqual(await instances(), [
      'app 1 started 1',
      'app 2 started 1',
      'proxy 1 started 2',
      'vm 1 started 0',
    ]);
  });

  it('refuses to scale below nothing, or what is not there, before anything is changed', async () => {
    assert.match(
      (await run('scale', { scalable_entity_name: 'app', delta: -2 })).error!,
      /delta: -2 is illegal/,
    );
    assert.match((await run('scale', { scalable_entity_name: 'nobody' })).error!, /nobody/);
    assert.deepEqual(await modifications(), []);
  });

  it('goes on in the middle of a stage when its worker dies', async () => {
    const reached = new Promise<void>((resolve) => {
      plugin.on('start', async (request) => {
        resolve();
        await stopped(request);
        return { kind: 'aborted' };
      });
    });
    const execution = await start('scale', { scalable_entity_name: 'stack', delta: 1 });
    await reached;
    plugin.on('start', () => DONE);
    await worker.stop();
    worker = await engine.work({ lease: 2, drain: 0 });
    const ended = await engine.until(execution);
    assert.deepEqual([ended.status, ended.error], ['terminated', '']);
    assert.deepEqual(plugin.calls, ['create vm 1', 'start app 1', 'start app 2', 'establish proxy 1']);
    assert.deepEqual(await modifications(), ['finished']);
  });

  it('changes nothing in a dry run', async () => {
    const dry = await run('scale', { scalable_entity_name: 'stack', delta: 1 }, { dryRun: true });
    assert.deepEqual([dry.status, plugin.calls, await instances()], ['terminated', [], BEFORE]);
    assert.ok((await messages(dry)).includes('Creating node instance (dry run)'));
    assert.deepEqual(await modifications(), []);
  });

  it('checks, and keeps what was found on the instance', async () => {
    plugin.on('check', () => ({ kind: 'done', result: 'fine' }));
    assert.equal((await run('check_status', {})).status, 'terminated');
    const { status } = (await statusOf('app')) as { status: JsonObject };
    assert.deepEqual([status.ok, status.task, status.result], [true, 'check', 'fine']);
    assert.match(String(status.timestamp), /^\d{4}-.*Z$/);
    plugin.on('check', () => FAILS);
    assert.equal((await run('check_status', {})).status, 'failed');
    const after = (await statusOf('app')) as { status: JsonObject; previous_status: JsonObject };
    assert.deepEqual(
      [after.status.ok, after.status.result, after.previous_status.ok],
      [false, 'no room', true],
    );
  });

  it('checks everybody, also after some were found ill, then fails with all that was found', async () => {
    await worker.stop();
    worker = await engine.work({ lease: 2, drain: 0, maxOperations: 1 });
    assert.equal((await run('scale', { scalable_entity_name: 'stack', delta: 2 })).status, 'terminated');
    plugin.calls.length = 0;
    plugin.on('check', (request) =>
      request.context.self!.instance.index === 3 ? { kind: 'done', result: 'fine' } : FAILS,
    );
    const checked = await run('check_status', {});
    assert.equal(checked.status, 'failed');
    assert.match(checked.error ?? '', /^2 operation errors:/);
    assert.deepEqual(plugin.calls, ['check app 1', 'check app 1', 'check app 1']);
    const { rows } = await engine.database.pool.query<{ ok: boolean }>(
      `select (i.system_properties -> 'status' ->> 'ok')::boolean as ok from node_instances i
       join deployments d on d.uid = i.deployment_uid where d.id = $1 and i.node = 'app' order by i.index`,
      [id],
    );
    assert.deepEqual(
      rows.map(({ ok }) => ok),
      [false, false, true],
    );
    await worker.stop();
    worker = await engine.work({ lease: 2, drain: 0 });
  });

  it('heals who is not well and knows how, and leaves the others alone', async () => {
    plugin.on('check', () => FAILS);
    const execution = await run('heal', { node_instance_id: await idOf('app') });
    assert.deepEqual([execution.status, plugin.calls], ['terminated', ['check app 1', 'heal app 1']]);
    const { status } = (await statusOf('app')) as { status: JsonObject };
    assert.deepEqual([status.ok, status.healed], [true, true]);
  });

  it('reinstalls who could not be healed', async () => {
    plugin.on('check', () => FAILS);
    plugin.on('heal', () => FAILS);
    assert.equal((await run('heal', { node_instance_id: await idOf('app') })).status, 'terminated');
    assert.deepEqual(plugin.calls, [
      'check app 1',
      'heal app 1',
      'unlink proxy 1',
      'stop app 1',
      'start app 1',
      'establish proxy 1',
    ]);
    assert.deepEqual(await instances(), BEFORE);
    plugin.calls.length = 0;
    const refused = await run(
      'heal',
      { node_instance_id: await idOf('app'), allow_reinstall: false },
      { allowCustomParameters: true },
    );
    assert.match(refused.error!, /allow_reinstall is false, but would need to reinstall instances: app_/);
  });

  it('reinstalls an instance that somebody names and nothing can check, with what it contains', async () => {
    plugin.on('check', () => ({ kind: 'done', result: true }));
    assert.equal((await run('heal', { node_instance_id: await idOf('vm') })).status, 'terminated');
    assert.deepEqual(plugin.calls, [
      'check app 1',
      'unlink proxy 1',
      'stop app 1',
      'stop vm 1',
      'delete vm 1',
      'create vm 1',
      'start app 1',
      'establish proxy 1',
    ]);
  });

  it('ends cancelled when that is asked for between, and nothing more begins', async () => {
    const reached = new Promise<void>((resolve) => {
      plugin.on('check', async (request) => {
        resolve();
        await stopped(request);
        return { kind: 'aborted' };
      });
    });
    const execution = await start('heal', { node_instance_id: await idOf('app') });
    await reached;
    await engine.executions.cancel(engine.caller, execution.id, 'cancel');
    assert.equal((await engine.until(execution)).status, 'cancelled');
    assert.deepEqual(plugin.calls, ['check app 1']);
  });
});
