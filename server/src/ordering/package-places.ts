/**
 * What an offer says of the installation that it stands in, when it is carried to another: the groups it is given to, and the environments
 * that its items are confined to. Found there by code, else by name; what is not there is left out, so nothing becomes wider.
 */
import type { Caller, TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import type { Client, Pool } from '../store/pool.js';
import type { Environments } from './environments.js';
import type { NewOfferItem, Offer, OfferItem, Offers } from './offers.js';
import { type PlaceRow, selectEnvironmentsNamed, selectGroupsNamed } from './packages.store.js';
import { managingScope } from './rights.js';

/** A group or an environment as a package names it: by its code, else by its name. */
export interface CarriedPlace {
  readonly name: string;
  readonly code: string | null;
}

/** What an offer says of the installation that it comes from: who may order it, and where its servers may stand. */
export interface CarriedPlaces {
  readonly groups: readonly CarriedPlace[];
  /** Items that are confined to environments, by name. */
  readonly environments: Readonly<Record<string, readonly CarriedPlace[]>>;
}

export async function carriedPlaces(
  {
    pool,
    offers,
    environments,
  }: { readonly pool: Pool; readonly offers: Offers; readonly environments: Environments },
  caller: Caller,
  offer: Offer,
  items: readonly OfferItem[],
): Promise<CarriedPlaces> {
  const named = ({ name, code }: PlaceRow): CarriedPlace => ({ name, code });
  const confined: Record<string, readonly CarriedPlace[]> = {};
  for (const { name, settings } of items) {
    const uids = placesOf(settings);
    if (uids === null) continue;
    confined[name] = (await environments.byKeys(pool, managingScope(caller), uids)).map(named);
  }
  return { groups: (await offers.groups(caller, offer)).map(named), environments: confined };
}

/** An item that was confined stays confined: to those environments that are here. */
export async function settingsHere(
  client: Client,
  scope: TenantScope,
  { name, settings = {} }: Pick<NewOfferItem, 'name' | 'settings'>,
  places: CarriedPlaces | null,
): Promise<JsonObject> {
  const plain = withoutPlaces(settings);
  const confined =
    places === null || !Object.hasOwn(places.environments, name) ? null : places.environments[name]!;
  if (confined === null) return plain;
  const environments = await uidsOf(selectEnvironmentsNamed, client, scope, confined);
  return { ...plain, allEnvironments: false, environments };
}

/** Keys of the groups that are here. */
export async function groupsHere(
  client: Client,
  scope: TenantScope,
  places: CarriedPlaces,
): Promise<number[]> {
  return uidsOf(selectGroupsNamed, client, scope, places.groups);
}

/** Keys of environments that an item is confined to; null: it is for all. */
function placesOf({ allEnvironments, environments }: JsonObject): readonly number[] | null {
  if (allEnvironments === true || !Array.isArray(environments)) return null;
  return environments.filter((uid): uid is number => typeof uid === 'number');
}

/** Keys of rows mean nothing elsewhere. */
export function withoutPlaces({ environments: _, ...settings }: JsonObject): JsonObject {
  return settings;
}

/** Those that are here: what has the code, else the one that alone has the name. */
async function uidsOf(
  named: typeof selectGroupsNamed,
  client: Client,
  scope: TenantScope,
  places: readonly CarriedPlace[],
): Promise<number[]> {
  const low = (name: string) => name.toLowerCase();
  const codes = places.flatMap(({ code }) => (code === null ? [] : [code]));
  const rows = await named.all(client, scope.tenantId, [codes, places.map(({ name }) => low(name))]);
  return places.flatMap((place) => {
    const byCode = rows.find(({ code }) => code === place.code);
    const byName = rows.filter(({ name }) => low(name) === low(place.name));
    if (byCode !== undefined) return [byCode.uid];
    return byName.length === 1 ? [byName[0]!.uid] : [];
  });
}
