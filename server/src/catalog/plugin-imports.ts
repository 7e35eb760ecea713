/** What stands behind `plugin:NAME?version=…&distribution=…` in a blueprint: an uploaded plugin's YAML. */

import type { Pool } from '../store/pool.js';
import type { ImportAsked, ImportFound, ImportSource } from './import-source.js';
import { newest, parseRange, type VersionRange } from './package-version.js';
import { chooseYaml } from './plugin-yamls.js';
import { pluginsOfPackage, selectTags, selectYaml, selectYamls } from './plugins.store.js';

/** The first version of the language with labels and tags. */
const LABELS_SINCE = 3;

export class PluginImports implements ImportSource {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** The newest plugin that fits, of the caller's tenant or global. */
  async find({ scope, name, minor }: ImportAsked): Promise<ImportFound> {
    const wanted = readRequirement(name);
    if ('problem' in wanted) return { kind: 'absent', problem: wanted.problem };
    const all = await pluginsOfPackage(this.#pool, scope, wanted.packageName);
    const fitting = all.filter(
      (plugin) => wanted.distribution === null || plugin.distribution === wanted.distribution,
    );
    const plugin = newest(fitting, (each) => each.packageVersion, wanted.range);
    if (plugin === null) {
      return {
        kind: 'absent',
        problem: notFound(
          wanted,
          all.map((each) => each.packageVersion),
        ),
      };
    }
    const yaml = chooseYaml(await selectYamls.all(this.#pool, [plugin.uid]), minor);
    const stored = yaml === null ? null : await selectYaml.one(this.#pool, [plugin.uid, yaml.file]);
    const tags = await selectTags.one(this.#pool, [plugin.uid]);
    if (stored === null || tags === null) {
      return {
        kind: 'absent',
        problem: `Plugin ${plugin.packageName} ${plugin.packageVersion} was uploaded without a YAML file for cloudify_dsl_1_${minor}`,
      };
    }
    return {
      kind: 'text',
      text: stored.text,
      ...(minor < LABELS_SINCE
        ? {}
        : {
            replaced: {
              labels: tags.labels,
              blueprint_labels: tags.blueprintLabels,
              resource_tags: tags.resourceTags,
            },
          }),
      standsOn: { plugin: plugin.uid },
    };
  }
}

interface Requirement {
  readonly packageName: string;
  /** As written, for messages. */
  readonly version: string | null;
  readonly range: VersionRange | null;
  /** In lower case. */
  readonly distribution: string | null;
}

/** Characters of one part. Every condition is asked of every plugin of the package. */
const MOST_CHARACTERS = 256;

/** `name?version=>=1.0,<2&distribution=centos`, with or without percent signs for what a URL would quote. */
export function readRequirement(text: string): Requirement | { readonly problem: string } {
  const [path, query] = cut(text, '?');
  const name = unquoted(path);
  if (!isPart(name)) return { problem: 'No plugin has such a name' };
  let version: string | null = null;
  let distribution: string | null = null;
  for (const parameter of (query ?? '').split('&').filter((each) => each !== '')) {
    const [key = '', value = ''] = cut(parameter, '=').map(unquoted);
    if (!isPart(key) || (value !== '' && !isPart(value))) {
      return {
        problem: `Plugin ${name} is asked for with a parameter that is no text of up to ${MOST_CHARACTERS} characters`,
      };
    }
    if (key === 'version') version = value.trim();
    else if (key === 'distribution') distribution = value.toLowerCase();
    else {
      return {
        problem: `Plugin ${name} is asked for with an unknown parameter '${key}': known are version and distribution`,
      };
    }
  }
  const range = version === null ? null : parseRange(version);
  if (version !== null && range === null) {
    return {
      problem: `Plugin ${name} is asked for with a version '${version}' that is not understood: write e.g. version=>=1.0,<2`,
    };
  }
  return { packageName: name, version, range, distribution };
}

function isPart(text: string): boolean {
  return text !== '' && text.length <= MOST_CHARACTERS && !/\p{Cc}/u.test(text);
}

function cut(text: string, at: string): [string, string | undefined] {
  const index = text.indexOf(at);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

function unquoted<Text extends string | undefined>(text: Text): Text {
  try {
    return (text === undefined ? undefined : decodeURIComponent(text)) as Text;
  } catch {
    return text;
  }
}

const MOST_TOLD = 10;

function notFound({ packageName, version, distribution }: Requirement, there: readonly string[]): string {
  const asked = [
    ...(version === null ? [] : [`version ${version}`]),
    ...(distribution === null ? [] : [`distribution ${distribution}`]),
  ].join(' and ');
  const known = [...new Set(there)];
  const more = known.length > MOST_TOLD ? `, and ${known.length - MOST_TOLD} more` : '';
  const found =
    known.length === 0
      ? 'none of that name was uploaded'
      : `uploaded: ${known.slice(0, MOST_TOLD).join(', ')}${more}`;
  return `Plugin ${packageName}${asked === '' ? '' : ` with ${asked}`} not found (${found})`;
}
