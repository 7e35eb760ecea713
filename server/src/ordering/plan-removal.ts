/** What goes with an order: servers one by one, or whole resources with all their servers. */
import type { Caller, TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import type { Queryable } from '../store/statement.js';
import { homeOfServer } from './homes.js';
import type { ItemRequest, Ref, RemovePlan } from './order-items.js';
import { summaryOf } from './order-summary.js';
import type { GroupPermission } from './permissions.js';
import { type PlanParts, refused, requireEnvironment, requireServer } from './plan-change.js';
import { isKey, refOf, shown } from './plan-servers.js';
import type { PlannedItem, PlanningOrder } from './planned.js';
import { costOf, sum } from './rates.js';
import type { KnownServer } from './server-book.js';

/** @throws DomainError `not-found`; `forbidden`; `invalid` (`server-elsewhere`, `server-over`, `removal-empty`, `server-not-built-here`) */
export async function planRemoval(
  db: Queryable,
  caller: Caller,
  scope: TenantScope,
  order: PlanningOrder,
  request: Extract<ItemRequest, { kind: 'decommission' }>,
  { servers, rights, facts }: PlanParts,
): Promise<PlannedItem> {
  const known = await servers.byKeys(db, scope, request.servers);
  for (const key of request.servers) {
    if (!known.some((server) => isKey(server, key))) throw notFound('Server', shown(key));
  }
  for (const server of known) {
    await requireServer(db, caller, order, server, 'server.decommission', rights);
    if (request.environment !== undefined) requireEnvironment(server, request.environment);
  }
  const resources = await servers.resourcesByKeys(db, scope, request.resources);
  for (const key of request.resources) {
    if (!resources.some((resource) => isKey(resource, key))) throw notFound('Resource', shown(key));
  }
  for (const resource of resources)
    await requireResource(db, caller, order, resource, 'server.decommission', rights);
  if (known.length + resources.length === 0) {
    throw refused('removal-empty', 'Name what is to be deleted: servers or services', 'servers');
  }
  const all = new Map<number, KnownServer>(known.map((server) => [server.uid, server]));
  const whole = new Set<string>();
  for (const resource of resources) {
    if (resource.deploymentId === null) continue;
    whole.add(resource.deploymentId);
    for (const server of await servers.ofDeployment(db, scope, resource.deploymentId))
      all.set(server.uid, server);
  }
  const going = [...all.values()];
  const plan: RemovePlan = {
    kind: 'remove',
    servers: going.map(refOf),
    resources: resources.map(refOf),
    deployments: [
      ...(await deploymentsOf(db, scope, going, whole, servers)),
      ...going.filter(({ deploymentId }) => deploymentId === null).map(deploymentToBe),
      // Of what could not be built there may be nothing to take down.
      ...resources
        .filter(({ deploymentId }) => deploymentId === null)
        .map((resource) => ({ id: '', whole: true, resource: refOf(resource), instances: [] })),
    ],
  };
  const cost = going.map(
    (server) =>
      costOf({ ...server, environment: server.environment?.uid ?? 0, applications: [] }, facts.rates).total,
  );
  const environments = new Set(going.map(({ environment }) => environment?.uid));
  return {
    asked: {
      kind: 'decommission',
      ...environmentAsked(request, known),
      servers: known.map(refOf),
      resources: resources.map(refOf),
    },
    plan,
    rate: sum(cost.map((one) => -one)),
    summary: summaryOf(plan),
    environments: facts.environments.filter(({ uid }) => environments.has(uid)),
    passwords: [],
  };
}

function environmentAsked(
  request: Extract<ItemRequest, { kind: 'decommission' }>,
  known: readonly KnownServer[],
): { environment?: Ref } {
  const environment = request.environment === undefined ? null : (known[0]?.environment ?? null);
  return environment === null ? {} : { environment: refOf(environment) };
}

/** Of a server that was found: made for it when it is taken away. @throws DomainError `invalid` (`server-not-built-here`) */
function deploymentToBe(server: KnownServer): RemovePlan['deployments'][number] {
  if (server.account === null || !server.isThere) {
    throw new DomainError(
      'invalid',
      'server-not-built-here',
      `Server '${server.name}' was not built here, or not yet: there is nothing that could be taken down`,
      { details: { field: 'servers' } },
    );
  }
  return {
    id: homeOfServer(server),
    whole: true,
    resource: null,
    instances: [{ id: '', server: server.uid, node: 'server' }],
  };
}

/** A deployment goes as a whole when all of its servers do. */
async function deploymentsOf(
  db: Queryable,
  scope: TenantScope,
  going: readonly KnownServer[],
  whole: ReadonlySet<string>,
  servers: PlanParts['servers'],
): Promise<RemovePlan['deployments']> {
  const ids = new Set([
    ...whole,
    ...going.flatMap(({ deploymentId }) => (deploymentId === null ? [] : [deploymentId])),
  ]);
  const found: RemovePlan['deployments'][number][] = [];
  const parts = ids.size === 0 ? [] : await servers.resourcesOfDeployments(db, scope, [...ids]);
  for (const id of ids) {
    const there = await servers.ofDeployment(db, scope, id);
    const leaving = going.filter(({ deploymentId }) => deploymentId === id);
    const isWhole = whole.has(id) || there.every(({ uid }) => leaving.some((one) => one.uid === uid));
    const resource = parts.find(({ deploymentId, over }) => deploymentId === id && !over);
    found.push({
      id,
      whole: isWhole,
      resource: isWhole && resource !== undefined ? refOf(resource) : null,
      instances: leaving.map(({ instanceId, uid, node }) => ({
        id: instanceId ?? '',
        server: uid,
        node: node ?? '',
      })),
    });
  }
  return found;
}

/** @throws DomainError `not-found`; `forbidden`; `invalid` (`server-elsewhere`, `server-over`) */
export async function requireResource(
  db: Queryable,
  caller: Caller,
  order: PlanningOrder,
  resource: Ref & {
    readonly over: boolean;
    readonly groupUid: number | null;
    readonly ownerId: number | null;
  },
  permission: GroupPermission,
  rights: PlanParts['rights'],
): Promise<void> {
  const owns = resource.ownerId === caller.userId;
  const may =
    owns || (resource.groupUid !== null && (await rights.may(caller, permission, resource.groupUid, db)));
  if (!may) {
    const sees =
      resource.groupUid !== null && (await rights.may(caller, 'resource.view', resource.groupUid, db));
    if (!sees) throw notFound('Resource', String(resource.number));
    throw new DomainError(
      'forbidden',
      'group-permission-denied',
      `User ${caller.username} does not have the permission ${permission} for '${resource.name}'`,
    );
  }
  if (resource.groupUid !== order.group.uid) {
    throw refused('server-elsewhere', `'${resource.name}' is not in group '${order.group.name}'`, 'services');
  }
  if (resource.over) throw refused('server-over', `'${resource.name}' is Historical`, 'services');
}
