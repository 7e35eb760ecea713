/** What is told of tasks, word for word as Cloudify's users know it (cloudify.md §6.4). */
import type { Json } from '../../dsl/plan.js';
import type { FailureCause, TaskFailure } from '../../errors.js';
import type { LogLevel } from '../../plugins/plugin.js';
import type { Effect, Task } from '../planning/graph.js';
import type { WalkedDeployment } from './deployment.js';
import type { OutboxEvent } from './outbox.js';

/** The walk, as far as its events need it. */
interface Teller {
  readonly execution: { readonly id: string; readonly dryRun: boolean };
  readonly deployment: WalkedDeployment;
}

/** A result is told only so far; the whole of it is on the operation. */
const RESULT_LENGTH = 1000;

export const taskEvents = {
  starting(teller: Teller, task: Task, retries: number, maxRetries: number): OutboxEvent[] {
    const { function: name } = task.call!;
    const end = suffix(teller, retries, maxRetries);
    return [
      about(teller, task, 'sending_task', `Sending task '${name}'${end}`),
      about(teller, task, 'task_started', `Task started '${name}'${end}`),
    ];
  },

  succeeded(teller: Teller, task: Task, result: Json, retries: number, maxRetries: number): OutboxEvent {
    const told = result === null ? '' : ` - ${short(result)}`;
    return about(
      teller,
      task,
      'task_succeeded',
      `Task succeeded '${task.call!.function}'${told}${suffix(teller, retries, maxRetries)}`,
    );
  },

  failed(teller: Teller, task: Task, failure: TaskFailure, retries: number, maxRetries: number): OutboxEvent {
    return {
      ...about(
        teller,
        task,
        'task_failed',
        `Task failed '${task.call?.function ?? ''}' -> ${failure.message}${suffix(teller, retries, maxRetries)}`,
      ),
      c: causesOf(failure),
    };
  },

  rescheduled(
    teller: Teller,
    task: Task,
    failure: TaskFailure,
    retries: number,
    maxRetries: number,
  ): OutboxEvent {
    return about(
      teller,
      task,
      'task_rescheduled',
      `Task rescheduled '${task.call!.function}' -> ${failure.message}${suffix(teller, retries, maxRetries)}`,
    );
  },

  /** The worker died in the middle of it, and it may run again. */
  interrupted(teller: Teller, task: Task, attempt: number): OutboxEvent {
    const message = `Task rescheduled '${task.call!.function}' -> its worker died while it ran; it is resumable and runs again as attempt ${attempt}`;
    return about(teller, task, 'task_rescheduled', message);
  },

  note(teller: Teller, task: Task, message: string): OutboxEvent {
    return about(teller, task, 'workflow_node_event', message);
  },

  plugin(teller: Teller, task: Task, message: string): OutboxEvent {
    return about(teller, task, 'plugin_event', message);
  },

  log(teller: Teller, task: Task, level: LogLevel, message: string): OutboxEvent {
    const { t: _event, ...where } = about(teller, task, '', message);
    return { ...where, l: level, g: `ctx.${teller.execution.id}:${task.id}` };
  },

  /** Of the whole execution rather than of a task. */
  walk(message: string): OutboxEvent {
    return { t: 'workflow_event', m: message };
  },

  node(teller: Teller, effect: Extract<Effect, { kind: 'event' }>): OutboxEvent {
    const m = effect.message + (teller.execution.dryRun ? ' (dry run)' : '');
    if (effect.instance === null) return { t: 'workflow_stage', m };
    const node = teller.deployment.instances.get(effect.instance)?.node;
    return { t: 'workflow_node_event', m, i: effect.instance, ...(node === undefined ? {} : { n: node }) };
  },
};

function about(teller: Teller, task: Task, type: string, message: string): OutboxEvent {
  const instance = task.instance === null ? undefined : teller.deployment.instances.get(task.instance);
  const call = task.call;
  const base = { t: type, m: message, ...(call === null ? {} : { o: call.operation }) };
  if (instance === undefined) return base;
  const where = { ...base, n: instance.node, i: instance.id };
  if (call === null || call.side === 'node' || call.relationship === null) return where;
  const link = instance.relationships[call.relationship];
  return link === undefined ? where : { ...where, s: instance.id, d: link.targetInstance };
}

function suffix(teller: Teller, retries: number, maxRetries: number): string {
  const dry = teller.execution.dryRun ? ' (dry run)' : '';
  if (retries === 0) return dry;
  return `${dry} [retry ${retries}${maxRetries < 0 ? '' : `/${maxRetries}`}]`;
}

function short(result: Json): string {
  const text = typeof result === 'string' ? result : JSON.stringify(result);
  return text.length > RESULT_LENGTH ? `${text.slice(0, RESULT_LENGTH)}…` : text;
}

/** The failure itself where it names no cause. Whoever reads them looks for a trace without asking whether there is one. */
function causesOf({ type, message, causes }: TaskFailure): Required<FailureCause>[] {
  const all = causes.length > 0 ? causes : [{ type, message }];
  return all.map((cause) => ({ traceback: '', ...cause }));
}
