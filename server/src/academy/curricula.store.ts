import { sql } from 'kysely';
import type { TenantId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

/** Once for each tenant: null where it was given already. */
export const insertGiven = tenantStatement<{ given: boolean }>(
  'curricula_insert_given',
  `insert into first_contents (tenant_id, content) values ($1, 'academy') on conflict do nothing returning true as given`,
);
export const selectGiven = systemStatement<{ admin: string | null; given: boolean }>(
  'curricula_select_given',
  `select (select u.username from users u where u.builtin and u.active order by u.id limit 1) as admin,
     exists (select from first_contents c join tenants t on t.id = c.tenant_id where t.name = $1 and c.content = 'academy') as given`,
  'finds who gives a tenant its first curriculum, before anybody calls',
);

export type CurriculumField =
  | 'id'
  | 'tenant'
  | 'type'
  | 'visibility'
  | 'status'
  | 'slug'
  | 'level'
  | 'title'
  | 'award'
  | 'invitation'
  | 'workspace'
  | 'team'
  | 'accessStatus'
  | 'accessExpiresAt'
  | 'metadata'
  | 'registrationCount'
  | 'createdAt'
  | 'updatedAt';

const COMMON = {
  from: 'curricula c join tenants t on t.id = c.tenant_id',
  driver: { table: 'curricula', alias: 'c', key: 'uid' },
  fields: {
    id: { sql: 'c.id', type: 'name' },
    tenant: { sql: 't.uuid', type: 'name' },
    type: { sql: 'c.type', type: 'name' },
    visibility: { sql: 'c.visibility', type: 'name' },
    status: { sql: 'c.status', type: 'name' },
    slug: { sql: 'c.slug', type: 'text' },
    level: { sql: 'c.level', type: 'name' },
    title: { sql: 'c.title', type: 'text' },
    award: { sql: 'c.award_id', type: 'name' },
    invitation: { sql: 'c.invitation_id', type: 'name' },
    workspace: { sql: 'c.workspace_id', type: 'name' },
    team: { sql: 'c.team_id', type: 'name' },
    accessStatus: { sql: 'c.access_status', type: 'text' },
    accessExpiresAt: { sql: 'c.access_expires_at', type: 'time' },
    metadata: { sql: 'c.metadata', type: 'json' },
    registrationCount: { sql: 'c.registration_count', type: 'integer' },
    createdAt: { sql: 'c.created_at', type: 'time' },
    updatedAt: { sql: 'c.updated_at', type: 'time' },
  },
  selections: {
    category: (
      words: readonly string[],
    ) => sql`(c.metadata ->> 'category' = any(${[...words]}::text[]) or exists (
      select from jsonb_array_elements_text(case when jsonb_typeof(c.metadata -> 'categories') = 'array' then c.metadata -> 'categories' else '[]' end) e
      where e = any(${[...words]}::text[])))`,
    /** Values: a user's key. */
    registered: ([
      user,
    ]: readonly string[]) => sql`exists (select from registrations r where r.tenant_id = c.tenant_id
      and r.curriculum_uid = c.uid and r.user_id = ${user}::bigint and r.status <> 'withdrawn')`,
  },
  defaultSort: [{ field: 'updatedAt', descending: true }],
  tieBreak: 'c.uid',
  search: ['title'],
} as const satisfies Omit<ListSpec<CurriculumField>, 'confine'>;

/** What is public, of whatever tenant, and what is private in a tenant that the caller is in. */
export const CURRICULUM_LIST: ListSpec<CurriculumField> = {
  ...COMMON,
  confine: (scope) =>
    scope.everyTenant
      ? sql`true`
      : sql`(c.visibility = 'public' or c.tenant_id = ${scope.tenantId}
          or exists (select from tenant_users tu where tu.user_id = ${scope.userId} and tu.tenant_id = c.tenant_id))`,
};

export interface CurriculumRow {
  readonly uid: number;
  readonly id: string;
  readonly tenantId: TenantId;
  readonly status: string;
  readonly title: string;
}

/** Of the tenant of the call. */
export const lockCurriculum = tenantStatement<CurriculumRow>(
  'curricula_lock',
  `select c.uid, c.id, c.tenant_id as "tenantId", c.status, c.title from curricula c where c.tenant_id = $1 and c.id = $2 for no key update`,
);

/** `$1` id, `$2` user: one that they may register for. */
export const selectOpenCurriculum = systemStatement<
  CurriculumRow & { readonly invitation: string | null; readonly expired: boolean }
>(
  'curricula_select_open',
  `select c.uid, c.id, c.tenant_id as "tenantId", c.status, c.title, c.invitation_id as invitation,
     coalesce(c.access_expires_at <= now(), false) as expired
   from curricula c where c.id = $1 and (c.visibility = 'public' or $3::boolean
     or exists (select from tenant_users tu where tu.user_id = $2 and tu.tenant_id = c.tenant_id)) for key share of c`,
  'what is public may be learnt by people of every tenant',
);

export const insertCurriculum = tenantStatement<{ id: string }>(
  'curricula_insert',
  `insert into curricula (tenant_id, type, title, slug, visibility, status, level, award_id, invitation_id, workspace_id, team_id,
     access_status, access_expires_at, metadata, created_by)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
   on conflict (tenant_id, type, slug) do nothing returning id`,
);

/** Null: as it is. */
export const updateCurriculum = tenantStatement(
  'curricula_update',
  `update curricula c set type = coalesce($3, c.type), title = coalesce($4, c.title), slug = coalesce($5, c.slug),
     visibility = coalesce($6, c.visibility), status = coalesce($7, c.status), level = coalesce($8, c.level),
     award_id = coalesce($9, c.award_id), invitation_id = coalesce($10, c.invitation_id), workspace_id = coalesce($11, c.workspace_id),
     team_id = coalesce($12, c.team_id), access_status = coalesce($13, c.access_status),
     access_expires_at = coalesce($14, c.access_expires_at), metadata = coalesce($15, c.metadata), updated_at = now()
   where c.tenant_id = $1 and c.uid = $2`,
);

export const deleteCurriculum = tenantStatement(
  'curricula_delete',
  'delete from curricula c where c.tenant_id = $1 and c.uid = $2',
);

export type RegistrationField =
  | 'id'
  | 'tenant'
  | 'curriculum'
  | 'curriculumTitle'
  | 'curriculumType'
  | 'curriculumPermalink'
  | 'user'
  | 'firstName'
  | 'lastName'
  | 'email'
  | 'avatarUrl'
  | 'status'
  | 'certificate'
  | 'metadata'
  | 'createdAt'
  | 'updatedAt';

const REGISTRATION = {
  from: 'registrations r join curricula c on c.uid = r.curriculum_uid join tenants t on t.id = r.tenant_id join users o on o.id = r.user_id',
  driver: { table: 'registrations', alias: 'r', key: 'uid' },
  fields: {
    id: { sql: 'r.id', type: 'name' },
    tenant: { sql: 't.uuid', type: 'name' },
    curriculum: { sql: 'c.id', type: 'name' },
    curriculumTitle: { sql: 'c.title', type: 'text' },
    curriculumType: { sql: 'c.type', type: 'name' },
    curriculumPermalink: { sql: `coalesce(c.metadata ->> 'permalink', '')`, type: 'text' },
    user: { sql: 'o.uuid', type: 'name' },
    firstName: { sql: `coalesce(o.first_name, '')`, type: 'text' },
    lastName: { sql: `coalesce(o.last_name, '')`, type: 'text' },
    email: { sql: `coalesce(o.email, '')`, type: 'text' },
    avatarUrl: { sql: `coalesce(o.avatar_url, '')`, type: 'text' },
    status: { sql: 'r.status', type: 'name' },
    certificate: { sql: 'r.certificate', type: 'json' },
    metadata: { sql: 'r.metadata', type: 'json' },
    createdAt: { sql: 'r.created_at', type: 'time' },
    updatedAt: { sql: 'r.updated_at', type: 'time' },
  },
  defaultSort: [{ field: 'updatedAt', descending: true }],
  tieBreak: 'r.uid',
  search: ['firstName', 'lastName', 'email'],
} as const satisfies Omit<ListSpec<RegistrationField>, 'confine'>;

/** The caller's own, of every tenant. */
export const OWN_REGISTRATION_LIST: ListSpec<RegistrationField> = {
  ...REGISTRATION,
  confine: (scope) => sql`r.user_id = ${scope.userId}`,
};

/** For the curricula of the tenant of the call. */
export const REGISTRATION_LIST: ListSpec<RegistrationField> = {
  ...REGISTRATION,
  confine: (scope) => sql`r.tenant_id = ${scope.tenantId}`,
};

export interface RegistrationRow {
  readonly uid: number;
  readonly id: string;
  readonly status: string;
  /** It was made just now. */
  readonly made: boolean;
}

/** Makes one, or takes up the one that was withdrawn; leaves any other as it is. */
export const upsertRegistration = tenantStatement<RegistrationRow>(
  'registrations_upsert',
  `insert into registrations as r (tenant_id, curriculum_uid, user_id) values ($1, $2, $3)
   on conflict (curriculum_uid, user_id) do update set
     status = case when r.status = 'withdrawn' then 'registered' else r.status end,
     updated_at = case when r.status = 'withdrawn' then now() else r.updated_at end
   returning r.uid, r.id, r.status, r.xmax = 0 as made`,
);

/** `$1` id, `$2` user. */
export const withdrawRegistration = systemStatement<{ id: string }>(
  'registrations_withdraw',
  `update registrations set status = 'withdrawn', updated_at = now() where id = $1 and user_id = $2 returning id`,
  'learners register for curricula of any tenant',
);

export const summarize = tenantStatement<{ type: string; status: string; count: number }>(
  'registrations_summarize',
  `select c.type, r.status, count(*)::integer as count from registrations r
   join curricula c on c.uid = r.curriculum_uid and c.tenant_id = r.tenant_id where r.tenant_id = $1 group by 1, 2`,
);

export const countCurricula = tenantStatement<{ type: string; count: number }>(
  'curricula_count',
  'select c.type, count(*)::integer as count from curricula c where c.tenant_id = $1 group by 1',
);
