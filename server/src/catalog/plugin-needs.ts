/** Which plugins blueprints need: written down, so that none of them goes before its blueprints. */
import type { TenantScope } from '../caller.js';
import type { PlanPlugin } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import type { BlueprintUid, TenantId } from '../ids.js';
import type { Client } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import type { StandsOn } from './import-source.js';
import { keepPlugins, type LockedPlugin, type NeededPlugin, selectUsers, setNeeds } from './plugins.store.js';

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
  const imported = new Set(standsOn.flatMap((one) => ('plugin' in one ? [one.plugin] : [])));
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

/** @throws DomainError `conflict` (`plugin-in-use`) naming the blueprints that the caller may know of */
export async function requireUnused(client: Client, scope: TenantScope, plugin: LockedPlugin): Promise<void> {
  const { uid, packageName, packageVersion } = plugin;
  const users = await selectUsers.all(client, [
    uid,
    packageName,
    packageVersion,
    scope.tenantId,
    scope.seesPrivate,
    scope.userId,
  ]);
  if (users.length === 0) return;
  const blueprints = users.filter((user) => user.named).map((user) => user.blueprint);
  const others = blueprints.length < users.length ? ['others that are not yours to see'] : [];
  throw new DomainError(
    'conflict',
    'plugin-in-use',
    `Plugin ${packageName} ${packageVersion} cannot be deleted: blueprints need it (${[...blueprints, ...others].join(', ')}). ` +
      'It can be deleted by force',
    { details: { blueprints } },
  );
}
