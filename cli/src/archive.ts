/**
 * What is uploaded as a blueprint: an archive as it is, or a folder packed on the fly.
 *
 * Nothing is ever held whole in memory. A packed folder holds one top folder, as the server asks; version control
 * and installed packages stay out; links stop the upload, since the server takes none and following them could send
 * files from outside the folder.
 */
import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { CliError, ExitCode, UsageError } from './errors.js';

export interface BlueprintSource {
  /** For the form's file name. */
  readonly fileName: string;
  /** The main file, where the source decides it. */
  readonly mainFile: string | null;
  /** An id that suggests itself. */
  readonly suggestedId: string;
  /** Bytes, when known beforehand. */
  readonly size: number | null;
  /** Files, when a folder is packed. */
  readonly files: number | null;
  /** The bytes; whoever stops reading stops the packing. */
  open(): Promise<AsyncIterable<Uint8Array>>;
}

const ARCHIVE = /\.(zip|tar|tar\.gz|tgz|tar\.bz2|tbz2?)$/i;
const LEFT_OUT = new Set(['.git', '.hg', '.svn', 'node_modules', '__pycache__', '.DS_Store']);

export function isUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/** Looks at `path` and says how it would be sent. Throws `UsageError` when it cannot be. */
export async function blueprintSource(path: string, cwd: string): Promise<BlueprintSource> {
  const full = resolve(cwd, path);
  let stats: Stats;
  try {
    stats = await stat(full);
  } catch {
    throw new UsageError(`There is no file or folder ${path}.`);
  }
  if (stats.isDirectory()) return packed(full, null);
  if (/\.ya?ml$/i.test(full)) return packed(dirname(full), basename(full));
  if (!ARCHIVE.test(full)) {
    throw new UsageError(`${path} is neither a folder, a YAML file nor an archive.`, [
      'Archives end in .zip, .tar, .tar.gz, .tgz or .tar.bz2',
    ]);
  }
  return {
    fileName: basename(full),
    mainFile: null,
    suggestedId: idFrom(basename(full).replace(ARCHIVE, '')),
    size: stats.size,
    files: null,
    open: async () => createReadStream(full),
  };
}

async function packed(folder: string, mainFile: string | null): Promise<BlueprintSource> {
  const top = basename(folder) || 'blueprint';
  const files = await filesBelow(folder);
  if (mainFile === null && !files.includes('blueprint.yaml')) {
    const candidates = files.filter((file) => !file.includes('/') && /\.ya?ml$/i.test(file));
    throw new UsageError(`There is no blueprint.yaml in ${folder}.`, [
      candidates.length > 0
        ? `Name the main file: orrery blueprints upload ${join(relative('.', folder) || '.', candidates[0] ?? '')}`
        : 'Give the folder that holds the blueprint',
    ]);
  }
  const plainName = mainFile !== null && !/^blueprint\.ya?ml$/.test(mainFile);
  return {
    fileName: `${idFrom(top)}.tar.gz`,
    mainFile,
    suggestedId: idFrom(plainName ? basename(mainFile, extname(mainFile)) : top),
    size: null,
    files: files.length,
    open: async () => {
      const { create } = await import('tar');
      const pack = create(
        { gzip: true, cwd: folder, prefix: idFrom(top), portable: true, noDirRecurse: true },
        // A name that begins with @ would be read as another archive.
        files.map((file) => (file.startsWith('@') ? `./${file}` : file)),
      );
      // Told by the iteration; one that nobody awaits any more, since the server has answered, is nobody's trouble.
      pack.on('error', () => {});
      return pack;
    },
  };
}

/** Paths below `folder`, in a stable order; throws at the first link. */
async function filesBelow(folder: string, prefix = ''): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(join(folder, prefix), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (LEFT_OUT.has(entry.name)) continue;
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await filesBelow(folder, path)));
    else if (entry.isFile()) found.push(path);
    else if (entry.isSymbolicLink() || (await lstat(join(folder, path))).isSymbolicLink()) {
      throw new CliError(`${join(folder, path)} is a link, and a blueprint may hold none.`, ExitCode.usage, [
        'Put the file itself there, or pack an archive yourself',
      ]);
    }
  }
  return found;
}

/** Letters, digits and `_.~-` only, beginning with a letter: what the server takes as an id. */
export function idFrom(name: string): string {
  const id = name.replace(/[^A-Za-z0-9_.~-]+/g, '-').replace(/^[^A-Za-z]+/, '');
  return id === '' ? 'blueprint' : id;
}
