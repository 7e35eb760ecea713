/**
 * Small secrets in the data folder: made once, kept in files that only their owner may read.
 *
 * A file appears whole or not at all (written aside, then linked to its name), and the first of two processes wins.
 */
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { randomName } from './ids.js';

export interface KeptSecret {
  readonly value: string;
  /** True: made by this call. */
  readonly fresh: boolean;
  readonly path: string;
}

/** The secret in `dataDir/name`; made with `make` when there is none. */
export function keptSecret(dataDir: string, name: string, make: () => string): KeptSecret {
  const path = join(dataDir, name);
  const kept = readKept(path);
  if (kept !== null) return { value: kept, fresh: false, path };
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const value = make();
  const aside = writeAside(dataDir, name, value);
  try {
    linkSync(aside, path);
    return { value, fresh: true, path };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return { value: readFileSync(path, 'utf8').trim(), fresh: false, path };
  } finally {
    unlinkSync(aside);
  }
}

/** A secret in the place of the one that is kept, whole or not at all. */
export function replaceKept(dataDir: string, name: string, value: string): void {
  renameSync(writeAside(dataDir, name, value), join(dataDir, name));
}

/** What is kept under the name; null: nothing. */
export function keptIn(dataDir: string, name: string): string | null {
  return readKept(join(dataDir, name));
}

function writeAside(dataDir: string, name: string, value: string): string {
  const aside = join(dataDir, `.${name}.${randomName(8)}`);
  const file = openSync(aside, 'wx', 0o600);
  try {
    writeSync(file, `${value}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return aside;
}

function readKept(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
