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
    text: `select append_events(x.tenant_id, (
        select json_agg(json_build_object('executionUid', x.uid, 'deploymentUid', x.deployment_uid, 'type', 'task_started', 'message', $2::text,
          'operation', 'cloudify.interfaces.lifecycle.create', 'node', 'web', 'instance', 'web_' || n)) from generate_series(1, $3::integer) n))
      from executions x where x.id = $1`,
    values: [execution, `at=${(performance.timeOrigin + performance.now()).toFixed(2)}`, Number(together)],
  });
  written += Number(together);
  if (hints === 'hints') signals.send('news');
}
await signals.close();
await pool.end();
process.disconnect();
