/**
 * A worker elsewhere: `ORRERY_ROLE=remote-worker`. It knows the API's address and credentials of its own, never the database, and
 * runs operations as any worker does: the same plugins, the same isolation.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { hostname, machine, release, type } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_ARCHIVE_LIMITS } from './catalog/archive/limits.js';
import { SettingError, type Settings } from './config.js';
import { openLog } from './log.js';
import { HttpDispatcher } from './orchestration/running/dispatch/http-dispatcher.js';
import { startPoolWorker } from './orchestration/running/dispatch/pool-worker.js';
import type { Plugin } from './plugins/plugin.js';
import { createPythonPlugin } from './plugins/python/python.js';
import { createRegistry } from './plugins/registry.js';
import { createScriptPlugin } from './plugins/script/script.js';
import { createSimulatedPlugin } from './plugins/simulated/simulated.js';
import { VERSION } from './version.js';

export interface RemoteWorker {
  readonly url: string;
  readonly pools: readonly string[];
  /** Resolves when the credentials are good no longer, and everything has been ended. */
  readonly refused: Promise<void>;
  stop(): Promise<void>;
}

/** What a worker that is the agent of a host has besides. */
export interface AgentParts {
  readonly plugins?: readonly Plugin[];
  /** Names of variables that its scripts and plugins see. */
  readonly passEnvironment?: readonly string[];
}

/** Seconds of a stop that are kept for operations which do not end by themselves. */
const ENDING = 6;
const AGAIN_MS = 2000;
const SWEEP_MS = 10 * 60_000;

/** Resolves when it takes work: it waits for an API that is not there yet. */
export async function startRemoteWorker(
  settings: Settings,
  stopping: AbortSignal,
  { plugins: more = [], passEnvironment = [] }: AgentParts = {},
): Promise<RemoteWorker> {
  const { url, dataDir } = settings;
  const token = tokenOf(settings);
  if (url === '') throw new SettingError('a remote worker needs ORRERY_URL, the address of the API');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const log = openLog(settings);
  if (url.startsWith('http://') && !/^http:\/\/(127\.|localhost|\[::1\])/.test(url)) {
    log.warn({ url }, 'ORRERY_URL is not https: credentials and inputs go over the network for all to read');
  }
  const script = createScriptPlugin({
    workDir: join(dataDir, 'work'),
    passEnvironment,
    notice: (message) => log.info({ plugin: 'script' }, message),
  });
  const python = createPythonPlugin({
    folder: join(dataDir, 'plugins'),
    passEnvironment,
    // Who knows is far: an environment goes when it has not been used for long.
    kept: async (sha256s) => new Set(sha256s),
    python: settings.python,
    wheels: settings.pythonWheels === '' ? null : settings.pythonWheels,
    apiCertificates: process.env.NODE_EXTRA_CA_CERTS ?? null,
    notice: (message) => log.info({ plugin: 'python' }, message),
  });
  const plugins = createRegistry([script, createSimulatedPlugin(), ...more], python);
  await plugins.recoverAll();

  const refusal = new AbortController();
  const dispatcher = new HttpDispatcher({
    url,
    token,
    self: {
      name: `${hostname()}:${dataDir}`.slice(0, 256),
      host: hostname(),
      version: VERSION,
      system: systemName(),
      room: settings.workerConcurrency,
    },
    limits: {
      ...DEFAULT_ARCHIVE_LIMITS,
      expandedBytes: settings.archiveUnpackedBytes,
      entries: settings.archiveEntries,
    },
    refused: () => refusal.abort(),
  });
  const { lease, pools } = await enter();
  const worker = startPoolWorker({
    dispatcher,
    plugins,
    log,
    room: settings.workerConcurrency,
    lease,
    drain: Math.max(0, settings.stopSeconds - ENDING),
  });
  const sweep = setInterval(() => {
    python.sweep().catch((error: unknown) => log.warn({ err: error }, 'environments could not be swept'));
  }, SWEEP_MS);
  log.info({ url, pools }, 'takes work');

  let ending: Promise<void> | null = null;
  const end = (drop: boolean) => {
    ending ??= (async () => {
      clearInterval(sweep);
      await worker.stop(drop);
      if (!drop) await dispatcher.leave().catch(() => {});
      await Promise.all([script.close(), python.close()]);
    })();
    return ending;
  };
  const refused = new Promise<void>((resolve, reject) => {
    refusal.signal.addEventListener('abort', () => {
      log.error({ url }, 'the credentials of this worker are good no longer');
      end(true).then(resolve, reject);
    });
  });
  return { url, pools, refused, stop: () => end(false) };

  async function enter() {
    for (;;) {
      try {
        return await dispatcher.register(true);
      } catch (error) {
        if (refusal.signal.aborted)
          throw new SettingError('the credentials of ORRERY_WORKER_TOKEN are not good');
        if (stopping.aborted) throw error;
        log.warn({ err: error, url }, 'the API is not there yet; trying again');
        await delay(AGAIN_MS, undefined, { signal: stopping });
      }
    }
  }
}

/** As people know it: `Debian GNU/Linux 12 (bookworm), x86_64`. */
function systemName(): string {
  let name = `${type()} ${release()}`;
  try {
    const told = /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'));
    name = told?.[1] ?? name;
  } catch {
    // Not every system has the file.
  }
  return `${name}, ${machine()}`.slice(0, 256);
}

function tokenOf({ workerToken, workerTokenFile }: Settings): string {
  if (workerToken !== '') return workerToken;
  if (workerTokenFile === '') {
    throw new SettingError('a remote worker needs ORRERY_WORKER_TOKEN, or ORRERY_WORKER_TOKEN_FILE');
  }
  try {
    return readFileSync(workerTokenFile, 'utf8').trim();
  } catch (error) {
    throw new SettingError(`ORRERY_WORKER_TOKEN_FILE cannot be read: ${(error as Error).message}`);
  }
}
