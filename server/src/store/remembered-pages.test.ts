import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { testDatabase } from '../../test/support/test-database.js';
import type { TenantScope } from '../caller.js';
import type { TenantId, UserId } from '../ids.js';
import { executionList } from '../orchestration/executions.store.js';
import { type ListQuery, listPage } from './list.js';
import type { Client } from './pool.js';
import { RememberedPages } from './remembered-pages.js';

// Closed below, after the connection that uses it.
const { pool, close } = await testDatabase({ after: () => {} });
const { rows } = await pool.query<{ t: TenantId; u: UserId }>(
  `with t as (insert into tenants (name) values ('acme') returning id),
        u as (insert into users (username, system_role) values ('ada', 'member') returning id)
   select t.id as t, u.id as u from t, u`,
);
const { t, u } = rows[0]!;
const scope: TenantScope = { tenantId: t, tenantName: 'acme', userId: u, seesPrivate: true };
const query: ListQuery<'id' | 'status' | 'createdAt'> = {
  shape: { id: 'id', status: 'status' },
  filters: [],
  sort: [],
  offset: 0,
  size: 20,
};
const page = () => listPage(pool, executionList, scope, query);

const insert = (db: Pick<Client, 'query'>) =>
  db.query(
    `insert into executions (tenant_id, id, workflow, function, status, parameters, created_by)
     values ($1, gen_random_uuid(), 'w', 'f', 'queued', '{}', $2)`,
    [t, u],
  );
for (let count = 0; count < 25; count += 1) await insert(pool);

/** Another process's connection: nothing in this process knows what it does. */
const elsewhere = await pool.connect();
after(() => {
  elsewhere.release();
  return close();
});

/** The page as it is told without any memory. */
const written = () => listPage(elsewhere, executionList, scope, query);

test('a page is handed out again until anything is written, and never afterwards', async () => {
  // Who writes into other databases of the server makes it forget too; between two of those it is handed out again.
  const end = performance.now() + 30_000;
  let before = await page();
  for (let now = await page(); now !== before; now = await page()) {
    assert.ok(performance.now() < end, 'it is never handed out again');
    before = now;
  }
  await elsewhere.query(`update executions set status = 'started' where tenant_id = $1`, [t]);
  const now = await page();
  assert.notEqual(now, before);
  assert.deepEqual(now, await written());
});

test('what others have written shows as soon as it is committed, whatever else is under way', async () => {
  const begin = () => elsewhere.query('begin');
  const commit = () => elsewhere.query('commit');
  const abort = () => elsewhere.query('rollback');
  const write = fc.constantFrom(
    () => insert(elsewhere),
    () =>
      elsewhere.query(
        `update executions set status = case status when 'queued' then 'failed' else 'queued' end where tenant_id = $1`,
        [t],
      ),
    () =>
      elsewhere.query(
        'delete from executions where uid in (select uid from executions order by uid limit 1)',
      ),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(write, { maxLength: 3 }),
      fc.constantFrom(commit, abort),
      async (writes, end) => {
        await page();
        await begin();
        for (const one of writes) {
          await one();
          await page();
        }
        await end();
        assert.deepEqual(await page(), await written());
      },
    ),
    { numRuns: 30 },
  );
});

test('who has just written is told so', async () => {
  for (let count = 0; count < 5; count += 1) {
    const { total } = await page();
    await insert(pool);
    assert.equal((await page()).total, total + 1);
  }
});

test('a page is kept for its moment alone, for a second at most, and no more of them than there is room for', async () => {
  let now = 0;
  const pages = new RememberedPages<{ items: string }>({ most: 10, now: () => now });
  const [one, other, large] = ['four', 'more', 'too many'].map((items) => ({ items }));
  pages.put('1:1:', 'a', one!);
  pages.put('1:1:', 'b', other!);
  pages.put('1:1:', 'c', large!);
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => pages.get('1:1:', key)),
    [one, other, null],
  );
  assert.equal(pages.get('2:2:', 'a'), null);
  now = 1001;
  assert.equal(pages.get('1:1:', 'a'), null);
  pages.put('1:1:', 'c', large!);
  assert.deepEqual([pages.get('1:1:', 'a'), pages.get('1:1:', 'c')], [null, large]);
  pages.put('2:2:', 'a', one!);
  assert.deepEqual([pages.get('1:1:', 'c'), pages.get('2:2:', 'a')], [null, one]);
});
