// Makes a checkout ready to run: dependencies installed and sources built, each only when something changed.
// Says what it does on standard error; standard output belongs to the server.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const STAMP = join(root, '.cache/built');
/** Holds the process number of whoever installs or builds. */
const LOCK = join(root, '.cache/making-ready');
/** What the built files are made from. */
const SOURCES = [
  'server/src',
  'server/test',
  'server/bench',
  'server/web',
  'server/migrations',
  'cli/src',
  'cli/test',
  'scripts/build.mjs',
];

export async function makeReady({ say = (text) => process.stderr.write(`${text}\n`) } = {}) {
  checkNode();
  if (isInstalled() && isBuilt(sourcesDigest())) return;
  await oneAtATime(say, async () => {
    if (!isInstalled()) {
      // npm would follow the link and empty a folder that is another checkout's, while that is in use.
      if (isLinked())
        say('node_modules is a link, and not what package-lock.json asks for: nothing is installed here.');
      else {
        say('Installing dependencies …');
        await install();
      }
    }
    const now = sourcesDigest();
    if (!isBuilt(now)) {
      say('Building …');
      const { buildAll } = await import('./build.mjs');
      const { stop } = await import('esbuild');
      await buildAll();
      await stop();
      writeFileSync(STAMP, now);
    }
  });
}

/**
 * `npm start` in one terminal and `npm run demo` in another, on a fresh clone: two `npm ci` would take the modules away
 * from under each other. What a killed one left behind is no longer anybody's.
 */
async function oneAtATime(say, work) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  for (let told = false; ; told = true) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isHeld()) {
      rmSync(LOCK, { force: true });
      continue;
    }
    if (!told) say('Another command is installing or building here; waiting for it …');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const release = () => rmSync(LOCK, { force: true });
  process.once('exit', release);
  try {
    await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

function isHeld() {
  let holder = 0;
  try {
    holder = Number(readFileSync(LOCK, 'utf8'));
    // Made, and its number not written yet; after a while, never to be written.
    if (holder === 0) return Date.now() - statSync(LOCK).mtimeMs < 5000;
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  process.stderr.write(`Orrery needs Node 20.19 or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}

/** Whether node_modules holds exactly what the lock file asks for; packages for other platforms are left out. */
function isInstalled() {
  const kept = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(kept)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const found = JSON.parse(readFileSync(kept, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, each]) =>
      !path.includes('node_modules/') || each.link || each.optional || found[path]?.version === each.version,
  );
}

function isLinked() {
  return lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** Without install scripts: none of our dependencies needs one, and none should run. */
async function install() {
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  // npm speaks to standard output; here that belongs to somebody else.
  const child = spawn(command, [...first, 'ci', '--ignore-scripts', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  const code = await new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', resolve);
  });
  if (code === 0) return;
  process.stderr.write(`npm ci did not succeed (${code}). Run "npm ci --ignore-scripts" here to see why.\n`);
  process.exit(1);
}

function isBuilt(digest) {
  return (
    existsSync(join(root, 'server/build/src/main.js')) &&
    existsSync(STAMP) &&
    readFileSync(STAMP, 'utf8') === digest
  );
}

/** Changes when a source appears, disappears, or is written; reads no contents. */
function sourcesDigest() {
  const hash = createHash('sha256');
  const look = (path) => {
    const found = statSync(join(root, path), { throwIfNoEntry: false });
    if (found === undefined) return;
    if (!found.isDirectory()) hash.update(`${path}\0${found.mtimeMs}\0${found.size}\n`);
    else for (const entry of readdirSync(join(root, path)).sort()) look(join(path, entry));
  };
  for (const source of SOURCES) look(source);
  return hash.digest('hex');
}
