/** What was seen of a server, written down: its row, its disks and cards, and the found resource it is. */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../dsl/plan.js';
import type { TenantId } from '../ids.js';
import type { Client } from '../store/pool.js';
import type { SeenServer } from './handlers/handler.js';
import { dropDisks, dropNics, insertNics, saveDisks } from './server-parts.store.js';
import { deletePasswords } from './server-passwords.store.js';
import type { ServerState } from './server-state.js';
import {
  endResources,
  insertHistory,
  type ServerRow,
  saveSeen,
  setServerStatus,
  upsertInstanceResource,
} from './servers.store.js';

export interface Seen {
  readonly accountUid: number;
  readonly server: Pick<ServerRow, 'uid' | 'ownerId' | 'deploymentUid' | 'instanceId'>;
  readonly seen: SeenServer;
  /** Null: as it is. */
  readonly status: ServerState | null;
  readonly tags: JsonObject;
}

export async function recordSeen(
  client: Client,
  tenant: TenantId,
  { accountUid, server, seen, status, tags }: Seen,
): Promise<void> {
  const facts: JsonObject = {
    ...seen.facts,
    power: seen.power,
    cpus: seen.cpus,
    memory_mb: seen.memoryMb,
    public_ip: seen.ip,
    private_ip: seen.privateIp,
    os_family: seen.osFamily,
  };
  const digest = createHash('sha256')
    .update(JSON.stringify([seen.hostname, tags, stable(facts)]))
    .digest();
  const resource = await upsertInstanceResource.one(client, tenant, [
    accountUid,
    seen.region === '' ? 'global' : seen.region,
    seen.providerId,
    seen.hostname,
    JSON.stringify(tags),
    JSON.stringify(facts),
    digest,
    server.ownerId,
    server.deploymentUid,
    server.instanceId,
  ]);
  const diskGb = seen.disks.reduce((sum, { gb }) => sum + gb, 0);
  await saveSeen.run(client, tenant, [
    server.uid,
    seen.power,
    seen.hostname,
    seen.ip,
    seen.privateIp,
    seen.port,
    seen.mac,
    seen.cpus,
    seen.memoryMb,
    diskGb,
    seen.osFamily,
    JSON.stringify(seen.facts),
    resource!.uid,
    status,
    accountUid,
  ]);
  await saveDisks.run(client, tenant, [server.uid, JSON.stringify(seen.disks)]);
  await dropDisks.run(client, tenant, [server.uid, seen.disks.map(({ id }) => id)]);
  await dropNics.run(client, tenant, [server.uid]);
  await insertNics.run(client, tenant, [server.uid, JSON.stringify(seen.nics)]);
}

/** It is not there any more: its row stays to be read, its resource is destroyed, its password forgotten. */
export async function recordGone(
  client: Client,
  tenant: TenantId,
  servers: readonly number[],
): Promise<void> {
  await endResources.run(client, tenant, [servers]);
  await setServerStatus.run(client, tenant, [servers, 'historical', '']);
  await deletePasswords.run(client, tenant, [servers]);
}

export interface Happening {
  readonly event: string;
  readonly message: string;
  /** Username; null: nobody in particular. */
  readonly by: string | null;
  readonly execution: string | null;
}

export async function remember(
  client: Client,
  tenant: TenantId,
  server: number,
  { event, message, by, execution }: Happening,
): Promise<void> {
  await insertHistory.run(client, tenant, [server, event, message.slice(0, 4000), by, execution]);
}

/** Without what changes at every look. */
function stable({ bytes_used: _, ...facts }: JsonObject): JsonObject {
  return facts;
}
