/** Cloud accounts (specs: insightcloudsec.md §6.3). */
import { Type } from 'typebox';
import type { CloudAccountField } from '../../inventory/cloud-accounts.js';
import type { ListFilter } from '../../store/list.js';
import { badgeFilters, pairOf } from './badge-filter.js';
import { changeOfAccount, newAccount } from './cloud-params.js';
import { CLOUD_FIELDS, Cloud, type CloudFacts, cloudAt, listClouds, renderCloud } from './cloud-record.js';
import { CLOUD_TYPES, cloudTypeOf, statusOf } from './cloud-types.js';
import { add, type Call, READERS, WRITERS } from './endpoint.js';
import { invalidInput } from './errors.js';
import { BADGE_OPTIONS, Badge, Int, LIST_OPTIONS, Ok, RecordTime, Text } from './fields.js';
import { cloudResourceId } from './ids.js';
import { parseListOptions } from './listing.js';
import type { Mounting } from './mounting.js';
import { withinReach } from './reach.js';
import { recordTime } from './times.js';

const LenientFlag = Type.Union([Type.Boolean(), Type.Literal('true'), Type.Literal('false')]);

const CloudList = Type.Object(
  {
    ...LIST_OPTIONS,
    ...BADGE_OPTIONS,
    search_string: Type.Optional(
      Type.String({ description: 'Part of the name or of the account', maxLength: 256 }),
    ),
    empty_badges: Type.Optional(LenientFlag),
    exclusion_badges: Type.Optional(Type.Array(Badge, { maxItems: 100 })),
  },
  { title: 'CloudListOptions' },
);

const CreationParams = Type.Object(
  {
    cloud_type: Type.Optional(Type.String({ description: 'AWS, AZURE_ARM, GCE, K8S, …' })),
    name: Type.Optional(Text),
    authentication_type: Type.Optional(
      Type.String({
        description:
          'AWS: standard, assume_role, instance_assume_role. AZURE_ARM: standard, client_certificate. GCE: standard. Any: import',
      }),
    ),
    account_number: Type.Optional(Type.Union([Type.String(), Type.Integer()])),
    strategy_id: Type.Optional(Type.Union([Type.Integer(), Type.String()])),
  },
  { title: 'CreationParams', additionalProperties: true },
);

const Addition = Type.Object({ creation_params: CreationParams }, { title: 'NewCloud' });
const Change = Type.Object(
  { creation_params: Type.Optional(CreationParams) },
  { title: 'CloudChange', additionalProperties: true },
);

const StatusChange = Type.Object(
  {
    resource_ids: Type.Array(Type.String(), { minItems: 1, maxItems: 1000 }),
    status: Type.Union([Type.Literal('PAUSED'), Type.Literal('DEFAULT')]),
  },
  { title: 'CloudStatusChange' },
);

const CloudType = Type.Object(
  {
    cloud_type_id: Text,
    name: Text,
    cloud_access: Type.Union([Type.Literal('public'), Type.Literal('private')]),
  },
  { title: 'CloudType' },
);

const LinkedCloud = Type.Object(
  {
    name: Text,
    cloud_type_id: Text,
    account_id: Text,
    payer_account_id: Text,
    joined_timestamp: RecordTime,
    status: Text,
    resource_id: Text,
  },
  { title: 'LinkedCloud' },
);

const params = { cloud: 'divvyorganizationservice:3' };
const EVERYTHING = { sort: [], offset: 0, size: 10_000 } as const;

export function addClouds(mounting: Mounting): void {
  add(mounting, {
    methods: ['GET', 'POST'],
    path: '/v2/public/clouds/list',
    name: 'clouds_list',
    tag: 'Clouds',
    summary: 'List cloud accounts',
    may: READERS,
    body: CloudList,
    answer: Type.Object({ clouds: Type.Array(Cloud), total_count: Int }),
    async handle(call) {
      const { request, body } = call;
      const selection = parseListOptions(body, CLOUD_FIELDS);
      const filters = [
        ...selection.filters,
        ...withinReach<CloudAccountField>(request),
        ...conditionsOf(body),
      ];
      const { clouds, total } = await listClouds(call, { ...selection, filters });
      return { clouds: clouds.map(renderCloud), total_count: total };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/prototype/cloud/add',
    name: 'clouds_add',
    tag: 'Clouds',
    summary: 'Add a cloud account',
    description: 'Answers at once; the first harvest comes later. Secrets are kept sealed and never told.',
    may: WRITERS,
    body: Addition,
    answer: Cloud,
    async handle(call) {
      const { core, caller, body } = call;
      const account = newAccount(body.creation_params);
      const strategy = await strategyOf(call, account.kind, body.creation_params.strategy_id);
      const { uid } = await core.cloudAccounts.create(caller, account);
      if (strategy !== null) await core.strategies.assign(caller, strategy, [uid], []);
      return renderCloud(await cloudAt(call, uid));
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/prototype/cloud/:cloud/update',
    name: 'clouds_update',
    tag: 'Clouds',
    summary: 'Change a cloud account',
    description: 'Parameters as of adding one, flat or under creation_params; what is absent or empty stays.',
    may: WRITERS,
    params,
    body: Change,
    answer: Cloud,
    async handle(call) {
      const { core, caller, body } = call;
      const cloud = await cloudAt(call, call.params.cloud);
      const given = { ...body, ...body.creation_params } as Readonly<Record<string, unknown>>;
      const strategy = await strategyOf(call, cloud.kind, given.strategy_id);
      await core.cloudAccounts.update(caller, cloud.uid, changeOfAccount(given, cloud.kind));
      if (strategy !== null) await core.strategies.assign(caller, strategy, [cloud.uid], []);
      return renderCloud(await cloudAt(call, cloud.uid));
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/cloud/:cloud/delete',
    name: 'clouds_delete',
    tag: 'Clouds',
    summary: 'Delete a cloud account and everything that was found in it',
    may: WRITERS,
    params,
    answer: Ok,
    async handle(call) {
      const { uid } = await cloudAt(call, call.params.cloud);
      await call.core.cloudAccounts.remove(call.caller, uid);
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/clouds/status/set',
    name: 'clouds_set_status',
    tag: 'Clouds',
    summary: 'Pause cloud accounts, or let their harvests go on',
    may: WRITERS,
    body: StatusChange,
    answer: Ok,
    async handle(call) {
      const { core, caller, body } = call;
      const clouds: CloudFacts[] = [];
      for (const id of body.resource_ids) clouds.push(await cloudAt(call, id));
      const paused = clouds.map(({ uid }) => uid);
      if (body.status === 'PAUSED') return core.cloudAccounts.setStatus(caller, paused, 'paused');
      const [known, fresh] = [true, false].map((was) =>
        clouds.filter(({ lastHarvestedAt }) => (lastHarvestedAt !== null) === was).map(({ uid }) => uid),
      );
      await core.cloudAccounts.setStatus(caller, known!, 'ready');
      return core.cloudAccounts.setStatus(caller, fresh!, 'pending');
    },
  });

  add(mounting, {
    methods: ['GET'],
    path: '/v2/public/cloudtypes/list',
    name: 'clouds_list_types',
    tag: 'Clouds',
    summary: 'List the types of clouds',
    may: READERS,
    answer: Type.Object({ clouds: Type.Array(CloudType) }),
    handle: () => ({ clouds: CLOUD_TYPES }),
  });

  add(mounting, {
    methods: ['GET'],
    path: '/v2/public/clouds/provisioning/list',
    name: 'clouds_list_provisioning',
    tag: 'Clouds',
    summary: 'List cloud accounts that the caller may provision in',
    description: 'Those that are in use and are more than an import.',
    may: READERS,
    answer: Type.Object({ clouds: Type.Array(Cloud) }),
    async handle(call) {
      if (!call.caller.permissions.has('cloud-accounts.write')) return { clouds: [] };
      const filters: ListFilter<CloudAccountField>[] = [
        { field: 'signIn', noneOf: ['import'] },
        { field: 'status', anyOf: ['ready'] },
      ];
      const { clouds } = await listClouds(call, { ...EVERYTHING, filters });
      return { clouds: clouds.map(renderCloud) };
    },
  });

  add(mounting, {
    methods: ['GET'],
    path: '/v2/prototype/cloud/linked/list',
    name: 'clouds_list_linked',
    tag: 'Clouds',
    summary: 'List cloud accounts that another account pays for',
    description: 'Those that were added with a payer_account_id.',
    may: READERS,
    answer: Type.Array(LinkedCloud),
    async handle(call) {
      const { clouds } = await listClouds(call, { ...EVERYTHING, filters: withinReach(call.request) });
      return clouds.flatMap((cloud) => {
        const { payerAccount } = cloud.settings;
        if (payerAccount === undefined) return [];
        return [
          {
            name: cloud.name,
            cloud_type_id: cloudTypeOf(cloud.kind),
            account_id: cloud.providerAccount ?? '',
            payer_account_id: String(payerAccount),
            joined_timestamp: recordTime(cloud.createdAt),
            status: statusOf(cloud.status),
            resource_id: cloudResourceId(cloud.uid),
          },
        ];
      });
    },
  });
}

function conditionsOf(body: {
  readonly badges?: { key: string; value: string }[];
  readonly badge_filter_operator?: string;
  readonly search_string?: string;
  readonly empty_badges?: boolean | 'true' | 'false';
  readonly exclusion_badges?: { key: string; value: string }[];
}): ListFilter<CloudAccountField>[] {
  const { search_string: search = '', exclusion_badges: excluded = [], empty_badges: empty } = body;
  const pattern = `%${search.replace(/[\\%_]/g, '\\$&')}%`;
  return [
    ...badgeFilters(body.badges, body.badge_filter_operator),
    ...(String(empty) === 'true' ? [{ not: { selection: 'some-badge', values: [] } }] : []),
    ...(excluded.length === 0 ? [] : [{ not: { selection: 'any-badge', values: excluded.map(pairOf) } }]),
    ...(search === ''
      ? []
      : [
          {
            either: [
              { field: 'name', like: [pattern] },
              { field: 'providerAccount', like: [pattern] },
            ],
          } as const,
        ]),
  ];
}

/** null: nothing was said. @throws DomainError `invalid`: none that accounts of the kind can have */
async function strategyOf(call: Call<unknown>, kind: string, given: unknown): Promise<number | null> {
  if (given === undefined || given === '' || given === 0) return null;
  const strategies = await call.core.strategies.list(call.caller);
  const found = strategies.find((each) => String(each.uid) === String(given) && each.kind === kind);
  if (found !== undefined) return found.uid;
  throw invalidInput(
    'strategy_id',
    `There is no harvesting strategy ${String(given).slice(0, 20)} for this cloud`,
  );
}
