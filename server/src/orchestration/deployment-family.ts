/** Deployments inside others: what a label `csys-obj-parent` asks for before it may be set. */
import type { TenantScope } from '../caller.js';
import type { Label } from '../catalog/labels.js';
import { DomainError } from '../errors.js';
import type { Client } from '../store/pool.js';
import { isAncestor, markParents, missingParents } from './deployment-family.store.js';

const PARENT = 'csys-obj-parent';

/**
 * Makes the deployment `id` a child of those that its labels name.
 *
 * @param labels as `normalLabels` gives them
 * @throws DomainError `not-found` (`deployment-parent-not-found`); `invalid` (`deployment-inside-itself`)
 */
export async function adopt(
  client: Client,
  scope: TenantScope,
  id: string,
  labels: readonly Label[],
): Promise<void> {
  const parents = labels.filter(({ key }) => key === PARENT).map(({ value }) => value);
  if (parents.length === 0) return;
  const missing = await missingParents.all(client, scope.tenantId, [parents]);
  if (missing.length > 0) {
    throw new DomainError(
      'not-found',
      'deployment-parent-not-found',
      `Deployment(s) named by the label \`${PARENT}\` do not exist: ${missing.map((one) => one.id).join(', ')}`,
    );
  }
  if ((await isAncestor.one(client, scope.tenantId, [id, parents]))!.found) {
    throw new DomainError(
      'invalid',
      'deployment-inside-itself',
      `Deployment ${id} cannot be inside ${parents.join(', ')}: it would be inside itself`,
    );
  }
  await markParents.run(client, scope.tenantId, [parents]);
}
