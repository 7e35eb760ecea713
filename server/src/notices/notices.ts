/**
 * Notices: what people are told, and whether they have read it. Clients write their own; the server's come from the trail
 * (a trigger on `audit`), in the transaction of what they tell.
 */
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import {
  countByCategory,
  countNotices,
  deleteNotices,
  insertNotice,
  NOTICE_LIST,
  type NoticeField,
  selectTypes,
  updateStatuses,
} from './notices.store.js';

export type { NoticeField } from './notices.store.js';

export const SEVERITIES = [
  'emergency',
  'alert',
  'critical',
  'error',
  'warning',
  'informational',
  'debug',
  'success',
] as const;
export type Severity = (typeof SEVERITIES)[number];
export type NoticeStatus = 'read' | 'unread';

export interface NewNotice {
  readonly systemId: string | null;
  readonly operationId: string | null;
  readonly category: string;
  readonly action: string;
  readonly severity: Severity;
  readonly status: NoticeStatus;
  readonly actedUpon: string | null;
  readonly description: string;
  readonly metadata: JsonObject;
}

/** At once. */
const MOST = 1000;

export class Notices {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** The caller's own; all of the tenant for its managers. Needs `events.read`. */
  list(caller: Caller, query: ListQuery<NoticeField>): Promise<ListPage> {
    return listPage(this.#pool, NOTICE_LIST, scopeFor(caller, 'events.read'), query);
  }

  /** @returns its id */
  async write(caller: Caller, notice: NewNotice): Promise<string> {
    const scope = scopeFor(caller, 'events.read');
    const { systemId, operationId, category, action, severity, status, actedUpon, description, metadata } =
      notice;
    if (JSON.stringify(metadata).length > 1_000_000) {
      throw new DomainError(
        'limit',
        'notice-too-large',
        'The metadata of an event are over 1,000,000 characters',
      );
    }
    const row = await insertNotice.one(this.#pool, scope.tenantId, [
      scope.userId,
      systemId,
      operationId,
      category,
      action,
      severity,
      status,
      actedUpon,
      description,
      JSON.stringify(metadata),
    ]);
    return row!.id;
  }

  /** @returns ids of those that are so now @throws DomainError `not-found` where one is asked for and not there */
  async mark(caller: Caller, ids: readonly string[], status: NoticeStatus): Promise<string[]> {
    const scope = scopeFor(caller, 'events.read');
    return changed(
      ids,
      await updateStatuses.all(this.#pool, scope.tenantId, [...reach(scope), limited(ids), status]),
    );
  }

  /** @returns ids of those that were there @throws DomainError `not-found` where one is asked for and not there */
  async remove(caller: Caller, ids: readonly string[]): Promise<string[]> {
    const scope = scopeFor(caller, 'events.read');
    return changed(ids, await deleteNotices.all(this.#pool, scope.tenantId, [...reach(scope), limited(ids)]));
  }

  types(caller: Caller): Promise<readonly { category: string; action: string }[]> {
    const scope = scopeFor(caller, 'events.read');
    return selectTypes.all(this.#pool, scope.tenantId, reach(scope));
  }

  /** How many there are, by severity and status; `audits` of them were written by the server. */
  counts(
    caller: Caller,
  ): Promise<readonly { severity: string; status: string; count: number; audits: number }[]> {
    const scope = scopeFor(caller, 'events.read');
    return countNotices.all(this.#pool, scope.tenantId, reach(scope));
  }

  byCategory(caller: Caller): Promise<readonly { category: string; action: string; count: number }[]> {
    const scope = scopeFor(caller, 'events.read');
    return countByCategory.all(this.#pool, scope.tenantId, reach(scope));
  }
}

function reach(scope: TenantScope): unknown[] {
  return [scope.userId, scope.seesPrivate];
}

function limited(ids: readonly string[]): readonly string[] {
  if (ids.length <= MOST) return ids;
  throw new DomainError('limit', 'too-many-at-once', `At most ${MOST} events at once`);
}

function changed(asked: readonly string[], rows: readonly { readonly id: string }[]): string[] {
  if (asked.length === 1 && rows.length === 0) throw notFound('Event', asked[0]!);
  return rows.map(({ id }) => id);
}
