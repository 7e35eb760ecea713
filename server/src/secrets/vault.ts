/**
 * Encryption of kept values: envelopes. Each value is sealed with AES-256-GCM under a random key of its own, and that key
 * under the master key, which the database never sees. What always holds:
 *
 * - A key seals one value once: with a fresh 256-bit key for each write, nonces cannot collide.
 * - Both seals are bound to the place of the value (tenant and key of the secret): a row copied onto another row, or
 *   into another tenant, does not open.
 * - What was altered, or sealed under another master key, does not open; it never opens to something else.
 *
 * A new master key would mean sealing the small keys anew, not the values. What this does not protect against: whoever
 * has the master key and the database, and whoever may read the server's memory.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { DomainError } from '../errors.js';

const CIPHER = 'aes-256-gcm';
const NONCE = 12;
const TAG = 16;
const KEY = 32;

export interface Sealed {
  readonly sealed: Buffer;
  readonly sealedKey: Buffer;
}

export class Vault {
  /** Names the master key without telling anything about it. */
  readonly fingerprint: string;
  readonly #masterKey: Buffer;

  constructor(masterKey: Buffer) {
    if (masterKey.length !== KEY)
      throw new Error(`a master key has ${KEY} bytes, this one ${masterKey.length}`);
    this.#masterKey = Buffer.from(masterKey);
    this.fingerprint = createHash('sha256')
      .update('orrery master key')
      .update(masterKey)
      .digest('hex')
      .slice(0, 32);
  }

  /** @param place where the value is kept; must be given again to open it */
  seal(value: string, place: string): Sealed {
    const key = randomBytes(KEY);
    return {
      sealed: encrypt(key, Buffer.from(value), `value\0${place}`),
      sealedKey: encrypt(this.#masterKey, key, `key\0${place}`),
    };
  }

  /** @throws DomainError `unavailable` (`secret-unreadable`) */
  open({ sealed, sealedKey }: Sealed, place: string): string {
    try {
      const key = decrypt(this.#masterKey, sealedKey, `key\0${place}`);
      return decrypt(key, sealed, `value\0${place}`).toString();
    } catch (cause) {
      throw new DomainError(
        'unavailable',
        'secret-unreadable',
        'A kept secret cannot be opened: it was altered, or encrypted under another master key',
        { cause },
      );
    }
  }
}

/** @param text 32 bytes, in hexadecimal or base64 */
export function masterKeyFrom(text: string): Buffer {
  const key = /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (key.length !== KEY) throw new Error('the master key must be 32 bytes in hexadecimal or base64');
  return key;
}

/** A random master key, as text. */
export function newMasterKey(): string {
  return randomBytes(KEY).toString('base64');
}

/** Nonce, ciphertext, tag. */
function encrypt(key: Buffer, plain: Buffer, context: string): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG });
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, box: Buffer, context: string): Buffer {
  if (box.length < NONCE + TAG) throw new Error('too short');
  const decipher = createDecipheriv(CIPHER, key, box.subarray(0, NONCE), { authTagLength: TAG });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(box.subarray(box.length - TAG));
  return Buffer.concat([decipher.update(box.subarray(NONCE, box.length - TAG)), decipher.final()]);
}
