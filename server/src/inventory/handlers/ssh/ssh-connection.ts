/** One script on one host of a pool. The host's key is the one that was pinned, or nothing is sent. */
import { type Ran, runOverSsh, type SshTarget } from '../../../net/ssh-command.js';
import type { SshHost, SshPool } from './ssh-settings.js';

/**
 * @param args told to the script as `$1`, `$2`, …
 * @throws Unreachable, WrongHost, DomainError `invalid` (`address-not-allowed`)
 */
export function runOn(
  pool: SshPool,
  host: SshHost,
  script: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Ran> {
  return runOverSsh(targetOf(pool, host), ['sh', '-s', '--', ...args.map(quoted)].join(' '), script, signal);
}

/** Likewise, with something that only the script may read: on its standard input, where no list of processes shows it. */
export function feedOn(
  pool: SshPool,
  host: SshHost,
  script: string,
  input: string,
  signal: AbortSignal,
): Promise<Ran> {
  return runOverSsh(targetOf(pool, host), `sh -c ${quoted(script)}`, input, signal);
}

function targetOf(pool: SshPool, { host, port, user, hostKey }: SshHost): SshTarget {
  const { privateKey, passphrase, password, allowlist } = pool;
  const isRight = (fingerprint: string) => fingerprint === hostKey;
  return { host, port, user, privateKey, passphrase, password, allowlist, isRight };
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
