/**
 * Builds task graphs: sequences with forks in them, and the effects folded into the tasks they belong to.
 *
 * What always holds: a task is added after everything it depends on, so ids are a topological order; what a
 * success means is told by the task that succeeded, in its `after`, because the next one may never start;
 * what announces a step is told in that step's `before`. A marker exists only where no single task could tell
 * an effect truthfully: before a fork, after a fork, or where nothing is to be run at all.
 */
import type { JsonObject } from '../../dsl/plan.js';
import type { Effect, InstanceLifecycleState, OperationCall, Task, TaskGraph } from './graph.js';

type OpenTask = Omit<Task, 'after'> & { after: readonly Effect[] };

const NONE: readonly Effect[] = [];
const NONE_BEFORE: readonly number[] = [];

/** Lists of effects, each put together once: what ten thousand tasks tell is one list, and nothing to be made ten thousand times. */
class Tellings {
  readonly #longer = new Map<readonly Effect[], Map<readonly Effect[], readonly Effect[]>>();

  /** `first`, and then `more`; the same list for the same two. */
  both(first: readonly Effect[], more: readonly Effect[]): readonly Effect[] {
    if (more.length === 0) return first;
    if (first.length === 0) return more;
    let longer = this.#longer.get(first);
    if (longer === undefined) {
      longer = new Map();
      this.#longer.set(first, longer);
    }
    let both = longer.get(more);
    if (both === undefined) {
      both = [...first, ...more];
      longer.set(more, both);
    }
    return both;
  }
}

export class GraphBuilder {
  readonly tellings = new Tellings();
  readonly #tasks: OpenTask[] = [];
  /** Per task: something depends on it. */
  readonly #followed: boolean[] = [];

  /** Adds an operation; `dependsOn` without duplicates. */
  operation(
    instance: string,
    call: OperationCall,
    dependsOn: readonly number[],
    before: readonly Effect[],
    onFailure: Task['onFailure'],
  ): number {
    return this.#add({ kind: 'operation', instance, call, dependsOn, before, after: NONE, onFailure });
  }

  /** Adds a marker that tells `effects` as soon as all it depends on is done. */
  marker(
    instance: string | null,
    dependsOn: readonly number[],
    effects: readonly Effect[] = NONE,
    onFailure: 'fail' | 'leave' = 'fail',
  ): number {
    return this.#add({
      kind: 'marker',
      instance,
      call: null,
      dependsOn,
      before: NONE,
      after: effects,
      onFailure,
    });
  }

  /** Adds the tasks of a graph of its own for an instance; those that wait for nothing there wait for `entry`. Gives the first's id. */
  paste(instance: string, tasks: readonly Task[], entry: readonly number[]): number {
    const first = this.#tasks.length;
    for (const task of tasks) {
      const { kind, call, before, after, onFailure } = task;
      const dependsOn = task.dependsOn.length === 0 ? entry : task.dependsOn.map((id) => first + id);
      this.#add({ kind, instance, call, dependsOn, before, after, onFailure });
    }
    return first;
  }

  /** Tells more effects with the success of a task that is already there. */
  tellAfter(task: number, effects: readonly Effect[]): void {
    const told = this.#tasks[task]!;
    told.after = this.tellings.both(told.after, effects);
  }

  isMarker(task: number): boolean {
    return this.#tasks[task]!.kind === 'marker';
  }

  /** What a next part must wait for to come after everything so far: nothing, or one task. */
  barrier(): readonly number[] {
    const ends: number[] = [];
    for (let id = 0; id < this.#tasks.length; id += 1) if (this.#followed[id] !== true) ends.push(id);
    return ends.length < 2 ? ends : [this.marker(null, ends)];
  }

  finish(workflow: string): TaskGraph {
    return { workflow, tasks: this.#tasks };
  }

  #add(task: Omit<OpenTask, 'id'>): number {
    const id = this.#tasks.length;
    for (const dependency of task.dependsOn) this.#followed[dependency] = true;
    // Written out: one shape for every task keeps the walk over a hundred thousand of them fast.
    this.#tasks.push({
      id,
      kind: task.kind,
      instance: task.instance,
      call: task.call,
      dependsOn: task.dependsOn,
      before: task.before,
      after: task.after,
      onFailure: task.onFailure,
    });
    return id;
  }
}

export function event(message: string): Effect {
  return { kind: 'event', message };
}

/** A system property of the instance. */
export function note(name: string, value: JsonObject): Effect {
  return { kind: 'note', name, value };
}

export function becomes(state: InstanceLifecycleState): Effect {
  return { kind: 'state', state };
}

/** What was added to one chain, for others to which the same is to be added. */
export interface Stencil {
  readonly tasks: readonly Task[];
  readonly tail: readonly number[];
  readonly pending: readonly Effect[];
}

/** The strict sequence of one instance. */
export class Chain {
  readonly #builder: GraphBuilder;
  readonly #instance: string;
  readonly #entry: readonly number[];
  readonly #onFailure: Task['onFailure'];
  /** What the next step waits for, once a step was added. */
  #tail: readonly number[] = [];
  /** Told with the next step. */
  #pending: readonly Effect[] = NONE;
  readonly #marks: Map<string, readonly number[]> | null;

  /** `marks`: where `mark` keeps what it is told; null when nobody will ask. */
  constructor(
    builder: GraphBuilder,
    instance: string,
    entry: readonly number[],
    onFailure: Task['onFailure'],
    marks: Map<string, readonly number[]> | null,
  ) {
    this.#builder = builder;
    this.#instance = instance;
    this.#entry = entry;
    this.#onFailure = onFailure;
    this.#marks = marks;
  }

  /** Nothing was added, and nobody will ask how far it has come: then what was added to another may be pasted. */
  get isBlank(): boolean {
    return this.isEmpty && this.#pending.length === 0 && this.#marks === null;
  }

  /** What `fill` adds to a chain like this one. */
  stencil(fill: (chain: Chain) => void): Stencil {
    const builder = new GraphBuilder();
    const chain = new Chain(builder, this.#instance, NONE_BEFORE, this.#onFailure, null);
    fill(chain);
    return { tasks: builder.finish('').tasks, tail: chain.#tail, pending: chain.#pending };
  }

  paste({ tasks, tail, pending }: Stencil): void {
    const first = this.#builder.paste(this.#instance, tasks, this.#entry);
    this.#tail = tail.map((id) => first + id);
    this.#pending = pending;
  }

  get onFailure(): Task['onFailure'] {
    return this.#onFailure;
  }

  /** No step was added. */
  get isEmpty(): boolean {
    return this.#tail.length === 0;
  }

  /** Takes back what was announced for a next step that is not coming. */
  retract(): void {
    this.#pending = NONE;
  }

  /**
   * Told when the next step starts (or, if none comes, at the end of the chain). Whoever tells the same of many instances gives
   * the same list each time: it is known by being the same.
   */
  announce(words: readonly Effect[]): void {
    this.#pending = this.#builder.tellings.both(this.#pending, words);
  }

  /** What the success of everything so far means: told with it, not with the next step. */
  record(words: readonly Effect[]): void {
    if (words.length === 0) return;
    this.announce(words);
    if (this.#tail.length > 0) this.#flush();
  }

  run(call: OperationCall): void {
    this.fork([call]);
  }

  /** Runs all `calls` at once. */
  fork(calls: readonly OperationCall[]): void {
    if (calls.length === 0) return;
    if (calls.length > 1 && this.#pending.length > 0) {
      // Which of several is the first to start is not known now: what announces them all goes before them all.
      const [last] = this.#tail;
      if (this.#tail.length === 1 && this.#builder.isMarker(last!)) this.#flush();
      else this.#tail = [this.#marker(this.#takePending())];
    }
    const start = this.#waitingFor();
    this.#tail = calls.map((call) =>
      this.#builder.operation(this.#instance, call, start, this.#takePending(), this.#onFailure),
    );
  }

  /** Remembers under `name` what must be done for the chain to have come this far. */
  mark(name: string): void {
    this.#marks?.set(name, this.#tail);
  }

  /**
   * Ends the chain and says what a follower must wait for. An empty chain hands on what it waited for itself:
   * as it is when that is at most one task, else through a joining marker, made only if somebody `follows`.
   */
  end(follows: boolean): readonly number[] {
    if (this.#pending.length > 0) this.#flush();
    if (this.#tail.length === 1) return this.#tail;
    if (this.#tail.length === 0 && this.#entry.length < 2) return this.#entry;
    if (!follows) return [];
    return [this.#marker(NONE)];
  }

  #marker(effects: readonly Effect[]): number {
    const onFailure = this.#onFailure === 'leave' ? 'leave' : 'fail';
    return this.#builder.marker(this.#instance, this.#waitingFor(), effects, onFailure);
  }

  #waitingFor(): readonly number[] {
    return this.#tail.length > 0 ? this.#tail : this.#entry;
  }

  #takePending(): readonly Effect[] {
    const pending = this.#pending;
    this.#pending = NONE;
    return pending;
  }

  #flush(): void {
    if (this.#tail.length === 1) this.#builder.tellAfter(this.#tail[0]!, this.#takePending());
    else this.#tail = [this.#marker(this.#takePending())];
  }
}
