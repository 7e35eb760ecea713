/** Harvesting strategies (specs: insightcloudsec.md §6.3). */
import { Type } from 'typebox';
import { cloudAt } from './cloud-record.js';
import { cloudTypeOf, kindOf } from './cloud-types.js';
import { add, READERS, WRITERS } from './endpoint.js';
import { invalidInput } from './errors.js';
import { Badge, Flag, Id, Int, Ok, Text } from './fields.js';
import { unknown } from './ids.js';
import type { Mounting } from './mounting.js';

const Strategy = Type.Object(
  {
    id: Int,
    name: Text,
    organization_id: Int,
    organization_services: Type.Integer({ description: 'How many cloud accounts have it' }),
    type_default: Flag,
    cloud_type_id: Text,
    system_defined: Flag,
    disabled_regions: Type.Union([Type.Array(Text), Type.Null()]),
    dynamic_scheduling: Flag,
    dynamic_scheduling_enabled: Flag,
  },
  { title: 'HarvestingStrategy' },
);

const NewStrategy = Type.Object(
  { strategy_name: Type.String({ maxLength: 256 }), cloud_type_id: Type.String({ maxLength: 50 }) },
  { title: 'NewHarvestingStrategy' },
);

const Assignment = Type.Object(
  {
    organization_service_ids: Type.Optional(Type.Array(Id, { maxItems: 1000 })),
    cloud_type_id: Type.Optional(Text),
    badges: Type.Optional(Type.Array(Badge, { maxItems: 100 })),
  },
  { title: 'HarvestingStrategyAssignment' },
);

export function addStrategies(mounting: Mounting): void {
  add(mounting, {
    methods: ['GET'],
    path: '/v2/harvestingstrategy/strategy',
    name: 'strategies_list',
    tag: 'Harvesting',
    summary: 'List harvesting strategies',
    may: READERS,
    answer: Type.Object({ strategies: Type.Array(Strategy) }),
    async handle({ core, caller }) {
      const strategies = await core.strategies.list(caller);
      return {
        strategies: strategies.map(({ uid, name, kind, accounts, isUsual }) => ({
          id: uid,
          name,
          organization_id: caller.tenant!.id,
          organization_services: accounts,
          type_default: isUsual,
          cloud_type_id: cloudTypeOf(kind),
          system_defined: isUsual,
          disabled_regions: null,
          dynamic_scheduling: false,
          dynamic_scheduling_enabled: false,
        })),
      };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/harvestingstrategy/strategy',
    name: 'strategies_create',
    tag: 'Harvesting',
    summary: 'Create a harvesting strategy',
    may: WRITERS,
    body: NewStrategy,
    answer: Type.Object({ strategy_id: Int }),
    async handle({ core, caller, body }) {
      const kind = kindOf(body.cloud_type_id);
      if (kind === null) throw invalidInput('cloud_type_id', `"${body.cloud_type_id}" is no type of cloud`);
      return { strategy_id: await core.strategies.create(caller, body.strategy_name, kind) };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/harvestingstrategy/strategy/:id',
    name: 'strategies_assign',
    tag: 'Harvesting',
    summary: 'Give a harvesting strategy to cloud accounts, by id or by badges',
    may: WRITERS,
    params: { id: 'Number of the strategy' },
    body: Assignment,
    answer: Ok,
    async handle(call) {
      const { core, caller, body } = call;
      const text = call.params.id ?? '';
      if (!/^\d{1,15}$/.test(text)) throw unknown('Strategy', text);
      const clouds = [];
      for (const id of body.organization_service_ids ?? []) clouds.push((await cloudAt(call, id)).uid);
      await core.strategies.assign(caller, Number(text), clouds, body.badges ?? []);
    },
  });
}
