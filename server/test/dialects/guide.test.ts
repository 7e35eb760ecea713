/** The dialect of docs/guides/adding-a-dialect.md, taken from the page and mounted beside nothing else. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import type { Dialect } from '../../src/dialects/dialect.js';
import { buildServer } from '../../src/serve.js';
import { aServer } from '../support/a-server.js';
import { aWebBlueprint } from './cloudify-v3/a-web-blueprint.js';
import { clientOf } from './cloudify-v3/client.js';

const GUIDE = fileURLToPath(new URL('../../../../docs/guides/adding-a-dialect.md', import.meta.url));

async function codeOfTheGuide(word: string): Promise<string> {
  const blocks = [...(await readFile(GUIDE, 'utf8')).matchAll(/```ts\n([\s\S]*?)```/g)].map(
    ([, code]) => code!,
  );
  const found = blocks.find((code) => code.includes(word));
  assert.ok(found !== undefined, `no code of the guide says ${word}`);
  return found;
}

async function dialectOfTheGuide(): Promise<Dialect> {
  const { code } = await transform(await codeOfTheGuide('export const oddV1'), {
    loader: 'ts',
    format: 'esm',
  });
  const errors = new URL('../../src/errors.js', import.meta.url).href;
  const module = await import(
    `data:text/javascript,${encodeURIComponent(code.replace('../../errors.js', errors))}`
  );
  return module.oddV1;
}

const server = await aServer();
const { core } = server;
const app = await buildServer({
  core,
  settings: core.settings,
  log: core.log,
  dialects: [await dialectOfTheGuide()],
});
after(() => app.close());
const caller = await core.callers.actingAs('admin', 'default_tenant', 'guide');
const { value: token } = await core.tokens.sessionToken(caller);
const { deploy } = await aWebBlueprint(clientOf(server));

describe('the dialect of the guide', () => {
  test('tells an execution in its own words', async () => {
    const deployment = await deploy();
    const { id } = await core.executions.start(caller, { deploymentId: deployment, workflow: 'install' });
    const answer = await app.inject({
      url: `/odd/v1/runs/${id}`,
      headers: { 'x-odd-token': token, 'x-odd-room': 'default_tenant' },
    });
    assert.equal(answer.statusCode, 200);
    assert.deepEqual(answer.json(), { run: id, of: deployment, does: 'install', is: 'pending' });
  });

  test('describes itself', async () => {
    const answer = await app.inject({ url: '/openapi/odd-v1.json' });
    assert.equal(answer.statusCode, 200);
    assert.deepEqual(Object.keys(answer.json().paths), ['/odd/v1/runs/{id}']);
  });

  test('refuses in its own form', async () => {
    const stranger = await app.inject({ url: '/odd/v1/runs/x' });
    assert.deepEqual([stranger.statusCode, stranger.json()], [401, { oops: 'Send X-Odd-Token' }]);
    const absent = await app.inject({
      url: '/odd/v1/runs/x',
      headers: { 'x-odd-token': token, 'x-odd-room': 'default_tenant' },
    });
    assert.equal(absent.statusCode, 404);
    assert.deepEqual(Object.keys(absent.json()), ['oops']);
  });

  test('its question for a list is one that rooms answer', async () => {
    const asked = /list\(caller, (\{[\s\S]*?\n\})\);/.exec(await codeOfTheGuide('core.executions.list'))?.[1];
    const page = await core.executions.list(caller, new Function(`return ${asked}`)());
    const [first] = JSON.parse(page.items) as [Record<string, unknown>];
    assert.deepEqual(Object.keys(first), ['run', 'of', 'is']);
    assert.equal(page.total, 1);
  });
});
