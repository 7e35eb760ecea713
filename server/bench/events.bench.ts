/**
 * events --rows 1000000 --burst 50 --ingest 400000 --batch 1000 --seconds 3: events by the engine's own statement, two executions at once, in
 * batches of so many; then pages of 100 out of so many events over HTTP from the real server process. These are spread over sixty days, so
 * many told together at a time by one execution; with --burst 1 each is stored by itself.
 *
 * Beside the first: COPY of as many events as rows into a table without any index or counter, two at once.
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

const given = numbers({ rows: '1000000', burst: '50', ingest: '400000', batch: '1000', seconds: '3' });
const [rows, burst, ingest, batch, seconds] = [
  given.rows[0]!,
  given.burst[0]!,
  given.ingest[0]!,
  given.batch[0]!,
  given.seconds[0]!,
];
const stand = await aStand();
await deploy(stand);
const engine = await timed(() => bothAtOnce((uid) => engineWrites(stand, uid)));
await stand.pool.query('create table told (like events)');
const copied = await timed(() => bothAtOnce((uid) => copyWrites(stand, uid)));
report('events: ingest', [
  { how: 'engine_commit', batch, events: ingest, 'events/s': ingest / engine },
  {
    how: 'beside: COPY as rows, no index',
    batch: ingest / WRITERS,
    events: ingest,
    'events/s': ingest / copied,
  },
]);
const setUp = await timed(() => fill(stand, rows));
// Or the server would take them up at its start, and that is not what is measured.
await stand.pool.query(
  `update executions set status = 'terminated', ended_at = now() where workflow = 'bench'`,
);
await stand.pool.query('vacuum analyze executions');
const { child, url } = await serve(stand);
const middle = Math.floor(rows / 2);
const perExecution = Math.floor(rows / EXECUTIONS);
const execution = `execution_id=${await idOf(stand, 500)}`;
const both = 'type=cloudify_event&type=cloudify_log';
const table: Parameters<typeof report>[1][number][] = [];
for (const [what, query] of [
  ['a server begins: tenant, newest', `${both}&_sort=-timestamp`],
  ['tenant, newest', `${both}&_sort=-timestamp`],
  ['tenant, oldest', both],
  ['tenant, in the middle', `${both}&_offset=${middle}`],
  ['tenant, last page', `${both}&_offset=${rows + ingest - 100}`],
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
  ['a type of the tenant, newest', `${both}&event_type=task_started&_sort=-timestamp`],
  ['a level of a deployment', `${both}&deployment_id=d50&level=info`],
  ['a node of an execution', `${both}&${execution}&node_id=web7`],
  ['search in an execution', `${both}&${execution}&_search=started`],
  ['limit: sign-in alone', null],
] as const) {
  const path =
    query === null ? '/api/v3.1/version' : `/api/v3.1/events?_size=100&${query.replaceAll(':', '%3A')}`;
  if (table.length > 0) await load({ url: url + path, headers: headers(), clients: 1, seconds: 0.5 });
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
  `${rows + ingest} events of one tenant in ${DAYS} days, ${EXECUTIONS} executions, ${DEPLOYMENTS} deployments; one client; set up in ${Math.round(setUp)} s`,
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
  await pipeline(Readable.from(gathered()), copyIn(client, 'told', COLUMNS, 'text'));
  client.release();
}

/** Set by set, its indexes afterwards and its counters at once: as a table looks that has grown, in a tenth of the time. */
async function fill(on: Stand, count: number): Promise<void> {
  for (let days = 0; days <= DAYS; days += 7)
    await makeWeeks(on.pool, new Date(Date.now() - days * 86_400_000));
  const { rows: found } = await on.pool.query<{ execution: number; deployment: number; tenant: number }>(
    `select (select min(uid) from executions where workflow = 'bench')::integer as execution, min(uid)::integer as deployment,
       min(tenant_id)::integer as tenant from deployments`,
  );
  const { execution, deployment, tenant } = found[0]!;
  const packs = Math.floor(count / burst);
  const logs = Math.floor(burst / 10);
  const each = (of: (n: number) => string | number) =>
    `{${Array.from({ length: burst }, (_, n) => of(n)).join(',')}}`;
  // Every tenth is a log; three tell of one place.
  const words = each((n) => (n % 10 === 9 ? 4 : (n % 3) + 1));
  const places = each((n) => Math.floor(n / 3) + 1);
  const part = (from: number, to: number) =>
    on.pool.query(
      `insert into event_packs (id, tenant_id, execution_uid, deployment_uid, events, logs, at, last_at, laters, words_of, places_of,
         types, levels, messages, operations, nodes, instances)
       select next_news_id(), ${tenant}, ${execution} + e, ${deployment} + e % ${DEPLOYMENTS}, ${burst - logs}, ${logs}, at,
         at + interval '${burst - 1} milliseconds', '${each((n) => n * 1000)}', '${words}', '${places}',
         '{sending_task,task_started,task_succeeded,NULL}', '{NULL,NULL,NULL,info}',
         array['Sending task ' || n, 'Task started ' || n, 'Task succeeded ' || n, 'said ' || n], array_fill('cloudify.interfaces.lifecycle.create'::text, '{4}'),
         array(select 'web' || (n + i) % 100 from generate_series(0, ${Math.ceil(burst / 3)}) i),
         array(select 'web' || (n + i) % 100 || '_ab12cd' from generate_series(0, ${Math.ceil(burst / 3)}) i)
       from (select n, (n::bigint * ${EXECUTIONS} / ${packs})::integer as e,
               date_trunc('second', now()) - interval '${DAYS} days' + n * (interval '${DAYS} days' / ${packs}) as exact
             from generate_series($1::integer, $2::integer) n) r
         cross join lateral (select date_trunc('second', exact) as at) s`,
      [from, to],
    );
  const slice = 20_000;
  for (let from = 0; from < packs; from += 2 * slice)
    await Promise.all([from, from + slice].map((start) => part(start, Math.min(start + slice, packs) - 1)));
  await foldEventCounts(on.pool);
  await on.pool.query('vacuum analyze event_packs');
}

async function idOf(on: Stand, n: number): Promise<string> {
  const { rows: found } = await on.pool.query<{ id: string }>(
    `select id from executions where workflow = 'bench' order by uid offset $1 limit 1`,
    [n],
  );
  return found[0]!.id;
}
