/**
 * Plugins that a deployment is about to run for the first time, as an update brings them: their environments are ordered
 * where those of the plugins before them are, ahead of the first operation that needs one.
 *
 * An environment is of an upload, not of a deployment: others may run from it, so none is taken away here. It goes when the
 * upload is deleted.
 */
import { hostname } from 'node:os';
import type { TenantScope } from '../caller.js';
import type { PlanPlugin } from '../dsl/plan.js';
import type { BlueprintUid, PluginUid } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import type { Plugins } from './plugins.js';
import { orderInstallation, type ReaderScope, selectInstalledAt } from './plugins.store.js';

/** An upload, and the managers that are to have its environment. */
export interface PluginOrder {
  readonly plugin: PluginUid;
  readonly managers: readonly string[];
}

export class PluginOrders {
  readonly #pool: Pool;
  readonly #plugins: Plugins;

  constructor({ pool, plugins }: { pool: Pool; plugins: Plugins }) {
    this.#pool = pool;
    this.#plugins = plugins;
  }

  /** Of these plugins of a plan, those that must be uploaded and are not. */
  absent(scope: TenantScope, plugins: readonly PlanPlugin[]): Promise<readonly PlanPlugin[]> {
    return this.#plugins.absent(scope, plugins);
  }

  /**
   * What is to be installed where: what the plan `after` runs, on every manager that has a plugin of `before`, and on this
   * machine where none has. What is not uploaded is left out.
   */
  async plan(
    scope: ReaderScope,
    {
      before,
      after,
      blueprint,
    }: {
      readonly before: readonly PlanPlugin[];
      readonly after: readonly PlanPlugin[];
      readonly blueprint: BlueprintUid;
    },
  ): Promise<PluginOrder[]> {
    const wanted = after.filter(hasPackage);
    if (wanted.length === 0) return [];
    const packages = before.filter(hasPackage).map(({ packageName }) => packageName);
    const rows = await selectInstalledAt.all(this.#pool, scope.tenantId, [packages]);
    const managers = rows.length === 0 ? [hostname()] : rows.map(({ name }) => name);
    const orders: PluginOrder[] = [];
    for (const { packageName, packageVersion } of wanted) {
      const found = await this.#plugins.find(scope, { packageName, packageVersion, blueprint });
      if (found !== null) orders.push({ plugin: found.uid, managers });
    }
    return orders;
  }

  /** In the transaction that makes it needed. Where it is installed or about to be, nothing changes. */
  async place(client: Client, orders: readonly PluginOrder[]): Promise<void> {
    for (const { plugin, managers } of orders) await orderInstallation.run(client, [plugin, managers]);
  }
}

function hasPackage(plugin: PlanPlugin): plugin is PlanPlugin & { readonly packageName: string } {
  return plugin.install && plugin.source === null && plugin.packageName !== null;
}
