import { sql } from 'kysely';
import type { ListSpec } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';
import { toMembers } from './rights.store.js';

/** Where an action is offered: on servers, on resources, or at a point where the server runs it by itself. */
export type UsedOn = 'server' | 'resource' | 'trigger';

export type ActionUseField =
  | 'usedOn'
  | 'number'
  | 'code'
  | 'label'
  | 'description'
  | 'enabled'
  | 'requiresApproval'
  | 'synchronous'
  | 'dangerous'
  | 'position'
  | 'triggerPoint'
  | 'builtin'
  | 'action'
  | 'actionCode'
  | 'actionName'
  | 'actionKind'
  | 'scriptFilename'
  | 'shared'
  | 'resourceType';

export const actionUseList: ListSpec<ActionUseField> = {
  from: 'action_uses u left join actions a on a.uid = u.action_uid left join resource_types rt on rt.uid = u.resource_type_uid',
  fields: {
    usedOn: { sql: 'u.used_on', type: 'name' },
    number: { sql: 'u.number', type: 'integer' },
    code: { sql: 'u.code', type: 'name' },
    label: { sql: 'u.label', type: 'text' },
    description: { sql: 'u.description', type: 'text' },
    enabled: { sql: 'u.enabled', type: 'boolean' },
    requiresApproval: { sql: 'u.requires_approval', type: 'boolean' },
    synchronous: { sql: 'u.synchronous', type: 'boolean' },
    dangerous: { sql: 'u.dangerous', type: 'boolean' },
    position: { sql: 'u.position', type: 'integer' },
    triggerPoint: { sql: 'u.trigger_point', type: 'text' },
    builtin: { sql: 'u.builtin', type: 'text' },
    action: { sql: 'a.number', type: 'integer' },
    actionCode: { sql: 'a.code', type: 'text' },
    actionName: { sql: 'a.name', type: 'text' },
    actionKind: { sql: 'a.kind', type: 'text' },
    scriptFilename: { sql: 'a.script_filename', type: 'text' },
    shared: { sql: 'a.shared', type: 'boolean' },
    resourceType: { sql: 'rt.name', type: 'text' },
  },
  // What the server runs by itself concerns those who see everything.
  confine: (scope) =>
    scope.seesPrivate ? toMembers('u')(scope) : sql`${toMembers('u')(scope)} and u.used_on <> 'trigger'`,
  defaultSort: [{ field: 'number' }],
  tieBreak: 'u.uid',
  search: ['label'],
};

export interface ActionUseRow {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly usedOn: UsedOn;
  readonly label: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly requiresApproval: boolean;
  readonly synchronous: boolean;
  readonly dangerous: boolean;
  readonly position: number;
  readonly triggerPoint: string | null;
  /** What the server does itself; null: it runs the action. */
  readonly builtin: 'delete' | 'scale' | null;
  readonly actionUid: number | null;
  readonly resourceType: string | null;
}

const USE = `u.uid::integer as uid, u.number::integer as number, u.code, u.used_on as "usedOn", u.label, u.description, u.enabled,
  u.requires_approval as "requiresApproval", u.synchronous, u.dangerous, u.position, u.trigger_point as "triggerPoint", u.builtin,
  u.action_uid::integer as "actionUid", rt.name as "resourceType"`;

/** `$2` where it is used, `$3` number or `$4` code. */
export const selectActionUse = tenantStatement<ActionUseRow>(
  'action_uses_select',
  `select ${USE} from action_uses u left join resource_types rt on rt.uid = u.resource_type_uid
   where u.tenant_id = $1 and u.used_on = $2 and (u.number = $3 or u.code = $4)`,
);

/** `$2` where, `$3` name of a resource type or null, `$4` trigger point or null: what is enabled, in order. */
export const selectEnabledUses = tenantStatement<ActionUseRow>(
  'action_uses_enabled',
  `select ${USE} from action_uses u left join resource_types rt on rt.uid = u.resource_type_uid
   where u.tenant_id = $1 and u.used_on = $2 and u.enabled and (u.resource_type_uid is null or rt.name = $3)
     and u.trigger_point is not distinct from $4 order by u.position, u.number limit 1000`,
);

/** `$2` where, `$3` label. */
export const selectUseByLabel = tenantStatement<{ uid: number; number: number }>(
  'action_uses_by_label',
  `select u.uid::integer as uid, u.number::integer as number from action_uses u
   where u.tenant_id = $1 and u.used_on = $2 and lower(u.label) = lower($3) order by u.uid limit 1`,
);

export const insertActionUse = tenantStatement<{ uid: number }>(
  'action_uses_insert',
  `insert into action_uses (tenant_id, used_on, number, code, label, description, action_uid, builtin, enabled, requires_approval, synchronous,
     dangerous, position, resource_type_uid, trigger_point)
   values ($1, $2, $3, coalesce($4, chance_code()), $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) returning uid::integer as uid`,
);

/** `$2` use and all that can change of it. */
export const updateActionUse = tenantStatement(
  'action_uses_update',
  `update action_uses set description = $3, enabled = $4, requires_approval = $5, synchronous = $6, dangerous = $7, position = $8,
     trigger_point = $9 where tenant_id = $1 and uid = $2`,
);

export const deleteActionUse = tenantStatement(
  'action_uses_delete',
  'delete from action_uses u where u.tenant_id = $1 and u.uid = $2',
);
