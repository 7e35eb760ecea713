import type { ListSpec } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';
import { toMembers } from './rights.store.js';

export type ResourceTypeField = 'number' | 'code' | 'name' | 'label' | 'icon' | 'lifecycle';

export const resourceTypeList: ListSpec<ResourceTypeField> = {
  from: 'resource_types rt',
  fields: {
    number: { sql: 'rt.number', type: 'integer' },
    code: { sql: 'rt.code', type: 'name' },
    name: { sql: 'rt.name', type: 'text' },
    label: { sql: 'rt.label', type: 'text' },
    icon: { sql: 'rt.icon', type: 'text' },
    lifecycle: { sql: 'to_json(rt.lifecycle)', type: 'json' },
  },
  confine: toMembers('rt'),
  defaultSort: [{ field: 'number' }],
  tieBreak: 'rt.uid',
  search: ['name', 'label'],
};

export interface ResourceTypeRow {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly label: string;
  readonly icon: string;
  readonly lifecycle: readonly string[];
}

const TYPE = `rt.uid::integer as uid, rt.number::integer as number, rt.code, rt.name, rt.label, rt.icon, rt.lifecycle`;

/** `$2` name. */
export const selectResourceTypeByName = tenantStatement<ResourceTypeRow>(
  'resource_types_by_name',
  `select ${TYPE} from resource_types rt where rt.tenant_id = $1 and rt.name = lower($2)`,
);

/** `$2` key. */
export const selectResourceType = tenantStatement<ResourceTypeRow>(
  'resource_types_select',
  `select ${TYPE} from resource_types rt where rt.tenant_id = $1 and rt.uid = $2`,
);

/** `$2` number, `$3` name, `$4` label, `$5` icon, `$6` lifecycle. One that is there stays as it is. */
export const insertResourceType = tenantStatement<{ uid: number }>(
  'resource_types_insert',
  `insert into resource_types (tenant_id, number, name, label, icon, lifecycle) values ($1, $2, $3, $4, $5, $6)
   on conflict (tenant_id, name) do update set name = excluded.name returning uid::integer as uid`,
);
