/**
 * Modifications of deployments by clients of their own: start (what is added is there, what is to go still is), do
 * whatever the instances need, then finish or roll back. The `scale` workflow takes the same steps inside the engine.
 */
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import type { JsonObject, PlanNode } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { randomName } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { holdDeployment, lockDeployment, selectTypes } from './deployments.store.js';
import { recountDrifted } from './drift.store.js';
import {
  countsOf,
  finishModification,
  type ModifiedDeployment,
  rollbackModification,
  startModification,
} from './modification-steps.js';
import { type ModificationField, modificationList, selectModified } from './modifications.store.js';
import { selectDefinitions, selectInstances } from './nodes.store.js';
import { type DeploymentModel, type InstanceModel, inPlanOrder } from './planning/model.js';
import { modify, unitKey, withCounts } from './planning/modification.js';

export type { ModificationField } from './modifications.store.js';

/** For one node or scaling group. */
export interface ModificationWish {
  /** How many there are to be, per instance of what contains it. */
  readonly instances: number;
  /** Ids of instances that are to go first, and last. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

const SUFFIX_LENGTH = 6;

export class Modifications {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Needs `deployments.read`. */
  async list(caller: Caller, query: ListQuery<ModificationField>): Promise<ListPage> {
    return listPage(this.#pool, modificationList, scopeFor(caller, 'deployments.read'), query);
  }

  /**
   * Starts one; the instances it adds are there when it returns. Needs `deployments.write`.
   *
   * @param asked the request as it is to be told again
   * @returns its id
   * @throws DomainError `not-found`; `invalid` (`modification-illegal`); `conflict` (`modification-already-started`); `limit`
   */
  async start(
    caller: Caller,
    deploymentId: string,
    wishes: ReadonlyMap<string, ModificationWish>,
    asked: JsonObject,
    context: JsonObject,
  ): Promise<string> {
    const scope = scopeFor(caller, 'deployments.write');
    return inTransaction(this.#pool, async (client) => {
      const deployment = await lockDeployment.one(client, scope.tenantId, [
        deploymentId,
        scope.userId,
        scope.seesPrivate,
      ]);
      if (deployment === null) throw notFound('Deployment', deploymentId);
      const of = subject(scope, deployment.uid);
      const model = await modelOf(client, of);
      const counts = new Map<string, number>();
      const [include, exclude] = [new Set<string>(), new Set<string>()];
      for (const [name, wish] of wishes) {
        const kind = kindOf(model, name);
        counts.set(unitKey(kind, name), checkedCount(name, wish.instances));
        for (const id of wish.include) include.add(placeOf(model, kind, name, id));
        for (const id of wish.exclude) exclude.add(placeOf(model, kind, name, id));
      }
      const now = await countsOf(client, scope.tenantId, deployment.uid);
      const plan = withCounts(
        { ...model.types, nodes: [...model.nodes.values()] },
        new Map([...now, ...counts]),
      );
      const outcome = modify(plan, model.instances, { include, exclude }, () => randomName(SUFFIX_LENGTH));
      const start = { kind: 'start-modification' as const, asked, context, counts, outcome };
      const id = await startModification(client, of, start);
      await record(client, caller, {
        action: 'start',
        thing: 'deployment-modification',
        id,
        details: { deployment: deploymentId, added: outcome.added.length, removed: outcome.removed.length },
      });
      return id;
    });
  }

  /**
   * What was to go is gone, and what was added is part of the deployment. Needs `deployments.write`.
   *
   * @throws DomainError `not-found`; `conflict` (`modification-already-ended`)
   */
  async finish(caller: Caller, id: string): Promise<void> {
    await this.#end(caller, id, 'finish', finishModification);
  }

  /**
   * What was added is gone, and everybody relates to whom they did. States and properties stay. Needs `deployments.write`.
   *
   * @throws DomainError `not-found`; `conflict` (`modification-already-ended`)
   */
  async rollback(caller: Caller, id: string): Promise<void> {
    await this.#end(caller, id, 'rollback', rollbackModification);
  }

  async #end(
    caller: Caller,
    id: string,
    action: 'finish' | 'rollback',
    step: (client: Client, of: ModifiedDeployment) => Promise<void>,
  ): Promise<void> {
    const scope = scopeFor(caller, 'deployments.write');
    const key = [id, scope.userId, scope.seesPrivate];
    await inTransaction(this.#pool, async (client) => {
      const found = await selectModified.one(client, scope.tenantId, key);
      if (found === null) throw notFound('Deployment modification', id);
      await holdDeployment.run(client, scope.tenantId, [found.deploymentUid]);
      // Once more, now that nobody else can end it.
      const now = await selectModified.one(client, scope.tenantId, key);
      if (now?.status !== 'started') {
        throw new DomainError(
          'conflict',
          'modification-already-ended',
          `Cannot ${action} deployment modification: ${id}. It is already in ${now?.status} status.`,
        );
      }
      await step(client, subject(scope, found.deploymentUid));
      await recountDrifted.run(client, scope.tenantId, [found.deploymentUid]);
      await record(client, caller, { action, thing: 'deployment-modification', id, details: {} });
    });
  }
}

function subject(scope: TenantScope, deploymentUid: ModifiedDeployment['deploymentUid']): ModifiedDeployment {
  return { tenantId: scope.tenantId, deploymentUid, userId: scope.userId, executionUid: null };
}

async function modelOf(client: Client, of: ModifiedDeployment): Promise<DeploymentModel> {
  const { types } = (await selectTypes.one(client, [of.deploymentUid]))!;
  const definitions = await selectDefinitions.all(client, of.tenantId, [of.deploymentUid]);
  const nodes = new Map<string, PlanNode>(definitions.map(({ definition }) => [definition.name, definition]));
  const instances = await selectInstances.all(client, of.tenantId, [of.deploymentUid]);
  return { types, nodes, instances: inPlanOrder(nodes, instances) };
}

function kindOf(model: DeploymentModel, name: string): 'node' | 'group' {
  if (Object.hasOwn(model.types.scalingGroups, name)) return 'group';
  if (model.nodes.has(name)) return 'node';
  throw illegal(`"${name}" is neither a node nor a scaling group of the deployment`);
}

function checkedCount(name: string, instances: number): number {
  if (Number.isSafeInteger(instances) && instances >= 0) return instances;
  throw illegal(`The number of instances of "${name}" must be a whole number from 0`);
}

/** What goes when instance `id` goes: itself, or its instance of the group. */
function placeOf(model: DeploymentModel, kind: 'node' | 'group', name: string, id: string): string {
  const instance: InstanceModel | undefined = model.instances.find((one) => one.id === id);
  const place =
    kind === 'node'
      ? instance?.node === name && instance.id
      : instance?.scalingGroups.find((group) => group.name === name)?.id;
  if (typeof place === 'string') return place;
  throw illegal(`Node instance ${id} is not of "${name}"`);
}

function illegal(message: string): DomainError {
  return new DomainError('invalid', 'modification-illegal', message, { details: { field: 'nodes' } });
}
