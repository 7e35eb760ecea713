/**
 * install --nodes 1000,10000 --runs 15: an install of so many instances with three operations each that do nothing, durable, with
 * all events, by the real worker. Every node after the first ten depends on another, ten to one.
 *
 * Rival, where `ORRERY_BENCH_PYTHON` names a Python that has cloudify-common: its local engine, in memory, on a blueprint of
 * the same shape with 1,000 nodes at most.
 *
 * Limit: PostgreSQL writing the same rows in batches of the same size, with nothing planned, run or decided.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { create } from 'tar';
import { startWorker } from '../src/orchestration/running/worker.js';
import { createRegistry } from '../src/plugins/registry.js';
import { createSimulatedPlugin } from '../src/plugins/simulated/simulated.js';
import { processorTime } from './processor.js';
import { aStand, numbers, report, type Stand } from './stand.js';

const HEAD = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
plugins:
  simulated: {executor: central_deployment_agent, install: false}
node_types:
  bench.Thing:
    derived_from: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: simulated.operations.noop
        configure: simulated.operations.noop
        start: simulated.operations.noop
node_templates:
`;

const { nodes, runs } = numbers({ nodes: '1000,10000', runs: '15' });
const stand = await aStand();
const worker = await startWorker({
  pool: stand.pool,
  log: stand.log,
  signals: stand.core.signals,
  plugins: createRegistry([createSimulatedPlugin()]),
  evaluation: stand.core.evaluation,
  blueprints: stand.core.blueprints,
  settings: {
    name: 'bench',
    databaseUrl: stand.databaseUrl,
    maxExecutions: 10,
    tenantMaxRunning: 0,
    maxRunning: 0,
    maxOperations: stand.settings.workerConcurrency,
    lease: stand.settings.leaseSeconds,
    drain: 1,
    taskRetries: 0,
    taskRetryInterval: 0,
    cancelGrace: 5,
  },
});
const rows = [];
for (const count of nodes) {
  await upload(stand, count);
  const all: Awaited<ReturnType<typeof install>>[] = [];
  for (let run = 0; run < runs[0]!; run += 1) all.push(await install(stand, count, `d${count}-${run}`));
  const first = all[0]!.seconds;
  all.sort((a, b) => a.seconds - b.seconds);
  const middle = all[Math.floor(all.length / 2)]!;
  const limit = await writeSame(stand, middle.uid);
  const rival = rivalRate(Math.min(count, 1000));
  rows.push({
    instances: count,
    seconds: middle.seconds,
    'instances/s': count / middle.seconds,
    'best instances/s': count / all[0]!.seconds,
    'first, instances/s': count / first,
    'operations/s': (count * 3) / middle.seconds,
    'events/s': middle.events / middle.seconds,
    batches: middle.batches,
    'create s': middle.created,
    'Node µs/instance': (middle.node / count) * 1e6,
    'PostgreSQL µs/instance': (middle.postgres / count) * 1e6,
    'limit: writing alone, instances/s': count / limit,
    ...(rival === null
      ? {}
      : { 'rival, instances/s': rival, 'times the rival': count / middle.seconds / rival }),
  });
}
await worker.stop();
await stand.close();
report('install', rows, [
  `seconds: from POST to terminated, middle of ${runs[0]} runs; fsync on; events: all that a person would see; first: of these, by code that has not run yet`,
  "rival: Cloudify's local engine in memory, on 1,000 nodes at most; without ORRERY_BENCH_PYTHON it is not run (198 to 412 instances/s elsewhere)",
]);

async function upload(to: Stand, count: number): Promise<void> {
  let text = HEAD;
  for (let index = 0; index < count; index += 1) {
    text += `  n${index}:\n    type: bench.Thing\n`;
    if (index >= 10) {
      text += `    relationships: [{type: cloudify.relationships.depends_on, target: n${Math.floor(index / 10)}}]\n`;
    }
  }
  const folder = join(to.dataDir, 'blueprints', `n${count}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'blueprint.yaml'), text);
  const archive = create({ cwd: join(folder, '..'), gzip: true }, [`n${count}`]);
  const stored = await to.core.blueprintUploads.upload(to.admin, {
    id: `n${count}`,
    source: { kind: 'stream', stream: Readable.from(archive) },
  });
  if (stored.state !== 'uploaded') throw new Error(stored.error ?? stored.state);
}

async function install(on: Stand, count: number, id: string) {
  const before = performance.now();
  await on.core.deployments.create(on.admin, { id, blueprintId: `n${count}` });
  const created = (performance.now() - before) / 1000;
  const spent = processorTime(on.postmaster);
  const from = performance.now();
  const { id: execution, uid } = await on.core.executions.start(on.admin, {
    deploymentId: id,
    workflow: 'install',
  });
  const ended = new Promise<void>((resolve) => {
    const stop = on.core.signals.subscribe((hints) => {
      if (!hints.includes(`ended:${execution}`)) return;
      stop();
      resolve();
    });
  });
  await ended;
  const seconds = (performance.now() - from) / 1000;
  const now = processorTime(on.postmaster);
  const end = await on.core.executions.get(on.admin, execution);
  if (end.status !== 'terminated' || end.finishedOperations !== count * 3)
    throw new Error(`${end.status}: ${end.error}`);
  const { rows: found } = await on.pool.query<{ events: number; batches: number }>(
    'select (select sum(events + logs) from event_packs where execution_uid = $1)::integer as events, batches from executions where uid = $1',
    [uid],
  );
  return {
    created,
    seconds,
    uid,
    node: now.node - spent.node,
    postgres: now.postgres - spent.postgres,
    ...found[0]!,
  };
}

/** Seconds that PostgreSQL takes to write the rows of an install again, as plain inserts from itself, in as many commits. */
async function writeSame(on: Stand, uid: number): Promise<number> {
  const { rows: found } = await on.pool.query<{
    batches: number;
    first: number;
    last: number;
    tasks: number;
  }>(
    `select x.batches, (select min(id) from event_packs where execution_uid = x.uid) as first,
       (select max(id) from event_packs where execution_uid = x.uid) as last,
       (select max(task) + 1 from operations where execution_uid = x.uid) as tasks
     from executions x where uid = $1`,
    [uid],
  );
  const { batches, first, last, tasks } = found[0]!;
  const from = performance.now();
  const step = Math.ceil((last - first + 1) / batches);
  const share = Math.ceil(tasks / batches);
  for (let batch = 0; batch < batches; batch += 1) {
    await on.pool.query({
      name: 'bench-events',
      text: `with e as (insert into event_packs
             select id, tenant_id, -execution_uid, -deployment_uid, events, logs, at, last_at, recorded_at, nths, laters, words_of, places_of, types, levels,
               loggers, messages, operations, causes, nodes, instances, sources, targets from event_packs
             where execution_uid = $1 and id >= $2 and id < $3)
             insert into operations (tenant_id, execution_uid, task, state, attempt, retries, started_at)
             select tenant_id, -execution_uid, task, 'succeeded', 1, 0, now() from operations where execution_uid = $1 and task >= $4 and task < $5`,
      values: [uid, first + batch * step, first + (batch + 1) * step, batch * share, (batch + 1) * share],
    });
  }
  return (performance.now() - from) / 1000;
}

/** Instances a second of Cloudify's local engine; null: there is none here. */
function rivalRate(count: number): number | null {
  const python = process.env.ORRERY_BENCH_PYTHON;
  if (python === undefined) return null;
  const script = fileURLToPath(new URL('./cloudify-local.py', import.meta.url));
  const said = execFileSync(python, [script, String(count)], { stdio: ['ignore', 'pipe', 'ignore'] });
  return count / Number(said.toString().trim().split('\n').at(-1));
}
