/** How views look on this wire (specs: layer5.md §8.4). Pure. */
import Type from 'typebox';
import { entity, Id, MaybeId, MaybeTime, Opaque, Text, Time } from './routes.js';
import { Opaque as AsItIs } from './spelling.js';

export const VIEW = entity('View', {
  id: Id,
  name: Text,
  visibility: Text,
  filters: Type.Unknown({ description: "The client's own" }),
  metadata: Opaque,
  userId: MaybeId,
  workspaceId: Id,
  workspaceName: Text,
  organizationId: Id,
  organizationName: Text,
  createdAt: Time,
  updatedAt: Time,
  deletedAt: MaybeTime,
});

/** What a view filters by is kept as JSON text, as designs are kept as text. */
export function viewOf(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const {
    id,
    name,
    visibility,
    body,
    metadata,
    owner,
    workspace,
    workspaceName,
    tenant,
    tenantTitle,
    createdAt,
    updatedAt,
  } = row;
  return {
    id,
    name,
    visibility,
    ...(typeof body === 'string' ? { filters: new AsItIs(JSON.parse(body)) } : { filters: new AsItIs({}) }),
    metadata,
    userId: owner,
    workspaceId: workspace,
    workspaceName,
    organizationId: tenant,
    organizationName: tenantTitle,
    createdAt,
    updatedAt,
    deletedAt: null,
  };
}
