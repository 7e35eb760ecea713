/** The examples, installed and uninstalled by the engine: real scripts, a real server, a real database. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createScriptPlugin, type ScriptPlugin } from '../../src/plugins/script/script.js';
import { createSimulatedPlugin } from '../../src/plugins/simulated/simulated.js';
import { anEngine, type Engine } from '../support/an-engine.js';

const EXAMPLES = fileURLToPath(new URL('../../../../examples/', import.meta.url));

describe('an example, from its folder to what it promises and back', () => {
  let workDir: string;
  let script: ScriptPlugin;
  let engine: Engine;

  before(async () => {
    workDir = await mkdtemp(join(tmpdir(), 'orrery-examples-'));
    script = createScriptPlugin({ workDir });
    engine = await anEngine([script, createSimulatedPlugin()]);
    await engine.work();
  });

  after(async () => {
    await engine.close();
    await script.close();
    await rm(workDir, { recursive: true, force: true });
  });

  async function run(deploymentId: string, workflow: string) {
    const started = await engine.executions.start(engine.caller, { deploymentId, workflow });
    const execution = await engine.until(started);
    const told = await engine.events(execution);
    const messages = told.map(({ message }) => message);
    assert.deepEqual([execution.status, execution.error], ['terminated', ''], messages.join('\n'));
    return messages;
  }

  it('hello-world serves its greeting until it is uninstalled', async () => {
    await engine.deployFolder('hello', join(EXAMPLES, 'hello-world'), { greeting: 'Good morning <you>' });
    const messages = await run('hello', 'install');
    const { url } = await engine.deployments.outputs(engine.caller, 'hello');
    assert.match(String(url), /^http:\/\/127\.0\.0\.1:\d+\/$/);
    const page = await (await fetch(String(url))).text();
    assert.ok(page.includes('<h1>Good morning &lt;you&gt;</h1>'));
    assert.ok(messages.some((message) => /^<out> process \d+ serves http/.test(message)));
    assert.ok(
      messages.some((message) => message.includes(`${String(url)} answers 200: "Good morning <you>"`)),
    );

    const folder = /<?the site will live in (\S+)/.exec(messages.join('\n'))![1]!;
    assert.ok(existsSync(folder));
    await run('hello', 'uninstall');
    await assert.rejects(fetch(String(url)));
    assert.ok(!existsSync(folder));
    assert.deepEqual(await readdir(workDir), []);
  });

  it('three-tier makes as many web servers as one asks for, each attached to the database', async () => {
    await engine.deployFolder('shop', join(EXAMPLES, 'three-tier'), { web_servers: 4 });
    await run('shop', 'install');
    const outputs = await engine.deployments.outputs(engine.caller, 'shop');
    assert.match(String(outputs.url), /^http:\/\/203\.0\.113\.\d+:80\/$/);
    const { rows } = await engine.database.pool.query<{
      node: string;
      properties: { attached_to?: string[] };
    }>(
      `select i.node, i.runtime_properties as properties
         from node_instances i join deployments d on d.uid = i.deployment_uid
        where d.id = 'shop' and i.state = 'started' order by i.node`,
    );
    const of = (node: string) => rows.filter((row) => row.node === node);
    assert.equal(of('web_server').length, 4);
    assert.equal(of('application').length, 4);
    const attached = (node: string) =>
      of(node).map(({ properties }) =>
        Object.keys(properties)
          .filter((name) => name.startsWith('attached_'))
          .map((name) => name.replace(/^attached_(.*)_\w+$/, '$1')),
      );
    assert.deepEqual(attached('application'), Array(4).fill(['database']));
    assert.deepEqual(attached('load_balancer'), [Array(4).fill('application')]);
    await run('shop', 'uninstall');
  });
});
