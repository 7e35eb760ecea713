/** Settings of what workers do: pools, workers elsewhere, servers on their own host; with the others in `config.ts`. */
import { list, matching, oneOf, text, toggle, whole } from './setting.js';

export const WORKER_SETTINGS = {
  workerTags: list(
    'ORRERY_WORKER_TAGS',
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/,
    'names of pools (letters, digits and . _ -), separated by commas',
    'which pools a worker serves; central: it walks executions and runs all operations that name no pool',
    { default: ['central'] },
  ),
  spreadOperations: whole(
    'ORRERY_SPREAD_OPERATIONS',
    0,
    0,
    2000,
    'operations that name no pool run on any worker that walks executions, so many of each walking process at once; for executions too large for one machine. 0: where they are walked, which costs less',
  ),
  poolWait: whole(
    'ORRERY_POOL_WAIT',
    900,
    0,
    365 * 86_400,
    'seconds that an operation waits for a pool that no worker serves before it fails; 0 waits for ever',
  ),
  remoteLeaseSeconds: whole(
    'ORRERY_REMOTE_LEASE_SECONDS',
    60,
    5,
    86_400,
    'how long a silent remote worker keeps its operations: longer than a restart of the API, and than the breaks of its network',
  ),
  url: matching(
    'ORRERY_URL',
    '',
    /^https?:\/\/[^\s/?#]+\/?$/,
    'http://host:port or https://host:port',
    'where a remote worker finds the API; for the command line, the server it speaks to',
  ),
  workerToken: text(
    'ORRERY_WORKER_TOKEN',
    '',
    'what making the credentials has told',
    'with these credentials a remote worker comes in',
    { secret: true },
  ),
  workerTokenFile: text(
    'ORRERY_WORKER_TOKEN_FILE',
    '',
    'a file',
    'holds the credentials of a remote worker, where they should not stand in its environment',
  ),
  agentUrl: matching(
    'ORRERY_AGENT_URL',
    '',
    /^https?:\/\/[^\s/?#]+\/?$/,
    'http://host:port or https://host:port',
    'where the agents of hosts find the API; empty: no agent can be installed',
  ),
  agentCertificateFile: text(
    'ORRERY_AGENT_CERTIFICATE_FILE',
    '',
    'a file in PEM',
    'the authority behind the certificate at ORRERY_AGENT_URL, for agents; empty: one that everybody knows',
  ),
  agentHostKeys: oneOf(
    'ORRERY_AGENT_HOST_KEYS',
    ['pinned', 'first'],
    'pinned',
    'hosts that get an agent over SSH: pinned, only where the fingerprint of their key is told; first, the key that a host shows first counts from then on',
  ),
  localServers: toggle(
    'ORRERY_LOCAL_SERVERS',
    true,
    'servers of cloud accounts of kind local are processes of this host; off where operators do not want them',
  ),
  localServersMost: whole(
    'ORRERY_LOCAL_SERVERS_MOST',
    100,
    0,
    100_000,
    'each is a process of some 40 MB; so many in each cloud account',
  ),
} as const;
