/** What ordering asks of servers and of what is built under one name (ordering/server-book.ts). */
import type { TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import type { Ref } from '../ordering/order-items.js';
import type { NewResource, NewServer, Occurrence, ServerBook } from '../ordering/server-book.js';
import type { ThingKey } from '../ordering/thing-key.js';
import { nextNumber } from '../store/numbers.js';
import type { Client } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import type { ServerHandlers } from './server-handlers.js';
import { selectDisks } from './server-parts.store.js';
import type { ServerPasswords } from './server-passwords.js';
import { recordGone, remember } from './server-records.js';
import {
  bindServers,
  insertServer,
  type ServerRow,
  selectAccountFor,
  selectNames,
  selectServersByKey,
  selectServersByUid,
  selectServersOfDeployment,
  selectTaken,
  setServerStatus,
} from './servers.store.js';
import {
  bindFoundServer,
  bindService,
  insertService,
  insertServiceHistory,
  type ServiceRow,
  selectServersOfService,
  selectServicesByKey,
  selectServicesByUid,
  selectServicesOfDeployments,
  setServerParameters,
  setServiceStatus,
} from './services.store.js';

/** Whose tenant it is suffices: permissions are ordering's affair. */
export class InventoryBook implements ServerBook {
  readonly #handlers: Pick<ServerHandlers, 'passwordProblem'>;
  readonly #passwords: ServerPasswords;

  constructor(parts: {
    readonly handlers: Pick<ServerHandlers, 'passwordProblem'>;
    readonly passwords: ServerPasswords;
  }) {
    this.#handlers = parts.handlers;
    this.#passwords = parts.passwords;
  }

  async byKeys(db: Queryable, { tenantId }: TenantScope, keys: readonly ThingKey[]) {
    return this.#known(db, tenantId, await selectServersByKey.all(db, tenantId, split(keys)));
  }

  async byUids(db: Queryable, { tenantId }: TenantScope, uids: readonly number[]) {
    return this.#known(db, tenantId, await selectServersByUid.all(db, tenantId, [uids]));
  }

  async ofDeployment(db: Queryable, { tenantId }: TenantScope, deploymentId: string) {
    return this.#known(db, tenantId, await selectServersOfDeployment.all(db, tenantId, [deploymentId]));
  }

  async resourcesByKeys(db: Queryable, { tenantId }: TenantScope, keys: readonly ThingKey[]) {
    return (await selectServicesByKey.all(db, tenantId, split(keys))).map(knownService);
  }

  async resourcesOfDeployments(db: Queryable, { tenantId }: TenantScope, deployments: readonly string[]) {
    return (await selectServicesOfDeployments.all(db, tenantId, [deployments])).map(knownService);
  }

  async resourcesByUids(db: Queryable, { tenantId }: TenantScope, uids: readonly number[]) {
    return (await selectServicesByUid.all(db, tenantId, [uids])).map(knownService);
  }

  async ofResource(db: Queryable, scope: TenantScope, resource: number) {
    const rows = await selectServersOfService.all(db, scope.tenantId, [resource]);
    return this.byUids(
      db,
      scope,
      rows.map(({ uid }) => uid),
    );
  }

  async bindFound(
    client: Client,
    { tenantId }: TenantScope,
    server: number,
    place: { readonly deploymentId: string; readonly node: string; readonly instanceId: string },
  ): Promise<void> {
    const { deploymentId, node, instanceId } = place;
    await bindFoundServer.run(client, tenantId, [server, deploymentId, node, instanceId]);
  }

  async note(
    client: Client,
    { tenantId }: TenantScope,
    { servers, resource, event, message, by, execution }: Occurrence,
  ): Promise<void> {
    for (const server of servers) await remember(client, tenantId, server, { event, message, by, execution });
    if (resource === null) return;
    const values = [resource, event, message.slice(0, 4000), by, execution];
    await insertServiceHistory.run(client, tenantId, values);
  }

  async taken(db: Queryable, { tenantId }: TenantScope, prefix: string) {
    const pattern = `${prefix.replace(/[\\%_]/g, '\\$&')}%`;
    return (await selectTaken.all(db, tenantId, [[pattern]])).map(({ hostname }) => hostname);
  }

  async register(
    client: Client,
    { tenantId }: TenantScope,
    servers: readonly NewServer[],
  ): Promise<readonly (Ref & { readonly id: string })[]> {
    const first = await nextNumber(client, tenantId, 'server', servers.length);
    const registered: (Ref & { id: string })[] = [];
    for (const [at, server] of servers.entries()) {
      const { expiration_date: expires } = server.parameters;
      const row = await insertServer.one(client, tenantId, [
        first + at,
        server.hostname,
        server.account,
        server.groupUid,
        server.environmentUid,
        server.osBuildUid,
        server.ownerId,
        null,
        server.node,
        null,
        server.cpus,
        server.memoryMb,
        server.diskGb,
        JSON.stringify(server.parameters),
        'building',
        typeof expires === 'string' && expires !== '' ? expires : null,
        null,
      ]);
      registered.push({ ...row!, name: server.hostname });
    }
    return registered;
  }

  async registerResource(client: Client, { tenantId }: TenantScope, resource: NewResource): Promise<Ref> {
    const number = await nextNumber(client, tenantId, 'service');
    const row = await insertService.one(client, tenantId, [
      number,
      resource.name,
      resource.resourceTypeUid,
      resource.offerUid,
      resource.groupUid,
      resource.ownerId,
      JSON.stringify(resource.parameters),
    ]);
    await insertServiceHistory.run(client, tenantId, [
      row!.uid,
      'ordered',
      `${resource.name} was ordered`,
      resource.ownerName,
      null,
    ]);
    return { ...row!, number, name: resource.name };
  }

  async bind(
    client: Client,
    { tenantId }: TenantScope,
    deploymentId: string,
    built: { readonly servers: readonly number[]; readonly resource: number | null },
  ): Promise<void> {
    await bindServers.run(client, tenantId, [built.servers, deploymentId, built.resource]);
    if (built.resource !== null) await bindService.run(client, tenantId, [built.resource, deploymentId]);
  }

  async passwordProblem(db: Queryable, { tenantId }: TenantScope, account: number | null) {
    const uid = account ?? (await selectAccountFor.one(db, tenantId, ['']))?.uid ?? null;
    if (uid === null) return 'there is no cloud account for it';
    return this.#handlers.passwordProblem(db, tenantId, uid);
  }

  keepPassword(client: Client, _scope: TenantScope, server: number, password: string): Promise<void> {
    return this.#passwords.keep(client, server, password);
  }

  async settle(
    client: Client,
    { tenantId }: TenantScope,
    {
      servers,
      as,
      trouble,
    }: {
      readonly servers: readonly number[];
      readonly as: 'active' | 'build-failed' | 'historical';
      readonly trouble: string;
    },
  ): Promise<void> {
    if (servers.length === 0) return;
    if (as === 'historical') await recordGone(client, tenantId, servers);
    else await setServerStatus.run(client, tenantId, [servers, as, trouble.slice(0, 1000)]);
  }

  async setParameters(
    client: Client,
    { tenantId }: TenantScope,
    server: number,
    parameters: JsonObject,
  ): Promise<void> {
    await setServerParameters.run(client, tenantId, [server, JSON.stringify(parameters)]);
  }

  async settleResource(
    client: Client,
    { tenantId }: TenantScope,
    uid: number,
    as: 'active' | 'provision-failed' | 'historical',
  ): Promise<void> {
    const changed = await setServiceStatus.run(client, tenantId, [uid, as]);
    const [event, message] = BECAME[as];
    if (changed > 0) await insertServiceHistory.run(client, tenantId, [uid, event, message, null, null]);
  }

  async #known(db: Queryable, tenantId: TenantScope['tenantId'], rows: readonly ServerRow[]) {
    if (rows.length === 0) return [];
    const uids = rows.map(({ uid }) => uid);
    const disks = await selectDisks.all(db, tenantId, [uids]);
    const names = new Map((await selectNames.all(db, tenantId, [uids])).map((row) => [row.uid, row]));
    return rows.map((row) => ({
      uid: row.uid,
      number: row.number,
      code: row.code,
      id: row.id,
      name: row.hostname,
      status: row.status,
      groupUid: row.groupUid,
      environment: names.get(row.uid)?.environment ?? null,
      account: row.accountUid,
      accountId: names.get(row.uid)?.accountId ?? null,
      isThere: row.providerId !== null,
      ip: row.ip,
      ownerId: row.ownerId,
      cpus: row.cpus,
      memoryMb: row.memoryMb,
      diskGb: row.diskGb,
      disks: disks.filter(({ serverUid }) => serverUid === row.uid),
      parameters: row.parameters,
      osBuild: names.get(row.uid)?.osBuild ?? null,
      deploymentId: row.deploymentId,
      node: row.node,
      instanceId: row.instanceId,
    }));
  }
}

const BECAME = {
  active: ['built', 'It stands'],
  'provision-failed': ['failed', 'It could not be built to its end'],
  historical: ['ended', 'It is gone'],
} as const;

function knownService({ status, ...service }: ServiceRow) {
  return { ...service, over: status === 'historical' };
}

function split(keys: readonly ThingKey[]): [number[], string[]] {
  return [
    keys.flatMap((key) => ('number' in key ? [key.number] : [])),
    keys.flatMap((key) => ('code' in key ? [key.code] : [])),
  ];
}
