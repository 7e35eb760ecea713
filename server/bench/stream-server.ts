/** A server of the API alone, in a process of its own, that tells what it costs. */

import { loadSettings } from '../src/config.js';
import { buildCore } from '../src/core.js';
import { DIALECTS } from '../src/dialects/index.js';
import { logTo } from '../src/log.js';
import { buildServer } from '../src/serve.js';
import { openPool } from '../src/store/pool.js';
import { Signals } from '../src/store/signals.js';

const { settings } = loadSettings(process.env);
const databaseUrl = process.argv[2]!;
const pool = openPool({ databaseUrl, max: 10, applicationName: 'bench server' });
const signals = new Signals(databaseUrl);
await signals.listen();
const log = logTo({ write: (line) => process.stderr.write(line) }, 'warn');
const core = await buildCore({ settings, pool, log, signals });
const app = await buildServer({ core, settings, log, dialects: DIALECTS });
const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
let before = process.cpuUsage();
process.on('message', async (message) => {
  if (message === 'begin') before = process.cpuUsage();
  else if (message === 'stop') {
    await app.close();
    await signals.close();
    await pool.end();
    process.exit(0);
  } else {
    const used = process.cpuUsage(before);
    process.send!({ processorMs: (used.user + used.system) / 1000, memory: process.memoryUsage().rss });
  }
});
process.send!({ port: Number(url.port) });
