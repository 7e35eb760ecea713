/** Plugins that an update brings: there before anything is changed, and being installed while that goes on. */
import type { TenantScope } from '../caller.js';
import { type Plan, type PlanPlugin, usedPlugins } from '../dsl/plan.js';
import type { BlueprintUid, PluginUid } from '../ids.js';
import type { Client } from '../store/pool.js';
import { type PluginSource, refuseAbsent } from './deployment-creation.js';

export interface PluginOrder {
  readonly plugin: PluginUid;
  readonly managers: readonly string[];
}

/** The catalog's plugins, as far as updates need them. */
export interface PluginOrderSource extends PluginSource {
  plan(
    scope: TenantScope,
    change: {
      readonly before: readonly PlanPlugin[];
      readonly after: readonly PlanPlugin[];
      readonly blueprint: BlueprintUid;
    },
  ): Promise<readonly PluginOrder[]>;
  place(client: Client, orders: readonly PluginOrder[]): Promise<void>;
}

/**
 * What is to be installed for the update. A plugin that the deployment has had all along stands in nobody's way, though its
 * upload may have gone since.
 *
 * @throws DomainError `invalid` (`deployment-plugins-missing`)
 */
export async function pluginsOfUpdate(
  plugins: PluginOrderSource,
  scope: TenantScope,
  before: readonly PlanPlugin[],
  plan: Plan,
  blueprint: BlueprintUid,
): Promise<readonly PluginOrder[]> {
  const after = usedPlugins(plan);
  const had = new Set(before.map(nameOf));
  const absent = await plugins.absent(
    scope,
    after.filter((plugin) => !had.has(nameOf(plugin))),
  );
  refuseAbsent(absent, 'update the deployment with `update_plugins` false');
  return plugins.plan(scope, { before, after, blueprint });
}

function nameOf({ packageName, packageVersion }: PlanPlugin): string {
  return `${packageName}\n${packageVersion}`;
}
