/** The plugin of docs/guides/adding-a-plugin.md, taken from the page and held to what every plugin must hold to. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { conforms } from './conformance.js';
import type { Plugin } from './plugin.js';

const GUIDE = fileURLToPath(new URL('../../../../docs/guides/adding-a-plugin.md', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'orrery-guide-'));

async function pluginOfTheGuide(): Promise<Plugin> {
  const source = /```ts\n([\s\S]*?)```/.exec(await readFile(GUIDE, 'utf8'))?.[1] ?? '';
  assert.ok(source.includes('createFilesPlugin'));
  const { code } = await transform(source, { loader: 'ts', format: 'esm' });
  const module = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  return module.createFilesPlugin();
}

conforms({
  name: 'the plugin of the guide',
  create: async () => ({
    plugin: await pluginOfTheGuide(),
    close: () => rm(folder, { recursive: true }),
  }),
  operations: {
    quick: { functionName: 'remove', inputs: { path: join(folder, 'no') } },
    failing: { functionName: 'check', inputs: { path: join(folder, 'no') } },
    endless: { functionName: 'wait_for', inputs: { path: join(folder, 'no') } },
    changing: { functionName: 'write', inputs: { path: join(folder, 'note'), text: 'hello' } },
    talkative: { functionName: 'check', inputs: { path: folder } },
  },
});
