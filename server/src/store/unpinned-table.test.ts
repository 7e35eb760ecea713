import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unpinnedTable } from './unpinned-table.js';

for (const sql of [
  'select 1',
  'select * from users where id = $1',
  'select * from deployments where tenant_id = $1 and id = $2',
  'select * from deployments d where d.tenant_id = $1 and d.id = $2',
  'select * from deployments AS d WHERE D.Tenant_Id = $1::bigint AND d.id = $2',
  'select * from public.deployments d where d.tenant_id = $1',
  'select * from "deployments" "d" where "d"."tenant_id" = $1',
  'select * from deployments d join executions x on x.tenant_id = $1 and x.deployment_uid = d.uid where d.tenant_id = $1',
  'select * from users u, deployments d where d.tenant_id = $1',
  'select events, nodes, secrets from users',
  'select f(users, events) from users',
  'select * from secrets s where s.key = $2 and ((s.tenant_id = $1 and s.visibility = $3) or s.visibility = $4)',
  `select 'from deployments' as text -- from deployments
   /* from deployments */ from users`,
  'with mine as (select * from nodes n where n.tenant_id = $1) select * from mine',
  'update deployments d set name = $2 where d.tenant_id = $1 and d.uid = $3',
  'update deployments set name = $2 where tenant_id = $1',
  'update deployments d set seen = x.seen from unnest($2::bigint[]) as x (seen) where d.tenant_id = $1',
  'delete from events e using users u where e.tenant_id = $1 and u.id = e.user_id',
  'insert into events (tenant_id, message) values ($1, $2)',
  'insert into events (tenant_id, message) values ($1, $2), ($1, $3) returning id',
  'insert into events (tenant_id, message) overriding system value values ($1, $2)',
  'insert into events as e (tenant_id, message) select $1::bigint, m from unnest($2::text[]) m',
  'insert into deployments (tenant_id, id) values ($1, $2) on conflict (tenant_id, id) do update set id = excluded.id',
  'insert into events (tenant_id, x) select $1, d.uid from deployments d where d.tenant_id = $1',
  'select * from deployments d where d.tenant_id = $1 for no key update of d skip locked',
  'select * from deployments d join blueprints b on b.uid = d.blueprint_uid where d.tenant_id = $1',
  'select * from executions x join deployments d on d.uid = x.deployment_uid where d.tenant_id = $1 and d.id = $2',
  'select * from deployments d left join executions x on x.uid = d.latest_execution_uid where d.tenant_id = $1',
  'select (select count(*) from nodes n where n.deployment_uid = d.uid) from deployments d where d.tenant_id = $1',
  'select * from nodes n join node_instances i on i.tenant_id = n.tenant_id and i.node = n.name where n.tenant_id = $1',
  'select * from deployments d join executions x on x.deployment_uid = d.uid join operations o on o.execution_uid = x.uid where d.tenant_id = $1',
  'select extract(epoch from at), a is distinct from events from users',
]) {
  test(`pinned: ${short(sql)}`, () => assert.equal(unpinnedTable(sql), null));
}

for (const [sql, table] of [
  ['select * from deployments', 'deployments'],
  ['select * from deployments where id = $2', 'deployments'],
  ['SELECT * FROM Deployments d WHERE d.id = $2', 'deployments'],
  ['select * from "deployments" where id = $2', 'deployments'],
  ['select * from public.deployments where id = $2', 'deployments'],
  ['select * from only deployments where id = $2', 'deployments'],
  ['select * from deployments d where d.tenant_id = $2', 'deployments'],
  ['select * from deployments d where d.tenant_id = $10', 'deployments'],
  ['select * from deployments d where d.tenant_id = $1 + 1', 'deployments'],
  ['select * from deployments d where d.tenant_id <> $1', 'deployments'],
  ['select * from deployments d where not d.tenant_id = $1', 'deployments'],
  ['select * from deployments d where not (d.tenant_id = $1 and d.id = $2)', 'deployments'],
  ['select * from deployments d -- where d.tenant_id = $1', 'deployments'],
  ['select * from deployments d /* d.tenant_id = $1 */ where d.id = $2', 'deployments'],
  [`select * from deployments d where d.id = 'd.tenant_id = $1'`, 'deployments'],
  ['select * from deployments d join executions x on x.id = d.name where d.tenant_id = $1', 'executions'],
  [
    'select * from deployments d left join lateral (select * from nodes n) z on true where d.tenant_id = $1',
    'nodes',
  ],
  ['select * from users u, secrets where u.id = $1', 'secrets'],
  ['select * from users u, secrets', 'secrets'],
  ['select (select count(*) from users u, secrets) from users', 'secrets'],
  ['select * from users u cross join secrets', 'secrets'],
  ['select * from (secrets s join users u on true)', 'secrets'],
  ['select * from users where id in (select created_by from deployments)', 'deployments'],
  ['select * from deployments d, secrets s where tenant_id = $1', 'deployments'],
  ['select * from nodes n where n.tenant_id = $1 and exists (select from nodes n where n.uid = $2)', 'nodes'],
  [
    'select * from deployments d join blueprints b on b.id = d.blueprint where d.tenant_id = $1',
    'blueprints',
  ],
  [
    'select * from deployments d join blueprints b on b.uid <> d.blueprint_uid where d.tenant_id = $1',
    'blueprints',
  ],
  ['select * from deployments d join blueprints b on b.uid = b.uid where d.tenant_id = $1', 'blueprints'],
  [
    'select * from deployments d join blueprints b on not b.uid = d.blueprint_uid where d.tenant_id = $1',
    'blueprints',
  ],
  [
    'select * from deployments d join blueprints b on b.uid = d.blueprint_uid + 1 where d.tenant_id = $1',
    'blueprints',
  ],
  [
    'select * from deployments d join blueprints b on b.uid = d.blueprint_uid where b.uid = $2',
    'deployments',
  ],
  ['select * from nodes n left join deployments d on d.uid = n.deployment_uid and d.tenant_id = $1', 'nodes'],
  [
    'select * from deployments d right join nodes n on n.deployment_uid = d.uid where d.tenant_id = $1',
    'deployments',
  ],
  [
    'select * from deployments d join nodes n on n.deployment_uid = d.uid where d.tenant_id = $1 and exists (select from nodes n)',
    'nodes',
  ],
  ['update deployments set name = $2', 'deployments'],
  ['update deployments set tenant_id = $1 where uid = $2', 'deployments'],
  ['update deployments d set tenant_id = $2 where d.tenant_id = $1', 'deployments'],
  ['update users u set name = s.key from secrets s where u.id = $1', 'secrets'],
  ['delete from events', 'events'],
  ['delete from users u using secrets s where u.id = s.created_by', 'secrets'],
  ['insert into events (message) values ($1)', 'events'],
  ['insert into events (message, tenant_id) values ($1, $1)', 'events'],
  ['insert into events (tenant_id, message) values ($2, $1)', 'events'],
  ['insert into events (tenant_id, message) values ($1, $2), ($3, $4)', 'events'],
  ['insert into events (tenant_id, message) overriding system value values ($2, $1)', 'events'],
  ['insert into events (tenant_id, message) select $2, $1', 'events'],
  ['insert into events (tenant_id, message) select tenant_id, $1 from users', 'events'],
  ['insert into events (tenant_id, x) select $1, d.uid from deployments d', 'deployments'],
  ['insert into events values ($1, $2)', 'events'],
  ['with gone as (delete from events returning *) select * from gone', 'events'],
] as const) {
  test(`unpinned: ${short(sql)}`, () => assert.equal(unpinnedTable(sql), table));
}

function short(sql: string): string {
  return sql.replace(/\s+/g, ' ').slice(0, 90);
}
