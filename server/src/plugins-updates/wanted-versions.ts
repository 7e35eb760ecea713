/**
 * Which versions of a blueprint's plugins an update may bring, said as another wording of its imports: an import keeps the
 * bounds that its author gave it, and gets those of the request beside them.
 */
import type { PlanPlugin } from '../dsl/plan.js';
import { DomainError } from '../errors.js';

export interface VersionWishes {
  /** Packages that may change; empty: all. */
  readonly only: readonly string[];
  /** Within the major version that is in use. */
  readonly minor: readonly string[];
  readonly latest: readonly string[];
  readonly allMinor: boolean;
  readonly allLatest: boolean;
  /** Import -> the plugin in its place. */
  readonly mapping: readonly MappedImport[];
}

export interface MappedImport {
  readonly line: string;
  readonly packageName: string;
  readonly version: string;
}

export interface WantedVersions {
  readonly rewrite: (name: string) => string;
  /** Lines of the mapping that no import was. */
  unused(): readonly string[];
}

/**
 * @param used the plugins of the plan as it is
 * @throws DomainError `invalid` (`plugins-update-impossible`): the wishes contradict each other, or name what is not there
 */
export function wantedVersions(used: readonly PlanPlugin[], wishes: VersionWishes): WantedVersions {
  const versions = new Map<string, string>();
  for (const { packageName, packageVersion } of used) {
    if (packageName !== null && packageVersion !== null && !versions.has(packageName))
      versions.set(packageName, packageVersion);
  }
  refuseStrangers(versions, wishes);
  const bounds = new Map<string, string>();
  for (const [name, version] of versions) {
    const bound = boundOf(name, version, wishes);
    if (bound !== null) bounds.set(name, bound);
  }
  const met = new Set<string>();
  return {
    rewrite: (name) => {
      const mapped = wishes.mapping.find(({ line, packageName }) => line === name || isOf(name, packageName));
      if (mapped !== undefined && mapped.line === name) {
        met.add(mapped.line);
        return importOf(mapped.packageName, `==${mapped.version}`);
      }
      const plugin = pluginIn(name);
      if (plugin === null) return name;
      const [packageName, query] = plugin;
      if (mapped !== undefined) return importOf(packageName, `==${mapped.version}`, query);
      const bound = bounds.get(packageName);
      return bound === undefined ? name : importOf(packageName, bound, query, true);
    },
    unused: () => wishes.mapping.map(({ line }) => line).filter((line) => !met.has(line)),
  };
}

function boundOf(name: string, version: string, wishes: VersionWishes): string | null {
  if (wishes.only.length > 0 && !wishes.only.includes(name)) return `==${version}`;
  const toMinor =
    wishes.minor.includes(name) || (wishes.allMinor && !wishes.allLatest && !wishes.latest.includes(name));
  if (!toMinor) return null;
  const found = /^v?(?:\d+!)?(\d+)(?:\.(\d+))?/i.exec(version);
  if (found === null) return `==${version}`;
  return `>=${found[1]}.${found[2] ?? 0},<${Number(found[1]) + 1}`;
}

function refuseStrangers(versions: ReadonlyMap<string, string>, wishes: VersionWishes): void {
  const both = wishes.minor.filter((name) => wishes.latest.includes(name));
  if (both.length > 0)
    throw impossible(`Both to the latest and to the latest minor version: ${both.join(', ')}`);
  const named = [
    ...wishes.only,
    ...wishes.minor,
    ...wishes.latest,
    ...wishes.mapping.map((one) => one.packageName),
  ];
  const strangers = [...new Set(named)].filter((name) => !versions.has(name));
  if (strangers.length === 0) return;
  throw impossible(
    `The blueprint uses no such plugins: ${strangers.slice(0, 10).join(', ')}. It uses: ${[...versions.keys()].join(', ') || 'none that has a package'}`,
  );
}

export function impossible(message: string): DomainError {
  return new DomainError('invalid', 'plugins-update-impossible', message);
}

/** `plugin:NAME?query` in its two parts, as they are written. */
function pluginIn(name: string): readonly [packageName: string, query: URLSearchParams] | null {
  const found = /^plugin:([^?]*)(?:\?(.*))?$/is.exec(name);
  if (found === null) return null;
  // A plus is a plus here: versions may have one.
  return [unquoted(found[1]!), new URLSearchParams((found[2] ?? '').replaceAll('+', '%2B'))];
}

function isOf(name: string, packageName: string): boolean {
  return pluginIn(name)?.[0] === packageName;
}

function importOf(
  packageName: string,
  version: string,
  query: URLSearchParams = new URLSearchParams(),
  beside = false,
): string {
  const had = query.get('version');
  const parameters = [...query].filter(([key]) => key !== 'version');
  const wanted = beside && had !== null && had !== '' ? `${had},${version}` : version;
  const rest = parameters.map(([key, value]) => `&${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
  return `plugin:${encodeURIComponent(packageName)}?version=${encodeURIComponent(wanted)}${rest.join('')}`;
}

function unquoted(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
