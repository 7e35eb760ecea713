/**
 * Reads a Terraform state: the raw file (version 4) or what `terraform show -json` prints. Pure.
 *
 * Only what terraform-types.ts knows is taken, member by member: passwords, keys and user data that a state holds in plain
 * text stay behind. Data sources are no resources of the account and are passed over.
 */
import {
  type Harvest,
  type Harvested,
  MOST_RESOURCES,
  Reading,
  type Skipped,
  UnreadableDocument,
} from './harvested.js';
import type { Block, Surroundings } from './terraform-block.js';
import { readerFor, withSides } from './terraform-types.js';

/**
 * @param document the parsed JSON
 * @param usualRegion of what does not say where it is
 * @throws UnreadableDocument
 */
export function readTerraformState(document: unknown, usualRegion: string | null): Harvest {
  const blocks = blocksOf(new Reading(document));
  if (blocks.length > MOST_RESOURCES) {
    throw new UnreadableDocument(
      `The state holds ${blocks.length} resources; ${MOST_RESOURCES} are the most`,
    );
  }
  const surroundings: Surroundings = { sides: withSides(blocks), usualRegion };
  const resources = new Map<string, Harvested>();
  const skipped: Skipped[] = [];
  for (const block of blocks) {
    const read = readerFor(block.type);
    if (read === null) {
      skipped.push({ address: block.address, reason: `resources of type ${block.type} are not harvested` });
      continue;
    }
    const found = read(block, surroundings);
    if (found === null) {
      skipped.push({ address: block.address, reason: 'it has neither an id nor an address of its own' });
      continue;
    }
    for (const each of found) {
      const key = JSON.stringify([each.type, each.region, each.providerId]);
      // A rule may stand in its list and by itself; a thing is what is said of it first.
      if (!resources.has(key)) resources.set(key, each);
    }
  }
  return { resources: [...resources.values()], skipped };
}

function blocksOf(document: Reading): Block[] {
  const values = document.get('values');
  if (typeof values === 'object' && values !== null)
    return shownBlocks(new Reading(values).inside('root_module'), 0);
  if (document.get('version') !== 4) {
    const version = document.text('version');
    throw new UnreadableDocument(
      version === null
        ? 'This is no Terraform state: it has neither "version" and "resources" nor "values"'
        : `The state is of version ${version.slice(0, 20)}; version 4 is read`,
    );
  }
  return document.list('resources').flatMap((one) => {
    const resource = new Reading(one);
    const [type, name] = [resource.text('type'), resource.text('name')];
    if (resource.text('mode') === 'data' || type === null || name === null) return [];
    const module = resource.text('module');
    return resource.list('instances').map((each) => {
      const instance = new Reading(each);
      const key = instance.get('index_key');
      const index = typeof key === 'string' || typeof key === 'number' ? `[${JSON.stringify(key)}]` : '';
      const address = `${module === null ? '' : `${module}.`}${type}.${name}${index}`.slice(0, 1000);
      return { address, type, values: instance.inside('attributes') };
    });
  });
}

const DEEPEST = 50;

function shownBlocks(module: Reading, depth: number): Block[] {
  if (depth > DEEPEST) throw new UnreadableDocument(`Modules stand more than ${DEEPEST} deep in each other`);
  const own = module.list('resources').flatMap((one) => {
    const resource = new Reading(one);
    const [type, address] = [resource.text('type'), resource.text('address')];
    if (resource.text('mode') === 'data' || type === null || address === null) return [];
    return [{ address: address.slice(0, 1000), type, values: resource.inside('values') }];
  });
  const children = module
    .list('child_modules')
    .flatMap((child) => shownBlocks(new Reading(child), depth + 1));
  return [...own, ...children];
}
