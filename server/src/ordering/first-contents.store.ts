import type { TenantId, UserId } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

/** `$2` content. No row comes back where the tenant was given it before. */
export const insertContent = tenantStatement<{ given: boolean }>(
  'first_contents_insert',
  `insert into first_contents (tenant_id, content) values ($1, $2) on conflict do nothing returning true as given`,
);

/** `$2` content. */
export const selectContent = tenantStatement<{ given: boolean }>(
  'first_contents_select',
  'select true as given from first_contents c where c.tenant_id = $1 and c.content = $2',
);

export const selectTenantByName = systemStatement<{ id: TenantId; name: string }>(
  'first_contents_tenant',
  'select t.id::integer as id, t.name from tenants t where t.name = $1',
  'finds the tenant that a setting names',
);

export const selectFirstAdmin = systemStatement<{ id: UserId; username: string }>(
  'first_contents_admin',
  'select u.id::integer as id, u.username from users u where u.builtin order by u.id limit 1',
  'users belong to no tenant; the first administrator gets all roles in the first group',
);

/** `$2` number, `$3` name, `$4` label, `$5` description, `$6` type, `$7` several, `$8` constraints, `$9` options. */
export const insertParameter = tenantStatement<{ uid: number }>(
  'parameters_insert',
  `insert into parameters (tenant_id, number, name, label, description, type, allow_multiple, constraints, options, builtin)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, true) returning uid::integer as uid`,
);

/** `$2` parameter, `$3` environment, `$4` options, `$5` default. */
export const insertParameterUse = tenantStatement(
  'parameter_uses_insert',
  `insert into parameter_uses (tenant_id, parameter_uid, environment_uid, options, default_value) values ($1, $2, $3, $4, $5)`,
);

/** `$2` number, `$3` name, `$4` label, `$5` description. */
export const insertPreconfiguration = tenantStatement<{ uid: number }>(
  'preconfigurations_insert',
  `insert into preconfigurations (tenant_id, number, name, label, description) values ($1, $2, $3, $4, $5)
   returning uid::integer as uid`,
);

/** `$2` preconfiguration, `$3` name, `$4` position, `$5` values. */
export const insertChoice = tenantStatement(
  'preconfiguration_choices_insert',
  `insert into preconfiguration_choices (tenant_id, preconfiguration_uid, name, position, parameter_values) values ($1, $2, $3, $4, $5)`,
);

/** `$2` environment, `$3` preconfiguration. */
export const insertEnvironmentPreconfiguration = tenantStatement(
  'environment_preconfigurations_insert',
  'insert into environment_preconfigurations (tenant_id, environment_uid, preconfiguration_uid) values ($1, $2, $3)',
);

/** The first account whose servers are processes of this machine. */
export const selectLocalAccount = tenantStatement<{ uid: number }>(
  'first_contents_local_account',
  `select c.uid::integer as uid from cloud_accounts c where c.tenant_id = $1 and c.kind = 'local' order by c.uid limit 1`,
);
