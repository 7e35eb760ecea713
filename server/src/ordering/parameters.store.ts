import { sql } from 'kysely';
import type { Json, JsonObject } from '../dsl/plan.js';
import type { ListSpec } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export type ParameterField =
  | 'number'
  | 'code'
  | 'name'
  | 'label'
  | 'description'
  | 'type'
  | 'multiple'
  | 'constraints'
  | 'options'
  | 'builtin';

export const parameterList: ListSpec<ParameterField> = {
  from: 'parameters p',
  fields: {
    number: { sql: 'p.number', type: 'integer' },
    code: { sql: 'p.code', type: 'name' },
    name: { sql: 'p.name', type: 'text' },
    label: { sql: 'p.label', type: 'text' },
    description: { sql: 'p.description', type: 'text' },
    type: { sql: 'p.type', type: 'name' },
    multiple: { sql: 'p.allow_multiple', type: 'boolean' },
    constraints: { sql: 'p.constraints', type: 'json' },
    options: { sql: 'p.options', type: 'json' },
    builtin: { sql: 'p.builtin', type: 'boolean' },
  },
  // Whoever is in no group has nothing to order, and nothing to say of it.
  confine: (scope) => {
    const inTenant = sql`p.tenant_id = ${scope.tenantId}`;
    if (scope.seesPrivate) return inTenant;
    return sql`${inTenant} and exists (select from ordering_members m
      where m.tenant_id = ${scope.tenantId} and m.user_id = ${scope.userId})`;
  },
  defaultSort: [{ field: 'number' }],
  tieBreak: 'p.uid',
  search: ['name', 'label'],
};

export type UseField =
  | 'number'
  | 'code'
  | 'name'
  | 'label'
  | 'description'
  | 'type'
  | 'multiple'
  | 'required'
  | 'constraints'
  | 'options'
  | 'value';

/** What one place says of parameters: `place` is the column that names it. */
export function useList(place: Place): ListSpec<UseField> {
  return {
    from: 'parameter_uses u join parameters p on p.uid = u.parameter_uid',
    fields: {
      ...parameterList.fields,
      required: { sql: 'u.required', type: 'boolean' },
      // The nearer narrows what the parameter itself says.
      constraints: { sql: '(p.constraints || u.constraints)', type: 'json' },
      options: { sql: 'coalesce(u.options, p.options)', type: 'json' },
      // What stands for a password is nobody's to read either.
      value: {
        sql: `case when p.type = 'PWD' and u.default_value is not null then '"******"'::jsonb else u.default_value end`,
        type: 'json',
      },
    },
    confine: (scope) =>
      sql`u.tenant_id = ${scope.tenantId} and ${sql.raw(`u.${COLUMNS[place.kind]}`)} = ${place.uid}`,
    defaultSort: [{ field: 'number' }],
    tieBreak: 'u.uid',
    search: ['name', 'label'],
  };
}

export interface Place {
  readonly kind: 'environment' | 'group';
  readonly uid: number;
}

const COLUMNS = { environment: 'environment_uid', group: 'group_uid' } as const;

export interface ParameterRow {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly type: string;
  readonly multiple: boolean;
  readonly constraints: JsonObject;
  readonly options: readonly Json[] | null;
  readonly builtin: boolean;
}

/** `$2` number, `$3` code, `$4` name in lower case with underscores; of which one is given. */
export const selectParameter = tenantStatement<ParameterRow>(
  'parameters_select',
  `select p.uid::integer as uid, p.number::integer as number, p.code, p.name, p.type, p.allow_multiple as multiple, p.constraints,
     p.options, p.builtin
   from parameters p where p.tenant_id = $1 and (p.number = $2 or p.code = $3 or lower(p.name) = $4)`,
);

/** `$2` number, `$3` name, `$4` label, `$5` description, `$6` type, `$7` several, `$8` constraints, `$9` options. */
export const insertNamedParameter = tenantStatement<{ uid: number }>(
  'parameters_insert_named',
  `insert into parameters (tenant_id, number, name, label, description, type, allow_multiple, constraints, options)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning uid::integer as uid`,
);

export const deleteParameter = tenantStatement(
  'parameters_delete',
  'delete from parameters p where p.tenant_id = $1 and p.uid = $2 and not p.builtin',
);

/** `$2` parameter, `$3` environment or null, `$4` group or null, `$5` required, `$6` constraints, `$7` options, `$8` default. */
export const putUse = tenantStatement(
  'parameter_uses_put',
  `insert into parameter_uses (tenant_id, parameter_uid, environment_uid, group_uid, required, constraints, options, default_value)
   values ($1, $2, $3, $4, $5, $6, $7, $8)
   on conflict (tenant_id, parameter_uid, environment_uid, group_uid) do update set required = excluded.required,
     constraints = excluded.constraints, options = excluded.options, default_value = excluded.default_value`,
);

/** `$2` parameter, `$3` environment or null, `$4` group or null. */
export const deleteUse = tenantStatement(
  'parameter_uses_delete',
  `delete from parameter_uses u where u.tenant_id = $1 and u.parameter_uid = $2
     and u.environment_uid is not distinct from $3 and u.group_uid is not distinct from $4`,
);
