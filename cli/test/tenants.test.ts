/** `orrery tenants limits`, against the real server. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { run } from '../src/run.js';
import { aWorld } from './support/a-world.js';
import { RealServer } from './support/real-server.js';

const server = await RealServer.start();
after(() => server.stop());

async function limits(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const here = aWorld({ env: { ORRERY_URL: server.url, ORRERY_DATA_DIR: server.dataDir } });
  try {
    const code = await run(['tenants', 'limits', ...words], here);
    return { code, out: here.out(), err: here.err() };
  } finally {
    here.remove();
  }
}

test('limits are told, changed, and given back to the settings', async () => {
  assert.match((await limits()).out, /running +0 of any number \(by the settings\)/);
  const changed = await limits('default_tenant', '--running', '20', '--waiting', '500');
  assert.match(changed.out, /running +0 of 20\n +waiting +0 of 500\n|running +0 of 20\nwaiting +0 of 500\n/);
  const { running, waiting } = JSON.parse((await limits('-o', 'json', '--running', 'default')).out);
  assert.deepEqual([running.own, waiting.most], [false, 500]);
});

test('a number that is none is refused before anything is sent; a tenant that is none by the server', async () => {
  const none = await limits('--running', 'lots');
  assert.deepEqual([none.code, /"default"/.test(none.err)], [2, true], none.err);
  assert.equal((await limits('nobody')).code, 1);
});
