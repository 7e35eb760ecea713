import { sql } from 'kysely';
import type { TenantId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export type CatalogueRequestField =
  | 'id'
  | 'design'
  | 'designName'
  | 'kind'
  | 'catalogClass'
  | 'firstName'
  | 'lastName'
  | 'email'
  | 'status'
  | 'createdAt'
  | 'updatedAt';

/** The caller's own; all of the tenant, for its reviewers (`seesPrivate`). */
export const REQUEST_LIST: ListSpec<CatalogueRequestField> = {
  from: 'catalogue_requests r join designs d on d.uid = r.design_uid left join users o on o.id = r.requested_by',
  driver: { table: 'catalogue_requests', alias: 'r', key: 'uid' },
  fields: {
    id: { sql: 'r.id', type: 'name' },
    design: { sql: 'd.id', type: 'name' },
    designName: { sql: 'd.name', type: 'text' },
    kind: { sql: 'd.kind', type: 'name' },
    catalogClass: { sql: `coalesce(d.catalog_data ->> 'class', '')`, type: 'text' },
    firstName: { sql: `coalesce(o.first_name, '')`, type: 'text' },
    lastName: { sql: `coalesce(o.last_name, '')`, type: 'text' },
    email: { sql: `coalesce(o.email, '')`, type: 'text' },
    status: { sql: 'r.status', type: 'name' },
    createdAt: { sql: 'r.created_at', type: 'time' },
    updatedAt: { sql: 'r.updated_at', type: 'time' },
  },
  confine: (scope) =>
    scope.seesPrivate
      ? sql`r.tenant_id = ${scope.tenantId}`
      : sql`r.tenant_id = ${scope.tenantId} and r.requested_by = ${scope.userId}`,
  defaultSort: [{ field: 'updatedAt', descending: true }],
  tieBreak: 'r.uid',
  search: ['designName'],
};

export const insertRequest = tenantStatement<{ id: string }>(
  'catalogue_requests_insert',
  `insert into catalogue_requests (tenant_id, design_uid, requested_by) values ($1, $2, $3)
   on conflict (design_uid) where status = 'pending' do nothing returning id`,
);

export interface RequestRow {
  readonly id: string;
  readonly status: string;
  readonly design: string;
  readonly tenantId: TenantId;
}

/** `$2`: id of the request, or of what it is about, where one is open. */
export const lockRequest = tenantStatement<RequestRow>(
  'catalogue_requests_lock',
  `select r.id, r.status, d.id as design, r.tenant_id as "tenantId" from catalogue_requests r join designs d on d.uid = r.design_uid
   where r.tenant_id = $1 and (r.id = $2 or (d.id = $2 and r.status = 'pending')) for no key update of r`,
);

export const decideRequest = tenantStatement(
  'catalogue_requests_decide',
  `update catalogue_requests r set status = $3, decided_by = $4, updated_at = now() where r.tenant_id = $1 and r.id = $2`,
);
