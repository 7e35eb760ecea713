/**
 * Wagons with a wheel of their own for tests of those who run plugins (the archives are made in plugin-archives.ts).
 *
 *   aWagon({ name: 'demo-plugin', version: '1.0', files: { 'demo/tasks.py': '…' } })
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PluginPackage } from '../../src/plugins/plugin-package.js';
import { wagonOf, wheelOf } from './plugin-archives.js';

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

export function aWheel(options: WheelOptions): Wheel {
  const { filename, bytes } = wheelOf({ version: '1.0', ...options });
  return { name: filename, content: bytes };
}

/** The bytes of a `.wgn`: the plugin's own wheel, and `more`. */
export function aWagon(options: WheelOptions, more: readonly Wheel[] = []): Buffer {
  const { name, version = '1.0' } = options;
  const wheels = [aWheel(options), ...more].map((wheel) => ({ filename: wheel.name, bytes: wheel.content }));
  return wagonOf({ name, version, wheels }).bytes;
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

/** A package whose environment takes a while: long enough to be killed in the middle, and short enough to wait for. */
export const SLOW_TO_BUILD = aPackage({
  name: 'slow',
  files: Object.fromEntries([
    [
      'slow/__init__.py',
      'def run(**_):\n    return 1\ndef wait(**_):\n    import time\n    time.sleep(600)\n',
    ],
    ...Array.from({ length: 300 }, (_, n) => [`slow/part${n}.py`, `value = [\n${'    1,\n'.repeat(400)}]\n`]),
  ]),
});
