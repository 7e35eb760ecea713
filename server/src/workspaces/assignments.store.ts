/** What is put into workspaces and environments: for each pair a table between the two, and the same two statements. */
import { type TenantStatement, tenantStatement } from '../store/statement.js';

export interface AssignmentRow {
  readonly id: string;
  readonly createdAt: Date;
}

/** `$2` key of the holder, `$3` UUID of the thing. */
export interface AssignmentStatements {
  /** What the thing is called. */
  readonly word: string;
  /** Null: there is no such thing in the tenant. Putting again changes nothing. */
  readonly put: TenantStatement<AssignmentRow>;
  readonly take: TenantStatement<object>;
}

function between(
  table: string,
  holder: string,
  thing: { readonly word: string; readonly table: string; readonly column: string; readonly alive?: string },
): AssignmentStatements {
  const { word, table: things, column, alive = 'true' } = thing;
  return {
    word,
    put: tenantStatement<AssignmentRow>(
      `${table}_put`,
      `insert into ${table} as b (tenant_id, ${holder}, ${column})
       select $1, $2::bigint, it.uid from ${things} it where it.tenant_id = $1 and it.id = $3 and ${alive}
       on conflict (${holder}, ${column}) do update set created_at = b.created_at
       returning b.id, b.created_at as "createdAt"`,
    ),
    take: tenantStatement(
      `${table}_take`,
      `delete from ${table} b using ${things} it
       where b.tenant_id = $1 and it.tenant_id = $1 and b.${column} = it.uid and b.${holder} = $2 and it.id = $3`,
    ),
  };
}

export const TEAMS_OF_WORKSPACE = between('workspace_teams', 'workspace_uid', {
  word: 'Team',
  table: 'teams',
  column: 'team_uid',
  alive: 'it.deleted_at is null',
});
export const ENVIRONMENTS_OF_WORKSPACE = between('workspace_environments', 'workspace_uid', {
  word: 'Environment',
  table: 'account_environments',
  column: 'environment_uid',
});
export const ACCOUNTS_OF_ENVIRONMENT = between('environment_accounts', 'environment_uid', {
  word: 'Connection',
  table: 'cloud_accounts',
  column: 'cloud_account_uid',
});
