/** A worker in a process of its own, for benchmarks: told what to do by its first message, it tells when it is ready. */
import { loadSettings } from '../src/config.js';
import { buildCore } from '../src/core.js';
import { logTo } from '../src/log.js';
import { startWorker } from '../src/orchestration/running/worker.js';
import type { Plugin } from '../src/plugins/plugin.js';
import { createRegistry } from '../src/plugins/registry.js';
import { createSimulatedPlugin } from '../src/plugins/simulated/simulated.js';
import { openPool } from '../src/store/pool.js';
import { Signals } from '../src/store/signals.js';

export interface WorkerOrder {
  readonly name: string;
  readonly dataDir: string;
  readonly databaseUrl: string;
  readonly masterKey: string;
  /** Of one plugin at once. */
  readonly operations: number;
  /** It tells of each execution when its first operation is asked for. */
  readonly tells: boolean;
}

/** Sent once, and then, where that was ordered, for each execution when its first operation is asked for. */
export type WorkerNews =
  | { readonly kind: 'ready' }
  /** `at`: milliseconds since 1970, with fractions. */
  | { readonly kind: 'began'; readonly execution: string; readonly at: number };

/** The simulated cloud with as much room as any plugin, telling when an execution's first operation begins. */
export function tellingPlugin(began: (execution: string, at: number) => void): Plugin {
  const { concurrency: _any, ...plugin } = createSimulatedPlugin();
  let last = '';
  return {
    ...plugin,
    run(request) {
      const execution = request.operation.id.split(':')[0]!;
      if (execution !== last) began(execution, performance.timeOrigin + performance.now());
      last = execution;
      return plugin.run(request);
    },
  };
}

async function work({
  name,
  dataDir,
  databaseUrl,
  masterKey,
  operations,
  tells,
}: WorkerOrder): Promise<void> {
  const tell = (news: WorkerNews) => process.send?.(news);
  const { settings } = loadSettings({
    ORRERY_DATA_DIR: dataDir,
    ORRERY_DEMO: '0',
    ORRERY_MASTER_KEY: masterKey,
  });
  const log = logTo({ write: (line) => process.stderr.write(line) }, 'error');
  const pool = openPool({ databaseUrl, max: 4, applicationName: name });
  const signals = new Signals(databaseUrl);
  await signals.listen();
  const core = await buildCore({ settings, pool, log, signals });
  const plugin = tellingPlugin((execution, at) => {
    if (tells) tell({ kind: 'began', execution, at });
  });
  const worker = await startWorker({
    pool,
    log,
    signals,
    plugins: createRegistry([plugin]),
    evaluation: core.evaluation,
    blueprints: core.blueprints,
    settings: {
      name,
      databaseUrl,
      maxExecutions: 10,
      maxOperations: operations,
      tenantMaxRunning: 0,
      maxRunning: 0,
      lease: settings.leaseSeconds,
      drain: 1,
      taskRetries: 0,
      taskRetryInterval: 0,
      cancelGrace: 5,
    },
  });
  process.once('disconnect', () => void worker.stop().finally(() => process.exit(0)));
  tell({ kind: 'ready' });
}

if (process.send !== undefined) process.once('message', (order) => void work(order as WorkerOrder));
