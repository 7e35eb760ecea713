// `npm test`: sets a fresh clone up, starts one PostgreSQL for the whole run, and runs the tests.
//   --pure         only the rooms without input and output: milliseconds, no database
//   --durability   only the suites that kill processes: minutes
//   other words    only test files whose path contains one of them
// What node's test runner says is passed through unchanged.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeReady, root } from './ready.mjs';

const PURE = [/^server\/build\/src\/dsl\//, /^server\/build\/src\/orchestration\/planning\//, /\/rules\//];
const DURABILITY = [/^server\/build\/test\/durability\//];

const args = process.argv.slice(2);
const words = args.filter((each) => !each.startsWith('-'));
const any = (patterns, path) => patterns.some((pattern) => pattern.test(path));

function wanted(path) {
  if (!path.endsWith('.test.js')) return false;
  if (words.length > 0 && !words.some((word) => path.includes(word))) return false;
  if (args.includes('--pure')) return any(PURE, path);
  return any(DURABILITY, path) === args.includes('--durability');
}

function* testFiles() {
  for (const workspace of ['server', 'cli']) {
    const folder = `${workspace}/build`;
    let entries = [];
    try {
      entries = readdirSync(join(root, folder), { recursive: true });
    } catch {
      // A workspace without tests yet.
    }
    for (const entry of entries) if (wanted(`${folder}/${entry}`)) yield `${folder}/${entry}`;
  }
}

await makeReady();
const files = [...testFiles()].sort();
if (files.length === 0) {
  process.stderr.write('There is no such test.\n');
  process.exit(1);
}

const env = { ...process.env };
// A test must not meet a database, a server or settings of the person who runs it.
for (const name of Object.keys(env)) {
  if (name === 'DATABASE_URL' || (name.startsWith('ORRERY_') && !name.startsWith('ORRERY_TEST_')))
    delete env[name];
}
let stopDatabase = async () => {};
if (!args.includes('--pure') && !env.ORRERY_TEST_DATABASE_URL) {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-test-'));
  chmodSync(folder, 0o711);
  const { startEmbedded } = await import('../server/build/src/embedded-postgres/launcher.js');
  const server = await startEmbedded({ dataDir: join(folder, 'data'), durable: false });
  env.ORRERY_TEST_DATABASE_URL = server.databaseUrl;
  stopDatabase = async () => {
    // A test that was interrupted may have left connections; nobody else uses this one.
    if ((await server.stop()) === 'in-use') process.kill(server.pid, 'SIGQUIT');
    rmSync(folder, { recursive: true, force: true });
  };
}

// Files that kill processes and measure time run one at a time.
const concurrency = args.includes('--durability') ? 1 : Math.max(2, Math.min(8, availableParallelism()));
const runner = spawn(
  process.execPath,
  ['--test', `--test-concurrency=${concurrency}`, '--test-timeout=600000', ...files],
  { cwd: root, env, stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => runner.kill(signal));
const code = await new Promise((resolve) => runner.once('close', (ended) => resolve(ended ?? 1)));
await stopDatabase();
process.exit(code);
