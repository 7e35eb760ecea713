/**
 * Where the master key is: in the settings, else in the data folder, where it is made at the first start. There the keys
 * before it are kept too, one a line, so that what is still under them can be read while it is moved.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Settings } from './config.js';
import { keptIn, keptSecret, replaceKept } from './data-folder.js';

const CURRENT = 'master-key';
const FORMER = 'former-master-keys';

/** The settings with a key in any case: the one given, else the one kept in the data folder. */
export function withMasterKey(settings: Settings): Settings {
  if (settings.masterKey !== '') return settings;
  const { value } = keptSecret(settings.dataDir, CURRENT, () => randomBytes(32).toString('hex'));
  return { ...settings, masterKey: value };
}

/** Every key that the data folder holds at this moment. */
export function keptMasterKeys(dataDir: string): string[] {
  const former = keptIn(dataDir, FORMER) ?? '';
  return [keptIn(dataDir, CURRENT) ?? '', ...former.split('\n')].filter((key) => key !== '');
}

/**
 * Makes a new key in the data folder the current one. The one before is kept first: a kill between the two writes leaves
 * it current, and named twice.
 */
export function renewMasterKey(dataDir: string): string {
  const { value } = keptSecret(dataDir, CURRENT, () => randomBytes(32).toString('hex'));
  const former = (keptIn(dataDir, FORMER) ?? '').split('\n').filter((key) => key !== '' && key !== value);
  replaceKept(dataDir, FORMER, [...former, value].join('\n'));
  const fresh = randomBytes(32).toString('hex');
  replaceKept(dataDir, CURRENT, fresh);
  return fresh;
}

export function formerKeysFile(dataDir: string): string {
  return join(dataDir, FORMER);
}
