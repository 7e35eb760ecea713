/**
 * Graphs that are looked at page after page. A stored graph of a hundred thousand instances takes a tenth of a second to read, which is
 * too long for each page of a hundred operations: the last ones looked at are kept, as many as take no more than `MOST_BYTES`, and read
 * again when they have grown.
 */
import type { ExecutionUid } from '../ids.js';
import type { Queryable } from '../store/statement.js';
import { selectGraph } from './executions.store.js';
import { PackedTasks } from './planning/packed-tasks.js';
import { graphVersion } from './task-graphs.store.js';

const MOST_BYTES = 64 * 1024 * 1024;

interface Remembered {
  readonly version: string;
  readonly tasks: PackedTasks;
}

export class RememberedGraphs {
  readonly #graphs = new Map<ExecutionUid, Remembered>();
  readonly #mostBytes: number;

  constructor(mostBytes = MOST_BYTES) {
    this.#mostBytes = mostBytes;
  }

  /** Bytes of all that are kept, nearly. */
  get bytes(): number {
    let sum = 0;
    for (const { tasks } of this.#graphs.values()) sum += tasks.bytes;
    return sum;
  }

  /**
   * @param execution one that the caller may see
   * @returns null before a worker has planned it
   */
  async of(db: Queryable, execution: ExecutionUid): Promise<PackedTasks | null> {
    const version = (await graphVersion.one(db, [execution]))?.version ?? null;
    const known = this.#graphs.get(execution);
    this.#graphs.delete(execution);
    if (version === null) return null;
    const now = known?.version === version ? known : await read(db, execution, version);
    // The one that was looked at last goes last.
    this.#graphs.set(execution, now);
    for (const [oldest] of this.#graphs) {
      if (this.bytes <= this.#mostBytes) break;
      this.#graphs.delete(oldest);
    }
    return now.tasks;
  }
}

/** It may have grown since it was asked for its version: then the next one who asks reads it again. */
async function read(db: Queryable, execution: ExecutionUid, version: string): Promise<Remembered> {
  const { graph } = (await selectGraph.one(db, [execution]))!;
  return { version, tasks: new PackedTasks(graph!) };
}
