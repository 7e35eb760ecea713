/** What lists of deployments and executions can be asked beyond their fields. The values are conditions' parameters, never text. */
import { sql } from 'kysely';
import type { ListSpec } from '../store/list.js';

type Selections = NonNullable<ListSpec<string>['selections']>;

export const DEPLOYMENT_SELECTIONS: Selections = {
  /** A key, and values of which the label must have one; no value: any. */
  label: ([key, ...values]) => sql`exists (select from deployment_labels l
    where l.tenant_id = d.tenant_id and l.deployment_uid = d.uid and l.key = ${key}
      and ${values.length === 0 ? sql`true` : sql`l.value = any(${values}::text[])`})`,
  /** In one of these groups. */
  group: (
    ids,
  ) => sql`exists (select from deployment_group_members m join deployment_groups g on g.uid = m.group_uid
    where m.tenant_id = d.tenant_id and m.deployment_uid = d.uid and g.id = any(${[...ids]}::text[]))`,
  /** Some execution schedule starts executions on it. */
  schedules: () =>
    sql`exists (select from execution_schedules s where s.deployment_uid = d.uid and s.tenant_id = d.tenant_id)`,
  /** One of these deployments stands on it, be it by others. */
  'dependencies-of': (ids) => sql`d.uid in (with recursive below (uid) as (
      select p.target_uid from deployments o join deployment_dependencies p on p.source_uid = o.uid
        where o.tenant_id = d.tenant_id and o.id = any(${[...ids]}::text[])
      union select p.target_uid from below join deployment_dependencies p on p.source_uid = below.uid)
    select below.uid from below where below.uid is not null)`,
  /** It has the label csys-obj-type environment. */
  environments: () => sql`exists (select from deployment_labels l
    where l.tenant_id = d.tenant_id and l.deployment_uid = d.uid and l.key = 'csys-obj-type' and lower(l.value) = 'environment')`,
};

export const EXECUTION_SELECTIONS: Selections = {
  /** Started by one of these execution groups. */
  group: (ids) => sql`exists (select from execution_groups g
    where g.uid = x.group_uid and g.tenant_id = x.tenant_id and g.id = any(${[...ids]}::text[]))`,
};
