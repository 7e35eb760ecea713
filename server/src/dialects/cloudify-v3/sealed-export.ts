/**
 * Values of exported secrets under a passphrase, as Cloudify's managers write and read them: a Fernet token, but with
 * AES-256. The key is PBKDF2 of the passphrase with a fixed salt and few rounds by today's measure; that is the format that
 * others read, so a passphrase must carry its weight alone. Snapshots do better (secrets/passphrase.ts).
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  pbkdf2,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

const VERSION = 0x80;
const ROUNDS = 100_000;
const SALT = 'salt_';
/** Version, time, initial vector. */
const HEAD = 1 + 8 + 16;
const MAC = 32;

export interface ExportKey {
  readonly signing: Buffer;
  readonly encryption: Buffer;
}

/** Takes some 100 ms, off the main thread. */
export function exportKeyOf(passphrase: string): Promise<ExportKey> {
  return new Promise((resolve, reject) => {
    pbkdf2(passphrase, SALT, ROUNDS, 64, 'sha256', (error, key) =>
      error === null
        ? resolve({ signing: key.subarray(0, 32), encryption: key.subarray(32) })
        : reject(error),
    );
  });
}

export function sealExported(value: string, key: ExportKey): string {
  const iv = randomBytes(16);
  const head = Buffer.alloc(9);
  head.writeUInt8(VERSION, 0);
  head.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000)), 1);
  const cipher = createCipheriv('aes-256-cbc', key.encryption, iv);
  const body = Buffer.concat([head, iv, cipher.update(value, 'utf8'), cipher.final()]);
  const token = Buffer.concat([body, macOf(body, key)]);
  return token.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** Null: it is no token, was altered, or is under another passphrase. */
export function openExported(token: string, key: ExportKey): string | null {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length < HEAD + 16 + MAC || bytes[0] !== VERSION) return null;
  const body = bytes.subarray(0, bytes.length - MAC);
  if (!timingSafeEqual(macOf(body, key), bytes.subarray(bytes.length - MAC))) return null;
  try {
    const decipher = createDecipheriv('aes-256-cbc', key.encryption, body.subarray(9, HEAD));
    return Buffer.concat([decipher.update(body.subarray(HEAD)), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

function macOf(body: Buffer, key: ExportKey): Buffer {
  return createHmac('sha256', key.signing).update(body).digest();
}
