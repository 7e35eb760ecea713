/**
 * What a tenant of self-service begins with, so that the documented examples run with nothing else (specs: cloudbolt.md §5.11, §6.5):
 * groups, a cloud account on this machine with one environment, parameters, two offers, and the actions everybody expects.
 *
 * It is given once, whole or not at all, at the first start that finds it not given. What people change or delete of it stays so.
 */
import type { Caller, TenantScope } from '../caller.js';
import type { Callers } from '../identity/callers.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import { accompany, inTransaction } from '../store/transaction.js';
import type { ActionUses } from './action-uses.js';
import type { Actions } from './actions.js';
import type { BuildingBlocks } from './building-blocks.js';
import type { Environments } from './environments.js';
import {
  FIRST_ACTIONS,
  FIRST_NETWORKS,
  FIRST_OS_BUILDS,
  FIRST_PARAMETERS,
  FIRST_PRECONFIGURATIONS,
} from './first-catalogue.js';
import {
  insertChoice,
  insertContent,
  insertEnvironmentPreconfiguration,
  insertParameter,
  insertParameterUse,
  insertPreconfiguration,
  selectContent,
  selectFirstAdmin,
  selectLocalAccount,
  selectTenantByName,
} from './first-contents.store.js';
import { insertGroup, insertMember, insertRole, insertType, updatePath } from './groups.store.js';
import type { Offers } from './offers.js';
import { FIRST_ROLES } from './permissions.js';
import type { ResourceTypes } from './resource-types.js';
import { orderingScope } from './rights.js';

const CONTENT = 'self-service';
const ACCOUNT = 'Local servers';

interface FirstAccount {
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly settings: Record<string, never>;
}

export interface FirstContentsParts {
  readonly pool: Pool;
  readonly callers: Pick<Callers, 'actingAs'>;
  /** Of the room of cloud accounts, which knows this one. */
  readonly cloudAccounts: { create(caller: Caller, account: FirstAccount): Promise<unknown> };
  readonly environments: Environments;
  readonly osBuilds: BuildingBlocks;
  readonly actions: Actions;
  readonly actionUses: ActionUses;
  readonly resourceTypes: ResourceTypes;
  readonly offers: Offers;
}

/** @returns whether it was given now; nothing is done where the tenant is not there, or has no first administrator */
export async function giveFirstContents(parts: FirstContentsParts, tenantName: string): Promise<boolean> {
  const tenant = await selectTenantByName.one(parts.pool, [tenantName]);
  const admin = await selectFirstAdmin.one(parts.pool);
  if (tenant === null || admin === null) return false;
  if ((await selectContent.one(parts.pool, tenant.id, [CONTENT])) !== null) return false;
  const caller = await parts.callers.actingAs(admin.username, tenantName, 'start');
  const begin = async (client: Client) => {
    if ((await insertContent.one(client, tenant.id, [CONTENT])) === null) throw new GivenMeanwhile();
  };
  const finish = (client: Client) => give(parts, client, caller);
  const account: FirstAccount = { name: ACCOUNT, kind: 'local', status: 'ready', settings: {} };
  try {
    if ((await selectLocalAccount.one(parts.pool, tenant.id)) === null) {
      await accompany({ before: begin, after: finish }, () => parts.cloudAccounts.create(caller, account));
    } else {
      await inTransaction(parts.pool, async (client) => {
        await begin(client);
        await finish(client);
      });
    }
    return true;
  } catch (error) {
    if (error instanceof GivenMeanwhile) return false;
    throw error;
  }
}

/** Another process was quicker; not a trouble. */
class GivenMeanwhile extends Error {}

async function give(parts: FirstContentsParts, client: Client, caller: Caller): Promise<void> {
  const scope = orderingScope(caller);
  for (const role of FIRST_ROLES) {
    await insertRole.run(client, scope.tenantId, [role.name, role.label, role.permissions, role.reachesDown]);
  }
  const type = (await insertType.one(client, scope.tenantId, ['Organization', true]))!.uid;
  // Collects; nobody orders in it.
  const collecting = (await insertType.one(client, scope.tenantId, ['Unassigned', false]))!.uid;
  await aGroup(client, scope, 'Unassigned', collecting, false);
  const group = await aGroup(client, scope, 'Default', type, true);
  await insertMember.run(client, scope.tenantId, [group, scope.userId, FIRST_ROLES.map(({ name }) => name)]);
  await parts.environments.insert(client, scope, { name: 'Unassigned', unassigned: true });
  const environment = await anEnvironment(parts, client, scope, group);
  await someParameters(client, scope, environment);
  await aCatalogue(parts, client, scope);
}

async function aGroup(
  client: Client,
  scope: TenantScope,
  name: string,
  type: number,
  autoApproval: boolean,
): Promise<number> {
  const number = await nextNumber(client, scope.tenantId, 'ordering-group');
  const values = [number, name, '', type, null, autoApproval];
  const { uid } = (await insertGroup.one(client, scope.tenantId, values))!;
  await updatePath.run(client, scope.tenantId, [uid]);
  return uid;
}

async function anEnvironment(
  { environments, osBuilds }: FirstContentsParts,
  client: Client,
  scope: TenantScope,
  group: number,
): Promise<number> {
  const account = (await selectLocalAccount.one(client, scope.tenantId))!.uid;
  const builds: number[] = [];
  for (const { name, description, image } of FIRST_OS_BUILDS) {
    const block = { name, description, osFamily: ['Linux', 'Local'] };
    const { uid } = await osBuilds.insert(client, scope, block);
    await osBuilds.setImage(client, scope, { osBuild: uid, account, image });
    builds.push(uid);
  }
  return environments.insert(client, scope, {
    name: 'Local',
    description: 'Servers that are processes of this machine',
    account,
    networks: FIRST_NETWORKS,
    groups: [group],
    osBuilds: builds,
  });
}

async function someParameters(client: Client, scope: TenantScope, environment: number): Promise<void> {
  for (const { name, label, description, type, constraints = {} } of FIRST_PARAMETERS) {
    const number = await nextNumber(client, scope.tenantId, 'parameter');
    const values = [number, name, label, description, type, false, JSON.stringify(constraints), null];
    const { uid } = (await insertParameter.one(client, scope.tenantId, values))!;
    const options =
      name === 'sc_nic_0' ? JSON.stringify(FIRST_NETWORKS.map((network) => network.name)) : null;
    await insertParameterUse.run(client, scope.tenantId, [uid, environment, options, null]);
  }
  for (const { name, label, description, choices } of FIRST_PRECONFIGURATIONS) {
    const number = await nextNumber(client, scope.tenantId, 'preconfiguration');
    const values = [number, name, label, description];
    const { uid } = (await insertPreconfiguration.one(client, scope.tenantId, values))!;
    for (const [position, [choice, preset]] of Object.entries(choices).entries()) {
      await insertChoice.run(client, scope.tenantId, [uid, choice, position, JSON.stringify(preset)]);
    }
    await insertEnvironmentPreconfiguration.run(client, scope.tenantId, [environment, uid]);
  }
}

async function aCatalogue(parts: FirstContentsParts, client: Client, scope: TenantScope): Promise<void> {
  const { actions, actionUses, offers, resourceTypes } = parts;
  const greet = await actions.insert(client, scope, FIRST_ACTIONS.greet);
  const welcome = await actions.insert(client, scope, FIRST_ACTIONS.welcome);
  const runs = { actionUid: greet.uid };
  await actionUses.insert(client, scope, 'server', { label: 'Say Hello', runs });
  // In this order: clients know the first of them by its number.
  await actionUses.insert(client, scope, 'resource', {
    label: 'Delete',
    runs: { builtin: 'delete' },
    dangerous: true,
  });
  await actionUses.insert(client, scope, 'resource', { label: 'Scale', runs: { builtin: 'scale' } });
  const service = await resourceTypes.ensure(client, scope, { name: 'service', label: 'Service' });
  await offers.insert(client, scope, {
    name: 'Custom Server',
    description: 'One server, as you wish it',
    position: 1,
    anyGroup: true,
    items: [{ name: 'Server', kind: 'server', settings: { allEnvironments: true } }],
  });
  await offers.insert(client, scope, {
    name: 'Web Service',
    description: 'A server with a page to begin with',
    position: 2,
    anyGroup: true,
    resourceTypeUid: service,
    items: [
      { name: 'Server', kind: 'server', settings: { allEnvironments: true, hostnameTemplate: 'web0X' } },
      { name: 'Install Welcome Page', kind: 'action', actionUid: welcome.uid },
    ],
  });
}
