/**
 * Connections on this wire are cloud accounts of the core. What clients note on one and the core has no word for (type, sub-type,
 * metadata, a status of their own) is kept in its settings under `connection`. Pure.
 */
import Type from 'typebox';
import type { JsonObject } from '../../dsl/plan.js';
import type { ConnectionField } from '../../workspaces/account-environments.js';
import { badRequest } from './errors.js';
import type { ListingOptions } from './listing.js';
import { entity, Id, MaybeId, MaybeTime, Opaque, Text, Time } from './routes.js';

export const STATUSES = [
  'discovered',
  'registered',
  'connected',
  'ignored',
  'maintenance',
  'disconnected',
  'deleted',
  'not found',
] as const;

/** Kinds with resources of their own; any other is a service beside them. */
export const CLOUDS: ReadonlySet<string> = new Set([
  'aws',
  'azure',
  'gcp',
  'kubernetes',
  'openstack',
  'vsphere',
]);

export const CONNECTION_FIELDS = {
  id: Id,
  name: Text,
  description: Text,
  kind: Text,
  type: Text,
  subType: Text,
  status: Text,
  credentialId: MaybeId,
  metadata: Opaque,
  owner: MaybeId,
  userId: MaybeId,
  schemaVersion: Text,
  environments: Type.Array(Opaque),
  createdAt: Time,
  updatedAt: Time,
  deletedAt: MaybeTime,
};
export const CONNECTION = entity('Connection', CONNECTION_FIELDS);
export const CONNECTIONS: ListingOptions<ConnectionField> = {
  fields: ['id', 'name', 'kind', 'status', 'noted', 'owner', 'environments', 'createdAt', 'updatedAt'],
};

export interface Noted {
  readonly type?: string;
  readonly subType?: string;
  readonly description?: string;
  readonly status?: string;
  readonly credentialId?: string;
  readonly metadata?: JsonObject;
}
export interface ConnectionRow {
  readonly kind: string;
  readonly status: string;
  readonly noted: Noted;
  readonly owner: string | null;
  readonly [key: string]: unknown;
}

export function connectionOf({ noted, status, owner, ...row }: ConnectionRow): Record<string, unknown> {
  return {
    ...row,
    description: noted.description ?? '',
    type: noted.type ?? 'platform',
    subType: noted.subType ?? '',
    status: statusOf(status, noted.status),
    credentialId: noted.credentialId ?? null,
    metadata: noted.metadata ?? {},
    owner,
    userId: owner,
    schemaVersion: 'connections.meshery.io/v1beta1',
    deletedAt: null,
  };
}

/** What harvests find outweighs what somebody has noted. */
export function statusOf(status: string, noted: string | null | undefined): string {
  if (status === 'removing') return 'deleted';
  if (status === 'credentials-invalid' || status === 'role-refused') return 'disconnected';
  if (status === 'paused' && noted !== 'ignored') return 'maintenance';
  if (noted !== undefined && noted !== null) return noted;
  return status === 'ready' ? 'connected' : 'discovered';
}

/** The status that the core keeps: connections that are left alone are not harvested. */
export function coreStatus(status: string): string {
  return status === 'maintenance' || status === 'ignored'
    ? 'paused'
    : status === 'connected'
      ? 'ready'
      : 'pending';
}

/** @throws WireError 400 */
export function readStatus(status: string): string {
  const known = STATUSES.find((word) => word === status.trim().toLowerCase());
  if (known === undefined)
    throw badRequest(`status must be one of ${STATUSES.join(', ')}, not ${status.slice(0, 50)}`);
  return known;
}
