/**
 * What a process does to be seen: its heartbeat, its part in who is master, and how it learns that its node is to go.
 *
 * A node is the processes that share a data folder: usually one, on a machine of its own. It is known by a random key in
 * that folder, so that it is the same node after a restart, and under another name when somebody renames it. The store keeps
 * the key's hash alone.
 *
 * Always holds: everything is decided on the clock of the database, so clocks of machines may differ. A process that does not
 * beat for a lease counts as gone; it may be back with its next beat. Master is whoever holds the lease of that name: it does
 * the chores, which bear being done twice, since a master that was frozen learns only afterwards that it is none any more.
 *
 * In a cluster that was initialised a process works only when its node has joined. Rejected: refusing such processes at their
 * start (they could not be asked to join then), and a fixed list of nodes in the settings (a second truth).
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Pool } from '../store/pool.js';
import type { Signals } from '../store/signals.js';
import {
  beat,
  deleteProcess,
  forgetGone,
  insertLog,
  insertNode,
  removeDrained,
  type StandingRow,
  selectPids,
  selectStanding,
  takeMaster,
} from './cluster.store.js';

/** A hint: something about the nodes has changed. */
export const CLUSTER_HINT = 'cluster';

export interface ProcessFacts {
  /** The random text in the data folder. */
  readonly key: string;
  /** Wanted name of the node, where it is new. */
  readonly name: string;
  readonly hostIp: string;
  readonly role: 'all' | 'api' | 'worker';
  readonly version: string;
  /** Seconds without a beat after which it counts as gone. */
  readonly lease: number;
}

export interface Standing {
  readonly nodeId: number;
  readonly node: string;
  /** May work: the cluster is not initialised, or the node has joined, and it is not about to go. */
  readonly works: boolean;
  readonly draining: boolean;
  /** The node was taken out of the cluster, for good. */
  readonly removed: boolean;
  readonly master: boolean;
}

interface Parts {
  readonly pool: Pool;
  readonly signals: Signals;
  readonly log: { warn(details: object, sentence: string): void };
}

export class Membership {
  readonly #parts: Parts;
  readonly #facts: ProcessFacts;
  readonly #id = randomUUID();
  readonly #started = new Date();
  readonly #listeners = new Set<(standing: Standing) => void>();
  #standing: Standing;
  #url: string | null = null;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | null = null;
  #again = false;
  #unsubscribe: () => void = () => {};
  #left = false;

  private constructor(parts: Parts, facts: ProcessFacts, standing: Standing) {
    this.#parts = parts;
    this.#facts = facts;
    this.#standing = standing;
  }

  /** Registers this process. It beats from then on, until `leave`. */
  static async enter(parts: Parts, facts: ProcessFacts): Promise<Membership> {
    const row = await registered(parts.pool, facts);
    const membership = new Membership(parts, facts, { ...standingOf(row), master: false });
    await forgetDead(parts.pool, row.nodeId);
    await forgetGone.run(parts.pool);
    await membership.#beat();
    membership.#timer = setInterval(() => membership.#look(), (facts.lease * 1000) / 3).unref();
    membership.#unsubscribe = parts.signals.subscribe((hints) => {
      if (hints.includes(CLUSTER_HINT)) membership.#look();
    });
    parts.signals.send(CLUSTER_HINT);
    return membership;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Calls `listener` now, and whenever the standing has changed. */
  watch(listener: (standing: Standing) => void): void {
    this.#listeners.add(listener);
    listener(this.#standing);
  }

  /** Where this process answers requests, once it does. */
  async answersAt(url: string): Promise<void> {
    this.#url = url;
    await this.refresh();
  }

  /** Beats now, and learns how things stand. */
  async refresh(): Promise<void> {
    this.#look();
    await this.#beating;
  }

  /** This process is gone from now on. Its node with it, where it is the last one of a node that drains. */
  async leave(): Promise<void> {
    if (this.#left) return;
    this.#left = true;
    clearInterval(this.#timer);
    this.#unsubscribe();
    await this.#beating;
    const { pool, signals } = this.#parts;
    await deleteProcess.run(pool, [this.#id]);
    await sweepDrained(pool);
    signals.send(CLUSTER_HINT);
    const { draining } = this.#standing;
    if (draining) this.#tell({ ...this.#standing, draining: false, removed: true, master: false });
  }

  #look(): void {
    this.#again = true;
    if (this.#left) return;
    this.#beating ??= this.#beatWhileAsked().finally(() => {
      this.#beating = null;
    });
  }

  async #beatWhileAsked(): Promise<void> {
    while (this.#again && !this.#left) {
      this.#again = false;
      try {
        await this.#beat();
      } catch (error) {
        this.#parts.log.warn({ err: error }, 'cannot tell the cluster that this process lives; trying again');
        this.#tell({ ...this.#standing, master: false });
      }
    }
  }

  async #beat(): Promise<void> {
    const { pool } = this.#parts;
    const { role, version, lease } = this.#facts;
    const row = await registered(pool, this.#facts);
    const standing = standingOf(row);
    if (!standing.removed) {
      const values = [this.#id, row.nodeId, role, process.pid, this.#url, version, this.#started, lease];
      await beat.run(pool, values);
    }
    const master = standing.works && role !== 'api' ? await takeMaster.one(pool, [this.#id, lease]) : null;
    if (master?.taken === true) {
      await insertLog.run(pool, [`Node ${row.node} is the master`]);
    }
    if (master !== null) await sweepDrained(pool);
    this.#tell({ ...standing, master: master !== null });
  }

  #tell(standing: Standing): void {
    const before = this.#standing;
    this.#standing = standing;
    const keys = Object.keys(standing) as (keyof Standing)[];
    if (keys.every((key) => before[key] === standing[key])) return;
    for (const listener of this.#listeners) listener(standing);
  }
}

export function keyHash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Ends the registration of nodes that drain and have no process left, also of such that died while they drained. */
export async function sweepDrained(pool: Pool): Promise<void> {
  for (const { name } of await removeDrained.all(pool)) await insertLog.run(pool, [`Node ${name} is gone`]);
}

async function registered(pool: Pool, { key, name, hostIp }: ProcessFacts): Promise<StandingRow> {
  const hash = keyHash(key);
  // Somebody else may have the name: then one that nobody has.
  const names = [
    name,
    `${name}-${hash.toString('hex').slice(0, 6)}`,
    `node-${hash.toString('hex').slice(0, 16)}`,
  ];
  for (const wanted of names) {
    const row = await selectStanding.one(pool, [hash]);
    if (row !== null) return row;
    await insertNode.run(pool, [wanted, hostIp, hash]);
  }
  const row = await selectStanding.one(pool, [hash]);
  if (row === null) throw new Error('no free name was found for this node of the cluster');
  return row;
}

function standingOf(row: StandingRow): Omit<Standing, 'master'> {
  return {
    nodeId: row.nodeId,
    node: row.node,
    works: (!row.initialized || row.joined) && !row.draining && !row.removed,
    draining: row.draining && !row.removed,
    removed: row.removed,
  };
}

/** Earlier processes of this node that were killed: nobody has to wait for their leases. */
async function forgetDead(pool: Pool, nodeId: number): Promise<void> {
  for (const { id, pid } of await selectPids.all(pool, [nodeId])) {
    // Of this very number there can be no other process here; in another container there may, and it beats again.
    if (pid === process.pid || !isAlive(pid)) await deleteProcess.run(pool, [id]);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
