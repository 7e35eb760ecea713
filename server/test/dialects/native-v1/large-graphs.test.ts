/** Graphs and deployments of thousands: what is read of them for an answer, and that the answers are whole. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Pictures } from '../../../src/orchestration/pictures.js';
import { RememberedGraphs } from '../../../src/orchestration/remembered-graphs.js';
import { TaskGraphs } from '../../../src/orchestration/task-graphs.js';
import type { Pool } from '../../../src/store/pool.js';
import { aServer } from '../../support/a-server.js';
import type { Found } from '../cloudify-v3/client.js';
import { aTenantAtWork } from './a-tenant-at-work.js';

const server = await aServer();
const work = await aTenantAtWork(server);
const native = (path: string, headers: Record<string, string> = {}) =>
  work.ask('GET', path, { root: '/orrery/v1', headers });
const list = (found: Found | undefined) => (found ?? []) as unknown as Found[];

const TASKS = 12_000;
const TOUCHED = 7_000;

/** A pool that tells how many rows each statement brought, by its name. */
function watched(pool: Pool): { pool: Pool; rows: [name: string, count: number][] } {
  const rows: [string, number][] = [];
  const asking = <T extends object>(db: T): T =>
    new Proxy(db, {
      get(target, key) {
        const member = Reflect.get(target, key, target) as unknown;
        if (typeof member !== 'function') return member;
        if (key === 'connect') return async () => asking((await member.call(target)) as object);
        if (key !== 'query') return member.bind(target);
        return async (question: { name?: string }) => {
          const answer = await member.call(target, question);
          if (question.name !== undefined) rows.push([question.name, answer.rows.length]);
          return answer;
        };
      },
    });
  return { pool: asking(pool), rows };
}

describe(`an execution of ${TASKS} tasks`, () => {
  before(async () => {
    await server.pool.query(
      `update executions set total_operations = $2, graph = (
         select json_build_object('workflow', 'install', 'tasks', json_agg(json_build_object('id', n, 'kind', case when n % 4 = 3 then 'marker' else 'operation' end,
           'instance', 'web_' || n / 4, 'call', case when n % 4 < 3 then json_build_object('operation', 'a.b', 'side', 'node', 'relationship', null, 'function', 'c.d') end,
           'dependsOn', case when n = 0 then '[]' else json_build_array(n - 1) end, 'before', '[]'::json, 'after', '[]'::json, 'onFailure', 'fail') order by n))
         from generate_series(0, $2::int - 1) n) where id = $1`,
      [work.execution, TASKS],
    );
    await server.pool.query(
      `insert into operations (tenant_id, execution_uid, task, state, attempt, retries, failure, started_at, ended_at)
       select tenant_id, uid, n, case when n % 5 = 0 then 'failed' else 'succeeded' end, 1, 0,
         case when n % 5 = 0 then json_build_object('type', 'X', 'message', 'no', 'retryable', false, 'causes', '[]'::json) end, now(), now()
       from executions, generate_series(0, $2::int - 1) n where id = $1`,
      [work.execution, TOUCHED],
    );
  });

  it('has its graph told whole and in pieces, with a tag that stays until it moves', async () => {
    const answer = await native(`/executions/${work.execution}/graph`);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.get('content-length'), null);
    const tasks = list(answer.json.tasks);
    assert.deepEqual(
      tasks.map(({ id }) => Number(id)),
      [...Array(TASKS).keys()],
    );
    for (const [id, one] of tasks.entries()) {
      const state = id >= TOUCHED ? 'pending' : id % 5 === 0 ? 'failed' : 'succeeded';
      assert.deepEqual(
        [one.state, one.error, one.operation, one.instance, one.dependsOn],
        [
          state,
          state === 'failed' ? 'no' : undefined,
          id % 4 === 3 ? null : 'a.b',
          `web_${Math.floor(id / 4)}`,
          id === 0 ? [] : [id - 1],
        ],
      );
    }
    assert.deepEqual(list(answer.json.subgraphs)[1], { instance: 'web_1', node: null, tasks: [4, 5, 6, 7] });
    assert.equal(list(answer.json.subgraphs).length, TASKS / 4);
    const tag = answer.headers.get('etag')!;
    const unchanged = { 'if-none-match': tag };
    assert.equal((await native(`/executions/${work.execution}/graph`, unchanged)).status, 304);
    assert.equal((await native(`/executions/${work.execution}/operations`, unchanged)).status, 304);
    await server.pool.query('update executions set batches = batches + 1 where id = $1', [work.execution]);
    const moved = await native(`/executions/${work.execution}/graph`, unchanged);
    assert.deepEqual([moved.status, moved.headers.get('etag') === tag], [200, false]);
  });

  it('has the same operations in one answer and in pages', async () => {
    const whole = await native(`/executions/${work.execution}/operations`);
    assert.equal(whole.status, 200, whole.text.slice(0, 200));
    assert.equal(list(whole.json.items).length, (TASKS * 3) / 4);
    assert.equal(whole.headers.get('content-length'), null);
    const found: Found[] = [];
    for (let path: string | null = `/executions/${work.execution}/operations?limit=1000`; path !== null; ) {
      const page = await native(path);
      found.push(...list(page.json.items));
      const link: string = page.headers.get('link') ?? '';
      path = /^<\/orrery\/v1(.*)>; rel="next"$/.exec(link)?.[1] ?? null;
    }
    assert.deepEqual(found, whole.json.items);
    assert.equal(String((found[0]!.failure as Found).message), 'no');
  });

  it('is read once for all pages, and of its operations only those of the page', async () => {
    const { pool, rows } = watched(server.pool);
    const graphs = new TaskGraphs(pool);
    const caller = await server.core.callers.actingAs('admin', 'default_tenant', 'test');
    for (const after of [-1, 200, 9_000]) {
      const { items } = await graphs.page(caller, work.execution, { after, limit: 100 });
      assert.equal(items.length, 100);
      assert.ok(items.every(({ task }) => task > after && task % 4 !== 3));
    }
    const cloudify = { states: new Set(['failed' as const]), runsOnly: true, offset: 40, size: 20 };
    const { items, total } = await graphs.operations(caller, { execution: work.execution }, cloudify);
    assert.deepEqual([items.length, total], [20, 1050]);
    assert.ok(items.every(({ state, exception }) => state === 'failed' && exception === 'no'));
    assert.equal((await graphs.operation(caller, `${work.execution}:10`)).exception, 'no');
    assert.equal(rows.filter(([name]) => name === 'execution_graph').length, 1);
    assert.ok(
      rows.every(([, count]) => count <= 100),
      JSON.stringify(rows),
    );
  });

  it('is pictured from slices of rows', async () => {
    const { pool, rows } = watched(server.pool);
    const caller = await server.core.callers.actingAs('admin', 'default_tenant', 'test');
    const { text } = await new Pictures(pool, new RememberedGraphs()).graph(caller, work.execution);
    const pieces = [...text];
    assert.ok(
      pieces.every(({ length }) => length < 200_000),
      'each piece is small',
    );
    assert.equal((JSON.parse(pieces.join('')) as { tasks: unknown[] }).tasks.length, TASKS);
    const slices = rows.filter(([name]) => name === 'picture_operations').map(([, count]) => count);
    assert.deepEqual(slices, [5000, 2000]);
  });

  it('is forgotten when others take its room, and read again when it has grown', async () => {
    const { pool, rows } = watched(server.pool);
    const found = await server.pool.query<{ uid: never }>('select uid from executions where id = $1', [
      work.execution,
    ]);
    const reads = () => rows.filter(([name]) => name === 'execution_graph').length;
    const roomy = new RememberedGraphs();
    for (let turn = 0; turn < 3; turn += 1) await roomy.of(pool, found.rows[0]!.uid);
    assert.equal(reads(), 1);
    assert.ok(roomy.bytes > 0);
    await server.pool.query('update executions set total_operations = total_operations + 1 where id = $1', [
      work.execution,
    ]);
    await roomy.of(pool, found.rows[0]!.uid);
    assert.equal(reads(), 2);
    const narrow = new RememberedGraphs(roomy.bytes - 1);
    for (let turn = 0; turn < 2; turn += 1)
      assert.equal((await narrow.of(pool, found.rows[0]!.uid))!.length, TASKS);
    assert.deepEqual([reads(), narrow.bytes], [4, 0]);
  });
});

describe('a deployment of 11,000 instances', () => {
  it('is told whole from slices, in the order of its nodes and numbers, and is the same as long as nothing has moved', async () => {
    const deployment = await work.anotherDeployment();
    await server.pool.query(
      `insert into node_instances (tenant_id, deployment_uid, id, node, index, host, relationships)
       select tenant_id, uid, 'more_' || g, case when g < 6000 then 'host' else 'web' end, 100 + g, null, '[]' from deployments, generate_series(1, 10996) g
       where id = $1`,
      [deployment],
    );
    const answer = await native(`/deployments/${deployment}/snapshot`);
    assert.equal(answer.status, 200, answer.text.slice(0, 200));
    const instances = list(answer.json.instances);
    assert.equal(instances.length, 11_000);
    const places = instances.map(({ node, index }) => `${node} ${String(index).padStart(6, '0')}`);
    assert.deepEqual(places, [...new Set(places)].sort());
    assert.deepEqual(answer.json.counts, { uninitialized: 11_000 });
    const unchanged = { 'if-none-match': answer.headers.get('etag')! };
    assert.equal((await native(`/deployments/${deployment}/snapshot`, unchanged)).status, 304);
    await server.pool.query(`update node_instances set state = 'started' where id = 'more_10000'`);
    assert.equal((await native(`/deployments/${deployment}/snapshot`, unchanged)).status, 200);
  });
});
