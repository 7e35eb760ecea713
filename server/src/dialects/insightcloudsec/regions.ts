/** Regions of cloud accounts (specs: insightcloudsec.md §6.3). */
import { Type } from 'typebox';
import { cloudAt } from './cloud-record.js';
import { add, READERS, WRITERS } from './endpoint.js';
import { Ok, Text } from './fields.js';
import { readRegionId, regionResourceId, unknown } from './ids.js';
import type { Mounting } from './mounting.js';

const Region = Type.Object(
  {
    id: Text,
    name: Text,
    resource_id: Text,
    status: Type.Union([Type.Literal('ACTIVE'), Type.Literal('DISABLED')]),
    harvest_rate_multiplier: Type.Number(),
  },
  { title: 'Region' },
);

export function addRegions(mounting: Mounting): void {
  add(mounting, {
    methods: ['GET'],
    path: '/v2/public/cloud/:cloud/regions/list',
    name: 'regions_list',
    tag: 'Harvesting',
    summary: 'List the regions of a cloud account',
    may: READERS,
    params: { cloud: 'divvyorganizationservice:3' },
    answer: Type.Object({ regions: Type.Array(Region) }),
    async handle(call) {
      const { uid } = await cloudAt(call, call.params.cloud);
      const regions = await call.core.regions.list(call.caller, uid);
      return {
        regions: regions.map(({ name, disabled }) => ({
          id: name,
          name,
          resource_id: regionResourceId(uid, name),
          status: disabled ? 'DISABLED' : 'ACTIVE',
          harvest_rate_multiplier: 1,
        })),
      };
    },
  });

  for (const action of ['enable', 'disable'] as const) {
    add(mounting, {
      methods: ['POST'],
      path: `/v2/public/cloud/region/:region/${action}`,
      name: `regions_${action}`,
      tag: 'Harvesting',
      summary: action === 'enable' ? 'Let a region be harvested' : 'Leave a region alone',
      description: 'What was found in a disabled region stays as it was.',
      may: WRITERS,
      params: { region: 'serviceregion:8:us-east-1:' },
      answer: Ok,
      async handle(call) {
        const id = readRegionId(call.params.region ?? '');
        if (id === null) throw unknown('Region', call.params.region);
        const { uid } = await cloudAt(call, id.cloud);
        await call.core.regions.setDisabled(call.caller, uid, id.region, action === 'disable');
      },
    });
  }
}
