import type { TenantId } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

export type InvitationField =
  | 'id'
  | 'tenant'
  | 'name'
  | 'description'
  | 'emails'
  | 'roles'
  | 'teams'
  | 'enabled'
  | 'quota'
  | 'expiresAt'
  | 'isDefault'
  | 'owner'
  | 'acceptedBy'
  | 'createdAt'
  | 'updatedAt';

export const INVITATION_LIST: ListSpec<InvitationField> = {
  from: 'invitations i join tenants t on t.id = i.tenant_id left join users o on o.id = i.owner_id',
  driver: { table: 'invitations', alias: 'i', key: 'uid' },
  fields: {
    id: { sql: 'i.id', type: 'name' },
    tenant: { sql: 't.uuid', type: 'name' },
    name: { sql: 'i.name', type: 'text' },
    description: { sql: 'i.description', type: 'text' },
    emails: { sql: 'to_json(i.emails)', type: 'json' },
    roles: { sql: 'to_json(i.roles)', type: 'json' },
    teams: { sql: 'to_json(i.teams)', type: 'json' },
    enabled: { sql: 'i.enabled', type: 'boolean' },
    quota: { sql: 'i.quota', type: 'integer' },
    expiresAt: { sql: 'i.expires_at', type: 'time' },
    isDefault: { sql: 'i.is_default', type: 'boolean' },
    owner: { sql: 'o.uuid', type: 'name' },
    acceptedBy: {
      sql: `(select coalesce(json_agg(u.uuid order by a.accepted_at), '[]') from invitation_acceptances a
        join users u on u.id = a.user_id where a.tenant_id = i.tenant_id and a.invitation_uid = i.uid)`,
      type: 'json',
    },
    createdAt: { sql: 'i.created_at', type: 'time' },
    updatedAt: { sql: 'i.updated_at', type: 'time' },
  },
  confine: ownTenant('i', { visibility: false }),
  defaultSort: [{ field: 'updatedAt', descending: true }],
  tieBreak: 'i.uid',
  search: ['name'],
};

export const insertInvitation = tenantStatement<{ id: string }>(
  'invitations_insert',
  `insert into invitations (tenant_id, name, description, emails, roles, teams, enabled, quota, expires_at, is_default, owner_id)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id`,
);

/** Null: as it is. */
export const updateInvitation = tenantStatement<{ id: string }>(
  'invitations_update',
  `update invitations i set name = coalesce($3, i.name), description = coalesce($4, i.description), emails = coalesce($5, i.emails),
     roles = coalesce($6, i.roles), teams = coalesce($7, i.teams), enabled = coalesce($8, i.enabled), quota = coalesce($9, i.quota),
     expires_at = coalesce($10, i.expires_at), is_default = coalesce($11, i.is_default), updated_at = now()
   where i.tenant_id = $1 and i.id = $2 returning i.id`,
);

export const deleteInvitation = tenantStatement<{ id: string }>(
  'invitations_delete',
  'delete from invitations i where i.tenant_id = $1 and i.id = $2 returning i.id',
);

export interface OpenInvitationRow {
  readonly uid: number;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly emails: readonly string[];
  readonly roles: readonly string[];
  readonly teams: readonly string[];
  readonly enabled: boolean;
  readonly quota: number | null;
  readonly expired: boolean;
  readonly accepted: number;
  readonly email: string | null;
  readonly username: string;
  readonly hasAccepted: boolean;
}

/** `$1` invitation, `$2` user. */
export const lockOpenInvitation = systemStatement<OpenInvitationRow>(
  'invitations_lock_open',
  `select i.uid, i.tenant_id as "tenantId", t.name as "tenantName", i.emails, i.roles, i.teams::text[] as teams, i.enabled, i.quota,
     coalesce(i.expires_at <= now(), false) as expired, u.email, u.username,
     (select count(*)::integer from invitation_acceptances a where a.invitation_uid = i.uid) as accepted,
     exists (select from invitation_acceptances a where a.invitation_uid = i.uid and a.user_id = u.id) as "hasAccepted"
   from invitations i join tenants t on t.id = i.tenant_id, users u where i.id = $1 and u.id = $2 for no key update of i`,
  'who accepts an invitation is not in its tenant yet',
);

export const insertAcceptance = tenantStatement(
  'invitations_insert_acceptance',
  'insert into invitation_acceptances (tenant_id, invitation_uid, user_id) values ($1, $2, $3) on conflict do nothing',
);
