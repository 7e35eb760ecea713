/**
 * large --hosts 990 --each 100 --cancels 8: one deployment of 10 sites, so many racks in them and so many machines in each of those
 * (100,000 instances), installed by a worker in a process of its own, and cancelled and resumed so many times at random moments.
 * Random, but the same in each run.
 *
 * Memory is that of the worker's process at its largest. Latency of a cancel: from its acknowledgement to the end.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { memoryOf } from './processor.js';
import { aWorkerProcess, ended, head, NOOP, percentile, upload } from './running.js';
import { aStand, numbers, report } from './stand.js';

const SITES = 10;
const given = numbers({ racks: '99', machines: '100', cancels: '8' });
const [racks, machines, cancels] = [given.racks[0]!, given.machines[0]!, given.cancels[0]!];
const instances = SITES + SITES * racks + SITES * racks * machines;

const stand = await aStand();
await stand.core.signals.listen();
const inside = (target: string) =>
  `relationships: [{type: cloudify.relationships.contained_in, target: ${target}}]`;
await upload(
  stand,
  'large',
  `${head(NOOP)}  site: {type: bench.Thing, instances: {deploy: ${SITES}}}
  rack: {type: bench.Thing, instances: {deploy: ${racks}}, ${inside('site')}}
  machine: {type: bench.Thing, instances: {deploy: ${machines}}, ${inside('rack')}}
`,
);
const loop = monitorEventLoopDelay({ resolution: 5 });
loop.enable();
const from = performance.now();
await stand.core.deployments.create(stand.admin, { id: 'large', blueprintId: 'large' });
const created = (performance.now() - from) / 1000;
loop.disable();

const worker = await aWorkerProcess(stand, 'large', 4096);
const atRest = memoryOf(worker.pid).now;
let lastFinished = 0;
let walking = 0;
let latencies: number[] = [];
const started = await stand.core.executions.start(stand.admin, {
  deploymentId: 'large',
  workflow: 'install',
});
let began = nextBegin();
let seed = 7;
for (let n = 0; n < cancels; n += 1) {
  const since = await began;
  seed = (seed * 16807) % 2147483647;
  await delay(200 + (seed % 1500));
  const asked = performance.now();
  await stand.core.executions.cancel(stand.admin, started.id, 'cancel');
  const acknowledged = performance.now();
  const end = await ended(stand, started.id);
  if (end !== 'cancelled') {
    process.stderr.write(`cancel ${n + 1} came too late: ${end}\n`);
    break;
  }
  latencies = [...latencies, performance.now() - asked];
  walking += acknowledged - since;
  began = nextBegin();
  await stand.core.executions.resume(stand.admin, started.id, {});
}
const since = await began;
const end = await ended(stand, started.id);
if (end !== 'terminated') throw new Error(end);
walking += performance.now() - since;
const { most } = memoryOf(worker.pid);
await worker.stop();
await stand.close();
const MIB = 1024 * 1024;
report(
  'large',
  [
    {
      instances,
      'create s': created,
      'longest pause of the creating process ms': loop.max / 1e6,
      'walking s': walking / 1000,
      'instances/s': instances / (walking / 1000),
      'memory at rest MiB': atRest / MIB,
      'most memory MiB': most / MIB,
      cancels: latencies.length,
      'cancel p50 ms': percentile(latencies, 50),
      'cancel p95 ms': percentile(latencies, 95),
    },
  ],
  [
    'walking: while operations ran; between a cancel and the first operation after the resume nothing is counted',
  ],
);

/** When the next operation of the execution begins that is its first since a start or a resume. */
function nextBegin(): Promise<number> {
  return new Promise((resolve) => {
    const before = performance.now();
    const look = async () => {
      for (;;) {
        const { status, finishedOperations } = await stand.core.executions.get(stand.admin, started.id);
        if (status === 'started' && finishedOperations > lastFinished) {
          lastFinished = finishedOperations;
          return resolve(performance.now());
        }
        if (performance.now() - before > 120_000) return resolve(performance.now());
        await delay(20);
      }
    };
    void look();
  });
}
