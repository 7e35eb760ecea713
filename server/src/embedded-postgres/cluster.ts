/** Where the database's files are, and how an empty cluster is made there. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { randomName } from '../ids.js';
import { type Account, accountOf, canReach, passable, privateFolder } from './account.js';
import type { Programs } from './programs.js';
import { EmbeddedPostgresError } from './trouble.js';

/** Folder for what must lie outside root's closed home. */
const SYSTEM_STATE = '/var/lib/orrery';
/** In the data folder: names the folder of the cluster where it is not the data folder itself. */
const LOCATION = 'postgres.location';
/** Bytes a unix socket's path may have: 108 with the final zero on Linux, 104 on macOS. */
const SOCKET_PATH_LIMIT = process.platform === 'linux' ? 107 : 103;

export interface Cluster {
  /** Holds everything below; owned by the account, 0700. */
  readonly home: string;
  readonly data: string;
  readonly socketFolder: string;
  readonly log: string;
  /** For the programs' copy, where one is needed. */
  readonly state: string;
  /** Runs the server; null: ourselves. */
  readonly account: Account | null;
}

/**
 * The cluster that belongs to `dataDir`; its folders are made, its files not yet.
 *
 * Lies in `dataDir/postgres` where the account reaches that. Else (root's home is 0700 and not ours to open) in a folder
 * of /var/lib/orrery with a random name that `dataDir/postgres.location` remembers: a new data folder at an old path is
 * a new store, never somebody's old one.
 */
export function clusterFor(dataDir: string, account: Account | null): Cluster {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const real = realpathSync(dataDir);
  const { home, state } = homeFor(real, account);
  const runsAs = account !== null && existsSync(home) ? ownerOf(home, account) : account;
  privateFolder(home, runsAs);
  return {
    home,
    data: join(home, 'data'),
    socketFolder: socketFolderFor(home, runsAs),
    log: join(home, 'server.log'),
    state,
    account: runsAs,
  };
}

function homeFor(dataDir: string, account: Account | null): { home: string; state: string } {
  const location = join(dataDir, LOCATION);
  if (existsSync(location)) return { home: readFileSync(location, 'utf8').trim(), state: SYSTEM_STATE };
  if (canReach(account, dirname(dataDir))) {
    if (account !== null) passable(dataDir);
    return { home: join(dataDir, 'postgres'), state: dataDir };
  }
  passable(SYSTEM_STATE);
  if (!canReach(account, SYSTEM_STATE)) {
    throw new EmbeddedPostgresError(
      `neither ${dataDir} nor ${SYSTEM_STATE} can be reached by uid ${account?.uid}`,
    );
  }
  const home = join(SYSTEM_STATE, randomName(12));
  // Written before the cluster is made: what is lost by a crash in between is an empty folder's name.
  writeFileSync(location, `${home}\n`);
  return { home, state: SYSTEM_STATE };
}

/** A cluster made earlier keeps its account, also when a user `postgres` has appeared since. */
function ownerOf(home: string, otherwise: Account): Account {
  const { uid } = statSync(home);
  return uid === 0 ? otherwise : accountOf(uid);
}

/** A folder short enough for a socket's path: in the cluster's home, else in the temporary folder. */
function socketFolderFor(home: string, account: Account | null): string {
  const near = join(home, 'socket');
  const folder = fits(near) ? near : join('/tmp', `orrery-${digest(home)}`);
  if (!fits(folder)) throw new EmbeddedPostgresError(`the path ${folder} is too long for a socket`);
  privateFolder(folder, account);
  const found = lstatSync(folder);
  const owner = account?.uid ?? process.getuid?.() ?? found.uid;
  // In a temporary folder somebody else could have been first; a link or a stranger's folder is not trusted.
  if (!found.isDirectory() || found.uid !== owner) {
    throw new EmbeddedPostgresError(`${folder} belongs to somebody else`);
  }
  return folder;
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, '.s.PGSQL.5432')) <= SOCKET_PATH_LIMIT;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Makes the cluster's files unless they are there. Atomic: made aside, renamed whole. */
export async function initialise(cluster: Cluster, programs: Programs, durable: boolean): Promise<void> {
  if (existsSync(join(cluster.data, 'PG_VERSION'))) {
    checkMajor(cluster);
    return;
  }
  const aside = `${cluster.data}.${randomName(8)}`;
  try {
    await runInitdb(cluster, programs, aside, durable);
    try {
      renameSync(aside, cluster.data);
    } catch (error) {
      // Another process was first: its cluster is as good as ours.
      if (!existsSync(join(cluster.data, 'PG_VERSION'))) throw error;
    }
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function checkMajor(cluster: Cluster): void {
  const found = readFileSync(join(cluster.data, 'PG_VERSION'), 'utf8').trim();
  if (found !== '18') {
    throw new EmbeddedPostgresError(`${cluster.data} was made by PostgreSQL ${found}, and this one is 18`);
  }
}

function runInitdb(cluster: Cluster, programs: Programs, folder: string, durable: boolean): Promise<void> {
  const initdbArguments = [
    '-D',
    folder,
    '--username=orrery',
    // Trust: the socket's folder is open to the account alone (and to root); there is no network.
    '--auth-local=trust',
    '--auth-host=reject',
    '--encoding=UTF8',
    // The same order of names on every machine, whatever its locale; upper and lower case beyond ASCII work.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...(durable ? [] : ['--no-sync']),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(programs.initdb, initdbArguments, {
      ...cluster.account,
      cwd: cluster.home,
      env: serverEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000);
    });
    child.on('error', (error) => reject(new EmbeddedPostgresError('initdb did not start', error)));
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new EmbeddedPostgresError(`initdb failed: ${errorLine(said)}`));
    });
  });
}

/** Nothing of ours: PostgreSQL's own variables, credentials and secrets of the server stay here. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', TMPDIR: tmpdir() };
}

/** The line of PostgreSQL's output that says what is wrong. */
export function errorLine(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const telling = lines.filter((line) => /\b(FATAL|PANIC|error|cannot|could not)\b/.test(line)).at(-1);
  return (telling ?? lines.at(-1) ?? 'it said nothing').replace(/^.*?(FATAL|PANIC|ERROR|error):\s+/, '');
}

/** Keeps the server's log from growing for ever: what is over 10 MB becomes `.1` at the next start. */
export function rotateLog(cluster: Cluster): void {
  const size = statSync(cluster.log, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 10 * 1024 * 1024) renameSync(cluster.log, `${cluster.log}.1`);
  else if (size > 0) chmodSync(cluster.log, 0o600);
}
