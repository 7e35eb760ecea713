/**
 * Between the code of a workflow, which asks, and the walk of its execution, which does: what is asked for and not stored
 * yet, what is stored and was asked for again, and what the code has not been told yet.
 *
 * Always holds: what the code is told of is durable, and so is what it asked for before the walk begins with it.
 */
import type { Json } from '../../dsl/plan.js';
import type { TaskFailure } from '../../errors.js';
import type { WorkflowAnswer, WorkflowWish } from '../../plugins/workflow.js';
import { type AskedOf, taskOf } from '../planning/asked.js';
import { isDone, type Task, type TaskGraph, type TaskState } from '../planning/graph.js';

/** Where a task of an earlier run stands, with what came of it. */
export interface AskedBefore {
  readonly task: number;
  readonly state: TaskState;
  readonly result: Json;
  readonly failure: TaskFailure | null;
  /** It waits for its next attempt, and that is due: it runs when the code asks for it again. */
  readonly isDue: boolean;
}

/** An execution's graph is stored whole, and shown whole. */
const MOST_TASKS = 50_000;
const TOO_MANY = `a workflow in Python may ask for ${MOST_TASKS} operations, states and events, and no more`;

export class AskedTasks {
  /** The graph's: it grows in place. */
  readonly #tasks: Task[];
  readonly #keys: string[];
  readonly #of: AskedOf;
  readonly #workflow: string;
  readonly #spread: Pick<TaskGraph, 'spread'>;
  readonly #byKey = new Map<string, number>();
  /** What came of tasks, by id. */
  readonly #answers = new Map<number, WorkflowAnswer>();
  /** The code waits for them. */
  readonly #awaited = new Set<number>();
  /** Stored, and not begun by anybody. */
  readonly #idle = new Set<number>();
  #wishes: WorkflowWish[] = [];
  readonly #wished = new Set<string>();
  #due: number[] = [];
  #untold: WorkflowAnswer[] = [];
  #resumable: boolean | null;
  #ring = () => {};
  #wake = () => {};
  #operations = 0;

  /** @param graph one of code; its `tasks` become this object's, and grow */
  constructor(graph: TaskGraph, before: readonly AskedBefore[], of: AskedOf) {
    this.#tasks = graph.tasks as Task[];
    this.#workflow = graph.workflow;
    this.#spread = graph.spread === undefined ? {} : { spread: graph.spread };
    this.#keys = [...(graph.asked?.keys ?? [''])];
    this.#resumable = graph.asked?.resumable ?? null;
    this.#of = of;
    for (let id = 1; id < this.#keys.length; id += 1) {
      if (this.#tasks[id]!.call !== null) this.#operations += 1;
      this.#byKey.set(this.#keys[id]!, id);
      this.#idle.add(id);
    }
    for (const { task, state, result, failure, isDue } of before) {
      if (task === 0 || isDue) continue;
      this.#idle.delete(task);
      const key = this.#keys[task]!;
      if (isDone(state)) this.#answers.set(task, { key, kind: 'done', result });
      if (state === 'failed' && failure !== null) this.#answers.set(task, { key, kind: 'failed', failure });
    }
  }

  /** Null: the code has not said yet. */
  get resumable(): boolean | null {
    return this.#resumable;
  }

  declare(resumable: boolean): void {
    this.#resumable = resumable;
  }

  /** `ring`: called when there is something for the walk to do. */
  onWish(ring: () => void): void {
    this.#ring = ring;
  }

  ask(wishes: readonly WorkflowWish[]): void {
    for (const wish of wishes) this.#ask(wish);
    this.#ring();
  }

  #ask(wish: WorkflowWish): void {
    const { key } = wish;
    const id = this.#byKey.get(key);
    if (id === undefined) {
      if (this.#tasks.length + this.#wishes.length >= MOST_TASKS) {
        this.#tell({ key, kind: 'failed', failure: impossible(TOO_MANY) });
        return;
      }
      if (!this.#wished.has(key)) this.#wishes.push(wish);
      this.#wished.add(key);
      return;
    }
    const answer = this.#answers.get(id);
    if (answer !== undefined) {
      this.#tell(answer);
      return;
    }
    this.#awaited.add(id);
    if (this.#idle.delete(id)) this.#due.push(id);
  }

  /** Waits until the code is to be told something, or `signal` aborts. */
  async answers(signal: AbortSignal): Promise<readonly WorkflowAnswer[]> {
    if (this.#untold.length === 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          signal.removeEventListener('abort', done);
          resolve();
        };
        this.#wake = done;
        signal.addEventListener('abort', done);
      });
    }
    return this.#untold.splice(0);
  }

  /** Tasks that are stored and may begin now. */
  takeDue(): number[] {
    return this.#due.splice(0);
  }

  /** Operations in the graph. */
  get operations(): number {
    return this.#operations;
  }

  get hasWishes(): boolean {
    return this.#wishes.length > 0;
  }

  /**
   * The graph with everything asked for since; its new tasks, which may begin when it is stored. What cannot be a task is
   * answered as failed.
   */
  grow(): { readonly graph: TaskGraph; readonly fresh: readonly Task[] } {
    const fresh: Task[] = [];
    for (const wish of this.#wishes.splice(0)) {
      const { key } = wish;
      this.#wished.delete(key);
      const id = this.#tasks.length;
      const task = taskOf(this.#of, wish, id);
      if (typeof task === 'string') {
        this.#tell({ key, kind: 'failed', failure: impossible(task) });
        continue;
      }
      this.#tasks.push(task);
      if (task.call !== null) this.#operations += 1;
      this.#keys.push(key);
      this.#byKey.set(key, id);
      this.#awaited.add(id);
      fresh.push(task);
    }
    const asked = { resumable: this.#resumable === true, keys: this.#keys };
    return { graph: { ...this.#spread, workflow: this.#workflow, tasks: this.#tasks, asked }, fresh };
  }

  /** It is durable how task `id` ended. */
  done(id: number, result: Json): void {
    this.#answer(id, { key: this.#keys[id]!, kind: 'done', result });
  }

  failed(id: number, failure: TaskFailure): void {
    this.#answer(id, { key: this.#keys[id]!, kind: 'failed', failure });
  }

  #answer(id: number, answer: WorkflowAnswer): void {
    this.#answers.set(id, answer);
    if (this.#awaited.delete(id)) this.#tell(answer);
  }

  #tell(answer: WorkflowAnswer): void {
    this.#untold.push(answer);
    this.#wake();
  }

  /** It begins when the code asks for it. */
  isIdle(id: number): boolean {
    return this.#idle.has(id);
  }

  /** Where what was asked for under `key` stands; null: nothing of the kind is stored. */
  stateUnder(key: string): 'pending' | 'started' | 'succeeded' | 'failed' | null {
    const id = this.#byKey.get(key);
    if (id === undefined) return null;
    const answer = this.#answers.get(id);
    if (answer !== undefined) return answer.kind === 'done' ? 'succeeded' : 'failed';
    return this.#idle.has(id) ? 'pending' : 'started';
  }
}

function impossible(message: string): TaskFailure {
  return { type: 'NonRecoverableError', message, retryable: false, causes: [] };
}
