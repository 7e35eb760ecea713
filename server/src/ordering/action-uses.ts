/** Where actions are offered: buttons on servers and resources, and points at which the server runs one by itself. */
import type { Caller, TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import {
  type ActionUseField,
  type ActionUseRow,
  actionUseList,
  deleteActionUse,
  insertActionUse,
  selectActionUse,
  selectEnabledUses,
  selectUseByLabel,
  type UsedOn,
  updateActionUse,
} from './action-uses.store.js';
import { codeTaken } from './actions.store.js';
import { requireTitle } from './names.js';
import { managingScope, orderingScope } from './rights.js';
import { keyText, keyValues, type ThingKey } from './thing-key.js';
import { triggerPointOf } from './trigger-points.js';

export type { ActionUseField, UsedOn } from './action-uses.store.js';
export type ActionUse = ActionUseRow;

export interface NewActionUse {
  readonly label: string;
  readonly description?: string;
  /** Key of an action, or what the server does itself. */
  readonly runs: { readonly actionUid: number } | { readonly builtin: 'delete' | 'scale' };
  readonly enabled?: boolean;
  readonly requiresApproval?: boolean;
  readonly synchronous?: boolean;
  readonly dangerous?: boolean;
  readonly position?: number;
  readonly resourceTypeUid?: number | null;
  /** Of `trigger` only. */
  readonly triggerPoint?: string | null;
  readonly code?: string;
}

export class ActionUses {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async list(caller: Caller, usedOn: UsedOn, query: ListQuery<ActionUseField>): Promise<ListPage> {
    const filters = [{ field: 'usedOn' as const, anyOf: [usedOn] }, ...query.filters];
    return listPage(this.#pool, actionUseList, orderingScope(caller), { ...query, filters });
  }

  /** Throws `not-found`. */
  async find(caller: Caller, usedOn: UsedOn, key: ThingKey, db: Queryable = this.#pool): Promise<ActionUse> {
    const found = await selectActionUse.one(db, orderingScope(caller).tenantId, [usedOn, ...keyValues(key)]);
    if (found === null) throw notFound('Action', keyText(key));
    return found;
  }

  /**
   * What is offered and enabled, in order.
   *
   * @param of `resourceType`: of resources, those of their type and those of every type; `triggerPoint`: of triggers
   */
  async enabled(
    db: Queryable,
    scope: TenantScope,
    usedOn: UsedOn,
    of: { readonly resourceType?: string | null; readonly triggerPoint?: string } = {},
  ): Promise<readonly ActionUse[]> {
    return selectEnabledUses.all(db, scope.tenantId, [
      usedOn,
      of.resourceType ?? null,
      of.triggerPoint ?? null,
    ]);
  }

  async byLabel(db: Queryable, scope: TenantScope, usedOn: UsedOn, label: string) {
    return selectUseByLabel.one(db, scope.tenantId, [usedOn, label]);
  }

  /** Within somebody's transaction, who has asked for the right and records it. @throws DomainError `conflict` (`action-exists`); `invalid` (`trigger-point-unknown`) */
  async insert(
    client: Client,
    scope: TenantScope,
    usedOn: UsedOn,
    use: NewActionUse,
  ): Promise<{ uid: number; number: number }> {
    requireTitle('action', use.label);
    const point = usedOn === 'trigger' ? triggerPointOf(use.triggerPoint ?? '') : null;
    const number = await nextNumber(client, scope.tenantId, `${usedOn}-action`);
    const taken =
      use.code === undefined ? null : await codeTaken.uses.one(client, scope.tenantId, [use.code, usedOn]);
    try {
      const { uid } = (await insertActionUse.one(client, scope.tenantId, [
        usedOn,
        number,
        taken === null ? (use.code ?? null) : null,
        use.label,
        use.description ?? '',
        'actionUid' in use.runs ? use.runs.actionUid : null,
        'builtin' in use.runs ? use.runs.builtin : null,
        use.enabled ?? true,
        use.requiresApproval ?? false,
        use.synchronous ?? false,
        use.dangerous ?? false,
        use.position ?? number,
        use.resourceTypeUid ?? null,
        point,
      ]))!;
      return { uid, number };
    } catch (error) {
      if ((error as { constraint?: string }).constraint !== 'action_uses_label') throw error;
      throw new DomainError(
        'conflict',
        'action-exists',
        `An action labelled '${use.label}' is offered there already`,
      );
    }
  }

  /** Likewise; what it runs stays. */
  async replace(
    client: Client,
    scope: TenantScope,
    usedOn: UsedOn,
    uid: number,
    use: NewActionUse,
  ): Promise<void> {
    await updateActionUse.run(client, scope.tenantId, [
      uid,
      use.description ?? '',
      use.enabled ?? true,
      use.requiresApproval ?? false,
      use.synchronous ?? false,
      use.dangerous ?? false,
      use.position ?? 0,
      usedOn === 'trigger' ? triggerPointOf(use.triggerPoint ?? '') : null,
    ]);
  }

  /** Needs `ordering.manage`. Throws `not-found`. */
  async remove(caller: Caller, usedOn: UsedOn, key: ThingKey): Promise<void> {
    const scope = managingScope(caller);
    const use = await this.find(caller, usedOn, key);
    await inTransaction(this.#pool, async (client) => {
      await deleteActionUse.run(client, scope.tenantId, [use.uid]);
      await record(client, caller, { action: 'delete', thing: `${usedOn}-action`, id: use.label });
    });
  }
}
