/** The one place where rooms are built and handed to each other. */

import { hostname } from 'node:os';
import { KeptAnswers } from './answers/kept-answers.js';
import { DEFAULT_ARCHIVE_LIMITS } from './catalog/archive/limits.js';
import { Blobs } from './catalog/blobs.js';
import { BlueprintCopies } from './catalog/blueprint-copies.js';
import { BlueprintImports } from './catalog/blueprint-imports.js';
import { BlueprintUploads } from './catalog/blueprint-uploads.js';
import { Blueprints } from './catalog/blueprints.js';
import { CompilePool } from './catalog/compile-pool.js';
import { fetchImport } from './catalog/fetch-import.js';
import { PluginImports } from './catalog/plugin-imports.js';
import { PluginOrders } from './catalog/plugin-orders.js';
import { PluginPackages } from './catalog/plugin-packages.js';
import { PluginUploads } from './catalog/plugin-uploads.js';
import { Plugins } from './catalog/plugins.js';
import type { ArchiveTaker } from './catalog/take-archive.js';
import { Cluster } from './cluster/cluster.js';
import { type CollaborationServices, collaborationServices } from './collaboration-services.js';
import type { Settings } from './config.js';
import { Events } from './events/events.js';
import { Filters } from './filters/filters.js';
import { DeploymentGroups } from './grouping/deployment-groups.js';
import { ExecutionGroups } from './grouping/execution-groups.js';
import { type IdentityServices, identityServices } from './identity/services.js';
import { TenantRemoval } from './identity/tenant-removal.js';
import { Maintenance } from './installation/maintenance.js';
import { ProviderContexts } from './installation/provider-context.js';
import { type ServerServices, serverGround, serverServices } from './inventory/server-services.js';
import { type CloudServices, cloudServices } from './inventory/services.js';
import type { Log } from './log.js';
import { LogBundles } from './log-bundles/log-bundles.js';
import { LOG_BUNDLE_WORKFLOW } from './log-bundles/workflows.js';
import { parseAllowlist } from './net/allowlist.js';
import { safeFetch, safeSend, WEBHOOK_BOUNDS } from './net/safe-fetch.js';
import { Agents } from './orchestration/agents.js';
import { Dependencies } from './orchestration/dependencies.js';
import { DeploymentUpdates } from './orchestration/deployment-updates.js';
import { Deployments } from './orchestration/deployments.js';
import { Evaluation } from './orchestration/evaluation.js';
import { ExecutionHistory } from './orchestration/execution-history.js';
import { Executions, type Wake } from './orchestration/executions.js';
import { Followed } from './orchestration/followed.js';
import { LabelsInUse } from './orchestration/labels-in-use.js';
import { Modifications } from './orchestration/modifications.js';
import { NodeInstances } from './orchestration/node-instances.js';
import { Nodes } from './orchestration/nodes.js';
import { OfferedWorkflows } from './orchestration/offered-workflows.js';
import { Pictures } from './orchestration/pictures.js';
import { Resumption } from './orchestration/resumption.js';
import {
  type ElsewhereServices,
  elsewhereServices,
} from './orchestration/running/dispatch/elsewhere-services.js';
import { EngineFigures } from './orchestration/running/engine-figures.js';
import { Shares } from './orchestration/shares.js';
import { Summaries } from './orchestration/summaries.js';
import { SystemExecutions } from './orchestration/system-executions.js';
import { TaskGraphs } from './orchestration/task-graphs.js';
import { UploadExecutions } from './orchestration/upload-executions.js';
import { type OrderingServices, orderingServices } from './ordering/ordering-services.js';
import { type CatalogueServices, catalogueServices } from './ordering/services.js';
import { PluginsUpdates } from './plugins-updates/plugins-updates.js';
import { PLUGINS_UPDATE_WORKFLOW } from './plugins-updates/workflows.js';
import { defaultSchedules } from './scheduling/default-schedules.js';
import { Schedules } from './scheduling/schedules.js';
import { Safe } from './secrets/safe.js';
import { Secrets } from './secrets/secrets.js';
import { masterKeyFrom, Vault } from './secrets/vault.js';
import { failureRules } from './sign-in-settings.js';
import { Sites } from './sites/sites.js';
import { Archives } from './snapshots/archives.js';
import { Snapshots } from './snapshots/snapshots.js';
import { SNAPSHOT_WORKFLOWS } from './snapshots/workflows.js';
import { type StoreHealth, storeHealth } from './store/health.js';
import type { Pool } from './store/pool.js';
import type { Signals } from './store/signals.js';
import { type StreamSettings, Streams } from './streaming/streams.js';

export interface Core
  extends CatalogueServices,
    CloudServices,
    CollaborationServices,
    ElsewhereServices,
    IdentityServices,
    OrderingServices,
    ServerServices {
  readonly settings: Settings;
  readonly log: Log;
  /** What probes and metrics ask of the store. */
  readonly storeHealth: StoreHealth;
  readonly cluster: Cluster;
  readonly maintenance: Maintenance;
  readonly providerContext: ProviderContexts;
  readonly secrets: Secrets;
  readonly tenantRemoval: TenantRemoval;
  readonly blueprints: Blueprints;
  readonly blueprintUploads: BlueprintUploads;
  readonly plugins: Plugins;
  readonly pluginUploads: PluginUploads;
  readonly blobs: Blobs;
  readonly evaluation: Evaluation;
  readonly sites: Sites;
  readonly filters: Filters;
  readonly labelsInUse: LabelsInUse;
  readonly schedules: Schedules;
  readonly deploymentGroups: DeploymentGroups;
  readonly executionGroups: ExecutionGroups;
  readonly dependencies: Dependencies;
  readonly summaries: Summaries;
  readonly offeredWorkflows: OfferedWorkflows;
  readonly deployments: Deployments;
  readonly deploymentUpdates: DeploymentUpdates;
  readonly modifications: Modifications;
  readonly nodes: Nodes;
  readonly nodeInstances: NodeInstances;
  readonly executions: Executions;
  readonly shares: Shares;
  readonly engineFigures: EngineFigures;
  readonly compiler: CompilePool;
  readonly executionHistory: ExecutionHistory;
  readonly resumption: Resumption;
  readonly taskGraphs: TaskGraphs;
  readonly agents: Agents;
  readonly events: Events;
  readonly followed: Followed;
  readonly pictures: Pictures;
  readonly keptAnswers: KeptAnswers;
  readonly streams: Streams;
  readonly snapshots: Snapshots;
  readonly snapshotArchives: Archives;
  readonly logBundles: LogBundles;
  readonly logBundleExecutions: SystemExecutions;
  readonly blueprintCopies: BlueprintCopies;
  readonly pluginsUpdates: PluginsUpdates;
  readonly pluginsUpdateExecutions: SystemExecutions;
  readonly systemExecutions: SystemExecutions;
  readonly vault: Vault;
  readonly safe: Safe;
  readonly signals: Signals;
  readonly pluginPackages: PluginPackages;
}

export interface CoreParts {
  readonly settings: Settings;
  readonly pool: Pool;
  readonly log: Log;
  readonly signals: Signals;
  /** Master keys kept in the data folder, looked up when one is met that the settings do not hold. */
  readonly keptKeys?: () => readonly string[];
  /** Other paces of live streams than the usual ones. */
  readonly streamSettings?: Partial<StreamSettings>;
}

export async function buildCore({
  settings,
  pool,
  log,
  signals,
  keptKeys = () => [],
  streamSettings = {},
}: CoreParts): Promise<Core> {
  const vault = new Vault(masterKeyFrom(settings.masterKey), {
    former: settings.formerMasterKeys.map(masterKeyFrom),
    look: () => keptKeys().map(masterKeyFrom),
  });
  const secrets = new Secrets({ pool, vault });
  if ((await secrets.requireMasterKey()) === 'former')
    log.warn('secrets are under a former master key: run rotate-master-key');
  const safe = new Safe({ vault });
  const clouds = cloudServices({ pool, safe });
  const { cloudAccounts } = clouds;
  const allowlist = parseAllowlist(settings.endpointAllowlist.join(','));
  const blobs = new Blobs(pool);
  const compiler = new CompilePool();
  const taking: ArchiveTaker = {
    blobs,
    limits: {
      ...DEFAULT_ARCHIVE_LIMITS,
      archiveBytes: settings.archiveBytes,
      expandedBytes: settings.archiveUnpackedBytes,
      entries: settings.archiveEntries,
    },
    fetch: (url, bounds) => safeFetch(url, { ...bounds, allowlist }),
  };
  const pluginImports = new PluginImports(pool);
  const blueprintImports = new BlueprintImports({
    pool,
    blobs,
    compiler,
    plugins: pluginImports,
    fetchText: (url) => fetchImport(taking.fetch, url),
  });
  // Deployments stand on blueprints; only the message of a refused deletion looks the other way.
  const journal = new UploadExecutions();
  const blueprints: Blueprints = new Blueprints({
    pool,
    blobs,
    journal,
    inUse: (uid) => deployments.standingOn(uid),
  });
  const sites = new Sites(pool);
  const evaluation = new Evaluation(pool, secrets);
  const snapshotArchives = new Archives(pool);
  const systemExecutions = new SystemExecutions(pool, SNAPSHOT_WORKFLOWS, () => signals.send('work'));
  const logBundleExecutions = new SystemExecutions(pool, [LOG_BUNDLE_WORKFLOW], () => signals.send('work'));
  const pluginsUpdateExecutions = new SystemExecutions(
    pool,
    [PLUGINS_UPDATE_WORKFLOW],
    () => signals.send('work'),
    { together: true },
  );
  const blueprintCopies = new BlueprintCopies({
    pool,
    blobs,
    compiler,
    plugins: pluginImports,
    fetchText: (url) => fetchImport(taking.fetch, url),
  });
  const wake: Wake = {
    work: () => signals.sendAtOnce('work'),
    changed: (id) => signals.sendAtOnce(`changed:${id}`),
  };
  const plugins = new Plugins({ pool, blobs });
  const deployments: Deployments = new Deployments({
    pool,
    blueprints,
    secrets,
    evaluation,
    sites,
    plugins,
    schedules: defaultSchedules,
  });
  const pluginPackages = new PluginPackages({
    pool,
    plugins,
    blobs,
    limits: taking.limits,
    worker: hostname(),
  });
  const identity = identityServices({
    pool,
    safe,
    masterKeys: [settings.masterKey, ...settings.formerMasterKeys].map(masterKeyFrom),
    signIn: failureRules(settings),
    sessionHours: settings.tokenHours,
    signedSeconds: settings.cloudboltTokenSeconds,
  });
  const { callers } = identity;
  const executions = new Executions(pool, wake, settings.tenantMaxWaiting);
  const followed = new Followed(pool);
  const deploymentGroups = new DeploymentGroups({ pool, deployments, blueprints });
  const catalogue = catalogueServices({ pool, safe, blueprints, identity });
  const taskGraphs = new TaskGraphs(pool);
  const nodeInstances = new NodeInstances(pool);
  const uploads = new BlueprintUploads({
    ...taking,
    pool,
    journal,
    compiler,
    imports: { plugin: pluginImports, blueprint: blueprintImports },
    onTrouble: (error, blueprint) => log.error({ err: error, blueprint }, 'an upload broke off'),
  });
  const ground = serverGround({ accounts: cloudAccounts, safe, allowlist, settings });
  const ordering = orderingServices({
    ...{ pool, signals, callers, blueprints, uploads, deployments, executions, taskGraphs, settings },
    nodeInstances,
    ...catalogue,
    servers: ground.serverBook,
    sendWebhook: (request, signal) => safeSend(request, { ...WEBHOOK_BOUNDS, allowlist, signal }),
  });
  return {
    settings,
    log,
    storeHealth: storeHealth(pool),
    cluster: new Cluster({ pool, signals, shared: settings.databaseUrl !== '' }),
    maintenance: new Maintenance({ pool, signals }),
    providerContext: new ProviderContexts(pool),
    ...identity,
    ...collaborationServices({ pool, safe, fetch: taking.fetch }),
    secrets,
    tenantRemoval: new TenantRemoval({
      pool,
      safe,
      takers: [
        (client, tenant) => cloudAccounts.takeAll(client, tenant),
        (client, tenant) => clouds.strategies.takeAll(client, tenant),
      ],
    }),
    ...clouds,
    ...serverServices({
      pool,
      accounts: cloudAccounts,
      rights: catalogue.rights,
      executions,
      jobs: ordering.jobs,
      orders: ordering.orders,
      triggers: ordering.triggers,
      callers,
      runs: ordering.actionRuns,
      osBuilds: catalogue.osBuilds,
      wakeWorkers: wake.work,
      ground,
      settings,
    }),
    blueprints,
    blueprintUploads: uploads,
    pluginUploads: new PluginUploads({ ...taking, pool, compiler }),
    plugins,
    blobs,
    evaluation,
    sites,
    filters: new Filters(pool),
    labelsInUse: new LabelsInUse(pool),
    dependencies: new Dependencies(pool),
    summaries: new Summaries(pool),
    offeredWorkflows: new OfferedWorkflows(pool),
    deployments,
    deploymentUpdates: new DeploymentUpdates({
      pool,
      blueprints,
      secrets,
      plugins: new PluginOrders({ pool, plugins }),
      wake,
      mostWaiting: settings.tenantMaxWaiting,
    }),
    modifications: new Modifications(pool),
    nodes: new Nodes(pool),
    nodeInstances,
    executionHistory: new ExecutionHistory(pool),
    resumption: new Resumption(pool, wake),
    taskGraphs,
    agents: new Agents(pool),
    executions,
    engineFigures: new EngineFigures(),
    compiler,
    shares: new Shares(
      pool,
      { running: settings.tenantMaxRunning, waiting: settings.tenantMaxWaiting },
      wake,
    ),
    deploymentGroups,
    schedules: new Schedules({
      pool,
      deployments,
      executions,
      callers,
      notice: (details, message) => log.warn(details, message),
    }),
    executionGroups: new ExecutionGroups({ pool, groups: deploymentGroups, executions }),
    events: new Events(pool),
    followed,
    pictures: new Pictures(pool, taskGraphs.graphs),
    keptAnswers: new KeptAnswers(pool),
    streams: new Streams({
      pool,
      signals,
      followed,
      settings: streamSettings,
      notice: (details, message) => log.warn(details, message),
    }),
    snapshots: new Snapshots({
      pool,
      vault,
      archives: snapshotArchives,
      executions: systemExecutions,
      signals,
      mostBytes: settings.snapshotBytes,
      fetch: (url, bounds) => safeFetch(url, { ...bounds, allowlist }),
      forget: () => blueprints.forgetPlans(),
    }),
    snapshotArchives,
    logBundles: new LogBundles({ pool, archives: snapshotArchives, executions: logBundleExecutions }),
    logBundleExecutions,
    blueprintCopies,
    pluginsUpdates: new PluginsUpdates({
      pool,
      blueprints,
      copies: blueprintCopies,
      callers,
      executions: pluginsUpdateExecutions,
    }),
    pluginsUpdateExecutions,
    systemExecutions,
    vault,
    safe,
    signals,
    pluginPackages,
    ...catalogue,
    ...ordering,
    ...elsewhereServices({
      ...{ pool, vault, signals, allowlist, settings },
      shelf: { blueprints, packages: pluginPackages },
    }),
  };
}
