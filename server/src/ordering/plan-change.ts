/** A change of a server: what of it is to be otherwise, told as a delta. */
import type { Caller, TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import type { Queryable } from '../store/statement.js';
import type { ItemRequest, ModifyPlan } from './order-items.js';
import { summaryOf } from './order-summary.js';
import { type GroupPermission, OWNER_PERMISSIONS } from './permissions.js';
import { isKey, refOf, type ServerFacts, shown } from './plan-servers.js';
import type { PlannedItem, PlanningOrder } from './planned.js';
import { costOf, sum } from './rates.js';
import type { Rights } from './rights.js';
import { LOGIN_PASSWORD, MASKED } from './sealed-password.js';
import type { KnownServer, ServerBook } from './server-book.js';
import { cpuCount, diskGb, memoryMb, shownDisk, shownMemory } from './sizes.js';
import { isAbsent, keptName, namedAs, resolveParameters } from './wished-parameters.js';

export interface PlanParts {
  readonly servers: ServerBook;
  readonly rights: Rights;
  readonly facts: ServerFacts;
}

/**
 * @throws DomainError `not-found`; `forbidden`; `invalid` (`server-elsewhere`, `server-over`, `server-busy`, `change-empty`,
 *   `disk-missing`, `disk-unknown`, `disk-shrinks`, …)
 */
export async function planChange(
  db: Queryable,
  caller: Caller,
  scope: TenantScope,
  order: PlanningOrder,
  request: Extract<ItemRequest, { kind: 'modify' }>,
  { servers, rights, facts }: PlanParts,
): Promise<PlannedItem> {
  const [server] = await servers.byKeys(db, scope, [request.server]);
  if (server === undefined) throw notFound('Server', shown(request.server));
  await requireServer(db, caller, order, server, 'server.modify', rights);
  if (request.environment !== undefined) requireEnvironment(server, request.environment);
  const { environment } = server;
  const { change, delta, more, parameters, passwords } = changeOf(
    server,
    request.parameters,
    request.disk,
    facts,
  );
  if (change.password !== undefined) await requirePasswords(db, scope, servers, server);
  if (Object.keys(delta).length === 0) {
    throw refused('change-empty', `Nothing of server '${server.name}' would change`, 'parameters');
  }
  const plan: ModifyPlan = {
    kind: 'modify',
    server: refOf(server),
    deploymentId: server.deploymentId,
    node: server.node,
    instanceId: server.instanceId,
    change,
    delta,
    more,
  };
  const rated = (own: { cpus: number; memoryMb: number; diskGb: number; parameters: JsonObject }) =>
    costOf(
      { environment: environment?.uid ?? 0, osBuild: server.osBuild, applications: [], ...own },
      facts.rates,
    ).total;
  const before = rated(server);
  const after = rated({
    cpus: server.cpus + more.cpus,
    memoryMb: server.memoryMb + more.memoryMb,
    diskGb: server.diskGb + more.diskGb,
    parameters: { ...server.parameters, ...change.parameters },
  });
  return {
    asked: {
      kind: 'modify',
      server: refOf(server),
      ...(environment === null ? {} : { environment: refOf(environment) }),
      parameters,
      ...(request.disk === undefined ? {} : { disk: request.disk }),
    },
    plan,
    rate: sum([after, -before]),
    summary: summaryOf(plan),
    environments: facts.environments.filter(({ uid }) => uid === environment?.uid),
    passwords,
  };
}

/** @throws DomainError `invalid` (`password-unsupported`) where servers of the account cannot be given one */
export async function requirePasswords(
  db: Queryable,
  scope: TenantScope,
  servers: Pick<ServerBook, 'passwordProblem'>,
  { name, account }: { readonly name: string; readonly account: number | null },
): Promise<void> {
  const problem = await servers.passwordProblem(db, scope, account);
  if (problem === null) return;
  throw refused(
    'password-unsupported',
    `Parameter '${LOGIN_PASSWORD}' cannot be set on '${name}': ${problem}`,
    LOGIN_PASSWORD,
  );
}

function changeOf(server: KnownServer, given: JsonObject, disk: string | undefined, facts: ServerFacts) {
  const change: { -readonly [Name in keyof ModifyPlan['change']]: ModifyPlan['change'][Name] } = {};
  const delta: Record<string, string> = {};
  const more = { cpus: 0, memoryMb: 0, diskGb: 0 };
  const parameters: JsonObject = {};
  const others: JsonObject = {};
  for (const [name, value] of Object.entries(given)) {
    if (isAbsent(value)) continue;
    parameters[keptName(name)] = value;
    switch (namedAs(name)) {
      case 'cpu_cnt': {
        const cpus = cpuCount(value, name);
        if (cpus === server.cpus) break;
        change.cpus = cpus;
        more.cpus = cpus - server.cpus;
        delta['CPU Cnt'] = `${server.cpus} -> ${cpus}`;
        break;
      }
      case 'mem_size': {
        const mb = memoryMb(value, name);
        if (mb === server.memoryMb) break;
        change.memoryMb = mb;
        more.memoryMb = mb - server.memoryMb;
        delta['Mem Size'] = `${shownMemory(server.memoryMb)} -> ${shownMemory(mb)}`;
        break;
      }
      case 'disk_size': {
        const gb = diskGb(value, name);
        const grown = grownDisk(server, disk, gb);
        if (grown.by === 0) break;
        change.grow = { disk: grown.id, gb };
        more.diskGb += grown.by;
        delta['Disk Size'] = `${shownDisk(gb - grown.by)} -> ${shownDisk(gb)}`;
        break;
      }
      case 'new_disk_size': {
        const gb = diskGb(value, name);
        change.addGb = gb;
        more.diskGb += gb;
        delta['New Disk Size'] = `0 GB -> ${shownDisk(gb)}`;
        break;
      }
      default:
        others[name] = value;
    }
  }
  const resolved = resolveParameters(others, {}, server.environment?.uid ?? 0, { ...facts, uses: [] });
  const { values, password, passwords } = resolved;
  if (Object.keys(others).length > 0) {
    Object.assign(parameters, resolved.asked);
    if (password !== null) change.password = password;
    const changed: JsonObject = {};
    for (const [name, value] of Object.entries(values)) {
      const before = server.parameters[name] ?? null;
      // Whether a password is another one than before is not told.
      if (value !== MASKED && JSON.stringify(before) === JSON.stringify(value)) continue;
      changed[name] = value;
      delta[labelOf(name)] = `${before === null ? 'None' : String(before)} -> ${String(value)}`;
    }
    if (Object.keys(changed).length > 0) change.parameters = changed;
  }
  return { change, delta, more, parameters, passwords };
}

function grownDisk(server: KnownServer, wanted: string | undefined, gb: number): { id: string; by: number } {
  if (wanted === undefined || wanted === '') {
    throw refused('disk-missing', 'disk_size needs disk-uuid: the disk that is to grow', 'disk-uuid');
  }
  const disk = server.disks.find(({ id, providerId }) => id === wanted || providerId === wanted);
  if (disk === undefined) {
    const known = server.disks.map(({ id }) => id).join(', ');
    throw refused(
      'disk-unknown',
      `Server '${server.name}' has no disk ${wanted}; it has: ${known || 'none'}`,
      'disk-uuid',
    );
  }
  if (gb < disk.gb) {
    throw refused('disk-shrinks', `Disk ${wanted} has ${disk.gb} GB: a disk can only grow`, 'disk_size');
  }
  return { id: disk.id, by: gb - disk.gb };
}

/** `mem_size` -> `Mem Size`. */
export function labelOf(name: string): string {
  return name
    .split(/[_\s-]+/)
    .filter((word) => word !== '')
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join(' ');
}

/** @throws DomainError `invalid` (`server-elsewhere`, `server-over`, `server-busy`); `forbidden` */
export async function requireServer(
  db: Queryable,
  caller: Caller,
  order: PlanningOrder,
  server: KnownServer,
  permission: GroupPermission,
  rights: Rights,
): Promise<void> {
  const owns = server.ownerId === caller.userId && OWNER_PERMISSIONS.has(permission);
  const sees =
    owns || (server.groupUid !== null && (await rights.may(caller, 'server.view', server.groupUid, db)));
  const may =
    owns || (server.groupUid !== null && (await rights.may(caller, permission, server.groupUid, db)));
  if (!sees && !may) throw notFound('Server', String(server.number));
  if (server.groupUid !== order.group.uid) {
    throw refused(
      'server-elsewhere',
      `Server '${server.name}' is not in group '${order.group.name}'`,
      'server',
    );
  }
  if (!may) {
    throw new DomainError(
      'forbidden',
      'group-permission-denied',
      `User ${caller.username} does not have the permission ${permission} for server '${server.name}'`,
      { details: { permission } },
    );
  }
  if (server.status === 'historical')
    throw refused('server-over', `Server '${server.name}' is HISTORICAL`, 'server');
}

/** @throws DomainError `invalid` (`server-elsewhere`) */
export function requireEnvironment(server: KnownServer, key: Parameters<typeof shown>[0]): void {
  if (server.environment !== null && isKey(server.environment, key)) return;
  throw refused(
    'server-elsewhere',
    `Server '${server.name}' is in environment ${server.environment === null ? 'none' : `'${server.environment.name}'`}, not in ${shown(key)}`,
    'environment',
  );
}

export function refused(reason: string, message: string, field: string): DomainError {
  return new DomainError('invalid', reason, message, { details: { field } });
}
