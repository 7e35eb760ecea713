/**
 * Updates of plugins: the deployments of a blueprint are brought to newer plugins, all by one request.
 *
 * The blueprint is compiled again from its files. Where that brings other plugins, a hidden copy with the new plan is kept, and a
 * system execution updates each deployment to it (plugins-update-worker.ts). When all are there the blueprint takes over the
 * copy's plan, they stand on it again, and the copy goes. Who stands where is read from the deployments themselves and from their
 * updates, never kept beside them: so a worker that takes the work over begins nothing twice.
 */
import { randomUUID } from 'node:crypto';
import { type Caller, requirePermission, scopeFor } from '../caller.js';
import type { BlueprintCopies } from '../catalog/blueprint-copies.js';
import type { Blueprints } from '../catalog/blueprints.js';
import { type PlanPlugin, usedPlugins } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { Callers } from '../identity/callers.js';
import type { ExecutionId } from '../ids.js';
import { requireNoMaintenance } from '../installation/maintenance.js';
import type { SystemExecutions } from '../orchestration/system-executions.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { callersOn, deploymentsOn } from './deployments-on.js';
import {
  insertUpdate,
  lockUpdate,
  PLUGINS_UPDATE_LIST,
  type PluginsUpdateField,
  selectAbandoned,
  selectActive,
  selectExecutionUid,
} from './plugins-updates.store.js';
import { settleOne } from './settle.js';
import { impossible, type VersionWishes, wantedVersions } from './wanted-versions.js';
import { PLUGINS_UPDATE_WORKFLOW } from './workflows.js';

export type { PluginsUpdateField } from './plugins-updates.store.js';

export interface PluginsUpdateRequest {
  readonly blueprintId: string;
  readonly versions: VersionWishes;
  /** Though another one is active; and each deployment's beside whatever runs on it. */
  readonly force: boolean;
  readonly correctTypes: boolean;
  /** Updates told as active whose executions are over are told as what became of them first. */
  readonly reevaluate: boolean;
  /** Deployments of other tenants on a global blueprint too. Needs `all-tenants.read`. */
  readonly allTenants: boolean;
}

export interface PluginsUpdatesParts {
  readonly pool: Pool;
  readonly blueprints: Pick<Blueprints, 'get' | 'planOf'>;
  readonly copies: BlueprintCopies;
  readonly callers: Pick<Callers, 'actingAs'>;
  readonly executions: SystemExecutions;
}

export class PluginsUpdates {
  readonly #parts: PluginsUpdatesParts;

  constructor(parts: PluginsUpdatesParts) {
    this.#parts = parts;
  }

  /** Needs `deployments.read`. */
  async list(caller: Caller, query: ListQuery<PluginsUpdateField>): Promise<ListPage> {
    return listPage(this.#parts.pool, PLUGINS_UPDATE_LIST, scopeFor(caller, 'deployments.read'), query);
  }

  /**
   * Starts an update, or notes that none is needed. Needs `deployments.write`.
   *
   * @returns its id
   * @throws DomainError `not-found`; `invalid` (`belongs-to-other-tenant`, `blueprint-not-ready`, `plugins-update-impossible`,
   *   `invalid-blueprint`); `conflict` (`plugins-update-active`, `plugin-vanished`); `unavailable` (`maintenance`)
   */
  async initiate(caller: Caller, request: PluginsUpdateRequest): Promise<string> {
    const { pool, blueprints, copies, executions } = this.#parts;
    const scope = scopeFor(caller, 'deployments.write');
    if (request.allTenants) requirePermission(caller, 'all-tenants.read');
    const blueprint = await blueprints.get(caller, request.blueprintId);
    const { uid, id } = blueprint;
    if (blueprint.tenantId !== scope.tenantId) {
      throw new DomainError(
        'invalid',
        'belongs-to-other-tenant',
        `Blueprint \`${id}\` is global and belongs to another tenant; only there its plugins can be updated`,
      );
    }
    if (blueprint.state !== 'uploaded') {
      throw new DomainError('invalid', 'blueprint-not-ready', `Blueprint ${id} is ${blueprint.state}`);
    }
    const before = usedPlugins(await blueprints.planOf(uid));
    const versions = wantedVersions(before, request.versions);
    const compiled = await copies.compile(scope, blueprint, versions.rewrite);
    const unused = versions.unused();
    if (unused.length > 0) throw impossible(`The blueprint imports nothing like: ${unused.join(', ')}`);
    const changes = differ(before, compiled.plan.plugins);
    const deployments = changes ? await this.#deployments(caller, uid, request.allTenants) : {};

    const update = randomUUID();
    await inTransaction(pool, async (client) => {
      await requireNoMaintenance(client);
      if (!(await copies.lock(client, scope.tenantId, uid))) throw notFound('Blueprint', id);
      if (request.reevaluate) await this.#reevaluate(client, uid);
      const active = await selectActive.all(client, scope.tenantId, [uid]);
      if (active.length > 0 && !request.force) throw alreadyActive(active.map((one) => one.id));
      const copy = changes ? await copies.stage(client, scope.tenantId, blueprint, compiled) : null;
      const execution = {
        workflow: PLUGINS_UPDATE_WORKFLOW,
        parameters: {
          update_id: update,
          temp_blueprint_id: copy?.id ?? null,
          deployments_per_tenant: deployments,
          force: request.force,
          auto_correct_types: request.correctTypes,
          reevaluate_active_statuses: request.reevaluate,
        },
        permission: 'deployments.write',
      } as const;
      const executionId: ExecutionId =
        copy === null
          ? await executions.note(client, caller, execution)
          : await executions.start(client, caller, { ...execution, queue: true, alone: false });
      await insertUpdate.run(client, scope.tenantId, [
        update,
        uid,
        copy?.uid ?? null,
        copy?.id ?? null,
        copy === null ? 'no-changes-required' : 'executing-workflow',
        request.force,
        request.allTenants,
        request.correctTypes,
        request.reevaluate,
        executionId,
        JSON.stringify(deployments),
        scope.userId,
      ]);
      await record(client, caller, {
        action: 'update-plugins',
        thing: 'blueprint',
        id,
        details: { update, changes, force: request.force, allTenants: request.allTenants },
      });
    });
    executions.wake();
    return update;
  }

  /**
   * Always refused, for an update finalizes itself when its execution ends. One whose execution ended without that is finalized by
   * this: it failed. Needs `deployments.write`.
   *
   * @throws DomainError `not-found`; `conflict` (`plugins-update-not-ready`, `plugins-update-failed`)
   */
  async finalize(caller: Caller, id: string): Promise<never> {
    const { pool, copies } = this.#parts;
    const scope = scopeFor(caller, 'deployments.write');
    const execution = await inTransaction(pool, async (client) => {
      const update = await lockUpdate.one(client, scope.tenantId, [id, scope.userId, scope.seesPrivate]);
      if (update === null) throw notFound('Plugins update', id);
      if (update.state !== 'executing-workflow') {
        throw notReady(id, `it is ${update.state.replaceAll('-', ' ')}`);
      }
      const found = await selectExecutionUid.one(client, [update.executionId]);
      const over = found === null || ['terminated', 'failed', 'cancelled'].includes(found.status);
      if (!over) throw notReady(id, `its execution is ${found.status}, and finalizes it when it ends`);
      await settleOne(client, copies, update.uid);
      return found?.status ?? 'gone';
    });
    throw new DomainError(
      'conflict',
      'plugins-update-failed',
      `The execution of plugins update ${id} is ${execution}`,
    );
  }

  async #deployments(
    caller: Caller,
    blueprint: PluginsUpdateBlueprint,
    allTenants: boolean,
  ): Promise<Record<string, string[]>> {
    const by = { username: caller.username, tenant: caller.tenant!.name, reason: caller.requestId };
    const found: Record<string, string[]> = {};
    for (const there of await callersOn(this.#parts, by, { blueprint, allTenants })) {
      const ids: string[] = [];
      for await (const { id } of deploymentsOn(this.#parts.pool, there, blueprint)) ids.push(id);
      if (ids.length > 0) found[there.tenant!.name] = ids.sort();
    }
    return found;
  }

  async #reevaluate(client: Client, blueprint: PluginsUpdateBlueprint): Promise<void> {
    for (const { uid } of await selectAbandoned.all(client, [blueprint])) {
      await settleOne(client, this.#parts.copies, uid);
    }
  }
}

type PluginsUpdateBlueprint = Awaited<ReturnType<Blueprints['get']>>['uid'];

/** What is to be installed, and how: other properties of the same plugin are a change as well. */
function differ(before: readonly PlanPlugin[], after: readonly PlanPlugin[]): boolean {
  const had = new Map(before.map((plugin) => [plugin.name, JSON.stringify(plugin)]));
  return after.some((plugin) => had.get(plugin.name) !== JSON.stringify(plugin));
}

function alreadyActive(ids: readonly string[]): DomainError {
  return new DomainError(
    'conflict',
    'plugins-update-active',
    `There are plugins updates still active, update IDs: ${ids.join(', ')}`,
    { details: { updates: ids } },
  );
}

function notReady(id: string, why: string): DomainError {
  return new DomainError(
    'conflict',
    'plugins-update-not-ready',
    `Cannot finalize plugins update ${id}: ${why}`,
  );
}
