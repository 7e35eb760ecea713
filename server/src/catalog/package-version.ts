/**
 * Versions of Python packages and conditions on them, as PEP 440 has them. Pure.
 *
 * What is no such version is compared by nothing but equality of its text, and is older than every real one.
 */

/** A comparable form: each part is compared in turn, the shorter list of numbers filled up with zeros. */
export interface PackageVersion {
  readonly epoch: number;
  readonly release: readonly number[];
  /** `a` 0, `b` 1, `rc` 2, with its number; null: a final release. */
  readonly pre: readonly [number, number] | null;
  readonly post: number | null;
  readonly dev: number | null;
  readonly local: readonly (string | number)[];
}

const VERSION =
  /^v?(?:(\d{1,9})!)?(\d{1,9}(?:\.\d{1,9}){0,19})(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d{1,9})?)?(-(\d{1,9})|[-_.]?(?:post|rev|r)[-_.]?(\d{1,9})?)?([-_.]?dev[-_.]?(\d{1,9})?)?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/i;
const PRE: Readonly<Record<string, number>> = {
  a: 0,
  alpha: 0,
  b: 1,
  beta: 1,
  c: 2,
  rc: 2,
  pre: 2,
  preview: 2,
};

export function parseVersion(text: string): PackageVersion | null {
  if (text.length > 200) return null;
  const found = VERSION.exec(text.trim());
  if (found === null) return null;
  const [, epoch, release, pre, preNumber, post, postShort, postNumber, dev, devNumber, local] = found;
  return {
    epoch: Number(epoch ?? 0),
    release: release!.split('.').map(Number),
    pre: pre === undefined ? null : [PRE[pre.toLowerCase()]!, Number(preNumber ?? 0)],
    post: post === undefined ? null : Number(postShort ?? postNumber ?? 0),
    dev: dev === undefined ? null : Number(devNumber ?? 0),
    local:
      local === undefined
        ? []
        : local
            .toLowerCase()
            .split(/[-_.]/)
            .map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
  };
}

/** Negative when `a` is older than `b`. */
export function compareVersions(a: PackageVersion, b: PackageVersion): number {
  return compareUpToLocal(a, b) || compareLocal(a.local, b.local);
}

function compareUpToLocal(a: PackageVersion, b: PackageVersion): number {
  return (
    a.epoch - b.epoch ||
    compareRelease(a.release, b.release) ||
    comparePre(preKey(a), preKey(b)) ||
    (a.post ?? -1) - (b.post ?? -1) ||
    order(a.dev ?? Number.POSITIVE_INFINITY, b.dev ?? Number.POSITIVE_INFINITY)
  );
}

function compareRelease(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `1.0.dev1` is before `1.0a1`, which is before `1.0`. */
function preKey({ pre, post, dev }: PackageVersion): readonly [number, number] {
  if (pre !== null) return pre;
  return post === null && dev !== null ? [-1, 0] : [3, 0];
}

function comparePre(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0] || a[1] - b[1];
}

/** None is before any, letters before numbers, and more parts behind fewer equal ones. */
function compareLocal(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const [left, right] = [a[i], b[i]];
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    if (typeof left !== typeof right) return typeof left === 'number' ? 1 : -1;
    const difference = order(left, right);
    if (difference !== 0) return difference;
  }
  return 0;
}

function order<T extends string | number>(a: T, b: T): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** A condition; all conditions of a text must hold. */
export interface VersionRange {
  /** Whether any condition names a version before a final one: then those are as good as others. */
  readonly namesPreReleases: boolean;
  admits(version: string): boolean;
}

const CONDITION = /^(===|==|~=|!=|<=|>=|<|>)\s*(\S+)$/;

/** `>=1.0,<2`, `~=1.4`, `==1.*`; a version without a sign before it means just that one. Null: not understood. */
export function parseRange(text: string): VersionRange | null {
  const conditions: ((version: string) => boolean)[] = [];
  let namesPreReleases = false;
  for (const part of text.split(',')) {
    const condition = parseCondition(part.trim());
    if (condition === null) return null;
    conditions.push(condition.admits);
    namesPreReleases ||= condition.pre;
  }
  return { namesPreReleases, admits: (version) => conditions.every((condition) => condition(version)) };
}

interface Condition {
  readonly pre: boolean;
  readonly admits: (version: string) => boolean;
}

function parseCondition(text: string): Condition | null {
  const found = CONDITION.exec(text);
  if (found === null) return /^[^\s<>=!~]+$/.test(text) ? exactly(text) : null;
  const [, sign, operand] = found;
  if (sign === '===') return exactly(operand!);
  const wildcard = operand!.endsWith('.*');
  if (wildcard && sign !== '==' && sign !== '!=') return null;
  const wanted = parseVersion(wildcard ? operand!.slice(0, -2) : operand!);
  if (wanted === null) return null;
  const test = wildcard ? inSeries(wanted) : TESTS[sign!]!;
  if (sign === '~=' && wanted.release.length < 2) return null;
  const negated = wildcard && sign === '!=';
  return {
    pre: isPreRelease(wanted) && sign !== '!=',
    admits: (version) => {
      const parsed = parseVersion(version);
      return parsed !== null && test(parsed, wanted) !== negated;
    },
  };
}

function exactly(wanted: string): Condition {
  const parsed = parseVersion(wanted);
  return {
    pre: parsed !== null && isPreRelease(parsed),
    admits: (version) => version.toLowerCase() === wanted.toLowerCase(),
  };
}

const TESTS: Readonly<Record<string, (version: PackageVersion, wanted: PackageVersion) => boolean>> = {
  '==': same,
  '!=': (version, wanted) => !same(version, wanted),
  '<=': (version, wanted) => compareUpToLocal(version, wanted) <= 0,
  '>=': (version, wanted) => compareUpToLocal(version, wanted) >= 0,
  // Not its own pre-releases: `<2` does not mean 2.0rc1.
  '<': (version, wanted) =>
    compareUpToLocal(version, wanted) < 0 &&
    (isPreRelease(wanted) || !isPreRelease(version) || !sameRelease(version, wanted)),
  // Not its own post-releases: `>1.7` does not mean 1.7.post1.
  '>': (version, wanted) =>
    compareUpToLocal(version, wanted) > 0 &&
    (wanted.post !== null || version.post === null || !sameRelease(version, wanted)),
  '~=': (version, wanted) =>
    compareUpToLocal(version, wanted) >= 0 &&
    inSeries({ ...wanted, release: wanted.release.slice(0, -1) })(version),
};

function same(version: PackageVersion, wanted: PackageVersion): boolean {
  return wanted.local.length === 0
    ? compareUpToLocal(version, wanted) === 0
    : compareVersions(version, wanted) === 0;
}

function sameRelease(version: PackageVersion, wanted: PackageVersion): boolean {
  return version.epoch === wanted.epoch && compareRelease(version.release, wanted.release) === 0;
}

function inSeries(wanted: PackageVersion): (version: PackageVersion) => boolean {
  return ({ epoch, release }) =>
    epoch === wanted.epoch && wanted.release.every((part, index) => part === (release[index] ?? 0));
}

export function isPreRelease({ pre, dev }: PackageVersion): boolean {
  return pre !== null || dev !== null;
}

/**
 * The newest of `candidates` that the range admits; without a range the newest of all. One before a final release only
 * where the range names such a one, or nothing else fits. Of equal ones the first.
 */
export function newest<T>(
  candidates: readonly T[],
  versionOf: (candidate: T) => string,
  range: VersionRange | null,
): T | null {
  const fitting = candidates
    .filter((candidate) => range === null || range.admits(versionOf(candidate)))
    .map((candidate) => ({ candidate, version: parseVersion(versionOf(candidate)) }));
  const finals =
    range === null || range.namesPreReleases
      ? []
      : fitting.filter(({ version }) => version !== null && !isPreRelease(version));
  let best: { candidate: T; version: PackageVersion | null } | null = null;
  for (const each of finals.length > 0 ? finals : fitting) {
    if (best === null || isNewer(each.version, best.version)) best = each;
  }
  return best?.candidate ?? null;
}

function isNewer(a: PackageVersion | null, b: PackageVersion | null): boolean {
  if (a === null) return false;
  return b === null || compareVersions(a, b) > 0;
}
