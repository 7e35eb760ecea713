/** Orders and jobs with everything that they stand on, joined for `core.ts`. */
import type { Caller } from '../caller.js';
import type { BlueprintUploads } from '../catalog/blueprint-uploads.js';
import type { Blueprints } from '../catalog/blueprints.js';
import type { Callers } from '../identity/callers.js';
import type { Deployments } from '../orchestration/deployments.js';
import type { Executions } from '../orchestration/executions.js';
import type { NodeInstances } from '../orchestration/node-instances.js';
import type { TaskGraphs } from '../orchestration/task-graphs.js';
import type { Pool } from '../store/pool.js';
import type { Signals } from '../store/signals.js';
import { ActionRuns } from './action-runs.js';
import type { ActionUses } from './action-uses.js';
import { ActionWorks, type SendRequest } from './action-works.js';
import type { Actions } from './actions.js';
import { Awaiting, jobHint, orderHint } from './awaiting.js';
import { BeginRuns } from './begin-runs.js';
import { CarryOut, type CarryOutParts, lent } from './carry-out.js';
import type { ConditionRules } from './condition-rules.js';
import { selectErrand } from './errands.store.js';
import type { Groups } from './groups.js';
import { Homes } from './homes.js';
import { Jobs } from './jobs.js';
import type { OrderingSettings } from './order-submission.js';
import { DUE } from './order-worker.js';
import { Orders } from './orders.js';
import { OrdersByAction } from './orders-by-action.js';
import type { Passwords } from './passwords.js';
import { ItemPlanner } from './plan-items.js';
import { QuotaBook } from './quota-book.js';
import type { Rights } from './rights.js';
import { RuleSchedules } from './rule-schedules.js';
import type { ServerBook } from './server-book.js';
import { Settlement } from './settle.js';
import { Triggers } from './triggers.js';

export interface OrderingParts {
  readonly pool: Pool;
  readonly signals: Signals;
  readonly rights: Rights;
  readonly groups: Groups;
  readonly callers: Callers;
  readonly blueprints: Blueprints;
  readonly uploads: BlueprintUploads;
  readonly deployments: Deployments;
  readonly executions: Executions;
  readonly taskGraphs: TaskGraphs;
  readonly nodeInstances: NodeInstances;
  readonly actions: Actions;
  readonly actionUses: ActionUses;
  readonly conditionRules: ConditionRules;
  readonly servers: ServerBook;
  readonly passwords: Passwords;
  readonly settings: OrderingSettings;
  readonly sendWebhook: SendRequest;
  readonly before?: CarryOutParts['before'];
  readonly beforeBegun?: ((run: number) => Promise<void>) | undefined;
}

export interface OrderingServices {
  readonly orders: Orders;
  readonly jobs: Jobs;
  readonly quotaBook: QuotaBook;
  readonly carryOut: CarryOut;
  readonly settlement: Settlement;
  readonly awaiting: Awaiting;
  readonly ordersByAction: OrdersByAction;
  readonly actionRuns: ActionRuns;
  readonly beginRuns: BeginRuns;
  readonly actionWorks: ActionWorks;
  readonly ruleSchedules: RuleSchedules;
  readonly triggers: Triggers;
}

export function orderingServices(parts: OrderingParts): OrderingServices {
  const { pool, signals, rights, groups, callers, servers, executions } = parts;
  const wake = {
    due: () => signals.send(DUE),
    changed: (tenant: number, number: number) => signals.send(orderHint(tenant, number)),
  };
  const jobs = new Jobs({ pool, rights, executions, taskGraphs: parts.taskGraphs, deputy: lent, wake });
  const jobChanged = (tenant: number, number: number) => signals.send(jobHint(tenant, number));
  const homes = new Homes(parts);
  const triggers = new Triggers({ ...parts, jobs, due: wake.due });
  const submitting = {
    pool,
    groups,
    rights,
    servers,
    triggers,
    passwords: parts.passwords,
    planner: new ItemPlanner(parts),
    settings: parts.settings,
    // In the tenant of whoever acts, with the owner's own rights.
    actors: (username: string, by: Caller) =>
      username === by.username
        ? Promise.resolve(by)
        : callers.actingAs(username, by.tenant?.name ?? null, by.requestId, { visitor: true }),
    wake,
  };
  const ordersByAction = new OrdersByAction(submitting);
  const beginRuns: BeginRuns = new BeginRuns({
    ...{ pool, callers, executions, servers, homes, jobChanged, lent },
    orders: ordersByAction,
    due: wake.due,
    withoutExecution: async (tenant, uid, outcome, message) => {
      const errand = await selectErrand.one(pool, tenant, [uid]);
      if (errand !== null) await settlement.withoutExecution(errand, outcome, message);
    },
    beforeBegun: parts.beforeBegun,
  });
  const settlement: Settlement = new Settlement({
    ...parts,
    actor: (errand) => carryOut.actor(errand),
    runs: beginRuns,
    triggers,
    due: wake.due,
    changed: wake.changed,
    jobChanged,
  });
  const carryOut: CarryOut = new CarryOut({ ...parts, settlement, homes, triggers });
  const orders = new Orders({ ...submitting, blueprints: parts.blueprints });
  const actionRuns = new ActionRuns({ ...parts, jobs, orders, ordersByAction, wake });
  return {
    orders,
    jobs,
    quotaBook: new QuotaBook(pool),
    carryOut,
    settlement,
    awaiting: new Awaiting(signals),
    ordersByAction,
    actionRuns,
    beginRuns,
    actionWorks: new ActionWorks({ pool, servers, send: parts.sendWebhook }),
    ruleSchedules: new RuleSchedules({ pool, callers, runs: actionRuns }),
    triggers,
  };
}
