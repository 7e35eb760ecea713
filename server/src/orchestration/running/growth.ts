/** How the graph of a walk grows while it is walked: what code asks for is stored alone, between two batches, and then begins. */
import type { Json } from '../../dsl/plan.js';
import type { TaskFailure } from '../../errors.js';
import type { ExecutionStatus } from '../execution-state.js';
import type { Task } from '../planning/graph.js';
import type { AskedTasks } from './asked-tasks.js';
import type { Bell } from './bell.js';
import type { Flushes } from './flushes.js';
import type { Ledger } from './ledger.js';
import type { TaskBook } from './task-book.js';

export interface GrowthParts {
  readonly asked: AskedTasks;
  readonly ledger: Ledger;
  readonly book: TaskBook;
  readonly flushes: Flushes;
  readonly bell: Bell;
  observe(status: ExecutionStatus): void;
}

export class Growth {
  readonly #parts: GrowthParts;
  /** Stored since they were taken last. */
  readonly #fresh: number[] = [];
  #busy = false;
  /** What could not be stored, and why: the walk ends with it. */
  trouble: unknown = null;

  constructor(parts: GrowthParts) {
    this.#parts = parts;
    parts.asked.onWish(() => parts.bell.ring());
  }

  /** The graph is being stored: no batch may be sent meanwhile. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Tasks that may begin now. `free`: no batch is on its way, so what is wished for can be stored. */
  take(free: boolean): number[] {
    const { asked, ledger, book } = this.#parts;
    const ready = [...asked.takeDue(), ...this.#fresh.splice(0)];
    if (!free || this.#busy || !asked.hasWishes) return ready;
    const { graph, fresh } = asked.grow();
    if (fresh.length === 0) return ready;
    book.grow(graph.tasks.length);
    this.#busy = true;
    ledger
      .append(graph, asked.operations)
      .then((status) => {
        this.#fresh.push(...fresh.map(({ id }) => id));
        this.#parts.observe(status);
      })
      .catch((error: unknown) => {
        this.trouble = error;
      })
      .finally(() => {
        this.#busy = false;
        this.#parts.bell.ring();
      });
    return ready;
  }

  /** The code that has asked for the task is told, when it is durable. */
  done({ id }: Task, result: Json): void {
    this.#told(() => this.#parts.asked.done(id, result));
  }

  failed({ id }: Task, failure: TaskFailure): void {
    this.#told(() => this.#parts.asked.failed(id, failure));
  }

  #told(tell: () => void): void {
    this.#parts.flushes.wait(true).then(tell, () => {});
  }
}
