/**
 * list --deployments 100000 --clients 20 --seconds 10: a page of 100 out of so many deployments, over HTTP from the real server
 * process, signed in by Basic on every call, while the load comes from another process on the same cores. Beside what it takes,
 * what it costs: microseconds of processor time for each request.
 *
 * Once more while deployments change all the time, a hundred a second, any of them. Limit: the same server answering a request that asks the database for the sign-in only (`/api/v3.1/version`).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from 'tar';
import { foldRowCounts } from '../src/store/row-counts.js';
import { familyTime } from './processor.js';
import { headers, load, serve } from './serving.js';
import { aStand, numbers, report, type Stand } from './stand.js';

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs: {region: {default: north}, size: {default: 3}}
node_templates:
  web: {type: cloudify.nodes.Root}
outputs: {region: {value: {get_input: region}}}
capabilities: {size: {value: {get_input: size}}}
`;

const given = numbers({ deployments: '100000', clients: '20', seconds: '10' });
const stand = await aStand();
await fill(stand, given.deployments[0]!);
await stand.pool.query('vacuum analyze');
const { child, url } = await serve(stand);
const rows = [];
const first = '/api/v3.1/deployments?_size=100';
const count = given.deployments[0]!;
for (const clients of given.clients) {
  for (const [what, path, changes] of [
    ['first page of 100', first, 0],
    ['last page', `${first}&_offset=${count - 100}`, 0],
    ['a page in the middle', `${first}&_offset=${Math.floor(count / 2)}`, 0],
    ['first page, 100 changes/s', first, 100],
    ['last page, 100 changes/s', `${first}&_offset=${count - 100}`, 100],
    ['limit: sign-in alone', '/api/v3.1/version', 0],
  ] as const) {
    const changing = changes === 0 ? null : changeDeployments(stand, count, changes);
    await load({ url: url + path, headers: headers(), clients, seconds: 2 });
    const before = { server: familyTime(child.pid!), postgres: familyTime(stand.postmaster) };
    const result = await load({ url: url + path, headers: headers(), clients, seconds: given.seconds[0]! });
    const each = (seconds: number) => (seconds / result.requests) * 1e6;
    rows.push({
      request: what,
      clients,
      'requests/s': result.requests / result.seconds,
      'p50 ms': result.p50,
      'p99 ms': result.p99,
      'kB each': result.bytes / result.requests / 1000,
      'server µs': each(familyTime(child.pid!) - before.server),
      'PostgreSQL µs': each(familyTime(stand.postmaster) - before.postgres),
      'load µs': each(result.processor),
      failures: result.failures,
    });
    await changing?.stop();
  }
}
child.kill('SIGTERM');
await new Promise((resolve) => child.once('exit', resolve));
await stand.close();
report('list', rows, [
  `${given.deployments[0]} deployments in one tenant; server, database and load share the cores`,
  "rival: Cloudify's sizing guide names 10 requests/s",
]);

/** Changes deployments, one after the other and each in a transaction of its own, so many a second. */
function changeDeployments(of: Stand, count: number, aSecond: number): { stop(): Promise<void> } {
  let stopped = false;
  const changing = (async () => {
    const began = performance.now();
    for (let changed = 1; !stopped; changed += 1) {
      const id = `d${1 + ((changed * 7919) % (count - 1))}`;
      await of.pool.query('update deployments set updated_at = now() where tenant_id = $1 and id = $2', [
        of.admin.tenant!.id,
        id,
      ]);
      await delay(Math.max(0, began + (changed * 1000) / aSecond - performance.now()));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await changing;
    },
  };
}

async function fill(to: Stand, count: number): Promise<void> {
  const folder = join(to.dataDir, 'blueprints', 'small');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'blueprint.yaml'), BLUEPRINT);
  await to.core.blueprintUploads.upload(to.admin, {
    id: 'small',
    source: {
      kind: 'stream',
      stream: Readable.from(create({ cwd: join(folder, '..'), gzip: true }, ['small'])),
    },
  });
  await to.core.deployments.create(to.admin, { id: 'd0', blueprintId: 'small', inputs: { size: 0 } });
  await copies(to, count);
}

/** The first deployment so many times, with its nodes and instances: written by PostgreSQL, in the form that the engine writes. */
async function copies(to: Stand, count: number): Promise<void> {
  const client = await to.pool.connect();
  const all = (table: string, changed: string) =>
    client.query(
      `insert into ${table} overriding system value
       select made.* from ${table} one, generate_series(1, ${count - 1}) copy, jsonb_populate_record(one, ${changed}) made`,
    );
  const at = `'created_at', one.created_at + make_interval(secs => copy * 0.001)`;
  try {
    await client.query('begin');
    await all(
      'deployments',
      `jsonb_build_object('uid', one.uid + copy, 'id', 'd' || copy, 'display_name', 'd' || copy, ${at},
         'inputs', jsonb_build_object('region', 'north', 'size', copy),
         'create_execution_uid', null, 'latest_execution_uid', null)`,
    );
    await all('nodes', `jsonb_build_object('deployment_uid', one.deployment_uid + copy)`);
    await all(
      'node_instances',
      `jsonb_build_object('id', one.id || copy, 'deployment_uid', one.deployment_uid + copy)`,
    );
    await all(
      'executions',
      `jsonb_build_object('uid', one.uid + copy * 10, 'id', one.id || copy, 'deployment_uid', one.deployment_uid + copy, ${at})`,
    );
    await client.query(
      `update deployments d set create_execution_uid = x.uid, latest_execution_uid = x.uid
       from executions x where x.deployment_uid = d.uid and d.create_execution_uid is null`,
    );
    await client.query('commit');
  } finally {
    client.release();
  }
  await foldRowCounts(to.pool);
}
