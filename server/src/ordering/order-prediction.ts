/** The task graph that building an item of an order would have: its blueprint is made and compiled, and nothing is kept. */
import type { Caller, TenantScope } from '../caller.js';
import type { Blueprints } from '../catalog/blueprints.js';
import { compile } from '../dsl/blueprint/compile.js';
import { formatDiagnostic } from '../dsl/diagnostics.js';
import { DomainError } from '../errors.js';
import { type Prediction, predictInstall } from '../orchestration/prediction.js';
import type { Pool } from '../store/pool.js';
import { blueprintOf } from './order-blueprint.js';
import { sourcesOf } from './order-facts.store.js';
import type { BuildPlan } from './order-items.js';

export async function predictBuild(
  { pool, blueprints }: { readonly pool: Pool; readonly blueprints: Blueprints },
  caller: Caller,
  scope: TenantScope,
  plan: BuildPlan,
  group: string,
): Promise<Prediction> {
  if (plan.blueprint !== null) {
    const { uid, id } = await blueprints.get(caller, plan.blueprint.id);
    const request = { id: 'order', blueprintId: id, inputs: plan.blueprint.inputs };
    return predictInstall(caller, await blueprints.planOf(uid), request);
  }
  const uids = plan.actions.map(({ action }) => action.uid);
  const sources = uids.length === 0 ? [] : await sourcesOf.all(pool, scope.tenantId, [uids]);
  const text = blueprintOf(plan, { number: 0, group, owner: caller.username }, sources);
  const compiled = compile({
    mainFile: 'blueprint.yaml',
    read: (path) => (path === 'blueprint.yaml' ? text : null),
    exists: (path) => path === 'blueprint.yaml',
    imported: new Map(),
  });
  if (compiled.kind !== 'plan') {
    const told =
      compiled.kind === 'diagnostics'
        ? compiled.diagnostics.map((one) => formatDiagnostic(one)).join('\n')
        : '';
    throw new DomainError('invalid', 'invalid-blueprint', told);
  }
  return predictInstall(caller, compiled.plan, { id: 'order', blueprintId: 'order', inputs: {} });
}
