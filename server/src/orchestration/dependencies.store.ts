import { sql } from 'kysely';
import type { Json } from '../dsl/plan.js';
import type { DeploymentUid } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export type DependencyField =
  | 'id'
  | 'creator'
  | 'sourceId'
  | 'targetId'
  | 'targetFunction'
  | 'externalSource'
  | 'externalTarget'
  | 'visibility'
  | 'tenantName'
  | 'createdBy'
  | 'createdAt';

export const dependencyList: ListSpec<DependencyField> = {
  from: `deployment_dependencies p
    left join deployments s on s.uid = p.source_uid
    left join deployments g on g.uid = p.target_uid
    join tenants t on t.id = p.tenant_id
    join users u on u.id = p.created_by`,
  driver: { table: 'deployment_dependencies', alias: 'p', key: 'uid' },
  fields: {
    id: { sql: 'p.id', type: 'text' },
    creator: { sql: 'p.creator', type: 'text' },
    sourceId: { sql: 's.id', type: 'text' },
    targetId: { sql: 'g.id', type: 'text' },
    targetFunction: { sql: 'p.target_function', type: 'json' },
    externalSource: { sql: 'p.external_source', type: 'json' },
    externalTarget: { sql: 'p.external_target', type: 'json' },
    visibility: { sql: 'p.visibility', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
    createdAt: { sql: 'p.created_at', type: 'time' },
  },
  confine: (scope) =>
    ownTenant('p', { visibility: true })(scope).map(
      (branch) =>
        sql`${branch} and (${scope.seesPrivate} or not exists (select from deployments v
          where v.uid in (p.source_uid, p.target_uid) and v.visibility = 'private' and v.created_by <> ${scope.userId}))`,
    ),
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 'p.uid',
  search: ['creator'],
};

/**
 * Dependencies of deployment `$2`, made or made anew: `$5` a JSON array of `{id, creator, target, function, externalTarget}`, a
 * target by its id. `$3` user, `$4` visibility. A target that the user cannot see counts as none.
 */
export const upsertDependencies = tenantStatement<{ id: string; target: DeploymentUid | null }>(
  'dependencies_upsert',
  `insert into deployment_dependencies (tenant_id, id, creator, source_uid, target_uid, target_function, visibility, created_by)
   select $1::bigint, n.id, n.creator, $2::bigint,
     (select d.uid from deployments d where d.id = n.target
        and ((d.tenant_id = $1 and (d.visibility <> 'private' or d.created_by = $3)) or d.visibility = 'global')
      order by (d.tenant_id = $1) desc limit 1),
     n.function, $4, $3::bigint
   from json_to_recordset($5) as n(id text, creator text, target text, function json)
   on conflict (source_uid, creator) where source_uid is not null and external_target is null
     do update set target_uid = excluded.target_uid, target_function = excluded.target_function
   returning id, target_uid as target`,
);

/** One that leads to or from another installation. `$3` creator, `$4` source, `$5` target, then the two ends told, visibility, user. */
export const insertExternal = tenantStatement(
  'dependency_insert_external',
  `insert into deployment_dependencies (tenant_id, id, creator, source_uid, target_uid, external_source, external_target, visibility, created_by)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
);

export interface DependencyRow {
  readonly id: string;
  readonly uid: number;
  readonly sourceUid: DeploymentUid | null;
  readonly targetUid: DeploymentUid | null;
}

/** By `$2` creator and `$3` source, or by what they lead to elsewhere (`$4`, `$5`). */
export const selectDependency = tenantStatement<DependencyRow>(
  'dependency_select',
  `select p.id, p.uid, p.source_uid as "sourceUid", p.target_uid as "targetUid" from deployment_dependencies p
   where p.tenant_id = $1 and p.creator = $2 and p.source_uid is not distinct from $3
     and p.external_source::jsonb is not distinct from $4::jsonb and p.external_target::jsonb is not distinct from $5::jsonb
   for update`,
);

export const deleteDependency = tenantStatement(
  'dependency_delete',
  'delete from deployment_dependencies p where p.tenant_id = $1 and p.uid = $2',
);

/** Targets of those of deployment `$2` that are not made by `$3`, which go. */
export const deleteOtherDependencies = tenantStatement<{ target: DeploymentUid | null }>(
  'dependencies_delete_others',
  `delete from deployment_dependencies p where p.tenant_id = $1 and p.source_uid = $2 and not p.creator = any($3::text[])
   returning p.target_uid as target`,
);

/** The same, of those alone whose creator is like `$4`. */
export const deleteOutdatedDependencies = tenantStatement<{ target: DeploymentUid | null }>(
  'dependencies_delete_outdated',
  `delete from deployment_dependencies p
   where p.tenant_id = $1 and p.source_uid = $2 and not p.creator = any($3::text[]) and p.creator like $4
   returning p.target_uid as target`,
);

/** Whether deployment `$2` stands on deployment `$3`, be it by others. */
export const standsOn = tenantStatement<{ found: boolean }>(
  'dependency_stands_on',
  `with recursive below (uid) as (
     select p.target_uid from deployment_dependencies p where p.tenant_id = $1 and p.source_uid = $2
     union select p.target_uid from below join deployment_dependencies p on p.source_uid = below.uid and p.tenant_id = $1)
   select exists (select from below where below.uid = $3) as found`,
);

export interface Dependent {
  readonly id: string;
  readonly creator: string;
}

/** Who stands on deployment `$2`: by dependencies, and inside it. `$3`: an execution whose own deployment does not count. */
export const selectDependents = tenantStatement<Dependent>(
  'dependents_select',
  `select coalesce(case when s.tenant_id = $1 then s.id when s.uid is not null then 'one of another tenant' end, p.external_source ->> 'deployment',
       'one of another installation') as id, p.creator
   from deployment_dependencies p left join deployments s on s.uid = p.source_uid
   where p.target_uid = $2 and p.source_uid is distinct from $2
     and p.source_uid is distinct from coalesce((select x.deployment_uid from executions x where x.tenant_id = $1 and x.id = $3), 0)
     and not ($4 and exists (
       with recursive above (id, depth) as (
         select s.id, 0
         union select l.value, above.depth + 1 from above
           join deployments a on a.tenant_id = $1 and a.id = above.id
           join deployment_labels l on l.tenant_id = $1 and l.deployment_uid = a.uid and l.key = 'csys-obj-parent'
           where above.depth < 50)
       select from above join deployments o on o.tenant_id = $1 and o.id = above.id where o.uid = $2 and s.tenant_id = $1))
     and (p.tenant_id = $1 or exists (select from deployments d where d.tenant_id = $1 and d.uid = $2))
   order by p.uid limit 10`,
);

/** The label by which a deployment `$2` knows its consumer `$3`; put on (`$4` the user) and taken off. */
export const addConsumer = tenantStatement(
  'dependency_add_consumer',
  `insert into deployment_labels (tenant_id, deployment_uid, key, value, created_by)
   select $1::bigint, d.uid, 'csys-consumer-id', $3, $4 from deployments d where d.tenant_id = $1 and d.uid = $2
   on conflict do nothing`,
);

export const dropConsumer = tenantStatement(
  'dependency_drop_consumer',
  `delete from deployment_labels l where l.tenant_id = $1 and l.deployment_uid = $2 and l.key = 'csys-consumer-id' and l.value = $3
     and not exists (select from deployment_dependencies p join deployments s on s.uid = p.source_uid
       where p.tenant_id = $1 and s.tenant_id = $1 and p.target_uid = $2 and s.id = $3)`,
);

/** Who stands on deployment `$2`, for those who evaluate in it. */
export const selectConsumers = tenantStatement<{ id: string; name: string }>(
  'dependency_consumers',
  `select distinct s.id, s.display_name as name from deployment_dependencies p join deployments s on s.uid = p.source_uid
   where p.tenant_id = $1 and s.tenant_id = $1 and p.target_uid = $2 order by 1`,
);

/** The deployments of group `$2`, as a deployment of `$3` (a username) sees them. */
export const selectGroupMembers = tenantStatement<{
  id: string;
  capabilities: Readonly<Record<string, { value: Json }>>;
}>(
  'group_members_select',
  `select d.id, d.capabilities from deployment_groups g
   join deployment_group_members m on m.group_uid = g.uid join deployments d on d.uid = m.deployment_uid
   join users u on u.id = d.created_by
   where g.tenant_id = $1 and m.tenant_id = $1 and d.tenant_id = $1 and g.id = $2 and (d.visibility <> 'private' or u.username = $3)
   order by d.id limit 1000`,
);
