/**
 * The worker: runs executions, and does what must be done from time to time.
 *
 * A chore is a function of the core that its room exports. The master of the cluster does them; for a moment there may be
 * two who believe to be it, so a chore must bear being done twice at once (by `for update skip locked`, or by being
 * repeatable).
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Core } from './core.js';
import { sweepOldChanges } from './events/changes.js';
import { foldEventCounts } from './events/counting.js';
import { dropOldWeeks, makeWeeks } from './events/retention.js';
import { startServerSyncWorker } from './inventory/server-syncs.js';
import { foldServerTallies } from './inventory/server-tallies.js';
import { type Log, logFileOf } from './log.js';
import { settleAbandonedBundles, startLogBundleWorker } from './log-bundles/log-bundle-worker.js';
import { servePools } from './orchestration/running/dispatch/central-pools.js';
import { Errands, sweepDispatched } from './orchestration/running/dispatch/errands.js';
import { CENTRAL, SPREAD } from './orchestration/running/dispatch/pools.js';
import { startWorker } from './orchestration/running/worker.js';
import { startOrderWorker } from './ordering/order-worker.js';
import { createActionsPlugin } from './plugins/actions/actions.js';
import { createAgentPlugin } from './plugins/agent/agent.js';
import { createPythonPlugin } from './plugins/python/python.js';
import { createRegistry } from './plugins/registry.js';
import { createScriptPlugin } from './plugins/script/script.js';
import { createServersPlugin } from './plugins/servers/servers.js';
import { createSimulatedPlugin } from './plugins/simulated/simulated.js';
import { startPluginsUpdateWorker } from './plugins-updates/plugins-update-worker.js';
import { settleAbandonedPluginsUpdates } from './plugins-updates/settle.js';
import { settleAbandoned, startSnapshotWorker } from './snapshots/snapshot-worker.js';
import type { Pool } from './store/pool.js';
import { foldRowCounts } from './store/row-counts.js';
import { VERSION } from './version.js';

/** Seconds; the script plugin kills after five. */
const CANCEL_GRACE = 15;
/** Seconds of a stop that are kept for operations which do not end by themselves: the five of the script plugin, and one to write. */
const ENDING = 6;

export interface Chore {
  /** For the log. */
  readonly name: string;
  readonly everyMs: number;
  readonly run: (core: Core, pool: Pool) => Promise<void>;
}

export interface Work {
  /** What is not right with it; empty: nothing. */
  troubles(): readonly string[];
  /** Takes no new work, lets what runs end for a while, and gives the rest back. */
  stop(): Promise<void>;
}

export const CHORES: readonly Chore[] = [
  { name: 'fold row counts', everyMs: 10_000, run: async (_core, pool) => void (await foldRowCounts(pool)) },
  {
    name: 'fold tallies of servers',
    everyMs: 10_000,
    run: async (_core, pool) => void (await foldServerTallies(pool)),
  },
  {
    name: 'fold counts of events',
    everyMs: 5000,
    run: async (_core, pool) => void (await foldEventCounts(pool)),
  },
  {
    name: 'make weeks of events',
    everyMs: 60 * 60_000,
    run: async (_core, pool) => void (await makeWeeks(pool)),
  },
  {
    name: 'drop old weeks of events',
    everyMs: 10 * 60_000,
    run: async ({ settings }, pool) => void (await dropOldWeeks(pool, settings.eventRetentionDays)),
  },
  { name: 'follow hosts', everyMs: 1000, run: async (core) => core.instanceFollower.follow() },
  { name: 'sweep blobs', everyMs: 10 * 60_000, run: async (core) => void (await core.blobs.sweep()) },
  {
    name: 'let executions of groups go',
    everyMs: 2000,
    run: async (core) => void (await core.executionGroups.promoteWaiting()),
  },
  { name: 'start what is due', everyMs: 1000, run: async (core) => void (await core.schedules.startDue()) },
  {
    name: 'fail dead uploads',
    everyMs: 30_000,
    run: async (core) => void (await core.blueprintUploads.failDead()),
  },
  {
    name: 'take away forgotten carts',
    everyMs: 10 * 60_000,
    run: async ({ orders, settings }) => void (await orders.forget(settings.cartDays)),
  },
  {
    name: 'run rules that are due',
    everyMs: 10_000,
    run: async (core) => void (await core.ruleSchedules.runDue()),
  },
  { name: 'act on what expires', everyMs: 60_000, run: async (core) => void (await core.expiry.scan()) },
  {
    name: 'sweep what was dispatched',
    everyMs: 30_000,
    run: async (_core, pool) => void (await sweepDispatched(pool)),
  },
  {
    name: 'sweep credentials of agents whose hosts are gone',
    everyMs: 60_000,
    run: async ({ hostAgents }) => hostAgents.sweep(),
  },
  {
    name: 'sweep changes and answers',
    everyMs: 60_000,
    run: async (core, pool) => {
      await sweepOldChanges(pool);
      await core.keptAnswers.sweep();
    },
  },
  {
    name: 'settle abandoned snapshots, log bundles and updates of plugins',
    everyMs: 30_000,
    run: async (core, pool) => {
      await settleAbandoned(pool);
      await settleAbandonedBundles(pool);
      await settleAbandonedPluginsUpdates(pool, core.blueprintCopies);
      await core.snapshotArchives.sweep();
      await core.serverSyncs.settleAbandoned();
    },
  },
];

export interface WorkParts {
  readonly core: Core;
  readonly pool: Pool;
  readonly log: Log;
  readonly databaseUrl: string;
  /** Base URL of the API, for plugins; null: there is none that they could reach. */
  readonly apiUrl?: () => Promise<string | null>;
  readonly chores?: readonly Chore[];
  /** Whether this process is the one that does the chores now. Default: it is. */
  readonly mayChore?: () => boolean;
}

export async function startWork(parts: WorkParts): Promise<Work> {
  const { core, pool, log, databaseUrl, apiUrl, chores = CHORES, mayChore = () => true } = parts;
  const { settings } = core;
  await foldRowCounts(pool);
  await makeWeeks(pool);
  const script = createScriptPlugin({
    workDir: join(settings.dataDir, 'work'),
    notice: (message) => log.info({ plugin: 'script' }, message),
  });
  const packages = core.pluginPackages;
  const python = createPythonPlugin({
    folder: join(settings.dataDir, 'plugins'),
    kept: (sha256s) => packages.kept(sha256s),
    python: settings.python,
    wheels: settings.pythonWheels === '' ? null : settings.pythonWheels,
    apiCertificates: process.env.NODE_EXTRA_CA_CERTS ?? null,
    ...(apiUrl === undefined ? {} : { apiUrl }),
    notice: (message) => log.info({ plugin: 'python' }, message),
  });
  const plugins = createRegistry(
    [
      script,
      createSimulatedPlugin(),
      createServersPlugin(core.serverWorks),
      createAgentPlugin({ keeper: core.hostAgents }),
      createActionsPlugin(core.actionWorks, script),
    ],
    python,
  );
  const { vault, signals, blueprints } = core;
  const errands = new Errands({ pool, vault, signals, log, poolWait: settings.poolWait });
  const drain = Math.max(0, settings.stopSeconds - ENDING);
  const worker = await startWorker({
    pool,
    log,
    plugins,
    errands,
    agents: core.hostAgents,
    figures: core.engineFigures,
    signals,
    evaluation: core.evaluation,
    blueprints,
    packages,
    settings: {
      name: `${hostname()}:${settings.dataDir}`,
      databaseUrl,
      maxExecutions: settings.workerTags.includes(CENTRAL) ? settings.workerExecutions : 0,
      tenantMaxRunning: settings.tenantMaxRunning,
      maxRunning: settings.maxRunning,
      maxOperations: settings.workerConcurrency,
      lease: settings.leaseSeconds,
      drain,
      taskRetries: settings.taskRetries,
      taskRetryInterval: settings.taskRetryInterval,
      cancelGrace: CANCEL_GRACE,
      spread: settings.spreadOperations,
    },
  });
  core.engineFigures.worker = worker;
  const isCentral = settings.workerTags.includes(CENTRAL);
  const tags = settings.workerTags.filter((tag) => tag !== CENTRAL);
  if (isCentral && settings.spreadOperations > 0) tags.push(SPREAD);
  const pools =
    tags.length === 0
      ? null
      : await servePools({
          pool,
          vault,
          signals,
          plugins,
          log,
          shelf: { blueprints, packages },
          pools: tags,
          identity: worker,
          host: hostname(),
          version: VERSION,
          room: settings.workerConcurrency,
          lease: settings.leaseSeconds,
          drain,
        });
  const snapshots = startSnapshotWorker({
    pool,
    databaseUrl,
    vault: core.vault,
    executions: core.systemExecutions,
    signals: core.signals,
    name: `${hostname()}:${process.pid}`,
    lease: settings.leaseSeconds,
    log,
  });
  const logBundles = startLogBundleWorker({
    pool,
    archives: core.snapshotArchives,
    executions: core.logBundleExecutions,
    signals: core.signals,
    name: `${hostname()}:${process.pid}`,
    machine: hostname(),
    logFile: logFileOf(settings),
    lease: settings.leaseSeconds,
    log,
  });
  const pluginsUpdates = startPluginsUpdateWorker({
    pool,
    copies: core.blueprintCopies,
    callers: core.callers,
    deploymentUpdates: core.deploymentUpdates,
    executions: core.pluginsUpdateExecutions,
    signals: core.signals,
    name: `${hostname()}:${process.pid}`,
    lease: settings.leaseSeconds,
    log,
  });
  const serverSyncs = startServerSyncWorker({
    syncs: core.serverSyncs,
    signals: core.signals,
    name: `${hostname()}:${process.pid}`,
    lease: settings.leaseSeconds,
    log,
  });
  const orderWorker = startOrderWorker({ ...core, log });
  const own: readonly Chore[] = [
    { name: 'sweep plugin environments', everyMs: 10 * 60_000, run: () => python.sweep() },
    {
      name: 'install plugins that were asked for',
      everyMs: 3000,
      run: async () => {
        for (const plugin of await packages.askedFor()) await python.install(plugin);
      },
    },
  ];
  const timers = [
    ...chores.map((chore) => startChore(parts, chore, mayChore)),
    // About this machine's own files, whoever is master.
    ...own.map((chore) => startChore(parts, chore, () => true)),
  ];
  return {
    troubles: () => [],
    stop: async () => {
      core.engineFigures.worker = null;
      await Promise.all([
        worker.stop(),
        snapshots.stop(),
        logBundles.stop(),
        pluginsUpdates.stop(),
        serverSyncs.stop(),
        orderWorker.stop(),
        pools?.stop(),
      ]);
      await errands.close();
      // An environment that is being built is a chore's as well: it is ended, not waited for.
      await Promise.all([script.close(), python.close(), ...timers.map((timer) => timer.stop())]);
    },
  };
}

function startChore(
  { core, pool, log }: WorkParts,
  chore: Chore,
  mayChore: () => boolean,
): { stop(): Promise<void> } {
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  const turn = async () => {
    try {
      if (mayChore()) await chore.run(core, pool);
    } catch (error) {
      log.error({ chore: chore.name, err: error }, 'a chore failed; it is tried again at its next time');
    }
    plan();
  };
  // Some disorder, so that several processes do not all come at once.
  const plan = () => {
    if (stopped) return;
    timer = setTimeout(
      () => {
        running = turn();
      },
      chore.everyMs * (0.9 + Math.random() * 0.2),
    );
  };
  plan();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
