/** What a package says of the installation that it comes from: groups and environments, by Global ID and name. */
import type { CarriedPlace, CarriedPlaces } from '../../ordering/packages.js';
import type { Body } from './body.js';
import { badRequest } from './errors.js';
import { globalId, readKey } from './hrefs.js';
import { listMember, objectMember, required, textMember } from './values.js';

const MEMBER = 'instance-specific-info';
const MOST = 1000;

export function placesWire({ groups, environments }: CarriedPlaces): Record<string, unknown> {
  const told = (collection: string) => (place: CarriedPlace) => ({
    name: place.name,
    'global-id': globalId(collection, { number: 0, code: place.code }),
  });
  return {
    groups: groups.map(told('groups')),
    environments: Object.fromEntries(
      Object.entries(environments).map(([item, places]) => [item, places.map(told('environments'))]),
    ),
  };
}

/** Null: it says nothing of one. @throws CloudBoltError 400 */
export function readPlaces(document: Body): CarriedPlaces | null {
  const found = objectMember(document, MEMBER);
  if (found === undefined) return null;
  const confined = objectMember(found, 'environments') ?? {};
  return {
    groups: readAll(found, 'groups', 'groups'),
    environments: Object.fromEntries(
      Object.keys(confined)
        .slice(0, MOST)
        .map((item) => [item, readAll(confined, item, 'environments')]),
    ),
  };
}

function readAll(body: Body, name: string, collection: string): readonly CarriedPlace[] {
  return (listMember(body, name, MOST) ?? []).map((given) => {
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw badRequest(`Invalid value for '${MEMBER}': '${name.slice(0, 100)}' should be a list of objects`);
    const key = readKey(collection, textMember(given as Body, 'global-id') ?? '');
    return {
      name: required(`${MEMBER}.name`, textMember(given as Body, 'name')),
      code: key !== null && 'code' in key ? key.code : null,
    };
  });
}
