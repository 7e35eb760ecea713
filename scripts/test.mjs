// `npm test`: sets a fresh clone up, starts one PostgreSQL for the whole run, and runs the tests.
//   --pure         only the rooms without input and output: milliseconds, no database
//   --durability   only the suites that kill processes: minutes
//   other words    only test files whose path contains one of them
// What node's test runner says is passed through unchanged: for people on a terminal, else as TAP.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeReady, root } from './ready.mjs';

const PURE = [/^server\/build\/src\/dsl\//, /^server\/build\/src\/orchestration\/planning\//, /\/rules\//];
/** Where the processor is busy with code of ours for seconds. */
const THINKING = [/\/(simulation|fuzz|dsl|planning|archive|designs)\//];
const DURABILITY = [/^server\/build\/test\/durability\//];
/** Suites of durability that hold the product to seconds it promises: they have the machine for themselves. */
const MEASURING = [/\/(cluster|revocation|rolling-restart|workers)\.test/];

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

const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    for (const runner of running) runner.kill(signal);
  });
let code = 0;
for (const beside of turnsOf(files)) {
  const groups = beside.filter(({ paths }) => paths.length > 0);
  // Of those beside each other the first is heard at once, and each of the others when those before it have ended.
  const runs = groups.map((group, index) => run(group, index === 0));
  for (const ended of runs) {
    const { status, said } = await ended;
    process.stdout.write(said);
    code = status || code;
  }
}
await stopDatabase();
process.exit(code);

/** @returns the exit code, and what it said where that was not heard at once */
async function run({ paths, together, flags = [] }, isHeard) {
  const reporter = process.stdout.isTTY ? 'spec' : 'tap';
  const how = [...flags, '--test', `--test-reporter=${reporter}`, '--test-timeout=1200000'];
  const runner = spawn(process.execPath, [...how, `--test-concurrency=${together}`, ...paths], {
    cwd: root,
    env,
    stdio: ['ignore', isHeard ? 'inherit' : 'pipe', 'inherit'],
  });
  running.add(runner);
  const said = [];
  runner.stdout?.on('data', (chunk) => said.push(chunk));
  const status = await new Promise((resolve) => runner.once('close', (ended) => resolve(ended ?? 1)));
  running.delete(runner);
  return { status, said: Buffer.concat(said) };
}

/** Groups of files that run beside each other, one turn after the other. */
function turnsOf(all) {
  const cores = Math.min(8, availableParallelism());
  const split = (is) => [all.filter(is), all.filter((path) => !is(path))];
  if (args.includes('--durability')) {
    const [measure, wait] = split((path) => any(MEASURING, path));
    return [[{ paths: wait, together: cores + 1 }], [{ paths: measure, together: 1 }]];
  }
  const [think, ask] = split((path) => any(THINKING, path));
  return [
    [
      // Most files start a server, ask it a little and end: optimizing code for that costs a quarter more than it saves.
      // One more than there are processors: some wait for a process or a lease, and none of them measures.
      { paths: ask, together: cores + 1, flags: ['--no-opt'] },
      { paths: think, together: Math.max(1, cores >> 1) },
    ],
  ];
}
