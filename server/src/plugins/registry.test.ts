import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Plugin } from './plugin.js';
import { createRegistry } from './registry.js';

function named(name: string, recover?: () => Promise<void>): Plugin {
  return {
    name,
    describe: () => null,
    run: async () => ({ kind: 'done', result: null }),
    ...(recover && { recover }),
  };
}

it('a registry finds plugins by name', () => {
  const script = named('script');
  const registry = createRegistry([script, named('simulated')]);
  assert.equal(registry.find('script'), script);
  assert.equal(registry.find('toString'), null);
});

it('a registry leaves to uploaded plugins what is not built in, but for names of the language', async () => {
  let recovered = 0;
  const script = named('script');
  const uploaded = named('python', async () => {
    recovered += 1;
  });
  const registry = createRegistry([script], uploaded);
  assert.equal(registry.find('anything'), uploaded);
  assert.equal(registry.find('script'), script);
  for (const name of ['agent', 'cfy_extensions', 'default_workflows'])
    assert.equal(registry.find(name), null);
  await registry.recoverAll();
  assert.equal(recovered, 1);
});

it('a registry refuses two plugins of one name', () => {
  assert.throws(() => createRegistry([named('a'), named('a')]), /two plugins are named "a"/);
});

it('every plugin recovers, though another one cannot', async () => {
  let recovered = 0;
  const registry = createRegistry([
    named('broken', async () => {
      throw new Error('no disk');
    }),
    named('plain'),
    named('well', async () => {
      recovered += 1;
    }),
  ]);
  await assert.rejects(registry.recoverAll(), AggregateError);
  assert.equal(recovered, 1);
});
