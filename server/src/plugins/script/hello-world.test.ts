/** The scripts of the example that everybody meets first, run as the engine runs them: a real server, really stopped. */
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../../dsl/plan.js';
import { notFound } from '../../errors.js';
import type { OperationRequest } from '../plugin.js';
import { type RecordedRequestOptions, recordedRequest } from '../recorded-request.js';
import { identify } from './processes.js';
import { createScriptPlugin, type ScriptPlugin } from './script.js';

const EXAMPLE = fileURLToPath(new URL('../../../../../examples/hello-world/', import.meta.url));
const GREETING = 'Tea & <biscuits>, "now"';

let workDir: string;
let plugin: ScriptPlugin;
/** Runtime properties by node, as the engine would keep them. */
const kept: Record<string, JsonObject> = {};

before(async () => {
  workDir = await mkdtemp(join(tmpdir(), 'orrery-hello-'));
  plugin = createScriptPlugin({ workDir });
});

after(async () => {
  if (kept.workspace?.folder !== undefined) await stop();
  await plugin.close();
  await rm(workDir, { recursive: true });
});

async function resource(path: string): ReturnType<OperationRequest['resource']> {
  const found = await stat(join(EXAMPLE, path)).catch(() => null);
  if (found === null) throw notFound('File', path);
  return { size: found.size, stream: createReadStream(join(EXAMPLE, path)) };
}

async function step(
  node: string,
  script: string,
  inputs: JsonObject = {},
  options: RecordedRequestOptions = {},
) {
  const folder = kept.workspace?.folder ?? null;
  const request = {
    ...recordedRequest('script_runner.tasks.run', {
      runtimeProperties: kept[node] ?? {},
      ...options,
      inputs: { script_path: script, ...(folder === null ? {} : { folder }), ...inputs },
    }),
    resource,
  };
  const outcome = await plugin.run(request);
  for (const changes of [...request.saved, outcome.runtimeProperties ?? {}]) {
    if (changes.web_a !== undefined) kept[node] = changes.web_a as JsonObject;
  }
  assert.equal(outcome.kind, 'done', JSON.stringify([outcome, request.logs]));
  return { outcome, lines: request.logs.map(({ message }) => message) };
}

const start = () => step('web_server', 'scripts/server.mjs', { port: 0, process: { args: ['start'] } });
const stop = () => step('web_server', 'scripts/server.mjs', { process: { args: ['stop'] } });

describe('hello-world', () => {
  it('makes a folder, once', async () => {
    await step('workspace', 'scripts/workspace/create.sh');
    const { folder } = kept.workspace!;
    assert.ok((await stat(String(folder))).isDirectory());
    await step('workspace', 'scripts/workspace/create.sh');
    assert.equal(kept.workspace!.folder, folder);
  });

  it('starts a server that shows the greeting, as text and not as markup', async () => {
    await step('content', 'scripts/publish.mjs', { greeting: GREETING });
    await step('web_server', 'scripts/server.mjs', { process: { args: ['create'] } });
    const { outcome } = await start();
    const { url, pid, port } = kept.web_server!;
    assert.equal(url, `http://127.0.0.1:${port}/`);
    assert.ok(outcome.kind === 'done' && outcome.result === url);
    assert.equal(typeof pid, 'number');
    const page = await (await fetch(String(url))).text();
    assert.ok(page.includes('<h1>Tea &amp; &lt;biscuits&gt;, &quot;now&quot;</h1>'));
    assert.ok(page.includes('<dd>site</dd>'));
    await step(
      'web_server',
      'scripts/visit.mjs',
      { url: url ?? null, greeting: GREETING },
      { relationship: 'source' },
    );
    assert.equal(kept.web_server!.verified, true);
  });

  it('started again after an interruption finds the server it has, though nothing was recorded', async () => {
    const { pid, url } = kept.web_server!;
    kept.web_server = {};
    const { lines } = await start();
    assert.deepEqual([kept.web_server!.pid, kept.web_server!.url], [pid, url]);
    assert.ok(lines.some((line) => line.includes('already serving')));
  });

  it('starts another one when the server has died', async () => {
    const pid = Number(kept.web_server!.pid);
    process.kill(pid, 'SIGKILL');
    while ((await identify(pid)) !== null) await new Promise((done) => setTimeout(done, 10));
    await start();
    assert.notEqual(kept.web_server!.pid, pid);
    assert.equal((await fetch(String(kept.web_server!.url))).status, 200);
  });

  it('does not end a process that only has the number of the recorded one', async () => {
    const { started } = kept.web_server!;
    const pid = Number(kept.web_server!.pid);
    kept.web_server!.started = 'long ago';
    const state = join(String(kept.workspace!.folder), 'server.json');
    const written = await readFile(state);
    await stop();
    assert.notEqual(await identify(pid), null);
    kept.web_server = { started: started ?? null };
    await writeFile(state, written);
  });

  it('stops the server, and stopping again is no trouble', async () => {
    const { url, pid } = JSON.parse(
      await readFile(join(String(kept.workspace!.folder), 'server.json'), 'utf8'),
    );
    await stop();
    assert.equal(await identify(pid), null);
    await assert.rejects(fetch(url));
    assert.deepEqual(kept.web_server, {});
    await stop();
  });

  it('removes its folder, and nothing that it has not made', async () => {
    const folder = String(kept.workspace!.folder);
    kept.other = { folder: workDir };
    await step('other', 'scripts/workspace/delete.sh');
    assert.ok((await stat(workDir)).isDirectory());
    await step('workspace', 'scripts/workspace/delete.sh');
    await assert.rejects(stat(folder));
    assert.deepEqual(kept.workspace, {});
  });
});
