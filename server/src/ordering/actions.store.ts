import type { JsonObject } from '../dsl/plan.js';
import type { ListSpec } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';
import { toReaders } from './rights.store.js';

export const ACTION_KINDS = ['plugin', 'script', 'webhook', 'email', 'flow', 'terraform'] as const;
export type ActionKind = (typeof ACTION_KINDS)[number];

export type ActionField =
  | 'number'
  | 'code'
  | 'name'
  | 'description'
  | 'kind'
  | 'shared'
  | 'scriptFilename'
  | 'createdAt'
  | 'inputs'
  | 'offers'
  | 'serverUses'
  | 'triggerUses';

const USES = (on: string) =>
  `(select count(*)::integer from action_uses au where au.tenant_id = a.tenant_id and au.action_uid = a.uid and au.used_on = '${on}')`;

export const actionList: ListSpec<ActionField> = {
  from: 'actions a',
  fields: {
    number: { sql: 'a.number', type: 'integer' },
    code: { sql: 'a.code', type: 'name' },
    name: { sql: 'a.name', type: 'text' },
    description: { sql: 'a.description', type: 'text' },
    kind: { sql: 'a.kind', type: 'text' },
    shared: { sql: 'a.shared', type: 'boolean' },
    scriptFilename: { sql: 'a.script_filename', type: 'text' },
    createdAt: { sql: 'a.created_at', type: 'time' },
    inputs: { sql: 'a.inputs', type: 'json' },
    offers: {
      sql: `(select count(distinct oi.offer_uid)::integer from offer_items oi where oi.tenant_id = a.tenant_id and oi.action_uid = a.uid)`,
      type: 'integer',
    },
    serverUses: { sql: USES('server'), type: 'integer' },
    triggerUses: { sql: USES('trigger'), type: 'integer' },
  },
  confine: toReaders('a'),
  defaultSort: [{ field: 'number' }],
  tieBreak: 'a.uid',
  search: ['name'],
};

export interface ActionRow {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  readonly kind: ActionKind;
  readonly shared: boolean;
  readonly scriptFilename: string;
  readonly source: string;
  readonly settings: JsonObject;
  readonly inputs: readonly JsonObject[];
}

const ACTION = `a.uid::integer as uid, a.number::integer as number, a.code, a.name, a.description, a.kind, a.shared,
  a.script_filename as "scriptFilename", a.source, a.settings, a.inputs`;

/** `$2` number or `$3` code. */
export const selectAction = tenantStatement<ActionRow>(
  'actions_select',
  `select ${ACTION} from actions a where a.tenant_id = $1 and (a.number = $2 or a.code = $3)`,
);

/** `$2` name. */
export const selectActionByName = tenantStatement<ActionRow>(
  'actions_by_name',
  `select ${ACTION} from actions a where a.tenant_id = $1 and lower(a.name) = lower($2)`,
);

/** `$2` keys. */
export const selectActions = tenantStatement<ActionRow>(
  'actions_by_key',
  `select ${ACTION} from actions a where a.tenant_id = $1 and a.uid = any($2::bigint[]) order by a.number`,
);

export const insertAction = tenantStatement<{ uid: number }>(
  'actions_insert',
  `insert into actions (tenant_id, number, code, name, description, kind, shared, script_filename, source, settings, inputs)
   values ($1, $2, coalesce($3, chance_code()), $4, $5, $6, $7, $8, $9, $10, $11) returning uid::integer as uid`,
);

/** `$2` action and all that it is. */
export const updateAction = tenantStatement(
  'actions_update',
  `update actions set description = $3, kind = $4, shared = $5, script_filename = $6, source = $7, settings = $8, inputs = $9
   where tenant_id = $1 and uid = $2`,
);

export const deleteAction = tenantStatement(
  'actions_delete',
  'delete from actions a where a.tenant_id = $1 and a.uid = $2',
);

/** `$2` code. */
export const codeTaken = {
  actions: tenantStatement<{ uid: number }>(
    'actions_code',
    'select a.uid::integer as uid from actions a where a.tenant_id = $1 and a.code = $2',
  ),
  uses: tenantStatement<{ uid: number }>(
    'action_uses_code',
    'select u.uid::integer as uid from action_uses u where u.tenant_id = $1 and u.code = $2 and u.used_on = $3',
  ),
};
