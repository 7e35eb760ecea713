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

export interface AuditChoice {
  /** Null: everybody. */
  readonly usernames: readonly string[] | null;
  /** Nothing fits. */
  readonly none: boolean;
  /** From this time on. */
  readonly since: Date | null;
  readonly before: Date | null;
}

export const selectAuditBefore = systemStatement<AuditRow>(
  'audit_select_before',
  `select id, at, request_id as "requestId", user_id as "userId", username, tenant_id as "tenantId",
     tenant_name as "tenantName", action, thing, thing_id as "thingId", details
   from audit where ($1::bigint is null or id < $1) order by id desc limit $2`,
  'the audit trail spans all tenants; the service lets only administrators read it',
);

/** `$1` usernames in lower case or null, `$2` from, `$3` before. */
const CHOSEN = `($1::text[] is null or lower(username) = any($1)) and ($2::timestamptz is null or at >= $2) and ($3::timestamptz is null or at < $3)`;
const ENTRY = `id, at, request_id as "requestId", user_id as "userId", username, tenant_id as "tenantId",
  tenant_name as "tenantName", action, thing, thing_id as "thingId", details`;

const paged = (name: string, order: string) =>
  systemStatement<AuditRow>(
    name,
    `select ${ENTRY} from audit where ${CHOSEN} order by ${order} offset $4 limit $5`,
    'the audit trail spans all tenants; the service lets only administrators read it',
  );

/** A statement for each order that is served, the first field of it counts. */
export const AUDIT_PAGES = {
  at: paged('audit_by_time', 'at, id'),
  '-at': paged('audit_by_time_down', 'at desc, id desc'),
  username: paged('audit_by_user', 'username, id'),
  '-username': paged('audit_by_user_down', 'username desc, id desc'),
  thing: paged('audit_by_thing', 'thing, id'),
  '-thing': paged('audit_by_thing_down', 'thing desc, id desc'),
} as const;

/** As `CHOSEN`, `$4` the last number that is known, `$5` how many; in the order of their numbers. */
export const selectAuditAfter = systemStatement<AuditRow>(
  'audit_after',
  `select ${ENTRY} from audit where ${CHOSEN} and id > $4 order by id limit $5`,
  'the audit trail spans all tenants; the service lets only administrators read it',
);

export const countAudit = systemStatement<{ total: number }>(
  'audit_count',
  `select count(*) as total from audit where ${CHOSEN}`,
  'the audit trail spans all tenants; the service lets only administrators read it',
);

export const deleteAudit = systemStatement<never>(
  'audit_delete',
  `delete from audit where ${CHOSEN}`,
  'the audit trail spans all tenants; the service lets only administrators shorten it',
);
