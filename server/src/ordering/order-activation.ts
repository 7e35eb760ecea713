/** What becomes of an approved order, in the transaction that approves it: servers that count, errands, and jobs to look at. */
import type { Caller, TenantScope } from '../caller.js';
import type { UserId } from '../ids.js';
import { nextNumber } from '../store/numbers.js';
import type { Client } from '../store/pool.js';
import { insertRun } from './action-runs.store.js';
import type { ErrandServer, ErrandTask } from './errand-task.js';
import { insertErrand, setBegun } from './errands.store.js';
import type { JobType } from './job-types.js';
import { insertJob } from './jobs.store.js';
import type { ActPlan, BuildPlan, ModifyPlan, RemovePlan } from './order-items.js';
import type { OrderRow } from './orders.store.js';
import type { Passwords } from './passwords.js';
import type { PlannedItem } from './planned.js';
import { type Taking, take } from './quota-book.js';
import type { ServerBook } from './server-book.js';

export interface ActivationParts {
  readonly servers: ServerBook;
  readonly passwords: Pick<Passwords, 'open'>;
  /** The owner of an order, as a caller with the rights they have now. */
  readonly actors: (username: string, by: Caller) => Promise<Caller>;
}

interface NewJob {
  readonly type: JobType;
  readonly subject: string;
  readonly nodes: readonly string[] | null;
  readonly server: number | null;
  readonly within?: readonly NewJob[];
}

type ActiveItem = PlannedItem & { readonly uid: number };

/** @param takings of each item */
export async function activate(
  parts: Pick<ActivationParts, 'servers' | 'passwords'>,
  client: Client,
  scope: TenantScope,
  order: OrderRow,
  items: readonly ActiveItem[],
  takings: readonly (readonly Taking[])[],
): Promise<void> {
  const { servers } = parts;
  const owner = (order.recipient ?? order.owner).id;
  for (const [at, item] of items.entries()) {
    const of = takings[at]!;
    switch (item.plan.kind) {
      case 'build': {
        const built = await register(client, scope, order, owner, item.plan, servers);
        for (const [nth, { uid }] of built.servers.entries()) {
          await hand(parts, client, scope, uid, item.plan.servers[nth]!.password);
        }
        await take(client, scope, item.uid, order.groupPath, withServers(of, built.servers));
        await commission(client, scope, order, item, at, built, owner);
        break;
      }
      case 'modify':
        await hand(parts, client, scope, item.plan.server.uid, item.plan.change.password);
        await take(client, scope, item.uid, order.groupPath, of);
        await change(client, scope, order, item.uid, item.plan, owner);
        break;
      case 'remove':
        await decommission(client, scope, order, item.uid, item.plan, owner);
        break;
      case 'act':
        await take(client, scope, item.uid, order.groupPath, of);
        await act(client, scope, order, item.uid, item.plan, owner);
        break;
    }
  }
}

/** From now on it is the server's own: what is done to the server finds it there, and no plan or job carries it. */
async function hand(
  { servers, passwords }: Pick<ActivationParts, 'servers' | 'passwords'>,
  client: Client,
  scope: TenantScope,
  server: number,
  id: string | undefined,
): Promise<void> {
  if (id === undefined) return;
  await servers.keepPassword(client, scope, server, await passwords.open(client, scope.tenantId, id));
}

async function register(
  client: Client,
  scope: TenantScope,
  order: OrderRow,
  owner: UserId,
  plan: BuildPlan,
  book: ServerBook,
): Promise<{ readonly servers: readonly ErrandServer[]; readonly resource: number | null }> {
  const rows =
    plan.servers.length === 0
      ? []
      : await book.register(
          client,
          scope,
          plan.servers.map((server) => ({
            hostname: server.hostname,
            account: server.account,
            groupUid: order.groupUid,
            environmentUid: server.environment.uid,
            osBuildUid: server.osBuild?.uid ?? null,
            ownerId: owner,
            node: server.node,
            cpus: server.cpus,
            memoryMb: server.memoryMb,
            diskGb: server.diskGb,
            parameters: server.parameters,
          })),
        );
  const resource =
    plan.resourceType === null
      ? null
      : await book.registerResource(client, scope, {
          name: plan.name,
          resourceTypeUid: plan.resourceType.uid,
          offerUid: plan.offer?.uid ?? null,
          groupUid: order.groupUid,
          ownerId: owner,
          ownerName: (order.recipient ?? order.owner).username,
          parameters: {},
        });
  return {
    servers: rows.map(({ uid, number, id }, at) => ({
      uid,
      number,
      id,
      node: plan.servers[at]!.node,
      hostname: plan.servers[at]!.hostname,
      instanceId: null,
    })),
    resource: resource?.uid ?? null,
  };
}

/** The deployment and the blueprint of an item, found again by whoever goes on with it. */
export function deploymentIdOf(order: { readonly number: number }, at: number): string {
  return `order-${order.number}-${at + 1}`;
}

async function commission(
  client: Client,
  scope: TenantScope,
  order: OrderRow,
  item: ActiveItem,
  at: number,
  { servers, resource }: { readonly servers: readonly ErrandServer[]; readonly resource: number | null },
  owner: UserId,
): Promise<void> {
  const plan = item.plan as BuildPlan;
  const deployment = deploymentIdOf(order, at);
  const blueprintId = plan.blueprint?.id ?? deployment;
  const task: ErrandTask = { kind: 'build', blueprintId, plan, servers, resource };
  const errand = await errandOf(client, scope, order, item.uid, 'build', deployment, task);
  const ofServers = servers.map(
    ({ node, hostname, uid }): NewJob => ({
      type: 'provision',
      subject: hostname,
      nodes: [node],
      server: uid,
    }),
  );
  const ofActions = plan.actions.map(
    ({ node, part }): NewJob => ({ type: 'orchestration_hook', subject: part, nodes: [node], server: null }),
  );
  const jobs: NewJob[] =
    item.asked.kind === 'provision'
      ? ofServers
      : [
          {
            type: 'deploy_blueprint',
            subject: plan.name,
            nodes: null,
            server: null,
            within: [...ofServers, ...ofActions],
          },
        ];
  await insertJobs(client, scope, order, errand, jobs, owner, resource);
}

async function change(
  client: Client,
  scope: TenantScope,
  order: OrderRow,
  item: number,
  plan: ModifyPlan,
  owner: UserId,
): Promise<void> {
  const { server, node, instanceId, deploymentId } = plan;
  const task: ErrandTask = {
    kind: 'modify',
    plan,
    server: {
      uid: server.uid,
      number: server.number,
      id: '',
      node: node ?? '',
      hostname: server.name,
      instanceId,
    },
  };
  const errand = await errandOf(client, scope, order, item, 'modify', deploymentId, task);
  await insertJobs(client, scope, order, errand, [jobOf('modify', task.server)], owner, null);
}

async function decommission(
  client: Client,
  scope: TenantScope,
  order: OrderRow,
  item: number,
  plan: RemovePlan,
  owner: UserId,
): Promise<void> {
  for (const { id, whole, instances, resource: gone } of plan.deployments) {
    const servers = instances.map(({ server, node, id: instanceId }): ErrandServer => {
      const { number, name } = plan.servers.find(({ uid }) => uid === server)!;
      return {
        uid: server,
        number,
        id: '',
        node,
        hostname: name,
        instanceId: instanceId === '' ? null : instanceId,
      };
    });
    const resource = gone?.uid ?? null;
    const task: ErrandTask = { kind: 'remove', whole, servers, resource };
    const errand = await errandOf(client, scope, order, item, 'remove', id === '' ? null : id, task);
    const jobs = servers.map((server) => jobOf('decom', server));
    const ofResource: NewJob = {
      type: 'delete_resource',
      subject: gone?.name ?? id,
      nodes: null,
      server: null,
      within: jobs,
    };
    const all = resource !== null || jobs.length === 0 ? [ofResource] : jobs;
    await insertJobs(client, scope, order, errand, all, owner, resource);
  }
}

/** Its errand has nothing to carry out: the run of its job does it, and what that comes to ends the errand. */
async function act(
  client: Client,
  scope: TenantScope,
  order: OrderRow,
  item: number,
  { on, target, task, scaled }: ActPlan,
  owner: UserId,
): Promise<void> {
  const errand = await errandOf(client, scope, order, item, 'act', null, {
    kind: 'act',
    resource: task.resource,
    scaled,
  });
  await setBegun.run(client, scope.tenantId, [errand, null]);
  const number = await nextNumber(client, scope.tenantId, 'job');
  const type: JobType = on === 'server' ? 'server_action' : 'resource_action';
  const server = on === 'server' ? target.uid : null;
  const of = [number, type, order.uid, errand, null, owner, order.groupUid];
  const values = [...of, target.name, null, server, task.resource];
  const { uid } = (await insertJob.one(client, scope.tenantId, values))!;
  await insertRun.one(client, scope.tenantId, [uid, JSON.stringify(task), null, null, null]);
}

function jobOf(type: JobType, { hostname, node, uid }: ErrandServer): NewJob {
  return { type, subject: hostname, nodes: [node], server: uid };
}

function withServers(takings: readonly Taking[], servers: readonly ErrandServer[]): Taking[] {
  return takings.map((taking) => ({
    ...taking,
    server: servers.find(({ node }) => node === taking.node)?.uid ?? taking.server,
  }));
}

async function errandOf(
  client: Client,
  scope: TenantScope,
  order: OrderRow,
  item: number,
  kind: ErrandTask['kind'],
  deployment: string | null,
  task: ErrandTask,
): Promise<number> {
  const values = [order.uid, item, kind, deployment, JSON.stringify(task)];
  return (await insertErrand.one(client, scope.tenantId, values))!.uid;
}

async function insertJobs(
  client: Client,
  scope: TenantScope,
  order: OrderRow,
  errand: number,
  jobs: readonly NewJob[],
  owner: UserId,
  resource: number | null,
  parent: number | null = null,
): Promise<void> {
  const { groupUid } = order;
  for (const { type, subject, nodes, server, within = [] } of jobs) {
    const number = await nextNumber(client, scope.tenantId, 'job');
    const values = [
      number,
      type,
      order.uid,
      errand,
      parent,
      owner,
      groupUid,
      subject,
      nodes,
      server,
      resource,
    ];
    const { uid } = (await insertJob.one(client, scope.tenantId, values))!;
    if (within.length > 0) await insertJobs(client, scope, order, errand, within, owner, resource, uid);
  }
}
