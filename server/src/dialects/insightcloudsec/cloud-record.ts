/** Cloud accounts as this vendor tells them, and how their members are looked up. */
import { type Static, Type } from 'typebox';
import type { CloudAccountField } from '../../inventory/cloud-accounts.js';
import { usualStrategy } from '../../inventory/strategies.js';
import type { ListQuery } from '../../store/list.js';
import { cloudTypeOf, KIND_WORDS, STATUS_WORDS, statusOf } from './cloud-types.js';
import type { Call } from './endpoint.js';
import { Int, RecordTime, Text } from './fields.js';
import { cloudNumber, cloudResourceId, unknown } from './ids.js';
import type { Selection, WireFields } from './listing.js';
import { requireReach } from './reach.js';
import { recordTime } from './times.js';

export const Cloud = Type.Object(
  {
    id: Int,
    name: Text,
    cloud_type_id: Text,
    account_id: Type.Optional(Type.String({ description: 'What the provider calls it' })),
    creation_time: RecordTime,
    status: Type.String({
      description: 'REFRESH, DEFAULT, PAUSED, INVALID_CREDS, ASSUME_ROLE_FAILED or DELETE',
    }),
    badge_count: Int,
    resource_count: Int,
    last_refreshed: Type.Optional(RecordTime),
    role_arn: Type.Optional(Text),
    group_resource_id: Text,
    resource_id: Text,
    event_driven_harvest_role: Text,
    strategy_id: Int,
  },
  { title: 'Cloud' },
);

export const CLOUD_FIELDS: WireFields<CloudAccountField> = {
  id: { field: 'uid', as: 'integer' },
  name: { field: 'name' },
  cloud_type_id: { field: 'kind', words: KIND_WORDS },
  account_id: { field: 'providerAccount' },
  creation_time: { field: 'createdAt', as: 'time' },
  status: { field: 'status', words: STATUS_WORDS },
  badge_count: { field: 'badgeCount', as: 'integer' },
  resource_count: { field: 'resourceCount', as: 'integer' },
  last_refreshed: { field: 'lastHarvestedAt', as: 'time' },
  role_arn: { field: 'roleArn' },
  strategy_id: { field: 'strategy', as: 'integer' },
};

const SHAPE = {
  uid: 'uid',
  name: 'name',
  kind: 'kind',
  providerAccount: 'providerAccount',
  createdAt: 'createdAt',
  status: 'status',
  signIn: 'signIn',
  badgeCount: 'badgeCount',
  resourceCount: 'resourceCount',
  lastHarvestedAt: 'lastHarvestedAt',
  settings: 'settings',
  strategy: 'strategy',
} as const satisfies ListQuery<CloudAccountField>['shape'];

export interface CloudFacts {
  readonly uid: number;
  readonly name: string;
  readonly kind: string;
  readonly providerAccount: string | null;
  readonly createdAt: string;
  readonly status: string;
  readonly signIn: string;
  readonly badgeCount: number;
  readonly resourceCount: number;
  readonly lastHarvestedAt: string | null;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly strategy: number | null;
}

export function renderCloud(facts: CloudFacts): Static<typeof Cloud> {
  const { uid, name, kind, providerAccount, lastHarvestedAt } = facts;
  const { roleArn } = facts.settings;
  return {
    id: uid,
    name,
    cloud_type_id: cloudTypeOf(kind),
    ...(providerAccount === null ? {} : { account_id: providerAccount }),
    creation_time: recordTime(facts.createdAt),
    status: statusOf(facts.status),
    badge_count: facts.badgeCount,
    resource_count: facts.resourceCount,
    ...(lastHarvestedAt === null ? {} : { last_refreshed: recordTime(lastHarvestedAt) }),
    ...(typeof roleArn === 'string' ? { role_arn: roleArn } : {}),
    group_resource_id: cloudResourceId(uid),
    resource_id: cloudResourceId(uid),
    event_driven_harvest_role: 'idle',
    strategy_id: facts.strategy ?? usualStrategy(kind),
  };
}

/** Clouds only: what is no cloud is nobody's to see here. */
export async function listClouds(
  { core, caller }: Pick<Call<unknown>, 'core' | 'caller'>,
  { filters, ...page }: Selection<CloudAccountField>,
): Promise<{ readonly clouds: CloudFacts[]; readonly total: number }> {
  const clouds = { field: 'isCloud', anyOf: ['true'] } as const;
  const { items, total } = await core.cloudAccounts.list(caller, {
    ...page,
    filters: [clouds, ...filters],
    shape: SHAPE,
  });
  return { clouds: JSON.parse(items) as CloudFacts[], total };
}

/** Of an id in a path, in any of its spellings. @throws DomainError `not-found` */
export async function cloudAt(call: Call<unknown>, given: unknown): Promise<CloudFacts> {
  requireReach(call.request, 'Cloud', given);
  const uid = cloudNumber(given);
  if (uid === null) throw unknown('Cloud', given);
  const query = { filters: [{ field: 'uid', anyOf: [String(uid)] } as const], sort: [], offset: 0, size: 1 };
  const [cloud] = (await listClouds(call, query)).clouds;
  if (cloud === undefined) throw unknown('Cloud', given);
  return cloud;
}
