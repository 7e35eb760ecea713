/** Which plugins a blueprint needs, written down so that none of them goes before it. */
import type { PlanPlugin } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import type { BlueprintUid, TenantId } from '../ids.js';
import type { Queryable } from '../store/statement.js';
import type { StandsOn } from './import-source.js';
import { keepPlugins, type NeededPlugin, setNeeds } from './plugins.store.js';

/**
 * In the transaction that makes a blueprint appear: from its commit on the plugins it was compiled from are in use.
 *
 * @param plugins those of its plan
 * @throws DomainError `conflict` (`plugin-vanished`) when one of these was deleted meanwhile
 */
export async function holdPlugins(
  client: Queryable,
  tenant: TenantId,
  blueprint: BlueprintUid,
  plugins: readonly PlanPlugin[],
  standsOn: readonly StandsOn[],
): Promise<void> {
  const imported = new Set(standsOn.map((one) => one.plugin));
  const kept = imported.size === 0 ? [] : await keepPlugins.all(client, [[...imported]]);
  if (kept.length < imported.size) {
    throw new DomainError(
      'conflict',
      'plugin-vanished',
      'A plugin that the blueprint imports was deleted while it was compiled; upload the blueprint again',
    );
  }
  const named = plugins.filter((plugin) => plugin.packageName !== null);
  const needs: NeededPlugin[] = [
    ...kept.map(({ uid, packageName, packageVersion }) => ({ packageName, packageVersion, plugin: uid })),
    ...named
      .filter(
        ({ packageName, packageVersion }) =>
          !kept.some(
            (one) =>
              one.packageName === packageName &&
              (packageVersion === null || one.packageVersion === packageVersion),
          ),
      )
      .map(({ packageName, packageVersion }) => ({
        packageName: packageName!,
        packageVersion,
        plugin: null,
      })),
  ];
  await setNeeds(client, tenant, blueprint, needs);
}
