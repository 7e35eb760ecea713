import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aServer } from '../../test/support/a-server.js';
import { giveFirstCurriculum } from '../academy/first-curriculum.js';
import { precious, requireNothingToLose } from '../snapshots/restore.js';
import { giveFirstContents } from './first-contents.js';

const { core, pool } = await aServer({}, { selfService: true });

async function counts(): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ name: string; columns: string[] }>(
    `select table_name as name, array_agg(column_name::text) as columns from information_schema.columns
     join information_schema.tables t using (table_schema, table_name)
     where table_schema = 'public' and t.table_type = 'BASE TABLE' group by 1`,
  );
  const found = new Map<string, number>();
  for (const table of precious(rows.map((row) => ({ ...row, generated: [] }) as never))) {
    const { rows: told } = await pool.query<{ n: number }>(`select count(*)::integer as n from ${table}`);
    found.set(table, told[0]!.n);
  }
  return found;
}

test('a fresh installation has nothing that restoring a snapshot would lose', async () => {
  await giveFirstCurriculum({ ...core, pool });
  const found = await counts();
  assert.deepEqual([found.get('ordering_groups'), found.get('curricula')], [2, 1]);
  requireNothingToLose(found);
});

test('what was given once is not given again, also not to whoever deleted it', async () => {
  await pool.query(`delete from offer_items; delete from offers where name = 'Web Service'`);
  const before = await counts();
  assert.equal(await giveFirstContents({ ...core, pool }, 'default_tenant'), false);
  assert.deepEqual(await counts(), before);
});

test('several processes that start at once give it once', async () => {
  await pool.query(`insert into tenants (name) values ('another')`);
  const given = await Promise.all([1, 2, 3].map(() => giveFirstContents({ ...core, pool }, 'another')));
  assert.deepEqual(given.sort(), [false, false, true]);
  const { rows } = await pool.query<{ number: string; name: string }>(
    `select g.number, g.name from ordering_groups g join tenants t on t.id = g.tenant_id where t.name = 'another' order by 1`,
  );
  assert.deepEqual(
    rows.map(({ number, name }) => `${number} ${name}`),
    ['1 Unassigned', '2 Default'],
  );
});

test('a tenant that is not there is given nothing', async () => {
  assert.equal(await giveFirstContents({ ...core, pool }, 'nowhere'), false);
});
