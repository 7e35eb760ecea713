import { tenantStatement } from '../store/statement.js';

export interface ContentRow {
  readonly kind: 'action' | 'server' | 'resource' | 'trigger' | 'offer' | 'rule';
  readonly number: number;
  readonly code: string;
  readonly name: string;
}

/** Everything that can be carried, at most a thousand of each kind. */
export const selectContentOf = tenantStatement<ContentRow>(
  'packages_content',
  `(select 'action' as kind, a.number::integer as number, a.code, a.name from actions a
     where a.tenant_id = $1 order by a.number limit 1000)
   union all
   (select u.used_on, u.number::integer, u.code, u.label from action_uses u
     where u.tenant_id = $1 and u.action_uid is not null order by u.number limit 1000)
   union all
   (select 'offer', o.number::integer, o.code, o.name from offers o where o.tenant_id = $1 order by o.number limit 1000)
   union all
   (select 'rule', r.number::integer, r.code, r.name from ordering_rules r where r.tenant_id = $1 order by r.number limit 1000)`,
);

/** A thing of this installation that a package names. */
export interface PlaceRow {
  readonly uid: number;
  readonly code: string;
  readonly name: string;
}

/** Groups that have one of codes `$2`, or of names `$3` in lower case. */
export const selectGroupsNamed = tenantStatement<PlaceRow>(
  'packages_groups_named',
  `select g.uid::integer as uid, g.code, g.name from ordering_groups g
   where g.tenant_id = $1 and (g.code = any($2::text[]) or lower(g.name) = any($3::text[])) order by g.number limit 1000`,
);

/** Likewise. */
export const selectEnvironmentsNamed = tenantStatement<PlaceRow>(
  'packages_environments_named',
  `select e.uid::integer as uid, e.code, e.name from ordering_environments e
   where e.tenant_id = $1 and (e.code = any($2::text[]) or lower(e.name) = any($3::text[])) order by e.number limit 1000`,
);
