/** Every method of the published client is served, refused, or not there, as the page about it says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { aServer } from '../../../support/a-server.js';
import { clientOf } from '../client.js';
import { checklistPage, readCalls, troubles } from './checklist.js';
import { REFUSED } from './verdicts.js';

const root = fileURLToPath(new URL('../../../../../../', import.meta.url));
const calls = readCalls({ root });
const ask = clientOf(await aServer());

test('each request of the client has a route here, or a reason why there is none', () => {
  assert.deepEqual(troubles(calls), []);
  assert.ok(calls.length > 300);
  const some = { name: 'x.y', sent: '', tests: [], served: null };
  assert.ok(
    troubles([...calls, { ...some, route: 'GET /nothing' }]).some((told) => told.includes('GET /nothing')),
  );
});

test('what has a route is not answered as if there were none, and what has none is', async () => {
  for (const { route, served } of calls) {
    const [method, path] = route.split(' ') as [string, string];
    const { status, text } = await ask(method, path, path.startsWith('/resources') ? { root: '' } : {});
    const isAbsent = status === 405 || (status === 404 && text.includes('is not served here'));
    assert.equal(isAbsent, served === null, `${route}: ${status} ${text}`);
    assert.notEqual(status, 500, route);
  }
});

for (const [name, { path, body, status, code }] of Object.entries(REFUSED)) {
  test(`${name} is refused with ${code}`, async () => {
    const { route } = calls.find((call) => call.name === name)!;
    const answer = await ask(route.split(' ')[0]!, path, { body });
    assert.deepEqual([answer.status, answer.json.error_code], [status, code], answer.text);
  });
}

test('the page tells all of it', () => {
  const kept = readFileSync(join(root, 'docs/cloudify-client-calls.md'), 'utf8');
  assert.equal(kept, checklistPage(calls), 'run: node scripts/client-calls.mjs');
});
