/** A block of a state, and the way from its attributes to a harvested thing: what is alike for all types. Pure. */
import { type Harvested, known, type Reading, type Reference } from './harvested.js';

export interface Block {
  readonly address: string;
  readonly type: string;
  readonly values: Reading;
}

/** Blocks that only say more of another one: by their type, and what they belong to. */
export type Sides = ReadonlyMap<string, readonly Reading[]>;

export interface Surroundings {
  readonly sides: Sides;
  readonly usualRegion: string | null;
}

/** What a block stands for; null: it cannot be told apart from others. */
export type Reader = (block: Block, surroundings: Surroundings) => readonly Harvested[] | null;

export interface Parts {
  readonly type: string;
  /** Attributes that may name it, the best first; `id` where absent. */
  readonly id?: readonly string[];
  /** What the provider calls it for people. */
  readonly name?: string | null;
  readonly region?: string | null;
  /** It has no region, whatever else is said. */
  readonly isGlobal?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly refersTo?: readonly Reference[];
  readonly createdAt?: string | null;
}

const LONGEST_ID = 512;

export function thing({ address, values }: Block, { usualRegion }: Surroundings, parts: Parts): Harvested {
  const tags = parts.tags ?? tagsOf(values);
  const providerId = (values.text(...(parts.id ?? ['id'])) ?? address).slice(0, LONGEST_ID);
  const arn = values.text('arn');
  const region = parts.isGlobal === true ? null : (parts.region ?? regionOf(values, arn) ?? usualRegion);
  return {
    type: parts.type,
    region: (region ?? 'global').slice(0, 128),
    providerId,
    nativeId: arn ?? values.text('self_link'),
    name: (tags.Name ?? parts.name ?? providerId).slice(0, 512),
    tags,
    facts: known(parts.facts),
    refersTo: (parts.refersTo ?? []).filter((each) => each.providerId !== ''),
    createdAt: timeOf(parts.createdAt ?? null),
  };
}

export function references(type: string, ids: readonly (string | null)[]): Reference[] {
  return ids.flatMap((id) => (id === null ? [] : [{ type, providerId: id }]));
}

function tagsOf(values: Reading): Readonly<Record<string, string>> {
  const all = values.pairs('tags_all');
  if (Object.keys(all).length > 0) return all;
  const tags = values.pairs('tags');
  return Object.keys(tags).length > 0 ? tags : values.pairs('labels');
}

/** `eu-west-1b` is in `eu-west-1`; an ARN's fourth part is its region. */
function regionOf(values: Reading, arn: string | null): string | null {
  const zone = values.text('availability_zone');
  if (zone !== null && /\d[a-z]$/.test(zone)) return zone.slice(0, -1);
  const region = values.text('region') ?? (arn?.startsWith('arn:') === true ? (arn.split(':')[3] ?? '') : '');
  return region === '' ? null : region;
}

export function timeOf(text: string | null): string | null {
  if (text === null) return null;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}
