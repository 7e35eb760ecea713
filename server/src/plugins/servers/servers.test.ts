import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { conforms } from '../conformance.js';
import { recordedRequest } from '../recorded-request.js';
import type { ServerAnswer, ServerKeeper, ServerRequest } from './server-keeper.js';
import { createServersPlugin } from './servers.js';

/** An inventory whose answers are given by the inputs: the world's edge. */
const keeper: ServerKeeper = {
  async perform({ inputs, instance, log }) {
    for (let line = 0; line < Number(inputs.lines ?? 0); line += 1) log(`line ${line}`);
    if (inputs.trouble === true) {
      return { kind: 'failed', retryable: true, type: 'RecoverableError', message: 'no room' };
    }
    if (inputs.endless === true) return { kind: 'again', after: 1, message: 'still coming up' };
    return { kind: 'done', properties: { id: `of ${instance}`, ip: '127.1.2.3', state: 'on' } };
  },
};

conforms({
  name: 'the servers plugin',
  create: async () => ({ plugin: createServersPlugin(keeper), close: async () => {} }),
  operations: {
    quick: { functionName: 'refresh' },
    failing: { functionName: 'build', inputs: { trouble: true } },
    endless: { functionName: 'power_off', inputs: { endless: true } },
    changing: { functionName: 'build' },
    talkative: { functionName: 'build', inputs: { lines: 1000 } },
  },
});

describe('the servers plugin', () => {
  const answering = (answers: readonly ServerAnswer[], asked: ServerRequest[] = []) => {
    let at = 0;
    return createServersPlugin(
      {
        perform: async (request) => {
          asked.push(request);
          return answers[Math.min(at++, answers.length - 1)]!;
        },
      },
      1000,
    );
  };
  const run = (plugin: ReturnType<typeof answering>, name: string, runtimeProperties = {}) =>
    plugin.run(recordedRequest(name, { runtimeProperties }));

  it('waits while it is told to ask again, and asks the same under one operation id', async () => {
    const asked: ServerRequest[] = [];
    const soon: ServerAnswer = { kind: 'again', after: 0.01, message: 'coming up' };
    const plugin = answering([soon, soon, { kind: 'done', properties: { id: 'i-1' } }], asked);
    const outcome = await run(plugin, 'orrery_servers.build');
    assert.equal(outcome.kind, 'done');
    assert.deepEqual([...new Set(asked.map(({ operationId }) => operationId))].length, 1);
    assert.equal(asked.length, 3);
  });

  it('lets a server run its own script, and after it what brings the agent', async () => {
    for (const [script, agentScript, wanted] of [
      ['', 'echo agent', 'agent'],
      ['echo own', 'echo agent', 'own agent'],
      ['#!/bin/bash\necho "$BASH_VERSION" | grep -q . && echo own', 'echo agent', 'own agent'],
      ['echo own', null, 'own'],
    ] as const) {
      const asked: ServerRequest[] = [];
      const plugin = answering([{ kind: 'done', properties: { id: 'i-1' } }], asked);
      await plugin.run(recordedRequest('build', { properties: { script }, agentScript }));
      const ran = spawnSync('sh', ['-s'], { input: String(asked[0]!.properties.script), encoding: 'utf8' });
      assert.equal(ran.stdout.trim().replaceAll('\n', ' '), wanted, ran.stderr);
    }
  });

  it('uses a retry when that takes longer than it waits', async () => {
    const plugin = answering([{ kind: 'again', after: 2, message: 'coming up' }]);
    const outcome = await run(plugin, 'build');
    assert.ok(outcome.kind === 'again');
    assert.equal(outcome.after, 2);
  });

  it('keeps runtime properties of others, and takes its own away with the server', async () => {
    const built = await run(
      answering([{ kind: 'done', properties: { id: 'i-1', ip: '127.0.0.9' } }]),
      'build',
      {
        mine: 1,
      },
    );
    assert.deepEqual(built.runtimeProperties, { web_a: { mine: 1, id: 'i-1', ip: '127.0.0.9' } });
    const gone = await run(answering([{ kind: 'done', properties: null }]), 'remove', {
      mine: 1,
      id: 'i-1',
      ip: '127.0.0.9',
    });
    assert.deepEqual(gone.runtimeProperties, { web_a: { mine: 1 } });
  });
});
