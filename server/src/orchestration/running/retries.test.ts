/** What operations may say of their retries, and what becomes of those that have nothing to run. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../../test/support/an-engine.js';
import {
  type Behaviour,
  DONE,
  type ScriptedPlugin,
  scriptedPlugin,
} from '../../../test/support/scripted-plugin.js';

const bad = (retryable = true, retryAfter?: number) => ({
  kind: 'failed' as const,
  failure: {
    type: 'X',
    message: 'bad luck',
    retryable,
    causes: [],
    ...(retryAfter === undefined ? {} : { retryAfter }),
  },
});

/** Fails so often, then succeeds. */
function failing(times: number): Behaviour {
  return ({ operation }) => (operation.retryNumber < times ? bad() : DONE);
}

describe('retries', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let id = 0;
  before(async () => {
    plugin = scriptedPlugin();
    engine = await anEngine([plugin]);
    await engine.work({ taskRetries: 2, taskRetryInterval: 0 });
  });
  after(() => engine.close());
  beforeEach(() => {
    plugin.calls.length = 0;
  });

  async function install(settings: string, behaviour: Behaviour) {
    id += 1;
    plugin.on('create', behaviour);
    await engine.deploy(
      `d${id}`,
      `
node_templates:
  thing:
    type: cloudify.nodes.Root
    interfaces: {cloudify.interfaces.lifecycle: {create: {implementation: scripted.create${settings}}}}
`,
    );
    return engine.until(await engine.install(`d${id}`));
  }

  const cases: readonly [what: string, settings: string, Behaviour, status: string, calls: number][] = [
    ['are the system’s number where nothing is said', '', failing(9), 'failed', 3],
    ['are none with 0', ', max_retries: 0', failing(1), 'failed', 1],
    ['are so many as the operation says', ', max_retries: 4', failing(4), 'terminated', 5],
    ['have no end with -1', ', max_retries: -1', failing(30), 'terminated', 31],
    ['are none for what cannot be mended', ', max_retries: -1', () => bad(false), 'failed', 1],
    ['come when the failure says', ', max_retries: 1, retry_interval: 3600', () => bad(true, 0), 'failed', 2],
    [
      'count what asks to be called again',
      ', max_retries: 1',
      () => ({ kind: 'again', after: 0, message: 'x' }),
      'failed',
      2,
    ],
  ];
  for (const [what, settings, behaviour, status, calls] of cases) {
    it(what, async () => {
      assert.equal((await install(settings, behaviour)).status, status);
      assert.equal(plugin.calls.length, calls);
    });
  }

  it('are for nobody where there is nothing to run: the instance is started all the same', async () => {
    id += 1;
    await engine.deploy(`d${id}`, '\nnode_templates: {bare: {type: cloudify.nodes.Root}}\n');
    const end = await engine.until(await engine.install(`d${id}`));
    assert.deepEqual([end.status, end.totalOperations, end.finishedOperations], ['terminated', 0, 0]);
    assert.deepEqual(await engine.states(`d${id}`), { bare: 'started' });
  });

  it('come before a failure is ignored, and then the uninstall goes on', async () => {
    plugin.on('create', () => DONE);
    plugin.on('stop', () => bad());
    id += 1;
    await engine.deploy(
      `d${id}`,
      `
node_templates:
  thing:
    type: cloudify.nodes.Root
    interfaces: {cloudify.interfaces.lifecycle: {create: scripted.create, stop: scripted.stop, delete: scripted.delete}}
`,
    );
    await engine.until(await engine.install(`d${id}`));
    plugin.calls.length = 0;
    const uninstall = (parameters: { ignore_failure: boolean }) =>
      engine.executions.start(engine.caller, { deploymentId: `d${id}`, workflow: 'uninstall', parameters });
    assert.equal((await engine.until(await uninstall({ ignore_failure: false }))).status, 'failed');
    assert.deepEqual(plugin.calls, ['stop thing 1', 'stop thing 2', 'stop thing 3']);
    const end = await engine.until(await uninstall({ ignore_failure: true }));
    assert.equal(end.status, 'terminated');
    assert.equal(plugin.calls.at(-1), 'delete thing 1');
    assert.ok((await engine.events(end)).some((event) => event.message === 'Ignoring task stop failure'));
  });
});
