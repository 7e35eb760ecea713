/** Appends events at a steady pace in a process of its own, as a worker does: some in each transaction, then a hint. */
import { openPool } from '../src/store/pool.js';
import { Signals } from '../src/store/signals.js';

const [databaseUrl = '', execution = '', perSecond = '1000', together = '10', hints = 'hints'] =
  process.argv.slice(2);
const pool = openPool({ databaseUrl, max: 4, applicationName: 'bench writer' });
const signals = new Signals(databaseUrl);
const pause = (1000 * Number(together)) / Number(perSecond);
let due = performance.now();
let written = 0;
let isStopping = false;

process.on('message', (message) => {
  if (message === 'stop') isStopping = true;
  else process.send!(written);
});

while (!isStopping) {
  due += pause;
  const wait = due - performance.now();
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  await pool.query({
    name: 'append',
    text: `insert into events (tenant_id, execution_uid, deployment_uid, kind, type, message, operation, node, instance, at)
      select x.tenant_id, x.uid, x.deployment_uid, 'event', 'task_started', $2, 'cloudify.interfaces.lifecycle.create', 'web', 'web_' || n, now()
      from executions x, generate_series(1, $3::integer) n where x.id = $1`,
    values: [execution, `at=${(performance.timeOrigin + performance.now()).toFixed(2)}`, Number(together)],
  });
  written += Number(together);
  if (hints === 'hints') signals.send('news');
}
await signals.close();
await pool.end();
process.disconnect();
