/** What was under way when an earlier walk of an execution ended, sorted by what is to be done about it. */
import type { TaskFailure } from '../../errors.js';
import type { Task, TaskGraph } from '../planning/graph.js';
import { unknownFailure } from './failures.js';
import type { TaskBook } from './task-book.js';
import type { TaskMemory } from './walk-memory.js';

export interface TakenUp {
  readonly waiting: readonly { readonly task: Task; readonly due: Date }[];
  readonly failed: readonly { readonly task: Task; readonly failure: TaskFailure }[];
  /** Run elsewhere, or were to be sent there: whether the world was touched is known there. */
  readonly away: readonly Task[];
  /** Whether their work was done nobody knows, and they may run again. */
  readonly again: readonly Task[];
  /** Likewise, and they may not. */
  readonly broken: readonly Task[];
}

export function takenUp(memory: readonly TaskMemory[], graph: TaskGraph, book: TaskBook): TakenUp {
  const waiting: { task: Task; due: Date }[] = [];
  const failed: { task: Task; failure: TaskFailure }[] = [];
  const [away, again, broken]: [Task[], Task[], Task[]] = [[], [], []];
  for (const row of memory) {
    const task = graph.tasks[row.task]!;
    if (row.state === 'waiting') waiting.push({ task, due: row.dueAt ?? new Date(0) });
    if (row.state === 'interrupted' || (row.state === 'failed' && task.onFailure !== 'tell')) {
      failed.push({ task, failure: row.failure ?? unknownFailure() });
    }
    if (row.state !== 'started') continue;
    if (book.pool(task) !== null) away.push(task);
    else (book.mayRunAgain(task) ? again : broken).push(task);
  }
  return { waiting, failed, away, again, broken };
}
