/** Requests that are sent again, and those about something that has moved since. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { aTenantAtWork } from './a-tenant-at-work.js';

const server = await aServer();
const { ask, execution, deployment } = await aTenantAtWork(server);
const resume = (headers: Record<string, string>, body: object = { force: false }) =>
  ask('POST', `/executions/${execution}/resume`, { root: '/orrery/v1', headers, body });
const cancel = async () => {
  const { status } = await ask('POST', `/executions/${execution}`, {
    body: { deployment_id: deployment, action: 'cancel' },
  });
  assert.equal(status, 200);
};
const tag = async () =>
  (await ask('GET', `/executions/${execution}/graph`, { root: '/orrery/v1' })).headers.get('etag')!;

it('a resume with a key is done once, and answered as often as it is sent', async () => {
  await cancel();
  const headers = { 'idempotency-key': 'resume-1' };
  const first = await resume(headers);
  assert.equal(first.status, 200, first.text);
  assert.equal(first.headers.get('idempotency-replayed'), null);
  await cancel();
  // Without the key this would take it up a second time.
  const second = await resume(headers);
  assert.deepEqual([second.status, second.json], [200, first.json]);
  assert.equal(second.headers.get('idempotency-replayed'), 'true');
  const now = await ask('GET', `/executions/${execution}`);
  assert.equal(String(now.json.status), 'cancelled');
  const other = await resume(headers, { force: true });
  assert.deepEqual([other.status, String(other.json.reason)], [422, 'idempotency-key-reused']);
  assert.equal(String(other.json.field), 'Idempotency-Key');
});

it('a resume of what has moved since is refused with 412, and nothing happens', async () => {
  const seen = await tag();
  await resume({ 'if-match': seen });
  await cancel();
  const refused = await resume({ 'if-match': seen });
  assert.deepEqual([refused.status, String(refused.json.reason)], [412, 'precondition-failed']);
  const now = await ask('GET', `/executions/${execution}`);
  assert.equal(String(now.json.status), 'cancelled');
  const fitting = await resume({ 'if-match': await tag(), 'idempotency-key': 'resume-2' });
  assert.equal(fitting.status, 200, fitting.text);
});
