/**
 * What an uploaded plugin consists of: one wagon, or several, each with the YAML files that belong to it.
 *
 *   wagon      an archive with `package.json` and `wheels/`; YAML files may lie beside these
 *   bundle     an archive with one `.wgn` and YAML files, as the command line packs them
 *   caravan    an archive with several `.wgn` and a file `METADATA`: JSON, path of a wagon -> path of its YAML file
 *
 * Wagons inside of archives are taken in like uploads: to the store as they come when they are large. No wheel is unpacked:
 * they pass through to be counted, so that a wagon that is a bomb never gets to those who would unpack it.
 */
import { formatDiagnostic } from '../dsl/diagnostics.js';
import { DomainError } from '../errors.js';
import type { ArchiveFile } from './archive/archive.js';
import { isClutter } from './archive/layout.js';
import type { ArchiveLimits } from './archive/limits.js';
import { readArchive } from './archive/read-archive.js';
import type { Blobs } from './blobs.js';
import type { CompilePool } from './compile-pool.js';
import { editionOf } from './plugin-yamls.js';
import type { PluginTags, PluginYaml } from './plugins.store.js';
import { type Received, receive } from './unpack.js';
import { invalidPlugin, readWagonFacts, type WagonFacts } from './wagon.js';

export interface PluginPackage {
  readonly facts: WagonFacts;
  readonly wagon: Received;
  readonly yamls: readonly PluginYaml[];
  readonly tags: PluginTags;
}

export interface PackageParts {
  readonly blobs: Blobs;
  readonly limits: ArchiveLimits;
  readonly compiler: CompilePool;
}

/** What a wagon brings to install; none of it speaks for the plugin. */
const INSIDE_WAGON = /^[^/]+\/(wheels|files)\//;
/** Parts of a path; nothing that counts lies deeper. */
const DEEPEST = 4;
const MOST_WAGONS = 50;
const MOST_YAMLS = 100;
const METADATA_BYTES = 1024 * 1024;
/** Of one YAML file. The largest published one has half a megabyte. */
const YAML_BYTES = 4 * 1024 * 1024;
/** Of all YAML files together: they are in memory at the same time. */
const YAMLS_BYTES = 16 * 1024 * 1024;

/** @throws DomainError `invalid` (`invalid-plugin`); `limit` (`archive-too-large`) */
export async function readPluginPackages(
  upload: Received,
  { blobs, limits, compiler }: PackageParts,
): Promise<PluginPackage[]> {
  const content = await read(upload, blobs, limits);
  const { wagons, packageJson } = content;
  if (wagons.size > 0 && content.metadata !== null) {
    return readCaravan(content, { blobs, limits, compiler });
  }
  if (wagons.size > 1) throw invalidPlugin(`it must hold one .wgn file, and holds ${wagons.size}`);
  const [inside] = wagons;
  if (inside !== undefined) {
    const [path, wagon] = inside;
    const described = await packageJsonOf(wagon, blobs, limits);
    return [await packageOf(described, wagon, beside(content, path), compiler)];
  }
  if (packageJson === null) {
    throw invalidPlugin('it is neither a wagon, which has a package.json, nor does it hold a .wgn file');
  }
  return [await packageOf(packageJson.text, upload, beside(content, packageJson.path), compiler)];
}

/** The YAML files in the folder of the file at `path`. */
function beside({ yamls }: Content, path: string): ReadonlyMap<string, string> {
  return new Map([...yamls].filter(([file]) => folderOf(file) === folderOf(path)));
}

interface Content {
  readonly packageJson: { readonly path: string; readonly text: string } | null;
  readonly metadata: string | null;
  /** By path. */
  readonly wagons: ReadonlyMap<string, Received>;
  readonly yamls: ReadonlyMap<string, string>;
}

async function read(upload: Received, blobs: Blobs, limits: ArchiveLimits): Promise<Content> {
  let packageJson: Content['packageJson'] = null;
  let metadata: string | null = null;
  const wagons = new Map<string, Received>();
  const yamls = new Map<string, string>();
  let room = YAMLS_BYTES;
  const visit = async (file: ArchiveFile) => {
    const { path } = file;
    if (isClutter(path) || INSIDE_WAGON.test(path) || path.split('/').length > DEEPEST) return;
    if (/^([^/]+\/)?package\.json$/.test(path)) {
      if (packageJson !== null) throw invalidPlugin('it has more than one package.json');
      packageJson = { path, text: await textOf(file, METADATA_BYTES) };
    } else if (/^([^/]+\/)?METADATA$/.test(path)) {
      metadata = await textOf(file, METADATA_BYTES);
    } else if (/\.wgn$/i.test(path)) {
      if (wagons.size >= MOST_WAGONS) throw invalidPlugin(`it holds more than ${MOST_WAGONS} wagons`);
      wagons.set(path, await receive(file.content, blobs, limits));
    } else if (/\.ya?ml$/i.test(path)) {
      if (yamls.size >= MOST_YAMLS) throw invalidPlugin(`it holds more than ${MOST_YAMLS} YAML files`);
      const text = await textOf(file, Math.min(room, YAML_BYTES));
      room -= text.length;
      yamls.set(path, text);
    }
  };
  try {
    await readArchive(upload.bytes, limits, visit);
  } catch (error) {
    if (error instanceof DomainError && error.reason.startsWith('archive-') && error.kind === 'invalid') {
      throw new DomainError('invalid', 'invalid-plugin', error.message, { cause: error.cause });
    }
    throw error;
  }
  return { packageJson, metadata, wagons, yamls };
}

async function textOf(file: ArchiveFile, most: number): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of file.content) {
    size += chunk.length;
    if (size > most) throw invalidPlugin(`${baseOf(file.path)} in it has more than ${most} bytes`);
    parts.push(chunk);
  }
  const text = new TextDecoder('utf-8').decode(Buffer.concat(parts, size));
  if (text.includes('\0')) throw invalidPlugin(`${baseOf(file.path)} in it is no text`);
  return text;
}

async function packageJsonOf(wagon: Received, blobs: Blobs, limits: ArchiveLimits): Promise<string> {
  const { packageJson, wagons } = await read(wagon, blobs, limits);
  if (packageJson === null || wagons.size > 0) throw invalidPlugin('its .wgn file has no package.json');
  return packageJson.text;
}

async function readCaravan(
  { metadata, wagons, yamls }: Content,
  { blobs, limits, compiler }: PackageParts,
): Promise<PluginPackage[]> {
  const packages: PluginPackage[] = [];
  for (const [path, yaml] of Object.entries(parseMetadata(metadata!))) {
    const wagon = named(wagons, path);
    const text = named(yamls, yaml);
    if (wagon === undefined || text === undefined) {
      throw invalidPlugin(`its METADATA names ${wagon === undefined ? path : yaml}, which it does not hold`);
    }
    const packageJson = await packageJsonOf(wagon, blobs, limits);
    packages.push(await packageOf(packageJson, wagon, new Map([[yaml, text]]), compiler));
  }
  if (packages.length === 0) throw invalidPlugin('its METADATA names no wagon');
  return packages;
}

function parseMetadata(text: string): Readonly<Record<string, string>> {
  let value: unknown = null;
  try {
    value = JSON.parse(text);
  } catch {
    // Told below.
  }
  const isMap =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((path) => typeof path === 'string');
  if (!isMap)
    throw invalidPlugin('its METADATA must be a JSON object: path of a wagon -> path of its YAML file');
  return value as Record<string, string>;
}

/** By the whole path, or below the one top folder. */
function named<T>(files: ReadonlyMap<string, T>, path: string): T | undefined {
  const normal = path.replace(/^\.?\//, '');
  const below = [...files.keys()].find((file) => file.slice(file.indexOf('/') + 1) === normal);
  return files.get(normal) ?? (below === undefined ? undefined : files.get(below));
}

async function packageOf(
  packageJson: string,
  wagon: Received,
  files: ReadonlyMap<string, string>,
  compiler: CompilePool,
): Promise<PluginPackage> {
  const facts = readWagonFacts(packageJson);
  const yamls: PluginYaml[] = [];
  const tags = new Map<string, PluginTags>();
  for (const [path, text] of files) {
    const file = baseOf(path);
    yamls.push({ file, minor: editionOf(file), text });
    tags.set(file, await tagsOf(file, text, facts, compiler));
  }
  const main = yamls.find(({ file }) => file.includes('plugin.')) ?? yamls[0];
  return { facts, wagon, yamls, tags: main === undefined ? NO_TAGS : tags.get(main.file)! };
}

const NO_TAGS: PluginTags = { labels: {}, blueprintLabels: {}, resourceTags: {} };

async function tagsOf(
  file: string,
  text: string,
  { packageName }: WagonFacts,
  compiler: CompilePool,
): Promise<PluginTags> {
  const read = await compiler.readPluginYaml({ file, text });
  if (read.kind === 'diagnostics') {
    const lines = read.diagnostics.map((one) => formatDiagnostic(one)).join('; ');
    throw invalidPlugin(`it has a YAML file that cannot be read: ${lines}`);
  }
  for (const [name, named] of Object.entries(read.packages)) {
    if (named !== packageName) {
      throw invalidPlugin(
        `plugin ${name} in ${file} is of the package ${named}, and the wagon of ${packageName}`,
      );
    }
  }
  return read.tags;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
