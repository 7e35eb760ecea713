/**
 * cold-start --runs 5: from `npm start` on an existing store (PostgreSQL stopped) to the first authenticated answer, and what the
 * Node process holds in memory when it has been idle for a while.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endsWithUs } from './ends-with-us.js';
import { middleOf, numbers, PASSWORD, report } from './stand.js';

const START = fileURLToPath(new URL('../../../scripts/start.mjs', import.meta.url));
const IDLE_MS = 5000;

const { runs } = numbers({ runs: '5' });
const dataDir = mkdtempSync(join(tmpdir(), 'orrery-bench-'));
// Passable, so that PostgreSQL can live in it when this runs as root.
chmodSync(dataDir, 0o711);
endsWithUs(dataDir);
const first = await startOnce(true);
const times = [];
const memories = [];
for (let run = 0; run < runs[0]!; run += 1) {
  const { answered, memory } = await startOnce(false);
  times.push(answered);
  memories.push(memory);
}
rmSync(dataDir, { recursive: true, force: true });
report(
  'cold-start',
  [
    {
      start: 'first ever, empty store',
      'seconds to authenticated 200': first.answered,
      'idle MB of the Node process': first.memory,
    },
    {
      start: `existing store, middle of ${runs[0]}`,
      'seconds to authenticated 200': middleOf(times),
      'idle MB of the Node process': middleOf(memories),
    },
    {
      start: 'existing store, best',
      'seconds to authenticated 200': Math.min(...times),
      'idle MB of the Node process': Math.min(...memories),
    },
  ],
  [
    `API and worker in one process; memory after ${IDLE_MS / 1000} idle seconds; the demonstration is left out`,
  ],
);

async function startOnce(isFirst: boolean): Promise<{ answered: number; memory: number }> {
  const from = performance.now();
  const child = spawn(process.execPath, [START], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: dataDir,
      ORRERY_DATA_DIR: join(dataDir, 'data'),
      ORRERY_PORT: '0',
      ORRERY_DEMO: '0',
      ORRERY_LOG_LEVEL: 'error',
      ...(isFirst ? { ORRERY_ADMIN_PASSWORD: PASSWORD } : {}),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (data) => {
      const found = /ready at (\S+)/.exec(String(data))?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const response = await fetch(`${url}/api/v3.1/deployments`, {
    headers: {
      authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`,
      tenant: 'default_tenant',
    },
  });
  if (response.status !== 200) throw new Error(`answered ${response.status}`);
  const answered = (performance.now() - from) / 1000;
  await sleep(IDLE_MS);
  const memory = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1000;
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('exit', resolve));
  return { answered, memory };
}
