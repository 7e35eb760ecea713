/** One command on one host: the connection is made for it and closed after it. Nothing is sent to a host whose key is not the right one. */
import { createHash } from 'node:crypto';
import { Client } from 'ssh2';
import type { Allowlist } from './allowlist.js';
import { allowedAddressesOf } from './safe-agents.js';

export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string | null;
  readonly passphrase: string | null;
  readonly password: string | null;
  readonly allowlist: Allowlist;
  /** Asked before anything is sent: whether `SHA256:…` is the key that this host should have. */
  isRight(fingerprint: string): boolean;
}

export interface Ran {
  /** Null: ended by a signal. */
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** The host cannot be spoken to now; another time it may. */
export class Unreachable extends Error {}
/** The host is not the one that was meant. */
export class WrongHost extends Error {}

const READY = 10_000;
const LONGEST = 10 * 60_000;
const MOST_OUTPUT = 64 * 1024;

/**
 * @param input what the command reads
 * @throws Unreachable, WrongHost, DomainError `invalid` (`address-not-allowed`)
 */
export async function runOverSsh(
  target: SshTarget,
  command: string,
  input: string,
  signal: AbortSignal,
): Promise<Ran> {
  const [address] = await allowedAddressesOf(target.host, target.port, target.allowlist);
  const name = `${target.host}:${target.port}`;
  signal.throwIfAborted();
  const client = new Client();
  let strange = false;
  const stop = () => client.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve);
      client.once('error', reject);
      client.once('close', () => reject(new Error('the connection was closed')));
      client.connect({
        host: address!,
        port: target.port,
        username: target.user,
        ...(target.privateKey === null ? {} : { privateKey: target.privateKey }),
        ...(target.passphrase === null ? {} : { passphrase: target.passphrase }),
        ...(target.password === null ? {} : { password: target.password }),
        readyTimeout: READY,
        keepaliveInterval: 10_000,
        hostVerifier: (key: Buffer) => {
          strange = !target.isRight(fingerprintOf(key));
          return !strange;
        },
      });
    });
    return await execute(client, command, input);
  } catch (error) {
    signal.throwIfAborted();
    if (strange) {
      throw new WrongHost(`${name} shows another host key than the one that is pinned: nothing was sent`);
    }
    throw new Unreachable(`${name} cannot be reached: ${(error as Error).message}`);
  } finally {
    signal.removeEventListener('abort', stop);
    client.on('error', () => {});
    client.end();
  }
}

function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function execute(client: Client, command: string, input: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      client.destroy();
      reject(new Error(`a command took longer than ${LONGEST / 1000} s`));
    }, LONGEST);
    client.once('close', () => {
      clearTimeout(late);
      reject(new Error('the connection broke off'));
    });
    client.exec(command, (error, stream) => {
      if (error !== undefined) return reject(error);
      let output = '';
      let errors = '';
      stream.on('data', (chunk: Buffer) => {
        if (output.length < MOST_OUTPUT) output += chunk.toString();
      });
      stream.stderr.on('data', (chunk: Buffer) => {
        if (errors.length < MOST_OUTPUT) errors += chunk.toString();
      });
      stream.on('close', (code: number | null) => {
        clearTimeout(late);
        resolve({ code, output, errors });
      });
      stream.end(input);
    });
  });
}
