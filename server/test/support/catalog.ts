/**
 * The catalog on a real database, and blueprints to put into it.
 *
 *   const { uploads, blueprints } = catalog(pool);
 *   await uploads.upload(caller, { id: 'web', source: archiveOf({ 'blueprint.yaml': BLUEPRINT }) });
 */
import { Readable } from 'node:stream';
import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS } from '../../src/catalog/archive/limits.js';
import { Blobs } from '../../src/catalog/blobs.js';
import {
  type ArchiveSource,
  BlueprintUploads,
  type BlueprintUploadsParts,
} from '../../src/catalog/blueprint-uploads.js';
import { Blueprints } from '../../src/catalog/blueprints.js';
import { CompilePool } from '../../src/catalog/compile-pool.js';
import { PluginImports } from '../../src/catalog/plugin-imports.js';
import { PluginUploads } from '../../src/catalog/plugin-uploads.js';
import { Plugins } from '../../src/catalog/plugins.js';
import { parseAllowlist } from '../../src/net/allowlist.js';
import { safeFetch } from '../../src/net/safe-fetch.js';
import { UploadExecutions } from '../../src/orchestration/upload-executions.js';
import type { Pool } from '../../src/store/pool.js';
import { gzip, tarOf } from './archives.js';

/** One node that does nothing. */
export const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
description: one node that does nothing
node_types:
  thing:
    properties:
      size:
        type: integer
        default: 1
node_templates:
  one:
    type: thing
outputs:
  size:
    value: { get_property: [one, size] }
`;

export interface CatalogSettings
  extends Partial<Pick<BlueprintUploadsParts, 'fetch' | 'imports' | 'onTrouble' | 'compiler'>> {
  readonly limits?: Partial<ArchiveLimits>;
  readonly allowlist?: string;
  readonly inUse?: ConstructorParameters<typeof Blueprints>[0]['inUse'];
}

export function catalog(pool: Pool, settings: CatalogSettings = {}) {
  const blobs = new Blobs(pool);
  const allowlist = parseAllowlist(settings.allowlist ?? '');
  const { limits, allowlist: _, inUse, ...given } = settings;
  const journal = new UploadExecutions();
  const taking = {
    pool,
    blobs,
    compiler: new CompilePool(),
    fetch: (url: string, bounds: { maxBytes: number; timeoutMs: number }) =>
      safeFetch(url, { ...bounds, allowlist }),
    imports: { plugin: new PluginImports(pool) },
    ...given,
    limits: { ...DEFAULT_ARCHIVE_LIMITS, ...limits },
  };
  return {
    blobs,
    uploads: new BlueprintUploads({ ...taking, journal }),
    plugins: new Plugins({ pool, blobs }),
    pluginUploads: new PluginUploads(taking),
    blueprints: new Blueprints({ pool, blobs, journal, ...(inUse === undefined ? {} : { inUse }) }),
  };
}

/** Bytes as an upload, in pieces as they come over a line. */
export function sourceOf(bytes: Buffer, piece = 16_384): ArchiveSource {
  const pieces = (function* () {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
  })();
  return { kind: 'stream', stream: Readable.from(pieces, { objectMode: false }) };
}

/** A tar.gz with these files in one top folder. */
export function bytesOf(files: Readonly<Record<string, string | Buffer>>, folder = 'app/'): Buffer {
  return gzip(tarOf(Object.entries(files).map(([path, content]) => ({ path: folder + path, content }))));
}

export function archiveOf(files: Readonly<Record<string, string | Buffer>>, folder = 'app/'): ArchiveSource {
  return sourceOf(bytesOf(files, folder));
}
