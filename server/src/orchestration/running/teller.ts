/** Tells of tasks, word for word as Cloudify's users know it (cloudify.md §6.4). What was said before is not put together again. */
import type { Json } from '../../dsl/plan.js';
import type { FailureCause, TaskFailure } from '../../errors.js';
import type { LogLevel } from '../../plugins/plugin.js';
import type { OperationCall, Task } from '../planning/graph.js';
import type { InstanceModel } from '../planning/model.js';
import type { WalkedDeployment } from './deployment.js';
import { type Outbox, safeJson } from './outbox.js';
import { type Place, placeOf, type Words, wordsOf } from './told.js';

export interface TellerParts {
  readonly execution: { readonly id: string; readonly dryRun: boolean };
  readonly deployment: WalkedDeployment;
  readonly outbox: Outbox;
}

/** A result is told only so far; the whole of it is on the operation. */
const RESULT_LENGTH = 1000;
/** So many places and words are remembered; then it begins anew. */
const REMEMBERED = 20_000;

/** What is said of every call of one function as an operation, when nothing is out of the ordinary. */
interface CallWords {
  readonly sending: Words;
  readonly started: Words;
  readonly succeeded: Words;
}

interface InstancePlaces {
  readonly own: Place;
  /** By place of the relationship; made when they are needed. */
  links: Place[] | null;
}

export class Teller {
  readonly #outbox: Outbox;
  readonly #deployment: WalkedDeployment;
  readonly #execution: string;
  readonly #dry: string;
  readonly #nobody = placeOf(null, null);
  readonly #places = new Map<string, InstancePlaces>();
  /** By operation, then by function. */
  readonly #calls = new Map<string, Map<string, CallWords>>();
  readonly #notes = new Map<string, Words>();
  readonly #stages = new Map<string, Words>();

  constructor({ outbox, deployment, execution }: TellerParts) {
    this.#outbox = outbox;
    this.#deployment = deployment;
    this.#execution = execution.id;
    this.#dry = execution.dryRun ? ' (dry run)' : '';
  }

  starting(task: Task, retries: number, maxRetries: number): void {
    const place = this.#placeOf(task);
    const call = task.call!;
    if (retries === 0) {
      const { sending, started } = this.#wordsOf(call);
      this.#outbox.event(sending, place);
      this.#outbox.event(started, place);
      return;
    }
    const end = `'${call.function}'${this.#suffix(retries, maxRetries)}`;
    const rest = { operation: call.operation };
    this.#outbox.event(wordsOf(`Sending task ${end}`, { type: 'sending_task', ...rest }), place);
    this.#outbox.event(wordsOf(`Task started ${end}`, { type: 'task_started', ...rest }), place);
  }

  succeeded(task: Task, result: Json, retries: number, maxRetries: number): void {
    const call = task.call!;
    if (result === null && retries === 0) {
      this.#outbox.event(this.#wordsOf(call).succeeded, this.#placeOf(task));
      return;
    }
    const told = result === null ? '' : ` - ${short(result)}`;
    const message = `Task succeeded '${call.function}'${told}${this.#suffix(retries, maxRetries)}`;
    this.#say(task, 'task_succeeded', message);
  }

  failed(task: Task, failure: TaskFailure, retries: number, maxRetries: number): void {
    const message = `Task failed '${task.call?.function ?? ''}' -> ${failure.message}${this.#suffix(retries, maxRetries)}`;
    this.#say(task, 'task_failed', message, causesOf(failure));
  }

  rescheduled(task: Task, failure: TaskFailure, retries: number, maxRetries: number): void {
    const message = `Task rescheduled '${task.call!.function}' -> ${failure.message}${this.#suffix(retries, maxRetries)}`;
    this.#say(task, 'task_rescheduled', message);
  }

  /** The worker died in the middle of it, and it may run again. */
  interrupted(task: Task, attempt: number): void {
    const message = `Task rescheduled '${task.call!.function}' -> its worker died while it ran; it is resumable and runs again as attempt ${attempt}`;
    this.#say(task, 'task_rescheduled', message);
  }

  note(task: Task, message: string): void {
    this.#say(task, 'workflow_node_event', message);
  }

  plugin(task: Task, message: string): void {
    this.#say(task, 'plugin_event', message);
  }

  log(task: Task, level: LogLevel, message: string): void {
    const operation = task.call === null ? {} : { operation: task.call.operation };
    const logger = `ctx.${this.#execution}:${task.id}`;
    this.#outbox.event(wordsOf(message, { level, logger, ...operation }), this.#placeOf(task));
  }

  /** Said by the code of the workflow: a line, or an event of a type. */
  code(
    message: string,
    how: { readonly level: LogLevel } | { readonly type: string },
    instance: string | null,
  ): void {
    const words = 'level' in how ? { ...how, logger: `ctx.${this.#execution}` } : how;
    this.#outbox.event(
      wordsOf(message, words),
      instance === null ? this.#nobody : this.#placesOf(instance).own,
    );
  }

  /** Of the whole execution rather than of a task. */
  walk(message: string): void {
    this.#outbox.event(wordsOf(message, { type: 'workflow_event' }), this.#nobody);
  }

  /** What a task tells of an instance, or, of null, of the workflow. */
  effect(instance: string | null, message: string): void {
    if (instance === null) {
      this.#outbox.event(this.#known(this.#stages, 'workflow_stage', message), this.#nobody);
      return;
    }
    const words = this.#known(this.#notes, 'workflow_node_event', message);
    this.#outbox.event(words, this.#placesOf(instance).own);
  }

  #say(task: Task, type: string, message: string, causes?: string): void {
    const operation = task.call === null ? {} : { operation: task.call.operation };
    const words = wordsOf(message, { type, ...operation, ...(causes === undefined ? {} : { causes }) });
    this.#outbox.event(words, this.#placeOf(task));
  }

  #known(all: Map<string, Words>, type: string, message: string): Words {
    let words = all.get(message);
    if (words === undefined) {
      words = wordsOf(message + this.#dry, { type });
      if (all.size >= REMEMBERED) all.clear();
      all.set(message, words);
    }
    return words;
  }

  #wordsOf({ operation, function: name }: OperationCall): CallWords {
    let byFunction = this.#calls.get(operation);
    if (byFunction === undefined) {
      if (this.#calls.size >= REMEMBERED) this.#calls.clear();
      byFunction = new Map();
      this.#calls.set(operation, byFunction);
    }
    let words = byFunction.get(name);
    if (words === undefined) {
      const end = `'${name}'${this.#dry}`;
      words = {
        sending: wordsOf(`Sending task ${end}`, { type: 'sending_task', operation }),
        started: wordsOf(`Task started ${end}`, { type: 'task_started', operation }),
        succeeded: wordsOf(`Task succeeded ${end}`, { type: 'task_succeeded', operation }),
      };
      if (byFunction.size >= REMEMBERED) byFunction.clear();
      byFunction.set(name, words);
    }
    return words;
  }

  #placeOf({ instance: id, call }: Task): Place {
    if (id === null) return this.#nobody;
    const places = this.#placesOf(id);
    if (call === null || call.side === 'node' || call.relationship === null) return places.own;
    const instance = this.#deployment.instances.get(id);
    if (instance === undefined) return places.own;
    places.links ??= linksOf(instance);
    return places.links[call.relationship] ?? places.own;
  }

  #placesOf(id: string): InstancePlaces {
    let places = this.#places.get(id);
    if (places === undefined) {
      const node = this.#deployment.instances.get(id)?.node ?? null;
      places = { own: placeOf(node, id), links: null };
      if (this.#places.size >= REMEMBERED) this.#places.clear();
      this.#places.set(id, places);
    }
    return places;
  }

  #suffix(retries: number, maxRetries: number): string {
    if (retries === 0) return this.#dry;
    return `${this.#dry} [retry ${retries}${maxRetries < 0 ? '' : `/${maxRetries}`}]`;
  }
}

function linksOf({ node, id, relationships }: InstanceModel): Place[] {
  return relationships.map((link) => placeOf(node, id, { source: id, target: link.targetInstance }));
}

function short(result: Json): string {
  const text = typeof result === 'string' ? result : JSON.stringify(result);
  return text.length > RESULT_LENGTH ? `${text.slice(0, RESULT_LENGTH)}…` : text;
}

/** The failure itself where it names no cause. Whoever reads them looks for a trace without asking whether there is one. */
function causesOf({ type, message, causes }: TaskFailure): string {
  const all: readonly FailureCause[] = causes.length > 0 ? causes : [{ type, message }];
  return safeJson(all.map((cause) => ({ traceback: '', ...cause })) as unknown as Json);
}
