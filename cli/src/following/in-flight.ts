/** Which operations are under way, told by the events seen so far. Pure but for its own memory. */
import type { EventRecord } from '../api/wire.js';
import { kindOf, shortOperation, whereOf } from '../terminal/event-line.js';

export class InFlight {
  private readonly begun = new Map<string, { where: string; operation: string; since: number }>();
  private retried = false;
  private failed = false;

  note(event: EventRecord): void {
    const kind = kindOf(event);
    const key = `${whereOf(event)} ${event.operation ?? ''}`;
    switch (kind) {
      case 'sending_task':
      case 'task_started':
        this.failed = false;
        if (event.operation) {
          this.begun.set(key, {
            where: whereOf(event),
            operation: shortOperation(event.operation),
            since: Date.parse(event.timestamp),
          });
        }
        return;
      case 'task_failed':
      case 'task_rescheduled':
        this.begun.delete(key);
        this.retried = true;
        return;
      case 'task_succeeded':
        this.begun.delete(key);
        return;
      case 'workflow_failed':
        this.failed = true;
        this.begun.clear();
        return;
      case 'workflow_succeeded':
      case 'workflow_cancelled':
        this.begun.clear();
        return;
      default:
    }
  }

  get trouble(): 'none' | 'retries' | 'failures' {
    return this.failed ? 'failures' : this.retried ? 'retries' : 'none';
  }

  running(now: number): { where: string; operation: string; elapsed: number }[] {
    return [...this.begun.values()]
      .map(({ where, operation, since }) => ({ where, operation, elapsed: Math.max(0, now - since) }))
      .sort((a, b) => b.elapsed - a.elapsed);
  }
}
