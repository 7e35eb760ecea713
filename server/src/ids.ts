/**
 * Branded identifiers, so that a tenant's number cannot pass for a user's.
 *
 * Numbers are surrogate keys of the store and never leave the server; names and texts are what dialects speak.
 */
import { randomBytes, randomUUID } from 'node:crypto';

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

export type TenantId = Branded<number, 'TenantId'>;
export type UserId = Branded<number, 'UserId'>;
export type UserGroupId = Branded<number, 'UserGroupId'>;
/** Surrogate key of a deployment's row. */
export type DeploymentUid = Branded<number, 'DeploymentUid'>;
/** Surrogate key of a blueprint's row. */
export type BlueprintUid = Branded<number, 'BlueprintUid'>;
/** Surrogate key of an uploaded plugin's row. */
export type PluginUid = Branded<number, 'PluginUid'>;
/** Surrogate key of stored bytes. */
export type BlobUid = Branded<number, 'BlobUid'>;
/** Public id of an execution: a UUID. */
export type ExecutionId = Branded<string, 'ExecutionId'>;
/** Surrogate key of an execution's row. */
export type ExecutionUid = Branded<number, 'ExecutionUid'>;

export function newExecutionId(): ExecutionId {
  return randomUUID() as ExecutionId;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A random text of `length` characters of `[a-z0-9]`, unbiased. */
export function randomName(length: number): string {
  let name = '';
  while (name.length < length) {
    for (const byte of randomBytes(length * 2)) {
      // 252 is the largest multiple of 36 below 256; larger bytes would favour the first letters.
      if (byte < 252 && name.length < length) name += ALPHABET[byte % 36];
    }
  }
  return name;
}
