import { sql } from 'kysely';
import type { ListSpec } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export type EnvironmentField =
  | 'number'
  | 'code'
  | 'name'
  | 'description'
  | 'location'
  | 'autoApproval'
  | 'unassigned'
  | 'networks'
  | 'account'
  | 'accountName'
  | 'createdAt';

export const environmentList: ListSpec<EnvironmentField> = {
  from: 'ordering_environments e left join cloud_accounts c on c.uid = e.cloud_account_uid',
  fields: {
    number: { sql: 'e.number', type: 'integer' },
    code: { sql: 'e.code', type: 'name' },
    name: { sql: 'e.name', type: 'text' },
    description: { sql: 'e.description', type: 'text' },
    location: { sql: 'e.location', type: 'text' },
    autoApproval: { sql: 'e.auto_approval', type: 'boolean' },
    unassigned: { sql: 'e.unassigned', type: 'boolean' },
    networks: { sql: 'e.networks', type: 'json' },
    account: { sql: 'c.uid', type: 'integer' },
    accountName: { sql: 'c.name', type: 'text' },
    createdAt: { sql: 'e.created_at', type: 'time' },
  },
  confine: (scope) => {
    const inTenant = sql`e.tenant_id = ${scope.tenantId}`;
    if (scope.seesPrivate) return inTenant;
    return sql`${inTenant} and exists (select from group_environments ge join ordering_groups g on g.uid = ge.group_uid
      join ordering_members m on m.group_uid = any(g.path) where ge.environment_uid = e.uid and ge.tenant_id = ${scope.tenantId}
        and m.tenant_id = ${scope.tenantId} and m.user_id = ${scope.userId})`;
  },
  defaultSort: [{ field: 'number' }],
  tieBreak: 'e.uid',
  search: ['name'],
};

/** A network of an environment. */
export interface Network {
  /** What the cloud calls it. */
  readonly id: string;
  readonly name: string;
}

export interface EnvironmentRow {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  /** `cloud_accounts.uid`, by which a cloud account is found; null: of none. */
  readonly account: number | null;
  readonly location: string;
  readonly networks: readonly Network[];
  readonly autoApproval: boolean;
  /** Collects what is in no other; nothing is ordered there. */
  readonly unassigned: boolean;
}

const ENVIRONMENT = `e.uid::integer as uid, e.number::integer as number, e.code, e.name, e.description,
  e.cloud_account_uid::integer as account, e.location, e.networks, e.auto_approval as "autoApproval", e.unassigned`;

/** `$2` number or `$3` code; `$4` user, `$5` whether they see all. */
export const selectEnvironment = tenantStatement<EnvironmentRow>(
  'environments_select',
  `select ${ENVIRONMENT} from ordering_environments e
   where e.tenant_id = $1 and (e.number = $2 or e.code = $3) and ($5 or exists (
     select from group_environments ge join ordering_groups g on g.uid = ge.group_uid
     join ordering_members m on m.tenant_id = $1 and m.group_uid = any(g.path)
     where ge.environment_uid = e.uid and m.user_id = $4))`,
);

/** `$2` keys; null: all. */
export const selectEnvironments = tenantStatement<EnvironmentRow>(
  'environments_select_by_key',
  `select ${ENVIRONMENT} from ordering_environments e
   where e.tenant_id = $1 and ($2::bigint[] is null or e.uid = any($2)) order by e.number limit 10000`,
);

/** `$2` group. */
export const selectEnvironmentsOfGroup = tenantStatement<EnvironmentRow>(
  'environments_of_group',
  `select ${ENVIRONMENT} from group_environments ge join ordering_environments e on e.uid = ge.environment_uid
   where ge.tenant_id = $1 and ge.group_uid = $2 order by e.number`,
);

export interface Named {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly name: string;
}

/** `$2` environment, `$3` user, `$4` whether they see all. */
export const selectGroupsOfEnvironment = tenantStatement<Named>(
  'environments_groups',
  `select g.uid::integer as uid, g.number::integer as number, g.code, g.name
   from group_environments ge join ordering_groups g on g.uid = ge.group_uid
   where ge.tenant_id = $1 and ge.environment_uid = $2 and ($4 or exists (select from ordering_members m
     where m.tenant_id = $1 and m.user_id = $3 and m.group_uid = any(g.path))) order by g.number`,
);

/** `$2` environment. */
export const selectOsBuildsOfEnvironment = tenantStatement<Named>(
  'environments_os_builds',
  `select b.uid::integer as uid, b.number::integer as number, b.code, b.name
   from environment_os_builds eb join os_builds b on b.uid = eb.os_build_uid
   where eb.tenant_id = $1 and eb.environment_uid = $2 order by b.number`,
);

/** `$2` environment. */
export const selectApplicationsOfEnvironment = tenantStatement<Named>(
  'environments_applications',
  `select a.uid::integer as uid, a.number::integer as number, a.code, a.name
   from environment_applications ea join applications a on a.uid = ea.application_uid
   where ea.tenant_id = $1 and ea.environment_uid = $2 order by a.number`,
);

export const insertEnvironment = tenantStatement<{ uid: number }>(
  'environments_insert',
  `insert into ordering_environments (tenant_id, number, name, description, cloud_account_uid, location, networks, auto_approval, unassigned)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning uid::integer as uid`,
);

/** `$2` environment, `$3` groups. */
export const attachGroups = tenantStatement(
  'environments_attach_groups',
  `insert into group_environments (tenant_id, group_uid, environment_uid)
   select $1, g.uid, $2 from ordering_groups g where g.tenant_id = $1 and g.uid = any($3::bigint[]) on conflict do nothing`,
);

/** `$2` environment, `$3` OS builds. */
export const attachOsBuilds = tenantStatement(
  'environments_attach_os_builds',
  `insert into environment_os_builds (tenant_id, environment_uid, os_build_uid)
   select $1, $2, b.uid from os_builds b where b.tenant_id = $1 and b.uid = any($3::bigint[]) on conflict do nothing`,
);

/** `$2` environment, `$3` applications. */
export const attachApplications = tenantStatement(
  'environments_attach_applications',
  `insert into environment_applications (tenant_id, environment_uid, application_uid)
   select $1, $2, a.uid from applications a where a.tenant_id = $1 and a.uid = any($3::bigint[]) on conflict do nothing`,
);

export const deleteEnvironment = tenantStatement(
  'environments_delete',
  'delete from ordering_environments e where e.tenant_id = $1 and e.uid = $2',
);

/** `$2` environment: what the servers in it cost, which approved orders have put there. */
export const selectRateOfEnvironment = tenantStatement<{ rate: number }>(
  'environments_rate',
  `select coalesce(sum(h.rate), 0)::float8 as rate from quota_holds h where h.tenant_id = $1 and h.environment_uid = $2`,
);
