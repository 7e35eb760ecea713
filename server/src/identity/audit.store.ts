import type { TenantId, UserId } from '../ids.js';
import { systemStatement } from '../store/statement.js';

export const insertAudit = systemStatement(
  'audit_insert',
  `insert into audit (request_id, user_id, username, tenant_id, tenant_name, action, thing, thing_id, details)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  'the audit trail spans all tenants and what belongs to none',
);

export interface AuditRow {
  readonly id: number;
  readonly at: Date;
  readonly requestId: string;
  readonly userId: UserId | null;
  readonly username: string;
  readonly tenantId: TenantId | null;
  readonly tenantName: string | null;
  readonly action: string;
  readonly thing: string;
  readonly thingId: string;
  readonly details: Record<string, unknown>;
}

export const selectAuditBefore = systemStatement<AuditRow>(
  'audit_select_before',
  `select id, at, request_id as "requestId", user_id as "userId", username, tenant_id as "tenantId",
     tenant_name as "tenantName", action, thing, thing_id as "thingId", details
   from audit where ($1::bigint is null or id < $1) order by id desc limit $2`,
  'the audit trail spans all tenants; the service lets only administrators read it',
);
