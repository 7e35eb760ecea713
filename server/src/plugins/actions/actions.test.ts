import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { conforms } from '../conformance.js';
import { recordedRequest } from '../recorded-request.js';
import { createScriptPlugin } from '../script/script.js';
import type { ActionKeeper, ActionStep, StepRequest } from './action-keeper.js';
import { createActionsPlugin } from './actions.js';

const SCRIPTS: readonly string[] = [
  'echo quick',
  'exit 3',
  'sleep 300',
  'ctx instance runtime-properties seen yes',
  'yes | head -n 30000',
  'echo one; echo two >&2; echo three',
];

/** An ordering room whose steps are scripts by their number: the edge of the world. */
function aKeeper(told: [ActionStep, readonly string[]][] = []): ActionKeeper {
  return {
    async prepare({ step }) {
      const source = SCRIPTS[step];
      const path = ['ring', 'busy', 'nowhere'][step - 80];
      if (path !== undefined) {
        const request = { method: 'POST', url: `http://hook.test/${path}`, headers: {}, body: '{}' };
        return { kind: 'request', request };
      }
      if (step === 90) return { kind: 'nothing', message: 'nothing was found' };
      if (source === undefined) return { kind: 'refused', message: 'there is no such step' };
      return { kind: 'script', inputs: { script_source: `#!/bin/sh\n${source}\n` } };
    },
    send,
    async conclude(step, printed) {
      told.push([step, printed]);
    },
  };
}

const sent: StepRequest[] = [];
/** Another host. */
async function send(request: StepRequest): Promise<{ status: number; text: string }> {
  sent.push(request);
  if (request.url.endsWith('/nowhere')) throw new Error('nobody is there');
  return { status: request.url.endsWith('/busy') ? 503 : 201, text: '{\n "seen": true\n}' };
}

const workDir = await mkdtemp(join(tmpdir(), 'orrery-actions-'));
const script = createScriptPlugin({ workDir, grace: 500 });
after(async () => {
  await script.close();
  await rm(workDir, { recursive: true, force: true });
});
const asking = (step: number) => ({ functionName: 'run', inputs: { run: 7, step } });

conforms({
  name: 'the actions plugin',
  create: async () => ({ plugin: createActionsPlugin(aKeeper(), script), close: async () => {} }),
  operations: {
    quick: asking(0),
    failing: asking(1),
    endless: asking(2),
    changing: asking(3),
    talkative: asking(4),
  },
});

describe('the actions plugin', () => {
  const run = (step: number, told: [ActionStep, readonly string[]][] = []) => {
    const request = recordedRequest('run', { inputs: { run: 7, step } });
    return createActionsPlugin(aKeeper(told), script)
      .run(request)
      .then((outcome) => ({ outcome, request }));
  };

  it('tells its keeper what a step has printed, and not what it said on the side', async () => {
    const told: [ActionStep, readonly string[]][] = [];
    const { outcome, request } = await run(5, told);
    assert.equal(outcome.kind, 'done');
    assert.deepEqual(
      told.map(([{ run: number, step }, printed]) => [number, step, printed]),
      [[7, 5, ['one', 'three']]],
    );
    assert.ok(request.logs.some(({ message }) => message.includes('two')));
  });

  it('sends what a webhook sends, under a key of its own, and tells its keeper the answer in one line', async () => {
    const told: [ActionStep, readonly string[]][] = [];
    const { outcome, request } = await run(80, told);
    assert.equal(outcome.kind, 'done');
    assert.deepEqual(
      told.map(([, printed]) => printed),
      [['{"seen":true}']],
    );
    assert.match(sent[0]!.headers['idempotency-key']!, /-80$/);
    assert.match(request.logs[0]!.message, /^POST http:\/\/hook\.test\/ring: status 201$/);
    await run(80);
    assert.equal(sent[1]!.headers['idempotency-key'], sent[0]!.headers['idempotency-key']);
  });

  it('fails with an answer that is none of success, and with none', async () => {
    const told: [ActionStep, readonly string[]][] = [];
    for (const [step, message] of [
      [81, /status 503/],
      [82, /nobody is there/],
    ] as const) {
      const { outcome } = await run(step, told);
      assert.ok(outcome.kind === 'failed' && message.test(outcome.failure.message));
    }
    assert.deepEqual(told, []);
  });

  it('tells nothing of a step that failed', async () => {
    const told: [ActionStep, readonly string[]][] = [];
    assert.equal((await run(1, told)).outcome.kind, 'failed');
    assert.deepEqual(told, []);
  });

  it('runs nothing where there is nothing to do, and where it is refused', async () => {
    const { outcome, request } = await run(90);
    assert.equal(outcome.kind, 'done');
    assert.deepEqual(
      request.logs.map(({ message }) => message),
      ['nothing was found'],
    );
    const refused = await run(91);
    assert.ok(refused.outcome.kind === 'failed' && !refused.outcome.failure.retryable);
  });

  it('takes no script from an operation', async () => {
    const request = recordedRequest('run', { inputs: { script_source: 'echo mine' } });
    const outcome = await createActionsPlugin(aKeeper(), script).run(request);
    assert.ok(outcome.kind === 'failed' && /by its number/.test(outcome.failure.message));
  });
});
