import type { TenantId } from '../ids.js';

/** Where a secret's value is kept, as its box is bound to it (vault.ts). Neither part ever changes. */
export function placeOf(tenant: TenantId, key: string): string {
  return `${tenant}\0${key}`;
}
