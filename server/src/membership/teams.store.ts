import { sql } from 'kysely';
import { type ListSpec, ownTenant } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';
import { MEMBER_LIST, type PersonField } from './members.store.js';

export type TeamField =
  | 'id'
  | 'name'
  | 'description'
  | 'owner'
  | 'metadata'
  | 'createdAt'
  | 'updatedAt'
  | 'deletedAt';

export const TEAM_LIST: ListSpec<TeamField> = {
  from: 'teams tm left join users o on o.id = tm.owner_id',
  driver: { table: 'teams', alias: 'tm', key: 'uid' },
  fields: {
    id: { sql: 'tm.id', type: 'name' },
    name: { sql: 'tm.name', type: 'text' },
    description: { sql: 'tm.description', type: 'text' },
    owner: { sql: 'o.uuid', type: 'name' },
    metadata: { sql: 'tm.metadata', type: 'json' },
    createdAt: { sql: 'tm.created_at', type: 'time' },
    updatedAt: { sql: 'tm.updated_at', type: 'time' },
    deletedAt: { sql: 'tm.deleted_at', type: 'time' },
  },
  confine: ownTenant('tm', { visibility: false }),
  selections: {
    live: () => sql`tm.deleted_at is null`,
    workspace: ([
      workspace,
    ]) => sql`exists (select from workspace_teams wt join workspaces w on w.uid = wt.workspace_uid
      where wt.tenant_id = tm.tenant_id and wt.team_uid = tm.uid and w.id = ${workspace}::uuid)`,
  },
  defaultSort: [{ field: 'updatedAt', descending: true }],
  tieBreak: 'tm.uid',
  search: ['name'],
};

/** Members of the tenant who are, or are not, in a team. */
export const TEAM_MEMBER_LIST: ListSpec<PersonField> = {
  ...MEMBER_LIST,
  selections: {
    in: ([team]) => sql`u.id in (select m.user_id from team_members m join teams tm on tm.uid = m.team_uid
      where m.tenant_id = tu.tenant_id and tm.id = ${team}::uuid)`,
    out: ([
      team,
    ]) => sql`u.id not in (select m.user_id from team_members m join teams tm on tm.uid = m.team_uid
      where m.tenant_id = tu.tenant_id and tm.id = ${team}::uuid)`,
  },
};

export interface TeamRow {
  readonly uid: number;
  readonly id: string;
  readonly name: string;
  readonly deletedAt: Date | null;
}

export const lockTeam = tenantStatement<TeamRow>(
  'teams_lock',
  'select tm.uid, tm.id, tm.name, tm.deleted_at as "deletedAt" from teams tm where tm.tenant_id = $1 and tm.id = $2 for no key update',
);

export const insertTeam = tenantStatement<{ id: string }>(
  'teams_insert',
  'insert into teams (tenant_id, name, description, metadata, owner_id) values ($1, $2, $3, $4, $5) returning id',
);

/** Null: as it is. */
export const updateTeam = tenantStatement(
  'teams_update',
  `update teams tm set name = coalesce($3, tm.name), description = coalesce($4, tm.description), metadata = coalesce($5, tm.metadata),
     updated_at = now() where tm.tenant_id = $1 and tm.uid = $2`,
);

export const deleteTeam = tenantStatement(
  'teams_delete',
  'delete from teams tm where tm.tenant_id = $1 and tm.uid = $2',
);

/** `$3`: laid aside, or taken up again. */
export const setAside = tenantStatement(
  'teams_set_aside',
  `update teams tm set deleted_at = case when $3::boolean then now() end, updated_at = now() where tm.tenant_id = $1 and tm.uid = $2`,
);

export interface TeamMemberRow {
  readonly id: string;
  readonly createdAt: Date;
}

export const insertTeamMember = tenantStatement<TeamMemberRow>(
  'teams_insert_member',
  `insert into team_members (tenant_id, team_uid, user_id) values ($1, $2, $3)
   on conflict (team_uid, user_id) do update set created_at = team_members.created_at
   returning id, created_at as "createdAt"`,
);

export const deleteTeamMember = tenantStatement(
  'teams_delete_member',
  'delete from team_members m where m.tenant_id = $1 and m.team_uid = $2 and m.user_id = $3',
);
