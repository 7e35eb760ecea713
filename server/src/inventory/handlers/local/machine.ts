/**
 * What is kept of a local server beside its home: one folder, a record written whole, snapshots.
 *
 *     <root>/<uuid>/machine.json    what it is; ours, out of the server's reach
 *     <root>/<uuid>/home/           where it runs; `disk/` in it is what snapshots keep
 *     <root>/<uuid>/home/login.json what passwords are checked against; none: anybody is answered
 *     <root>/<uuid>/snapshots/<id>/ copies of `disk/`
 *     <root>/<uuid>/console.log
 */
import { execFile } from 'node:child_process';
import { lchown, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KnownProcess } from './server-process.js';

export interface Machine {
  readonly uuid: string;
  readonly hostname: string;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly disks: readonly { readonly id: string; readonly gb: number }[];
  readonly networks: readonly string[];
  readonly image: string;
  readonly ip: string;
  readonly port: number;
  readonly process: KnownProcess | null;
  /** Last reboot that was done, so that it is done once. */
  readonly rebooted: string;
}

const run = promisify(execFile);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ID = /^[A-Za-z0-9-]{1,64}$/;

export class MachineFolder {
  readonly path: string;

  /** @throws Error on what is no uuid: it becomes a path */
  constructor(root: string, uuid: string) {
    if (!UUID.test(uuid)) throw new Error('the uuid of a local server is not a uuid');
    this.path = join(root, uuid);
  }

  get home(): string {
    return join(this.path, 'home');
  }

  async read(): Promise<Machine | null> {
    const text = await readFile(join(this.path, 'machine.json'), 'utf8').catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      },
    );
    return text === null ? null : (JSON.parse(text) as Machine);
  }

  async write(machine: Machine): Promise<void> {
    await mkdir(join(this.home, 'disk'), { recursive: true, mode: 0o700 });
    const path = join(this.path, 'machine.json');
    await writeFile(`${path}.new`, JSON.stringify(machine, null, 1), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  /**
   * What the server is to check passwords against. Beside its disk, so that going back to a snapshot brings no old one back.
   *
   * @param uid the user that its process runs as; null: none runs, and whoever begins one gives it the home
   */
  async putLogin(login: string, uid: number | null): Promise<void> {
    const fresh = join(this.path, 'login.new');
    await rm(fresh, { force: true });
    await writeFile(fresh, login, { mode: 0o600 });
    if (uid !== null && process.getuid?.() === 0) await lchown(fresh, uid, uid);
    // A name that is put in place of another follows no link that the server may have made.
    await rename(fresh, join(this.home, 'login.json'));
  }

  /** A folder below the disk stands for each disk after the first. Only while no process of the server runs. */
  async addDisk(id: string): Promise<void> {
    const disk = join(this.home, 'disk');
    // The server may have put anything in its place.
    if (!(await lstat(disk)).isDirectory()) throw new Error('the disk of the server is no folder any more');
    await mkdir(join(disk, checked(id)), { recursive: true });
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  /** Bytes of everything in its home. */
  async used(): Promise<number> {
    return sizeOf(this.home);
  }

  /** A copy of the disk under `id`; what is there already stays. */
  async keep(id: string): Promise<number> {
    const to = this.#snapshot(id);
    if ((await lstat(to).catch(() => null)) === null) {
      await mkdir(join(this.path, 'snapshots'), { recursive: true, mode: 0o700 });
      await copy(join(this.home, 'disk'), to);
    }
    return sizeOf(to);
  }

  /** Puts the disk back to what was kept. Returns false where nothing was. */
  async putBack(id: string): Promise<boolean> {
    const from = this.#snapshot(id);
    if ((await lstat(from).catch(() => null)) === null) return false;
    const disk = join(this.home, 'disk');
    // Beside the home, so that the server cannot touch it while it is put together.
    const fresh = join(this.path, 'reverting');
    await copy(from, fresh);
    await rm(disk, { recursive: true, force: true });
    await rename(fresh, disk);
    return true;
  }

  async forget(id: string): Promise<void> {
    await rm(this.#snapshot(id), { recursive: true, force: true });
  }

  #snapshot(id: string): string {
    return join(this.path, 'snapshots', checked(id));
  }
}

/** An id that becomes a path. */
function checked(id: string): string {
  if (!ID.test(id)) throw new Error('an id of a disk or a snapshot holds letters, digits and - only');
  return id;
}

/** Uuids of the machines below `root`. */
export async function machinesIn(root: string): Promise<string[]> {
  const names = await readdir(root).catch(() => []);
  return names.filter((name) => UUID.test(name)).sort();
}

/** Whole or not at all; owners, modes and links stay what they are. */
async function copy(from: string, to: string): Promise<void> {
  const part = `${to}.part`;
  await rm(part, { recursive: true, force: true });
  await run('cp', ['-a', '--', from, part]);
  await rm(to, { recursive: true, force: true });
  await rename(part, to);
}

async function sizeOf(path: string): Promise<number> {
  const at = await lstat(path).catch(() => null);
  if (at === null) return 0;
  if (!at.isDirectory()) return at.size;
  let total = 0;
  for (const name of await readdir(path).catch(() => [])) total += await sizeOf(join(path, name));
  return total;
}
