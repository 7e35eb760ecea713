/**
 * stream --clients 1000 --events 1000 --together 10 --seconds 10: from an event on its way into the database to its being seen
 * by so many clients of one topic, at so many events a second. Server, writer and two processes of clients share the cores
 * with PostgreSQL. Times are counted from before the INSERT is sent, so the commit is in them; every tenth client looks at the
 * time of each event, the others read and count bytes.
 *
 * Limit: a bare Node server that broadcasts the same bytes at the same pace to the same clients, without any database.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { aStand, numbers, report, type Stand } from './stand.js';
import type { StreamCount, StreamOrder } from './stream-clients.js';

const PROCESSES = 2;
const given = numbers({ clients: '1000', events: '1000', together: '10', seconds: '10' });
const [clients, perSecond, together, seconds] = [
  given.clients[0]!,
  given.events[0]!,
  given.together[0]!,
  given.seconds[0]!,
];
const stand = await aStand();
const execution = await anExecution(stand);
const { value: token } = await stand.core.tokens.issue(stand.admin);
const rows = [await measureStream(), await measureLimit()];
await stand.close();
report('stream', rows, [
  `${clients} clients on one topic in ${PROCESSES} processes, ${perSecond} events/s in transactions of ${together}, ${seconds} s; everything on the same cores`,
  'ms: from before the INSERT until the event is read by a client, of every tenth client; limit: from the making of the event',
]);

async function measureStream() {
  const server = started('stream-server.js', [stand.databaseUrl], {
    ORRERY_DATA_DIR: stand.dataDir,
    ORRERY_MASTER_KEY: stand.settings.masterKey,
    ORRERY_DEMO: '0',
  });
  const { port } = (await answer(server)) as { port: number };
  const writer = started('stream-writer.js', [
    stand.databaseUrl,
    execution,
    String(perSecond),
    String(together),
  ]);
  const figures = await measure(
    'live stream',
    server,
    port,
    `/orrery/v1/stream?topic=execution:${execution}`,
  );
  writer.send('stop');
  await once(writer, 'exit');
  server.send('stop');
  await once(server, 'exit');
  return figures;
}

async function measureLimit() {
  const server = started('stream-broadcast.js', [String(perSecond), '25']);
  const { port } = (await answer(server)) as { port: number };
  const figures = await measure('limit: bare broadcast', server, port, '/');
  server.send('stop');
  await once(server, 'exit');
  return figures;
}

async function measure(what: string, server: ChildProcess, port: number, path: string) {
  const headers = { authorization: `Bearer ${token}`, tenant: 'default_tenant' };
  const crowds = Array.from({ length: PROCESSES }, () => started('stream-clients.js', []));
  for (const crowd of crowds) {
    const order: StreamOrder = {
      host: '127.0.0.1',
      port,
      path,
      headers,
      clients: Math.ceil(clients / PROCESSES),
      every: 10,
    };
    crowd.send(order);
  }
  await connected(crowds);
  for (const one of [server, ...crowds]) one.send('begin');
  await pause(seconds * 1000);
  const counts: StreamCount[] = [];
  for (const crowd of crowds) {
    crowd.send('count');
    counts.push((await answer(crowd)) as StreamCount);
  }
  server.send('count');
  const cost = (await answer(server)) as { processorMs: number; memory: number };
  for (const crowd of crowds) crowd.kill();
  const delays = counts.flatMap((one) => one.delays).sort((a, b) => a - b);
  const sum = (of: (one: StreamCount) => number) => counts.reduce((all, one) => all + of(one), 0);
  const at = (part: number) =>
    delays[Math.min(delays.length - 1, Math.floor(delays.length * part))] ?? Number.NaN;
  return {
    what,
    connected: sum((one) => one.connected) - sum((one) => one.ended),
    'events/s each': sum((one) => one.events) / sum((one) => one.looking) / seconds,
    'p50 ms': at(0.5),
    'p99 ms': at(0.99),
    'max ms': at(1),
    'MB/s': sum((one) => one.bytes) / seconds / 1e6,
    'server cores': cost.processorMs / 1000 / seconds,
    'server MB': cost.memory / 1024 / 1024,
    'clients cores': sum((one) => one.processorMs) / 1000 / seconds,
  };
}

/** Waits until all are there, and what they were told at once has gone by. */
async function connected(crowds: readonly ChildProcess[]): Promise<void> {
  for (let left = 60; left > 0; left -= 1) {
    await pause(500);
    let there = 0;
    for (const crowd of crowds) {
      crowd.send('count');
      there += ((await answer(crowd)) as StreamCount).connected;
    }
    if (there >= clients) break;
  }
  await pause(1000);
}

function started(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), args, { env: { ...process.env, ...env } });
}

async function answer(child: ChildProcess): Promise<unknown> {
  const [message] = await once(child, 'message');
  return message;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** One that waits for a worker which never comes, on a deployment that is nothing but a name. */
async function anExecution({ pool }: Stand): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    `with place as (select t.id as tenant, u.id as owner from tenants t, users u limit 1)
     insert into executions (tenant_id, id, workflow, function, status, parameters, created_by)
     select tenant, gen_random_uuid(), 'install', 'none', 'queued', '{}', owner from place returning id`,
  );
  return rows[0]!.id;
}
