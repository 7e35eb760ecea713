/** Checks of this machine: Node, the data folder and what it holds, room on the disk, Python. */
import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bad, type Finding, good, note } from './finding.js';

const NODE = [20, 19] as const;
const PYTHON = [3, 8] as const;
const MB = 1024 * 1024;
/** Less free than this and an archive of the usual size may not fit. */
const SCARCE = 1024 * MB;
const EMPTY = 100 * MB;
/** In the data folder, for nobody's eyes but their owner's. */
const SECRETS = ['master-key', 'former-master-keys', 'node-key', 'admin-password'];
const PYTHON_PATIENCE_MS = 10_000;

export function checkNode(version: string): Finding {
  if (isAtLeast(version, NODE)) return good('node', `Node.js ${version}`);
  return bad(
    'node',
    `Node.js ${version} is older than ${NODE.join('.')}`,
    `Install Node.js ${NODE.join('.')} or newer, and start the server with it.`,
  );
}

/** Modes of the folder and of the secrets in it; a folder that is not there is not judged. */
export function checkSecretFiles(dataDir: string): Finding {
  const open = [dataDir, ...SECRETS.map((name) => join(dataDir, name))].flatMap((path) => {
    const mode = modeOf(path);
    if (mode === null) return [];
    // Whoever may only pass through a folder reads nothing in it.
    const others = path === dataDir ? 0o066 : 0o077;
    return (mode & others) === 0 ? [] : [{ path, mode }];
  });
  if (open.length === 0) return good('secret-files', `nobody else may read ${dataDir}`);
  return bad(
    'secret-files',
    `others may read ${open.map(({ path, mode }) => `${path} (${(mode & 0o777).toString(8)})`).join(', ')}`,
    `chmod go-rwx ${open.map(({ path }) => path).join(' ')}`,
  );
}

function modeOf(path: string): number | null {
  try {
    return statSync(path).mode;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

export function checkDataFolder(dataDir: string): Finding {
  try {
    readdirSync(dataDir);
    return good('data-folder', dataDir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      return note(
        'data-folder',
        `${dataDir} is not there yet`,
        'The first start makes it; if a server runs elsewhere, set ORRERY_DATA_DIR as it has it.',
      );
    return bad(
      'data-folder',
      `${dataDir} cannot be read (${code})`,
      'Run this as the user that runs the server.',
    );
  }
}

/** @param free bytes that the server may still write to the disk of the data folder */
export function judgeDisk(dataDir: string, free: number): Finding {
  const found = `${Math.round(free / MB).toLocaleString('en')} MB free for ${dataDir}`;
  if (free >= SCARCE) return good('disk', found);
  const remedy = 'Make room, or move the data folder: without room nothing can be written, the log included.';
  return free < EMPTY ? bad('disk', found, remedy) : note('disk', found, remedy);
}

export async function checkDisk(dataDir: string): Promise<Finding> {
  try {
    const { bavail, bsize } = await statfs(dataDir);
    return judgeDisk(dataDir, bavail * bsize);
  } catch (error) {
    return note(
      'disk',
      `free room of ${dataDir} is not known (${(error as NodeJS.ErrnoException).code})`,
      'It is judged once the folder is there.',
    );
  }
}

/** Uploaded plugins need it, nothing else does. */
export async function checkPython(program: string): Promise<Finding> {
  const remedy =
    'Install Python 3.8 or newer with venv, or name one with ORRERY_PYTHON; only uploaded plugins need it.';
  let said: string;
  try {
    const { stdout } = await promisify(execFile)(
      program,
      ['-c', 'import sys, venv, ensurepip; print("%d.%d.%d" % sys.version_info[:3])'],
      { timeout: PYTHON_PATIENCE_MS },
    );
    said = stdout.trim();
  } catch (error) {
    const { code, stderr } = error as { code?: string | number; stderr?: string };
    const why = code === 'ENOENT' ? 'is not there' : `does not work: ${lastLine(stderr ?? '') || code}`;
    return note('python', `${program} ${why}`, remedy);
  }
  return isAtLeast(said, PYTHON)
    ? good('python', `${program} is Python ${said}`)
    : note('python', `${program} is Python ${said}`, remedy);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

function isAtLeast(version: string, wanted: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
}
