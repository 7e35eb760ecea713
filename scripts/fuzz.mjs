// `node scripts/fuzz.mjs WHAT --count N --seed N`: what nobody means to send, against what is built now.
//   routes   requests to every route of the Cloudify dialect, of a server of its own; --from N begins at that number
//   cloudbolt   the same for CloudBolt's dialect
//   insightcloudsec   the same for InsightCloudSec's
//   layer5   the same for Layer5's
//   blueprints   spoilt blueprints through the compiler, in threads that are ended when they hang
// Ends with 1 when anything is found, and tells how to have it again.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { makeReady, root } from './ready.mjs';

const PASSWORD = 'fuzz-password';
/** Blueprints a thread tries before the next one begins afresh. */
const SHARE = 2000;
/** Milliseconds after which a blueprint hangs. */
const HANGS = 20_000;

const KINDS = {
  routes: (options) => routes(options, 'a-furnished-server.js', 'furnish'),
  cloudbolt: (options) => routes(options, 'a-self-service-server.js', 'furnishSelfService'),
  insightcloudsec: (options) => routes(options, 'a-furnished-domain.js', 'furnishDomain'),
  layer5: (options) => routes(options, 'a-furnished-cloud.js', 'furnishCloud'),
  blueprints,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    from: { type: 'string', default: '0' },
  },
});
const run = KINDS[positionals[0]];
if (run === undefined) {
  process.stderr.write(
    `Usage: node scripts/fuzz.mjs ${Object.keys(KINDS).join('|')} [--count N] [--seed N] [--from N]\n`,
  );
  process.exit(2);
}
await makeReady();
process.exitCode = await run({
  count: Number(values.count),
  seed: Number(values.seed),
  from: Number(values.from),
});

/** @param furnisher module of the tests, and what it calls the function that fills a server */
async function routes({ count, seed, from }, furnisher, name) {
  const built = (name) => import(join(root, 'server/build/test/fuzz', name));
  const { [name]: furnish } = await built(furnisher);
  const { fuzzRoutes } = await built('fuzz-routes.js');
  const dataDir = mkdtempSync(join(tmpdir(), 'orrery-fuzz-'));
  const { child, ready, gone } = startServer(dataDir);
  try {
    const url = await ready;
    const { look, reopen } = await furnish(url, PASSWORD);
    const report = await fuzzRoutes({
      url,
      seed,
      count,
      from,
      look,
      reopen,
      alive: () => !gone.is,
      progress: (sent) => sent % 1000 === 0 && process.stderr.write(`${sent} of ${count} sent\n`),
    });
    for (const { number, what, request, answer } of report.troubles) {
      const { body, headers, ...rest } = request;
      const shown = { ...rest, headers, body: body?.toString('latin1').slice(0, 500) ?? null };
      process.stdout.write(`\n#${number}: ${what}\n${JSON.stringify(shown)}\n${answer.slice(0, 500)}\n`);
    }
    if (gone.is) process.stdout.write(`\nthe server ended with ${gone.how}\n`);
    const { troubles, slowest, ...figures } = report;
    process.stdout.write(
      `${JSON.stringify({ seed, ...figures, slowestMilliseconds: Math.round(slowest), troubles: troubles.length })}\n`,
    );
    return troubles.length === 0 && !gone.is ? 0 : 1;
  } finally {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 40_000);
    await gone.end;
    clearTimeout(late);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function blueprints({ count, seed, from }) {
  const total = { tried: 0, compiled: 0, prepared: 0, slowest: 0, troubles: 0 };
  const tell = ({ number, what, text }) => {
    total.troubles += 1;
    process.stdout.write(`\n#${number}: ${what}\n${text.slice(0, 2000)}\n`);
  };
  for (let next = from; next < from + count; ) {
    const share = Math.min(SHARE, from + count - next);
    const { report, stuck } = await inThread({ seed, count: share, from: next });
    if (stuck !== undefined) tell({ number: stuck, what: 'hangs, or ends the thread', text: '' });
    for (const trouble of report?.troubles ?? []) tell(trouble);
    for (const key of ['compiled', 'prepared']) total[key] += report?.[key] ?? 0;
    total.slowest = Math.max(total.slowest, report?.slowest ?? 0);
    const done = stuck === undefined ? share : stuck + 1 - next;
    total.tried += done;
    next += done;
    if (total.tried % 10_000 < SHARE) process.stderr.write(`${total.tried} of ${count} tried\n`);
  }
  const { slowest, ...figures } = total;
  process.stdout.write(`${JSON.stringify({ seed, ...figures, slowestMilliseconds: Math.round(slowest) })}\n`);
  return total.troubles === 0 ? 0 : 1;
}

/** One share, or the number it got stuck at. */
function inThread(share) {
  const at = new SharedArrayBuffer(4);
  const current = new Int32Array(at);
  current[0] = share.from;
  const worker = new Worker(join(root, 'server/build/test/fuzz/blueprint-worker.js'), {
    workerData: { ...share, at },
  });
  return new Promise((resolve) => {
    let seen = { number: -1, since: Date.now() };
    const watch = setInterval(() => {
      const number = Atomics.load(current, 0);
      if (number !== seen.number) seen = { number, since: Date.now() };
      else if (Date.now() - seen.since > HANGS) end({ stuck: number });
    }, 500);
    const end = (result) => {
      clearInterval(watch);
      worker.terminate();
      resolve(result);
    };
    worker.once('message', (report) => end({ report }));
    worker.once('error', (error) => {
      process.stderr.write(`${error.stack}\n`);
      end({ stuck: Atomics.load(current, 0) });
    });
    worker.once('exit', () => end({ stuck: Atomics.load(current, 0) }));
  });
}

/** A server of its own: an empty store, nothing installed. */
function startServer(dataDir) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !key.startsWith('ORRERY_') && key !== 'DATABASE_URL'),
  );
  const child = spawn(process.execPath, ['server/build/src/main.js'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...env,
      ORRERY_PORT: '0',
      ORRERY_DATA_DIR: dataDir,
      ORRERY_ADMIN_PASSWORD: PASSWORD,
      ORRERY_DEMO: '0',
      ORRERY_LOGIN_THROTTLE: 'off',
      ORRERY_LOG_LEVEL: 'error',
    },
  });
  const gone = { is: false, how: '', end: null };
  gone.end = new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      gone.is = true;
      gone.how = signal ?? code;
      resolve();
    });
  });
  const ready = new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const line = /^Orrery is ready at (\S+)$/m.exec(text);
      if (line !== null) resolve(line[1]);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it was ready`)));
  });
  return { child, ready, gone };
}
