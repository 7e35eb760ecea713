/** One script on one host: the connection is made for it and closed after it. The host's key is the one that was pinned, or nothing is sent. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Client } from 'ssh2';
import { allowedAddressesOf } from '../../../net/safe-agents.js';
import { nameOf, type SshHost, type SshPool } from './ssh-settings.js';

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
 * @param args told to the script as `$1`, `$2`, …
 * @throws Unreachable, WrongHost, DomainError `invalid` (`address-not-allowed`)
 */
export async function runOn(
  pool: SshPool,
  host: SshHost,
  script: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Ran> {
  const [address] = await allowedAddressesOf(host.host, host.port, pool.allowlist);
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
        port: host.port,
        username: host.user,
        ...(pool.privateKey === null ? {} : { privateKey: pool.privateKey }),
        ...(pool.passphrase === null ? {} : { passphrase: pool.passphrase }),
        ...(pool.password === null ? {} : { password: pool.password }),
        readyTimeout: READY,
        keepaliveInterval: 10_000,
        hostVerifier: (key: Buffer) => {
          strange = !isPinned(key, host.hostKey);
          return !strange;
        },
      });
    });
    return await execute(client, script, args);
  } catch (error) {
    signal.throwIfAborted();
    if (strange) {
      throw new WrongHost(
        `${nameOf(host)} shows another host key than the one that is pinned: nothing was sent`,
      );
    }
    throw new Unreachable(`${nameOf(host)} cannot be reached: ${(error as Error).message}`);
  } finally {
    signal.removeEventListener('abort', stop);
    client.on('error', () => {});
    client.end();
  }
}

function isPinned(key: Buffer, pinned: string): boolean {
  const shown = createHash('sha256').update(key).digest();
  const wanted = Buffer.from(pinned.slice('SHA256:'.length), 'base64');
  return wanted.length === shown.length && timingSafeEqual(shown, wanted);
}

function execute(client: Client, script: string, args: readonly string[]): Promise<Ran> {
  const command = ['sh', '-s', '--', ...args.map(quoted)].join(' ');
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      client.destroy();
      reject(new Error(`a script took longer than ${LONGEST / 1000} s`));
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
      stream.end(script);
    });
  });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
