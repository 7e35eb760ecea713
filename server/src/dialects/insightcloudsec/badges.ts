/** Badges of cloud accounts (specs: insightcloudsec.md §6.4). */
import { type Static, Type } from 'typebox';
import type { Badge as CoreBadge } from '../../inventory/badges.js';
import { pairOf } from './badge-filter.js';
import { cloudAt, listClouds } from './cloud-record.js';
import { add, type Call, READERS, WRITERS } from './endpoint.js';
import { Flag, Int, Text } from './fields.js';
import { cloudResourceId } from './ids.js';
import type { Mounting } from './mounting.js';
import { reachesClouds, withinReach } from './reach.js';

/** Values that are numbers or booleans are texts to us. */
const Value = Type.Union([Type.String({ maxLength: 256 }), Type.Number(), Type.Boolean()]);
const GivenBadge = Type.Object(
  { key: Type.String({ maxLength: 256 }), value: Value },
  { title: 'GivenBadge' },
);
const Badges = Type.Array(GivenBadge, { maxItems: 200 });
const Targets = Type.Array(Type.String(), { minItems: 1, maxItems: 1000 });

const Target = Type.Object({ target_resource_ids: Targets, badges: Badges }, { title: 'BadgesOfClouds' });
const Replacement = Type.Union([
  Type.Object({ target_resource_ids: Type.Optional(Targets), badges: Badges }, { title: 'BadgeReplacement' }),
  Badges,
]);
const Chosen = Type.Object(
  { resource_ids: Type.Optional(Type.Array(Type.String(), { maxItems: 10_000 })) },
  { title: 'ChosenClouds' },
);
const Pairs = Type.Record(Type.String(), Value, { description: 'Key -> value; all must match' });

const params = { cloud: 'divvyorganizationservice:3' };
const EVERYTHING = { sort: [], offset: 0, size: 10_000 } as const;

export function addBadges(mounting: Mounting): void {
  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/badges/create',
    name: 'badges_create',
    tag: 'Badges',
    summary: 'Put badges on cloud accounts',
    may: WRITERS,
    body: Target,
    answer: null,
    async handle(call) {
      await call.core.badges.add(
        call.caller,
        await uidsOf(call, call.body.target_resource_ids),
        texts(call.body.badges),
      );
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/badges/:cloud/update',
    name: 'badges_replace',
    tag: 'Badges',
    summary: 'Put badges in place of all that a cloud account has',
    description: 'The badges alone, as a list, will do.',
    may: WRITERS,
    params,
    body: Replacement,
    answer: null,
    async handle(call) {
      const { uid } = await cloudAt(call, call.params.cloud);
      const { body } = call;
      const badges = Array.isArray(body) ? body : body.badges;
      const others = Array.isArray(body) ? [] : await uidsOf(call, body.target_resource_ids ?? []);
      await call.core.badges.replace(call.caller, [...new Set([uid, ...others])], texts(badges));
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/badges/delete',
    name: 'badges_delete',
    tag: 'Badges',
    summary: 'Take badges from cloud accounts',
    may: WRITERS,
    body: Target,
    answer: null,
    async handle(call) {
      const { target_resource_ids: targets, badges } = call.body;
      await call.core.badges.remove(call.caller, await uidsOf(call, targets), texts(badges));
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/badges/:cloud/list',
    name: 'badges_list',
    tag: 'Badges',
    summary: 'List the badges of a cloud account',
    may: READERS,
    params,
    answer: Type.Array(Type.Object({ key: Text, value: Text, auto_generated: Flag }, { title: 'KeptBadge' })),
    async handle(call) {
      const { uid } = await cloudAt(call, call.params.cloud);
      const badges = await call.core.badges.of(call.caller, uid);
      return badges.map(({ key, value, generated }) => ({ key, value, auto_generated: generated }));
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/badges/count',
    name: 'badges_count',
    tag: 'Badges',
    summary: 'Count the badges of cloud accounts',
    may: READERS,
    body: Chosen,
    answer: Type.Object({
      resource_count: Type.Array(Type.Object({ resource_id: Text, count: Int }, { title: 'BadgeCount' })),
    }),
    async handle(call) {
      const { core, caller, body } = call;
      if (!reachesClouds(call.request)) return { resource_count: [] };
      const chosen = body.resource_ids === undefined ? null : await uidsOf(call, body.resource_ids);
      const counts = await core.badges.counts(caller, chosen);
      return {
        resource_count: counts.map(({ uid, count }) => ({ resource_id: cloudResourceId(uid), count })),
      };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/badge/clouds/list',
    name: 'badges_list_clouds',
    tag: 'Badges',
    summary: 'List the cloud accounts that have all of these badges',
    description: 'No badge at all: every cloud account that has any.',
    may: READERS,
    body: Pairs,
    answer: Type.Array(Type.Object({ resource_id: Text, name: Text }, { title: 'CloudName' })),
    async handle(call) {
      const pairs = Object.entries(call.body).map(([key, value]) => pairOf({ key, value: String(value) }));
      const badged = { selection: pairs.length === 0 ? 'some-badge' : 'every-badge', values: pairs };
      const filters = [badged, ...withinReach<never>(call.request)];
      const { clouds } = await listClouds(call, { ...EVERYTHING, filters });
      return clouds.map(({ uid, name }) => ({ resource_id: cloudResourceId(uid), name }));
    },
  });
}

async function uidsOf(call: Call<unknown>, ids: readonly string[]): Promise<number[]> {
  const uids = [];
  for (const id of ids) uids.push((await cloudAt(call, id)).uid);
  return uids;
}

function texts(badges: Static<typeof Badges>): CoreBadge[] {
  return badges.map(({ key, value }) => ({ key, value: String(value) }));
}
