/** Has actions run at the points at which they are to run by themselves: about an order, or about what one of its errands builds or takes away. */
import type { TenantScope } from '../caller.js';
import { DomainError } from '../errors.js';
import type { UserId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { runsForErrand } from './action-runs.store.js';
import type { ActionUses } from './action-uses.js';
import type { Actions } from './actions.js';
import { type ErrandRow, lockErrand, putOffErrand } from './errands.store.js';
import type { Jobs } from './jobs.js';
import { planAction, problemOf } from './plan-action.js';
import { startRun } from './start-run.js';
import type { TriggerPoint } from './trigger-points.js';

export interface TriggersParts {
  readonly pool: Pool;
  readonly actions: Actions;
  readonly actionUses: ActionUses;
  readonly jobs: Pick<Jobs, 'start'>;
  /** Told after a commit that there is something to begin. A hint. */
  readonly due: () => void;
}

/** What is happening. */
export interface Happening {
  readonly point: TriggerPoint;
  /** Who acts. */
  readonly owner: UserId;
  readonly groupUid: number | null;
  /** orders.uid; null: it is about none. */
  readonly order: number | null;
  /** order_errands.uid */
  readonly errand?: number;
  readonly servers?: readonly number[];
  readonly resource?: number | null;
}

/** Seconds that an errand waits before it looks again by itself; it is told when what it waits for is over. */
const LOOKS_AGAIN = 30;

export class Triggers {
  readonly #parts: TriggersParts;

  constructor(parts: TriggersParts) {
    this.#parts = parts;
  }

  /** In the transaction of what happens. @returns how many actions run */
  async fire(client: Client, scope: TenantScope, happening: Happening): Promise<number> {
    const { actions, actionUses, jobs } = this.#parts;
    const { point, owner, groupUid, order, errand, servers = [], resource = null } = happening;
    const uses = await actionUses.enabled(client, scope, 'trigger', { triggerPoint: point });
    let count = 0;
    for (const use of uses) {
      const [action] = use.actionUid === null ? [] : await actions.byKeys(client, scope, [use.actionUid]);
      if (action === undefined || problemOf(action) !== null) continue;
      const role = point === 'order_approval' ? 'decide' : 'run';
      await startRun(client, scope, jobs, {
        type: 'orchestration_hook',
        subject: use.label,
        groupUid,
        task: {
          ...planAction(action, {}, role, false),
          label: use.label,
          servers,
          resource,
          home: `orchestration-action-${use.number}`,
        },
        owner,
        ...(order === null ? {} : { order }),
        ...(errand === undefined ? {} : { errand }),
        point,
      });
      count += 1;
    }
    return count;
  }

  /** After the commit: there may be something to begin. */
  told(): void {
    this.#parts.due();
  }

  /**
   * Whether an errand that is due has to wait for actions that come before it; they are begun where they are not.
   *
   * @throws DomainError `invalid` (`action-failed`) where one of them did not end well
   */
  async holds(errand: ErrandRow): Promise<boolean> {
    const { pool, due } = this.#parts;
    const { tenantId, uid, task } = errand;
    if (task.kind === 'modify' || task.kind === 'act') return false;
    const point = task.kind === 'build' ? 'pre_provision' : 'pre_decom';
    const before = await runsForErrand.all(pool, tenantId, [uid, point]);
    if (before.length === 0) {
      const begun = await inTransaction(pool, async (client) => {
        if ((await lockErrand.one(client, tenantId, [uid]))?.state !== 'due') return 0;
        const meanwhile = await runsForErrand.all(client, tenantId, [uid, point]);
        return meanwhile.length > 0 ? meanwhile.length : this.#fireFor(client, errand, point);
      });
      if (begun === 0) return false;
      due();
    }
    // Before the look that counts: what ends after it says so itself.
    await putOffErrand.run(pool, tenantId, [uid, LOOKS_AGAIN]);
    const runs = await runsForErrand.all(pool, tenantId, [uid, point]);
    const failed = runs.find(({ outcome }) => outcome !== null && outcome !== 'SUCCESS');
    if (failed !== undefined) {
      throw new DomainError(
        'invalid',
        'action-failed',
        `Action '${failed.label}' comes before it, and ended with ${failed.outcome}`,
      );
    }
    return runs.some(({ outcome }) => outcome === null);
  }

  /** What comes after an errand that has ended well, in the transaction of its end. */
  async fireAfter(client: Client, errand: ErrandRow): Promise<number> {
    const { task } = errand;
    if (task.kind === 'modify' || task.kind === 'act') return 0;
    return this.#fireFor(client, errand, task.kind === 'build' ? 'post_provision' : 'post_decom');
  }

  async #fireFor(client: Client, errand: ErrandRow, point: TriggerPoint): Promise<number> {
    const { tenantId, tenantName, task, ownerId, groupUid, orderUid, uid } = errand;
    const scope: TenantScope = { tenantId, tenantName, userId: ownerId, seesPrivate: true };
    const about =
      task.kind === 'modify' || task.kind === 'act'
        ? {}
        : { servers: task.servers.map((server) => server.uid), resource: task.resource };
    return this.fire(client, scope, {
      point,
      owner: ownerId,
      groupUid,
      order: orderUid,
      errand: uid,
      ...about,
    });
  }
}
