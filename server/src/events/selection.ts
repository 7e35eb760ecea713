/**
 * What a question for events asks, taken apart: whose they are, of which kind and time, and everything else. The former is
 * what counters and indexes know of.
 */
import type { TenantScope } from '../caller.js';
import type { DeploymentUid, ExecutionUid } from '../ids.js';
import type { ListFilter } from '../store/list.js';
import type { Queryable } from '../store/statement.js';
import type { EventField } from './events.store.js';
import {
  deploymentsById,
  deploymentsOfBlueprints,
  executionsById,
  executionsOfGroups,
  hiddenDeployments,
} from './selection.store.js';

export type Kind = 'event' | 'log';

export interface EventSelection {
  /** null: of any, or of none. */
  readonly executions: readonly ExecutionUid[] | null;
  readonly deployments: readonly DeploymentUid[] | null;
  /** Private ones of others, which the caller may not know of. */
  readonly hidden: readonly DeploymentUid[];
  readonly kinds: readonly Kind[];
  /** ISO times: from the first on, before the second. */
  readonly from: string | null;
  readonly to: string | null;
  readonly rest: readonly ListFilter<EventField>[];
}

export async function selectionOf(
  db: Queryable,
  scope: TenantScope,
  filters: readonly ListFilter<EventField>[],
): Promise<EventSelection> {
  let executions: readonly ExecutionUid[] | null = null;
  let deployments: readonly DeploymentUid[] | null = null;
  let kinds: readonly Kind[] = ['event', 'log'];
  let from: string | null = null;
  let to: string | null = null;
  const rest: ListFilter<EventField>[] = [];
  const tenant = scope.tenantId;
  for (const filter of filters) {
    const field = 'field' in filter ? filter.field : null;
    if (field !== null && 'anyOf' in filter && field in BY_KEY) {
      const found = (await BY_KEY[field as keyof typeof BY_KEY].all(db, tenant, [filter.anyOf])).map(
        ({ uid }) => uid,
      );
      if (field === 'executionId' || field === 'executionGroupId')
        executions = both(executions, found as ExecutionUid[]);
      else deployments = both(deployments, found as DeploymentUid[]);
    } else if (field === 'kind' && 'anyOf' in filter) {
      kinds = kinds.filter((kind) => filter.anyOf.includes(kind));
    } else if (field === 'at' && ('from' in filter || 'to' in filter)) {
      from = later(from, filter.from ?? null);
      to = earlier(to, filter.to ?? null);
    } else rest.push(filter);
  }
  const hidden = scope.seesPrivate
    ? []
    : (await hiddenDeployments.all(db, tenant, [scope.userId])).map(({ uid }) => uid);
  return { executions, deployments, hidden, kinds, from, to, rest };
}

const BY_KEY = {
  executionId: executionsById,
  executionGroupId: executionsOfGroups,
  deploymentId: deploymentsById,
  blueprintId: deploymentsOfBlueprints,
} as const;

function both<T>(one: readonly T[] | null, other: readonly T[]): readonly T[] {
  if (one === null) return other;
  const there = new Set(other);
  return one.filter((each) => there.has(each));
}

/** ISO times of one form, in UTC: their order is that of their texts. */
function later(one: string | null, other: string | null): string | null {
  return one === null || (other !== null && other > one) ? other : one;
}

function earlier(one: string | null, other: string | null): string | null {
  return one === null || (other !== null && other < one) ? other : one;
}
