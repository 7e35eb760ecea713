/** What happened: appended, never edited. Written in the same transaction as the fact it tells. */
import { type Caller, scopeFor } from '../caller.js';
import type { FailureCause } from '../errors.js';
import type { DeploymentUid, ExecutionUid, TenantId } from '../ids.js';
import type { ListPage, ListQuery } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import {
  deleteEventsOfDeployment,
  deleteEventsOfExecutions,
  deleteSomeEvents,
  type EventField,
  insertEvents,
} from './events.store.js';
import { pageOfEvents } from './pages.store.js';

export type { EventField } from './events.store.js';

/** The kinds of event the engine tells (cloudify.md §6.4). */
export type EventType =
  | 'workflow_started'
  | 'workflow_succeeded'
  | 'workflow_failed'
  | 'workflow_cancelled'
  | 'workflow_event'
  | 'workflow_stage'
  | 'workflow_node_event'
  | 'sending_task'
  | 'task_started'
  | 'task_succeeded'
  | 'task_failed'
  | 'task_rescheduled'
  | 'plugin_event';

/** One event or log line, on its way into the store. Absent members are null there. */
export interface NewEvent {
  readonly kind: 'event' | 'log';
  readonly type?: EventType | string;
  /** Of logs; absent: `info`. */
  readonly level?: string;
  readonly logger?: string;
  readonly message: string;
  readonly operation?: string;
  readonly node?: string;
  readonly instance?: string;
  readonly source?: string;
  readonly target?: string;
  readonly causes?: readonly FailureCause[];
  /** ISO time; absent: the database's now. */
  readonly at?: string;
}

export interface EventSubject {
  readonly executionUid: ExecutionUid | null;
  readonly deploymentUid: DeploymentUid | null;
}

/** Appends events inside the transaction of the fact they tell. */
export async function appendEvents(
  db: Queryable,
  tenant: TenantId,
  subject: EventSubject,
  events: readonly NewEvent[],
): Promise<void> {
  if (events.length === 0) return;
  await insertEvents.run(db, tenant, [eventRows(subject, events)]);
}

/** As the function `append_events` takes them, for statements that append events with the fact they tell. */
export function eventRows(subject: EventSubject, events: readonly NewEvent[]): string {
  return JSON.stringify(events.map((event) => ({ ...subject, ...event })));
}

/** Goes with the deployment, in the transaction that deletes it. */
export async function forgetEventsOfDeployment(
  db: Queryable,
  tenant: TenantId,
  deployment: DeploymentUid,
): Promise<void> {
  await deleteEventsOfDeployment.run(db, tenant, [deployment]);
}

/** Go with their executions, in the transaction that deletes those. */
export async function forgetEventsOfExecutions(
  db: Queryable,
  tenant: TenantId,
  executions: readonly ExecutionUid[],
): Promise<void> {
  await deleteEventsOfExecutions.run(db, tenant, [executions]);
}

/** Which events of a deployment are to be forgotten. Bounds are ISO times, the second excluded. */
export interface Forgetting {
  readonly kinds: readonly NewEvent['kind'][];
  /** Patterns, `%` for any text; null: any message. */
  readonly messages: readonly string[] | null;
  readonly from: string | null;
  readonly to: string | null;
}

/** @returns how many there were */
export async function forgetEvents(
  db: Queryable,
  tenant: TenantId,
  deployment: DeploymentUid,
  { kinds, messages, from, to }: Forgetting,
): Promise<number> {
  return (await deleteSomeEvents.one(db, tenant, [deployment, kinds, messages, from, to]))!.gone;
}

export class Events {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** A page of the tenant's events and logs, oldest first unless sorted otherwise. Needs `events.read`. */
  async list(caller: Caller, query: ListQuery<EventField>): Promise<ListPage> {
    return pageOfEvents(this.#pool, scopeFor(caller, 'events.read'), query);
  }
}
