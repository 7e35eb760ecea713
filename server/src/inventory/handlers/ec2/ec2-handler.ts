/** Servers in Amazon EC2: what is checked at once, and the rest when it is first needed, because the SDK takes half a second to load. */
import type { Allowlist } from '../../../net/allowlist.js';
import type { ServerHandler } from '../handler.js';
import { loadedLate } from '../loaded-late.js';
import { EC2_PASSWORDS, ec2Config, readEc2Settings } from './ec2-settings.js';

export function createEc2Handler({ allowlist }: { readonly allowlist: Allowlist }): ServerHandler {
  return {
    kind: 'aws',
    technology: 'Amazon Web Services',
    passwordProblem: () => EC2_PASSWORDS,
    open: (access) => {
      const settings = readEc2Settings(access.settings);
      const config = ec2Config(settings, access, allowlist);
      return loadedLate(async () => (await import('./ec2.js')).ec2Servers(config, settings));
    },
  };
}
