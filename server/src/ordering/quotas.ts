/** How much a group, an environment or a handler may hold, and what an order would take it beyond. Pure. */

/** What is limited, summed over servers. */
export interface Amounts {
  readonly servers: number;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly diskGb: number;
  readonly rate: number;
}

export type Measure = keyof Amounts;
export const MEASURES: readonly Measure[] = ['servers', 'cpus', 'memoryMb', 'diskGb', 'rate'];
export const NOTHING: Amounts = { servers: 0, cpus: 0, memoryMb: 0, diskGb: 0, rate: 0 };

export const QUOTA_HOLDERS = ['group', 'environment', 'handler'] as const;
export type QuotaHolder = (typeof QUOTA_HOLDERS)[number];

/** What may be limited where: a handler knows no prices. */
export const MEASURES_OF: Readonly<Record<QuotaHolder, readonly Measure[]>> = {
  group: MEASURES,
  environment: MEASURES,
  handler: ['servers', 'cpus', 'memoryMb', 'diskGb'],
};

/** An absent measure has no limit. */
export interface Quota {
  readonly holder: QuotaHolder;
  /** Key of the group, environment or handler. */
  readonly of: number;
  /** For people. */
  readonly name: string;
  readonly limits: Partial<Amounts>;
}

export interface Breach {
  readonly holder: QuotaHolder;
  readonly name: string;
  readonly measure: Measure;
  readonly limit: number;
  readonly used: number;
  readonly asked: number;
}

export function added(one: Amounts, other: Amounts): Amounts {
  return {
    servers: one.servers + other.servers,
    cpus: one.cpus + other.cpus,
    memoryMb: one.memoryMb + other.memoryMb,
    diskGb: one.diskGb + other.diskGb,
    rate: Math.round((one.rate + other.rate) * 10_000) / 10_000,
  };
}

/**
 * What `asked` would take beyond `quota`. What is not asked for breaks nothing, however much is used already; so an order
 * that gives back is never stopped by a limit that was lowered.
 */
export function breaches(quota: Quota, used: Amounts, asked: Amounts): Breach[] {
  const { holder, name, limits } = quota;
  return MEASURES_OF[holder].flatMap((measure) => {
    const limit = limits[measure];
    if (limit === undefined || asked[measure] <= 0 || used[measure] + asked[measure] <= limit) return [];
    return [{ holder, name, measure, limit, used: used[measure], asked: asked[measure] }];
  });
}

const WORDS: Readonly<Record<Measure, string>> = {
  servers: 'servers',
  cpus: 'CPUs',
  memoryMb: 'MB of memory',
  diskGb: 'GB of disk',
  rate: 'rate',
};

/** `group "Dev": 11 servers of 10`. */
export function toldBreach({ holder, name, measure, limit, used, asked }: Breach): string {
  return `${holder} "${name}": ${used + asked} ${WORDS[measure]} of ${limit}`;
}
