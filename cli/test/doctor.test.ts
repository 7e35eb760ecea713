/** `orrery doctor`: each check, and what it says of the case it is there for. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, test } from 'node:test';
import { judgeNode, judgeVersions } from '../src/commands/doctor.js';
import { run } from '../src/run.js';
import { aWorld, type HeldWorld } from './support/a-world.js';

interface Played {
  ready: object;
  readyStatus: number;
  live: object;
  refuses: boolean;
}
const well: Played = {
  ready: { status: 'ready' },
  readyStatus: 200,
  live: { version: '0.1.0' },
  refuses: false,
};
let played = { ...well };
const server = createServer((request, response) => {
  const [path] = (request.url ?? '').split('?');
  const [status, body] =
    path === '/health/live'
      ? [200, played.live]
      : path === '/health/ready'
        ? [played.readyStatus, played.ready]
        : played.refuses
          ? [401, { message: 'User unauthorized', error_code: 'unauthorized_error' }]
          : [200, { items: [], metadata: { pagination: { total: 0, offset: 0, size: 1 } } }];
  response.writeHead(status as number, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
let here: HeldWorld;
after(() => server.close());
afterEach(() => {
  here.remove();
  played = { ...well };
});

async function findings(
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; levels: object; text: string }> {
  here = aWorld({ env: { ORRERY_URL: url, ORRERY_PASSWORD: 'secret-word', ...env } });
  const code = await run(['doctor', '-o', 'json'], here);
  const rows = JSON.parse(here.out()) as { check: string; level: string }[];
  return {
    code,
    levels: Object.fromEntries(rows.map(({ check, level }) => [check, level])),
    text: here.out() + here.err(),
  };
}

test('all is well: exit code 0, and no password is shown', async () => {
  const { code, levels, text } = await findings();
  assert.equal(code, 0, text);
  assert.deepEqual(levels, {
    node: 'good',
    server: 'good',
    ready: 'good',
    versions: 'good',
    credentials: 'good',
  });
  assert.doesNotMatch(text, /secret-word/);
});

test('a server that is not ready is told with its own words', async () => {
  played.readyStatus = 503;
  played.ready = { status: 'not-ready', troubles: ['the database does not answer'] };
  const { code, levels, text } = await findings();
  assert.deepEqual([code, (levels as { ready: string }).ready], [1, 'bad']);
  assert.match(text, /the database does not answer/);
});

test('credentials that are refused', async () => {
  played.refuses = true;
  const { code, levels } = await findings();
  assert.deepEqual([code, (levels as { credentials: string }).credentials], [1, 'bad']);
});

test('a server that does not answer', async () => {
  const { code, levels } = await findings({ ORRERY_URL: 'http://127.0.0.1:1' });
  assert.deepEqual([code, levels], [1, { node: 'good', server: 'bad' }]);
});

test('something that is no Orrery, or of another version', async () => {
  played.live = { version: '9.9.9' };
  played.ready = { hello: 'world' };
  const { code, levels } = await findings();
  assert.deepEqual(
    [code, levels],
    [1, { node: 'good', server: 'good', ready: 'bad', versions: 'note', credentials: 'good' }],
  );
});

test('an old Node, and versions that differ, each with a way out', () => {
  assert.equal(judgeNode('20.18.3').level, 'bad');
  assert.match(judgeNode('20.18.3').remedy!, /Install Node/);
  assert.equal(judgeNode('22.0.0').level, 'good');
  assert.match(judgeVersions('1', '2').remedy!, /comes with the server/);
});
