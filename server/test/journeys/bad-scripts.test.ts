/** Scripts that do not behave, run by a real worker: the execution ends and says why, and one can go on from there. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { aServer } from '../support/a-server.js';
import { noMistakes, refusal, scripted, visit } from './a-visitor.js';

const server = await aServer({ ORRERY_TASK_RETRY_INTERVAL: '0' }, { worker: true });
const { ask, upload, deploy, start, until, run, clear } = visit(server);

let count = 0;
async function withScript(script: string, more = ''): Promise<string> {
  const id = `script-${++count}`;
  await deploy(id, { 'blueprint.yaml': scripted(more), 'a.sh': `#!/bin/bash\n${script}\n` });
  return id;
}

/** Processes whose command line has `mark` in it. */
function alive(mark: string): number {
  const told = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && told(name).includes(mark)).length;
}

describe('a script', () => {
  test('that the archive does not have is found out at the upload', async () => {
    const refused = await upload('lost', { 'blueprint.yaml': scripted() });
    assert.deepEqual(refusal(refused), [400, 'invalid_blueprint_error']);
    assert.match(String(refused.json.message), /blueprint\.yaml:\d+:\d+: .*'a\.sh'/);
  });

  test('that fails says with which code, and the deployment can be installed again', async () => {
    const id = await withScript('echo the reason >&2; [ -e "$HOME/never" ] || exit 7');
    const { status, error } = await run(id, 'install');
    assert.equal(status, 'failed');
    assert.match(String(error), /exit_code: 7.*the reason/);
    assert.equal((await run(id, 'install')).status, 'failed');
    await clear(id);
  });

  test('that hangs is ended at its timeout, with all it has started', async () => {
    const id = await withScript('sleep 4242.1 & setsid sleep 4242.1 & sleep 4242.1', ', timeout: 1');
    const { status, error } = await run(id, 'install');
    assert.equal(status, 'failed');
    assert.match(String(error), /timeout of 1 seconds/);
    assert.equal(alive('4242.1'), 0);
    await clear(id);
  });

  for (const action of ['cancel', 'force-cancel', 'kill']) {
    test(`that hangs is ended by ${action}, with all it has started`, async () => {
      const id = await withScript('sleep 4242.2 & ctx logger info here; wait');
      const execution = await start(id, 'install');
      const said = `/events?execution_id=${execution}&message=here&_size=0`;
      while (Number((await ask('GET', said)).json.metadata?.pagination?.total) === 0)
        await new Promise((resolve) => setTimeout(resolve, 20));
      const asked = await ask('POST', `/executions/${execution}`, { body: { action } });
      assert.equal(asked.status, 200, asked.text);
      assert.equal((await until(execution, ['cancelled'])).status, 'cancelled');
      assert.equal(alive('4242.2'), 0);
      await clear(id);
    });
  }

  test('that prints a gigabyte costs bounded memory and a bounded number of lines', async () => {
    const id = await withScript('yes a-line-that-nobody-needs | head -c 1000000000');
    const before = process.memoryUsage.rss();
    const execution = await start(id, 'install');
    assert.equal((await until(execution)).status, 'terminated');
    assert.ok(process.memoryUsage.rss() - before < 300 * 1024 * 1024);
    const { metadata } = (await ask('GET', `/events?execution_id=${execution}&_size=0`)).json;
    assert.ok(Number(metadata?.pagination?.total) < 20_000);
    await clear(id);
  });

  test('that writes what cannot be kept hears of it, and may go on', async () => {
    const id = await withScript(`
      ctx instance runtime-properties answer '@"a\\u0000b"' && exit 1
      ctx instance runtime-properties answer '@"\\ud800"' && exit 2
      printf 'a\\0b\\xff\\n'
      ctx instance runtime-properties answer fine`);
    const { status, error } = await run(id, 'install');
    assert.deepEqual([status, error], ['terminated', '']);
    assert.equal((await ask('GET', `/deployments/${id}/outputs`)).json.outputs?.answer, 'fine');
    await clear(id);
  });
});

describe('while an operation runs', () => {
  test('its deployment is neither started again nor deleted, nor is its blueprint; a later change by hand wins or is told', async () => {
    const id = await withScript('sleep 0.7; ctx instance runtime-properties answer script');
    const execution = await start(id, 'install');
    await until(execution, ['started']);
    const again = await ask('POST', '/executions', {
      body: { deployment_id: id, workflow_id: 'uninstall' },
    });
    assert.deepEqual(refusal(again), [400, 'existing_running_execution_error']);
    assert.match(String(again.json.message), new RegExp(execution));
    for (const path of [
      `/deployments/${id}`,
      `/deployments/${id}?force=true`,
      `/blueprints/${id}?force=true`,
    ]) {
      assert.deepEqual(refusal(await ask('DELETE', path)), [400, 'dependent_exists_error'], path);
    }
    const instance = (await ask('GET', `/node-instances?deployment_id=${id}`)).json.items?.[0];
    const patch = (version: number) =>
      ask('PATCH', `/node-instances/${String(instance?.id)}`, {
        body: { version, runtime_properties: { mine: true } },
      });
    assert.equal((await patch(Number(instance?.version) + 1)).status, 200);
    assert.deepEqual(refusal(await patch(1)), [409, 'conflict_error']);
    assert.equal((await until(execution)).status, 'terminated');
    const after = (await ask('GET', `/node-instances/${String(instance?.id)}`)).json;
    assert.deepEqual(after.runtime_properties, { mine: true, answer: 'script' });
    await clear(id);
  });
});

test('nothing that was asked here was a mistake of the server', () => noMistakes(server));
