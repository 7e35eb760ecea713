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
  const aside = join(dataDir, `.${name}.${randomName(8)}`);
  const value = make();
  const file = openSync(aside, 'wx', 0o600);
  try {
    writeSync(file, `${value}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
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

function readKept(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
