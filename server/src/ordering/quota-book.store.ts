import { sql } from 'kysely';
import type { ListSpec } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

export type QuotaField =
  | 'number'
  | 'holder'
  | 'groupNumber'
  | 'groupCode'
  | 'groupName'
  | 'environmentNumber'
  | 'environmentCode'
  | 'environmentName'
  | 'account'
  | 'servers'
  | 'cpus'
  | 'memoryMb'
  | 'diskGb'
  | 'rate';

export const quotaList: ListSpec<QuotaField> = {
  from: `quotas q left join ordering_groups g on g.uid = q.group_uid left join ordering_environments e on e.uid = q.environment_uid`,
  fields: {
    number: { sql: 'q.number', type: 'integer' },
    holder: {
      sql: `(case when q.group_uid is not null then 'group' when q.environment_uid is not null then 'environment' else 'handler' end)`,
      type: 'text',
    },
    groupNumber: { sql: 'g.number', type: 'integer' },
    groupCode: { sql: 'g.code', type: 'text' },
    groupName: { sql: 'g.name', type: 'text' },
    environmentNumber: { sql: 'e.number', type: 'integer' },
    environmentCode: { sql: 'e.code', type: 'text' },
    environmentName: { sql: 'e.name', type: 'text' },
    account: { sql: 'q.cloud_account_uid', type: 'integer' },
    servers: { sql: 'q.servers', type: 'integer' },
    cpus: { sql: 'q.cpus', type: 'integer' },
    memoryMb: { sql: 'q.memory_mb', type: 'integer' },
    diskGb: { sql: 'q.disk_gb', type: 'integer' },
    rate: { sql: 'q.rate', type: 'integer' },
  },
  confine: (scope) => sql`q.tenant_id = ${scope.tenantId}`,
  defaultSort: [{ field: 'number' }],
  tieBreak: 'q.uid',
  search: [],
};

/**
 * One order of the tenant after the other: whoever counts what is used, and then takes of it, is alone with it until the end of
 * the transaction.
 */
export const aloneInTenant = systemStatement<never>(
  'quota_alone',
  'select pg_advisory_xact_lock(677391, $1::integer)',
  'it reads no table: a lock that is named after the tenant',
);

export interface QuotaRow {
  readonly groupUid: number | null;
  readonly environmentUid: number | null;
  readonly accountUid: number | null;
  readonly name: string;
  readonly servers: number | null;
  readonly cpus: number | null;
  readonly memoryMb: number | null;
  readonly diskGb: number | null;
  readonly rate: number | null;
}

/** Those of groups `$2`, environments `$3` and cloud accounts `$4`. */
export const quotasOf = tenantStatement<QuotaRow>(
  'quota_select',
  `select q.group_uid as "groupUid", q.environment_uid as "environmentUid", q.cloud_account_uid as "accountUid",
     coalesce(g.name, e.name, 'resource handler') as name, q.servers, q.cpus, q.memory_mb as "memoryMb", q.disk_gb as "diskGb", q.rate::float8 as rate
   from quotas q left join ordering_groups g on g.uid = q.group_uid left join ordering_environments e on e.uid = q.environment_uid
   where q.tenant_id = $1 and (q.group_uid = any($2::bigint[]) or q.environment_uid = any($3::bigint[]) or q.cloud_account_uid = any($4::bigint[]))
   order by q.uid`,
);

const SUMS = `coalesce(sum(h.servers), 0)::integer as servers, coalesce(sum(h.cpus), 0)::integer as cpus,
  coalesce(sum(h.memory_mb), 0)::bigint as "memoryMb", coalesce(sum(h.disk_gb), 0)::bigint as "diskGb", coalesce(sum(h.rate), 0)::float8 as rate`;

interface Sums {
  readonly servers: number;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly diskGb: number;
  readonly rate: number;
}

export const usedByGroup = tenantStatement<Sums>(
  'quota_used_by_group',
  `select ${SUMS} from quota_holds h where h.tenant_id = $1 and h.group_path @> array[$2::bigint]`,
);
export const usedByEnvironment = tenantStatement<Sums>(
  'quota_used_by_environment',
  `select ${SUMS} from quota_holds h where h.tenant_id = $1 and h.environment_uid = $2`,
);
export const usedByAccount = tenantStatement<Sums>(
  'quota_used_by_account',
  `select ${SUMS} from quota_holds h where h.tenant_id = $1 and h.cloud_account_uid = $2`,
);

/** `$2` item, `$3` path of the group, `$4` environment, `$5` account, `$6` node, `$7` server, then the amounts. */
export const insertHold = tenantStatement<never>(
  'quota_hold',
  `insert into quota_holds (tenant_id, order_item_uid, group_path, environment_uid, cloud_account_uid, node, server_uid, servers, cpus, memory_mb, disk_gb, rate)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
);

/** All that servers `$2` hold: they are gone. */
export const dropHoldsOfServers = tenantStatement<never>(
  'quota_drop_servers',
  'delete from quota_holds h where h.tenant_id = $1 and h.server_uid = any($2::bigint[])',
);

/** What item `$2` holds for servers that were to be is held by those that came: of node `$4` of service `$3`, which hold nothing yet. */
export const assignHolds = tenantStatement<never>(
  'quota_assign',
  `update quota_holds h set server_uid = fresh.uid
   from (select o.uid, row_number() over (order by o.uid) as at from quota_holds o
       where o.tenant_id = $1 and o.order_item_uid = $2 and o.server_uid is null) loose
     join (select s.uid, row_number() over (order by s.uid) as at from servers s
       where s.tenant_id = $1 and s.service_uid = $3 and s.node = $4 and s.status <> 'historical'
         and not exists (select from quota_holds k where k.tenant_id = $1 and k.server_uid = s.uid)) fresh on fresh.at = loose.at
   where h.tenant_id = $1 and h.uid = loose.uid`,
);

/** What item `$2` holds for servers that did not come. */
export const dropLooseHolds = tenantStatement<never>(
  'quota_drop_loose',
  'delete from quota_holds h where h.tenant_id = $1 and h.order_item_uid = $2 and h.server_uid is null',
);

/** What item `$2` holds: nothing came of it. */
export const dropHoldsOfItem = tenantStatement<never>(
  'quota_drop_item',
  'delete from quota_holds h where h.tenant_id = $1 and h.order_item_uid = $2',
);

/** `$2` number, `$3` group, `$4` environment, `$5` account, then the limits. */
export const putQuota = tenantStatement<{ number: number }>(
  'quota_put',
  `insert into quotas (tenant_id, number, group_uid, environment_uid, cloud_account_uid, servers, cpus, memory_mb, disk_gb, rate)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
   on conflict (tenant_id, group_uid, environment_uid, cloud_account_uid) do update set servers = excluded.servers, cpus = excluded.cpus,
     memory_mb = excluded.memory_mb, disk_gb = excluded.disk_gb, rate = excluded.rate
   returning number`,
);
export const deleteQuota = tenantStatement<never>(
  'quota_delete',
  'delete from quotas q where q.tenant_id = $1 and q.number = $2',
);

export type RateField =
  | 'number'
  | 'subject'
  | 'name'
  | 'amount'
  | 'environmentNumber'
  | 'environmentCode'
  | 'environmentName';

export const rateList: ListSpec<RateField> = {
  from: 'rates r left join ordering_environments e on e.uid = r.environment_uid',
  fields: {
    number: { sql: 'r.number', type: 'integer' },
    subject: { sql: 'r.subject', type: 'text' },
    name: { sql: 'r.name', type: 'text' },
    amount: { sql: 'r.amount', type: 'integer' },
    environmentNumber: { sql: 'e.number', type: 'integer' },
    environmentCode: { sql: 'e.code', type: 'text' },
    environmentName: { sql: 'e.name', type: 'text' },
  },
  confine: (scope) => sql`r.tenant_id = ${scope.tenantId}`,
  defaultSort: [{ field: 'number' }],
  tieBreak: 'r.uid',
  search: ['name'],
};

/** `$2` number, `$3` subject, `$4` name, `$5` environment, `$6` amount. */
export const putRate = tenantStatement<{ number: number }>(
  'rate_put',
  `insert into rates (tenant_id, number, subject, name, environment_uid, amount) values ($1, $2, $3, $4, $5, $6)
   on conflict (tenant_id, subject, name, environment_uid) do update set amount = excluded.amount returning number`,
);
export const deleteRate = tenantStatement<never>(
  'rate_delete',
  'delete from rates r where r.tenant_id = $1 and r.number = $2',
);
