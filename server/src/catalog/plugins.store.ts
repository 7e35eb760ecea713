import type { TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import type { BlobUid, BlueprintUid, PluginUid, TenantId, UserId } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { type Queryable, systemStatement, tenantStatement } from '../store/statement.js';
import type { Visibility } from './blueprints.store.js';

export type PluginField =
  | 'id'
  | 'title'
  | 'tenantName'
  | 'visibility'
  | 'createdBy'
  | 'uploadedAt'
  | 'packageName'
  | 'packageVersion'
  | 'packageSource'
  | 'archiveName'
  | 'supportedPlatform'
  | 'distribution'
  | 'distributionVersion'
  | 'distributionRelease'
  | 'wheels'
  | 'excludedWheels'
  | 'supportedPythons'
  | 'labels'
  | 'blueprintLabels'
  | 'resourceTags'
  | 'installations'
  | 'yamlFiles';

/** `installations`: a list of `{place, name, state, error}`; `yamlFiles`: names of files. */
export const pluginList: ListSpec<PluginField> = {
  from: 'plugins p join tenants t on t.id = p.tenant_id join users u on u.id = p.created_by',
  driver: { table: 'plugins', alias: 'p', key: 'uid', counted: true },
  fields: {
    id: { sql: 'p.id', type: 'text' },
    title: { sql: 'p.title', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    visibility: { sql: 'p.visibility', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
    uploadedAt: { sql: 'p.uploaded_at', type: 'time' },
    packageName: { sql: 'p.package_name', type: 'text' },
    packageVersion: { sql: 'p.package_version', type: 'text' },
    packageSource: { sql: 'p.package_source', type: 'text' },
    archiveName: { sql: 'p.archive_name', type: 'text' },
    supportedPlatform: { sql: 'p.supported_platform', type: 'text' },
    distribution: { sql: 'p.distribution', type: 'text' },
    distributionVersion: { sql: 'p.distribution_version', type: 'text' },
    distributionRelease: { sql: 'p.distribution_release', type: 'text' },
    wheels: { sql: 'p.wheels', type: 'json' },
    excludedWheels: { sql: 'p.excluded_wheels', type: 'json' },
    supportedPythons: { sql: 'p.supported_pythons', type: 'json' },
    labels: { sql: 'p.labels', type: 'json' },
    blueprintLabels: { sql: 'p.blueprint_labels', type: 'json' },
    resourceTags: { sql: 'p.resource_tags', type: 'json' },
    installations: {
      sql: `(select coalesce(json_agg(json_build_object('place', i.place, 'name', i.name, 'state', i.state, 'error', i.error)
               order by i.place desc, i.name), '[]') from plugin_installations i where i.plugin_uid = p.uid)`,
      type: 'json',
    },
    yamlFiles: {
      sql: `(select coalesce(json_agg(y.file order by y.file), '[]') from plugin_yamls y where y.plugin_uid = p.uid)`,
      type: 'json',
    },
  },
  confine: ownTenant('p', { visibility: true }),
  defaultSort: [{ field: 'uploadedAt' }],
  tieBreak: 'p.uid',
  search: ['packageName'],
};

const VISIBLE = "($3::boolean or p.visibility <> 'private' or p.created_by = $4)";
const KNOWN = 'whoever knows the surrogate key has been let through to the plugin, or is the engine';

export interface PluginRecord {
  readonly uid: PluginUid;
  readonly id: string;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly visibility: Visibility;
  readonly packageName: string;
  readonly packageVersion: string;
  readonly archiveName: string;
  readonly supportedPlatform: string | null;
  readonly distribution: string | null;
  readonly supportedPythons: readonly string[];
  readonly wheels: readonly string[];
  readonly wagon: BlobUid;
  readonly size: number;
  /** Of the wagon, hexadecimal. */
  readonly sha256: string;
}

const RECORD = `p.uid, p.id, p.tenant_id as "tenantId", t.name as "tenantName", p.visibility,
  p.package_name as "packageName", p.package_version as "packageVersion", p.archive_name as "archiveName",
  p.supported_platform as "supportedPlatform", p.distribution, p.supported_pythons as "supportedPythons", p.wheels,
  p.wagon, w.size, encode(w.digest, 'hex') as sha256`;
const RECORDS = 'plugins p join tenants t on t.id = p.tenant_id join blobs w on w.uid = p.wagon';

/** `$1` tenant, `$2` id, `$3` sees private, `$4` user. */
const selectById = tenantStatement<PluginRecord>(
  'plugins_select',
  `select ${RECORD} from ${RECORDS}
   where p.id = $2 and ((p.tenant_id = $1 and ${VISIBLE}) or p.visibility = 'global')`,
);

export async function findPlugin(
  db: Queryable,
  scope: ReaderScope,
  id: string,
): Promise<PluginRecord | null> {
  return selectById.one(db, scope.tenantId, [id, scope.seesPrivate, scope.userId]);
}

export type ReaderScope = Pick<TenantScope, 'tenantId' | 'userId' | 'seesPrivate'>;

/** All of one package: the tenant's own first, then the latest. `$2` package; at most 1000. */
const selectPackage = tenantStatement<PluginRecord>(
  'plugins_select_package',
  `select ${RECORD} from ${RECORDS}
   where p.package_name = $2 and ((p.tenant_id = $1 and ${VISIBLE}) or p.visibility = 'global')
   order by p.tenant_id <> $1, p.uploaded_at desc, p.uid desc limit 1000`,
);

export async function pluginsOfPackage(
  db: Queryable,
  scope: ReaderScope,
  packageName: string,
): Promise<PluginRecord[]> {
  return selectPackage.all(db, scope.tenantId, [packageName, scope.seesPrivate, scope.userId]);
}

/** The plugins that a blueprint was compiled from, of one package. `$2` blueprint, `$3` package. */
export const selectOfBlueprint = tenantStatement<PluginRecord>(
  'plugins_select_of_blueprint',
  `select ${RECORD} from blueprint_plugins n join plugins p on p.uid = n.plugin_uid
     join tenants t on t.id = p.tenant_id join blobs w on w.uid = p.wagon
   where n.tenant_id = $1 and n.blueprint_uid = $2 and n.package_name = $3 limit 100`,
);

/** Which of the pairs (`$2` package, `$3` version or null for any) have no plugin. `$4` sees private, `$5` user. */
export const selectAbsent = tenantStatement<{ packageName: string; packageVersion: string | null }>(
  'plugins_select_absent',
  `select w.name as "packageName", w.version as "packageVersion"
   from unnest($2::text[], $3::text[]) as w (name, version)
   where not exists (
     select from plugins p where p.package_name = w.name and (w.version is null or p.package_version = w.version)
       and ((p.tenant_id = $1 and ($4::boolean or p.visibility <> 'private' or p.created_by = $5)) or p.visibility = 'global'))`,
);

/** Those that are to be installed on the manager `$1`; at most ten. */
export const selectPending = systemStatement<PluginRecord>(
  'plugins_select_pending',
  `select ${RECORD} from plugin_installations i join plugins p on p.uid = i.plugin_uid
     join tenants t on t.id = p.tenant_id join blobs w on w.uid = p.wagon
   where i.place = 'manager' and i.name = $1 and i.state = 'pending-install' order by i.changed_at limit 10`,
  'a worker installs the plugins of every tenant',
);

/** `$1` digests in hexadecimal; the answer has those of which there is a plugin. */
export const selectKeptWagons = systemStatement<{ sha256: string }>(
  'plugins_select_kept_wagons',
  `select distinct encode(w.digest, 'hex') as sha256 from blobs w
   where w.digest = any(select decode(d, 'hex') from unnest($1::text[]) as d)
     and exists (select from plugins p where p.wagon = w.uid)`,
  'what a worker has installed serves every tenant; it is removed when none has it any more',
);

/** Serialises whatever decides whether a package's archive is there already, here or everywhere. */
export const lockArchiveName = systemStatement(
  'plugins_lock_archive_name',
  "select pg_advisory_xact_lock(hashtextextended('plugin ' || $1 || ' ' || $2, 0))",
  'archives of global plugins are unique in all tenants',
);

/** `$1` tenant, `$2` package, `$3` archive, `$4` true: in any tenant; `$5` a plugin that does not count. */
export const selectHolder = systemStatement<{ uid: PluginUid }>(
  'plugins_select_holder',
  `select p.uid from plugins p
   where p.package_name = $2 and p.archive_name = $3 and (p.tenant_id = $1 or p.visibility = 'global' or $4)
     and p.uid is distinct from $5 limit 1`,
  'archives of global plugins are unique in all tenants',
);

export const insertPlugin = tenantStatement<{ uid: PluginUid; id: string }>(
  'plugins_insert',
  `insert into plugins (tenant_id, id, visibility, created_by, uploaded_at, title, package_name, package_version,
     package_source, archive_name, supported_platform, distribution, distribution_version, distribution_release,
     wheels, excluded_wheels, supported_pythons, labels, blueprint_labels, resource_tags, wagon, upload)
   values ($1, $2, $3, $4, coalesce($5, now()), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
   returning uid, id`,
);

export interface PluginYaml {
  readonly file: string;
  /** Of `cloudify_dsl_1_x`; null: for all of them. */
  readonly minor: number | null;
  readonly text: string;
}

export const insertYamls = systemStatement(
  'plugin_yamls_insert',
  `insert into plugin_yamls (plugin_uid, file, minor, text)
   select $1, * from unnest($2::text[], $3::integer[], $4::text[])`,
  'belongs to a plugin that was pinned to its tenant in the same transaction',
);

/** Files and their editions, without texts. */
export const selectYamls = systemStatement<Omit<PluginYaml, 'text'>>(
  'plugin_yamls_select',
  'select file, minor from plugin_yamls where plugin_uid = $1 order by file limit 1000',
  KNOWN,
);

export const selectYaml = systemStatement<{ text: string }>(
  'plugin_yamls_select_text',
  'select text from plugin_yamls where plugin_uid = $1 and file = $2',
  KNOWN,
);

/** What blueprints that import it get, whatever its YAML says. */
export interface PluginTags {
  readonly labels: JsonObject;
  readonly blueprintLabels: JsonObject;
  readonly resourceTags: JsonObject;
}

export const selectTags = systemStatement<PluginTags>(
  'plugins_select_tags',
  `select labels, blueprint_labels as "blueprintLabels", resource_tags as "resourceTags" from plugins where uid = $1`,
  KNOWN,
);

export const selectUpload = systemStatement<{ uid: BlobUid; size: number }>(
  'plugins_select_upload',
  'select b.uid, b.size from plugins p join blobs b on b.uid = p.upload where p.uid = $1',
  KNOWN,
);

export interface LockedPlugin {
  readonly uid: PluginUid;
  readonly visibility: Visibility;
  readonly packageName: string;
  readonly packageVersion: string;
  readonly archiveName: string;
}

/** `$2` id, `$3` sees private, `$4` user. Locked until the transaction ends. */
export const lockPlugin = tenantStatement<LockedPlugin>(
  'plugins_lock',
  `select p.uid, p.visibility, p.package_name as "packageName", p.package_version as "packageVersion",
     p.archive_name as "archiveName"
   from plugins p where p.tenant_id = $1 and p.id = $2 and ${VISIBLE} for update`,
);

/** Fields that are null stay. `$3` title, `$4` creator, `$5` labels, `$6` labels of blueprints, `$7` resource tags. */
export const updatePlugin = tenantStatement(
  'plugins_update',
  `update plugins p set title = coalesce($3, p.title), created_by = coalesce($4, p.created_by),
     labels = coalesce($5::json, p.labels), blueprint_labels = coalesce($6::json, p.blueprint_labels),
     resource_tags = coalesce($7::json, p.resource_tags)
   where p.tenant_id = $1 and p.uid = $2`,
);

export const updateVisibility = tenantStatement(
  'plugins_update_visibility',
  'update plugins p set visibility = $3 where p.tenant_id = $1 and p.uid = $2',
);

/** Whoever is just reading the bytes of `$1` gets to their end. */
export const holdBytes = systemStatement(
  'plugins_hold_bytes',
  `with due as (
     select uid from blobs
     where uid in (select wagon from plugins where uid = $1 union select upload from plugins where uid = $1)
     order by digest for no key update)
   update blobs set held_until = greatest(held_until, now() + interval '6 hours') where uid in (select uid from due)`,
  'belongs to a plugin that was pinned to its tenant in the same transaction',
);

export const deletePlugin = tenantStatement(
  'plugins_delete',
  'delete from plugins p where p.tenant_id = $1 and p.uid = $2',
);

/**
 * Blueprints of any tenant that need a plugin: `$1` plugin, `$2` package, `$3` version. Those that were compiled from it;
 * and those that name its package and version, unless they have another one to stand on. At most ten; `named` says
 * whether the one who asks may know of it: `$4` tenant, `$5` sees private, `$6` user.
 */
export const selectUsers = systemStatement<{ blueprint: string; named: boolean }>(
  'plugins_select_users',
  `select b.id as blueprint, b.tenant_id = $4 and ($5 or b.visibility <> 'private' or b.created_by = $6) as named
   from blueprints b
   where b.uid in (
     select n.blueprint_uid from blueprint_plugins n where n.plugin_uid = $1
     union
     select n.blueprint_uid from blueprint_plugins n join plugins p on p.uid = $1
     where n.plugin_uid is null and n.package_name = $2 and n.package_version = $3
       and (n.tenant_id = p.tenant_id or p.visibility = 'global'))
   order by b.tenant_id <> $4, b.id limit 10`,
  'a global plugin is needed by blueprints of every tenant',
);

/** A plugin that a blueprint needs: by name, and the very one where it was compiled from it. */
export interface NeededPlugin {
  readonly packageName: string;
  readonly packageVersion: string | null;
  readonly plugin: PluginUid | null;
}

/** Those of `$1` that are there, kept from going until the transaction ends. */
export const keepPlugins = systemStatement<{ uid: PluginUid; packageName: string; packageVersion: string }>(
  'plugins_keep',
  `select uid, package_name as "packageName", package_version as "packageVersion" from plugins where uid = any($1::bigint[])
   order by uid for key share`,
  'these were found for the caller, in their own tenant or as global ones',
);

const deleteNeeds = tenantStatement(
  'blueprint_plugins_delete',
  'delete from blueprint_plugins n where n.tenant_id = $1 and n.blueprint_uid = $2',
);

const insertNeeds = tenantStatement(
  'blueprint_plugins_insert',
  `insert into blueprint_plugins (tenant_id, blueprint_uid, package_name, package_version, plugin_uid)
   select $1::bigint, $2::bigint, * from unnest($3::text[], $4::text[], $5::bigint[])`,
);

/** Replaces what a blueprint needs. */
export async function setNeeds(
  db: Queryable,
  tenant: TenantId,
  blueprint: BlueprintUid,
  needs: readonly NeededPlugin[],
): Promise<void> {
  await deleteNeeds.run(db, tenant, [blueprint]);
  if (needs.length === 0) return;
  await insertNeeds.run(db, tenant, [
    blueprint,
    needs.map((need) => need.packageName),
    needs.map((need) => need.packageVersion),
    needs.map((need) => need.plugin),
  ]);
}

/** `$1` plugin, `$2` place, `$3` name, `$4` state, `$5` error. */
export const upsertInstallation = systemStatement(
  'plugin_installations_upsert',
  `insert into plugin_installations (plugin_uid, place, name, state, error) values ($1, $2, $3, $4, $5)
   on conflict (plugin_uid, place, name) do update set state = excluded.state, error = excluded.error, changed_at = now()`,
  KNOWN,
);

/** `$1` plugin, `$2` managers: those that have it, or are at it, go on as they are. */
export const orderInstallation = systemStatement(
  'plugin_installations_order',
  `insert into plugin_installations (plugin_uid, place, name, state)
   select $1, 'manager', m, 'pending-install' from unnest($2::text[]) as m
   on conflict (plugin_uid, place, name) do update set state = 'pending-install', error = null, changed_at = now()
     where plugin_installations.state not in ('pending-install', 'installing', 'installed')`,
  KNOWN,
);

/** The managers on which some plugin of the packages `$2` is installed, or about to be; at most 100. */
export const selectInstalledAt = tenantStatement<{ name: string }>(
  'plugin_installations_managers',
  `select distinct i.name from plugin_installations i join plugins p on p.uid = i.plugin_uid
   where (p.tenant_id = $1 or p.visibility = 'global') and p.package_name = any($2::text[]) and i.place = 'manager'
     and i.state in ('pending-install', 'installing', 'installed')
   order by i.name limit 100`,
);

/** Whether `$1` says it has one; a user by name, for a record that is restored. */
export const selectUserId = systemStatement<{ id: UserId }>(
  'plugins_select_user',
  'select id from users where username = $1',
  'users belong to no tenant',
);
