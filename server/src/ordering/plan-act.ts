/** An action as an item of an order: where somebody is to agree to it, or where it makes more or fewer of what there is. */
import type { Caller, TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import type { Queryable } from '../store/statement.js';
import type { ActionTask } from './action-task.js';
import type { ActionUse, ActionUses } from './action-uses.js';
import type { Actions } from './actions.js';
import type { ActPlan, ItemRequest } from './order-items.js';
import { summaryOf } from './order-summary.js';
import { planAction } from './plan-action.js';
import { type PlanParts, refused, requireServer } from './plan-change.js';
import { requireResource } from './plan-removal.js';
import { refOf, shown } from './plan-servers.js';
import type { PlannedItem, PlanningOrder } from './planned.js';
import { costOf } from './rates.js';
import type { KnownServer } from './server-book.js';
import { namedAs } from './wished-parameters.js';

export interface ActParts extends PlanParts {
  readonly actions: Actions;
  readonly actionUses: ActionUses;
}

type ActRequest = Extract<ItemRequest, { kind: 'act' }>;

const MOST_AT_ONCE = 50;

/** @throws DomainError `not-found`; `forbidden`; `conflict` (`action-disabled`); `invalid` (`server-elsewhere`, `server-over`, `action-…`, `scale-…`) */
export async function planAct(
  db: Queryable,
  caller: Caller,
  scope: TenantScope,
  order: PlanningOrder,
  request: ActRequest,
  parts: ActParts,
): Promise<PlannedItem> {
  const { target, servers } = await targetOf(db, caller, scope, order, request, parts);
  const use = await parts.actionUses.find(caller, request.on, request.action, db);
  requireEnabled(use);
  const about =
    request.on === 'server'
      ? { servers: [target.uid], resource: null }
      : { servers: [], resource: target.uid };
  const scaling = use.builtin === 'scale' ? scaled(request.inputs, servers) : null;
  const work =
    scaling === null ? await ownWork(db, scope, use, request.inputs, parts) : { ...scaling.work, inputs: {} };
  const sibling = scaling === null ? undefined : servers.find(({ node }) => node === scaling.node);
  const takes = Array.from({ length: Math.max(0, scaling?.delta ?? 0) }, () => takeLike(sibling!, parts));
  const plan: ActPlan = {
    kind: 'act',
    on: request.on,
    target: refOf(target),
    task: { ...work, ...about, label: use.label, home: null },
    scaled: scaling?.node ?? null,
    takes,
  };
  const environments = new Set(servers.map(({ environment }) => environment?.uid));
  const one = sibling === undefined ? 0 : takeLike(sibling, parts).cost;
  return {
    asked: {
      kind: 'act',
      on: request.on,
      target: refOf(target),
      action: { uid: use.uid, number: use.number, code: use.code, name: use.label },
      inputs: request.inputs,
    },
    plan,
    rate: one * (scaling?.delta ?? 0),
    summary: summaryOf(plan),
    environments: parts.facts.environments.filter(({ uid }) => environments.has(uid)),
    passwords: [],
  };
}

async function targetOf(
  db: Queryable,
  caller: Caller,
  scope: TenantScope,
  order: PlanningOrder,
  { on, target: key }: ActRequest,
  { servers, rights }: ActParts,
) {
  if (on === 'server') {
    const [server] = await servers.byKeys(db, scope, [key]);
    if (server === undefined) throw notFound('Server', shown(key));
    await requireServer(db, caller, order, server, 'server.run_action', rights);
    return { target: server, servers: [server] };
  }
  const [resource] = await servers.resourcesByKeys(db, scope, [key]);
  if (resource === undefined) throw notFound('Resource', shown(key));
  await requireResource(db, caller, order, resource, 'resource.run_action', rights);
  if (resource.deploymentId === null)
    throw refused('server-not-built-here', `'${resource.name}' has no deployment (yet)`, 'resource');
  return { target: resource, servers: await servers.ofResource(db, scope, resource.uid) };
}

async function ownWork(
  db: Queryable,
  scope: TenantScope,
  use: ActionUse,
  given: JsonObject,
  { actions }: ActParts,
): Promise<Pick<ActionTask, 'work' | 'inputs'>> {
  const [action] = use.actionUid === null ? [] : await actions.byKeys(db, scope, [use.actionUid]);
  if (action === undefined)
    throw refused(
      'action-not-orderable',
      `Action '${use.label}' is no item of an order: order the end of the resource`,
      'action',
    );
  return planAction(action, given, 'run', true);
}

/** Inputs `tier` (what `_links.servers` names so; the only one, where there is one) and `delta` (1). */
function scaled(inputs: JsonObject, servers: readonly KnownServer[]) {
  const given = new Map(Object.entries(inputs).map(([name, value]) => [namedAs(name), value]));
  const unknown = [...given.keys()].find((name) => name !== 'tier' && name !== 'delta');
  if (unknown !== undefined)
    throw refused('parameter-unknown', `Parameter named '${unknown}' does not exist`, unknown);
  const tiers = [...new Set(servers.flatMap(({ node }) => (node === null ? [] : [node])))];
  const wanted = given.get('tier') ?? (tiers.length === 1 ? tiers[0]! : null);
  const node = tiers.find((tier) => tier === wanted);
  if (node === undefined) {
    throw refused(
      'scale-tier',
      `tier must be one of: ${tiers.join(', ') || 'none, since there are no servers'}`,
      'tier',
    );
  }
  const delta = Number(given.get('delta') ?? 1);
  if (!Number.isInteger(delta) || delta === 0 || Math.abs(delta) > MOST_AT_ONCE)
    throw refused(
      'scale-delta',
      `delta must be a whole number from -${MOST_AT_ONCE} to ${MOST_AT_ONCE}, and not 0`,
      'delta',
    );
  const there = servers.filter((server) => server.node === node).length;
  if (there + delta < 1)
    throw refused(
      'scale-delta',
      `There are ${there} servers of tier ${node}: the last one goes with its resource`,
      'delta',
    );
  const parameters = { scalable_entity_name: node, delta };
  return {
    node,
    delta,
    work: {
      work: { kind: 'workflow', workflow: 'scale', parameters, ofServer: false, custom: false } as const,
    },
  };
}

function takeLike(server: KnownServer, { facts }: ActParts): ActPlan['takes'][number] {
  const { environment, account, cpus, memoryMb, diskGb } = server;
  const { total } = costOf({ ...server, environment: environment?.uid ?? 0, applications: [] }, facts.rates);
  return { environment: environment?.uid ?? null, account, cpus, memoryMb, diskGb, cost: total };
}

/** @throws DomainError `conflict` (`action-disabled`) */
export function requireEnabled({ enabled, label }: Pick<ActionUse, 'enabled' | 'label'>): void {
  if (enabled) return;
  throw new DomainError('conflict', 'action-disabled', `Action '${label}' is disabled`);
}
