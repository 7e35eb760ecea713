import { tenantStatement } from '../store/statement.js';

/** Of what the caller may see: `$2` user, `$3` whether others' private things show. */
export const labelKeys = {
  deployments: tenantStatement<{ name: string }>(
    'deployment_label_keys',
    `select distinct l.key as name from deployment_labels l
       join deployments d on d.uid = l.deployment_uid
     where l.tenant_id = $1 and d.tenant_id = $1 and (d.visibility <> 'private' or d.created_by = $2 or $3) order by 1`,
  ),
  blueprints: tenantStatement<{ name: string }>(
    'blueprint_label_keys',
    `select distinct l.key as name from blueprint_labels l
       join blueprints d on d.uid = l.blueprint_uid
     where l.tenant_id = $1 and d.tenant_id = $1 and (d.visibility <> 'private' or d.created_by = $2 or $3) order by 1`,
  ),
};

export const labelValues = {
  deployments: tenantStatement<{ name: string }>(
    'deployment_label_values',
    `select distinct l.value as name from deployment_labels l
       join deployments d on d.uid = l.deployment_uid
     where l.tenant_id = $1 and l.key = $4 and d.tenant_id = $1 and (d.visibility <> 'private' or d.created_by = $2 or $3) order by 1`,
  ),
  blueprints: tenantStatement<{ name: string }>(
    'blueprint_label_values',
    `select distinct l.value as name from blueprint_labels l
       join blueprints d on d.uid = l.blueprint_uid
     where l.tenant_id = $1 and l.key = $4 and d.tenant_id = $1 and (d.visibility <> 'private' or d.created_by = $2 or $3) order by 1`,
  ),
};
