import type { ListSpec } from '../store/list.js';
import { type TenantStatement, tenantStatement } from '../store/statement.js';
import { toMembers } from './rights.store.js';

export type BlockField = 'number' | 'code' | 'name' | 'description' | 'osFamily' | 'createdAt';

export interface BlockRow {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly name: string;
}

export interface EnvironmentOfBlock {
  readonly number: number;
  readonly code: string;
  readonly name: string;
}

/** What OS builds and applications have in common: the statements of either. */
export interface BlockStatements {
  readonly list: ListSpec<BlockField>;
  /** `$2` number or `$3` code. */
  readonly select: TenantStatement<BlockRow>;
  /** `$2` its key, `$3` user, `$4` whether they see all: the environments it is in that they see. */
  readonly environments: TenantStatement<EnvironmentOfBlock>;
  /** `$2` number, `$3` name, `$4` description, `$5` OS family. */
  readonly insert: TenantStatement<{ uid: number }>;
  readonly delete: TenantStatement<object>;
}

/** `Linux -> CentOS` */
const FAMILY = `case when p.uid is null then f.name else p.name || ' -> ' || f.name end`;

function listOf(table: string): ListSpec<BlockField> {
  return {
    from: `${table} b left join os_families f on f.uid = b.os_family_uid left join os_families p on p.uid = f.parent_uid`,
    fields: {
      number: { sql: 'b.number', type: 'integer' },
      code: { sql: 'b.code', type: 'name' },
      name: { sql: 'b.name', type: 'text' },
      description: { sql: 'b.description', type: 'text' },
      osFamily: { sql: FAMILY, type: 'text' },
      createdAt: { sql: 'b.created_at', type: 'time' },
    },
    confine: toMembers('b'),
    defaultSort: [{ field: 'number' }],
    tieBreak: 'b.uid',
    search: ['name'],
  };
}

const SEEN = `($4 or exists (select from group_environments ge join ordering_groups g on g.uid = ge.group_uid
  join ordering_members m on m.tenant_id = $1 and m.group_uid = any(g.path) where ge.environment_uid = e.uid and m.user_id = $3))`;

export const OS_BUILDS: BlockStatements = {
  list: listOf('os_builds'),
  select: tenantStatement(
    'os_builds_select',
    `select b.uid::integer as uid, b.number::integer as number, b.code, b.name from os_builds b
     where b.tenant_id = $1 and (b.number = $2 or b.code = $3)`,
  ),
  environments: tenantStatement(
    'os_builds_environments',
    `select e.number::integer as number, e.code, e.name from environment_os_builds x
     join ordering_environments e on e.uid = x.environment_uid
     where x.tenant_id = $1 and x.os_build_uid = $2 and ${SEEN} order by e.number limit 1000`,
  ),
  insert: tenantStatement(
    'os_builds_insert',
    `insert into os_builds (tenant_id, number, name, description, os_family_uid) values ($1, $2, $3, $4, $5)
     returning uid::integer as uid`,
  ),
  delete: tenantStatement(
    'os_builds_delete',
    'delete from os_builds b where b.tenant_id = $1 and b.uid = $2',
  ),
};

export const APPLICATIONS: BlockStatements = {
  list: listOf('applications'),
  select: tenantStatement(
    'applications_select',
    `select b.uid::integer as uid, b.number::integer as number, b.code, b.name from applications b
     where b.tenant_id = $1 and (b.number = $2 or b.code = $3)`,
  ),
  environments: tenantStatement(
    'applications_environments',
    `select e.number::integer as number, e.code, e.name from environment_applications x
     join ordering_environments e on e.uid = x.environment_uid
     where x.tenant_id = $1 and x.application_uid = $2 and ${SEEN} order by e.number limit 1000`,
  ),
  insert: tenantStatement(
    'applications_insert',
    `insert into applications (tenant_id, number, name, description, os_family_uid) values ($1, $2, $3, $4, $5)
     returning uid::integer as uid`,
  ),
  delete: tenantStatement(
    'applications_delete',
    'delete from applications b where b.tenant_id = $1 and b.uid = $2',
  ),
};

/** `$2` name, `$3` parent. */
export const insertFamily = tenantStatement<{ uid: number }>(
  'os_families_insert',
  `insert into os_families (tenant_id, name, parent_uid) values ($1, $2, $3)
   on conflict (tenant_id, name) do update set name = excluded.name returning uid::integer as uid`,
);

/** `$2` OS build, `$3` cloud account, `$4` image. */
export const insertImage = tenantStatement(
  'os_build_images_insert',
  `insert into os_build_images (tenant_id, os_build_uid, cloud_account_uid, image) values ($1, $2, $3, $4)
   on conflict (tenant_id, cloud_account_uid, image) do update set os_build_uid = excluded.os_build_uid`,
);

/** `$2` OS builds, `$3` cloud account: what stands for each there. */
export const selectImages = tenantStatement<{ osBuildUid: number; image: string }>(
  'os_build_images_select',
  `select i.os_build_uid::integer as "osBuildUid", i.image from os_build_images i
   where i.tenant_id = $1 and i.os_build_uid = any($2::bigint[]) and i.cloud_account_uid = $3`,
);
