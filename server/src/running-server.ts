/** One process of Orrery, from settings to ready and to its end: database, schema, core, HTTP, worker, in this order. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { giveFirstCurriculum } from './academy/first-curriculum.js';
import { Membership } from './cluster/membership.js';
import { SettingError, type Settings } from './config.js';
import { buildCore, type Core } from './core.js';
import { keptSecret } from './data-folder.js';
import { DemoMark, installDemo, runningDemo } from './demo.js';
import { DIALECTS } from './dialects/index.js';
import { addressOfThisMachine, type Duty, keepDuty, nameOfThisMachine } from './duty.js';
import type { EmbeddedPostgres } from './embedded-postgres/launcher.js';
import { bootstrap, FIRST_USER } from './identity/bootstrap.js';
import { type Log, openLog } from './log.js';
import { formerKeysFile, keptMasterKeys, renewMasterKey, withMasterKey } from './master-keys.js';
import { giveFirstContents } from './ordering/first-contents.js';
import { masterKeysOf, rotateMasterKey } from './secrets/rotation.js';
import { fingerprintOf, masterKeyFrom, Vault } from './secrets/vault.js';
import { buildServer, close, listen } from './serve.js';
import { migrate } from './store/migrate.js';
import { openPool, type Pool } from './store/pool.js';
import { Signals } from './store/signals.js';
import { onceStarted } from './store/starting.js';
import { startTracing } from './tracing.js';
import { VERSION } from './version.js';

export interface Voice {
  /** A sentence for the person who started this. */
  tell(sentence: string): void;
  /** Called once, when the process accepts work. */
  ready(url: string): void;
}

export interface RunningServer {
  readonly url: string;
  readonly core: Core;
  readonly app: FastifyInstance;
  /** True: the store was empty before this start. */
  readonly first: boolean;
  /** Takes no new requests and operations, lets those in flight end, closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

interface Database {
  readonly url: string;
  readonly embedded: EmbeddedPostgres | null;
}

export async function startServer(settings: Settings, voice: Voice): Promise<RunningServer> {
  const { role } = settings;
  if (role === 'remote-worker') throw new SettingError('a remote worker serves nothing');
  prepareDataFolder(settings.dataDir);
  const log = openLog(settings);
  // Undone in reverse order, also when a later step fails.
  const endings: (() => Promise<unknown>)[] = [];
  let ending: Promise<void> | undefined;
  const stop = () => {
    ending ??= endAll(endings, log);
    return ending;
  };
  try {
    endings.push(await startTracing(settings, VERSION));
    const database = await findDatabase(settings, voice, log);
    if (database.embedded !== null) endings.push(database.embedded.stop);
    const pool = openPool({
      databaseUrl: database.url,
      max: settings.databaseConnections,
      applicationName: `orrery ${settings.role}`,
    });
    endings.push(() => pool.end());
    const applied = await onceStarted(() => migrate(pool));
    if (applied.length > 0) log.info({ applied }, 'migrated');
    const demo = new DemoMark(settings.dataDir);
    const undecided = demo.undecided;
    // Before the store has its first row: a kill from here on finds the demonstration owed.
    if (undecided && settings.demo && settings.role === 'all') demo.set('owed');
    const first = settings.role === 'worker' ? false : await firstStart(settings, pool, voice);
    if (undecided && !first && demo.owed) demo.set('done');

    const signals = new Signals(database.url);
    endings.push(() => signals.close());
    await signals.listen();
    const keptKeys = () => keptMasterKeys(settings.dataDir);
    const core = await buildCore({ settings: withMasterKey(settings), pool, log, signals, keptKeys });
    if (role !== 'worker') {
      await giveFirstContents({ ...core, pool }, settings.cloudboltTenant);
      await giveFirstCurriculum({ ...core, pool });
    }
    endings.push(() => Promise.all([core.credentials.close(), core.tokens.close()]));
    const membership = await Membership.enter(
      { pool, signals, log },
      {
        key: keptSecret(settings.dataDir, 'node-key', () => randomBytes(32).toString('hex')).value,
        name: settings.nodeName || nameOfThisMachine(),
        hostIp: addressOfThisMachine(settings.host),
        role,
        version: VERSION,
        lease: settings.leaseSeconds,
      },
    );
    core.cluster.self = membership;
    endings.push(() => membership.leave());
    let duty: Duty | undefined;
    const app = await buildServer({
      core,
      settings,
      log,
      dialects: settings.role === 'worker' ? [] : DIALECTS,
      notReady: () => duty?.troubles() ?? [],
    });
    endings.push(() => close(app, settings.stopSeconds));
    const apiUrl = apiUrlFor(settings, app);
    duty = await keepDuty({ core, pool, log, databaseUrl: database.url, apiUrl }, membership, voice);
    endings.push(duty.stop);
    await listen(app, settings.host, settings.port);
    const url = urlOf(settings.host, (app.server.address() as AddressInfo).port);
    await membership.answersAt(url);
    log.info({ version: VERSION, role: settings.role, url, adopted: database.embedded?.adopted }, 'ready');
    voice.ready(url);
    if (settings.demo && settings.role === 'all') endings.push(showDemo(core, demo, voice, log));
    return { url, core, app, first, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Installs the demonstration where it is owed, and says where it answers; returns how to end waiting for it. */
function showDemo(core: Core, mark: DemoMark, voice: Voice, log: Log): () => Promise<void> {
  const stopping = new AbortController();
  const { owed } = mark;
  const done = (owed ? installDemo(core, stopping.signal) : runningDemo(core)).then(
    (url) => {
      if (stopping.signal.aborted) return;
      if (owed) mark.set('done');
      if (url !== null) voice.tell(`The demonstration answers at ${url}`);
    },
    (error: unknown) => {
      if (stopping.signal.aborted) return;
      log.error({ err: error }, 'the demonstration was not installed');
      voice.tell(`The demonstration was not installed: ${(error as Error).message}`);
    },
  );
  return async () => {
    stopping.abort();
    await done;
  };
}

/** Makes the first tenant and administrator of an empty store; tells a generated password, once. */
async function firstStart(settings: Settings, pool: Pool, voice: Voice): Promise<boolean> {
  const passwordFile = join(settings.dataDir, 'admin-password');
  const { first, generatedPassword, passwordApplied } = await bootstrap(pool, {
    adminPassword: settings.adminPassword === '' ? null : settings.adminPassword,
    passwordFile,
  });
  if (generatedPassword !== null) {
    voice.tell(`The first user is ${FIRST_USER}, with the password ${generatedPassword}`);
    voice.tell(`It is not shown again; you find it in ${passwordFile}`);
  }
  if (passwordApplied) voice.tell(`The password of ${FIRST_USER} is now the one of ORRERY_ADMIN_PASSWORD.`);
  return first;
}

/** `migrate` alone, for deployments that do it before they start processes. */
export async function migrateOnce(settings: Settings): Promise<string[]> {
  prepareDataFolder(settings.dataDir);
  const database = await findDatabase(settings, { tell: () => {}, ready: () => {} }, openLog(settings));
  const pool: Pool = openPool({ databaseUrl: database.url, max: 2, applicationName: 'orrery migrate' });
  try {
    return await migrate(pool);
  } finally {
    await pool.end();
    await database.embedded?.stop();
  }
}

/** What `rotate-master-key` has done, for the person who asked for it. */
export interface Rotation {
  readonly fingerprint: string;
  readonly moved: number;
  /** Where the keys before it are, in case the data folder has them. */
  readonly formerKeysFile: string | null;
}

/**
 * Puts all secrets under a new master key, while servers run or not: the one of the settings, else a fresh one in the data
 * folder. Where an earlier run was broken off, it goes on with that one's key.
 *
 * @param told after each batch, how many rows are moved so far
 */
export async function rotateMasterKeyOnce(
  settings: Settings,
  told: (rows: number) => void,
): Promise<Rotation> {
  prepareDataFolder(settings.dataDir);
  const database = await findDatabase(settings, { tell: () => {}, ready: () => {} }, openLog(settings));
  const pool: Pool = openPool({
    databaseUrl: database.url,
    max: 2,
    applicationName: 'orrery rotate-master-key',
  });
  try {
    await migrate(pool);
    const kept = settings.masterKey === '';
    let { masterKey } = withMasterKey(settings);
    const { pinned, rows } = await masterKeysOf(pool);
    const current = fingerprintOf(masterKeyFrom(masterKey));
    const unfinished =
      (pinned !== null && pinned !== current) || [...rows.keys()].some((under) => under !== current);
    if (kept && !unfinished) masterKey = renewMasterKey(settings.dataDir);
    const vault = new Vault(masterKeyFrom(masterKey), {
      former: settings.formerMasterKeys.map(masterKeyFrom),
      look: () => keptMasterKeys(settings.dataDir).map(masterKeyFrom),
    });
    let moved = 0;
    await rotateMasterKey(pool, vault, (batch) => {
      moved += batch;
      told(moved);
    });
    return {
      fingerprint: vault.fingerprint,
      moved,
      formerKeysFile: kept ? formerKeysFile(settings.dataDir) : null,
    };
  } finally {
    await pool.end();
    await database.embedded?.stop();
  }
}

async function findDatabase(settings: Settings, voice: Voice, log: Log): Promise<Database> {
  if (settings.databaseUrl !== '') return { url: settings.databaseUrl, embedded: null };
  const { keepEmbedded } = await import('./embedded-postgres/keeper.js');
  const embedded = await keepEmbedded(
    { dataDir: settings.dataDir },
    {
      revived: () => log.warn('the embedded PostgreSQL had died and was started again'),
      failed: (error) => log.error({ err: error }, 'the embedded PostgreSQL has died and does not start'),
    },
  );
  if (!embedded.home.startsWith(settings.dataDir)) {
    voice.tell(
      `The database is in ${embedded.home}, since PostgreSQL may not run as root nor enter ${settings.dataDir}.`,
    );
  }
  return { url: embedded.databaseUrl, embedded };
}

function prepareDataFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

/** Where plugins of this process find the API: where they are told, else here as soon as this process listens. */
function apiUrlFor(settings: Settings, app: FastifyInstance): () => Promise<string | null> {
  if (settings.apiUrl !== '') return async () => settings.apiUrl;
  if (settings.role === 'worker') return async () => null;
  const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const host = everywhere[settings.host] ?? settings.host;
  const listening = once(app.server, 'listening');
  listening.catch(() => {}); // Told where this process listens.
  return async () => {
    if (!app.server.listening) await listening;
    return urlOf(host, (app.server.address() as AddressInfo).port);
  };
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function endAll(endings: (() => Promise<unknown>)[], log: Log): Promise<void> {
  log.info('stopping');
  let trouble: unknown;
  for (const end of endings.reverse()) {
    try {
      await end();
    } catch (error) {
      trouble ??= error;
      log.error({ err: error }, 'one step of stopping failed');
    }
  }
  log.info('stopped');
  await new Promise<void>((resolve) => log.flush(() => resolve()));
  if (trouble !== undefined) throw trouble;
}
