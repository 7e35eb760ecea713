/**
 * Starts the PostgreSQL that npm installed, so that Orrery needs nothing but Node.
 *
 * What always holds:
 * - The server is a real one: same driver, SQL and durability as a PostgreSQL of the operator's own.
 * - It is reached through a unix socket in a 0700 folder, never through the network.
 * - It outlives us. When our process is killed it goes on, and the next start adopts it: nothing is interrupted but us.
 * - Two processes may start at once. There is no lock of ours: `initdb` happens aside and is renamed into place (one
 *   wins), and PostgreSQL's own `postmaster.pid` lets one server run; whoever comes second adopts it.
 * - A lock file is removed only when no running process stands in the data folder. PostgreSQL itself takes a zombie, or
 *   after a reboot any process with the old number, for its living self, and would never start again.
 * - `stop` leaves a server alone that others still use.
 *
 * Rejected: the npm wrapper around these programs (TCP with a password, no adoption, runs useradd as root, fails after
 * kill -9); `pg_ctl` (one more process and a poll of 100 ms; we poll at 5).
 */
import { spawn } from 'node:child_process';
import {
  chownSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { databaseAccount } from './account.js';
import { type Cluster, clusterFor, errorLine, initialise, rotateLog, serverEnvironment } from './cluster.js';
import { isRunning, processesIn } from './process-table.js';
import { findPrograms, type Programs } from './programs.js';
import { serverArguments } from './settings.js';
import { EmbeddedPostgresError } from './trouble.js';

export interface EmbeddedOptions {
  /** Orrery's data folder; made if need be. */
  readonly dataDir: string;
  /** False: no flush to disk, for tests. Default true. */
  readonly durable?: boolean;
  /** How long a server may need to start, recovery after a crash included. Default 60,000 ms. */
  readonly timeoutMs?: number;
}

export interface EmbeddedPostgres {
  readonly databaseUrl: string;
  /** True: the server was running already. */
  readonly adopted: boolean;
  /** Process id of the server. */
  readonly pid: number;
  /** Folder of the cluster; not always below the data folder. */
  readonly home: string;
  /** Stops the server unless other clients are connected. Close your own connections first. */
  stop(): Promise<'stopped' | 'in-use'>;
}

const DATABASE = 'orrery';
const POLL_MS = 5;
const LEAVING_MS = 1000;
/** Two that stop at once do not keep each other from it. */
const STOPPING = 'orrery stopping';

/**
 * A running PostgreSQL on the cluster of `dataDir`: adopted, started, or made first.
 *
 * @throws EmbeddedPostgresError one sentence with the way out
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const durable = options.durable ?? true;
  const deadline = performance.now() + (options.timeoutMs ?? 60_000);
  let cluster: Cluster;
  let programs: Programs;
  try {
    cluster = clusterFor(options.dataDir, databaseAccount());
    programs = findPrograms(cluster.account, cluster.state);
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error;
    throw new EmbeddedPostgresError('the embedded PostgreSQL could not be prepared', error);
  }
  await initialise(cluster, programs, durable);

  let lastWords = 'it did not answer in time';
  while (performance.now() < deadline) {
    const running = await runningServer(cluster, deadline);
    if (running !== null) return embedded(cluster, running, true);
    const attempt = await launch(cluster, programs, durable, deadline);
    if ('pid' in attempt) return embedded(cluster, attempt.pid, false);
    lastWords = attempt.failure;
    // Another start was faster, or children of a killed server still hold its memory: both pass in moments.
    if (!/lock file|shared memory block|Address already in use/.test(attempt.failure)) break;
    await delay(50);
  }
  throw new EmbeddedPostgresError(
    `the embedded PostgreSQL did not start: ${lastWords} (log: ${cluster.log})`,
  );
}

/** The server that runs on the cluster of `dataDir`, to look at; null: none does. Starts, makes and clears away nothing. */
export async function findEmbedded(
  dataDir: string,
): Promise<Pick<EmbeddedPostgres, 'databaseUrl' | 'pid' | 'home'> | null> {
  if (!['postgres', 'postgres.location'].some((name) => existsSync(join(dataDir, name)))) return null;
  const cluster = clusterFor(dataDir, databaseAccount());
  const pid = lockHolder(cluster);
  if (pid === null || !(await ask(cluster, DATABASE).catch(() => false))) return null;
  return { databaseUrl: urlOf(cluster, DATABASE), pid, home: cluster.home };
}

/** `postgres://` address of a database of the cluster. */
function urlOf(cluster: Cluster, database: string): string {
  return `postgresql://orrery@/${database}?host=${encodeURIComponent(cluster.socketFolder)}`;
}

/** Process id of the server that serves this cluster and answers, or null; clears away a dead one's lock file. */
async function runningServer(cluster: Cluster, deadline: number): Promise<number | null> {
  while (performance.now() < deadline) {
    const pid = lockHolder(cluster);
    if (pid === null) return null;
    if (await answers(cluster)) return pid;
    const inFolder = processesIn(realpathSync(cluster.data));
    if (inFolder === null ? !isRunning(pid) : inFolder.length === 0) {
      if (lockHolder(cluster) === pid) rmSync(join(cluster.data, 'postmaster.pid'), { force: true });
      return null;
    }
    await delay(POLL_MS);
  }
  throw new EmbeddedPostgresError(
    `a PostgreSQL process stands in ${cluster.data} (pid ${lockHolder(cluster)}) and does not answer`,
  );
}

function lockHolder(cluster: Cluster): number | null {
  try {
    const pid = Number.parseInt(readFileSync(join(cluster.data, 'postmaster.pid'), 'utf8'), 10);
    return pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

/** Whether a server with this very data folder answers on the socket; makes our database on the way. */
async function answers(cluster: Cluster): Promise<boolean> {
  try {
    return await ask(cluster, DATABASE);
  } catch (error) {
    if ((error as { code?: string }).code !== '3D000') return false;
  }
  try {
    return await ask(cluster, 'postgres', `create database ${DATABASE}`);
  } catch (error) {
    // 42P04, 23505: another start made it in the same moment.
    return ['42P04', '23505'].includes((error as { code?: string }).code ?? '');
  }
}

async function ask(cluster: Cluster, database: string, statement?: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: urlOf(cluster, database), connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ folder: string }>(
      "select current_setting('data_directory') as folder",
    );
    if (realpathSync(rows[0]!.folder) !== realpathSync(cluster.data)) return false;
    if (statement !== undefined) await client.query(statement);
    return true;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Starts a server in its own session and waits until it answers or ends. */
async function launch(
  cluster: Cluster,
  programs: Programs,
  durable: boolean,
  deadline: number,
): Promise<{ pid: number } | { failure: string }> {
  rotateLog(cluster);
  const log = openSync(cluster.log, 'a', 0o600);
  const from = statSync(cluster.log).size;
  if (cluster.account !== null) chownSync(cluster.log, cluster.account.uid, cluster.account.gid);
  const child = spawn(programs.postgres, serverArguments({ ...cluster, durable }), {
    ...cluster.account,
    cwd: cluster.home,
    env: serverEnvironment(),
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let ended: string | undefined;
  child.once('error', (error) => {
    ended = error.message;
  });
  const noteEnd = (code: number | null, signal: string | null) => {
    ended = `${errorLine(tail(cluster.log, from))} (${signal ?? `exit code ${code}`})`;
  };
  child.once('exit', noteEnd);
  child.unref();
  while (performance.now() < deadline) {
    if (ended !== undefined) return { failure: ended };
    if (saysReady(cluster, child.pid) && (await answers(cluster))) {
      child.off('exit', noteEnd);
      return { pid: child.pid! };
    }
    await delay(POLL_MS);
  }
  return { failure: 'it did not answer in time' };
}

/** The eighth line of the lock file tells the server's state; looking costs less than connecting. */
function saysReady(cluster: Cluster, pid: number | undefined): boolean {
  try {
    const lines = readFileSync(join(cluster.data, 'postmaster.pid'), 'utf8').split('\n');
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}

function tail(path: string, from: number): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(8192);
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, from));
  } finally {
    closeSync(file);
  }
}

function embedded(cluster: Cluster, pid: number, adopted: boolean): EmbeddedPostgres {
  return {
    databaseUrl: urlOf(cluster, DATABASE),
    adopted,
    pid,
    home: cluster.home,
    stop: () => stop(cluster, pid),
  };
}

async function stop(cluster: Cluster, pid: number): Promise<'stopped' | 'in-use'> {
  if (lockHolder(cluster) !== pid) return 'stopped';
  if (await usedByOthers(cluster)) return 'in-use';
  // SIGINT is PostgreSQL's fast shutdown: sessions end, everything is flushed.
  process.kill(pid, 'SIGINT');
  const deadline = performance.now() + 30_000;
  while (isRunning(pid)) {
    if (performance.now() > deadline)
      throw new EmbeddedPostgresError(`PostgreSQL (pid ${pid}) does not stop`);
    await delay(POLL_MS);
  }
  if (!cluster.socketFolder.startsWith(cluster.home)) {
    rmSync(cluster.socketFolder, { recursive: true, force: true });
  }
  return 'stopped';
}

/** Whether somebody else is connected, and stays: connections that were ended just now take a moment to go. */
async function usedByOthers(cluster: Cluster): Promise<boolean> {
  const deadline = performance.now() + LEAVING_MS;
  const client = new pg.Client({
    connectionString: urlOf(cluster, 'postgres'),
    connectionTimeoutMillis: 2000,
    application_name: STOPPING,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    for (;;) {
      const { rows } = await client.query<{ others: number }>(
        `select count(*)::integer as others from pg_stat_activity
         where backend_type = 'client backend' and application_name <> $1`,
        [STOPPING],
      );
      if (rows[0]!.others === 0) return false;
      if (performance.now() > deadline) return true;
      await delay(POLL_MS);
    }
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
