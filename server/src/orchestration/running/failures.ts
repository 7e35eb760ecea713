/** Failures that are the engine's own to tell, not an operation's. */
import type { TaskFailure } from '../../errors.js';
import type { Task } from '../planning/graph.js';
import { failureMessage } from '../planning/outcome.js';

export function unknownFailure(): TaskFailure {
  return final('NonRecoverableError', 'the operation failed');
}

export function cancelled(): TaskFailure {
  return final('ProcessKillCancelled', 'the execution was cancelled');
}

/** Another operation has failed for good, and the time for those that still ran is over. */
export function overtaken(): TaskFailure {
  return final(
    'ProcessKillCancelled',
    'it was stopped, since another operation of the execution had failed for good',
  );
}

export function interruption(task: Task): TaskFailure {
  return final(
    'OperationInterrupted',
    `${task.call?.operation ?? 'the operation'} was running when its worker died, and is not declared resumable: look at what it did, then resume the execution and retry, skip or confirm it`,
  );
}

/** The plugin says that it was stopped, and nobody had asked it to. */
export function unasked(): TaskFailure {
  return { ...final('PluginError', 'the operation stopped without having been asked to'), retryable: true };
}

/** It may still be running: not to be tried again beside itself. */
export function unanswered(timeout: number): TaskFailure {
  return final(
    'TimeoutException',
    `the operation was ended after its timeout of ${timeout} seconds and does not answer`,
  );
}

export function lostLines(count: number): string {
  return `${count} log lines of operations were not kept: the database did not take them in time`;
}

/** What an execution says that has failed. */
export function failedFor(failed: readonly { readonly task: Task; readonly failure: TaskFailure }[]): string {
  const code = failed.find(({ task }) => task.kind === 'workflow')?.failure;
  if (code !== undefined) return code.causes[0]?.traceback ?? code.message;
  return failureMessage(
    failed.map(({ task, failure }) => ({
      function: task.call?.function ?? '',
      operation: task.call?.operation ?? '',
      instance: task.instance ?? '',
      failure,
    })),
  );
}

function final(type: string, message: string): TaskFailure {
  return { type, message, retryable: false, causes: [] };
}
