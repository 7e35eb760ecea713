/**
 * How tokens are written, by kind. Each value names its row: `ctok-ID-SECRET` says the id; the others, whose forms vendors'
 * clients dictate, have an id that is derived from them (a hash apart from the one that is compared). So every kind is found
 * by primary key, and of every kind only a SHA-256 is kept: they are random, so a slow hash would protect nothing.
 *
 * | kind | form | random bits |
 * |---|---|---|
 * | api, session, execution | `ctok-` 10 `-` 40 of a-z 0-9 | 206 |
 * | key | 51 to 256 of A-Z a-z 0-9 | 303 or more |
 * | login | 32 of 0-9 a-f | 128 |
 * | security | `l5_` 52 of a-z 0-9 | 268 |
 * | browser | `ob_` 52 of a-z 0-9 | 268 |
 */
import { createHash, randomBytes } from 'node:crypto';
import { randomName } from '../ids.js';
import type { TokenKind } from './callers.js';

export interface TokenValue {
  readonly id: string;
  readonly hash: Buffer;
  /** Kinds that are written so. */
  readonly kinds: readonly TokenKind[];
}

export interface NewTokenValue {
  readonly id: string;
  readonly hash: Buffer;
  readonly value: string;
  /** Its last characters. */
  readonly suffix: string;
}

/** Of a key, in characters. */
export const KEY_LENGTHS = { least: 51, most: 256 } as const;

const WITH_ID = /^ctok-([a-z0-9]{10})-([a-z0-9]{40})$/;
const DERIVED: readonly { readonly form: RegExp; readonly kind: TokenKind; readonly letter: string }[] = [
  { form: /^[0-9a-f]{32}$/, kind: 'login', letter: 'h' },
  { form: /^[A-Za-z0-9]{51,256}$/, kind: 'key', letter: 'k' },
  { form: /^l5_[a-z0-9]{52}$/, kind: 'security', letter: 's' },
  { form: /^ob_[a-z0-9]{52}$/, kind: 'browser', letter: 'b' },
];

/** What a shown value names; null: no token is written so. */
export function readTokenValue(value: string): TokenValue | null {
  const parts = WITH_ID.exec(value);
  if (parts !== null) {
    return { id: parts[1]!, hash: hashOf(parts[2]!), kinds: ['api', 'session', 'execution'] };
  }
  const known = DERIVED.find(({ form }) => form.test(value));
  if (known === undefined) return null;
  return { id: derivedId(known.letter, value), hash: hashOf(value), kinds: [known.kind] };
}

/** @param length of a key; other kinds have one of their own */
export function newTokenValue(kind: TokenKind, length: number = KEY_LENGTHS.least): NewTokenValue {
  if (kind === 'api' || kind === 'session' || kind === 'execution') {
    const id = randomName(10);
    const secret = randomName(40);
    return { id, hash: hashOf(secret), value: `ctok-${id}-${secret}`, suffix: secret.slice(-4) };
  }
  const value = {
    key: () => letters(length),
    login: () => randomBytes(16).toString('hex'),
    security: () => `l5_${randomName(52)}`,
    browser: () => `ob_${randomName(52)}`,
  }[kind]();
  const { letter } = DERIVED.find((one) => one.kind === kind)!;
  return { id: derivedId(letter, value), hash: hashOf(value), value, suffix: value.slice(-4) };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function letters(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length * 2)) {
      // 248 is the largest multiple of 62 below 256.
      if (byte < 248 && text.length < length) text += ALPHABET[byte % 62];
    }
  }
  return text;
}

function derivedId(letter: string, value: string): string {
  return `${letter}-${createHash('sha256').update(`orrery token id\0${value}`).digest('hex').slice(0, 32)}`;
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
