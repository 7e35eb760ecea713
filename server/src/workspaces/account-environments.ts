/** Environments: sets of cloud accounts that something may be placed on. A cloud account may be in any number of them. */
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requirePerson } from '../identity/permission.js';
import { isUuid } from '../membership/acting-tenant.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  CONNECTION_LIST,
  type ConnectionField,
  countStatuses,
  deleteEnvironment,
  ENVIRONMENT_LIST,
  type EnvironmentField,
  insertEnvironment,
  lockEnvironment,
  updateEnvironment,
} from './account-environments.store.js';
import { type AssignmentRow, putInto, takeFrom } from './assignments.js';
import { ACCOUNTS_OF_ENVIRONMENT } from './assignments.store.js';

export type { ConnectionField, EnvironmentField } from './account-environments.store.js';

export interface EnvironmentChange {
  readonly name?: string;
  readonly description?: string;
  readonly metadata?: JsonObject;
}

export class AccountEnvironments {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Needs `workspaces.read`. */
  list(caller: Caller, query: ListQuery<EnvironmentField>): Promise<ListPage> {
    return listPage(this.#pool, ENVIRONMENT_LIST, scopeFor(caller, 'workspaces.read'), query);
  }

  /** Cloud accounts with their environments and what people have noted on them. Needs `cloud-accounts.read`. */
  connections(caller: Caller, query: ListQuery<ConnectionField>): Promise<ListPage> {
    return listPage(this.#pool, CONNECTION_LIST, scopeFor(caller, 'cloud-accounts.read'), query);
  }

  /** How many cloud accounts there are of each status, as kept and as noted. */
  statuses(caller: Caller): Promise<readonly { status: string; noted: string | null; count: number }[]> {
    return countStatuses.all(this.#pool, scopeFor(caller, 'cloud-accounts.read').tenantId);
  }

  /** Needs `workspaces.write`. @returns its id */
  create(caller: Caller, environment: EnvironmentChange & { readonly name: string }): Promise<string> {
    return this.#change(caller, 'create', async (client, scope) => {
      const { name, description = '', metadata = {} } = environment;
      const row = await insertEnvironment.one(client, scope.tenantId, [
        name,
        description,
        JSON.stringify(metadata),
        scope.userId,
      ]);
      return row!;
    });
  }

  /** @throws DomainError `not-found` */
  async update(caller: Caller, id: string, change: EnvironmentChange): Promise<void> {
    await this.#change(caller, 'update', async (client, scope) => {
      const environment = await lock(client, scope, id);
      const metadata = change.metadata === undefined ? null : JSON.stringify(change.metadata);
      const values = [environment.uid, change.name ?? null, change.description ?? null, metadata];
      await updateEnvironment.run(client, scope.tenantId, values);
      return environment;
    });
  }

  /** @throws DomainError `not-found` */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.#change(caller, 'delete', async (client, scope) => {
      const environment = await lock(client, scope, id);
      await deleteEnvironment.run(client, scope.tenantId, [environment.uid]);
      return environment;
    });
  }

  /** @param account UUID of a cloud account @throws DomainError `not-found`; `invalid` (`other-tenant`) */
  async assign(caller: Caller, id: string, account: string): Promise<AssignmentRow> {
    let made: AssignmentRow | null = null;
    await this.#change(caller, 'add-cloud-account', async (client, scope) => {
      const environment = await lock(client, scope, id);
      made = await putInto(client, scope.tenantId, environment.uid, ACCOUNTS_OF_ENVIRONMENT, account);
      return environment;
    });
    return made!;
  }

  /** @throws DomainError `not-found` */
  async unassign(caller: Caller, id: string, account: string): Promise<void> {
    await this.#change(caller, 'remove-cloud-account', async (client, scope) => {
      const environment = await lock(client, scope, id);
      await takeFrom(client, scope.tenantId, environment.uid, ACCOUNTS_OF_ENVIRONMENT, account);
      return environment;
    });
  }

  async #change(
    caller: Caller,
    action: string,
    work: (client: Client, scope: TenantScope) => Promise<{ readonly id: string }>,
  ): Promise<string> {
    const scope = scopeFor(caller, 'workspaces.write');
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const { id } = await work(client, scope);
      await record(client, caller, { action, thing: 'environment', id, details: { uuid: id } });
      return id;
    });
  }
}

async function lock(client: Client, scope: TenantScope, id: string): Promise<{ uid: number; id: string }> {
  const environment = isUuid(id) ? await lockEnvironment.one(client, scope.tenantId, [id]) : null;
  if (environment === null) throw notFound('Environment', id.slice(0, 100));
  return environment;
}
