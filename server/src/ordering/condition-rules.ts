/** Rules: a condition action, and what runs with what it finds: when it is asked to (action-runs.ts), or on a schedule (rule-schedules.ts). */
import type { Caller, TenantScope } from '../caller.js';
import { checkRule, upcoming } from '../dsl/recurrence.js';
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
  /** A recurrence rule of RFC 5545, in UTC; null: only when it is asked to. */
  readonly schedule?: string | null;
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

  /** Within somebody's transaction, who has asked for the right and records it. @throws DomainError `conflict`; `invalid` (`schedule-rule-invalid`) */
  async insert(client: Client, scope: TenantScope, rule: NewRule): Promise<{ uid: number; number: number }> {
    requireTitle('rule', rule.name);
    const number = await nextNumber(client, scope.tenantId, 'rule');
    if ((await this.byName(client, scope, rule.name)) !== null) {
      throw new DomainError('conflict', 'rule-exists', `A rule named '${rule.name}' is there already`);
    }
    const values = valuesOf(scope, rule);
    const { uid } = (await insertRule.one(client, scope.tenantId, [number, rule.name, ...values]))!;
    return { uid, number };
  }

  /** Likewise. */
  async replace(client: Client, scope: TenantScope, uid: number, rule: NewRule): Promise<void> {
    const values = valuesOf(scope, rule);
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

/** Whoever keeps it is whom it acts as. */
function valuesOf(scope: TenantScope, rule: NewRule): unknown[] {
  const { description = '', enabled = true, conditionUid, actionUid, schedule = null } = rule;
  const next = schedule === null ? null : nextTime(schedule, new Date());
  return [description, enabled, conditionUid, actionUid, schedule, scope.userId, next];
}

/** The first time after `after`; null: never again. @throws DomainError `invalid` (`schedule-rule-invalid`) */
export function nextTime(schedule: string, after: Date): Date | null {
  const rule = { rrule: schedule };
  checkRule(rule);
  return upcoming({ rule, since: after, until: null }, after, 1)[0] ?? null;
}
