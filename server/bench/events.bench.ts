/**
 * events --rows 1000000 --ingest 400000 --batch 1000 --seconds 3: events by the engine's own statement, two executions at once, in
 * batches of so many; then pages of 100 out of so many events, spread over sixty days, over HTTP from the real server process.
 *
 * Limit of the first: COPY of the same rows into the same table, two at once. Ten million rows take about a hundred seconds to set up.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { create } from 'tar';
import { foldEventCounts } from '../src/events/counting.js';
import { makeWeeks } from '../src/events/retention.js';
import type { ExecutionUid } from '../src/ids.js';
import { Outbox } from '../src/orchestration/running/outbox.js';
import { commitBatch } from '../src/orchestration/running/running.store.js';
import { placeOf, wordsOf } from '../src/orchestration/running/told.js';
import { copyIn } from '../src/store/copy.js';
import { headers, load, serve } from './serving.js';
import { aStand, numbers, report, type Stand } from './stand.js';

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
node_templates:
  web: {type: cloudify.nodes.Root}
`;
const DEPLOYMENTS = 100;
const EXECUTIONS = 1000;
const DAYS = 60;
const WRITERS = 2;
const OPERATIONS = ['create', 'configure', 'start'].map((name) => `cloudify.interfaces.lifecycle.${name}`);
const TOLD = [
  ['sending_task', 'Sending task'],
  ['task_started', 'Task started'],
  ['task_succeeded', 'Task succeeded'],
] as const;
const COLUMNS = [
  'tenant_id',
  'execution_uid',
  'deployment_uid',
  'kind',
  'type',
  'message',
  'operation',
  'node',
  'instance',
  'at',
];

const given = numbers({ rows: '1000000', ingest: '400000', batch: '1000', seconds: '3' });
const [rows, ingest, batch, seconds] = [given.rows[0]!, given.ingest[0]!, given.batch[0]!, given.seconds[0]!];
const stand = await aStand();
await deploy(stand);
const engine = await timed(() => bothAtOnce((uid) => engineWrites(stand, uid)));
const copied = await timed(() => bothAtOnce((uid) => copyWrites(stand, uid)));
report('events: ingest', [
  { how: 'engine_commit', batch, events: ingest, 'events/s': ingest / engine },
  { how: 'limit: COPY', batch: ingest / WRITERS, events: ingest, 'events/s': ingest / copied },
]);
const setUp = await timed(() => fill(stand, rows));
const { child, url } = await serve(stand);
const middle = Math.floor(rows / 2);
const perExecution = Math.floor(rows / EXECUTIONS);
const execution = `execution_id=${await idOf(stand, 500)}`;
const both = 'type=cloudify_event&type=cloudify_log';
const table = [];
for (const [what, query] of [
  ['tenant, newest', `${both}&_sort=-timestamp`],
  ['tenant, oldest', both],
  ['tenant, in the middle', `${both}&_offset=${middle}`],
  ['tenant, last page', `${both}&_offset=${rows + 2 * ingest - 100}`],
  ['tenant, logs alone, newest', 'type=cloudify_log&_sort=-timestamp'],
  ['tenant, events alone, middle', `type=cloudify_event&_offset=${middle}`],
  ['execution, oldest', `${both}&${execution}`],
  ['execution, middle', `${both}&${execution}&_offset=${Math.floor(perExecution / 2)}`],
  ['deployment, newest', `${both}&deployment_id=d50&_sort=-timestamp`],
  [
    'deployment, middle',
    `${both}&deployment_id=d50&_offset=${Math.floor((perExecution * EXECUTIONS) / DEPLOYMENTS / 2)}`,
  ],
  ['an hour of the tenant', `${both}&_range=timestamp,${hourAgo(24 * 30)},${hourAgo(24 * 30 - 1)}`],
  ['limit: sign-in alone', null],
] as const) {
  const path =
    query === null ? '/api/v3.1/version' : `/api/v3.1/events?_size=100&${query.replaceAll(':', '%3A')}`;
  await load({ url: url + path, headers: headers(), clients: 1, seconds: 0.5 });
  const result = await load({ url: url + path, headers: headers(), clients: 1, seconds });
  table.push({
    'page of 100': what,
    'p50 ms': result.p50,
    'p99 ms': result.p99,
    'requests/s': result.requests / result.seconds,
    'kB each': result.bytes / result.requests / 1000,
    failures: result.failures,
  });
}
child.kill('SIGTERM');
await new Promise((resolve) => child.once('exit', resolve));
await stand.close();
report('events: pages', table, [
  `${rows + 2 * ingest} events of one tenant in ${DAYS} days, ${EXECUTIONS} executions, ${DEPLOYMENTS} deployments; one client; set up in ${Math.round(setUp)} s`,
  'server, database and load share the cores',
]);

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1000;
}

function hourAgo(hours: number): string {
  return new Date(Date.now() - hours * 3_600_000).toISOString();
}

async function bothAtOnce(write: (uid: ExecutionUid) => Promise<void>): Promise<void> {
  const { rows: found } = await stand.pool.query<{ uid: ExecutionUid }>(
    'select uid from executions where workflow = $1 order by uid limit $2',
    ['bench', WRITERS],
  );
  await Promise.all(found.map(({ uid }) => write(uid)));
}

async function deploy(to: Stand): Promise<void> {
  const folder = join(to.dataDir, 'blueprints', 'small');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'blueprint.yaml'), BLUEPRINT);
  const archive = create({ cwd: join(folder, '..'), gzip: true }, ['small']);
  const source = { kind: 'stream' as const, stream: Readable.from(archive) };
  await to.core.blueprintUploads.upload(to.admin, { id: 'small', source });
  for (let index = 0; index < DEPLOYMENTS; index += 1)
    await to.core.deployments.create(to.admin, { id: `d${index}`, blueprintId: 'small' });
  await to.pool.query(
    `insert into executions (tenant_id, id, deployment_uid, workflow, function, status, parameters, created_by, started_at)
     select d.tenant_id, gen_random_uuid(), d.uid, 'bench', 'bench', 'started', '{}', d.created_by, now()
     from generate_series(0, $1 - 1) n join deployments d on d.id = 'd' || n % $2 order by n`,
    [EXECUTIONS, DEPLOYMENTS],
  );
}

/** As a walk does: what is told gathers in its outbox, goes as one batch, and the next one after the answer. */
async function engineWrites(on: Stand, uid: ExecutionUid): Promise<void> {
  const outbox = new Outbox();
  const words = OPERATIONS.flatMap((operation) =>
    TOLD.map(([type, text]) => wordsOf(`${text} 'simulated.operations.noop'`, { type, operation })),
  );
  const places = Array.from({ length: batch }, (_, n) => placeOf(`web${n}`, `web${n}_ab12cd`));
  let told = 0;
  for (let number = 1; number <= ingest / WRITERS / batch; number += 1) {
    for (let n = 0; n < batch; n += 1, told += 1)
      outbox.event(words[told % words.length]!, places[Math.floor(told / words.length) % batch]!);
    const row = await commitBatch.one(on.pool, [uid, 0, number, ...outbox.take().values]);
    if (row?.status == null) throw new Error('the batch was not taken');
  }
}

async function copyWrites(on: Stand, uid: ExecutionUid): Promise<void> {
  const client = await on.pool.connect();
  const at = new Date().toISOString();
  const lines = function* () {
    for (let n = 0; n < ingest / WRITERS; n += 1)
      yield `1\t${uid}\t1\tevent\ttask_succeeded\tTask succeeded 'simulated.operations.noop' ${n}\tcloudify.interfaces.lifecycle.create\tweb${n % 100}\tweb${n % 100}_ab12cd\t${at}\n`;
  };
  const gathered = function* () {
    let text = '';
    for (const line of lines()) {
      text += line;
      if (text.length > 60_000) {
        yield text;
        text = '';
      }
    }
    yield text;
  };
  await pipeline(Readable.from(gathered()), copyIn(client, 'events', COLUMNS, 'text'));
  client.release();
}

/** Set by set, its indexes afterwards and its counters at once: as a table looks that has grown, in a tenth of the time. */
async function fill(on: Stand, count: number): Promise<void> {
  for (let days = 0; days <= DAYS; days += 7)
    await makeWeeks(on.pool, new Date(Date.now() - days * 86_400_000));
  const { rows: indexes } = await on.pool.query<{ name: string; definition: string }>(
    `select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition from pg_index i where i.indrelid = 'events'::regclass`,
  );
  for (const { name } of indexes) await on.pool.query(`drop index ${name}`);
  await on.pool.query('alter table events disable trigger events_come');
  const half = Math.floor(count / 2);
  const { rows: first } = await on.pool.query<{ uid: number }>(
    `select min(uid)::integer as uid from executions where workflow = 'bench'`,
  );
  const { rows: deployment } = await on.pool.query<{ uid: number; tenant: number }>(
    `select min(uid)::integer as uid, min(tenant_id)::integer as tenant from deployments`,
  );
  const part = (from: number, to: number) =>
    on.pool.query(
      `insert into events (tenant_id, execution_uid, deployment_uid, kind, type, level, message, operation, node, instance, at)
       select ${deployment[0]!.tenant}, ${first[0]!.uid} + e, ${deployment[0]!.uid} + e % ${DEPLOYMENTS},
         case when n % 10 = 0 then 'log' else 'event' end, case when n % 10 = 0 then null else 'task_succeeded' end,
         case when n % 10 = 0 then 'info' end, 'Task succeeded ''simulated.operations.noop'' ' || n, 'cloudify.interfaces.lifecycle.create',
         'web' || n % 100, 'web' || n % 100 || '_ab12cd', now() - interval '${DAYS} days' + n * (interval '${DAYS} days' / ${count})
       from (select n, (n::bigint * ${EXECUTIONS} / ${count})::integer as e from generate_series($1::integer, $2::integer) n) r`,
      [from, to],
    );
  await Promise.all([part(0, half - 1), part(half, count - 1)]);
  await on.pool.query('alter table events enable trigger events_come');
  const building = indexes.map(({ definition }) => definition);
  const builder = async () => {
    const client = await on.pool.connect();
    await client.query(`set maintenance_work_mem = '256MB'`);
    for (let next = building.pop(); next !== undefined; next = building.pop())
      await client.query(next.replace(/ ON ONLY /, ' ON '));
    client.release();
  };
  await builder();
  await foldEventCounts(on.pool);
  await on.pool.query(
    `with counted as (select tenant_id, coalesce(execution_uid, 0), coalesce(deployment_uid, 0), events_hour(at) as hour, kind, count(*) as count from events
       group by 1, 2, 3, 4, 5),
     old as (delete from event_subjects), older as (delete from event_hours)
     insert into event_differences select * from counted`,
  );
  await foldEventCounts(on.pool);
  await on.pool.query('vacuum analyze events');
}

async function idOf(on: Stand, n: number): Promise<string> {
  const { rows: found } = await on.pool.query<{ id: string }>(
    `select id from executions where workflow = 'bench' order by uid offset $1 limit 1`,
    [n],
  );
  return found[0]!.id;
}
