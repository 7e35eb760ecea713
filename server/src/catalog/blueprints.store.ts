import { sql } from 'kysely';
import type { TenantScope } from '../caller.js';
import type { Json } from '../dsl/plan.js';
import type { BlobUid, BlueprintUid, ExecutionUid, TenantId, UserId } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { type Queryable, systemStatement, tenantStatement } from '../store/statement.js';
import type { ArchiveFormat } from './archive/archive.js';
import type { BlueprintState } from './blueprint-state.js';
import type { Label } from './labels.js';

export type Visibility = 'private' | 'tenant' | 'global';

export interface StoredLabel extends Label {
  readonly createdAt: string;
  readonly createdBy: string;
}

/** Times are ISO 8601 in UTC with milliseconds. */
export interface BlueprintRecord {
  readonly uid: BlueprintUid;
  readonly id: string;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly visibility: Visibility;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly description: string | null;
  readonly mainFile: string;
  readonly state: BlueprintState;
  /** Why it failed, for its author; one line per diagnostic. */
  readonly error: string | null;
  readonly errorDetail: string | null;
  readonly hidden: boolean;
  readonly labels: readonly StoredLabel[];
  readonly requirements: {
    readonly secrets: readonly Json[];
    readonly parentCapabilities: readonly Json[];
    /** Ids of blueprints that its source imports. */
    readonly blueprints?: readonly string[];
  } | null;
  readonly archive: { readonly format: ArchiveFormat; readonly size: number; readonly sha256: string } | null;
}

export type BlueprintField =
  | 'id'
  | 'tenantName'
  | 'visibility'
  | 'private'
  | 'createdBy'
  | 'createdAt'
  | 'updatedAt'
  | 'description'
  | 'mainFile'
  | 'state'
  | 'error'
  | 'errorDetail'
  | 'hidden'
  | 'labels'
  | 'requirements'
  | 'uploadExecution';

const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const LABELS = `(select coalesce(json_agg(json_build_object('key', l.key, 'value', l.value, 'created_at',
    to_char(l.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'created_by', lu.username)
    order by l.key, l.value), '[]')
  from blueprint_labels l join users lu on lu.id = l.created_by
  where l.blueprint_uid = b.uid and l.tenant_id = b.tenant_id)`;

/** The execution that tells of the upload, with the members of an execution's record. */
const UPLOAD_EXECUTION = `(select json_build_object('id', x.id, 'tenantName', t.name, 'deploymentId', null, 'deploymentDisplayName', null,
    'blueprintId', null, 'workflow', x.workflow, 'status', x.status, 'parameters', x.parameters, 'allowCustomParameters', false,
    'dryRun', false, 'system', x.system, 'resumed', false, 'error', x.error, 'visibility', x.visibility, 'createdBy', xu.username,
    'createdAt', ${iso('x.created_at')}, 'startedAt', ${iso('x.started_at')}, 'endedAt', ${iso('x.ended_at')}, 'scheduledFor', null,
    'totalOperations', 0, 'finishedOperations', 0)
  from executions x join users xu on xu.id = x.created_by
  where x.uid = b.upload_execution_uid and x.tenant_id = b.tenant_id)`;

/** `labels` is a list of `{key, value, created_at, created_by}`. */
export const blueprintList: ListSpec<BlueprintField> = {
  from: 'blueprints b join tenants t on t.id = b.tenant_id join users u on u.id = b.created_by',
  driver: { table: 'blueprints', alias: 'b', key: 'uid', counted: true },
  fields: {
    id: { sql: 'b.id', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    visibility: { sql: 'b.visibility', type: 'text' },
    private: { sql: "(b.visibility = 'private')", type: 'boolean' },
    createdBy: { sql: 'u.username', type: 'text' },
    createdAt: { sql: 'b.created_at', type: 'time' },
    updatedAt: { sql: 'b.updated_at', type: 'time' },
    description: { sql: 'b.description', type: 'text' },
    mainFile: { sql: 'b.main_file', type: 'text' },
    state: { sql: 'b.state', type: 'text' },
    error: { sql: 'b.error', type: 'text' },
    errorDetail: { sql: 'b.error_detail', type: 'text' },
    hidden: { sql: 'b.hidden', type: 'boolean' },
    labels: { sql: LABELS, type: 'json' },
    requirements: { sql: 'b.requirements', type: 'json' },
    uploadExecution: { sql: UPLOAD_EXECUTION, type: 'json' },
  },
  selections: {
    /** A key, and values of which the label must have one; no value: any. */
    label: ([key, ...values]) => sql`exists (select from blueprint_labels l
      where l.tenant_id = b.tenant_id and l.blueprint_uid = b.uid and l.key = ${key}
        and ${values.length === 0 ? sql`true` : sql`l.value = any(${values}::text[])`})`,
  },
  confine: ownTenant('b', { visibility: true }),
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 'b.uid',
  search: ['id'],
};

const VISIBLE = "($3::boolean or b.visibility <> 'private' or b.created_by = $4)";

type RecordRow = Omit<BlueprintRecord, 'labels' | 'archive'> & {
  labels: { key: string; value: string; created_at: string; created_by: string }[];
  archiveFormat: ArchiveFormat | null;
  archiveSize: number | null;
  archiveSha256: string | null;
};

/** `$1` tenant, `$2` id, `$3` sees private, `$4` user. The tenant's own before another tenant's global one. */
const selectRecord = tenantStatement<RecordRow>(
  'blueprints_select',
  `select b.uid, b.id, b.tenant_id as "tenantId", t.name as "tenantName", b.visibility, u.username as "createdBy",
     ${iso('b.created_at')} as "createdAt", ${iso('b.updated_at')} as "updatedAt", b.description,
     b.main_file as "mainFile", b.state, b.error, b.error_detail as "errorDetail", b.hidden, b.requirements,
     ${LABELS} as labels,
     b.archive_format as "archiveFormat", a.size as "archiveSize", encode(a.digest, 'hex') as "archiveSha256"
   from blueprints b join tenants t on t.id = b.tenant_id join users u on u.id = b.created_by
     left join blobs a on a.uid = b.archive
   where b.id = $2 and ((b.tenant_id = $1 and ${VISIBLE}) or b.visibility = 'global')
   order by b.tenant_id <> $1 limit 1`,
);

export async function findRecord(
  db: Queryable,
  scope: TenantScope,
  id: string,
): Promise<BlueprintRecord | null> {
  const row = await selectRecord.one(db, scope.tenantId, [id, scope.seesPrivate, scope.userId]);
  if (row === null) return null;
  const { archiveFormat, archiveSize, archiveSha256, labels, ...rest } = row;
  return {
    ...rest,
    labels: labels.map(({ key, value, created_at, created_by }) => ({
      key,
      value,
      createdAt: created_at,
      createdBy: created_by,
    })),
    archive:
      archiveFormat === null ? null : { format: archiveFormat, size: archiveSize!, sha256: archiveSha256! },
  };
}

/** Serialises whatever decides whether an id is free, here or everywhere. Until the transaction's end. */
export const lockId = systemStatement(
  'blueprints_lock_id',
  "select pg_advisory_xact_lock(hashtextextended('blueprint ' || $1, 0))",
  'ids of global blueprints are unique in all tenants',
);

export interface Holder {
  readonly uid: BlueprintUid;
  readonly own: boolean;
  readonly visible: boolean;
  readonly state: BlueprintState;
  readonly alive: boolean;
}

/**
 * Who has the id already: `$1` tenant, `$2` id, `$3` sees private, `$4` user; `$5` true: in any tenant, else in this
 * one or as a global one. The tenant's own first, then one of the others.
 */
export const selectHolders = systemStatement<Holder>(
  'blueprints_select_holders',
  `select b.uid, b.tenant_id = $1 as own, ${VISIBLE} as visible, b.state, coalesce(b.alive_until > now(), false) as alive
   from blueprints b
   where b.id = $2 and (b.tenant_id = $1 or b.visibility = 'global' or $5)
   order by b.tenant_id <> $1 limit 2`,
  'ids of global blueprints are unique in all tenants',
);

/** An upload under way is alive for so long without a sign. */
const ALIVE = "now() + interval '30 seconds'";

export const insertBlueprint = tenantStatement<{ uid: BlueprintUid; attempt: number }>(
  'blueprints_insert',
  `insert into blueprints (tenant_id, id, visibility, created_by, description, main_file, state, alive_until)
   values ($1, $2, $3, $4, $5, $6, $7, ${ALIVE})
   returning uid, attempt`,
);

export const bindUploadExecution = tenantStatement(
  'blueprints_bind_execution',
  'update blueprints b set upload_execution_uid = $3 where b.tenant_id = $1 and b.uid = $2',
);

/** A failed or dead upload makes room for a new one under the same row. */
export const restartBlueprint = tenantStatement<{ uid: BlueprintUid; attempt: number }>(
  'blueprints_restart',
  `update blueprints b set visibility = $3, created_by = $4, description = $5, main_file = $6, state = $7,
     alive_until = ${ALIVE}, attempt = b.attempt + 1, created_at = now(), updated_at = now(), error = null,
     error_detail = null, archive = null, archive_format = null, requirements = null, imports = '{}'
   where b.tenant_id = $1 and b.uid = $2
   returning b.uid, b.attempt`,
);

/** `$2` blueprint, `$3` attempt, `$4` state. Touches nothing when the upload was overtaken. */
export const advance = tenantStatement(
  'blueprints_advance',
  `update blueprints b set state = $4, alive_until = ${ALIVE}
   where b.tenant_id = $1 and b.uid = $2 and b.attempt = $3 and b.alive_until is not null`,
);

export const stayAlive = tenantStatement(
  'blueprints_stay_alive',
  `update blueprints b set alive_until = ${ALIVE}
   where b.tenant_id = $1 and b.uid = $2 and b.attempt = $3 and b.alive_until is not null`,
);

export const failUpload = tenantStatement(
  'blueprints_fail',
  `update blueprints b set state = $4, error = $5, error_detail = $6, alive_until = null, updated_at = now()
   where b.tenant_id = $1 and b.uid = $2 and b.attempt = $3 and b.alive_until is not null`,
);

export const finishUpload = tenantStatement(
  'blueprints_finish',
  `update blueprints b set state = 'uploaded', alive_until = null, updated_at = now(), archive = $4,
     archive_format = $5, requirements = $6, description = coalesce(b.description, $7), imports = $8
   where b.tenant_id = $1 and b.uid = $2 and b.attempt = $3 and b.alive_until is not null`,
);

export const failDeadUploads = systemStatement<{ tenantId: TenantId; execution: ExecutionUid | null }>(
  'blueprints_fail_dead',
  `update blueprints set alive_until = null, updated_at = now(), error = $1,
     state = case state when 'extracting' then 'failed-extracting' when 'parsing' then 'failed-parsing'
       else 'failed-uploading' end
   where alive_until < now()
   returning tenant_id as "tenantId", upload_execution_uid as execution`,
  'finds uploads whose process died, whichever tenant they are in',
);

export const insertPlan = systemStatement(
  'blueprint_plans_insert',
  'insert into blueprint_plans (blueprint_uid, plan) values ($1, $2)',
  'belongs to a blueprint that was pinned to its tenant in the same transaction',
);

/** `$1` blueprint. */
export const selectPlan = systemStatement<{ plan: string }>(
  'blueprint_plans_select',
  'select plan from blueprint_plans where blueprint_uid = $1',
  'whoever knows the surrogate key has been let through to the blueprint, or is the engine',
);

export interface StoredFile {
  readonly path: string;
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  readonly blob: BlobUid;
}

const insertFileRows = systemStatement(
  'blueprint_files_insert',
  `insert into blueprint_files (blueprint_uid, path, size, mode, blob)
   select $1, * from unnest($2::text[], $3::bigint[], $4::integer[], $5::bigint[])`,
  'belongs to a blueprint that was pinned to its tenant in the same transaction',
);

export async function insertFiles(
  db: Queryable,
  blueprint: BlueprintUid,
  files: readonly StoredFile[],
): Promise<void> {
  await insertFileRows.run(db, [
    blueprint,
    files.map((file) => file.path),
    files.map((file) => file.size),
    files.map((file) => file.mode),
    files.map((file) => file.blob),
  ]);
}

export const selectFile = systemStatement<StoredFile>(
  'blueprint_files_select',
  'select path, size, mode, blob from blueprint_files where blueprint_uid = $1 and path = $2',
  'whoever knows the surrogate key has been let through to the blueprint, or is the engine',
);

export const putFile = systemStatement(
  'blueprint_files_put',
  `insert into blueprint_files (blueprint_uid, path, size, mode, blob) values ($1, $2, $3, 420, $4)
   on conflict (blueprint_uid, path) do update set size = excluded.size, blob = excluded.blob`,
  'belongs to a blueprint that was pinned to its tenant in the same transaction',
);

export const deleteFile = systemStatement(
  'blueprint_files_delete',
  'delete from blueprint_files where blueprint_uid = $1 and path = $2',
  'belongs to a blueprint that was pinned to its tenant in the same transaction',
);

/** Files from `$2` to before `$3`, in the order of bytes; at most `$5` behind `$4`. */
export const selectFiles = systemStatement<StoredFile>(
  'blueprint_files_list',
  `select path, size, mode, blob from blueprint_files
   where blueprint_uid = $1 and path >= $2 and path < $3 and path > $4 order by path limit $5`,
  'whoever knows the surrogate key has been let through to the blueprint, or is the engine',
);

const insertLabelRows = tenantStatement(
  'blueprint_labels_insert',
  `insert into blueprint_labels (tenant_id, blueprint_uid, key, value, created_by)
   select $1::bigint, $2::bigint, given.key, given.value, $5::bigint from unnest($3::text[], $4::text[]) as given (key, value)
   on conflict do nothing`,
);

export async function insertLabels(
  db: Queryable,
  tenant: TenantId,
  blueprint: BlueprintUid,
  labels: readonly Label[],
  user: UserId,
): Promise<void> {
  if (labels.length === 0) return;
  const [keys, values] = [labels.map((label) => label.key), labels.map((label) => label.value)];
  await insertLabelRows.run(db, tenant, [blueprint, keys, values, user]);
}

/** Removes all labels of `$2` but those in `$3` (keys) and `$4` (values). */
export const deleteOtherLabels = tenantStatement(
  'blueprint_labels_delete_others',
  `delete from blueprint_labels l where l.tenant_id = $1 and l.blueprint_uid = $2
     and (l.key, l.value) not in (select * from unnest($3::text[], $4::text[]))`,
);

export interface LockedBlueprint {
  readonly uid: BlueprintUid;
  readonly visibility: Visibility;
  readonly state: BlueprintState;
  readonly alive: boolean;
}

/** `$2` id, `$3` sees private, `$4` user. Locked until the transaction ends. */
export const lockBlueprint = tenantStatement<LockedBlueprint>(
  'blueprints_lock',
  `select b.uid, b.visibility, b.state, coalesce(b.alive_until > now(), false) as alive from blueprints b
   where b.tenant_id = $1 and b.id = $2 and ${VISIBLE} for update`,
);

export const updateVisibility = tenantStatement(
  'blueprints_update_visibility',
  'update blueprints b set visibility = $3, updated_at = now() where b.tenant_id = $1 and b.uid = $2',
);

export const touch = tenantStatement(
  'blueprints_touch',
  'update blueprints b set updated_at = now() where b.tenant_id = $1 and b.uid = $2',
);

/** Whoever is just reading the bytes of `$1` gets to their end. */
export const holdBytes = systemStatement(
  'blueprints_hold_bytes',
  `with due as (
     select uid from blobs
     where uid in (select archive from blueprints where uid = $1
                   union select blob from blueprint_files where blueprint_uid = $1)
     order by digest for no key update)
   update blobs set held_until = greatest(held_until, now() + interval '6 hours') where uid in (select uid from due)`,
  'belongs to a blueprint that was pinned to its tenant in the same transaction',
);

/** Violates a foreign key while deployments of it exist. */
export const deleteBlueprint = tenantStatement(
  'blueprints_delete',
  'delete from blueprints b where b.tenant_id = $1 and b.uid = $2',
);

export interface StoredArchive {
  readonly uid: BlobUid;
  readonly size: number;
  readonly format: ArchiveFormat;
}

export const selectArchive = systemStatement<StoredArchive>(
  'blueprints_select_archive',
  `select a.uid, a.size, b.archive_format as format from blueprints b join blobs a on a.uid = b.archive where b.uid = $1`,
  'whoever knows the surrogate key has been let through to the blueprint, or is the engine',
);
