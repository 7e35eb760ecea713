/**
 * The private folder of one run of a script, and what is left of it when the server was killed.
 *
 *     <work dir>/run-<random>/        0700
 *       run.json                      who runs here: the worker, and the script's process once it is known
 *       script/<name>                 the script, executable
 *       work/                         where it runs, unless the operation says otherwise
 *       files/<n>/<name>              what it downloaded through ctx
 *
 * Always holds: run.json is there before the script's process is, and is the first thing removed when the run has
 * ended. So a folder with a record and a dead worker means: the operation was interrupted, its processes may still
 * live, and nobody has been told that it ended.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endTree, hasProc, identify, type ProcessIdentity, processPlace } from './processes.js';

/** In the environment of every process of a run: how they are found again. */
const MARK_VARIABLE = 'ORRERY_RUN';

interface RunRecord {
  readonly place: string;
  readonly worker: ProcessIdentity;
  readonly operation: string;
  /** null until the script's process is known. */
  readonly leader: ProcessIdentity | null;
}

export interface RunFolder {
  readonly path: string;
  readonly script: string;
  readonly work: string;
  readonly files: string;
  /** Variable and value that mark the run's processes. */
  readonly mark: readonly [name: string, value: string];
  recordLeader(leader: ProcessIdentity | null): Promise<void>;
  remove(): Promise<void>;
}

export async function createRunFolder(workDir: string, operation: string): Promise<RunFolder> {
  const name = `run-${randomBytes(16).toString('hex')}`;
  const path = join(workDir, name);
  const folder = {
    path,
    script: join(path, 'script'),
    work: join(path, 'work'),
    files: join(path, 'files'),
    mark: [MARK_VARIABLE, name] as const,
  };
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  await mkdir(path, { mode: 0o700 });
  await Promise.all([folder.script, folder.work, folder.files].map((one) => mkdir(one, { mode: 0o700 })));
  const [place, worker] = await Promise.all([processPlace(), ownIdentity()]);
  const write = async (leader: ProcessIdentity | null) => {
    const record: RunRecord = { place, worker, operation, leader };
    // Renamed into place: a reader sees a whole record or the one before.
    await writeFile(join(path, 'run.json.new'), JSON.stringify(record), { mode: 0o600 });
    await rename(join(path, 'run.json.new'), join(path, 'run.json'));
  };
  await write(null);
  return {
    ...folder,
    recordLeader: write,
    async remove() {
      await rm(join(path, 'run.json'), { force: true });
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/**
 * Ends what runs of dead workers left behind, and removes their folders. Runs of living workers, and of workers in
 * another boot or process namespace that may still live, are left alone.
 * Returns one sentence for each thing worth telling the operator.
 */
export async function recoverRuns(workDir: string): Promise<string[]> {
  const names = await readdir(workDir).catch(() => []);
  const here = await processPlace();
  const told = await Promise.all(
    names.filter((name) => /^run-[0-9a-f]{32}$/.test(name)).map((name) => recoverRun(workDir, name, here)),
  );
  return told.filter((sentence) => sentence !== null);
}

async function recoverRun(workDir: string, name: string, here: string): Promise<string | null> {
  const path = join(workDir, name);
  const record = await readRecord(join(path, 'run.json'));
  if (record === null) {
    // Ended, or never begun, and only the folder was left; unless another worker is making it right now.
    const made = await stat(path).catch(() => null);
    if (made !== null && Date.now() - made.mtimeMs > 60_000) await rm(path, { recursive: true, force: true });
    return null;
  }
  const sameBoot = record.place.split(' ')[0] === here.split(' ')[0];
  if (sameBoot && record.place !== here) return null;
  if (sameBoot && (await lives(record.worker))) return null;
  let sentence: string | null = null;
  if (sameBoot) {
    const tree = { leader: record.leader, mark: `${MARK_VARIABLE}=${name}` };
    const ended = await endTree(tree, { grace: 0 });
    sentence = ended
      ? `ended what was left of interrupted operation ${record.operation}`
      : `could not end every process of interrupted operation ${record.operation}`;
    if (!ended) return sentence;
  }
  await rm(path, { recursive: true, force: true });
  return sentence;
}

async function readRecord(file: string): Promise<RunRecord | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return JSON.parse(text) as RunRecord;
  } catch {
    return null;
  }
}

async function lives(one: ProcessIdentity): Promise<boolean> {
  if (await hasProc()) return (await identify(one.pid))?.startTime === one.startTime;
  try {
    process.kill(one.pid, 0);
    return true;
  } catch {
    return false;
  }
}

let own: Promise<ProcessIdentity> | undefined;
function ownIdentity(): Promise<ProcessIdentity> {
  own ??= identify(process.pid).then((identity) => identity ?? { pid: process.pid, startTime: '' });
  return own;
}
