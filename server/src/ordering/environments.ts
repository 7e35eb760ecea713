/**
 * Environments: parts of cloud accounts in which servers are built, with what can be built there.
 *
 * A person sees those that are attached to groups they see. One of a tenant, `unassigned`, collects servers that nobody has placed;
 * nothing is ordered there, and it stays.
 */
import type { Caller, TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import {
  attachApplications,
  attachGroups,
  attachOsBuilds,
  deleteEnvironment,
  type EnvironmentField,
  type EnvironmentRow,
  environmentList,
  insertEnvironment,
  type Named,
  type Network,
  selectApplicationsOfEnvironment,
  selectEnvironment,
  selectEnvironments,
  selectEnvironmentsOfGroup,
  selectGroupsOfEnvironment,
  selectOsBuildsOfEnvironment,
  selectRateOfEnvironment,
} from './environments.store.js';
import { requireTitle } from './names.js';
import { managingScope, orderingScope } from './rights.js';
import { keyText, keyValues, type ThingKey } from './thing-key.js';

export type { EnvironmentField, Named, Network } from './environments.store.js';
export type Environment = EnvironmentRow;

export interface NewEnvironment {
  readonly name: string;
  readonly description?: string;
  /** Key of a cloud account. */
  readonly account?: number | null;
  readonly location?: string;
  readonly networks?: readonly Network[];
  readonly autoApproval?: boolean;
  /** Keys of what is attached, found before. */
  readonly groups?: readonly number[];
  readonly osBuilds?: readonly number[];
  readonly applications?: readonly number[];
  readonly unassigned?: boolean;
}

/** What keeps an environment from being deleted: told by the rooms that keep it. */
export type ThingsOfEnvironment = (
  db: Queryable,
  scope: TenantScope,
  environmentUid: number,
) => Promise<{ readonly things: string; readonly count: number }>;

export class Environments {
  readonly #pool: Pool;
  readonly #things: ThingsOfEnvironment[] = [];

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Names what is in environments, so that none goes with it still there. */
  holding(things: ThingsOfEnvironment): void {
    this.#things.push(things);
  }

  async list(caller: Caller, query: ListQuery<EnvironmentField>): Promise<ListPage> {
    return listPage(this.#pool, environmentList, orderingScope(caller), query);
  }

  /** Throws `not-found`, also for one that the caller may not see. */
  async find(caller: Caller, key: ThingKey, db: Queryable = this.#pool): Promise<Environment> {
    const scope = orderingScope(caller);
    const values = [...keyValues(key), scope.userId, scope.seesPrivate];
    const found = await selectEnvironment.one(db, scope.tenantId, values);
    if (found === null) throw notFound('Environment', keyText(key));
    return found;
  }

  /** By their surrogate keys, in order of their numbers; null: all of the tenant. */
  async byKeys(
    db: Queryable,
    scope: TenantScope,
    uids: readonly number[] | null,
  ): Promise<readonly Environment[]> {
    return selectEnvironments.all(db, scope.tenantId, [uids]);
  }

  /** Those attached to a group that the caller has found. */
  async ofGroup(
    caller: Caller,
    group: { readonly uid: number },
    db: Queryable = this.#pool,
  ): Promise<readonly Environment[]> {
    return selectEnvironmentsOfGroup.all(db, orderingScope(caller).tenantId, [group.uid]);
  }

  /** Those of a group in which servers may be ordered. */
  async orderable(
    caller: Caller,
    group: { readonly uid: number },
    db: Queryable = this.#pool,
  ): Promise<readonly Environment[]> {
    return (await this.ofGroup(caller, group, db)).filter(({ unassigned }) => !unassigned);
  }

  /** What its servers cost in the unit of the setting, as far as they were ordered. */
  async rate(caller: Caller, environment: Environment): Promise<number> {
    const found = await selectRateOfEnvironment.one(this.#pool, orderingScope(caller).tenantId, [
      environment.uid,
    ]);
    return found!.rate;
  }

  /** The groups it is attached to, those that the caller sees. */
  async groups(caller: Caller, environment: Environment): Promise<readonly Named[]> {
    const scope = orderingScope(caller);
    const values = [environment.uid, scope.userId, scope.seesPrivate];
    return selectGroupsOfEnvironment.all(this.#pool, scope.tenantId, values);
  }

  async osBuilds(
    caller: Caller,
    environment: { readonly uid: number },
    db: Queryable = this.#pool,
  ): Promise<readonly Named[]> {
    return selectOsBuildsOfEnvironment.all(db, orderingScope(caller).tenantId, [environment.uid]);
  }

  async applications(
    caller: Caller,
    environment: { readonly uid: number },
    db: Queryable = this.#pool,
  ): Promise<readonly Named[]> {
    return selectApplicationsOfEnvironment.all(db, orderingScope(caller).tenantId, [environment.uid]);
  }

  /** Needs `ordering.manage`. @throws DomainError `invalid`; `conflict` (`environment-exists`) */
  async create(caller: Caller, environment: NewEnvironment): Promise<Environment> {
    const scope = managingScope(caller);
    return inTransaction(this.#pool, async (client) => {
      const uid = await this.insert(client, scope, environment);
      const details = { name: environment.name };
      await record(client, caller, { action: 'create', thing: 'environment', id: environment.name, details });
      return (await selectEnvironments.one(client, scope.tenantId, [[uid]]))!;
    });
  }

  /** Within somebody's transaction, who has asked for the right and records it. @returns its key */
  async insert(client: Client, scope: TenantScope, environment: NewEnvironment): Promise<number> {
    requireTitle('environment', environment.name);
    const number = await nextNumber(client, scope.tenantId, 'environment');
    try {
      const { uid } = (await insertEnvironment.one(client, scope.tenantId, [
        number,
        environment.name,
        environment.description ?? '',
        environment.account ?? null,
        environment.location ?? '',
        JSON.stringify(environment.networks ?? []),
        environment.autoApproval ?? false,
        environment.unassigned ?? false,
      ]))!;
      await attachGroups.run(client, scope.tenantId, [uid, environment.groups ?? []]);
      await attachOsBuilds.run(client, scope.tenantId, [uid, environment.osBuilds ?? []]);
      await attachApplications.run(client, scope.tenantId, [uid, environment.applications ?? []]);
      return uid;
    } catch (error) {
      if ((error as { constraint?: string }).constraint !== 'ordering_environments_name') throw error;
      throw new DomainError(
        'conflict',
        'environment-exists',
        `An environment named '${environment.name}' is there already`,
      );
    }
  }

  /** Needs `ordering.manage`. @throws DomainError `not-found`; `conflict` (`environment-in-use`) */
  async remove(caller: Caller, key: ThingKey): Promise<void> {
    const scope = managingScope(caller);
    const environment = await this.find(caller, key);
    if (environment.unassigned) throw inUse(environment, 'it collects what is in no other');
    await inTransaction(this.#pool, async (client) => {
      for (const count of this.#things) {
        const left = await count(client, scope, environment.uid);
        if (left.count > 0) throw inUse(environment, `it has ${left.count} ${left.things}`);
      }
      try {
        await deleteEnvironment.run(client, scope.tenantId, [environment.uid]);
      } catch (error) {
        if ((error as { code?: string }).code !== '23503') throw error;
        throw inUse(environment, 'something refers to it');
      }
      await record(client, caller, { action: 'delete', thing: 'environment', id: environment.name });
    });
  }
}

function inUse(environment: Environment, why: string): DomainError {
  return new DomainError(
    'conflict',
    'environment-in-use',
    `Environment '${environment.name}' cannot be deleted: ${why}`,
  );
}
