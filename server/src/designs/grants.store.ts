import type { UserId } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

export const upsertUserGrant = tenantStatement(
  'design_grants_upsert_user',
  `insert into design_grants (tenant_id, design_uid, user_id, may_edit) values ($1, $2, $3, $4)
   on conflict (design_uid, user_id) where user_id is not null do update set may_edit = excluded.may_edit`,
);

/** `$3`: UUID of a team of the tenant. */
export const upsertTeamGrant = tenantStatement(
  'design_grants_upsert_team',
  `insert into design_grants (tenant_id, design_uid, team_uid, may_edit)
   select $1, $2::bigint, tm.uid, $4::boolean from teams tm where tm.tenant_id = $1 and tm.id = $3 and tm.deleted_at is null
   on conflict (design_uid, team_uid) where team_uid is not null do update set may_edit = excluded.may_edit`,
);

export const deleteUserGrant = tenantStatement(
  'design_grants_delete_user',
  'delete from design_grants g where g.tenant_id = $1 and g.design_uid = $2 and g.user_id = $3',
);

export const deleteTeamGrant = tenantStatement(
  'design_grants_delete_team',
  `delete from design_grants g using teams tm
   where g.tenant_id = $1 and tm.tenant_id = $1 and g.team_uid = tm.uid and g.design_uid = $2 and tm.id = $3`,
);

export interface UserGrantRow {
  readonly id: string;
  readonly username: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly avatarUrl: string;
  readonly email: string;
  readonly mayEdit: boolean;
}

export const selectUserGrants = tenantStatement<UserGrantRow>(
  'design_grants_select_users',
  `select u.uuid as id, u.username, coalesce(u.first_name, '') as "firstName", coalesce(u.last_name, '') as "lastName",
     coalesce(u.avatar_url, '') as "avatarUrl", coalesce(u.email, '') as email, g.may_edit as "mayEdit"
   from design_grants g join users u on u.id = g.user_id where g.tenant_id = $1 and g.design_uid = $2 order by g.created_at limit 1000`,
);

export const selectTeamGrants = tenantStatement<{
  id: string;
  name: string;
  description: string;
  mayEdit: boolean;
}>(
  'design_grants_select_teams',
  `select tm.id, tm.name, tm.description, g.may_edit as "mayEdit" from design_grants g
   join teams tm on tm.uid = g.team_uid and tm.tenant_id = g.tenant_id
   where g.tenant_id = $1 and g.design_uid = $2 order by g.created_at limit 1000`,
);

/** Who is meant by these addresses or names, in lower case. */
export const selectByAddresses = systemStatement<{ id: UserId; address: string }>(
  'design_grants_select_people',
  `select u.id, lower(coalesce(u.email, u.username)) as address from users u
   where lower(u.email) = any($1::text[]) or lower(u.username) = any($1::text[])`,
  'a design may be shared with anybody whose address is known',
);
