/** Node instances: the running copies of nodes, with what their operations recorded about them. */
import { type Caller, scopeFor } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { noteInstanceChange } from '../events/changes.js';
import { record } from '../identity/audit.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { holdDeploymentOfInstance, recountDrifted } from './drift.store.js';
import {
  type InstanceField,
  type InstanceRecord,
  instanceList,
  lockInstance,
  selectInstance,
  updateInstance,
} from './nodes.store.js';

export type { InstanceField, InstanceRecord } from './nodes.store.js';

/** A change by hand. Properties replace the stored ones whole. */
export interface InstanceChange {
  /** The version the caller has read; an older one than stored is a conflict unless `force`. */
  readonly version: number;
  readonly state?: string;
  readonly runtimeProperties?: JsonObject;
  readonly systemProperties?: JsonObject;
  readonly force?: boolean;
}

export class NodeInstances {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Needs `nodes.read`. */
  async list(caller: Caller, query: ListQuery<InstanceField>): Promise<ListPage> {
    return listPage(this.#pool, instanceList, scopeFor(caller, 'nodes.read'), query);
  }

  /** Needs `nodes.read`. Throws `not-found`. */
  async get(caller: Caller, id: string): Promise<InstanceRecord> {
    const scope = scopeFor(caller, 'nodes.read');
    const instance = await selectInstance.one(this.#pool, scope.tenantId, [
      id,
      scope.userId,
      scope.seesPrivate,
    ]);
    if (instance === null) throw notFound('Node instance', id);
    return instance;
  }

  /**
   * Changes an instance under optimistic locking (cloudify-rest.md §D5). A change that changes nothing keeps the version.
   * Needs `nodes.write`.
   *
   * @throws DomainError `not-found`; `conflict` (`version-conflict`) when somebody else has written since
   */
  async update(caller: Caller, id: string, change: InstanceChange): Promise<InstanceRecord> {
    const scope = scopeFor(caller, 'nodes.write');
    await inTransaction(this.#pool, async (client) => {
      const isChecked = change.systemProperties !== undefined;
      if (isChecked) await holdDeploymentOfInstance.run(client, scope.tenantId, [id]);
      const stored = await lockInstance.one(client, scope.tenantId, [id, scope.userId, scope.seesPrivate]);
      if (stored === null) throw notFound('Node instance', id);
      if (change.version < stored.version && change.force !== true) {
        throw new DomainError(
          'conflict',
          'version-conflict',
          `Node instance "${id}" has version ${stored.version} and the update was made for version ${change.version}: read it again and repeat`,
          { details: { stored: stored.version, given: change.version } },
        );
      }
      const changed = await updateInstance.run(client, scope.tenantId, [
        id,
        change.state ?? null,
        change.runtimeProperties === undefined ? null : JSON.stringify(change.runtimeProperties),
        change.systemProperties === undefined ? null : JSON.stringify(change.systemProperties),
      ]);
      if (changed > 0) {
        await noteInstanceChange(client, scope.tenantId, stored.deploymentUid, id);
        if (isChecked) await recountDrifted.run(client, scope.tenantId, [stored.deploymentUid]);
        await record(client, caller, {
          action: 'update',
          thing: 'node-instance',
          id,
          details: { state: change.state ?? null, properties: Object.keys(change.runtimeProperties ?? {}) },
        });
      }
    });
    return this.get(caller, id);
  }
}
