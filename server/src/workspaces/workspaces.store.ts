import { sql } from 'kysely';
import { type ListSpec, ownTenant } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export type WorkspaceField =
  | 'id'
  | 'name'
  | 'description'
  | 'tenant'
  | 'tenantTitle'
  | 'owner'
  | 'ownerName'
  | 'ownerEmail'
  | 'ownerAvatar'
  | 'isDefault'
  | 'metadata'
  | 'createdAt'
  | 'updatedAt';

export const WORKSPACE_LIST: ListSpec<WorkspaceField> = {
  from: 'workspaces w join tenants t on t.id = w.tenant_id left join users o on o.id = w.owner_id',
  driver: { table: 'workspaces', alias: 'w', key: 'uid' },
  fields: {
    id: { sql: 'w.id', type: 'name' },
    name: { sql: 'w.name', type: 'text' },
    description: { sql: 'w.description', type: 'text' },
    tenant: { sql: 't.uuid', type: 'name' },
    tenantTitle: { sql: 'coalesce(t.title, t.name)', type: 'text' },
    owner: { sql: 'o.uuid', type: 'name' },
    ownerName: { sql: 'o.username', type: 'text' },
    ownerEmail: { sql: 'o.email', type: 'text' },
    ownerAvatar: { sql: 'o.avatar_url', type: 'text' },
    isDefault: { sql: 'w.is_default', type: 'boolean' },
    metadata: { sql: 'w.metadata', type: 'json' },
    createdAt: { sql: 'w.created_at', type: 'time' },
    updatedAt: { sql: 'w.updated_at', type: 'time' },
  },
  confine: ownTenant('w', { visibility: false }),
  selections: {
    environment: ([
      environment,
    ]) => sql`exists (select from workspace_environments we join account_environments e on e.uid = we.environment_uid
      where we.tenant_id = w.tenant_id and we.workspace_uid = w.uid and e.id = ${environment}::uuid)`,
  },
  defaultSort: [{ field: 'updatedAt', descending: true }],
  tieBreak: 'w.uid',
  search: ['name'],
};

export interface WorkspaceRow {
  readonly uid: number;
  readonly id: string;
  readonly name: string;
  readonly isDefault: boolean;
}

const ROW = 'w.uid, w.id, w.name, w.is_default as "isDefault"';

export const lockWorkspace = tenantStatement<WorkspaceRow>(
  'workspaces_lock',
  `select ${ROW} from workspaces w where w.tenant_id = $1 and w.id = $2 for no key update`,
);

/** Locked, so that it is there until the transaction ends. */
export const selectDefaultWorkspace = tenantStatement<WorkspaceRow>(
  'workspaces_select_default',
  `select ${ROW} from workspaces w where w.tenant_id = $1 and w.is_default for key share`,
);

export const selectWorkspace = tenantStatement<WorkspaceRow>(
  'workspaces_select',
  `select ${ROW} from workspaces w where w.tenant_id = $1 and w.id = $2 for key share`,
);

export const insertWorkspace = tenantStatement<{ id: string }>(
  'workspaces_insert',
  'insert into workspaces (tenant_id, name, description, metadata, owner_id) values ($1, $2, $3, $4, $5) returning id',
);

/** Null: as it is. */
export const updateWorkspace = tenantStatement(
  'workspaces_update',
  `update workspaces w set name = coalesce($3, w.name), description = coalesce($4, w.description),
     metadata = coalesce($5, w.metadata), updated_at = now() where w.tenant_id = $1 and w.uid = $2`,
);

export const deleteWorkspace = tenantStatement(
  'workspaces_delete',
  'delete from workspaces w where w.tenant_id = $1 and w.uid = $2',
);

/** What was in a workspace that goes is in the default one (`$3`) then. */
export const moveDesigns = tenantStatement(
  'workspaces_move_designs',
  'update designs d set workspace_uid = $3 where d.tenant_id = $1 and d.workspace_uid = $2',
);
