/**
 * Updates of deployments: another blueprint, other inputs, or both, for a deployment that lives.
 *
 * What an update will bring about is worked out when it is asked for and stored with it; an execution of its own carries
 * it out (`planning/workflows/update.ts`). The deployment follows the new plan from the moment that the execution's stage
 * `apply` is stored; an update that fails before leaves the deployment as it was, one that fails later leaves it with the
 * new plan and its instances half-way, to be resumed or updated again.
 */
import { randomUUID } from 'node:crypto';
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import type { JsonObject, PlanNode, PreparedPlan, SharedTypes } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { newExecutionId } from '../ids.js';
import { requireNoMaintenance } from '../installation/maintenance.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inMoment, inTransaction } from '../store/transaction.js';
import { currentTrace } from '../traces.js';
import { refuseWhileStoodOn } from './dependencies.js';
import { checkWidth, policiesInUse, prepareFor } from './deployment-creation.js';
import {
  closeOver,
  insertUpdate,
  selectActive,
  selectUpdate,
  type UpdateField,
  updateList,
} from './deployment-updates.store.js';
import type { BlueprintSource, SecretNames } from './deployments.js';
import {
  type DeploymentHead,
  type DeploymentRecord,
  lockDeployment,
  selectDeployment,
  selectTypes,
  setLatestExecution,
} from './deployments.store.js';
import { own } from './execution-request.js';
import type { Wake } from './executions.js';
import { insertExecution, selectUnfinished } from './executions.store.js';
import { countsOf } from './modification-steps.js';
import { selectDefinitions, selectInstances } from './nodes.store.js';
import { requireObjects } from './object-values.js';
import { inPlanOrder } from './planning/model.js';
import type { NextStep } from './planning/staged.js';
import { type Foresight, foresee } from './planning/update-foresight.js';
import type { UpdateWishes } from './planning/update-plan.js';
import { type ComparedPlan, type UpdateStep, updateSteps } from './planning/update-steps.js';
import { UPDATE, workflowFor } from './planning/workflows/workflow-table.js';
import { type PluginOrderSource, pluginsOfUpdate } from './plugins-of-update.js';
import { requireRoom } from './shares.js';

export type { UpdateField } from './deployment-updates.store.js';

export interface UpdateRequest {
  readonly deploymentId: string;
  /** Absent: the one it has. */
  readonly blueprintId?: string;
  /** Laid over the inputs it has, as far as the blueprint still knows those. */
  readonly inputs?: JsonObject;
  /** Texts given for integers, floats and booleans are turned into them. */
  readonly correctTypes?: boolean;
  /** Only say what would differ. */
  readonly preview?: boolean;
  /** Beside whatever runs on the deployment, instead of after it. */
  readonly force?: boolean;
  /**
   * Default: yes. Plugins that the new plan runs and the old one did not must be uploaded, and their environments are
   * ordered at once; otherwise both are left to the first operation that needs one.
   */
  readonly updatePlugins?: boolean;
  /** Updates told as active whose executions are over, or gone, are told as what became of them before this one is refused. */
  readonly reevaluate?: boolean;
  readonly wishes: UpdateWishes;
}

export interface ForeseenUpdate extends Foresight {
  readonly deployment: string;
  readonly blueprintBefore: string;
  readonly blueprintAfter: string;
  /** What differs between the plans, entity by entity. */
  readonly steps: readonly UpdateStep[];
}

export class DeploymentUpdates {
  readonly #pool: Pool;
  readonly #blueprints: BlueprintSource;
  readonly #secrets: SecretNames;
  readonly #plugins: PluginOrderSource;
  readonly #wake: Wake;
  readonly #mostWaiting: number;

  /** `mostWaiting`: as of `Executions`. */
  constructor(parts: {
    pool: Pool;
    blueprints: BlueprintSource;
    secrets: SecretNames;
    plugins: PluginOrderSource;
    wake: Wake;
    mostWaiting?: number;
  }) {
    this.#pool = parts.pool;
    this.#blueprints = parts.blueprints;
    this.#secrets = parts.secrets;
    this.#plugins = parts.plugins;
    this.#wake = parts.wake;
    this.#mostWaiting = parts.mostWaiting ?? 0;
  }

  /** Needs `deployments.read`. */
  async list(caller: Caller, query: ListQuery<UpdateField>): Promise<ListPage> {
    return listPage(this.#pool, updateList, scopeFor(caller, 'deployments.read'), query);
  }

  /**
   * Starts an update, or previews one. What runs on the deployment is waited for. Needs `deployments.write`.
   *
   * @returns the id of the update
   * @throws DomainError `not-found`; `invalid` as `Deployments.create` does, and `workflow-unknown`, `workflow-unsupported`,
   *   `reinstall-list-unknown`, `deployment-plugins-missing`; `conflict` (`update-already-active`,
   *   `deployment-has-dependents`)
   */
  async initiate(caller: Caller, request: UpdateRequest): Promise<string> {
    const scope = scopeFor(caller, 'deployments.write');
    const key = [request.deploymentId, scope.userId, scope.seesPrivate];
    const { deployment, blueprint, prepared } = await this.#wanted(caller, scope, request);
    const workflow = request.wishes.workflow === null ? null : functionOf(prepared, request.wishes.workflow);
    const after = comparedOf(prepared);
    const had = Object.values((await selectTypes.one(this.#pool, [deployment.uid]))!.types.plugins);
    const orders =
      request.updatePlugins === false
        ? []
        : await pluginsOfUpdate(this.#plugins, scope, had, prepared, blueprint.uid);

    const id = `${deployment.id}-${randomUUID()}`;
    await inTransaction(this.#pool, async (client) => {
      if (request.preview !== true) await requireNoMaintenance(client);
      const locked = await lockDeployment.one(client, scope.tenantId, key);
      if (locked === null) throw notFound('Deployment', request.deploymentId);
      if (request.preview !== true && request.force !== true) {
        await refuseWhileStoodOn(client, caller, scope, locked, 'update');
      }
      const before = await this.#stored(client, scope, deployment);
      await refuseStrangers(client, scope, deployment, request.wishes.reinstallList);
      const steps = updateSteps(before, after).map((step) => ({ id: randomUUID(), ...step }));
      if (request.preview !== true) await requireRoom(client, scope.tenantId, this.#mostWaiting);
      const execution =
        request.preview === true ? null : await startUpdate(client, scope, locked, request, id);
      await insertUpdate.run(client, scope.tenantId, [
        deployment.uid,
        id,
        execution,
        execution === null ? 'preview' : 'updating',
        deployment.blueprintId,
        blueprint.id,
        blueprint.uid,
        JSON.stringify(deployment.inputs),
        JSON.stringify(prepared.inputValues),
        JSON.stringify({ ...request.wishes, workflow }),
        JSON.stringify(steps),
        execution === null ? null : JSON.stringify(prepared),
        scope.userId,
      ]);
      if (execution !== null) await this.#plugins.place(client, orders);
      await record(client, caller, {
        action: request.preview === true ? 'preview-update' : 'update',
        thing: 'deployment',
        id: deployment.id,
        details: { update: id, blueprint: blueprint.id, steps: steps.length },
      });
    });
    this.#wake.work();
    return id;
  }

  /**
   * What an update would bring about, worked out by what carries it out, and nothing kept. Needs `deployments.write`.
   *
   * @throws DomainError as `initiate` does; `conflict` (`update-impossible`) where it would fail before it begins
   */
  async foresee(caller: Caller, request: UpdateRequest): Promise<ForeseenUpdate> {
    const scope = scopeFor(caller, 'deployments.write');
    const { deployment, blueprint, prepared } = await this.#wanted(caller, scope, request);
    const workflow = request.wishes.workflow === null ? null : functionOf(prepared, request.wishes.workflow);
    return inMoment(this.#pool, async (client) => {
      await refuseStrangers(client, scope, deployment, request.wishes.reinstallList);
      const before = await this.#stored(client, scope, deployment);
      const { types } = (await selectTypes.one(client, [deployment.uid]))!;
      const stored = await selectInstances.all(client, scope.tenantId, [deployment.uid]);
      const instances = inPlanOrder(before.nodes, stored);
      const update = { id: 'foreseen', plan: prepared, wishes: { ...request.wishes, workflow } };
      const counts = await countsOf(client, scope.tenantId, deployment.uid);
      const carriedOut = workflowFor(UPDATE) as { readonly next: NextStep };
      const foreseen = foresee({ types, nodes: before.nodes, instances }, update, counts, carriedOut.next);
      if ('problem' in foreseen) throw new DomainError('conflict', 'update-impossible', foreseen.problem);
      return {
        deployment: deployment.id,
        blueprintBefore: deployment.blueprintId,
        blueprintAfter: blueprint.id,
        steps: updateSteps(before, comparedOf(prepared)),
        ...foreseen,
      };
    });
  }

  /** An update finalizes itself; whoever may start one may say so once more. Needs `deployments.write`. Throws `not-found`. */
  async finalize(caller: Caller, id: string): Promise<void> {
    const scope = scopeFor(caller, 'deployments.write');
    const found = await selectUpdate.one(this.#pool, scope.tenantId, [id, scope.userId, scope.seesPrivate]);
    if (found === null) throw notFound('Deployment update', id);
  }

  async #wanted(caller: Caller, scope: TenantScope, request: UpdateRequest) {
    const key = [request.deploymentId, scope.userId, scope.seesPrivate];
    const deployment = await selectDeployment.one(this.#pool, scope.tenantId, key);
    if (deployment === null || deployment.tenantId !== scope.tenantId) {
      throw notFound('Deployment', request.deploymentId);
    }
    const blueprint = await this.#blueprints.get(caller, request.blueprintId ?? deployment.blueprintId);
    if (blueprint.state !== 'uploaded') {
      throw new DomainError(
        'invalid',
        'blueprint-not-ready',
        `Blueprint ${blueprint.id} is ${blueprint.state}: only an uploaded blueprint can be deployed`,
      );
    }
    checkWidth(deployment.id, deployment.visibility, blueprint);
    const prepared = await this.#prepare(caller, scope, deployment, blueprint, request);
    return { deployment, blueprint, prepared };
  }

  async #prepare(
    caller: Caller,
    scope: TenantScope,
    deployment: DeploymentRecord,
    blueprint: Awaited<ReturnType<BlueprintSource['get']>>,
    request: UpdateRequest,
  ): Promise<PreparedPlan> {
    const plan = await this.#blueprints.planOf(blueprint.uid);
    const kept = Object.entries(deployment.inputs).filter(([name]) => Object.hasOwn(plan.inputs, name));
    const wanted = {
      id: deployment.id,
      blueprintId: blueprint.id,
      displayName: deployment.displayName,
      inputs: { ...Object.fromEntries(kept), ...request.inputs },
    };
    const options = { correctTypes: request.correctTypes === true };
    const prepared = prepareFor(plan, wanted, caller, blueprint.id, options);
    // What it has had all along may have gone since: that stands in nobody's way.
    const given = Object.entries(plan.inputs).filter(([name]) => Object.hasOwn(request.inputs ?? {}, name));
    await requireObjects(this.#pool, scope, Object.fromEntries(given), prepared.inputValues, {
      here: prepared,
      reason: 'deployment-inputs-invalid',
      what: 'Input',
    });
    const missing = await this.#secrets.missing(scope, prepared.secretNames);
    if (missing.length === 0) return prepared;
    throw new DomainError(
      'invalid',
      'deployment-secrets-missing',
      `Required secrets: [${missing.join(', ')}] don't exist in this tenant`,
      { details: { secrets: missing } },
    );
  }

  async #stored(client: Client, scope: TenantScope, deployment: DeploymentRecord): Promise<ComparedPlan> {
    const { types } = (await selectTypes.one(client, [deployment.uid]))!;
    const nodes = await selectDefinitions.all(client, scope.tenantId, [deployment.uid]);
    return {
      ...deployment,
      types,
      nodes: byName(nodes.map(({ definition }) => definition)),
      groups: types.groups,
      scalingGroups: types.scalingGroups,
    };
  }
}

/** Puts the execution that carries it out in line, or starts it at once. */
async function startUpdate(
  client: Client,
  scope: TenantScope,
  deployment: DeploymentHead,
  { force, wishes, updatePlugins, reevaluate }: UpdateRequest,
  id: string,
) {
  if (reevaluate === true) await closeOver.run(client, scope.tenantId, [deployment.uid]);
  const active = await selectActive.one(client, scope.tenantId, [deployment.uid]);
  if (active !== null && force !== true) {
    throw new DomainError(
      'conflict',
      'update-already-active',
      `There are deployment updates still active; update IDs: ${active.id}`,
      { details: { update: active.id } },
    );
  }
  const unfinished = await selectUnfinished.all(client, scope.tenantId, [deployment.uid]);
  const status = unfinished.length > 0 && force !== true ? 'queued' : 'pending';
  const execution = await insertExecution.one(client, scope.tenantId, [
    newExecutionId(),
    deployment.uid,
    'update',
    UPDATE,
    status,
    JSON.stringify({
      ...parametersOf(id, wishes),
      update_plugins: updatePlugins !== false,
      reevaluate_active_statuses: reevaluate === true,
    }),
    true,
    force === true,
    false,
    false,
    600,
    deployment.visibility,
    scope.userId,
    null,
    null,
    currentTrace(),
  ]);
  if (status === 'pending') {
    await setLatestExecution.run(client, scope.tenantId, [deployment.uid, execution!.uid]);
  }
  return execution!.uid;
}

/** As the workflow of Cloudify has them. */
function parametersOf(id: string, wishes: UpdateWishes): JsonObject {
  return {
    update_id: id,
    skip_install: wishes.skipInstall,
    skip_uninstall: wishes.skipUninstall,
    skip_reinstall: wishes.skipReinstall,
    skip_drift_check: wishes.skipDriftCheck,
    skip_heal: wishes.skipHeal,
    force_reinstall: wishes.forceReinstall,
    ignore_failure: wishes.ignoreFailure,
    reinstall_list: [...wishes.reinstallList],
    custom_workflow: wishes.workflow,
  };
}

async function refuseStrangers(
  client: Client,
  scope: TenantScope,
  deployment: DeploymentRecord,
  reinstallList: readonly string[],
): Promise<void> {
  if (reinstallList.length === 0) return;
  const instances = await selectInstances.all(client, scope.tenantId, [deployment.uid]);
  const ids = new Set(instances.map(({ id }) => id));
  const strangers = reinstallList.filter((id) => !ids.has(id));
  if (strangers.length === 0) return;
  throw new DomainError(
    'invalid',
    'reinstall-list-unknown',
    `The following node instances of the list to reinstall are not in deployment ${deployment.id}: ${strangers.slice(0, 10).join(', ')}`,
    { details: { field: 'reinstall_list' } },
  );
}

/** The function of a workflow that is to run in place of the usual steps. */
function functionOf(plan: PreparedPlan, name: string): string {
  const workflow = own(plan.workflows, name);
  if (workflow === undefined) {
    throw new DomainError('invalid', 'workflow-unknown', `Workflow ${name} does not exist in the blueprint`);
  }
  const known = workflowFor(workflow.function);
  if (known !== undefined && 'build' in known) return workflow.function;
  throw new DomainError(
    'invalid',
    'workflow-unsupported',
    `Workflow ${name} cannot be run as a part of an update`,
  );
}

function comparedOf(plan: PreparedPlan): ComparedPlan {
  const types: Pick<SharedTypes, 'nodeTypes' | 'relationshipTypes'> = plan;
  return { ...plan, ...policiesInUse(plan), types, nodes: byName(plan.nodes) };
}

function byName(nodes: readonly PlanNode[]): ReadonlyMap<string, PlanNode> {
  return new Map(nodes.map((node) => [node.name, node]));
}
