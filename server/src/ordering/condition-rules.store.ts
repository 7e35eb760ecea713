import type { TenantId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import { toReaders } from './rights.store.js';

export type RuleField =
  | 'number'
  | 'code'
  | 'name'
  | 'description'
  | 'enabled'
  | 'schedule'
  | 'nextAt'
  | 'condition'
  | 'conditionCode'
  | 'conditionName'
  | 'action'
  | 'actionCode'
  | 'actionName';

export const ruleList: ListSpec<RuleField> = {
  from: 'ordering_rules r left join actions c on c.uid = r.condition_uid left join actions a on a.uid = r.action_uid',
  fields: {
    number: { sql: 'r.number', type: 'integer' },
    code: { sql: 'r.code', type: 'name' },
    name: { sql: 'r.name', type: 'text' },
    description: { sql: 'r.description', type: 'text' },
    enabled: { sql: 'r.enabled', type: 'boolean' },
    schedule: { sql: 'r.schedule', type: 'text' },
    nextAt: { sql: 'r.next_at', type: 'time' },
    condition: { sql: 'c.number', type: 'integer' },
    conditionCode: { sql: 'c.code', type: 'text' },
    conditionName: { sql: 'c.name', type: 'text' },
    action: { sql: 'a.number', type: 'integer' },
    actionCode: { sql: 'a.code', type: 'text' },
    actionName: { sql: 'a.name', type: 'text' },
  },
  confine: toReaders('r'),
  defaultSort: [{ field: 'number' }],
  tieBreak: 'r.uid',
  search: ['name'],
};

export interface RuleRow {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly conditionUid: number | null;
  readonly actionUid: number | null;
  /** A recurrence rule; null: only when it is asked to. */
  readonly schedule: string | null;
}

const RULE = `r.uid::integer as uid, r.number::integer as number, r.code, r.name, r.description, r.enabled,
  r.condition_uid::integer as "conditionUid", r.action_uid::integer as "actionUid", r.schedule`;

/** `$2` number or `$3` code. */
export const selectRule = tenantStatement<RuleRow>(
  'ordering_rules_select',
  `select ${RULE} from ordering_rules r where r.tenant_id = $1 and (r.number = $2 or r.code = $3)`,
);

/** `$2` name. */
export const selectRuleByName = tenantStatement<RuleRow>(
  'ordering_rules_by_name',
  `select ${RULE} from ordering_rules r where r.tenant_id = $1 and lower(r.name) = lower($2)`,
);

export const insertRule = tenantStatement<{ uid: number }>(
  'ordering_rules_insert',
  `insert into ordering_rules (tenant_id, number, name, description, enabled, condition_uid, action_uid, schedule, owner_id, next_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning uid::integer as uid`,
);

/** `$2` rule and all that it is. */
export const updateRule = tenantStatement(
  'ordering_rules_update',
  `update ordering_rules set description = $3, enabled = $4, condition_uid = $5, action_uid = $6,
     schedule = $7, owner_id = $8, next_at = $9 where tenant_id = $1 and uid = $2`,
);

export const deleteRule = tenantStatement(
  'ordering_rules_delete',
  'delete from ordering_rules r where r.tenant_id = $1 and r.uid = $2',
);

export interface DueRule {
  readonly uid: number;
  readonly number: number;
  readonly name: string;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly schedule: string;
  /** Null: whoever it was is gone. */
  readonly owner: string | null;
}

/** Rules whose time has come, at most `$1`. */
export const selectDueRules = systemStatement<DueRule>(
  'ordering_rules_due',
  `select r.uid::integer as uid, r.number::integer as number, r.name, r.tenant_id as "tenantId", t.name as "tenantName", r.schedule, u.username as owner
   from ordering_rules r join tenants t on t.id = r.tenant_id left join users u on u.id = r.owner_id and u.active
   where r.next_at <= now() and r.enabled and r.schedule is not null order by r.next_at limit $1`,
  'time passes in all tenants; what is run is of one, and confined to it',
);

/** Rule `$2`, whose time has come, is due again at `$3` (null: never). Null where somebody else was quicker. */
export const claimRule = tenantStatement<{ uid: number }>(
  'ordering_rules_claim',
  `update ordering_rules r set next_at = $3 where r.tenant_id = $1 and r.uid = $2 and r.next_at <= now() and r.enabled returning r.uid`,
);
