/**
 * The cluster as administrators see and change it. What processes do of themselves is in `membership.ts`.
 *
 * Before it is initialised there is no gate: every process on the database works, and the nodes that are there are told.
 * From then on a node works when it has joined, by credentials that an administrator had made for its name, that are good
 * once and for a day, and of which the store keeps a hash.
 */
import { timingSafeEqual } from 'node:crypto';
import { type Caller, requirePermission } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { type AuditActor, record } from '../identity/audit.js';
import { requireName } from '../identity/names.js';
import { requirePerson } from '../identity/permission.js';
import { randomName } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import type { Signals } from '../store/signals.js';
import { inTransaction } from '../store/transaction.js';
import {
  deleteAnnounced,
  insertAnnounced,
  insertLog,
  joinThoseOnline,
  lockCluster,
  type NodeRow,
  selectCluster,
  selectLog,
  selectNodes,
  takeAnnounced,
  updateDraining,
  updateInitialized,
  updateJoined,
  updateOptions,
} from './cluster.store.js';
import { CLUSTER_HINT, keyHash, type Membership, sweepDrained } from './membership.js';

export type ClusterNode = NodeRow;

export interface ClusterState {
  readonly initialized: boolean;
  readonly options: Readonly<Record<string, unknown>>;
  /** `address:port` of the master; null while there is none. */
  readonly leader: string | null;
  /** What is wrong, in a sentence; null: nothing. */
  readonly trouble: string | null;
}

export interface ClusterLogLine {
  readonly id: number;
  readonly message: string;
  /** Since 1970. */
  readonly microseconds: number;
}

/** Seconds for which credentials for joining are good. */
const CREDENTIALS_SECONDS = 86_400;
const OPTIONS_BYTES = 64 * 1024;

export class Cluster {
  readonly #pool: Pool;
  readonly #signals: Signals;
  readonly #shared: boolean;
  #self: Membership | null = null;

  /** @param parts `shared`: the database can be reached from other machines */
  constructor(parts: { pool: Pool; signals: Signals; shared: boolean }) {
    this.#pool = parts.pool;
    this.#signals = parts.signals;
    this.#shared = parts.shared;
  }

  /** Told once, by the process that has registered itself. */
  set self(membership: Membership) {
    this.#self = membership;
  }

  get self(): Membership | null {
    return this.#self;
  }

  async state(caller: Caller): Promise<ClusterState> {
    requirePermission(caller, 'cluster.read');
    return this.#state();
  }

  /** The newest hundred lines, oldest first. */
  async log(caller: Caller): Promise<ClusterLogLine[]> {
    requirePermission(caller, 'cluster.read');
    return selectLog.all(this.#pool);
  }

  /** Every node that has joined, was announced, or works because there is no gate; oldest first. */
  async nodes(caller: Caller): Promise<ClusterNode[]> {
    requirePermission(caller, 'cluster.read');
    return selectNodes.all(this.#pool, [null]);
  }

  /** @throws DomainError `not-found` */
  async node(caller: Caller, name: string): Promise<ClusterNode> {
    requirePermission(caller, 'cluster.read');
    return this.#find(name);
  }

  /**
   * Makes a cluster, with the node of this process under `name`. Nodes that are online belong to it from the start: they
   * have worked until now.
   *
   * @throws DomainError `conflict` (`cluster-initialized`, `node-exists`), `invalid`
   */
  async initialize(
    caller: Caller,
    node: { name: string | null; hostIp: string | null },
  ): Promise<ClusterState> {
    this.#requireManager(caller);
    const self = this.#requireSelf();
    checkNode(node);
    await inTransaction(this.#pool, async (client) => {
      if ((await lockCluster.one(client))!.initialized) {
        throw new DomainError('conflict', 'cluster-initialized', 'The cluster is initialised already');
      }
      await updateInitialized.run(client);
      await this.#joinAs(client, self.standing.nodeId, node);
      const others = await joinThoseOnline.all(client);
      const names = others.map(({ name }) => name).sort();
      const also = names.length === 0 ? '' : `; it also has ${names.join(', ')}`;
      await insertLog.run(client, [`Cluster initialised by node ${node.name ?? self.standing.node}${also}`]);
      await record(client, caller, {
        action: 'initialize',
        thing: 'cluster',
        id: 'cluster',
        details: { ...node },
      });
    });
    return this.#changed();
  }

  /**
   * The node of this process joins, as the node that the credentials were made for.
   *
   * @throws DomainError `forbidden` (`join-credentials`); `conflict` (`cluster-uninitialized`, `node-joined`);
   *   `invalid` (`node-name`)
   */
  async join(
    caller: Caller,
    request: { credentials: string; name: string | null; hostIp: string | null },
  ): Promise<ClusterState> {
    this.#requireManager(caller);
    await this.#join(caller, request);
    return this.#changed();
  }

  /** As `join`, by this process itself, with credentials from its settings. */
  async joinAtStart(credentials: string): Promise<void> {
    const actor: AuditActor = { userId: null, username: 'orrery', tenant: null, requestId: '-' };
    await this.#join(actor, { credentials, name: null, hostIp: null });
    await this.#changed();
  }

  async #join(
    actor: AuditActor,
    { credentials, name, hostIp }: { credentials: string; name: string | null; hostIp: string | null },
  ): Promise<void> {
    const self = this.#requireSelf();
    checkNode({ name, hostIp });
    await inTransaction(this.#pool, async (client) => {
      if (!(await lockCluster.one(client))!.initialized) {
        throw new DomainError(
          'conflict',
          'cluster-uninitialized',
          'There is no cluster yet that could be joined',
        );
      }
      const { nodeId, node } = self.standing;
      if ((await selectNodes.all(client, [node])).some((one) => one.id === nodeId && one.joined)) {
        throw new DomainError(
          'conflict',
          'node-joined',
          `This node belongs to the cluster already, as ${node}`,
        );
      }
      const announced = await takeAnnounced.one(client, [keyHash(credentials)]);
      if (announced === null || !sameText(announced.name, name ?? announced.name)) {
        // Thrown in the transaction: credentials tried under a wrong name are not used up.
        throw new DomainError(
          'forbidden',
          'join-credentials',
          'These credentials join no node: they are wrong, used, too old, or for another name',
        );
      }
      await this.#joinAs(client, nodeId, { name: announced.name, hostIp: hostIp ?? announced.hostIp });
      await insertLog.run(client, [`Node ${announced.name} has joined`]);
      await record(client, actor, { action: 'join', thing: 'cluster-node', id: announced.name });
    });
  }

  /**
   * Writes `options` over those that are there, name by name.
   *
   * @throws DomainError `invalid` (`cluster-uninitialized-options`), `limit`
   */
  async update(caller: Caller, options: Readonly<Record<string, unknown>>): Promise<ClusterState> {
    this.#requireManager(caller);
    await inTransaction(this.#pool, async (client) => {
      if (!(await lockCluster.one(client))!.initialized) {
        throw new DomainError(
          'invalid',
          'cluster-uninitialized-options',
          'The cluster is not initialised, so it has nothing that could be set',
        );
      }
      const before = (await selectCluster.one(client))!.options;
      const text = JSON.stringify({ ...before, ...options });
      if (text.length > OPTIONS_BYTES) {
        throw new DomainError(
          'limit',
          'cluster-options',
          `Options of the cluster have at most ${OPTIONS_BYTES} bytes`,
        );
      }
      await updateOptions.run(client, [text]);
      const details = { options: Object.keys(options) };
      await record(client, caller, { action: 'update', thing: 'cluster', id: 'cluster', details });
    });
    return this.#changed();
  }

  /**
   * Announces a node, and makes the credentials that a process may join with as it. They are told here and never again.
   *
   * @throws DomainError `conflict` (`node-exists`, `cluster-uninitialized`, `cluster-of-one`), `invalid`
   */
  async announce(
    caller: Caller,
    node: { name: string; hostIp: string | null },
  ): Promise<{ node: ClusterNode; credentials: string }> {
    this.#requireManager(caller);
    checkNode(node);
    if (!this.#shared) {
      throw new DomainError(
        'conflict',
        'cluster-of-one',
        'The embedded database serves this machine alone: a cluster of several needs a PostgreSQL of its own (DATABASE_URL)',
      );
    }
    const credentials = `join-${randomName(40)}`;
    await inTransaction(this.#pool, async (client) => {
      if (!(await lockCluster.one(client))!.initialized) {
        throw new DomainError(
          'conflict',
          'cluster-uninitialized',
          'There is no cluster yet that could be joined',
        );
      }
      const values = [node.name, node.hostIp, keyHash(credentials), CREDENTIALS_SECONDS];
      if ((await insertAnnounced.one(client, values)) === null) throw nodeExists(node.name);
      await insertLog.run(client, [`Node ${node.name} may join`]);
      await record(client, caller, { action: 'announce', thing: 'cluster-node', id: node.name });
    });
    return { node: await this.#find(node.name), credentials };
  }

  /**
   * Takes a node out, for good. One that lives drains first: it takes no new work, ends or hands over what it runs, and is
   * gone then.
   *
   * @returns the node as it was
   * @throws DomainError `not-found`; `invalid` (`last-node`)
   */
  async remove(caller: Caller, name: string): Promise<ClusterNode> {
    this.#requireManager(caller);
    const before = await inTransaction(this.#pool, async (client) => {
      await lockCluster.one(client);
      const nodes = await selectNodes.all(client, [null]);
      const node = nodes.find((one) => sameText(one.name.toLowerCase(), name.toLowerCase()));
      if (node === undefined) throw notFound('Cluster node', name);
      if (node.online && !nodes.some((one) => one.id !== node.id && stays(one))) {
        throw new DomainError(
          'invalid',
          'last-node',
          `Node ${node.name} is the last one of the cluster that lives`,
        );
      }
      await deleteAnnounced.run(client, [node.id]);
      await updateDraining.run(client, [node.id]);
      await insertLog.run(client, [`Node ${node.name} is to go`]);
      await record(client, caller, { action: 'remove', thing: 'cluster-node', id: node.name });
      return node;
    });
    await sweepDrained(this.#pool);
    await this.#changed();
    return before;
  }

  async #state(): Promise<ClusterState> {
    const { initialized, options, masterIp, masterUrl } = (await selectCluster.one(this.#pool))!;
    const port = masterUrl === null ? '' : `:${new URL(masterUrl).port || '80'}`;
    const leader = masterIp === null ? null : `${masterIp}${port}`;
    const trouble = initialized && leader === null ? 'No node that works is online' : null;
    return { initialized, options, leader, trouble };
  }

  async #changed(): Promise<ClusterState> {
    this.#signals.send(CLUSTER_HINT);
    await this.#self?.refresh();
    return this.#state();
  }

  async #find(name: string): Promise<ClusterNode> {
    const [node] = name.includes('\0') ? [] : await selectNodes.all(this.#pool, [name]);
    if (node === undefined) throw notFound('Cluster node', name);
    return node;
  }

  async #joinAs(
    client: Client,
    id: number,
    { name, hostIp }: { name: string | null; hostIp: string | null },
  ): Promise<void> {
    try {
      if ((await updateJoined.one(client, [id, name, hostIp])) !== null) return;
    } catch (error) {
      if ((error as { code?: string }).code !== '23505') throw error;
      throw nodeExists(name!);
    }
    throw new DomainError(
      'conflict',
      'node-removed',
      'This node was removed from the cluster and cannot join again',
    );
  }

  #requireManager(caller: Caller): void {
    requirePermission(caller, 'cluster.manage');
    requirePerson(caller);
  }

  #requireSelf(): Membership {
    if (this.#self !== null) return this.#self;
    throw new DomainError('unavailable', 'cluster-starting', 'This process is not registered yet; try again');
  }
}

/** Whether a node goes on working. */
function stays({ online, draining }: NodeRow): boolean {
  return online && !draining;
}

function nodeExists(name: string): DomainError {
  return new DomainError('conflict', 'node-exists', `A node with the name \`${name}\` is there already`);
}

function sameText(left: string, right: string): boolean {
  const [a, b] = [keyHash(left), keyHash(right)];
  return timingSafeEqual(a, b);
}

function checkNode({ name, hostIp }: { name: string | null; hostIp: string | null }): void {
  if (name !== null) requireName('cluster node', name);
  if (hostIp !== null && !/^[A-Za-z0-9.:_-]{1,255}$/.test(hostIp)) {
    throw new DomainError('invalid', 'node-address', `\`${hostIp}\` is no address of a machine`);
  }
}
