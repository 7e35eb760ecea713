/**
 * Deployments inside others: a deployment is a child of those whose ids its labels `csys-obj-parent` name; it is an
 * environment when its label `csys-obj-type` says so, and a service otherwise (cloudify.md §4.14).
 *
 * Everything is computed from the labels when it is read. `is_parent` spares that for deployments that nobody ever named.
 */
import { tenantStatement } from '../store/statement.js';

const PARENT = 'csys-obj-parent';
/** Deployments deep; more than anybody nests, so that labels that lead in a circle do too. */
const DEEPEST = 50;

const IS_ENVIRONMENT = `exists (select from deployment_labels o
  where o.deployment_uid = c.uid and o.tenant_id = c.tenant_id and o.key = 'csys-obj-type' and lower(o.value) = 'environment')`;

const CHILDREN_OF = (parent: string) => `select c.uid, c.tenant_id, c.id, c.health
  from deployment_labels l join deployments c on c.uid = l.deployment_uid and c.tenant_id = l.tenant_id
  where l.tenant_id = ${parent}.tenant_id and l.key = '${PARENT}' and l.value = ${parent}.id and c.uid <> d.uid`;

/** `of` over the descendants `c` of `d`, or over its children alone. */
function family(of: string, otherwise: string, all: boolean): string {
  const below = all
    ? `(with recursive below (uid, tenant_id, id, health, depth) as (
        select e.*, 1 from (${CHILDREN_OF('d')}) e
        union select e.*, below.depth + 1 from below, lateral (${CHILDREN_OF('below')}) e where below.depth < ${DEEPEST})
      select distinct uid, tenant_id, id, health from below)`
    : `(${CHILDREN_OF('d')})`;
  return `(case when d.is_parent then (select ${of} from ${below} c) else ${otherwise} end)`;
}

const WORST = (
  of: string,
) => `case max(case ${of} when 'requires-attention' then 3 when 'in-progress' then 2 when 'good' then 1 end)
  when 3 then 'requires-attention' when 2 then 'in-progress' when 1 then 'good' end`;

export const SERVICES_COUNT = family(`(count(*) filter (where not ${IS_ENVIRONMENT}))::integer`, '0', true);
export const ENVIRONMENTS_COUNT = family(`(count(*) filter (where ${IS_ENVIRONMENT}))::integer`, '0', true);
export const DIRECT_SERVICES_COUNT = family(
  `(count(*) filter (where not ${IS_ENVIRONMENT}))::integer`,
  '0',
  false,
);
export const DIRECT_ENVIRONMENTS_COUNT = family(
  `(count(*) filter (where ${IS_ENVIRONMENT}))::integer`,
  '0',
  false,
);
export const SERVICES_HEALTH = family(
  WORST(`case when not ${IS_ENVIRONMENT} then c.health end`),
  'null',
  true,
);
export const ENVIRONMENTS_HEALTH = family(
  WORST(`case when ${IS_ENVIRONMENT} then c.health end`),
  'null',
  true,
);
export const HAS_CHILDREN = family('count(*) > 0', 'false', false);
/** The worst of the deployment's own and of its descendants'. */
export const WHOLE_HEALTH = `(case when d.is_parent then (select ${WORST('w.health')} from (
    select d.health union all select ${SERVICES_HEALTH} union all select ${ENVIRONMENTS_HEALTH}) w (health)) else d.health end)`;
export const ENVIRONMENT_TYPE = `(case when position('csys-env-type' in d.labels::text) > 0
  then coalesce((select min(l.value) from deployment_labels l
    where l.deployment_uid = d.uid and l.tenant_id = d.tenant_id and l.key = 'csys-env-type'), '') else '' end)`;

/** Of the ids `$2` those that name no deployment of the tenant. */
export const missingParents = tenantStatement<{ id: string }>(
  'deployment_missing_parents',
  `select g.id from unnest($2::text[]) as g (id)
   where not exists (select from deployments d where d.tenant_id = $1 and d.id = g.id)`,
);

export const markParents = tenantStatement(
  'deployment_mark_parents',
  `update deployments d set is_parent = true where d.tenant_id = $1 and d.id = any($2::text[]) and not d.is_parent`,
);

/** Whether deployment `$2` is among the ancestors of the deployments `$3`, or one of them. */
export const isAncestor = tenantStatement<{ found: boolean }>(
  'deployment_is_ancestor',
  `with recursive above (id, depth) as (
     select g.id, 1 from unnest($3::text[]) as g (id)
     union select l.value, above.depth + 1 from above
       join deployments d on d.tenant_id = $1 and d.id = above.id
       join deployment_labels l on l.tenant_id = $1 and l.deployment_uid = d.uid and l.key = '${PARENT}'
       where above.depth < ${DEEPEST})
   select exists (select from above where above.id = $2) as found`,
);

/** Ids of the deployments that name `$2` as their parent. */
export const childrenOf = tenantStatement<{ id: string; isService: boolean }>(
  'deployment_children',
  `select c.id, not ${IS_ENVIRONMENT} as "isService" from deployment_labels l
   join deployments c on c.uid = l.deployment_uid and c.tenant_id = $1
   where l.tenant_id = $1 and l.key = '${PARENT}' and l.value = $2 order by c.id limit 1000`,
);
