/**
 * A deployment, or the task graph of an execution, as of one moment, in one answer.
 *
 * Each is read in one transaction that sees one moment, begun after the position of streams was taken: whoever then follows
 * from that position (`streaming/`) misses nothing, and may be told again what the picture shows already.
 */
import { type Caller, scopeFor } from '../caller.js';
import { notFound } from '../errors.js';
import type { Client, Pool } from '../store/pool.js';
import { accompany, inMoment } from '../store/transaction.js';
import { holdDeploymentOf } from './deployments.store.js';
import { requireSmall } from './followed.js';
import { graphText, unplannedText } from './graph-picture.js';
import { KeptText } from './kept-text.js';
import {
  holdVersion,
  type PicturedExecution,
  pictureCounts,
  pictureDeployment,
  pictureExecution,
  pictureInstances,
  pictureNodes,
  pictureRunning,
} from './pictures.store.js';
import type { RememberedGraphs } from './remembered-graphs.js';

/** A graph whose stored form is larger is not read. About half a million instances. */
const LARGEST_GRAPH = 16 * 1024 * 1024;
/** Instances that are read in one go. */
const SLICE = 5000;

export class Pictures {
  readonly #pool: Pool;
  readonly #graphs: RememberedGraphs;

  constructor(pool: Pool, graphs: RememberedGraphs) {
    this.#pool = pool;
    this.#graphs = graphs;
  }

  /** JSON, without the position. Needs `deployments.read`, `nodes.read` and `executions.read`. Throws `not-found`. */
  async deployment(caller: Caller, id: string): Promise<KeptText> {
    for (const permission of ['deployments.read', 'executions.read'] as const) scopeFor(caller, permission);
    const { tenantId, userId, seesPrivate } = scopeFor(caller, 'nodes.read');
    return inMoment(this.#pool, async (client) => {
      const found = await pictureDeployment.one(client, tenantId, [id, userId, seesPrivate]);
      if (found === null) throw notFound('Deployment', id);
      const { uid, head } = found;
      const running = (await pictureRunning.one(client, [uid]))?.text ?? 'null';
      const counts = (await pictureCounts.one(client, [uid]))!.text;
      const nodes = (await pictureNodes.one(client, [uid]))!.text;
      const text = new KeptText();
      await text.add(
        `{"deployment":${head},"runningExecution":${running},"counts":${counts},"nodes":${nodes},"instances":[`,
      );
      for (let [node, index, before] = ['', 0, '']; ; before = ',') {
        const rows = await pictureInstances.all(client, [uid, node, index, SLICE]);
        if (rows.length > 0) await text.add(before + rows.map((row) => row.text).join(','));
        if (rows.length < SLICE) break;
        ({ node, index } = rows.at(-1)!);
      }
      await text.add(']}');
      return text;
    });
  }

  /**
   * What stands for the state of an execution and its operations: the same as long as nothing has moved. Needs
   * `executions.read`. Throws `not-found`.
   */
  async version(caller: Caller, id: string): Promise<string> {
    return (await this.#execution(this.#pool, caller, id)).version;
  }

  /**
   * Does `change` to an execution, in whose transaction `requires` is asked first, with the version that the execution then
   * has and keeps until the change.
   */
  whileIs<T>(
    caller: Caller,
    id: string,
    requires: (version: string) => void,
    change: () => Promise<T>,
  ): Promise<T> {
    const before = async (client: Client) => {
      const { tenantId } = scopeFor(caller, 'executions.run');
      // In the order in which everybody locks.
      await holdDeploymentOf.run(client, tenantId, [id]);
      await holdVersion.run(client, tenantId, [id]);
      requires((await this.#execution(client, caller, id)).version);
    };
    return accompany({ before }, change);
  }

  /**
   * JSON, in pieces: tasks, dependencies, what is done for each instance, and how it all stands. Without tasks before a worker has
   * planned it. Needs `executions.read`.
   *
   * @throws DomainError `not-found`; `conflict` (`graph-too-large`)
   */
  async graph(
    caller: Caller,
    id: string,
  ): Promise<{ readonly version: string; readonly text: Iterable<string> }> {
    scopeFor(caller, 'executions.read');
    return inMoment(this.#pool, async (client) => {
      const { uid, deploymentUid, graphBytes, version, ...told } = await this.#execution(client, caller, id);
      requireSmall(id, graphBytes ?? 0, LARGEST_GRAPH);
      const tasks = await this.#graphs.of(client, uid);
      if (tasks === null) return { version, text: [unplannedText(told)] };
      return { version, text: await graphText(client, { uid, deploymentUid, told }, tasks) };
    });
  }

  async #execution(db: Client | Pool, caller: Caller, id: string): Promise<PicturedExecution> {
    const { tenantId, userId, seesPrivate } = scopeFor(caller, 'executions.read');
    const found = await pictureExecution.one(db, tenantId, [id, userId, seesPrivate]);
    if (found === null) throw notFound('Execution', id);
    return found;
  }
}
