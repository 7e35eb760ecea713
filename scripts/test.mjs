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
/** Where the processor is busy with code of ours for seconds. */
const THINKING = [/\/(simulation|fuzz|dsl|planning|archive|designs)\//];
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

let runner = null;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => runner?.kill(signal));
let code = 0;
for (const { paths, together, flags = [] } of groupsOf(files)) {
  if (paths.length === 0) continue;
  const how = [...flags, '--test', `--test-concurrency=${together}`, '--test-timeout=600000'];
  runner = spawn(process.execPath, [...how, ...paths], { cwd: root, env, stdio: 'inherit' });
  code = (await new Promise((resolve) => runner.once('close', (ended) => resolve(ended ?? 1)))) || code;
}
await stopDatabase();
process.exit(code);

/** Files that kill wait most of the time; those that measure it run one at a time. */
function groupsOf(all) {
  if (!args.includes('--durability')) {
    // One more than there are processors: some wait for a process or a lease, and none of them measures.
    const together = Math.min(8, availableParallelism() + 1);
    const thinks = (path) => any(THINKING, path);
    return [
      { paths: all.filter(thinks), together },
      // Most files start a server, ask it a little and end: optimizing code for that costs a quarter more than it saves.
      { paths: all.filter((path) => !thinks(path)), together, flags: ['--no-opt'] },
    ];
  }
  const kills = all.filter((path) => path.includes('/killed-'));
  return [
    { paths: kills, together: 2 },
    { paths: all.filter((path) => !kills.includes(path)), together: 1 },
  ];
}
