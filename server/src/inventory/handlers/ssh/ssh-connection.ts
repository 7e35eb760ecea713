/** One script on one host of a pool. The host's key is the one that was pinned, or nothing is sent. */
import { type Ran, runOverSsh } from '../../../net/ssh-command.js';
import type { SshHost, SshPool } from './ssh-settings.js';

/**
 * @param args told to the script as `$1`, `$2`, …
 * @throws Unreachable, WrongHost, DomainError `invalid` (`address-not-allowed`)
 */
export function runOn(
  pool: SshPool,
  { host, port, user, hostKey }: SshHost,
  script: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Ran> {
  const { privateKey, passphrase, password, allowlist } = pool;
  const isRight = (fingerprint: string) => fingerprint === hostKey;
  const target = { host, port, user, privateKey, passphrase, password, allowlist, isRight };
  return runOverSsh(target, ['sh', '-s', '--', ...args.map(quoted)].join(' '), script, signal);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
