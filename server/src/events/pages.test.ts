import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aTeller, type Teller } from '../../test/support/some-events.js';
import { testDatabase } from '../../test/support/test-database.js';
import type { DeploymentUid, UserId } from '../ids.js';
import type { ListFilter, SortKey } from '../store/list.js';
import { foldEventCounts } from './counting.js';
import { appendEvents, type EventField, type NewEvent } from './events.js';
import { MOST, pageOfEvents } from './pages.store.js';

const { pool } = await testDatabase();
const HOUR = 3_600_000;

interface Question {
  readonly filters?: readonly ListFilter<EventField>[];
  readonly sort?: readonly SortKey<EventField>[];
  readonly offset?: number;
  readonly size?: number | null;
}

async function ask(teller: Teller, question: Question, seesPrivate = true, userId = teller.scope.userId) {
  const { items, total } = await pageOfEvents(
    pool,
    { ...teller.scope, seesPrivate, userId },
    {
      shape: { id: 'id', message: 'message' },
      filters: question.filters ?? [],
      sort: question.sort ?? [],
      offset: question.offset ?? 0,
      size: question.size === undefined ? 10 : question.size,
    },
  );
  return { ids: (JSON.parse(items) as { id: number }[]).map(({ id }) => id), total };
}

/** Two deployments, one of them private, three executions; events and logs over six weeks, at equal times too, and odd ones. */
async function aPast() {
  const teller = await aTeller(pool);
  const { rows } = await pool.query<{ u: UserId; d: DeploymentUid; visibility: string }>(
    `with b as (insert into blueprints (tenant_id, id, main_file, state, created_by) values ($1, 'b', 'b.yaml', 'pending', $2) returning uid)
     insert into deployments (tenant_id, id, blueprint_uid, display_name, visibility, created_by, inputs, outputs, capabilities, workflows, types, rest)
     select $1, v.visibility, b.uid, 'd', v.visibility, $2, '{}', '{}', '{}', '{}', '{}', '{}' from b, (values ('tenant'), ('private')) v(visibility)
     returning created_by as u, uid as d, visibility`,
    [teller.tenantId, teller.scope.userId],
  );
  const open = rows.find(({ visibility }) => visibility === 'tenant')!.d;
  const own = rows.find(({ visibility }) => visibility === 'private')!.d;
  const executions = await pool.query<{ uid: number; id: string }>(
    `insert into executions (tenant_id, id, deployment_uid, workflow, function, status, parameters, created_by)
     select $1, gen_random_uuid(), d, 'w', 'f', 'terminated', '{}', $2 from unnest($3::bigint[]) d returning uid, id`,
    [teller.tenantId, teller.scope.userId, [open, open, own]],
  );
  const [one, two, three] = executions.rows as [
    { uid: number; id: string },
    { uid: number; id: string },
    { uid: number; id: string },
  ];
  const now = Date.now();
  const tell = async (
    deployment: DeploymentUid | null,
    execution: number | null,
    count: number,
    kind: NewEvent['kind'],
  ) => {
    const events = Array.from(
      { length: count },
      (_, n): NewEvent => ({
        kind,
        message: n % 3 === 0 ? 'fizz' : `told ${n}`,
        ...(kind === 'log' ? { level: n % 2 === 0 ? 'info' : 'error' } : { type: 'task_started' }),
        at: new Date(Math.floor((now - ((n * 7919) % (42 * 24)) * HOUR) / 60_000) * 60_000).toISOString(),
      }),
    );
    await appendEvents(
      pool,
      teller.tenantId,
      { deploymentUid: deployment, executionUid: execution as never },
      events,
    );
  };
  await tell(open, one.uid, 700, 'event');
  await tell(open, one.uid, 50, 'log');
  await foldEventCounts(pool);
  await tell(open, two.uid, 120, 'log');
  await tell(own, three.uid, 90, 'event');
  await tell(null, null, 20, 'event');
  await teller.tell(['0099-01-01T00:00:00Z', '9000-01-01T00:00:00Z']);
  return { teller, one, two, three, open, own };
}

/** What a page should hold, read without any of what makes pages quick. */
async function truth(teller: Teller, where: string, descending: boolean, values: unknown[] = []) {
  const { rows } = await pool.query<{ id: number }>(
    `select e.id from events e left join executions x on x.uid = e.execution_uid left join deployments d on d.uid = e.deployment_uid
     where e.tenant_id = $1 and ${where} order by e.at ${descending ? 'desc' : ''}, e.id ${descending ? 'desc' : ''}`,
    [teller.tenantId, ...values],
  );
  return rows.map(({ id }) => id);
}

test('every page of every kind of question is what sorting and counting all rows would give', async () => {
  const { teller, one, two } = await aPast();
  const kind = (value: string) => ({ field: 'kind' as const, anyOf: [value] });
  const questions: readonly (readonly [string, readonly ListFilter<EventField>[]])[] = [
    ['true', []],
    [`e.kind = 'event'`, [kind('event')]],
    [`e.kind = 'log'`, [kind('log')]],
    ['false', [{ field: 'kind', anyOf: [] }]],
    [`x.id = '${one.id}'`, [{ field: 'executionId', anyOf: [one.id] }]],
    [`x.id = '${one.id}' and e.kind = 'log'`, [{ field: 'executionId', anyOf: [one.id] }, kind('log')]],
    [`x.id in ('${one.id}', '${two.id}')`, [{ field: 'executionId', anyOf: [one.id, two.id] }]],
    [`d.id = 'tenant'`, [{ field: 'deploymentId', anyOf: ['tenant'] }]],
    [`d.id in ('tenant', 'private')`, [{ field: 'blueprintId', anyOf: ['b'] }]],
    [
      `d.id = 'tenant' and x.id = '${two.id}'`,
      [
        { field: 'deploymentId', anyOf: ['tenant'] },
        { field: 'executionId', anyOf: [two.id] },
      ],
    ],
    ['false', [{ field: 'deploymentId', anyOf: ['nothing'] }]],
    [`e.message ilike '%FIZZ%'`, [{ field: 'message', like: ['%FIZZ%'] }]],
    [
      `e.level = 'error' and x.id = '${one.id}'`,
      [
        { field: 'level', anyOf: ['error'] },
        { field: 'executionId', anyOf: [one.id] },
      ],
    ],
    [`x.workflow = 'w'`, [{ field: 'workflow', anyOf: ['w'] }]],
  ];
  const from = new Date(Date.now() - 20 * 24 * HOUR).toISOString();
  const to = new Date(Date.now() - 3 * 24 * HOUR).toISOString();
  const within = [
    ...questions,
    [`e.at >= '${from}' and e.at < '${to}'`, [{ field: 'at' as const, from, to }]],
    [
      `e.at >= '${from}' and d.id = 'tenant'`,
      [
        { field: 'at' as const, from },
        { field: 'deploymentId' as const, anyOf: ['tenant'] },
      ],
    ],
  ] as typeof questions;
  for (const descending of [false, true]) {
    for (const [where, filters] of within) {
      const all = await truth(teller, where, descending);
      const sort = descending ? [{ field: 'at' as const, descending }] : [];
      for (const [offset, size] of [
        [0, 10],
        [7, 1],
        [205, 30],
        [all.length - 3, 10],
        [all.length, 10],
        [all.length + 5, 10],
        [0, 0],
        [0, null],
      ] as const) {
        if (offset < 0) continue;
        const page = await ask(teller, { filters, sort, offset, size });
        const what = `${where}, ${descending ? 'latest' : 'earliest'} first, ${offset}+${size}`;
        assert.deepEqual(page.ids, all.slice(offset, size === null ? undefined : offset + size), what);
        assert.equal(page.total, all.length, what);
      }
    }
  }
});

test('what others keep private is neither told nor counted', async () => {
  const { teller, three } = await aPast();
  const stranger = (teller.scope.userId + 100_000) as UserId;
  const all = await truth(teller, `(d.uid is null or d.visibility <> 'private')`, false);
  for (const offset of [0, 230, 700]) {
    const page = await ask(teller, { offset, size: 20 }, false, stranger);
    assert.deepEqual(page, { ids: all.slice(offset, offset + 20), total: all.length });
  }
  const theirs = [{ field: 'executionId' as const, anyOf: [three.id] }];
  assert.deepEqual(await ask(teller, { filters: theirs }, false, stranger), { ids: [], total: 0 });
  assert.equal((await ask(teller, { filters: theirs }, false)).total, 90, 'their maker sees them');
});

test('pages and totals are right while events are deleted and not yet counted off', async () => {
  const { teller } = await aPast();
  await foldEventCounts(pool);
  const newest = await truth(teller, 'true', true);
  await pool.query('delete from event_packs where id = any($1)', [newest.slice(0, 300)]);
  const all = await truth(teller, 'true', true);
  assert.ok(all.length < newest.length - 100, 'packs, each by its first event');
  const sort = [{ field: 'at' as const, descending: true }];
  for (const offset of [0, 250]) {
    assert.deepEqual(await ask(teller, { sort, offset, size: 40 }), {
      ids: all.slice(offset, offset + 40),
      total: all.length,
    });
  }
  await foldEventCounts(pool);
  assert.deepEqual(await ask(teller, { sort, size: 40 }), { ids: all.slice(0, 40), total: all.length });
});

test('a page far into a tenant is found by its hour', async () => {
  const teller = await aTeller(pool);
  const now = Math.floor(Date.now() / HOUR) * HOUR;
  await pool.query(
    `select append_events($1, (select json_agg(json_build_object('executionUid', $2::bigint, 'message', 'm',
       'at', $3::timestamptz - n * interval '3 minutes')) from generate_series(0, 59999) n))`,
    [teller.tenantId, teller.executionUid, new Date(now)],
  );
  for (const descending of [false, true]) {
    const all = await truth(teller, 'true', descending);
    for (const offset of [49_900, 55_555, 59_990]) {
      const page = await ask(teller, { offset, size: 100, sort: [{ field: 'at', descending }] });
      assert.deepEqual(page, { ids: all.slice(offset, offset + 100), total: 60_000 });
    }
  }
});

test('where no counter knows, rows are counted as far as a bound beyond the page, and paging reaches the end', async () => {
  const teller = await aTeller(pool);
  await pool.query(
    `select append_events($1, (select json_agg(json_build_object('executionUid', $2::bigint, 'kind', 'log', 'message', 'm',
       'at', now() - n * interval '1 second')) from generate_series(1, $3) n))`,
    [teller.tenantId, teller.executionUid, MOST + 500],
  );
  const filters = [{ field: 'level' as const, anyOf: ['info'] }];
  assert.equal((await ask(teller, { filters, size: 100 })).total, MOST + 100);
  assert.equal((await ask(teller, { filters, size: 100, offset: 600 })).total, MOST + 500);
  let reached = 0;
  for (let total = 1; reached < total; reached += 1000) {
    const page = await ask(teller, { filters, size: 1000, offset: reached });
    total = page.total;
  }
  assert.equal(reached, 11_000);
});
