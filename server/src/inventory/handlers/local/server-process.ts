/**
 * The process behind a local server: begun apart from us, found again, paused, ended.
 *
 * It leads a session and process group of its own, so it lives on when Orrery ends, and is found again by number *and* start
 * time. Every process it begins carries its mark in the environment, so ending ends all of them (plugins/script/processes.ts).
 * It gets an environment of its own, no open files of ours, limits on memory, file size and open files, and, where Orrery
 * is root, a user number of its own that owns nothing but the server's home. What is *not* isolated is said in
 * docs/servers.md: no namespaces, no quota on the folder as a whole, the host's network.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, chmod, lchown, open, readdir, readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endTree, identify, type ProcessIdentity, processPlace } from '../../../plugins/script/processes.js';

export interface ProcessBounds {
  readonly cpus: number;
  readonly memoryMb: number;
  readonly diskGb: number;
}

export interface ProcessWish extends ProcessBounds {
  readonly uuid: string;
  readonly hostname: string;
  /** The folder that it runs in, and may write. */
  readonly home: string;
  readonly ip: string;
  readonly port: number;
}

/** A process, and the boot and set of numbers in which its number means something. */
export interface KnownProcess extends ProcessIdentity {
  readonly place: string;
  /** The user it runs as: one of its own, or Orrery's. */
  readonly uid: number;
}

export type Begun =
  | { readonly kind: 'running'; readonly process: KnownProcess; readonly ip: string; readonly port: number }
  | { readonly kind: 'address-taken' }
  | { readonly kind: 'failed'; readonly message: string };

const PROGRAM = fileURLToPath(new URL('./server-program.mjs', import.meta.url));
const ADDRESS_TAKEN = 98;
const PATIENCE_MS = 15_000;
/** Milliseconds between SIGTERM and SIGKILL. */
const GRACE = 5000;
/** User numbers of local servers: far above those that systems give to people and to containers. */
const FIRST_UID = 1_600_000_000;
const UIDS = 100_000_000;

export function markOf(uuid: string): string {
  return `ORRERY_LOCAL_SERVER=${uuid}`;
}

/** Begins the process and waits until it answers. */
export async function beginProcess(wish: ProcessWish): Promise<Begun> {
  for (const uid of await usersFor(wish.uuid)) {
    const begun = await beginAs(wish, uid);
    // A container without the right to change users, or a system that does not know such a number.
    if (begun !== 'not-permitted') return begun;
  }
  return { kind: 'failed', message: 'the process could not be begun as any user' };
}

/** The users to try: one of its own where we may choose and it can read Node, else our own. */
async function usersFor(uuid: string): Promise<(number | null)[]> {
  if (process.getuid?.() !== 0 || !(await isOpenToAll(process.execPath))) return [null];
  return [FIRST_UID + (Number.parseInt(uuid.replaceAll('-', '').slice(0, 10), 16) % UIDS), null];
}

async function isOpenToAll(path: string): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    const { mode } = await stat(at);
    if ((mode & (at === path ? 0o005 : 0o001)) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

async function beginAs(wish: ProcessWish, uid: number | null): Promise<Begun | 'not-permitted'> {
  await chmod(wish.home, 0o700);
  if (uid !== null) await giveTo(wish.home, uid);
  const program = await open(PROGRAM, 'r');
  const output = await open(join(wish.home, '..', 'console.log'), 'a', 0o600);
  try {
    const child = spawn('/bin/sh', ['-c', commandLine(wish)], {
      cwd: wish.home,
      detached: true,
      stdio: [program.fd, output.fd, output.fd],
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '.',
        LANG: 'C.UTF-8',
        ORRERY_LOCAL_SERVER: wish.uuid,
      },
      ...(uid === null ? {} : { uid, gid: uid }),
    });
    const ended = new Promise<number | Error>((tell) => {
      child.once('error', tell);
      child.once('exit', (code) => tell(code ?? -1));
    });
    child.unref();
    return await answering(wish, child.pid, ended, uid);
  } finally {
    await Promise.all([program.close(), output.close()]);
  }
}

async function answering(
  wish: ProcessWish,
  pid: number | undefined,
  ended: Promise<number | Error>,
  uid: number | null,
): Promise<Begun | 'not-permitted'> {
  const deadline = performance.now() + PATIENCE_MS;
  let over: number | Error | null = null;
  void ended.then((how) => {
    over = how;
  });
  while (performance.now() < deadline) {
    await sleep(15);
    if (over !== null) return endedEarly(over, uid);
    const answer = await readAnswer(wish.home);
    if (answer === null || answer.pid !== pid) continue;
    const identity = await identify(answer.pid);
    if (identity === null) continue;
    const place = await processPlace();
    const known = { ...identity, place, uid: uid ?? process.getuid?.() ?? -1 };
    return { kind: 'running', process: known, ip: answer.ip, port: answer.port };
  }
  return { kind: 'failed', message: `the process did not answer within ${PATIENCE_MS / 1000} s` };
}

function endedEarly(how: number | Error, uid: number | null): Begun | 'not-permitted' {
  if (how instanceof Error) {
    const { code } = how as NodeJS.ErrnoException;
    if (uid !== null && (code === 'EPERM' || code === 'EINVAL' || code === 'EACCES')) return 'not-permitted';
    return { kind: 'failed', message: `the process could not be begun: ${how.message}` };
  }
  if (how === ADDRESS_TAKEN) return { kind: 'address-taken' };
  return { kind: 'failed', message: `the process ended with ${how} before it answered; see its console.log` };
}

/** What the program wrote of itself. The server's own word: believed only as far as it is checked. */
async function readAnswer(home: string): Promise<{ pid: number; ip: string; port: number } | null> {
  const text = await readFile(join(home, 'answer.json'), 'utf8').catch(() => null);
  if (text === null || text.length > 1000) return null;
  try {
    const { pid, ip, port } = JSON.parse(text) as Record<string, unknown>;
    if (!Number.isInteger(pid) || !Number.isInteger(port) || typeof ip !== 'string') return null;
    if (!/^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(ip)) return null;
    return { pid: pid as number, ip, port: port as number };
  } catch {
    return null;
  }
}

/**
 * `ulimit` bounds what the shell becomes: data (in KiB) beyond which memory is refused, the size of any one file (in 512
 * bytes), open files, no core. The number of CPUs is an affinity, where `taskset` is there.
 */
function commandLine(wish: ProcessWish): string {
  const heap = Math.max(32, Math.floor(wish.memoryMb * 0.7));
  const words = [
    'exec nice -n 5',
    affinity(wish),
    quote(process.execPath),
    `--max-old-space-size=${heap} --input-type=module -`,
    ...Object.entries({
      uuid: wish.uuid,
      hostname: wish.hostname,
      ip: wish.ip,
      port: wish.port,
      cpus: wish.cpus,
      memory: wish.memoryMb,
    }).map(([name, value]) => quote(`--${name}=${value}`)),
  ];
  const limits = [
    'ulimit -c 0',
    'ulimit -n 256',
    `ulimit -d ${Math.max(LEAST_DATA_MB, wish.memoryMb) * 1024}`,
    `ulimit -f ${wish.diskGb * 1024 * 1024 * 2}`,
  ];
  return `${limits.join(' && ')} && ${words.filter((word) => word !== '').join(' ')}`;
}

/** Node itself does not come up with less. */
const LEAST_DATA_MB = 256;

function affinity({ uuid, cpus }: ProcessWish): string {
  const all = availableParallelism();
  if (process.platform !== 'linux' || cpus >= all) return '';
  const first = Number.parseInt(uuid.slice(0, 4), 16) % all;
  const chosen = Array.from({ length: cpus }, (_, index) => (first + index) % all).join(',');
  return `$(command -v taskset >/dev/null 2>&1 && echo taskset -c ${chosen})`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export type Seen = 'running' | 'paused' | 'gone';

/** How the process is now. */
export async function look(known: KnownProcess | null): Promise<Seen> {
  if (known === null || known.place !== (await processPlace())) return 'gone';
  const now = await identify(known.pid);
  if (now === null || now.startTime !== known.startTime) return 'gone';
  const text = await readFile(`/proc/${known.pid}/stat`, 'utf8').catch(() => '');
  const state = text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3);
  return state === 'T' || state === 't' ? 'paused' : 'running';
}

/** Stops or continues its whole group. Returns false when it is gone. */
export async function pause(known: KnownProcess, paused: boolean): Promise<boolean> {
  if ((await look(known)) === 'gone') return false;
  try {
    process.kill(-known.pid, paused ? 'SIGSTOP' : 'SIGCONT');
  } catch {
    return false;
  }
  const wanted: Seen = paused ? 'paused' : 'running';
  for (let tries = 0; tries < 200; tries += 1) {
    const seen = await look(known);
    if (seen === wanted) return true;
    if (seen === 'gone') return false;
    await sleep(5);
  }
  return false;
}

/** Ends all processes of the server, also some that nobody wrote down. Returns whether nothing is left. */
export async function endProcess(uuid: string, known: KnownProcess | null): Promise<boolean> {
  const here = known !== null && known.place === (await processPlace()) ? known : null;
  // A process that is stopped does not hear SIGTERM.
  if (here !== null && (await look(here)) === 'paused') await pause(here, false);
  const leader = here === null ? null : { pid: here.pid, startTime: here.startTime };
  return endTree({ leader, mark: markOf(uuid) }, { grace: GRACE });
}

/** Whether local servers can be at all here; a sentence when not. */
export async function whyNotHere(): Promise<string | null> {
  if (process.platform !== 'linux') return 'local servers need Linux: they are found again through /proc';
  try {
    await access('/proc/self/stat', constants.R_OK);
    return null;
  } catch {
    return 'local servers need /proc, which this host does not show';
  }
}

async function giveTo(folder: string, uid: number): Promise<void> {
  await lchown(folder, uid, uid);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await giveTo(path, uid);
    else await lchown(path, uid, uid);
  }
}
