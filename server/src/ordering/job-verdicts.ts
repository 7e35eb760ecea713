/** What an execution that ended means for the jobs of it, and for the servers that it was about. Pure. */
import type { ErrandServer } from './errand-task.js';
import type { ErrandRow } from './errands.store.js';
import type { JobRow, NewsRow } from './jobs.store.js';
import type { JobOutcome } from './order-state.js';

export const OUTCOMES: Readonly<Record<NewsRow['status'], JobOutcome>> = {
  terminated: 'SUCCESS',
  failed: 'FAILURE',
  cancelled: 'CANCELED',
};

export const ENDS = { SUCCESS: 'terminated', FAILURE: 'failed', CANCELED: 'cancelled' } as const;

/** A part has done what it should where its instances say so, however the whole ended. */
export function partOutcome(
  job: JobRow,
  status: NewsRow['status'],
  instances: readonly { readonly node: string; readonly state: string }[],
): JobOutcome {
  const own = instances.filter(({ node }) => job.nodes?.includes(node) === true);
  const done = job.type === 'decom' ? ['deleted', 'uninitialized'] : ['started'];
  if (status === 'terminated' && (own.length === 0 || job.type === 'modify')) return 'SUCCESS';
  if (job.type === 'modify' || own.length === 0) return OUTCOMES[status];
  if (own.every(({ state }) => done.includes(state))) return 'SUCCESS';
  return status === 'cancelled' ? 'CANCELED' : 'FAILURE';
}

export function failedServers(
  errand: ErrandRow,
  news: NewsRow,
  instances: readonly { readonly node: string; readonly state: string }[],
): number[] {
  if (errand.task.kind !== 'build' || news.status === 'terminated') return [];
  const stands = (server: ErrandServer) =>
    instances.some(({ node, state }) => node === server.node && state === 'started');
  return errand.task.servers.filter((server) => !stands(server)).map(({ uid }) => uid);
}

/** Clients read the number of the server out of it. */
export function outputOf(job: JobRow, errand: ErrandRow | null): string {
  const task = errand?.task;
  if (task === undefined || task.kind === 'act') return '';
  const servers = task.kind === 'modify' ? [task.server] : task.servers;
  const server = servers.find(({ uid }) => uid === job.serverUid);
  if (server === undefined) return '';
  const named = `server ${server.hostname} (ID ${server.number})`;
  if (task.kind === 'build') return `Provisioned ${named}`;
  if (task.kind === 'remove') return `Deleted ${named}`;
  const changes = Object.entries(task.plan.delta).map(([name, delta]) => `${name}: ${delta}`);
  return `Modified ${named}: ${changes.join(', ')}`;
}
