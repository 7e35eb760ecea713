/** A plugin that somebody asks to be installed is installed, by a worker that has a Python. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { aServer } from '../../support/a-server.js';
import { wagonOf, wheelOf } from '../../support/plugin-archives.js';
import { newName, pluginsOn } from './a-plugin.js';
import { clientOf } from './client.js';

const ask = clientOf(await aServer({}, { worker: true }));
const { aPlugin, uploaded } = pluginsOn(ask);
const python = spawnSync('python3', ['-m', 'venv', '--help']).status === 0;

async function stateOf(id: string): Promise<{ manager: string; state: string; error: string | null }> {
  for (;;) {
    const { json } = await ask('GET', `/plugins/${id}`);
    const [first] = json.installation_state as unknown as {
      manager: string;
      state: string;
      error: string | null;
    }[];
    if (first !== undefined && ['installed', 'error'].includes(first.state)) return first;
    await pause(100);
  }
}

const install = (id: string) => ask('POST', `/plugins/${id}`, { body: { action: 'install' } });

test('it is installed where its wheels can be', { skip: !python && 'there is no python3 here' }, async () => {
  const [name, version] = [newName(), '1.0'];
  const wheels = [wheelOf({ name, version, files: { 'cool/__init__.py': '' } })];
  const { id } = await aPlugin({ name, version, wheels });
  const { status, json } = await install(id);
  assert.equal(status, 200);
  assert.equal(json.installation_state![0]!.state, 'pending-install');
  assert.deepEqual(await stateOf(id), { manager: hostname(), state: 'installed', error: null });
});

test('where they cannot be, the reason is told', {
  skip: !python && 'there is no python3 here',
}, async () => {
  const wheels = [{ filename: 'broken-1.0-py3-none-any.whl', bytes: Buffer.from('no wheel') }];
  const id = await uploaded(wagonOf({ name: newName(), version: '1', wheels }).bytes);
  await install(id);
  const { state, error } = await stateOf(id);
  assert.equal(state, 'error');
  assert.match(String(error), /./);
});
