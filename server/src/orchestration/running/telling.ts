/** How an execution begins and ends, in the words that Cloudify's users know. */
import type { NewEvent } from '../../events/events.js';
import type { Clock } from './clock.js';
import type { Ledger } from './ledger.js';
import type { ClaimedExecution, EndStatus } from './running.store.js';

export function started(execution: ClaimedExecution, clock: Clock): NewEvent {
  const verb = execution.graph === null ? 'Starting' : 'Resuming';
  return event(
    'workflow_started',
    `${verb} '${execution.workflow}' workflow execution${suffix(execution)}`,
    clock,
  );
}

export async function end(
  ledger: Ledger,
  execution: ClaimedExecution,
  { status, error, clock }: { readonly status: EndStatus; readonly error: string; readonly clock: Clock },
): Promise<void> {
  const of = `'${execution.workflow}' workflow execution`;
  const told = {
    terminated: event('workflow_succeeded', `${of} succeeded${suffix(execution)}`, clock),
    failed: event('workflow_failed', `${of} failed: ${error}${suffix(execution)}`, clock),
    cancelled: event('workflow_cancelled', `${of} cancelled${suffix(execution)}`, clock),
  };
  await ledger.end(status, error, (ended) => [told[ended]]);
}

function event(type: string, message: string, clock: Clock): NewEvent {
  // On the same clock as the events in between, so that their times have the order they have.
  return { kind: 'event', type, message, at: new Date(clock.now()).toISOString() };
}

function suffix(execution: ClaimedExecution): string {
  return execution.dryRun ? ' (dry run)' : '';
}
