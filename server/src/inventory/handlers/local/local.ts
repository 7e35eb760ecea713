/**
 * Servers that are processes on this host: what a fresh installation has without any cloud.
 *
 * A server is a real process with a folder, an address on the loopback and a port that answers; power, snapshots and sizes
 * act on that process and that folder. What it is not is a virtual machine (server-process.ts says what is isolated).
 * Always holds: the record of a machine is written before its process is begun and after it answers, and whoever begins a
 * process first ends what carries the server's mark; so a death in between leaves nothing that is not found again.
 */
import { createHash, randomBytes, scrypt } from 'node:crypto';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { DomainError } from '../../../errors.js';
import {
  type Answer,
  type Call,
  type CloudAccess,
  done,
  type PowerGoal,
  refused,
  type SeenServer,
  type SeenSnapshot,
  type ServerHandler,
  type ServerHands,
  type ServerRef,
  type ServerWish,
  type SizeChange,
  type SnapshotRef,
  type SnapshotWish,
  troubled,
} from '../handler.js';
import { type Machine, MachineFolder, machinesIn } from './machine.js';
import { beginProcess, endProcess, look, pause, whyNotHere } from './server-process.js';

export interface LocalSettings {
  /** Folder of all local servers. */
  readonly folder: string;
  /** Whether operators want processes of servers on this host. */
  readonly enabled: boolean;
  /** Servers of one account. */
  readonly most: number;
}

/** Most that one server may be given: what is asked for is only a bound, and nothing of this host is set aside. */
const MOST = { cpus: 64, memoryMb: 64 * 1024, diskGb: 1024, disks: 16 };
const PORT = 8080;
const ADDRESSES = 20;
const derived = promisify<string, Buffer, number, Buffer>(scrypt);

export function createLocalHandler(settings: LocalSettings): ServerHandler {
  return {
    kind: 'local',
    technology: 'Local processes',
    passwordProblem: () => null,
    open: ({ accountId }: CloudAccess) => {
      if (!/^[A-Za-z0-9-]{1,64}$/.test(accountId)) {
        throw new DomainError(
          'invalid',
          'cloud-account-invalid',
          'The id of a local account is no folder name',
        );
      }
      return new LocalServers({ ...settings, folder: `${settings.folder}/${accountId}` });
    },
  };
}

type Held<Value> = (folder: MachineFolder, machine: Machine) => Promise<Answer<Value>>;

class LocalServers implements ServerHands {
  readonly #settings: LocalSettings;

  constructor(settings: LocalSettings) {
    this.#settings = settings;
  }

  async build(wish: ServerWish, call: Call): Promise<Answer<SeenServer>> {
    const problem = await this.#whyNot(wish);
    if (problem !== null) return refused(problem);
    return inTurn(wish.uuid, async () => {
      const folder = new MachineFolder(this.#settings.folder, wish.uuid);
      let machine = await folder.read();
      if (machine === null) {
        const others = await machinesIn(this.#settings.folder);
        if (others.length >= this.#settings.most) {
          return refused(`there are ${others.length} local servers already, and no more are allowed`);
        }
        machine = fresh(wish);
        await folder.write(machine);
        call.log(`Made a folder for ${wish.hostname}`);
      }
      return this.#on(folder, machine, call);
    });
  }

  power(server: ServerRef, to: PowerGoal, call: Call): Promise<Answer<SeenServer>> {
    return this.#held(server, async (folder, machine) => {
      if (to === 'on') return this.#on(folder, machine, call);
      if (to === 'off') return this.#off(folder, machine);
      const running = machine.process !== null && (await pause(machine.process, true));
      return running
        ? done(await seen(folder, machine))
        : refused('a server that is off cannot be suspended');
    });
  }

  reboot(server: ServerRef, call: Call): Promise<Answer<SeenServer>> {
    return this.#held(server, async (folder, machine) => {
      if (machine.rebooted === call.operationId) return this.#on(folder, machine, call);
      if (!(await endProcess(machine.uuid, machine.process))) return troubled('some processes do not end');
      const ready = { ...machine, rebooted: call.operationId };
      await folder.write(ready);
      return this.#on(folder, ready, call);
    });
  }

  resize(server: ServerRef, change: SizeChange, call: Call): Promise<Answer<SeenServer>> {
    return this.#held(server, async (folder, machine) => {
      const sized = resized(machine, change);
      if (typeof sized === 'string') return refused(sized);
      const wasOn = machine.process !== null;
      if (JSON.stringify(sized) !== JSON.stringify(machine)) {
        if (!(await endProcess(machine.uuid, machine.process))) return troubled('some processes do not end');
        if (change.add !== undefined) await folder.addDisk(change.add.id);
        // The process that is over stays written, so that whoever asks again after a death knows that it was on.
        await folder.write(sized);
      }
      return wasOn ? this.#on(folder, sized, call) : done(await seen(folder, sized));
    });
  }

  setPassword(server: ServerRef, password: string, call: Call): Promise<Answer<SeenServer>> {
    return this.#held(server, async (folder, machine) => {
      await folder.putLogin(await loginOf(password), machine.process?.uid ?? null);
      call.log(`${machine.hostname} answers only to whom knows its password`);
      return done(await seen(folder, machine));
    });
  }

  snapshot(server: ServerRef, { id }: SnapshotWish, call: Call): Promise<Answer<SeenSnapshot>> {
    return this.#held(server, async (folder, machine) => {
      const running = (await look(machine.process)) === 'running';
      if (running) await pause(machine.process!, true);
      try {
        const bytes = await folder.keep(id);
        call.log(`Copied the disk: ${bytes} bytes`);
        return done({ providerId: id, bytes });
      } finally {
        if (running) await pause(machine.process!, false);
      }
    });
  }

  revert(server: ServerRef, { id }: SnapshotRef, call: Call): Promise<Answer<SeenServer>> {
    return this.#held(server, async (folder, machine) => {
      const wasOn = machine.process !== null;
      await endProcess(machine.uuid, machine.process);
      if (!(await folder.putBack(id))) return refused('there is no such snapshot');
      return wasOn ? this.#on(folder, machine, call) : done(await seen(folder, machine));
    });
  }

  deleteSnapshot(server: ServerRef, { id }: SnapshotRef): Promise<Answer<null>> {
    return this.#heldOr<null>(server, done(null), async (folder) => {
      await folder.forget(id);
      return done(null);
    });
  }

  async remove(server: ServerRef): Promise<Answer<null>> {
    const uuid = uuidOf(server);
    if (uuid === null) return done(null);
    return inTurn(uuid, async () => {
      const folder = new MachineFolder(this.#settings.folder, uuid);
      const machine = await folder.read();
      if (!(await endProcess(uuid, machine?.process ?? null))) {
        return troubled('some processes of the server do not end');
      }
      await folder.remove();
      return done(null);
    });
  }

  describe(server: ServerRef): Promise<Answer<SeenServer | null>> {
    return this.#heldOr<SeenServer | null>(server, done(null), async (folder, machine) =>
      done(await seen(folder, machine)),
    );
  }

  async list(): Promise<Answer<readonly SeenServer[]>> {
    const servers: SeenServer[] = [];
    for (const uuid of await machinesIn(this.#settings.folder)) {
      const folder = new MachineFolder(this.#settings.folder, uuid);
      const machine = await folder.read();
      if (machine !== null) servers.push(await seen(folder, machine));
    }
    return done(servers);
  }

  async #whyNot(wish: ServerWish): Promise<string | null> {
    if (!this.#settings.enabled) return 'local servers are switched off here (ORRERY_LOCAL_SERVERS)';
    return (await whyNotHere()) ?? outOfBounds(wish.cpus, wish.memoryMb, wish.diskGb);
  }

  async #on(folder: MachineFolder, machine: Machine, call: Call): Promise<Answer<SeenServer>> {
    const now = await look(machine.process);
    if (now === 'paused') await pause(machine.process!, false);
    if (now !== 'gone') return done(await seen(folder, machine));
    if (!this.#settings.enabled) return refused('local servers are switched off here (ORRERY_LOCAL_SERVERS)');
    if (!(await endProcess(machine.uuid, machine.process))) {
      return troubled('processes of an earlier run of the server do not end');
    }
    const [first] = machine.disks;
    for (let attempt = 0; attempt < ADDRESSES; attempt += 1) {
      if (call.signal.aborted) return { kind: 'aborted' };
      const ip = attempt === 0 && machine.ip !== '' ? machine.ip : addressOf(machine.uuid, attempt);
      await folder.write({ ...machine, ip });
      const begun = await beginProcess({
        uuid: machine.uuid,
        hostname: machine.hostname,
        home: folder.home,
        ip,
        port: PORT,
        cpus: machine.cpus,
        memoryMb: machine.memoryMb,
        diskGb: first?.gb ?? 1,
      });
      if (begun.kind === 'address-taken') continue;
      if (begun.kind === 'failed') return troubled(begun.message);
      const running = { ...machine, ip: begun.ip, port: begun.port, process: begun.process };
      await folder.write(running);
      call.log(`${machine.hostname} answers at http://${begun.ip}:${begun.port}/`);
      return done(await seen(folder, running));
    }
    return troubled(`none of ${ADDRESSES} addresses is free`);
  }

  async #off(folder: MachineFolder, machine: Machine): Promise<Answer<SeenServer>> {
    if (!(await endProcess(machine.uuid, machine.process))) return troubled('some processes do not end');
    const off = { ...machine, process: null };
    if (machine.process !== null) await folder.write(off);
    return done(await seen(folder, off));
  }

  #held<Value>(server: ServerRef, work: Held<Value>): Promise<Answer<Value>> {
    return this.#heldOr(server, refused('there is no such local server on this host'), work);
  }

  async #heldOr<Value>(server: ServerRef, absent: Answer<Value>, work: Held<Value>): Promise<Answer<Value>> {
    const uuid = uuidOf(server);
    if (uuid === null) return absent;
    return inTurn(uuid, async () => {
      const folder = new MachineFolder(this.#settings.folder, uuid);
      const machine = await folder.read();
      return machine === null ? absent : work(folder, machine);
    });
  }
}

/** What the process checks a password against: it is not told the password itself. */
async function loginOf(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derived(password.normalize('NFC'), salt, 32);
  return JSON.stringify({ salt: salt.toString('base64'), hash: hash.toString('base64') });
}

/** Work on one server waits for the work before it. */
const turns = new Map<string, Promise<unknown>>();

async function inTurn<Value>(uuid: string, work: () => Promise<Answer<Value>>): Promise<Answer<Value>> {
  const before = turns.get(uuid) ?? Promise.resolve();
  const mine = before.then(work, work);
  const settled = mine.catch(() => {});
  turns.set(uuid, settled);
  try {
    return await mine;
  } catch (error) {
    return troubled(error instanceof Error ? error.message : String(error));
  } finally {
    if (turns.get(uuid) === settled) turns.delete(uuid);
  }
}

/** The handler's own name is the uuid itself. */
function uuidOf({ uuid, providerId }: ServerRef): string | null {
  return uuid ?? providerId;
}

function fresh(wish: ServerWish): Machine {
  return {
    uuid: wish.uuid,
    hostname: wish.hostname,
    cpus: wish.cpus,
    memoryMb: wish.memoryMb,
    disks: [{ id: 'disk-0', gb: wish.diskGb }],
    networks: wish.networks.length > 0 ? wish.networks : ['loopback'],
    image: wish.image,
    ip: '',
    port: PORT,
    process: null,
    rebooted: '',
  };
}

/** The machine with the change, or what is wrong with it. */
function resized(machine: Machine, { cpus, memoryMb, grow, add }: SizeChange): Machine | string {
  const disks = [...machine.disks];
  if (grow !== undefined) {
    const at = grow.disk === '' ? 0 : disks.findIndex(({ id }) => id === grow.disk);
    const disk = disks[at];
    if (disk === undefined) return `there is no disk ${grow.disk}`;
    if (grow.gb < disk.gb) return `disk ${disk.id} has ${disk.gb} GB, and disks only grow`;
    disks[at] = { ...disk, gb: grow.gb };
  }
  if (add !== undefined && !disks.some(({ id }) => id === add.id)) disks.push({ id: add.id, gb: add.gb });
  if (disks.length > MOST.disks) return `a local server has at most ${MOST.disks} disks`;
  const sized = { ...machine, cpus: cpus ?? machine.cpus, memoryMb: memoryMb ?? machine.memoryMb, disks };
  return outOfBounds(sized.cpus, sized.memoryMb, Math.max(...disks.map(({ gb }) => gb))) ?? sized;
}

function outOfBounds(cpus: number, memoryMb: number, diskGb: number): string | null {
  for (const [name, value, most] of [
    ['CPUs', cpus, MOST.cpus],
    ['MB of memory', memoryMb, MOST.memoryMb],
    ['GB of disk', diskGb, MOST.diskGb],
  ] as const) {
    if (!Number.isInteger(value) || value < 1 || value > most) {
      return `a local server has 1 to ${most} ${name}, not ${value}`;
    }
  }
  return null;
}

function addressOf(uuid: string, attempt: number): string {
  const [a, b, c] = createHash('sha256').update(`${uuid} ${attempt}`).digest();
  return `127.${64 + (a! % 64)}.${b}.${1 + (c! % 254)}`;
}

async function seen(folder: MachineFolder, machine: Machine): Promise<SeenServer> {
  const how = await look(machine.process);
  const mac = macOf(machine.uuid);
  return {
    providerId: machine.uuid,
    uuid: machine.uuid,
    hostname: machine.hostname,
    power: how === 'running' ? 'on' : how === 'paused' ? 'suspended' : 'off',
    ip: machine.ip,
    privateIp: machine.ip,
    port: machine.port,
    mac,
    cpus: machine.cpus,
    memoryMb: machine.memoryMb,
    disks: machine.disks.map(({ id, gb }) => ({
      id,
      name: id,
      gb,
      datastore: hostname(),
      provisioning: 'folder',
    })),
    nics: machine.networks.map((network) => ({ network, mac, ip: machine.ip, privateIp: machine.ip })),
    region: hostname(),
    osFamily: 'Linux',
    facts: {
      host: hostname(),
      pid: how === 'gone' ? null : machine.process!.pid,
      user: how === 'gone' ? null : machine.process!.uid,
      folder: folder.path,
      bytes_used: await folder.used(),
      url: `http://${machine.ip}:${machine.port}/`,
    },
  };
}

/** Nobody's card has it: the second bit says that it was given locally. */
function macOf(uuid: string): string {
  const digits = createHash('sha256').update(uuid).digest('hex').slice(0, 10);
  return ['02', ...(digits.match(/../g) ?? [])].join(':');
}
