/** Failures that are the engine's own to tell, not an operation's. */
import type { TaskFailure } from '../../errors.js';
import type { Task } from '../planning/graph.js';

export function unknownFailure(): TaskFailure {
  return { type: 'NonRecoverableError', message: 'the operation failed', retryable: false, causes: [] };
}

export function cancelled(): TaskFailure {
  return {
    type: 'ProcessKillCancelled',
    message: 'the execution was cancelled',
    retryable: false,
    causes: [],
  };
}

export function interruption(task: Task): TaskFailure {
  return {
    type: 'OperationInterrupted',
    message: `${task.call?.operation ?? 'the operation'} was running when its worker died, and is not declared resumable: look at what it did, then resume the execution and retry, skip or confirm it`,
    retryable: false,
    causes: [],
  };
}
