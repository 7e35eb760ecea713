// `node scripts/fuzz.mjs WHAT --count N --seed N`: what nobody means to send, against what is built now.
//   routes   requests to every route of the Cloudify dialect, of a server of its own; --from N begins at that number
// Ends with 1 when anything is found, and tells how to have it again.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeReady, root } from './ready.mjs';

const PASSWORD = 'fuzz-password';
const KINDS = { routes };

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

async function routes({ count, seed, from }) {
  const built = (name) => import(join(root, 'server/build/test/fuzz', name));
  const { furnish } = await built('a-furnished-server.js');
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
