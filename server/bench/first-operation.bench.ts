/**
 * first-operation --deployments 100 --seconds 10: from the moment that a start is acknowledged to the moment that the execution's first
 * operation is asked for, while executions come at half the rate at which they could be done. The worker is in the process that
 * takes the request (as by default), then in one of its own.
 *
 * Limit: the start itself, which is one durable transaction.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startWorker } from '../src/orchestration/running/worker.js';
import { createRegistry } from '../src/plugins/registry.js';
import { aWorkerProcess, ended, head, NOOP, percentile, upload } from './running.js';
import { aStand, numbers, report } from './stand.js';
import { tellingPlugin } from './worker-process.js';

const given = numbers({ deployments: '100', seconds: '10' });
const count = given.deployments[0]!;
const stand = await aStand();
await stand.core.signals.listen();
await upload(stand, 'thing', `${head(NOOP)}  thing: {type: bench.Thing}\n`);
const ids = Array.from({ length: count }, (_, n) => `d${n}`);
for (const id of ids) await stand.core.deployments.create(stand.admin, { id, blueprintId: 'thing' });

const began = new Map<string, number>();
const note = (execution: string, at: number) => {
  if (!began.has(execution)) began.set(execution, at);
};
const operation = { operation: 'cloudify.interfaces.lifecycle.create' };

async function start(deploymentId: string) {
  const from = performance.now();
  const { id } = await stand.core.executions.start(stand.admin, {
    deploymentId,
    workflow: 'execute_operation',
    parameters: operation,
  });
  return { id, took: performance.now() - from, acknowledged: performance.timeOrigin + performance.now() };
}

async function measure(where: string) {
  // Twice: the first warms up.
  let capacity = 0;
  for (let round = 0; round < 2; round += 1) {
    const from = performance.now();
    const all = await Promise.all(ids.map(start));
    await Promise.all(all.map(({ id }) => ended(stand, id)));
    capacity = count / ((performance.now() - from) / 1000);
  }
  const pause = 1000 / (capacity / 2);
  const started: Awaited<ReturnType<typeof start>>[] = [];
  const open: Promise<unknown>[] = [];
  const until = performance.now() + given.seconds[0]! * 1000;
  for (let n = 0; performance.now() < until; n += 1) {
    const due = performance.now() + pause;
    // After `count` starts a deployment has its turn again; its execution has ended long since.
    if (n >= count) await open[n - count];
    open.push(
      start(ids[n % count]!).then((one) => {
        started.push(one);
        return ended(stand, one.id);
      }),
    );
    const left = due - performance.now();
    if (left > 0) await delay(left);
  }
  await Promise.all(open);
  const waits = started.map(({ id, acknowledged }) => Math.max(0, began.get(id)! - acknowledged));
  return {
    worker: where,
    'executions/s, at most': capacity,
    'executions/s here': started.length / given.seconds[0]!,
    'p50 ms': percentile(waits, 50),
    'p95 ms': percentile(waits, 95),
    'p99 ms': percentile(waits, 99),
    'limit: the start itself, p50 ms': percentile(
      started.map(({ took }) => took),
      50,
    ),
  };
}

const rows = [];
const { settings } = stand;
const worker = await startWorker({
  ...{ pool: stand.pool, log: stand.log, signals: stand.core.signals },
  ...{ evaluation: stand.core.evaluation, blueprints: stand.core.blueprints },
  plugins: createRegistry([tellingPlugin(note)]),
  settings: {
    ...{ name: 'bench', databaseUrl: stand.databaseUrl, maxExecutions: 10, maxOperations: 25 },
    ...{ tenantMaxRunning: 0, maxRunning: 0 },
    ...{ lease: settings.leaseSeconds, drain: 1, taskRetries: 0, taskRetryInterval: 0, cancelGrace: 5 },
  },
});
rows.push(await measure('the same process'));
await worker.stop();
const apart = await aWorkerProcess(stand, 'apart', 25);
apart.onBegan(note);
rows.push(await measure('a process of its own'));
await apart.stop();
await stand.close();
report('first-operation', rows, [
  `${count} deployments take turns; each execution is one operation that does nothing; fsync on`,
]);
