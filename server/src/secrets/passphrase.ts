/**
 * A key under a passphrase: scrypt makes a key of the passphrase, and AES-256-GCM seals the other under it. The
 * parameters are ours and no others are read: somebody else's could ask for any amount of memory and time.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { DomainError } from '../errors.js';

/** 128 · n · r bytes, 32 MiB, and some 100 ms. */
const COST = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const;
const NONCE = 12;
const TAG = 16;
const CONTEXT = Buffer.from('orrery snapshot key');

/** All in base64. */
export interface PassphraseLock {
  readonly derivation: 'scrypt-32768-8-1';
  readonly salt: string;
  readonly box: string;
}

export async function lockKey(key: Buffer, passphrase: string): Promise<PassphraseLock> {
  const salt = randomBytes(16);
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', await derived(passphrase, salt), nonce, {
    authTagLength: TAG,
  });
  cipher.setAAD(CONTEXT);
  const box = Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
  return { derivation: 'scrypt-32768-8-1', salt: salt.toString('base64'), box: box.toString('base64') };
}

/** @throws DomainError `invalid` (`passphrase-wrong`) */
export async function unlockKey(lock: PassphraseLock, passphrase: string): Promise<Buffer> {
  const box = Buffer.from(lock.box, 'base64');
  try {
    const key = await derived(passphrase, Buffer.from(lock.salt, 'base64'));
    const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, NONCE), { authTagLength: TAG });
    decipher.setAAD(CONTEXT);
    decipher.setAuthTag(box.subarray(box.length - TAG));
    return Buffer.concat([decipher.update(box.subarray(NONCE, box.length - TAG)), decipher.final()]);
  } catch (cause) {
    throw new DomainError('invalid', 'passphrase-wrong', 'That is not the passphrase', { cause });
  }
}

function derived(passphrase: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, 32, COST, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}
