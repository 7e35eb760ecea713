/**
 * Plugins for tests: real wheels in real wagons, byte by byte.
 *
 *   const wheel = wheelOf({ name: 'cool-plugin', version: '1.0', files: { 'cool/__init__.py': '…' } });
 *   const wagon = wagonOf({ name: 'cool-plugin', version: '1.0', wheels: [wheel] });      // { archiveName, bytes }
 *   const bundle = bundleOf(wagon, { 'plugin.yaml': pluginYaml(…) });                     // as the command line packs it
 */
import { createHash } from 'node:crypto';
import { gzip, tarOf, zipOf } from './archives.js';

export interface Wheel {
  readonly filename: string;
  readonly bytes: Buffer;
}

/** A pure Python wheel that pip installs: modules by path, and the names of what it requires. */
export function wheelOf({
  name,
  version,
  files,
  requires = [],
}: {
  readonly name: string;
  readonly version: string;
  readonly files: Readonly<Record<string, string>>;
  readonly requires?: readonly string[];
}): Wheel {
  const distribution = `${underscored(name)}-${version}`;
  const info = `${distribution}.dist-info`;
  const metadata = ['Metadata-Version: 2.1', `Name: ${name}`, `Version: ${version}`];
  const all: Record<string, string> = {
    ...files,
    [`${info}/METADATA`]: `${[...metadata, ...requires.map((one) => `Requires-Dist: ${one}`)].join('\n')}\n`,
    [`${info}/WHEEL`]:
      'Wheel-Version: 1.0\nGenerator: orrery-tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  };
  const lines = Object.entries(all).map(([path, content]) => {
    const digest = createHash('sha256').update(content).digest('base64url');
    return `${path},sha256=${digest},${Buffer.byteLength(content)}`;
  });
  all[`${info}/RECORD`] = `${[...lines, `${info}/RECORD,,`].join('\n')}\n`;
  const bytes = zipOf(Object.entries(all).map(([path, content]) => ({ path, content })));
  return { filename: `${distribution}-py3-none-any.whl`, bytes };
}

export interface Wagon {
  readonly archiveName: string;
  readonly bytes: Buffer;
}

export interface WagonWords {
  readonly name: string;
  readonly version: string;
  readonly wheels?: readonly Wheel[];
  readonly platform?: string;
  readonly format?: 'tar.gz' | 'zip';
  /** Of `package.json`, in the place of what it would say; undefined: left out. */
  readonly says?: Readonly<Record<string, unknown>>;
}

export function wagonOf({
  name,
  version,
  wheels = [],
  platform = 'any',
  format = 'tar.gz',
  says = {},
}: WagonWords): Wagon {
  const archiveName = `${underscored(name)}-${version}-py3-none-${platform}.wgn`;
  const packageJson = JSON.stringify({
    created_by_wagon_version: '1.0.1',
    archive_name: archiveName,
    supported_platform: platform,
    supported_python_versions: ['py3'],
    build_server_os_properties: {
      distribution: platform === 'any' ? null : 'CentOS',
      distribution_version: platform === 'any' ? null : '7.9',
      distribution_release: platform === 'any' ? null : 'Core',
    },
    package_name: name,
    package_version: version,
    package_build_tag: null,
    package_source: `${name}==${version}`,
    wheels: wheels.map((wheel) => wheel.filename),
    ...says,
  });
  const entries = [
    { path: `${name}/package.json`, content: packageJson as string | Buffer },
    ...wheels.map((wheel) => ({ path: `${name}/wheels/${wheel.filename}`, content: wheel.bytes })),
  ];
  return { archiveName, bytes: format === 'zip' ? zipOf(entries) : gzip(tarOf(entries)) };
}

/** A zip of a wagon and YAML files by name. */
export function bundleOf(wagon: Wagon, yamls: Readonly<Record<string, string>> = {}): Buffer {
  return zipOf([
    { path: wagon.archiveName, content: wagon.bytes, stored: true },
    ...Object.entries(yamls).map(([path, content]) => ({ path, content })),
  ]);
}

/** A plugin with one node type, whose `create` it runs. */
export function pluginYaml({
  plugin,
  packageName,
  version,
  more = '',
}: {
  readonly plugin: string;
  readonly packageName: string;
  readonly version: string;
  readonly more?: string;
}): string {
  return `plugins:
  ${plugin}:
    executor: central_deployment_agent
    package_name: ${packageName}
    package_version: '${version}'
node_types:
  ${plugin}.nodes.Thing:
    properties:
      made_by: { default: '${version}' }
    interfaces:
      cloudify.interfaces.lifecycle:
        create: ${plugin}.tasks.create
${more}`;
}

function underscored(name: string): string {
  return name.replaceAll(/[-.]/g, '_');
}
