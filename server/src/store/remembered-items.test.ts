import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { testDatabase } from '../../test/support/test-database.js';
import type { TenantScope } from '../caller.js';
import type { TenantId, UserId } from '../ids.js';
import { executionList } from '../orchestration/executions.store.js';
import { type ListPage, type ListQuery, listPage } from './list.js';
import { RememberedItems } from './remembered-items.js';

const { pool } = await testDatabase();
const { rows } = await pool.query<{ t: TenantId; u: UserId }>(
  `with t as (insert into tenants (name) values ('acme') returning id),
        u as (insert into users (username, system_role) values ('ada', 'member') returning id)
   select t.id as t, u.id as u from t, u`,
);
const { t, u } = rows[0]!;
const scope: TenantScope = { tenantId: t, tenantName: 'acme', userId: u, seesPrivate: true };
type Fields = keyof typeof executionList.fields & string;
const shape = Object.fromEntries(Object.keys(executionList.fields).map((name) => [name, name as Fields]));
const query: ListQuery<Fields> = { shape, filters: [], sort: [], offset: 0, size: 50 };

/** The page as it is told without any memory: what a transaction reads is never remembered. */
async function written(asked = query): Promise<ListPage> {
  const client = await pool.connect();
  try {
    return await listPage(client, executionList, scope, asked);
  } finally {
    client.release();
  }
}

const insert = () =>
  pool.query(
    `insert into executions (tenant_id, id, workflow, function, status, parameters, error, created_by)
     values ($1, gen_random_uuid(), 'w', 'f', 'queued', '{"say": "a\\u0001b"}', $3, $2)`,
    [t, u, 'quoted "so", \u0001 and\nbroken'],
  );

/** Does something to the execution in this place of the list. */
const change = (place: number, what: string) =>
  pool.query(
    `${what} where uid = (select uid from executions where tenant_id = $1 order by created_at, uid offset $2 limit 1)`,
    [t, place],
  );

test('a page of remembered items is the page that PostgreSQL would write now, whatever has changed in between', async () => {
  for (let count = 0; count < 30; count += 1) await insert();
  const step = fc.oneof(
    fc.constant(insert),
    fc.nat(30).map((place) => () => change(place, `update executions set status = 'started'`)),
    fc
      .nat(30)
      .map(
        (place) => () => change(place, 'update executions set finished_operations = finished_operations + 1'),
      ),
    fc.nat(30).map((place) => () => change(place, 'delete from executions')),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 4 }), fc.nat(5), async (steps, offset) => {
      const asked = { ...query, offset };
      await listPage(pool, executionList, scope, asked);
      for (const one of steps) await one();
      assert.deepEqual(await listPage(pool, executionList, scope, asked), await written(asked));
    }),
    { numRuns: 40 },
  );
});

test('two forms of the same rows are remembered apart', async () => {
  await insert();
  for (const one of [{ id: 'id' }, { id: 'status' }, { other: 'id' }] as const) {
    const asked = { ...query, shape: one as Readonly<Record<string, Fields>> };
    assert.deepEqual(await listPage(pool, executionList, scope, asked), await written(asked));
  }
});

test('items are remembered in the version they were put in, and the longest unwanted are forgotten first', () => {
  const memory = new RememberedItems(25);
  const kind = memory.kindOf('things', { id: 'id' });
  assert.equal(kind, memory.kindOf('things', { id: 'id' }));
  assert.notEqual(kind, memory.kindOf('others', { id: 'id' }));
  memory.put(kind, '1', 'v', 'a'.repeat(10));
  memory.put(kind, '2', 'v', 'b'.repeat(10));
  assert.equal(memory.get(kind, '1', 'w'), null);
  assert.deepEqual(memory.get(kind, '1', 'v'), ['a'.repeat(10)]);
  memory.put(kind, '3', 'v', 'c\u0001d');
  memory.put(kind, '4', 'v', 'e'.repeat(5));
  assert.equal(memory.get(kind, '2', 'v'), null);
  assert.deepEqual(memory.get(kind, '3', 'v'), ['c', 'd']);
});

test('whoever asks for ever new forms costs a bounded memory', () => {
  const memory = new RememberedItems();
  const first = memory.kindOf('things', { first: 'id' });
  memory.put(first, '1', 'v', 'text');
  const kinds = new Set(
    Array.from({ length: 500 }, (_, at) => memory.kindOf('things', { [`m${at}`]: 'id' })),
  );
  assert.equal(kinds.size, 500);
  assert.equal(memory.get(first, '1', 'v'), null);
});
