/** What the catalog wants to know of a plugin's YAML. Runs where compiles run: reading a large one takes a while. */
import { parseFragment } from '../dsl/blueprint/fragment.js';
import type { Diagnostic } from '../dsl/diagnostics.js';
import type { Json, JsonObject } from '../dsl/plan.js';
import type { PluginTags } from './plugins.store.js';

export interface PluginYamlRequest {
  /** Name of the file, for diagnostics. */
  readonly file: string;
  readonly text: string;
}

export type PluginYamlAnswer =
  | {
      readonly kind: 'yaml';
      /** Name of a plugin -> its package, where it names one. */
      readonly packages: Readonly<Record<string, string>>;
      readonly tags: PluginTags;
    }
  | { readonly kind: 'diagnostics'; readonly diagnostics: readonly Diagnostic[] };

export function readPluginYaml({ file, text }: PluginYamlRequest): PluginYamlAnswer {
  const parsed = parseFragment(file, text);
  if (parsed.kind === 'diagnostics') return parsed;
  const packages: Record<string, string> = {};
  for (const [name, plugin] of Object.entries(tableIn(parsed.value, 'plugins'))) {
    const named = isTable(plugin) ? plugin.package_name : undefined;
    if (typeof named === 'string' || typeof named === 'number') packages[name] = String(named);
  }
  return {
    kind: 'yaml',
    packages,
    tags: {
      labels: tableIn(parsed.value, 'labels'),
      blueprintLabels: tableIn(parsed.value, 'blueprint_labels'),
      resourceTags: tableIn(parsed.value, 'resource_tags'),
    },
  };
}

function tableIn(value: JsonObject, key: string): JsonObject {
  const table = value[key];
  return isTable(table) ? table : {};
}

function isTable(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
