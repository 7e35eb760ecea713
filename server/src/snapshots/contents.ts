/**
 * What a snapshot carries: every table that the database has, but for those named here with their reason. A table that is
 * added one day is carried without anybody thinking of it; a test restores all of them and compares.
 */
import type { CatalogTable, CopyFormat } from '../store/copy.js';

export interface Contents {
  readonly events: boolean;
  readonly logs: boolean;
  /** Tokens that people made by hand. Those of sessions and executions never outlive their server. */
  readonly tokens: boolean;
}

export const EVERYTHING: Contents = { events: true, logs: true, tokens: true };

/** No table that is carried may be referred to from one of these: they stay while the others are replaced. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  migrations: 'says what the schema is, not what is in it; the archive names the schema it is of',
  snapshots: 'a snapshot holds no snapshots, and restoring one keeps those that are here',
  snapshot_archives: 'bytes of snapshots, likewise',
  snapshot_chunks: 'bytes of snapshots, likewise',
  log_bundles:
    'what this installation had to say; their bytes are beside those of snapshots, and stay with them',
  snapshot_restores: 'the restoring itself, which must be seen while it goes on',
  cluster: 'which processes share the database is a fact of this installation, not of the one that was saved',
  cluster_nodes: 'likewise',
  cluster_processes: 'likewise',
  cluster_log: 'likewise',
  worker_credentials: 'let workers in here, and nowhere that a snapshot is restored to',
  pool_workers: 'which processes serve pools now; likewise',
  dispatched_operations:
    'what they hold now is theirs alone to finish; an execution of a snapshot has nobody who runs for it',
  dispatched_messages: 'what they say of it',
  maintenance: 'what the server is told to do now; a restoring is often done in maintenance mode',
  event_weeks: 'what counts by the hour, which are carried, add up to; made of them anew',
  changes: 'tells streams what changed in this database; who follows one begins anew after a restoring',
  changes_swept: 'likewise',
  secrets_master_key: 'each installation has a master key of its own; what is restored is put under it',
};

/** Beside the tables of tenants, those whose rows would be missed; settings and the like would not. */
export const BEYOND_TENANTS: ReadonlySet<string> = new Set(['tenants', 'users', 'user_groups']);

/** Of these, what is there on every installation, or was only said and done: `true`, or how many rows. */
export const NOTHING_TO_LOSE: Readonly<Record<string, number | true>> = {
  tenants: 1,
  users: 1,
  tenant_users: 1,
  tokens: true,
  audit: true,
  executions: true,
  operations: true,
  event_packs: true,
  events_written: true,
  event_differences: true,
  event_hours: true,
  event_subjects: true,
  row_counts: true,
  server_tallies: true,
  kept_answers: true,
  // What is told of what was done, and the workspace that every tenant is born with.
  notices: true,
  workspaces: 1,
  // What a first start gives people to order (ordering/first-contents.ts).
  cloud_accounts: 1,
  tenant_numbers: true,
  first_contents: true,
  // What there is to learn of the installation itself (academy/first-curriculum.ts).
  curricula: 1,
  group_types: 2,
  ordering_groups: 2,
  ordering_roles: 5,
  ordering_members: 5,
  ordering_environments: 2,
  group_environments: 1,
  os_families: 2,
  os_builds: 2,
  os_build_images: 2,
  environment_os_builds: 2,
  parameters: 7,
  parameter_uses: 7,
  preconfigurations: 2,
  preconfiguration_choices: 5,
  environment_preconfigurations: 2,
  resource_types: 1,
  actions: 2,
  action_uses: 3,
  offers: 2,
  offer_items: 3,
};

export function carried(tables: readonly CatalogTable[]): CatalogTable[] {
  return tables.filter(({ name }) => !Object.hasOwn(LEFT_OUT, name));
}

export function formatOf(table: string): CopyFormat {
  return table === 'blob_chunks' ? 'binary' : 'text';
}

export function entryOf(table: string): string {
  return `tables/${table}.${formatOf(table) === 'binary' ? 'bin' : 'txt'}`;
}
