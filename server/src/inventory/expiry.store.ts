import type { TenantId, UserId } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import type { Power } from './handlers/handler.js';

export type ExpiryAction = 'notify' | 'power-off' | 'delete';

export interface ExpiringRow {
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly uid: number;
  readonly number: number;
  readonly hostname: string;
  /** `YYYY-MM-DD` */
  readonly expiresOn: string;
  /** The day has come. */
  readonly due: boolean;
  readonly power: Power;
  readonly groupUid: number | null;
  readonly groupNumber: number | null;
  readonly ownerId: UserId | null;
  readonly ownerName: string | null;
  readonly action: ExpiryAction;
}

/** What the nearest group says, from the server's own upwards. */
const said = (column: string) => `(select a.${column} from ordering_groups a
  where a.uid = any(g.path) and a.${column} is not null order by cardinality(a.path) desc limit 1)`;

/** `$1` today, `$2` what is done where no group says it, `$3` days of notice likewise, `$4` how many. */
export const selectExpiring = systemStatement<ExpiringRow>(
  'expiry_select',
  `select s.tenant_id::integer as "tenantId", t.name as "tenantName", s.uid, s.number::integer as number, s.hostname,
     s.expires_on::text as "expiresOn", s.expires_on <= $1::date as due, s.power, g.uid::integer as "groupUid",
     g.number::integer as "groupNumber", s.owner_id::integer as "ownerId", u.username as "ownerName",
     coalesce(${said('expiry_action')}, $2) as action
   from servers s join tenants t on t.id = s.tenant_id left join ordering_groups g on g.uid = s.group_uid
   left join users u on u.id = s.owner_id
   where s.expires_on is not null and s.status <> 'historical' and s.expiry_handled_for is distinct from s.expires_on
     and s.expires_on <= $1::date + (select greatest($3::integer, coalesce(max(a.expiry_notice_days), 0)) from ordering_groups a)
     and case when s.expires_on <= $1::date then s.status = 'active' else s.expiry_noticed_for is distinct from s.expires_on
       and s.expires_on - coalesce(${said('expiry_notice_days')}, $3::integer) <= $1::date end
   order by s.expires_on, s.uid limit $4`,
  'time passes in all tenants; what is done is said of one, and confined to it',
);

/** `$3` the day: somebody may have chosen another meanwhile, or have told of it. */
export const claimNotice = tenantStatement<{ uid: number }>(
  'expiry_claim_notice',
  `update servers s set expiry_noticed_for = s.expires_on
   where s.tenant_id = $1 and s.uid = $2 and s.expires_on = $3::date and s.expiry_noticed_for is distinct from s.expires_on
   returning s.uid`,
);

/** Likewise of what is done. */
export const claimExpiry = tenantStatement<{ uid: number }>(
  'expiry_claim',
  `update servers s set expiry_handled_for = s.expires_on, expiry_handled_at = now()
   where s.tenant_id = $1 and s.uid = $2 and s.expires_on = $3::date and s.expiry_handled_for is distinct from s.expires_on
   returning s.uid`,
);

/** `$2` whom, `$3` in a word, `$4` a sentence. */
export const tellPerson = tenantStatement(
  'expiry_tell',
  `insert into notices (tenant_id, user_id, category, action, severity, description) values ($1, $2, 'server', $3, 'warning', $4)`,
);

export const selectFirstAdministrator = systemStatement<{ id: UserId; username: string }>(
  'expiry_administrator',
  'select u.id::integer as id, u.username from users u where u.builtin order by u.id limit 1',
  'users belong to no tenant; whose server has no owner who may is acted on by the first administrator',
);
