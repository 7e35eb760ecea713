/** What is dispatched lies sealed in the database, in one piece: the inputs of operations hold secrets, and so may all they say. */
import type { Vault } from '../../../secrets/vault.js';

const FINGERPRINT = 32;
/** A key of 32 bytes, with nonce and tag. */
const KEY = 60;

export type DispatchVault = Pick<Vault, 'seal' | 'open'>;

/** @param place what it is of; must be given again to open it */
export function sealed(vault: DispatchVault, value: unknown, place: string): Buffer {
  const box = vault.seal(JSON.stringify(value), place);
  return Buffer.concat([Buffer.from(box.masterKey, 'latin1'), box.sealedKey, box.sealed]);
}

/** @throws DomainError `unavailable` (`secret-unreadable`, `master-key-unknown`) */
export function unsealed<T>(vault: DispatchVault, box: Buffer, place: string): T {
  const text = vault.open(
    {
      masterKey: box.subarray(0, FINGERPRINT).toString('latin1'),
      sealedKey: box.subarray(FINGERPRINT, FINGERPRINT + KEY),
      sealed: box.subarray(FINGERPRINT + KEY),
    },
    place,
  );
  return JSON.parse(text) as T;
}

export const placeOf = {
  work: (execution: number, task: number, attempt: number) =>
    `dispatch\0work\0${execution}\0${task}\0${attempt}`,
  message: (operation: number, lease: number, number: number) =>
    `dispatch\0said\0${operation}\0${lease}\0${number}`,
  answer: (operation: number, lease: number, number: number) =>
    `dispatch\0answer\0${operation}\0${lease}\0${number}`,
  outcome: (operation: number, lease: number) => `dispatch\0outcome\0${operation}\0${lease}`,
  agent: (tenant: number, instance: string) => `dispatch\0agent\0${tenant}\0${instance}`,
};
