// `npm run demo`: the example hello-world on a running server, by the commands one would type oneself.
//   --yes    uninstall and delete at the end without asking
//   --keep   leave it running without asking
// Further words (--url URL, --profile NAME, --tenant NAME) go to every command.
// Exit codes are those of the command line (docs/cli.md): 4 when no server answers.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { makeReady, root } from './ready.mjs';

const PROGRAM = join(root, 'cli/build/src/main.js');
const EXAMPLE = join(root, 'examples/hello-world');
const given = process.argv.slice(2);
const yes = given.includes('--yes');
const keep = given.includes('--keep');
const passed = given.filter((each) => each !== '--yes' && each !== '--keep');

const coloured =
  !process.env.NO_COLOR &&
  (process.env.FORCE_COLOR
    ? process.env.FORCE_COLOR !== '0'
    : process.stdout.isTTY && process.env.TERM !== 'dumb');
const paint = (code, text) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
const say = (text = '') => process.stdout.write(`${text}\n`);

/** Ends the demonstration with the exit code of the command that did not succeed. */
class Stopped extends Error {
  constructor(code) {
    super(`stopped with ${code}`);
    this.code = code;
  }
}

const running = new Set();
// Ctrl-C reaches the command too; it says what goes on, and its exit code ends us.
process.on('SIGINT', () => {
  if (running.size === 0) process.exit(130);
});

async function orrery(words, { quiet = false, shown = true } = {}) {
  if (shown) say(`\n${paint(2, '$')} ${paint(1, `orrery ${words.map(quoted).join(' ')}`)}`);
  const child = spawn(process.execPath, [PROGRAM, ...words, ...passed], {
    cwd: root,
    stdio: ['ignore', quiet ? 'pipe' : 'inherit', 'inherit'],
  });
  running.add(child);
  let out = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  const code = await new Promise((resolve) => child.once('close', (status) => resolve(status ?? 1)));
  running.delete(child);
  if (code !== 0) throw new Stopped(code);
  return out;
}

function quoted(word) {
  return /^[\w./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

async function visit(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  const page = await response.text();
  const title = /<title>([^<]*)<\/title>/i.exec(page)?.[1]?.trim() ?? `${page.length} characters`;
  return { status: response.status, title };
}

async function wantsCleaning() {
  if (yes || keep) return yes;
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const reader = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await reader.question('\nUninstall it and clear up? [Y/n] ');
    return !/^\s*n/i.test(answer);
  } catch {
    return false;
  } finally {
    reader.close();
  }
}

async function demonstrate() {
  const id = `demo-${randomBytes(3).toString('hex')}`;
  await orrery(['status']);
  await orrery(['blueprints', 'upload', relative(root, EXAMPLE), '-b', id]);
  await orrery(['deployments', 'create', id, '-b', id, '-i', 'greeting=Hello from the demonstration']);
  await orrery(['executions', 'start', 'install', '-d', id, '--follow']);
  await orrery(['deployments', 'capabilities', id]);

  const told = JSON.parse(
    await orrery(['deployments', 'capabilities', id, '-o', 'json'], { quiet: true, shown: false }),
  );
  const url = told.capabilities?.url;
  if (typeof url !== 'string') {
    process.stderr.write('The deployment tells no url.\n');
    throw new Stopped(1);
  }
  try {
    const { status, title } = await visit(url);
    say(`\n${paint(32, '✔')} ${paint(1, url)} answered ${status}: ${title}`);
    if (status !== 200) throw new Stopped(1);
  } catch (error) {
    if (error instanceof Stopped) throw error;
    process.stderr.write(`${url} does not answer from here: ${error.cause?.message ?? error.message}\n`);
    throw new Stopped(1);
  }

  if (!(await wantsCleaning())) {
    say('\nIt keeps running. To clear up later:');
    for (const words of clearing(id)) say(`  orrery ${words.join(' ')}`);
    return;
  }
  for (const words of clearing(id)) await orrery(words);
  const gone = await visit(url).then(
    () => false,
    () => true,
  );
  if (!gone) {
    process.stderr.write(`${url} still answers, though it was uninstalled.\n`);
    throw new Stopped(1);
  }
  say(`\n${paint(32, '✔')} ${url} is gone, and so is everything the demonstration made.`);
}

function clearing(id) {
  return [
    ['executions', 'start', 'uninstall', '-d', id, '--follow'],
    ['deployments', 'delete', id],
    ['blueprints', 'delete', id],
  ];
}

await makeReady();
try {
  await demonstrate();
} catch (error) {
  if (!(error instanceof Stopped)) throw error;
  process.exitCode = error.code;
}
