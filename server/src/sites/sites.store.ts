import { type ListSpec, ownTenant } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

export type Visibility = 'private' | 'tenant' | 'global';

export type SiteField =
  | 'name'
  | 'latitude'
  | 'longitude'
  | 'location'
  | 'visibility'
  | 'tenantName'
  | 'createdBy'
  | 'createdAt';

export const siteList: ListSpec<SiteField> = {
  from: 'sites s join tenants t on t.id = s.tenant_id join users u on u.id = s.created_by',
  driver: { table: 'sites', alias: 's', key: 'uid' },
  fields: {
    name: { sql: 's.name', type: 'text' },
    latitude: { sql: 's.latitude', type: 'json' },
    longitude: { sql: 's.longitude', type: 'json' },
    // null: no place is known.
    location: { sql: "s.latitude || ', ' || s.longitude", type: 'text' },
    visibility: { sql: 's.visibility', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
    createdAt: { sql: 's.created_at', type: 'time' },
  },
  confine: ownTenant('s', { visibility: true }),
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 's.uid',
  search: ['name'],
};

export interface SiteRow {
  readonly uid: number;
  readonly own: boolean;
  readonly visibility: Visibility;
}

/** `$2` name, `$3` user, `$4` whether others' private ones show. The tenant's own before another tenant's global one. */
export const selectSite = tenantStatement<SiteRow>(
  'site_select',
  `select s.uid, s.tenant_id = $1 as own, s.visibility from sites s
   where s.name = $2 and ((s.tenant_id = $1 and (s.visibility <> 'private' or s.created_by = $3 or $4)) or s.visibility = 'global')
   order by (s.tenant_id = $1) desc limit 1`,
);

export const insertSite = tenantStatement(
  'site_insert',
  `insert into sites (tenant_id, name, latitude, longitude, visibility, created_by) values ($1, $2, $3, $4, $5, $6)`,
);

/** `$3` new name, `$4` whether the place changes, `$5` `$6` the place, `$7` visibility; null: as it is. */
export const updateSite = tenantStatement(
  'site_update',
  `update sites s set name = coalesce($3, s.name), visibility = coalesce($7, s.visibility),
     latitude = case when $4::boolean then $5::double precision else s.latitude end,
     longitude = case when $4::boolean then $6::double precision else s.longitude end
   where s.tenant_id = $1 and s.uid = $2`,
);

export const deleteSite = tenantStatement(
  'site_delete',
  'delete from sites s where s.tenant_id = $1 and s.uid = $2',
);

/** `$1` name, `$2` tenant, `$3` in any tenant, not only as a global one. */
export const siteTakenElsewhere = systemStatement<{ taken: boolean }>(
  'site_taken_elsewhere',
  `select exists (select from sites where name = $1 and tenant_id <> $2 and (visibility = 'global' or $3)) as taken`,
  'names of sites that are shared with every tenant are unique across tenants (cloudify.md §2.2)',
);
