/**
 * Encryption of kept values: envelopes. Each value is sealed with AES-256-GCM under a random key of its own, and that key
 * under the master key, which the database never sees. What always holds:
 *
 * - A key seals one value once: with a fresh 256-bit key for each write, nonces cannot collide.
 * - Both seals are bound to the place of the value (tenant and key of the secret): a row copied onto another row, or
 *   into another tenant, does not open.
 * - What was altered, or sealed under another master key, does not open; it never opens to something else.
 * - Each box names its master key by fingerprint. A vault holds the current one and former ones, so that boxes can move
 *   from one to the next while everybody goes on (rotation.ts): moving seals the small keys anew, not the values.
 *
 * What this does not protect against: whoever has the master key and the database, and whoever may read the server's memory.
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
  /** Fingerprint of the master key that `sealedKey` is under. */
  readonly masterKey: string;
}

export interface FormerKeys {
  /** Open what is still under them, and seal nothing unless told to. */
  readonly former?: readonly Buffer[];
  /** More keys, looked for when a box names one that is not known. */
  readonly look?: () => readonly Buffer[];
}

export class Vault {
  /** Names the current master key without telling anything about it. */
  readonly fingerprint: string;
  readonly #keys = new Map<string, Buffer>();
  readonly #look: () => readonly Buffer[];

  constructor(masterKey: Buffer, { former = [], look = () => [] }: FormerKeys = {}) {
    this.fingerprint = fingerprintOf(masterKey);
    this.#look = look;
    for (const key of [...former, masterKey]) this.#keys.set(fingerprintOf(key), Buffer.from(key));
  }

  /** Whether boxes under the master key of this fingerprint can be opened. */
  holds(fingerprint: string): boolean {
    if (!this.#keys.has(fingerprint)) {
      for (const key of this.#look()) this.#keys.set(fingerprintOf(key), Buffer.from(key));
    }
    return this.#keys.has(fingerprint);
  }

  /**
   * @param place where the value is kept; must be given again to open it
   * @param under fingerprint of the master key to use, where it is not the current one
   * @throws DomainError `unavailable` (`master-key-unknown`)
   */
  seal(value: string, place: string, under = this.fingerprint): Sealed {
    const key = randomBytes(KEY);
    return {
      sealed: encrypt(key, Buffer.from(value), `value\0${place}`),
      sealedKey: encrypt(this.#key(under), key, `key\0${place}`),
      masterKey: under,
    };
  }

  /** @throws DomainError `unavailable` (`secret-unreadable`, `master-key-unknown`) */
  open({ sealed, sealedKey, masterKey }: Sealed, place: string): string {
    const under = this.#key(masterKey);
    return readable(() => {
      const key = decrypt(under, sealedKey, `key\0${place}`);
      return decrypt(key, sealed, `value\0${place}`).toString();
    });
  }

  /**
   * The small key of a box, sealed anew under another master key; the value stays as it is.
   *
   * @param to a fingerprint, or a key that is no master key of this vault
   * @throws DomainError as `open`
   */
  rewrap(box: Pick<Sealed, 'sealedKey' | 'masterKey'>, place: string, to: string | Buffer): Buffer {
    const from = this.#key(box.masterKey);
    const target = typeof to === 'string' ? this.#key(to) : to;
    return readable(() => encrypt(target, decrypt(from, box.sealedKey, `key\0${place}`), `key\0${place}`));
  }

  /** The way back of a `rewrap` to a foreign key: under the master key `to` again. @throws DomainError as `open` */
  adopt(sealedKey: Buffer, place: string, from: Buffer, to: string): Buffer {
    const target = this.#key(to);
    return readable(() => encrypt(target, decrypt(from, sealedKey, `key\0${place}`), `key\0${place}`));
  }

  #key(fingerprint: string): Buffer {
    if (this.holds(fingerprint)) return this.#keys.get(fingerprint)!;
    throw new DomainError(
      'unavailable',
      'master-key-unknown',
      `Kept secrets are under the master key ${fingerprint}, which this process does not have`,
    );
  }
}

function readable<T>(open: () => T): T {
  try {
    return open();
  } catch (cause) {
    throw new DomainError(
      'unavailable',
      'secret-unreadable',
      'A kept secret cannot be opened: it was altered, or encrypted under another master key',
      { cause },
    );
  }
}

/** Names a key without telling anything about it. */
export function fingerprintOf(key: Buffer): string {
  if (key.length !== KEY) throw new Error(`a master key has ${KEY} bytes, this one ${key.length}`);
  return createHash('sha256').update('orrery master key').update(key).digest('hex').slice(0, 32);
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
