/** Properties given where a plugin is imported: `- plugin:aws: {region: eu}` fills `plugins.aws.properties.region.value`. */
import { primitiveProblem } from '../functions/primitives.js';
import { isFunction } from '../functions/table.js';
import { isObject, own } from '../json.js';
import type { JsonObject } from '../plan.js';
import type { ImportedFile } from './imports.js';
import type { Merged } from './merge.js';
import { joinNamespaces } from './namespaces.js';
import { CODE } from './report.js';
import type { ShapeCheck } from './shape.js';

/** The merged blueprint with those values in its plugins; unknown names and wrong types are reported (221). */
export function applyPluginProperties(
  merged: Merged,
  files: readonly ImportedFile[],
  check: ShapeCheck,
): Merged {
  for (const { value, namespace, properties } of files) {
    if (properties === null) continue;
    const written = isObject(value.plugins) ? Object.keys(value.plugins) : [];
    const plugins = written.map((plugin) => joinNamespaces(namespace, plugin));
    for (const name in properties.values) {
      const given = properties.values[name]!;
      let known = false;
      for (const plugin of plugins) {
        const entry = merged.sections.plugins.get(plugin);
        if (entry === undefined || !isObject(entry.value)) continue;
        const declared = isObject(entry.value.properties) ? entry.value.properties : {};
        const property = own(declared, name);
        if (!isObject(property)) continue;
        known = true;
        const type = property.type;
        const problem = typeof type === 'string' && !isFunction(given) ? primitiveProblem(given, type) : null;
        if (problem !== null) {
          check.report.error(
            properties.place,
            CODE.importProperties,
            `Property '${name}' of plugin '${plugin}' ${problem}`,
          );
        }
        const filled: JsonObject = { ...declared, [name]: { ...property, value: given } };
        merged.sections.plugins.set(plugin, { ...entry, value: { ...entry.value, properties: filled } });
      }
      if (!known) {
        check.report.error(
          properties.place,
          CODE.importProperties,
          `The imported plugin has no property '${name}'`,
        );
      }
    }
  }
  return merged;
}
