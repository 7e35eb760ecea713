/** Which resources a query means: scopes, badges, tags, and what is not served yet (specs: insightcloudsec.md §5). */
import { Type } from 'typebox';
import type { CloudAccountField } from '../../inventory/cloud-accounts.js';
import type { ResourceField } from '../../inventory/resources.js';
import type { ListFilter } from '../../store/list.js';
import { badgeFilters } from './badge-filter.js';
import { listClouds } from './cloud-record.js';
import type { Call } from './endpoint.js';
import { invalidInput } from './errors.js';
import { BADGE_OPTIONS, Badge, LIST_OPTIONS } from './fields.js';
import { cloudNumber } from './ids.js';
import { reachesClouds } from './reach.js';
import { KNOWN_TYPES } from './resource-types.js';

export const CHOICE_OPTIONS = {
  selected_resource_type: Type.Optional(
    Type.String({ description: 'instance, storagecontainer, …', maxLength: 64 }),
  ),
  scopes: Type.Optional(
    Type.Array(Type.String({ maxLength: 100 }), {
      description: 'Cloud accounts, divvyorganizationservice:N; empty: all',
      maxItems: 1000,
    }),
  ),
  filters: Type.Optional(
    Type.Array(Type.Unknown(), { description: 'Query filters: none are known here', maxItems: 50 }),
  ),
  ...BADGE_OPTIONS,
  tags: Type.Optional(Type.Array(Badge, { description: 'All must be there', maxItems: 50 })),
  insight: Type.Optional(Type.String({ description: 'Insights are not served', maxLength: 100 })),
  limit: LIST_OPTIONS.limit,
  offset: LIST_OPTIONS.offset,
  order_by: LIST_OPTIONS.order_by,
};

export interface ChoiceOptions {
  readonly selected_resource_type?: string;
  readonly scopes?: readonly string[];
  readonly filters?: readonly unknown[];
  readonly badges?: { key: string; value: string }[];
  readonly badge_filter_operator?: string;
  readonly tags?: readonly { readonly key: string; readonly value: string }[];
  readonly insight?: string;
}

export interface Choice {
  /** null: all that the caller reaches. */
  readonly accounts: readonly number[] | null;
  readonly tags: Readonly<Record<string, string>> | null;
  readonly filters: readonly ListFilter<ResourceField>[];
}

/** @throws DomainError `invalid` for what is asked for and not known */
export async function choiceOf(call: Call<ChoiceOptions>): Promise<Choice> {
  const { body } = call;
  refuseUnserved(body);
  const accounts = reachesClouds(call.request) ? await accountsOf(call) : [];
  const tags =
    body.tags === undefined || body.tags.length === 0
      ? null
      : Object.fromEntries(body.tags.map(({ key, value }) => [key, value]));
  return {
    accounts,
    tags,
    filters: [
      ...(accounts === null ? [] : [{ selection: 'accounts', values: accounts.map(String) }]),
      ...(tags === null ? [] : [{ selection: 'tags', values: [JSON.stringify(tags)] }]),
    ],
  };
}

/** What would answer with more than was asked for if it were passed over. */
function refuseUnserved({ filters = [], insight = '', selected_resource_type: type }: ChoiceOptions): void {
  const [filter] = filters as readonly { readonly name?: unknown }[];
  if (filter !== undefined) {
    throw invalidInput('filters', `There is no query filter "${String(filter?.name).slice(0, 100)}"`);
  }
  if (insight !== '') throw invalidInput('insight', `There is no insight "${insight}"`);
  if (type !== undefined && type !== '' && !KNOWN_TYPES.has(type)) {
    throw invalidInput('selected_resource_type', `There is no resource type "${type}"`);
  }
}

async function accountsOf(call: Call<ChoiceOptions>): Promise<number[] | null> {
  const { scopes = [], badges, badge_filter_operator: operator } = call.body;
  const scoped = scopes.map((scope) => {
    const uid = scope.startsWith('divvyorganizationservice:') ? cloudNumber(scope) : null;
    if (uid === null) throw invalidInput('scopes', `"${scope}" is no scope that is known here`);
    return uid;
  });
  const marked = badgeFilters(badges, operator);
  if (marked.length === 0) return scoped.length === 0 ? null : scoped;
  const filters: ListFilter<CloudAccountField>[] = marked;
  const { clouds } = await listClouds(call, { filters, sort: [], offset: 0, size: 10_000 });
  return clouds.map(({ uid }) => uid).filter((uid) => scoped.length === 0 || scoped.includes(uid));
}
