#!/usr/bin/env node
// The life of the web server: `create` puts its program in place, `start` and `stop` do what they say.
//
// Every step may run twice: a machine can stop at any line here, and the step is then run again. So `start` first looks
// whether the server it once started still lives and answers, and `stop` ends that process and no other: a process is
// known by its number *and* the time it started, because numbers are given out again.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ctx = (...words) => execFileSync('ctx', words, { encoding: 'utf8' });
const { folder = '' } = process.env;
const program = join(folder, 'server.mjs');
const state = join(folder, 'server.json');
const log = join(folder, 'server.log');

/** When a process started, in the words of this system; null when there is no such process. */
function startTime(pid) {
  if (existsSync('/proc/self/stat')) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? null : fields[19];
    } catch {
      return null;
    }
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
}

/** The server that lives: as it wrote about itself when it began to listen, else as it was recorded. */
function running() {
  const recorded = JSON.parse(ctx('-j', 'instance', 'runtime-properties'));
  const server = existsSync(state) ? JSON.parse(readFileSync(state, 'utf8')) : recorded;
  if (typeof server.pid !== 'number') return null;
  const now = startTime(server.pid);
  // Nothing recorded: interrupted right after it was started. Then what it wrote is all there is to know it by.
  return now !== null && (recorded.started === undefined || recorded.started === now) ? server : null;
}

async function answers(server) {
  try {
    const response = await fetch(`${server.url}status.json`, { signal: AbortSignal.timeout(2000) });
    return response.ok && (await response.json()).key === server.key;
  } catch {
    return false;
  }
}

function create() {
  ctx('download-resource', 'site/server.mjs', program);
  console.log(`the server's program is ${program}`);
}

async function start() {
  let server = running();
  if (server !== null && (await answers(server))) {
    console.log(`process ${server.pid} is already serving ${server.url}`);
  } else {
    if (server !== null) await end(server);
    server = await startAnew();
    console.log(`process ${server.pid} serves ${server.url}`);
  }
  for (const [name, value] of Object.entries({
    url: server.url,
    port: `@${server.port}`,
    pid: `@${server.pid}`,
    started: startTime(server.pid),
  })) {
    ctx('instance', 'runtime-properties', name, value);
  }
  ctx('returns', server.url);
}

async function startAnew() {
  rmSync(state, { force: true });
  const output = openSync(log, 'w');
  const child = spawn(process.execPath, [program, folder, process.env.port ?? '0'], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  child.unref();
  let exit = null;
  child.once('exit', (code, signal) => {
    exit = signal ?? code;
  });
  for (let waited = 0; waited < 20_000; waited += 50) {
    await sleep(50);
    if (exit !== null) break;
    if (!existsSync(state)) continue;
    const server = JSON.parse(readFileSync(state, 'utf8'));
    if (await answers(server)) return server;
  }
  if (exit === null) process.kill(child.pid, 'SIGKILL');
  console.error(readFileSync(log, 'utf8').trim());
  console.error(exit === null ? 'the server did not answer within 20 seconds' : `the server ended: ${exit}`);
  process.exit(1);
}

/** Asks the process to end, insists after 5 seconds, and waits until it has. */
async function end({ pid }) {
  const started = startTime(pid);
  for (let waited = 0; started !== null && startTime(pid) === started; waited += 50) {
    if (waited === 0) process.kill(pid, 'SIGTERM');
    if (waited === 5000) process.kill(pid, 'SIGKILL');
    await sleep(50);
  }
}

async function stop() {
  const server = running();
  if (server === null) {
    console.log('the server is not running');
  } else {
    await end(server);
    console.log(`process ${server.pid} has ended`);
  }
  rmSync(state, { force: true });
  ctx('instance', 'runtime-properties', 'clear');
}

await { create, start, stop }[process.argv[2]]();
