import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../dsl/plan.js';
import { conforms } from '../conformance.js';
import { type RecordedRequestOptions, recordedRequest } from '../recorded-request.js';
import { createSimulatedPlugin } from './simulated.js';

conforms({
  name: 'the simulated cloud',
  create: async () => ({ plugin: createSimulatedPlugin(), close: async () => {} }),
  operations: {
    quick: { functionName: 'operations.noop' },
    failing: { functionName: 'operations.fail' },
    endless: { functionName: 'operations.delay', inputs: { seconds: 600 } },
    changing: { functionName: 'operations.create_server' },
    talkative: { functionName: 'operations.chatter', inputs: { lines: 1e9 } },
  },
});

const plugin = createSimulatedPlugin();

async function run(name: string, inputs: JsonObject = {}, options: RecordedRequestOptions = {}) {
  return plugin.run(recordedRequest(`simulated.operations.${name}`, { ...options, inputs }));
}

describe('the simulated cloud', () => {
  it('fails as often as it is told, then succeeds', async () => {
    const kinds: string[] = [];
    for (const retryNumber of [0, 1, 2]) {
      kinds.push((await run('fail', { times: 2 }, { operation: { retryNumber } })).kind);
    }
    assert.deepEqual(kinds, ['failed', 'failed', 'done']);
  });

  it('fails for good when told so', async () => {
    const outcome = await run('fail', { times: -1, message: 'quota', retryable: false });
    assert.ok(outcome.kind === 'failed');
    assert.deepEqual([outcome.failure.message, outcome.failure.retryable], ['quota', false]);
  });

  it('creates a server with an id and addresses, keeps what was there, and gives the same one again', async () => {
    const first = await run('create_server', { flavor: 'large' }, { runtimeProperties: { mine: 1 } });
    const server = first.runtimeProperties!.web_a!;
    assert.equal(server.mine, 1);
    assert.match(String(server.id), /^srv-[0-9a-f]{12}$/);
    assert.match(String(server.ip), /^10\.\d+\.\d+\.\d+$/);
    assert.deepEqual([server.flavor, server.state], ['large', 'running']);
    const again = await run('create_server', {}, { runtimeProperties: server });
    assert.deepEqual(again.runtimeProperties!.web_a, server);
  });

  it('stops and deletes it', async () => {
    const server = (await run('create_server')).runtimeProperties!.web_a!;
    const stopped = await run('stop_server', {}, { runtimeProperties: server });
    assert.equal(stopped.runtimeProperties!.web_a!.state, 'stopped');
    assert.deepEqual((await run('delete_server', {}, { runtimeProperties: server })).runtimeProperties, {
      web_a: {},
    });
  });

  it('attaches and detaches the two sides of a relationship', async () => {
    const attached = await run('attach', {}, { relationship: 'source' });
    assert.deepEqual(attached.runtimeProperties, { web_a: { attached_db_b: 'db_b' } });
    const runtimeProperties = attached.runtimeProperties!.web_a!;
    const detached = await run('detach', {}, { relationship: 'target', runtimeProperties });
    assert.deepEqual(detached.runtimeProperties, { web_a: {} });
  });

  it('refuses inputs that make no sense', async () => {
    for (const seconds of ['soon', -1, Number.NaN]) {
      const outcome = await run('delay', { seconds });
      assert.ok(outcome.kind === 'failed' && !outcome.failure.retryable);
    }
  });

  it('says which of its functions must not be repeated', () => {
    assert.equal(plugin.describe('simulated.operations.irreversible')?.resumable, false);
    assert.equal(plugin.describe('operations.delay')?.resumable, true);
  });
});
