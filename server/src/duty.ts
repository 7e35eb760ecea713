/** Whether this process works: as long as its node belongs to the cluster, or there is no cluster to belong to. */
import { hostname, networkInterfaces } from 'node:os';
import type { Membership, Standing } from './cluster/membership.js';
import { startWork, type Work, type WorkParts } from './work.js';

export interface Duty {
  /** What keeps this process from being of use; empty: nothing. */
  troubles(): readonly string[];
  stop(): Promise<void>;
}

/**
 * Joins where the settings say how, works as soon as it may, and leaves when its node is to go. A process that only answers
 * requests has nothing to end.
 */
export async function keepDuty(
  parts: WorkParts,
  membership: Membership,
  voice: { tell(sentence: string): void },
): Promise<Duty> {
  const { core, log } = parts;
  const { role, joinCredentials } = core.settings;
  let work: Work | null = null;
  let stopped = false;
  // One change after the other: a node may be told to go while its worker still starts.
  let changing: Promise<void> = Promise.resolve();

  async function follow({ works, draining, node }: Standing): Promise<void> {
    if (stopped) return;
    if (works && work === null && role !== 'api') {
      work = await startWork({ ...parts, mayChore: () => membership.standing.master });
    }
    if (!works && work !== null) {
      log.info({ node }, 'takes no new work');
      await work.stop();
      work = null;
    }
    if (!draining) return;
    await membership.leave();
    log.info({ node }, 'has left the cluster');
  }

  const { works, draining, removed, node } = membership.standing;
  if (!works && !draining && !removed && joinCredentials !== '') {
    await core.cluster.joinAtStart(joinCredentials).catch((error: Error) => {
      log.error({ err: error, node }, 'cannot join the cluster');
      voice.tell(`This node cannot join the cluster: ${error.message}`);
    });
  }
  if (!membership.standing.works) {
    voice.tell(`This node, ${node}, does not belong to the cluster: it does not work until it joins.`);
  }
  await follow(membership.standing);
  membership.watch((standing) => {
    changing = changing
      .then(() => follow(standing))
      .catch((error: unknown) => log.error({ err: error, node }, 'cannot follow what the cluster wants'));
  });

  return {
    troubles: () => {
      const { draining, removed } = membership.standing;
      if (removed) return ['this node was removed from the cluster'];
      if (draining) return ['this node is leaving the cluster'];
      return work?.troubles() ?? [];
    },
    stop: async () => {
      stopped = true;
      await changing;
      await work?.stop();
    },
  };
}

/** As a name of a node: a machine's own may have characters that a URL would quote, or begin with a digit. */
export function nameOfThisMachine(): string {
  const name = hostname()
    .replace(/[^A-Za-z0-9_.~-]/g, '-')
    .slice(0, 200);
  return /^[A-Za-z]/.test(name) ? name : `node-${name}`;
}

/** Where others find it, as far as one can tell: where it listens, else its first address that is not its own alone. */
export function addressOfThisMachine(host: string): string {
  const wildcard = host === '0.0.0.0' || host === '::';
  if (!wildcard) return host;
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}
