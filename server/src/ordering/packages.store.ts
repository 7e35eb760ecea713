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
