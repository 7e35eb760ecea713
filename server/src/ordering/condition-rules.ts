/** Rules: a condition action, and what runs for all that it finds. They are kept and carried; what runs them is no part of this room yet. */
import type { Caller, TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import {
  deleteRule,
  insertRule,
  type RuleField,
  type RuleRow,
  ruleList,
  selectRule,
  selectRuleByName,
  updateRule,
} from './condition-rules.store.js';
import { requireTitle } from './names.js';
import { managingScope, orderingScope } from './rights.js';
import { keyText, keyValues, type ThingKey } from './thing-key.js';

export type { RuleField } from './condition-rules.store.js';
export type ConditionRule = RuleRow;

export interface NewRule {
  readonly name: string;
  readonly description?: string;
  readonly enabled?: boolean;
  readonly conditionUid: number | null;
  readonly actionUid: number | null;
}

export class ConditionRules {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async list(caller: Caller, query: ListQuery<RuleField>): Promise<ListPage> {
    return listPage(this.#pool, ruleList, orderingScope(caller), query);
  }

  /** Throws `not-found`. */
  async find(caller: Caller, key: ThingKey, db: Queryable = this.#pool): Promise<ConditionRule> {
    const found = await selectRule.one(db, orderingScope(caller).tenantId, keyValues(key));
    if (found === null) throw notFound('Rule', keyText(key));
    return found;
  }

  async byName(db: Queryable, scope: TenantScope, name: string): Promise<ConditionRule | null> {
    return selectRuleByName.one(db, scope.tenantId, [name]);
  }

  /** Within somebody's transaction, who has asked for the right and records it. */
  async insert(client: Client, scope: TenantScope, rule: NewRule): Promise<{ uid: number; number: number }> {
    requireTitle('rule', rule.name);
    const number = await nextNumber(client, scope.tenantId, 'rule');
    if ((await this.byName(client, scope, rule.name)) !== null) {
      throw new DomainError('conflict', 'rule-exists', `A rule named '${rule.name}' is there already`);
    }
    const values = [rule.description ?? '', rule.enabled ?? true, rule.conditionUid, rule.actionUid];
    const { uid } = (await insertRule.one(client, scope.tenantId, [number, rule.name, ...values]))!;
    return { uid, number };
  }

  /** Likewise. */
  async replace(client: Client, scope: TenantScope, uid: number, rule: NewRule): Promise<void> {
    const values = [rule.description ?? '', rule.enabled ?? true, rule.conditionUid, rule.actionUid];
    await updateRule.run(client, scope.tenantId, [uid, ...values]);
  }

  /** Needs `ordering.manage`. Throws `not-found`. */
  async remove(caller: Caller, key: ThingKey): Promise<void> {
    const scope = managingScope(caller);
    const rule = await this.find(caller, key);
    await inTransaction(this.#pool, async (client) => {
      await deleteRule.run(client, scope.tenantId, [rule.uid]);
      await record(client, caller, { action: 'delete', thing: 'rule', id: rule.name });
    });
  }
}
