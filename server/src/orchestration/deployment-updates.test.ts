/** Updates of deployments that live: what is run, what the deployment becomes, and what a failure leaves. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../test/support/an-engine.js';
import { DONE, type ScriptedPlugin, scriptedPlugin, stopped } from '../../test/support/scripted-plugin.js';
import type { JsonObject } from '../dsl/plan.js';
import type { OperationOutcome } from '../plugins/plugin.js';
import type { UpdateRequest } from './deployment-updates.js';
import type { ExecutionRecord } from './executions.js';
import type { UpdateWishes } from './planning/update-plan.js';
import type { RunningWorker } from './running/worker.js';

const OPERATIONS = (names: readonly string[]) =>
  `{cloudify.interfaces.lifecycle: {${names.map((name) => `${name}: scripted.${name}`).join(', ')}}}`;

const node = (name: string, port: unknown, more = '', names = ['create', 'delete']) => `
  ${name}:
    type: ${name}_type
    properties: {port: ${JSON.stringify(port)}}
    interfaces: ${OPERATIONS(names)}${more}`;

const link = (target: string) => `
      - type: cloudify.relationships.connected_to
        target: ${target}
        source_interfaces:
          cloudify.interfaces.relationship_lifecycle: {establish: scripted.establish, unlink: scripted.unlink}`;

const blueprint = (nodes: readonly string[], names: readonly string[], outputs = '{}') => `
inputs:
  size: {type: integer, default: 1}
node_types:${names
  .map(
    (name) => `
  ${name}_type: {derived_from: cloudify.nodes.Root, properties: {port: {default: 1}}}`,
  )
  .join('')}
node_templates:${nodes.join('')}
outputs: ${outputs}
`;

const NAMES = ['db', 'web', 'cache'];
const OLD = blueprint([node('db', 1), node('web', 80, `\n    relationships:${link('db')}`)], NAMES);

const FAILS: OperationOutcome = {
  kind: 'failed',
  failure: { type: 'NonRecoverableError', message: 'no room', retryable: false, causes: [] },
};
const WISHES: UpdateWishes = {
  skipInstall: false,
  skipUninstall: false,
  skipReinstall: false,
  skipDriftCheck: false,
  skipHeal: false,
  forceReinstall: false,
  ignoreFailure: false,
  reinstallList: [],
  workflow: null,
};

describe('an update', () => {
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
    for (const name of ['create', 'delete', 'establish', 'unlink', 'update', 'check_drift'])
      plugin.on(name, () => DONE);
    count += 1;
    id = `d${count}`;
    await engine.deploy(id, OLD);
    assert.equal((await engine.until(await engine.install(id))).status, 'terminated');
    plugin.calls.length = 0;
  });

  interface Told {
    readonly id: string;
    readonly state: string;
    readonly executionId: string | null;
    readonly steps: readonly { action: string; path: string }[];
  }
  const SHAPE = { id: 'id', state: 'state', executionId: 'executionId', steps: 'steps' } as const;
  async function told(update: string): Promise<Told> {
    const page = await engine.updates.list(engine.caller, {
      shape: SHAPE,
      filters: [{ field: 'id', anyOf: [update] }],
      sort: [],
      offset: 0,
      size: 1,
    });
    return (JSON.parse(page.items) as Told[])[0]!;
  }
  async function initiate(
    text: string | null,
    wishes: Partial<UpdateWishes> = {},
    more: Partial<UpdateRequest> = {},
  ) {
    if (text !== null) await engine.keep(`${id}-new`, text);
    return told(
      await engine.updates.initiate(engine.caller, {
        deploymentId: id,
        ...(text === null ? {} : { blueprintId: `${id}-new` }),
        wishes: { ...WISHES, ...wishes },
        ...more,
      }),
    );
  }
  async function update(
    ...args: Parameters<typeof initiate>
  ): Promise<{ execution: ExecutionRecord; told: Told }> {
    const begun = await initiate(...args);
    const execution = await engine.until(await engine.executions.get(engine.caller, begun.executionId!));
    return { execution, told: await told(begun.id) };
  }
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
  const deployment = () => engine.deployments.get(engine.caller, id);

  it('takes away what is gone, adds what is new, links who stays anew, and leaves the rest alone', async () => {
    const { execution, told: ended } = await update(
      blueprint(
        [node('web', 80, `\n    relationships:${link('cache')}`), node('cache', 2)],
        NAMES,
        '{where: {value: here}}',
      ),
    );
    assert.deepEqual([execution.status, execution.error, execution.workflow], ['terminated', '', 'update']);
    assert.deepEqual(plugin.calls, ['unlink web 1', 'delete db 1', 'create cache 1', 'establish web 1']);
    assert.deepEqual(await instances(), ['cache 1 started 0', 'web 1 started 1']);
    const now = await deployment();
    assert.deepEqual([now.blueprintId, Object.keys(now.outputs)], [`${id}-new`, ['where']]);
    assert.equal(ended.state, 'successful');
    assert.deepEqual(
      ended.steps.map(({ action, path }) => `${action} ${path}`),
      [
        'remove nodes:web:relationships:[0]',
        'add nodes:web:relationships:[0]',
        'add nodes:cache',
        'remove nodes:db',
        'add outputs:where',
      ],
    );
    plugin.calls.length = 0;
    const uninstall = { deploymentId: id, workflow: 'uninstall' };
    assert.equal(
      (await engine.until(await engine.executions.start(engine.caller, uninstall))).status,
      'terminated',
    );
    assert.deepEqual(plugin.calls, ['unlink web 1', 'delete web 1', 'delete cache 1']);
  });

  it('is not refused for one that is over and told as active, where those are looked at again first', async () => {
    const carried = await update(null, {}, { inputs: { size: 2 } });
    const lost = await update(null, {}, { inputs: { size: 3 } });
    // As a snapshot leaves them that was made while they ran.
    await engine.database.pool.query(
      `update deployment_updates set state = 'executing-workflow', ended_at = null,
         execution_uid = case when id = $2 then null else execution_uid end where id = any($1)`,
      [[carried.told.id, lost.told.id], lost.told.id],
    );
    const active = { reason: 'update-already-active' };
    await assert.rejects(initiate(null, {}, { inputs: { size: 4 } }), active);
    await assert.rejects(initiate(null, {}, { inputs: { size: 4 }, reevaluate: false }), active);
    const next = await update(null, {}, { inputs: { size: 4 }, reevaluate: true });
    assert.equal(next.told.state, 'successful');
    const states = await Promise.all([carried, lost].map(async (one) => (await told(one.told.id)).state));
    assert.deepEqual(states, ['successful', 'failed']);
  });

  it('is refused for one that runs, however often that is looked at', async () => {
    let finish = (_: OperationOutcome) => {};
    const created = new Promise<OperationOutcome>((resolve) => {
      finish = resolve;
    });
    plugin.on('create', () => created);
    const running = await initiate(blueprint([node('db', 5)], NAMES));
    await assert.rejects(initiate(null, {}, { reevaluate: true }), { reason: 'update-already-active' });
    finish(DONE);
    const ended = await engine.until(await engine.executions.get(engine.caller, running.executionId!));
    assert.equal(ended.status, 'terminated');
  });

  it('reinstalls what has changed and cannot be updated, with those who relate to it relinked', async () => {
    const { execution } = await update(
      blueprint([node('db', 2), node('web', 80, `\n    relationships:${link('db')}`)], NAMES),
    );
    assert.equal(execution.status, 'terminated');
    assert.deepEqual(plugin.calls, ['unlink web 1', 'delete db 1', 'create db 1', 'establish web 1']);
  });

  it('updates in place who can, and asks for drift first where that can be asked', async () => {
    const names = ['create', 'delete', 'update', 'check_drift'];
    const changed = blueprint(
      [node('db', 2, '', names), node('web', 80, `\n    relationships:${link('db')}`)],
      NAMES,
    );
    plugin.on('check_drift', () => ({ kind: 'done', result: { port: 'differs' } }));
    assert.equal((await update(changed)).execution.status, 'terminated');
    assert.deepEqual(plugin.calls, ['check_drift db 1', 'update db 1']);

    plugin.calls.length = 0;
    plugin.on('check_drift', () => DONE);
    assert.equal((await update(null, {}, { inputs: { size: 2 } })).execution.status, 'terminated');
    assert.deepEqual(plugin.calls, ['check_drift db 1'], 'what has not drifted is not updated');
    assert.deepEqual((await deployment()).inputs, { size: 2 });

    plugin.calls.length = 0;
    plugin.on('check_drift', () => ({ kind: 'done', result: true }));
    plugin.on('update', () => FAILS);
    assert.equal((await update(null)).execution.status, 'terminated');
    assert.deepEqual(plugin.calls, [
      'check_drift db 1',
      'update db 1',
      'unlink web 1',
      'delete db 1',
      'create db 1',
      'establish web 1',
    ]);
  });

  it('replaces a node whose type changes', async () => {
    const text = blueprint([node('db', 1), node('web', 80, `\n    relationships:${link('db')}`)], NAMES);
    const { execution } = await update(text.replace('type: db_type', 'type: cache_type'));
    assert.equal(execution.status, 'terminated');
    assert.deepEqual(plugin.calls, ['unlink web 1', 'delete db 1', 'create db 1', 'establish web 1']);
  });

  it('does only what is wanted', async () => {
    const text = blueprint([node('web', 81), node('cache', 2)], NAMES);
    const wishes = { skipInstall: true, skipUninstall: true, skipReinstall: true };
    assert.equal((await update(text, wishes)).execution.status, 'terminated');
    assert.deepEqual(plugin.calls, ['unlink web 1']);
    assert.deepEqual(await instances(), ['cache 1 uninitialized 0', 'web 1 started 0']);
  });

  it('reinstalls whom the list names, whatever else is skipped', async () => {
    const { rows } = await engine.database.pool.query<{ id: string }>(
      `select i.id from node_instances i join deployments d on d.uid = i.deployment_uid where d.id = $1 and i.node = 'web'`,
      [id],
    );
    const reinstallList = [rows[0]!.id];
    assert.equal((await update(null, { skipReinstall: true, reinstallList })).execution.status, 'terminated');
    assert.deepEqual(plugin.calls, ['unlink web 1', 'delete web 1', 'create web 1', 'establish web 1']);
    await assert.rejects(update(null, { reinstallList: ['nobody'] }), /not in deployment .*: nobody/);
  });

  it('runs a workflow of the blueprint in place of all that', async () => {
    const { execution } = await update(blueprint([node('web', 81), node('cache', 2)], NAMES), {
      workflow: 'install',
    });
    assert.equal(execution.status, 'terminated');
    assert.deepEqual(plugin.calls, ['create cache 1']);
    await assert.rejects(update(null, { workflow: 'heal' }), /cannot be run as a part/);
  });

  it('that is a preview says what would differ and changes nothing', async () => {
    const preview = await initiate(blueprint([node('web', 81)], NAMES), {}, { preview: true });
    assert.deepEqual([preview.state, preview.executionId], ['preview', null]);
    assert.deepEqual(
      preview.steps.map(({ action, path }) => `${action} ${path}`),
      ['modify nodes:web:properties:port', 'remove nodes:web:relationships:[0]', 'remove nodes:db'],
    );
    assert.deepEqual([plugin.calls, (await deployment()).blueprintId], [[], `${id}-blueprint`]);
  });

  it('that fails before the new plan is applied leaves the old one, and resuming it goes on', async () => {
    plugin.on('delete', () => FAILS);
    const { execution, told: failed } = await update(blueprint([node('web', 80), node('cache', 2)], NAMES));
    assert.deepEqual([execution.status, failed.state], ['failed', 'failed']);
    assert.equal((await deployment()).blueprintId, `${id}-blueprint`);
    assert.deepEqual(await instances(), ['db 1 deleting 0', 'web 1 started 1']);
    plugin.on('delete', () => DONE);
    await engine.executions.resume(engine.caller, execution.id);
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.equal((await told(failed.id)).state, 'successful');
    assert.deepEqual(await instances(), ['cache 1 started 0', 'web 1 started 0']);
  });

  it('that fails afterwards keeps the new one, and an install goes on from there', async () => {
    plugin.on('create', () => FAILS);
    const text = blueprint(
      [node('db', 1), node('web', 80, `\n    relationships:${link('db')}`), node('cache', 2)],
      NAMES,
    );
    assert.equal((await update(text)).told.state, 'failed');
    assert.equal((await deployment()).blueprintId, `${id}-new`);
    assert.deepEqual(await instances(), ['cache 1 creating 0', 'db 1 started 0', 'web 1 started 1']);
    plugin.on('create', () => DONE);
    const install = { deploymentId: id, workflow: 'install' };
    assert.equal(
      (await engine.until(await engine.executions.start(engine.caller, install))).status,
      'terminated',
    );
    assert.deepEqual(await instances(), ['cache 1 started 0', 'db 1 started 0', 'web 1 started 1']);
  });

  it('goes on where it was when its worker dies, before and after the new plan is applied', async () => {
    for (const operation of ['delete', 'create']) {
      const reached = new Promise<void>((resolve) => {
        plugin.on(operation, async (request) => {
          resolve();
          await stopped(request);
          return { kind: 'aborted' };
        });
      });
      const other = operation === 'delete' ? node('cache', 2) : node('db', 2);
      const name = `${id}-${operation}`;
      await engine.keep(name, blueprint([node('web', 80), other], NAMES));
      const begun = await initiate(null, {}, { blueprintId: name });
      await reached;
      plugin.on(operation, () => DONE);
      await worker.stop();
      worker = await engine.work({ lease: 2, drain: 0 });
      const execution = await engine.executions.get(engine.caller, begun.executionId!);
      assert.equal((await engine.until(execution)).status, 'terminated', operation);
      assert.equal((await told(begun.id)).state, 'successful');
    }
    assert.deepEqual(await instances(), ['db 1 started 0', 'web 1 started 0']);
  });

  it('waits for what runs on the deployment, and a second one is refused until the first is over', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    plugin.on('delete', async () => {
      await held;
      return DONE;
    });
    const running = await engine.executions.start(engine.caller, { deploymentId: id, workflow: 'reinstall' });
    const begun = await initiate(null, {}, { inputs: { size: 3 } });
    assert.equal((await engine.executions.get(engine.caller, begun.executionId!)).status, 'queued');
    await assert.rejects(initiate(null), /There are deployment updates still active/);
    release();
    assert.equal((await engine.until(running)).status, 'terminated');
    await engine.until(await engine.executions.get(engine.caller, begun.executionId!));
    assert.equal((await told(begun.id)).state, 'successful');
  });

  it('that is cancelled before it begins has failed', async () => {
    await worker.stop();
    const begun = await initiate(null);
    await engine.executions.cancel(engine.caller, begun.executionId!, 'cancel');
    assert.equal((await told(begun.id)).state, 'failed');
    worker = await engine.work({ lease: 2, drain: 0 });
  });

  it('makes the dependencies of the deployment those of the new plan, and is refused while others stand on it', async () => {
    const creators = async () => {
      const { rows } = await engine.database.pool.query<{ creator: string }>(
        'select p.creator from deployment_dependencies p join deployments d on d.uid = p.source_uid where d.id = $1',
        [id],
      );
      return rows.map(({ creator }) => creator);
    };
    const reading = (outputs: string) =>
      blueprint([node('db', 1), node('web', 80, `\n    relationships:${link('db')}`)], NAMES, outputs);
    const one = `{there: {value: {get_capability: [d1, port]}}}`;
    assert.equal((await update(reading(one))).execution.status, 'terminated');
    assert.deepEqual(await creators(), ['outputs.there.value.get_capability']);
    assert.equal((await update(null, {}, { blueprintId: `${id}-blueprint` })).execution.status, 'terminated');
    assert.deepEqual(await creators(), []);

    await engine.deploy(`${id}-reader`, reading(`{there: {value: {get_capability: [${id}, port]}}}`));
    const refused = (error: { reason?: string }) => error.reason === 'deployment-has-dependents';
    await assert.rejects(initiate(null), refused);
    assert.equal((await update(null, {}, { force: true })).execution.status, 'terminated');
  });

  it('refuses inputs that the blueprint does not know or that do not fit, naming them', async () => {
    const wrong: readonly (readonly [JsonObject, string])[] = [
      [{ colour: 'red' }, 'deployment-inputs-unknown'],
      [{ size: 'large' }, 'deployment-inputs-invalid'],
    ];
    for (const [inputs, reason] of wrong) {
      await assert.rejects(
        initiate(null, {}, { inputs }),
        (error: { reason?: string }) => error.reason === reason,
      );
    }
  });
});
