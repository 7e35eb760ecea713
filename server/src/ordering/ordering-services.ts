/** Orders and jobs with everything that they stand on, joined for `core.ts`. */
import type { Caller } from '../caller.js';
import type { BlueprintUploads } from '../catalog/blueprint-uploads.js';
import type { Blueprints } from '../catalog/blueprints.js';
import type { Callers } from '../identity/callers.js';
import type { Deployments } from '../orchestration/deployments.js';
import type { Executions } from '../orchestration/executions.js';
import type { TaskGraphs } from '../orchestration/task-graphs.js';
import type { Pool } from '../store/pool.js';
import type { Signals } from '../store/signals.js';
import { Awaiting, jobHint, orderHint } from './awaiting.js';
import { CarryOut, type CarryOutParts, lent } from './carry-out.js';
import type { Groups } from './groups.js';
import { Jobs } from './jobs.js';
import type { OrderingSettings } from './order-submission.js';
import { DUE } from './order-worker.js';
import { Orders } from './orders.js';
import { ItemPlanner } from './plan-items.js';
import { QuotaBook } from './quota-book.js';
import type { Rights } from './rights.js';
import type { ServerBook } from './server-book.js';
import { Settlement } from './settle.js';

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
  readonly servers: ServerBook;
  readonly settings: OrderingSettings;
  readonly before?: CarryOutParts['before'];
}

export interface OrderingServices {
  readonly orders: Orders;
  readonly jobs: Jobs;
  readonly quotaBook: QuotaBook;
  readonly carryOut: CarryOut;
  readonly settlement: Settlement;
  readonly awaiting: Awaiting;
}

export function orderingServices(parts: OrderingParts): OrderingServices {
  const { pool, signals, rights, groups, callers, servers, executions } = parts;
  const wake = {
    due: () => signals.send(DUE),
    changed: (tenant: number, number: number) => signals.send(orderHint(tenant, number)),
  };
  const settlement: Settlement = new Settlement({
    ...parts,
    actor: (errand) => carryOut.actor(errand),
    changed: wake.changed,
    jobChanged: (tenant, number) => signals.send(jobHint(tenant, number)),
  });
  const carryOut: CarryOut = new CarryOut({ ...parts, settlement });
  return {
    orders: new Orders({
      pool,
      blueprints: parts.blueprints,
      rights,
      groups,
      servers,
      planner: new ItemPlanner({ servers, rights }),
      settings: parts.settings,
      // In the tenant of whoever acts, with the owner's own rights.
      actors: (username: string, by: Caller) =>
        username === by.username
          ? Promise.resolve(by)
          : callers.actingAs(username, by.tenant?.name ?? null, by.requestId, { visitor: true }),
      wake,
    }),
    jobs: new Jobs({ pool, rights, executions, taskGraphs: parts.taskGraphs, deputy: lent, wake }),
    quotaBook: new QuotaBook(pool),
    carryOut,
    settlement,
    awaiting: new Awaiting(signals),
  };
}
