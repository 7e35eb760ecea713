/**
 * Plugins on a server, made as clients make them.
 *
 *   const { aPlugin, uploadBlueprint } = pluginsOn(ask);
 *   const { id, name } = await aPlugin({ version: '1.2' });
 *   await uploadBlueprint(importing(`plugin:${name}`));
 */
import assert from 'node:assert/strict';
import { bytesOf } from '../../support/catalog.js';
import {
  bundleOf,
  pluginYaml,
  type Wagon,
  type WagonWords,
  wagonOf,
  wheelOf,
} from '../../support/plugin-archives.js';
import type { Answer, clientOf } from './client.js';

export const body = (bytes: Buffer) => new Uint8Array(bytes);

export const WHEEL = wheelOf({ name: 'cool', version: '1.0', files: { 'cool/__init__.py': 'x = 1\n' } });

let count = 0;
export const newName = () => `cool-plugin-${++count}`;

export interface MadePlugin {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly wagon: Wagon;
  readonly bundle: Buffer;
}

export interface PluginWords extends Partial<WagonWords> {
  /** Appended to its YAML. */
  readonly more?: string;
  /** In the place of the usual one. */
  readonly yamls?: Readonly<Record<string, string>>;
}

export function pluginsOn(ask: ReturnType<typeof clientOf>) {
  const upload = (bytes: Buffer, query = ''): Promise<Answer> =>
    ask('POST', `/plugins${query}`, { body: body(bytes) });

  const uploaded = async (bytes: Buffer, query = ''): Promise<string> => {
    const { status, text, json } = await upload(bytes, query);
    assert.equal(status, 201, text);
    return String(json.id);
  };

  return {
    upload,
    /** The id of what is uploaded. */
    uploaded,
    /** A plugin with its YAML, whose plugin is `cool`. */
    async aPlugin({ more, yamls, ...words }: PluginWords = {}): Promise<MadePlugin> {
      const { name = newName(), version = '1.0' } = words;
      const wagon = wagonOf({ wheels: [WHEEL], ...words, name, version });
      const yaml = pluginYaml({
        plugin: 'cool',
        packageName: name,
        version,
        ...(more === undefined ? {} : { more }),
      });
      const bundle = bundleOf(wagon, yamls ?? { 'plugin.yaml': yaml });
      return { id: await uploaded(bundle), name, version, wagon, bundle };
    },
    async uploadBlueprint(text: string, id = `bp-${++count}`): Promise<Answer & { readonly id: string }> {
      const archive = bytesOf({ 'blueprint.yaml': text });
      const answer = await ask('PUT', `/blueprints/${id}`, { version: 'v3', body: body(archive) });
      return Object.assign(answer, { id });
    },
  };
}

/** A blueprint with one node of the plugin that `aPlugin` makes. */
export function importing(plugin: string, version = 'cloudify_dsl_1_4'): string {
  return `tosca_definitions_version: ${version}
imports: [cloudify/types/types.yaml, '${plugin}']
node_templates:
  thing: { type: cool.nodes.Thing }
`;
}
