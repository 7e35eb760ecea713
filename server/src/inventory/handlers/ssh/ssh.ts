/**
 * Servers that are hosts of a pool: building leases a free one and prepares it, removing cleans it and gives it back.
 *
 * The lease is on the host itself, a symbolic link whose target is the server's uuid: making one either succeeds or finds the
 * one that is there, so two who want the host at once do not both get it, whichever Orrery they belong to. It goes last.
 * What a pool cannot do (power, sizes, disks, snapshots) is refused.
 *
 * What is not promised: a host that cannot be reached while a lost answer is made good may stay leased to nobody; looking
 * at the pool (synchronizing) shows it when it is back.
 */
import { type Ran, Unreachable } from '../../../net/ssh-command.js';
import {
  ABORTED,
  type Answer,
  type Call,
  done,
  type PowerGoal,
  refused,
  type SeenServer,
  type ServerHands,
  type ServerRef,
  type ServerWish,
  troubled,
  unsupported,
} from '../handler.js';
import { feedOn, runOn } from './ssh-connection.js';
import { nameOf, passwordProblemOf, type SshHost, type SshPool } from './ssh-settings.js';

/** `$1` folder, `$2` uuid. Ends with 3 when somebody else has it. */
const LEASE = `set -e
mkdir -p "$1" && chmod 700 "$1"
ln -sn "$2" "$1/lease" 2>/dev/null || [ "$(readlink "$1/lease")" = "$2" ] || exit 3
`;
/** `$1` folder. What the host is, a line for each. */
const LOOK = `echo "lease=$(readlink "$1/lease" 2>/dev/null)"
echo "name=$(cat "$1/hostname" 2>/dev/null)"
echo "prepared=$([ -e "$1/prepared" ] && echo yes)"
echo "password=$([ -e "$1/password" ] && echo yes)"
echo "cpus=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)"
echo "memory=$(awk '/^MemTotal:/ {print int($2 / 1024)}' /proc/meminfo 2>/dev/null)"
echo "disk=$(df -Pk / 2>/dev/null | awk 'NR == 2 {print int($2 / 1048576)}')"
echo "kernel=$(uname -sr)"
echo "host=$(hostname)"
`;
/** `$1` folder, `$2` uuid, `$3` hostname. */
const PREPARED = `printf %s "$3" > "$1/hostname"; touch "$1/prepared"
`;
/** `$1` folder, `$2` uuid. Only what is leased to it is given back, and the lease goes last. */
const GIVE_BACK = `[ "$(readlink "$1/lease" 2>/dev/null)" = "$2" ] || exit 0
rm -f "$1/prepared" "$1/hostname" "$1/password" && rm -f "$1/lease"
`;
/** `$1` folder. Written before the password is set, so that it is taken away again whatever dies. */
const MARK_PASSWORD = `touch "$1/password"
`;
/** Reads `user:password`, or with `-e` `user:hash`. */
const SET_PASSWORD = (flag: '' | '-e') =>
  `if [ "$(id -u)" = 0 ]; then exec chpasswd ${flag}; else exec sudo -n chpasswd ${flag}; fi`;

interface Look {
  readonly host: SshHost;
  readonly lease: string;
  readonly facts: ReadonlyMap<string, string>;
}

export class SshServers implements ServerHands {
  readonly #pool: SshPool;

  constructor(pool: SshPool) {
    this.#pool = pool;
  }

  build(wish: ServerWish, call: Call): Promise<Answer<SeenServer>> {
    return asking(call, async () => {
      const looks = await this.#lookAtAll(call);
      const mine = looks.find(({ lease }) => lease === wish.uuid);
      const candidates = mine === undefined ? looks.filter(({ lease }) => lease === '') : [mine];
      for (const { host } of candidates) {
        const leased = await this.#run(host, LEASE, [host.folder, wish.uuid], call);
        if (leased.code === 3) continue;
        if (leased.code !== 0) return troubled(`${nameOf(host)} cannot be leased: ${lastLine(leased)}`);
        call.log(`${nameOf(host)} is leased`);
        return this.#prepare(host, wish, call);
      }
      return troubled(
        `no host of the pool is free: ${looks.length} of ${this.#pool.hosts.length} can be reached`,
      );
    });
  }

  power(server: ServerRef, to: PowerGoal, call: Call): Promise<Answer<SeenServer>> {
    if (to !== 'on') return this.#cannot(server, call, 'hosts of a pool are not turned off');
    return this.#with(server, call, async (look) => done(seen(look)));
  }

  reboot(server: ServerRef, call: Call): Promise<Answer<SeenServer>> {
    return this.#cannot(server, call, 'hosts of a pool are not rebooted');
  }

  resize(server: ServerRef, _change: unknown, call: Call): Promise<Answer<SeenServer>> {
    return this.#cannot(server, call, 'hosts of a pool have the size that they have');
  }

  setPassword(server: ServerRef, password: string, call: Call): Promise<Answer<SeenServer>> {
    return this.#with(server, call, async (look) => {
      const problem = passwordProblemOf(this.#pool);
      if (problem !== null) return unsupported(problem);
      const { host } = look;
      const marked = await this.#run(host, MARK_PASSWORD, [host.folder], call);
      if (marked.code !== 0) return troubled(`${nameOf(host)} cannot be marked: ${lastLine(marked)}`);
      const line = `${host.user}:${password}\n`;
      const ran = await feedOn(this.#pool, host, SET_PASSWORD(''), line, call.signal);
      if (ran.code !== 0) {
        const why = lastLine(ran).replaceAll(password, '******');
        return troubled(`the password of ${host.user} on ${nameOf(host)} cannot be set: ${why}`);
      }
      call.log(`The password of ${host.user} on ${nameOf(host)} is set`);
      return done(seen(look));
    });
  }

  snapshot(server: ServerRef, _wish: unknown, call: Call): Promise<Answer<never>> {
    return this.#cannot(server, call, 'no snapshots are taken of hosts of a pool');
  }

  revert(server: ServerRef, _snapshot: unknown, call: Call): Promise<Answer<never>> {
    return this.#cannot(server, call, 'no snapshots are taken of hosts of a pool');
  }

  async deleteSnapshot(): Promise<Answer<null>> {
    return done(null);
  }

  remove(server: ServerRef, call: Call): Promise<Answer<null>> {
    return asking(call, async () => {
      const look = await this.#find(server, call);
      if (look === null) return done(null);
      const { host, lease, facts } = look;
      if (facts.get('password') === 'yes') {
        // No password fits this: whoever had the host does not come in again.
        const taken = await feedOn(this.#pool, host, SET_PASSWORD('-e'), `${host.user}:*\n`, call.signal);
        if (taken.code !== 0) return troubled(`${nameOf(host)} keeps its password: ${lastLine(taken)}`);
      }
      if (this.#pool.clean !== '') {
        const cleaned = await this.#run(host, this.#pool.clean, [lease], call);
        if (cleaned.code !== 0) return troubled(`${nameOf(host)} cannot be made clean: ${lastLine(cleaned)}`);
      }
      const back = await this.#run(host, GIVE_BACK, [host.folder, lease], call);
      if (back.code !== 0) return troubled(`${nameOf(host)} cannot be given back: ${lastLine(back)}`);
      call.log(`${nameOf(host)} is free again`);
      return done(null);
    });
  }

  describe(server: ServerRef, call: Call): Promise<Answer<SeenServer | null>> {
    return asking(call, async () => {
      const look = await this.#find(server, call);
      return done(look === null ? null : seen(look));
    });
  }

  list(call: Call): Promise<Answer<readonly SeenServer[]>> {
    return asking(call, async () => {
      const looks = await this.#lookAtAll(call);
      // Of one that does not answer nobody knows whether it is leased: without it the list would say that it is gone.
      if (looks.length < this.#pool.hosts.length) return troubled('some hosts of the pool cannot be reached');
      return done(looks.filter(({ lease }) => lease !== '').map(seen));
    });
  }

  async #prepare(host: SshHost, wish: ServerWish, call: Call): Promise<Answer<SeenServer>> {
    const before = await this.#look(host, call);
    if (before.facts.get('prepared') !== 'yes') {
      for (const script of [this.#pool.prepare, wish.script].filter((each) => each !== '')) {
        const ran = await this.#run(host, script, [wish.uuid, wish.hostname], call);
        if (ran.code !== 0) return troubled(`${nameOf(host)} cannot be prepared: ${lastLine(ran)}`);
      }
      const marked = await this.#run(host, PREPARED, [host.folder, wish.uuid, wish.hostname], call);
      if (marked.code !== 0) return troubled(`${nameOf(host)} cannot be prepared: ${lastLine(marked)}`);
      call.log(`${nameOf(host)} is prepared`);
    }
    return done(seen(await this.#look(host, call)));
  }

  /** What a server is leased on; null: on none. */
  async #find({ uuid, providerId }: ServerRef, call: Call): Promise<Look | null> {
    const named = this.#pool.hosts.filter((host) => providerId === null || nameOf(host) === providerId);
    for (const host of named) {
      const look = await this.#look(host, call);
      if (look.lease !== '' && (uuid === null || look.lease === uuid)) return look;
    }
    return null;
  }

  async #lookAtAll(call: Call): Promise<readonly Look[]> {
    const looks: Look[] = [];
    for (const host of this.#pool.hosts) {
      try {
        looks.push(await this.#look(host, call));
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        call.log(error.message);
      }
    }
    return looks;
  }

  async #look(host: SshHost, call: Call): Promise<Look> {
    const { code, output, errors } = await this.#run(host, LOOK, [host.folder], call);
    if (code !== 0) throw new Unreachable(`${nameOf(host)} does not say what it is: ${errors.trim()}`);
    const lines = output.split('\n').map((line) => /^([a-z]+)=(.*)$/.exec(line));
    const facts = new Map(lines.flatMap((found) => (found === null ? [] : [[found[1]!, found[2]!]])));
    return { host, lease: facts.get('lease') ?? '', facts };
  }

  #run(host: SshHost, script: string, args: readonly string[], { signal }: Call): Promise<Ran> {
    return runOn(this.#pool, host, script, args, signal);
  }

  #with(
    server: ServerRef,
    call: Call,
    work: (look: Look) => Promise<Answer<SeenServer>>,
  ): Promise<Answer<SeenServer>> {
    return asking(call, async () => {
      const look = await this.#find(server, call);
      return look === null ? refused('no host of the pool is leased to it') : work(look);
    });
  }

  #cannot(server: ServerRef, call: Call, why: string): Promise<Answer<never>> {
    return asking(call, async () => {
      const look = await this.#find(server, call);
      return look === null ? refused('no host of the pool is leased to it') : unsupported(why);
    });
  }
}

async function asking<Value>({ signal }: Call, work: () => Promise<Answer<Value>>): Promise<Answer<Value>> {
  if (signal.aborted) return ABORTED;
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) return ABORTED;
    if (error instanceof Unreachable) return troubled(error.message);
    if (error instanceof TypeError || error instanceof ReferenceError) throw error;
    return refused((error as Error).message);
  }
}

function lastLine({ code, output, errors }: Ran): string {
  const said = `${output}\n${errors}`.trim().split('\n').at(-1) ?? '';
  return `status ${code}${said === '' ? '' : `, ${said.slice(0, 300)}`}`;
}

function seen({ host, lease, facts }: Look): SeenServer {
  const number = (name: string) => Number(facts.get(name)) || 0;
  const name = facts.get('name') || facts.get('host') || host.host;
  return {
    providerId: nameOf(host),
    uuid: lease,
    hostname: name,
    power: 'on',
    ip: host.host,
    privateIp: host.host,
    port: null,
    mac: '',
    cpus: number('cpus'),
    memoryMb: number('memory'),
    disks: [{ id: 'root', name: '/', gb: number('disk'), datastore: host.host, provisioning: 'host' }],
    nics: [{ network: 'host', mac: '', ip: host.host, privateIp: host.host }],
    region: 'pool',
    osFamily: facts.get('kernel')?.split(' ')[0] ?? '',
    facts: {
      host: facts.get('host') ?? null,
      kernel: facts.get('kernel') ?? null,
      user: host.user,
      ssh_port: host.port,
    },
  };
}
