/**
 * large --racks 99 --machines 100 --cancels 20 --kills 1 --heap 0: one deployment of 10 sites, so many racks in each and so many machines
 * in each of those (100,000 instances), installed by a worker in a process of its own. Meanwhile it is cancelled and resumed so many times,
 * every fourth time while it is still planned or read, else while operations run; and the worker is killed so many times,
 * with another one there to take over. At random moments, the same in each run.
 *
 * Memory is what a process has held at most (`VmHWM`): of the workers and of the process that creates the deployment; of a session of
 * PostgreSQL what is its own (`RssAnon`, looked at five times a second). `--heap 256`: the heap of the workers, MiB; 0: as Node has it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { largestOwn, memoryOf } from './processor.js';
import { aWorkerProcess, ended, head, NOOP, percentile, upload, type WorkerProcess } from './running.js';
import { aStand, numbers, report } from './stand.js';

const SITES = 10;
const NAMES = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth'];
const given = numbers({ racks: '99', machines: '100', cancels: '20', kills: '1', heap: '0' }, 0);
const [racks, machines, cancels] = [given.racks[0]!, given.machines[0]!, given.cancels[0]!];
const kills = Math.min(given.kills[0]!, NAMES.length - 1);
const heap = given.heap[0]!;
const instances = SITES + SITES * racks + SITES * racks * machines;
const MIB = 1024 * 1024;

const stand = await aStand();
await stand.core.signals.listen();
let ofSession = 0;
const watch = setInterval(() => {
  ofSession = Math.max(ofSession, largestOwn(stand.postmaster));
}, 200);
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
const ofCreator = memoryOf(process.pid).most;

let worker = await aWorker(0);
const atRest = memoryOf(worker.pid).now;
const { execution, planned, latencies, lastStarts, walking: cut } = await cancelAgainAndAgain();
const takeovers = [];
for (let kill = 1; kill <= kills; kill += 1) takeovers.push(await takenOver(kill));
const since = performance.now();
const before = await finished();
const end = await ended(stand, execution);
if (end !== 'terminated') throw new Error(end);
const rest = (performance.now() - since) / 1000;
const most = Math.max(...takeovers.map((one) => one.most), memoryOf(worker.pid).most);
const { rows: counted } = await stand.pool.query<{ repeated: number; done: number }>(
  `select count(*) filter (where o.attempt > 1)::integer as repeated, count(*) filter (where o.state = 'succeeded')::integer as done
   from operations o join executions x on x.uid = o.execution_uid where x.id = $1`,
  [execution],
);
await worker.stop();
clearInterval(watch);
await stand.close();
report(
  'large',
  [
    {
      instances,
      'create s': created,
      'pause ms': loop.max / 1e6,
      'to first operation s': planned,
      'instances/s': (3 * instances - before) / 3 / rest,
      'cut walks s': cut,
      'worker at rest MiB': atRest / MIB,
      'worker MiB': most / MIB,
      'creator MiB': ofCreator / MIB,
      'session MiB': ofSession / MIB,
    },
  ],
  [
    'pause: the longest of the process that creates; instances/s: from the last takeover, cancel or start to the end',
    `${counted[0]!.done} operations succeeded, ${counted[0]!.repeated} of them were begun more than once`,
  ],
);
for (const [what, early] of [
  ['while planned or read', true],
  ['while operations run', false],
] as const) {
  const of = (values: readonly number[]) => values.filter((_, n) => isEarly(n) === early);
  if (of(latencies).length > 0) row(what, of(latencies), of(lastStarts));
}
if (latencies.length > 0) row('all', latencies, lastStarts);
if (takeovers.length > 0) {
  report(
    'large: takeover after SIGKILL',
    takeovers.map((one) => ({
      'operations done': one.done,
      'claimed after s': one.claimed,
      'first operation after s': one.began,
      'dead worker MiB': one.most / MIB,
    })),
    [`the lease is ${stand.settings.leaseSeconds} s; the other worker waits beside it`],
  );
}

function row(cancelledWhile: string, all: readonly number[], last: readonly number[]): void {
  report('large: cancel', [
    {
      'cancelled while': cancelledWhile,
      cancels: all.length,
      'p50 ms': percentile(all, 50),
      'p95 ms': percentile(all, 95),
      'slowest ms': Math.max(...all),
      'last start after p95 ms': percentile(last, 95),
    },
  ]);
}

function aWorker(number: number): Promise<WorkerProcess> {
  return aWorkerProcess(stand, NAMES[number]!, 4096, heap === 0 ? [] : [`--max-old-space-size=${heap}`]);
}

function isEarly(cancel: number): boolean {
  return cancel % 4 === 0;
}

/** Milliseconds from asking for each cancel until the execution has ended, and until its last operation began. */
async function cancelAgainAndAgain() {
  const started = performance.now();
  const { id } = await stand.core.executions.start(stand.admin, {
    deploymentId: 'large',
    workflow: 'install',
  });
  const latencies: number[] = [];
  const lastStarts: number[] = [];
  let planned = Number.NaN;
  let walking = 0;
  let seed = 7;
  let done = 0;
  let cancelled = 0;
  const next = () => {
    seed = (seed * 16807) % 2147483647;
    return seed;
  };
  for (; cancelled < cancels; cancelled += 1) {
    let began = Number.NaN;
    if (isEarly(cancelled)) await delay(50 + (next() % 1500));
    else {
      began = await nextBegin(id, done);
      await delay(50 + (next() % 1000));
    }
    const { rows: clock } = await stand.pool.query<{ now: string }>('select clock_timestamp()::text as now');
    const asked = performance.now();
    await stand.core.executions.cancel(stand.admin, id, 'cancel');
    const how = await ended(stand, id);
    latencies.push(performance.now() - asked);
    if (how !== 'cancelled') throw new Error(`cancel ${cancelled + 1} came too late: ${how}`);
    if (!Number.isNaN(began)) walking += (asked - began) / 1000;
    const { rows } = await stand.pool.query<{ ms: number }>(
      `select greatest(0, coalesce(extract(epoch from max(o.started_at) - $2::timestamptz), 0))::float8 * 1000 as ms
       from operations o join executions x on x.uid = o.execution_uid where x.id = $1`,
      [id, clock[0]!.now],
    );
    lastStarts.push(rows[0]!.ms);
    done = await finishedOf(id);
    await stand.core.executions.resume(stand.admin, id, {});
  }
  const resumed = performance.now();
  const first = await nextBegin(id, done);
  planned = (first - (cancelled === 0 ? started : resumed)) / 1000;
  return { execution: id, planned, latencies, lastStarts, walking };
}

/** The worker dies in the midst of it, and another one is there. */
async function takenOver(kill: number) {
  const other = await aWorker(kill);
  await delay(1500);
  const { most, now } = memoryOf(worker.pid);
  process.kill(worker.pid, 'SIGKILL');
  const died = performance.now();
  let claimed = Number.NaN;
  let done = 0;
  for (;;) {
    const { rows } = await stand.pool.query<{ worker: string; finished: number }>(
      'select worker, finished_operations as finished from executions where id = $1',
      [execution],
    );
    const { worker: holder, finished: now } = rows[0]!;
    if (holder !== NAMES[kill]) done = now;
    else if (Number.isNaN(claimed)) claimed = (performance.now() - died) / 1000;
    else if (now > done) break;
    await delay(20);
  }
  worker = other;
  return { done, claimed, began: (performance.now() - died) / 1000, most: Math.max(most, now) };
}

function finished(): Promise<number> {
  return finishedOf(execution);
}

async function finishedOf(id: string): Promise<number> {
  return (await stand.core.executions.get(stand.admin, id)).finishedOperations;
}

/** When the next operation of the execution is over that is its first since a start or a resume. */
async function nextBegin(id: string, done: number): Promise<number> {
  for (;;) {
    const { status, finishedOperations } = await stand.core.executions.get(stand.admin, id);
    if (status === 'started' && finishedOperations > done) return performance.now();
    await delay(20);
  }
}
