/** A pool of existing hosts: what is checked at once. */
import type { Allowlist } from '../../../net/allowlist.js';
import type { ServerHandler } from '../handler.js';
import { loadedLate } from '../loaded-late.js';
import { passwordProblemOf, readSshPool } from './ssh-settings.js';

export function createSshHandler({ allowlist }: { readonly allowlist: Allowlist }): ServerHandler {
  return {
    kind: 'ssh',
    technology: 'SSH host pool',
    passwordProblem: (access) => passwordProblemOf(readSshPool(access, allowlist)),
    open: (access) => {
      const pool = readSshPool(access, allowlist);
      return loadedLate(async () => new (await import('./ssh.js')).SshServers(pool));
    },
  };
}
