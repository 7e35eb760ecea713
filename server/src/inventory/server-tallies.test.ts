/** Totals of lists of servers come from tallies, and pages from whatever leads to their rows; nobody may notice. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { testDatabase } from '../../test/support/test-database.js';
import type { TenantScope } from '../caller.js';
import type { TenantId, UserId } from '../ids.js';
import { type ListFilter, listPage } from '../store/list.js';
import { foldServerTallies } from './server-tallies.js';
import { type ServerField, serverList } from './servers.store.js';

const { pool } = await testDatabase();
const ids = { tenant: 0, other: 0, admin: 0, member: 0, stranger: 0, group: [] as number[] };

before(async () => {
  const one = async (text: string, values: unknown[] = []) =>
    (await pool.query<{ id: number }>(text, values)).rows.map(({ id }) => id);
  [ids.tenant, ids.other] = (await one(
    `insert into tenants (name) values ('acme'), ('other') returning id`,
  )) as [number, number];
  [ids.admin, ids.member, ids.stranger] = (await one(
    `insert into users (username, system_role) select unnest('{ada,bob,cyd}'::text[]), 'member' returning id`,
  )) as [number, number, number];
  for (const tenant of [ids.tenant, ids.other]) {
    const [type] = await one(
      `insert into group_types (tenant_id, name) values ($1, 'T') returning uid as id`,
      [tenant],
    );
    const groups = await one(
      `insert into ordering_groups (tenant_id, number, name, type_uid, path) select $1, n, 'Group ' || n, $2, '{}' from generate_series(1, 4) n returning uid as id`,
      [tenant, type],
    );
    if (tenant === ids.tenant) ids.group = groups;
    await pool.query(
      `insert into ordering_environments (tenant_id, number, name) select $1, n, case when n < 3 then 'Dev ' else 'Prod ' end || n from generate_series(1, 4) n`,
      [tenant],
    );
    await pool.query(`insert into os_builds (tenant_id, number, name) values ($1, 1, 'Debian')`, [tenant]);
    await pool.query(`insert into cloud_accounts (tenant_id, name, kind) values ($1, 'Here', 'local')`, [
      tenant,
    ]);
  }
  await pool.query(`update ordering_groups set path = array[uid]`);
  // Two roles in one group, and one that reaches down to a group below another.
  await pool.query(
    `insert into ordering_roles (tenant_id, name, label, permissions, reaches_down)
     values ($1, 'viewer', 'V', '{server.view}', false), ($1, 'watcher', 'W', '{server.view}', true), ($1, 'nothing', 'N', '{}', true)`,
    [ids.tenant],
  );
  await pool.query(`update ordering_groups set path = $1 where uid = $2`, [
    [ids.group[0], ids.group[1]],
    ids.group[1],
  ]);
  await pool.query(
    `insert into ordering_members (tenant_id, group_uid, user_id, role_uid)
     select $1, g.uid, $2, r.uid from ordering_groups g, ordering_roles r
     where g.uid = $3 and r.name in ('viewer', 'watcher') or g.uid = $4 and r.name = 'nothing'`,
    [ids.tenant, ids.member, ids.group[0], ids.group[2]],
  );
  for (const tenant of [ids.tenant, ids.other]) await come(tenant, 120);
});

/** Servers of many kinds; of each kind they lie together. */
function come(tenant: number, count: number) {
  return pool.query(
    `insert into servers (tenant_id, number, hostname, status, power, group_uid, environment_uid, os_build_uid, cloud_account_uid, owner_id)
     select $1, coalesce((select max(number) from servers), 0) + n, 'web' || n, case when n % 7 = 0 then 'historical' else 'active' end,
       case when n % 3 = 0 then 'off' else 'on' end,
       (select uid from ordering_groups g where g.tenant_id = $1 and g.number = 1 + n / 11 % 5),
       (select uid from ordering_environments e where e.tenant_id = $1 and e.number = 1 + n / 25 % 5),
       case when n % 5 = 0 then (select uid from os_builds b where b.tenant_id = $1) end,
       case when n % 4 = 0 then (select uid from cloud_accounts a where a.tenant_id = $1) end,
       (array[$3, $4, $5, null]::bigint[])[1 + n % 4]
     from generate_series(1, $2::integer) n`,
    [tenant, count, ids.admin, ids.member, ids.stranger],
  );
}

const KIND = 'tenant_id, status, power, group_uid, environment_uid, os_build_uid, cloud_account_uid';

async function tallyIsRight(when: string): Promise<void> {
  const counted = await pool.query(
    `select ${KIND}, count(*) as many from servers group by ${KIND} order by ${KIND}`,
  );
  const kept = await pool.query(
    `select ${KIND}, sum(difference) as many from server_tallies group by ${KIND} having sum(difference) <> 0 order by ${KIND}`,
  );
  assert.deepEqual(
    kept.rows.map((row) => ({ ...row, many: Number(row.many) })),
    counted.rows,
    when,
  );
}

test('tallies are right at any moment: whatever comes, changes, goes, and while they are folded', async () => {
  await tallyIsRight('after servers came');
  assert.ok((await foldServerTallies(pool)) > 0);
  await tallyIsRight('after folding');
  assert.equal(await foldServerTallies(pool), 0);
  await Promise.all([
    come(ids.tenant, 30),
    pool.query(`update servers set power = 'off' where number % 2 = 0`),
    foldServerTallies(pool),
    pool.query(`delete from servers where number % 9 = 1`),
    foldServerTallies(pool),
  ]);
  await tallyIsRight('after changes side by side');
  const before = (await pool.query('select count(*) from server_tallies where not folded')).rows[0];
  await pool.query(`update servers set hostname = hostname || 'x', cpus = 4`);
  const after = (await pool.query('select count(*) from server_tallies where not folded')).rows[0];
  assert.deepEqual(after, before, 'what nobody counts by makes no difference');
});

test('they are right when a group, an environment, an OS build or an account goes from under its servers', async () => {
  const client = await pool.connect();
  await client.query('begin');
  try {
    await client.query('delete from ordering_members');
    for (const table of ['ordering_groups', 'ordering_environments', 'os_builds', 'cloud_accounts']) {
      await client.query(`delete from ${table}`);
      const { rows } = await client.query(
        `select (select count(*) from servers) = (select sum(difference) from server_tallies) as all,
           (select count(*) from servers where group_uid is null and environment_uid is null and status = 'historical')
           = (select sum(difference) from server_tallies where group_uid is null and environment_uid is null and status = 'historical') as some`,
      );
      assert.deepEqual(rows, [{ all: true, some: true }], table);
    }
  } finally {
    await client.query('rollback');
    client.release();
  }
});

test('sums of what is no more go when they are folded', async () => {
  await pool.query(`delete from servers where tenant_id = $1`, [ids.other]);
  await foldServerTallies(pool);
  const { rows } = await pool.query('select from server_tallies where tenant_id = $1', [ids.other]);
  assert.equal(rows.length, 0);
  await come(ids.other, 120);
});

interface Seen {
  readonly number: number;
  readonly status: string;
  readonly power: string;
  readonly groupName: string | null;
  readonly environmentName: string | null;
  readonly ownerName: string | null;
  readonly accountName: string | null;
  readonly osBuildName: string | null;
  readonly hostname: string;
}

const filters: fc.Arbitrary<readonly [ListFilter<ServerField>, (row: Seen) => boolean]> = fc.oneof(
  fc
    .constantFrom('on', 'off')
    .map((value) => pair({ field: 'power', anyOf: [value] }, (row) => row.power === value)),
  fc
    .subarray(['active', 'historical', 'building'])
    .map((values) => pair({ field: 'status', anyOf: values }, (row) => values.includes(row.status))),
  fc
    .constantFrom('Group 1', 'group 2', 'Group 9')
    .map((value) =>
      pair(
        { field: 'groupName', lookup: 'exact', value },
        (row) => row.groupName?.toLowerCase() === value.toLowerCase(),
      ),
    ),
  fc
    .constantFrom('Dev', 'P', 'o', 'x')
    .map((value) =>
      pair(
        { field: 'environmentName', lookup: 'contains', value },
        (row) => row.environmentName?.includes(value) === true,
      ),
    ),
  fc
    .constantFrom('true', 'false')
    .map((value) =>
      pair(
        { field: 'environmentName', lookup: 'isnull', value },
        (row) => (row.environmentName === null) === (value === 'true'),
      ),
    ),
  fc
    .constantFrom('bob', 'ada', 'eve')
    .map((value) => pair({ field: 'ownerName', lookup: 'exact', value }, (row) => row.ownerName === value)),
  fc
    .constantFrom('ere', 'H')
    .map((value) =>
      pair(
        { field: 'accountName', lookup: 'icontains', value },
        (row) => row.accountName?.toLowerCase().includes(value.toLowerCase()) === true,
      ),
    ),
  fc.constant(pair({ field: 'osBuildName', anyOf: ['Debian'] }, (row) => row.osBuildName === 'Debian')),
  fc.constant(
    pair(
      { not: { field: 'groupName', lookup: 'exact', value: 'Group 1' } },
      (row) => row.groupName !== 'Group 1',
    ),
  ),
  fc.constant(
    pair(
      {
        either: [
          { field: 'power', anyOf: ['off'] },
          { field: 'groupName', lookup: 'exact', value: 'Group 3' },
        ],
      },
      (row) => row.power === 'off' || row.groupName === 'Group 3',
    ),
  ),
  fc
    .constantFrom('1', 'web2')
    .map((value) =>
      pair({ field: 'hostname', lookup: 'contains', value }, (row) => row.hostname.includes(value)),
    ),
);

function pair(filter: ListFilter<ServerField>, holds: (row: Seen) => boolean) {
  return [filter, holds] as const;
}

test('a page and its total are what filtering all rows by hand finds, whoever asks', async () => {
  const all = await pool.query<Seen & { tenant: number; group: number | null; owner: number | null }>(
    `select s.tenant_id as tenant, s.number, s.status, s.power, s.group_uid as "group", s.owner_id as owner, s.hostname, g.name as "groupName",
       e.name as "environmentName", u.username as "ownerName", a.name as "accountName", b.name as "osBuildName"
     from servers s left join ordering_groups g on g.uid = s.group_uid left join ordering_environments e on e.uid = s.environment_uid
     left join users u on u.id = s.owner_id left join cloud_accounts a on a.uid = s.cloud_account_uid
     left join os_builds b on b.uid = s.os_build_uid order by s.uid`,
  );
  const inSight = new Set([ids.group[0], ids.group[1]]);
  const asking = fc.record({
    who: fc.constantFrom('admin', 'member', 'stranger'),
    asked: fc.array(filters, { maxLength: 3 }),
    offset: fc.nat(60),
    size: fc.constantFrom(1, 7, 25, null),
  });
  await fc.assert(
    fc.asyncProperty(asking, async ({ who, asked, offset, size }) => {
      const userId = ids[who as 'admin'] as UserId;
      const scope: TenantScope = {
        tenantId: ids.tenant as TenantId,
        tenantName: 'acme',
        userId,
        seesPrivate: who === 'admin',
      };
      const seen = all.rows.filter(
        (row) =>
          row.tenant === ids.tenant &&
          (who === 'admin' || row.owner === userId || (who === 'member' && inSight.has(row.group ?? 0))) &&
          asked.every(([, holds]) => holds(row)),
      );
      const page = await listPage(pool, serverList, scope, {
        shape: { number: 'number' },
        filters: asked.map(([filter]) => filter),
        sort: [],
        offset: size === null ? 0 : offset,
        size,
      });
      const numbers = (JSON.parse(page.items) as { number: number }[]).map(({ number }) => number);
      const expected = seen.map(({ number }) => number);
      assert.deepEqual(numbers, size === null ? expected : expected.slice(offset, offset + size));
      assert.equal(page.total, seen.length);
    }),
    { numRuns: 250 },
  );
});

test('parts of names that thousands have, and those that few have, find all of them page by page', async () => {
  await come(ids.other, 2300);
  for (const [who, own] of [
    ['admin', ''],
    ['stranger', 'and owner_id = $3'],
  ] as const) {
    for (const part of ['web', '9', '77', 'none']) {
      const { rows } = await pool.query<{ number: number }>(
        `select number from servers where tenant_id = $1 and hostname like '%' || $2 || '%' ${own} order by uid`,
        [ids.other, part, ...(own === '' ? [] : [ids[who]])],
      );
      for (const offset of [0, 1, 1999, 2250]) {
        const page = await listPage(
          pool,
          serverList,
          {
            tenantId: ids.other as TenantId,
            tenantName: 'other',
            userId: ids[who] as UserId,
            seesPrivate: who === 'admin',
          },
          {
            shape: { number: 'number' },
            filters: [{ field: 'hostname', lookup: 'contains', value: part }],
            sort: [],
            offset,
            size: 100,
          },
        );
        assert.equal(page.total, rows.length, `${who}: ${part}`);
        assert.deepEqual(
          JSON.parse(page.items),
          rows.slice(offset, offset + 100),
          `${who}: ${part} from ${offset}`,
        );
      }
    }
  }
});
