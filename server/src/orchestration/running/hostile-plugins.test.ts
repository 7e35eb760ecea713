/** Plugins are not ours: whatever one does, its execution ends as it should, and the others do not notice. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../../test/support/an-engine.js';
import {
  type Behaviour,
  DONE,
  type ScriptedPlugin,
  scriptedPlugin,
  stopped,
} from '../../../test/support/scripted-plugin.js';
import type { OperationOutcome, OperationRequest } from '../../plugins/plugin.js';
import { ANSWER_LIMIT } from './answer.js';

const LONE = '\ud800';
const BIG = 5 * 1024 * 1024;

describe('a plugin', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let id = 0;
  before(async () => {
    plugin = scriptedPlugin();
    engine = await anEngine([plugin]);
    await engine.work({ cancelGrace: 0.2, taskRetries: 1 });
  });
  after(() => engine.close());
  beforeEach(() => {
    plugin.calls.length = 0;
  });

  /** Installs one instance whose `create` does `behaviour`. */
  async function install(behaviour: Behaviour, operation = '', function_ = 'odd') {
    id += 1;
    plugin.on(function_, behaviour);
    await engine.deploy(
      `d${id}`,
      `
node_templates:
  thing:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: scripted.${function_}${operation}}
        start: scripted.start
`,
    );
    return engine.install(`d${id}`);
  }

  const properties = async () =>
    (
      await engine.database.pool.query(
        'select runtime_properties as p from node_instances i join deployments d on d.uid = i.deployment_uid where d.id = $1',
        [`d${id}`],
      )
    ).rows[0].p;

  const results = async (uid: number) =>
    (
      await engine.database.pool.query(
        'select result from operations where execution_uid = $1 and result is not null order by task',
        [uid],
      )
    ).rows.map((row) => row.result);

  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const deep = JSON.parse(`${'['.repeat(300)}${']'.repeat(300)}`);
  const no = (message: string, retryable = false) => ({ type: 'X', message, retryable, causes: [] });

  const answers: readonly [what: string, answer: unknown, status: string, error: RegExp, calls: number][] = [
    ['nothing but false', false, 'failed', /it answered false/, 1],
    ['a word', 'done', 'failed', /it answered done/, 1],
    ['an unknown kind', { kind: 'perhaps' }, 'failed', /the kind perhaps/, 1],
    ['a circle', { kind: 'done', result: circle }, 'failed', /in a circle/, 1],
    ['great depth', { kind: 'done', result: deep }, 'failed', /nested deeper than 200/, 1],
    ['a BigInt', { kind: 'done', result: { n: 1n } }, 'failed', /BigInt/, 1],
    [
      'a result that is too large',
      { kind: 'done', result: 'x'.repeat(ANSWER_LIMIT + 1) },
      'failed',
      /more than/,
      1,
    ],
    ['a function as result', { kind: 'done', result: () => 1 }, 'terminated', /^$/, 1],
    ['undefined members', { kind: 'done', result: { a: undefined, b: [undefined] } }, 'terminated', /^$/, 1],
    [
      'a NUL in a name and a value',
      { kind: 'done', result: { 'a\0b': `x\0${LONE}` } },
      'terminated',
      /^$/,
      1,
    ],
    ['a failure without anything', { kind: 'failed' }, 'failed', /PluginError/, 1],
    [
      'a failure with a NUL',
      { kind: 'failed', failure: no(`no\0t ${LONE}`) },
      'failed',
      /no\ufffdt \ufffd/,
      1,
    ],
    ['a long failure', { kind: 'failed', failure: no('y'.repeat(1e6)) }, 'failed', /y…`$/, 1],
    [
      'a delay that is no number',
      { kind: 'failed', failure: { ...no('a', true), retryAfter: Number.NaN } },
      'failed',
      /`a`/,
      2,
    ],
    ['a delay before now', { kind: 'again', after: -1e9, message: 'b' }, 'failed', /`b`/, 2],
    ['that it was stopped, unasked', { kind: 'aborted' }, 'failed', /without having been asked/, 2],
    [
      'properties of a stranger',
      { kind: 'done', result: null, runtimeProperties: { other_abcdef: {} } },
      'failed',
      /other_abcdef, which is not part of it/,
      1,
    ],
  ];
  for (const [what, answer, status, error, calls] of answers) {
    it(`may answer with ${what}`, async () => {
      const execution = await install(() => answer as OperationOutcome);
      const end = await engine.until(execution);
      assert.equal(end.status, status, end.error ?? '');
      assert.match(end.error ?? '', error);
      assert.equal(plugin.calls.filter((call) => call.startsWith('odd')).length, calls);
      assert.ok(JSON.stringify(await results(execution.uid)).length < 1000);
    });
  }

  it('may ask to be called again after longer than a date can say', async () => {
    const execution = await install(() => ({
      kind: 'again',
      after: Number.POSITIVE_INFINITY,
      message: 'never',
    }));
    await waiting(execution.uid);
    await engine.executions.cancel(engine.caller, execution.id, 'cancel');
    assert.equal((await engine.until(execution)).status, 'cancelled');
    assert.equal(plugin.calls.length, 1);
  });

  it('may throw, which is a failure that is tried again', async () => {
    const execution = await install(() => {
      throw null;
    });
    const end = await engine.until(execution);
    assert.deepEqual([end.status, plugin.calls.length], ['failed', 2]);
    assert.match(end.error ?? '', /PluginError `null`/);
  });

  it('may bring large properties, with names and texts that PostgreSQL cannot keep', async () => {
    const execution = await install(({ context }) => ({
      kind: 'done',
      result: null,
      runtimeProperties: {
        [context.self!.instance.id]: { large: 'z'.repeat(BIG), 'n\0ame': LONE, __proto__: { a: 1 } },
      },
    }));
    assert.equal((await engine.until(execution)).status, 'terminated');
    const kept = await properties();
    assert.equal(kept.large.length, BIG);
    assert.equal(kept['n\ufffdame'], '\ufffd');
  });

  it('may log ten thousand lines at once, and save properties among them', async () => {
    const execution = await install(async (request) => {
      const self = request.context.self!.instance.id;
      for (let line = 0; line < 10_000; line += 1) request.log('info', `line ${line} \0`);
      await request.saveRuntimeProperties({ [self]: { said: 10_000 } });
      assert.deepEqual(await properties(), { said: 10_000 });
      await assert.rejects(request.saveRuntimeProperties({ stranger_123456: {} }), { kind: 'invalid' });
      return DONE;
    });
    assert.equal((await engine.until(execution)).status, 'terminated');
    const told = await engine.events(execution);
    assert.equal(told.filter((event) => event.type === null).length, 10_000);
  });

  it('may not fill the memory with lines: what the database cannot take in time is counted and told', async () => {
    const execution = await install(async (request) => {
      for (let line = 0; line < 3000; line += 1) request.log('info', 'x'.repeat(60_000));
      return DONE;
    });
    assert.equal((await engine.until(execution)).status, 'terminated');
    const told = await engine.events(execution);
    const kept = told.filter((event) => event.type === null).length;
    assert.ok(kept < 1000, `${kept} lines were kept`);
    const note = told.find((event) => event.message.includes('were not kept'))?.message;
    assert.equal(
      note,
      `${3000 - kept} log lines of operations were not kept: the database did not take them in time`,
    );
  });

  it('may ignore its cancel: the execution ends without it, and what it says later is heard by nobody', async () => {
    let late: OperationRequest | undefined;
    let answer = (_outcome: OperationOutcome) => {};
    const execution = await install((request) => {
      late = request;
      return new Promise((resolve) => {
        answer = resolve;
      });
    });
    while (late === undefined) await tick();
    await engine.executions.cancel(engine.caller, execution.id, 'cancel');
    assert.equal((await engine.until(execution)).status, 'cancelled');
    const before = (await engine.events(execution)).length;
    late.log('info', 'still here');
    late.event('still here');
    await assert.rejects(late.saveRuntimeProperties({ [late.context.self!.instance.id]: { late: true } }));
    answer({ kind: 'done', result: 'late' });
    await tick();
    assert.equal((await engine.events(execution)).length, before);
    assert.deepEqual([await properties(), await results(execution.uid)], [{}, []]);
  });

  for (const recoverable of [true, false]) {
    it(`is ended at its timeout, which is ${recoverable ? '' : 'not '}tried again`, async () => {
      const operation = `, timeout: 0.1, timeout_recoverable: ${recoverable}`;
      const execution = await install(async (request) => {
        assert.equal(await stopped(request), 'timeout');
        return { kind: 'aborted' };
      }, operation);
      const end = await engine.until(execution);
      assert.deepEqual([end.status, plugin.calls.length], ['failed', recoverable ? 2 : 1]);
      assert.match(end.error ?? '', /TimeoutException `Process killed due to timeout of 0.1 seconds`/);
    });
  }

  it('that throws at its timeout has failed, as one that answers', async () => {
    const execution = await install(async (request) => {
      await stopped(request);
      throw new Error('aborted');
    }, ', timeout: 0.1');
    const end = await engine.until(execution);
    assert.match(end.error ?? '', /TimeoutException/);
    assert.equal(end.status, 'failed');
  });

  it('that does not answer to its timeout has failed, and is not started beside itself', async () => {
    const execution = await install(() => new Promise(() => {}), ', timeout: 0.1, timeout_recoverable: true');
    const end = await engine.until(execution);
    assert.deepEqual([end.status, plugin.calls.length], ['failed', 1]);
    assert.match(end.error ?? '', /does not answer/);
  });

  it('has all the time of a timeout that no timer can hold', async () => {
    const execution = await install(async () => {
      for (let turn = 0; turn < 20; turn += 1) await tick();
      return DONE;
    }, ', timeout: 4000000');
    assert.equal((await engine.until(execution)).status, 'terminated');
  });

  async function waiting(uid: number) {
    for (;;) {
      const { rowCount } = await engine.database.pool.query(
        `select from operations where execution_uid = $1 and state = 'waiting'`,
        [uid],
      );
      if (rowCount === 1) return;
    }
  }
});

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
