import { type RawBuilder, sql } from 'kysely';
import type { TenantId, UserId } from '../ids.js';
import type { ListScope, ListSpec } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

export type DesignKind = 'design' | 'filter' | 'view';
export type DesignVisibility = 'private' | 'public' | 'published';

export type DesignField =
  | 'id'
  | 'kind'
  | 'name'
  | 'tenant'
  | 'tenantTitle'
  | 'workspace'
  | 'workspaceName'
  | 'owner'
  | 'ownerName'
  | 'ownerPerson'
  | 'body'
  | 'visibility'
  | 'origin'
  | 'source'
  | 'catalogData'
  | 'location'
  | 'metadata'
  | 'views'
  | 'shares'
  | 'downloads'
  | 'clones'
  | 'deployments'
  | 'createdAt'
  | 'updatedAt';

/** By a grant to the user or one of their teams, or by a team of its workspace. */
const granted = (
  user: UserId,
) => sql`(exists (select from design_grants g where g.design_uid = d.uid and (g.user_id = ${user}
    or g.team_uid in (select m.team_uid from team_members m join teams tm on tm.uid = m.team_uid and tm.deleted_at is null where m.user_id = ${user})))
  or exists (select from workspace_teams wt join team_members m on m.team_uid = wt.team_uid and m.user_id = ${user}
    join teams tm on tm.uid = m.team_uid and tm.deleted_at is null where wt.workspace_uid = d.workspace_uid))`;

/** Of the caller's tenant, as far as the caller may see them. */
function inTenant(scope: ListScope): RawBuilder<unknown> {
  if (scope.everyTenant) return sql`true`;
  const tenant = sql`d.tenant_id = ${scope.tenantId}`;
  if (scope.seesPrivate) return tenant;
  return sql`${tenant} and (d.visibility <> 'private' or d.owner_id = ${scope.userId} or ${granted(scope.userId)})`;
}

const COMMON = {
  from: `designs d join tenants t on t.id = d.tenant_id join workspaces w on w.uid = d.workspace_uid left join users o on o.id = d.owner_id`,
  driver: { table: 'designs', alias: 'd', key: 'uid' },
  fields: {
    id: { sql: 'd.id', type: 'name' },
    kind: { sql: 'd.kind', type: 'name' },
    name: { sql: 'd.name', type: 'text' },
    tenant: { sql: 't.uuid', type: 'name' },
    tenantTitle: { sql: 'coalesce(t.title, t.name)', type: 'text' },
    workspace: { sql: 'w.id', type: 'name' },
    workspaceName: { sql: 'w.name', type: 'text' },
    owner: { sql: 'o.uuid', type: 'name' },
    ownerName: { sql: 'o.username', type: 'text' },
    ownerPerson: {
      sql: `(case when o.id is not null then json_build_object('id', o.uuid, 'username', o.username, 'firstName', coalesce(o.first_name, ''),
        'lastName', coalesce(o.last_name, ''), 'avatarUrl', coalesce(o.avatar_url, '')) end)`,
      type: 'json',
    },
    body: { sql: 'd.body', type: 'text' },
    visibility: { sql: 'd.visibility', type: 'name' },
    origin: { sql: 'd.origin', type: 'text' },
    source: {
      sql: `(select encode(s.content, 'base64') from design_sources s where s.tenant_id = d.tenant_id and s.design_uid = d.uid)`,
      type: 'text',
    },
    catalogData: { sql: 'd.catalog_data', type: 'json' },
    location: { sql: 'd.location', type: 'json' },
    metadata: { sql: 'd.metadata', type: 'json' },
    views: { sql: 'd.views', type: 'integer' },
    shares: { sql: 'd.shares', type: 'integer' },
    downloads: { sql: 'd.downloads', type: 'integer' },
    clones: { sql: 'd.clones', type: 'integer' },
    deployments: { sql: 'd.deployments', type: 'integer' },
    createdAt: { sql: 'd.created_at', type: 'time' },
    updatedAt: { sql: 'd.updated_at', type: 'time' },
  },
  selections: {
    workspace: ([workspace]: readonly string[]) =>
      sql`d.workspace_uid = (select x.uid from workspaces x where x.id = ${workspace}::uuid)`,
    'other-workspace': ([workspace]: readonly string[]) =>
      sql`d.workspace_uid <> (select x.uid from workspaces x where x.id = ${workspace}::uuid)`,
    owner: ([user]: readonly string[]) =>
      sql`d.owner_id = (select x.id from users x where x.uuid = ${user}::uuid)`,
    'catalog-class': (words: readonly string[]) =>
      sql`lower(d.catalog_data ->> 'class') = any(${words.map((word) => word.toLowerCase())}::text[])`,
    'catalog-type': (words: readonly string[]) =>
      sql`lower(d.catalog_data ->> 'type') = any(${words.map((word) => word.toLowerCase())}::text[])`,
    technology: (words: readonly string[]) =>
      sql`exists (select from jsonb_array_elements_text(case when jsonb_typeof(d.catalog_data -> 'compatibility') = 'array'
        then d.catalog_data -> 'compatibility' else '[]' end) c where lower(c) = any(${words.map((word) => word.toLowerCase())}::text[]))`,
  },
  defaultSort: [{ field: 'updatedAt', descending: true }],
  tieBreak: 'd.uid',
  search: ['name'],
} as const satisfies Omit<ListSpec<DesignField>, 'confine'>;

export const DESIGN_LIST: ListSpec<DesignField> = { ...COMMON, confine: inTenant };

/** Shared with the caller, in whatever tenant. */
export const SHARED_LIST: ListSpec<DesignField> = {
  ...COMMON,
  confine: (scope) => sql`d.owner_id is distinct from ${scope.userId} and ${granted(scope.userId)}`,
};

/** Everything that the caller may look at, wherever they act: what is addressed by its id. */
export const REACHABLE_LIST: ListSpec<DesignField> = {
  ...COMMON,
  confine: (
    scope,
  ) => sql`(${inTenant(scope)} or d.visibility = 'published' or d.owner_id = ${scope.userId} or ${granted(scope.userId)}
    or (d.visibility <> 'private' and exists (select from tenant_users tu where tu.user_id = ${scope.userId} and tu.tenant_id = d.tenant_id)))`,
};

/** What everybody may look at, signed in or not. */
export const PUBLISHED_LIST: ListSpec<DesignField> = {
  ...COMMON,
  confine: () => sql`d.visibility = 'published'`,
};

export interface DesignRow {
  readonly uid: number;
  readonly id: string;
  readonly kind: DesignKind;
  readonly tenantId: TenantId;
  readonly name: string;
  readonly visibility: DesignVisibility;
  readonly ownerId: UserId | null;
  /** By a grant. */
  readonly mayEdit: boolean;
}

/** `$1` id, `$2` caller. */
export const lockDesign = systemStatement<DesignRow>(
  'designs_lock',
  `select d.uid, d.id, d.kind, d.tenant_id as "tenantId", d.name, d.visibility, d.owner_id as "ownerId",
     exists (select from design_grants g where g.design_uid = d.uid and g.may_edit and (g.user_id = $2
       or g.team_uid in (select m.team_uid from team_members m join teams tm on tm.uid = m.team_uid and tm.deleted_at is null where m.user_id = $2))) as "mayEdit"
   from designs d where d.id = $1 for no key update of d`,
  'a design may be shared with people of other tenants; the service asks who may do what',
);

export const insertDesign = tenantStatement<{ uid: number; id: string }>(
  'designs_insert',
  `insert into designs (tenant_id, id, workspace_uid, kind, owner_id, name, body, visibility, origin, catalog_data, location, metadata)
   values ($1, coalesce($2, gen_random_uuid()), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (id) do nothing returning uid, id`,
);

/** Null: as it is. */
export const updateDesign = tenantStatement(
  'designs_update',
  `update designs d set name = coalesce($3, d.name), body = coalesce($4, d.body), visibility = coalesce($5, d.visibility),
     origin = coalesce($6, d.origin), catalog_data = coalesce($7, d.catalog_data), location = coalesce($8, d.location),
     metadata = coalesce($9, d.metadata), updated_at = now() where d.tenant_id = $1 and d.uid = $2`,
);

export const publishDesign = tenantStatement(
  'designs_publish',
  `update designs d set visibility = $3, catalog_data = d.catalog_data || $4::jsonb, published_at = case when $3 = 'published' then now() end,
     updated_at = now() where d.tenant_id = $1 and d.uid = $2`,
);

export const deleteDesign = tenantStatement(
  'designs_delete',
  'delete from designs d where d.tenant_id = $1 and d.uid = $2',
);

/** `$2` design, `$3` workspace. */
export const moveDesign = tenantStatement(
  'designs_move',
  'update designs d set workspace_uid = $3, updated_at = now() where d.tenant_id = $1 and d.uid = $2',
);

const counting = (column: 'views' | 'shares' | 'downloads' | 'clones' | 'deployments') =>
  systemStatement(
    `designs_count_${column}`,
    `update designs set ${column} = ${column} + 1 where id = $1`,
    'whoever may look at a design is counted, of whatever tenant',
  );

export const COUNTERS = {
  views: counting('views'),
  shares: counting('shares'),
  downloads: counting('downloads'),
  clones: counting('clones'),
  deployments: counting('deployments'),
} as const;

export const upsertSource = tenantStatement(
  'designs_upsert_source',
  `insert into design_sources as s (tenant_id, design_uid, name, content) values ($1, $2, $3, $4)
   on conflict (design_uid) do update set name = excluded.name, content = excluded.content where s.tenant_id = excluded.tenant_id`,
);

export const selectSource = systemStatement<{ content: Buffer; name: string | null }>(
  'designs_select_source',
  'select s.content, s.name from design_sources s join designs d on d.uid = s.design_uid where d.id = $1',
  'the source of a design that the caller was just found to see',
);
