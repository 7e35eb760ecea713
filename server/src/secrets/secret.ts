/** What a secret is to those who ask for it. Pure. */
import type { Caller } from '../caller.js';
import type { Json, JsonObject } from '../dsl/plan.js';
import type { SecretRow, Visibility } from './secrets.store.js';

/** What may be told about a secret to everybody who sees it. */
export interface Secret {
  readonly key: string;
  readonly visibility: Visibility;
  readonly tenantName: string;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly hidden: boolean;
  /** JSON Schema of the value; null: the value is a text. */
  readonly schema: JsonObject | null;
}

export interface SecretWithValue extends Secret {
  /** null: hidden from this caller. */
  readonly value: { readonly plain: Json } | null;
}

export function told(row: SecretRow): Secret {
  const { key, visibility, tenantName, createdBy, createdAt, updatedAt, hidden, schema } = row;
  return { key, visibility, tenantName, createdBy, createdAt, updatedAt, hidden, schema };
}

/** Whether the value is told to the caller, and may be changed by them. */
export function controls(caller: Caller, row: SecretRow): boolean {
  return (
    !row.hidden ||
    row.creatorId === caller.userId ||
    caller.permissions.has('all-tenants.read') ||
    (caller.permissions.has('private.read') && caller.tenant?.id === row.tenantId)
  );
}
