/** What goes over the wire: frames of `text/event-stream` (WHATWG HTML §9.2), and what stands in them. Pure. */
import type { DeploymentNow, ExecutionNow, InstanceNow, TaskNow } from '../orchestration/followed.js';
import type { EventRow, News, Position } from './feed.js';
import type { Standing, StateCounts } from './standing.js';
import {
  type Subscription,
  wantsDeployment,
  wantsEvent,
  wantsExecution,
  wantsGone,
  wantsInstance,
  wantsTask,
} from './subscription.js';

/** One frame. JSON has no line breaks of its own, so its data is one line. */
export function frame(event: string, position: Position, data: unknown): Buffer {
  return framed(event, position, JSON.stringify(data));
}

function framed(event: string, position: Position, data: string): Buffer {
  return Buffer.from(`id: ${position}\nevent: ${event}\ndata: ${data}\n\n`);
}

/** Tells that the connection lives, and how far it is: so that one that hears nothing for long is not taken to have missed something. */
export function heartbeat(position: Position): Buffer {
  return Buffer.from(`id: ${position}\n: heartbeat\n\n`);
}

/** Makes the frames of one turn; what several subscriptions want is put into words once. */
export class Teller {
  readonly #news: News;
  readonly #standing: Standing;
  readonly #texts = new Map<object, string>();

  constructor(news: News, standing: Standing) {
    this.#news = news;
    this.#standing = standing;
  }

  /** What of it concerns the subscription; null: nothing. */
  frameFor(one: Subscription): Buffer | null {
    const { executions, deployments, instances, tasks, restructured, gone, counts } = this.#standing;
    const parts: string[] = [];
    const add = <Row extends object>(
      name: string,
      rows: readonly Row[],
      wants: (one: Subscription, row: Row) => boolean,
      shown: (row: Row) => unknown,
    ) => {
      const texts: string[] = [];
      for (const row of rows) if (wants(one, row)) texts.push(this.#text(row, shown));
      if (texts.length > 0) parts.push(`"${name}":[${texts.join(',')}]`);
    };
    add('events', this.#news.events, wantsEvent, shownEvent);
    add('executions', executions, wantsExecution, shownExecution);
    add('deployments', deployments, wantsDeployment, shownDeployment);
    add('instances', instances, wantsInstance, shownInstance);
    add('tasks', tasks, wantsTask, shownTask);
    add('counts', counts, wantsInstance, shownCounts);
    add('restructured', restructured, wantsInstance, ({ deployment }) => deployment);
    add('gone', gone, wantsGone, ({ what, subject }) => ({ kind: what, id: subject }));
    if (parts.length === 0) return null;
    return framed('news', this.#news.position, `{${parts.join(',')}}`);
  }

  #text<Row extends object>(row: Row, shown: (row: Row) => unknown): string {
    let text = this.#texts.get(row);
    if (text === undefined) {
      text = JSON.stringify(shown(row));
      this.#texts.set(row, text);
    }
    return text;
  }
}

/** Without what is null: most members of most events are. */
function shownEvent(row: EventRow) {
  const { id, at, kind, type, level, logger, message, execution, deployment } = row;
  const { operation, node, instance, source, target, causes } = row;
  const all = {
    cut: row.isCut ? true : null,
    type,
    level,
    logger,
    execution,
    deployment,
    operation,
    node,
    instance,
    source,
    target,
    causes,
  };
  return {
    id,
    at,
    kind,
    message,
    ...Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)),
  };
}

function shownExecution(row: ExecutionNow) {
  const { id, deployment, workflow, status, error, totalOperations, finishedOperations, startedAt, endedAt } =
    row;
  return {
    id,
    deployment,
    workflow,
    status,
    error,
    totalOperations,
    finishedOperations,
    startedAt,
    endedAt,
  };
}

function shownDeployment(row: DeploymentNow) {
  const { id, displayName, blueprint, installed, health, latestExecution } = row;
  return { id, displayName, blueprint, installed, health, latestExecution };
}

function shownInstance({ deployment, id, node, host, state, version }: InstanceNow) {
  return { deployment, id, node, host, state, version };
}

function shownTask(row: TaskNow & { readonly execution: string }) {
  const { execution, task, state, attempt, startedAt, endedAt, error, reason } = row;
  return {
    execution,
    task,
    state,
    attempt,
    startedAt,
    endedAt,
    ...(error === null ? {} : { error }),
    ...(reason === null ? {} : { reason }),
  };
}

function shownCounts({ deployment, instances }: StateCounts) {
  return { deployment, instances };
}
