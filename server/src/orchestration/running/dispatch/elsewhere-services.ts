/** The services about workers that stand elsewhere, put together for `core.ts`. */
import { readFileSync } from 'node:fs';
import type { PackageToRun } from '../../../catalog/plugin-packages.js';
import { DomainError } from '../../../errors.js';
import type { Reaching } from '../../../plugins/agent/agent-keeper.js';
import type { Pool } from '../../../store/pool.js';
import type { Signals } from '../../../store/signals.js';
import { HostAgents } from './host-agents.js';
import { RemoteWorkers } from './remote-workers.js';
import type { DispatchVault } from './seal.js';
import type { Shelf } from './store-dispatcher.js';

export interface ElsewhereServices {
  readonly remoteWorkers: RemoteWorkers;
  readonly hostAgents: HostAgents;
}

export interface ElsewhereParts {
  readonly pool: Pool;
  readonly vault: DispatchVault;
  readonly signals: Signals;
  readonly shelf: Shelf<PackageToRun>;
  readonly allowlist: Reaching['allowlist'];
  readonly settings: {
    readonly remoteLeaseSeconds: number;
    readonly agentUrl: string;
    readonly agentCertificateFile: string;
    readonly agentHostKeys: Reaching['hostKeys'];
  };
}

export function elsewhereServices({ settings, allowlist, ...parts }: ElsewhereParts): ElsewhereServices {
  return {
    remoteWorkers: new RemoteWorkers({ ...parts, lease: settings.remoteLeaseSeconds }),
    hostAgents: new HostAgents({
      ...parts,
      url: settings.agentUrl.replace(/\/$/, ''),
      certificate: () => certificateIn(settings.agentCertificateFile),
      reaching: { allowlist, hostKeys: settings.agentHostKeys },
    }),
  };
}

/** Read anew each time: it may have been renewed. @throws DomainError `unavailable` */
function certificateIn(file: string): string | null {
  if (file === '') return null;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = `ORRERY_AGENT_CERTIFICATE_FILE cannot be read: ${(error as Error).message}`;
    throw new DomainError('unavailable', 'agent-certificate-unreadable', why);
  }
}
