import { tenantStatement } from '../store/statement.js';

export interface RegionRow {
  readonly name: string;
  readonly disabled: boolean;
}

/** Where the account has something, and what was said of regions. */
export const selectRegions = tenantStatement<RegionRow>(
  'regions_select',
  `select name, bool_or(disabled) as disabled from (
     select distinct r.region as name, false as disabled from inventory_resources r
     where r.tenant_id = $1 and r.cloud_account_uid = $2 and r.destroyed_at is null
     union all
     select c.name, c.disabled from cloud_account_regions c where c.tenant_id = $1 and c.cloud_account_uid = $2) known
   group by name order by name`,
);

export const selectDisabledRegions = tenantStatement<{ name: string }>(
  'regions_select_disabled',
  `select c.name from cloud_account_regions c
   where c.tenant_id = $1 and c.cloud_account_uid = $2 and c.disabled order by c.name`,
);

export const upsertRegion = tenantStatement(
  'regions_upsert',
  `insert into cloud_account_regions (tenant_id, cloud_account_uid, name, disabled) values ($1, $2, $3, $4)
   on conflict (cloud_account_uid, name) do update set disabled = excluded.disabled`,
);
