/** `plugins`: who runs the operations. */
import type { JsonObject, PlanPlugin } from '../../plan.js';
import type { Entry } from '../entry.js';
import { CODE } from '../report.js';
import { anything, flag, record, type Shape, type ShapeCheck, table, text, textOrNumber } from '../shape.js';

export const pluginShape: Shape = record({
  executor: { shape: text, required: true },
  install: { shape: flag },
  source: { shape: text },
  install_arguments: { shape: text, since: 1 },
  package_name: { shape: text, since: 2 },
  package_version: { shape: textOrNumber, since: 2 },
  supported_platform: { shape: text, since: 2 },
  distribution: { shape: text, since: 2 },
  distribution_version: { shape: textOrNumber, since: 2 },
  distribution_release: { shape: text, since: 2 },
  properties: {
    shape: table(
      record({
        type: { shape: text },
        description: { shape: text },
        display_label: { shape: text },
        value: { shape: anything },
        default: { shape: anything },
        required: { shape: flag },
      }),
    ),
    since: 5,
  },
  properties_description: { shape: text, since: 5 },
});

export const EXECUTORS: readonly string[] = ['central_deployment_agent', 'host_agent'];

export function readPlugin(entry: Entry, check: ShapeCheck): PlanPlugin {
  const raw = entry.value as JsonObject;
  const plugin: PlanPlugin = {
    name: entry.name,
    executor: textIn(raw, 'executor') ?? 'central_deployment_agent',
    install: raw.install !== false,
    source: textIn(raw, 'source'),
    installArguments: textIn(raw, 'install_arguments'),
    packageName: textIn(raw, 'package_name'),
    packageVersion: textIn(raw, 'package_version'),
    supportedPlatform: textIn(raw, 'supported_platform'),
    distribution: textIn(raw, 'distribution'),
    distributionVersion: textIn(raw, 'distribution_version'),
    distributionRelease: textIn(raw, 'distribution_release'),
    ...(typeof raw.properties_description === 'string'
      ? { propertiesDescription: raw.properties_description }
      : {}),
    properties: (raw.properties ?? {}) as JsonObject,
  };
  if (entry.bundled) return plugin;
  if (typeof raw.executor === 'string' && !EXECUTORS.includes(plugin.executor)) {
    check.report.error(
      entry.place.at('executor'),
      CODE.pluginExecutor,
      `Plugin '${entry.name}' has an illegal executor '${plugin.executor}'`,
      `known: ${EXECUTORS.join(', ')}`,
    );
  }
  if (plugin.install && plugin.source === null && plugin.packageName === null) {
    check.report.error(
      entry.place,
      CODE.pluginSource,
      `Plugin '${entry.name}' needs to be installed, but has neither a source nor a package_name`,
    );
  }
  return plugin;
}

function textIn(raw: JsonObject, key: string): string | null {
  const value = raw[key];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : null;
}
