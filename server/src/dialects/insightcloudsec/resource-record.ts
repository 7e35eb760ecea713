/** Harvested resources as this vendor tells them: the type is itself a key (specs: insightcloudsec.md §6.5). */
import type { ResourceField } from '../../inventory/resources.js';
import type { ListQuery } from '../../store/list.js';
import { cloudTypeOf, KIND_WORDS, STATUS_WORDS, statusOf } from './cloud-types.js';
import { resourceIdOf } from './ids.js';
import type { WireFields } from './listing.js';
import { maybeTime, recordTime } from './times.js';

export interface ResourceFacts {
  readonly uid: number;
  readonly type: string;
  readonly region: string;
  readonly providerId: string;
  readonly nativeId: string | null;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly createdAt: string | Date | null;
  readonly discoveredAt: string | Date;
  readonly modifiedAt: string | Date;
  readonly account: number;
  readonly accountName: string;
  readonly accountKind: string;
  readonly accountStatus: string;
  readonly accountProvider: string | null;
  readonly ownerId: number | null;
}

const NAMES = [
  'uid',
  'type',
  'region',
  'providerId',
  'nativeId',
  'name',
  'tags',
  'facts',
  'createdAt',
  'discoveredAt',
  'modifiedAt',
  'account',
  'accountName',
  'accountKind',
  'accountStatus',
  'accountProvider',
  'ownerId',
] as const satisfies readonly ResourceField[];

export const RESOURCE_SHAPE = Object.fromEntries(
  NAMES.map((name) => [name, name]),
) as ListQuery<ResourceField>['shape'];

export const RESOURCE_FIELDS: WireFields<ResourceField> = {
  resource_name: { field: 'name' },
  name: { field: 'name' },
  resource_type: { field: 'type' },
  provider_id: { field: 'providerId' },
  namespace_id: { field: 'nativeId' },
  region: { field: 'region' },
  account: { field: 'accountName' },
  account_id: { field: 'accountProvider' },
  account_status: { field: 'accountStatus', words: STATUS_WORDS },
  cloud: { field: 'accountKind', words: KIND_WORDS },
  organization_service_id: { field: 'account', as: 'integer' },
  creation_timestamp: { field: 'createdAt', as: 'time' },
  discovered_timestamp: { field: 'discoveredAt', as: 'time' },
  modified_timestamp: { field: 'modifiedAt', as: 'time' },
};

/** Facts that name another resource -> their member, and that resource's type. */
const REFERENCES: Readonly<Record<string, readonly [member: string, type: string]>> = {
  subnetResource: ['subnet_resource_id', 'privatesubnet'],
  networkResource: ['network_resource_id', 'privatenetwork'],
  parentResource: ['parent_resource_id', 'resourceaccesslist'],
};

export function renderResource(facts: ResourceFacts): Record<string, unknown> {
  return { resource_type: facts.type, [facts.type]: { common: commonOf(facts), ...factsOf(facts) } };
}

export function idOf({ type, account, region, providerId }: ResourceFacts): string {
  return resourceIdOf(type, account, region, providerId);
}

export function commonOf(facts: ResourceFacts): Record<string, unknown> {
  const zone = facts.facts.availabilityZone;
  return {
    resource_id: idOf(facts),
    resource_name: facts.name,
    resource_type: facts.type,
    cloud: cloudTypeOf(facts.accountKind),
    account: facts.accountName,
    account_id: facts.accountProvider ?? '',
    account_status: statusOf(facts.accountStatus),
    organization_service_id: facts.account,
    availability_zone: typeof zone === 'string' ? zone : '',
    region: facts.region,
    ...maybeTime('creation_timestamp', facts.createdAt),
    discovered_timestamp: recordTime(facts.discoveredAt),
    modified_timestamp: recordTime(facts.modifiedAt),
    namespace_id: facts.nativeId ?? '',
    ...(facts.ownerId === null ? {} : { owner_resource_id: `divvyuser:${facts.ownerId}:` }),
    tags: facts.tags,
  };
}

export function factsOf({ facts, account, region }: ResourceFacts): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => {
      const reference = Object.hasOwn(REFERENCES, name) ? REFERENCES[name] : undefined;
      if (reference === undefined || typeof value !== 'string') return [snake(name), value];
      return [reference[0], resourceIdOf(reference[1], account, region, value)];
    }),
  );
}

/** `awsInstanceMetadataServiceV2Required` -> `aws_instance_metadata_service_v2_required` */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
