/** The first thing anybody does here: bring hello-world from its archive to a page that answers, and clear it away. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { aServer } from '../support/a-server.js';
import { noMistakes, visit } from './a-visitor.js';

const EXAMPLE = fileURLToPath(new URL('../../../../examples/hello-world', import.meta.url));

function filesOf(folder: string): Record<string, Buffer> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path));
  const files = paths.filter((path) => statSync(path).isFile());
  return Object.fromEntries(files.map((path) => [relative(folder, path), readFileSync(path)]));
}

const server = await aServer({}, { worker: true });
const { ask, upload, run } = visit(server);

test('hello-world goes from an archive to a page that answers, and leaves nothing behind', async () => {
  assert.equal((await upload('hello-world', filesOf(EXAMPLE))).status, 201);
  const created = await ask('PUT', '/deployments/hello', {
    body: { blueprint_id: 'hello-world', inputs: { greeting: 'Good evening' } },
  });
  assert.equal(created.status, 201, created.text);

  assert.equal((await run('hello', 'install')).status, 'terminated');
  const { outputs } = (await ask('GET', '/deployments/hello/outputs')).json;
  const url = String(outputs?.url);
  const page = await fetch(url);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /Good evening/);
  assert.equal((await ask('GET', '/deployments/hello')).json.installation_status, 'active');

  assert.equal((await run('hello', 'uninstall')).status, 'terminated');
  await assert.rejects(fetch(url));
  assert.equal((await ask('DELETE', '/deployments/hello')).status, 204);
  assert.equal((await ask('DELETE', '/blueprints/hello-world')).status, 204);
  for (const list of ['blueprints', 'deployments', 'nodes', 'node-instances', 'executions', 'events']) {
    const { metadata } = (await ask('GET', `/${list}`)).json;
    assert.equal(metadata?.pagination?.total, 0, list);
  }
  noMistakes(server);
});
