/** `scripts/ready.mjs` on a checkout of its own, with an npm that only notes that it was called. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const READY = fileURLToPath(new URL('../../../scripts/ready.mjs', import.meta.url));
const LOCKED = { packages: { 'node_modules/esbuild': { version: '1.0.0' } } };

/** As npm does it: the modules are gone first, and there again a while later. */
const NPM = `
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
appendFileSync('npm.log', 'npm\\n');
rmSync('node_modules', { recursive: true, force: true });
await new Promise((resolve) => setTimeout(resolve, 500));
mkdirSync('node_modules/esbuild', { recursive: true });
writeFileSync('node_modules/esbuild/package.json', '{"type": "module", "main": "main.js"}');
writeFileSync('node_modules/esbuild/main.js', 'export const stop = async () => {};');
writeFileSync('node_modules/.package-lock.json', '${JSON.stringify(LOCKED)}');
`;
const BUILD = `
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
export async function buildAll() {
  appendFileSync('build.log', 'built\\n');
  mkdirSync('server/build/src', { recursive: true });
  writeFileSync('server/build/src/main.js', '');
}
`;

function aCheckout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-checkout-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write('package-lock.json', JSON.stringify(LOCKED));
  write('npm.js', NPM);
  write('package.json', '{"type": "module"}');
  write('scripts/build.mjs', BUILD);
  write('scripts/go.mjs', "import { makeReady } from './ready.mjs';\nawait makeReady();\n");
  cpSync(READY, join(folder, 'scripts/ready.mjs'));
  return folder;
}

async function go(folder: string): Promise<number | null> {
  const env = { ...process.env, npm_execpath: join(folder, 'npm.js') };
  const child = spawn(process.execPath, ['scripts/go.mjs'], { cwd: folder, env, stdio: 'ignore' });
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

const lines = (folder: string, name: string) =>
  readFileSync(join(folder, name), 'utf8').split('\n').length - 1;

describe('a checkout is made ready', () => {
  test('once, however many commands begin at the same time', async () => {
    const folder = aCheckout();
    assert.deepEqual(await Promise.all([go(folder), go(folder), go(folder)]), [0, 0, 0]);
    assert.deepEqual([lines(folder, 'npm.log'), lines(folder, 'build.log')], [1, 1]);
    assert.ok(!existsSync(join(folder, '.cache/making-ready')));
  });

  test('without npm where the modules are a link to those of another checkout', async () => {
    const [folder, other] = [aCheckout(), aCheckout()];
    assert.equal(await go(other), 0);
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(LOCKED).replace('1.0.0', '2.0.0'));
    symlinkSync(join(other, 'node_modules'), join(folder, 'node_modules'));
    assert.equal(await go(folder), 0);
    assert.ok(!existsSync(join(folder, 'npm.log')));
    assert.ok(existsSync(join(other, 'node_modules/esbuild/main.js')));
    assert.equal(lines(folder, 'build.log'), 1);
  });

  test('also after one that was killed in the middle', async () => {
    const folder = aCheckout();
    const gone = spawn(process.execPath, ['--eval', '']);
    await once(gone, 'close');
    mkdirSync(join(folder, '.cache'));
    writeFileSync(join(folder, '.cache/making-ready'), String(gone.pid));
    assert.equal(await go(folder), 0);
    assert.equal(lines(folder, 'build.log'), 1);
  });
});
