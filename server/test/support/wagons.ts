/**
 * Wagons for tests, made here and not by the tools that make them: a wheel is a zip with a folder of metadata, a wagon a
 * tar.gz of wheels with a package.json.
 *
 *   aWagon({ name: 'demo-plugin', version: '1.0', files: { 'demo/tasks.py': '…' } })
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { PluginPackage } from '../../src/plugins/plugin-package.js';
import { tarOf, zipOf } from './archives.js';

export interface WheelOptions {
  readonly name: string;
  readonly version?: string;
  /** Python files by path. */
  readonly files: Readonly<Record<string, string>>;
  /** Requirements as wheels say them, e.g. `other-package>=2`. */
  readonly requires?: readonly string[];
}

export interface Wheel {
  readonly name: string;
  readonly content: Buffer;
}

export function aWheel({ name, version = '1.0', files, requires = [] }: WheelOptions): Wheel {
  const stem = `${name.replaceAll(/[-.]/g, '_')}-${version}`;
  const info = `${stem}.dist-info`;
  const metadata = ['Metadata-Version: 2.1', `Name: ${name}`, `Version: ${version}`];
  for (const one of requires) metadata.push(`Requires-Dist: ${one}`);
  const all: Record<string, string> = {
    ...files,
    [`${info}/METADATA`]: `${metadata.join('\n')}\n`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  };
  const record = [...Object.keys(all), `${info}/RECORD`].map((path) => `${path},,\n`).join('');
  const entries = Object.entries({ ...all, [`${info}/RECORD`]: record });
  const content = zipOf(entries.map(([path, text]) => ({ path, content: text })));
  return { name: `${stem}-py3-none-any.whl`, content };
}

/** The bytes of a `.wgn`: the plugin's own wheel, and `more`. */
export function aWagon(options: WheelOptions, more: readonly Wheel[] = []): Buffer {
  const { name, version = '1.0' } = options;
  const wheels = [aWheel(options), ...more];
  const stem = `${name.replaceAll('-', '_')}-${version}`;
  const description = {
    created_by_wagon_version: '1.0.3',
    archive_name: `${stem}-py3-none-any.wgn`,
    supported_platform: 'any',
    supported_python_versions: ['py3'],
    build_server_os_properties: {
      distribution: null,
      distribution_version: null,
      distribution_release: null,
    },
    package_name: name,
    package_version: version,
    package_build_tag: '',
    package_source: `${name}==${version}`,
    wheels: wheels.map((wheel) => wheel.name),
  };
  return gzipSync(
    tarOf([
      { path: `${name}/package.json`, content: JSON.stringify(description) },
      ...wheels.map((wheel) => ({ path: `${name}/wheels/${wheel.name}`, content: wheel.content })),
    ]),
  );
}

/** A package as the catalogue would give it, without one. */
export function aPackage(
  options: WheelOptions,
  more: readonly Wheel[] = [],
): PluginPackage & { readonly reports: string[] } {
  const wheels = [aWheel(options), ...more];
  const hash = createHash('sha256');
  for (const wheel of wheels) hash.update(wheel.content);
  const reports: string[] = [];
  return {
    packageName: options.name,
    packageVersion: options.version ?? '1.0',
    sha256: hash.digest('hex'),
    reports,
    async unpack(folder) {
      for (const { name, content } of wheels) await writeFile(join(folder, name), content);
      return wheels.map((wheel) => wheel.name);
    },
    report: async (state, error) => void reports.push(error === undefined ? state : `${state}: ${error}`),
  };
}
