/** How a deployment comes to be: a plan prepared with its inputs, stored with nodes and instances in one transaction. */
import type { Caller, TenantScope } from '../caller.js';
import { type Label, normalLabels } from '../catalog/labels.js';
import { type PrepareOptions, prepare } from '../dsl/blueprint/prepare.js';
import {
  type JsonObject,
  type Plan,
  type PlanPlugin,
  type PreparedPlan,
  type SharedTypes,
  usedPlugins,
} from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import { appendEvents } from '../events/events.js';
import { record } from '../identity/audit.js';
import { type BlueprintUid, type DeploymentUid, newExecutionId, randomName } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { currentTrace } from '../traces.js';
import { recordPlanned } from './dependencies.js';
import { adopt } from './deployment-family.js';
import {
  type DeploymentRest,
  deleteLabels,
  globalIdTaken,
  insertDeployment,
  insertLabels,
  setCreateExecution,
  setSite,
  showLabels,
  type Visibility,
} from './deployments.store.js';
import { insertExecution } from './executions.store.js';
import { storeSlices } from './instance-slices.js';
import { insertNodes } from './nodes.store.js';
import { dependenciesOf } from './planning/dependencies.js';
import { slices } from './planning/instances.js';

/** What Cloudify's clients look for to know that a deployment is ready. */
const CREATE_WORKFLOW = 'create_deployment_environment';

export interface DeploymentRequest {
  readonly id: string;
  readonly blueprintId: string;
  readonly inputs?: JsonObject;
  readonly displayName?: string;
  readonly description?: string;
  readonly visibility?: Visibility;
  readonly labels?: readonly Label[];
  /** Name of the site where it stands. */
  readonly site?: string;
  /** Whether plugins that its operations need may be missing; default: no. */
  readonly withoutPlugins?: boolean;
}

/** The catalog's plugins, as far as deployments need them. */
export interface PluginSource {
  /** Of the plugins of a plan, those that must be uploaded and are not. */
  absent(scope: TenantScope, plugins: readonly PlanPlugin[]): Promise<readonly PlanPlugin[]>;
}

/** The schedules, as far as deployments need them. */
export interface ScheduleSource {
  /**
   * Makes the schedules that the settings of its blueprint give a deployment.
   *
   * @throws DomainError `invalid` (`workflow-unknown`, `schedule-rule-invalid`)
   */
  createDefaults(
    client: Client,
    scope: TenantScope,
    deployment: { readonly uid: DeploymentUid; readonly id: string },
    plan: Pick<PreparedPlan, 'settings' | 'workflows'>,
  ): Promise<void>;
}

/** @throws DomainError `invalid` (`deployment-plugins-missing`) */
export async function requirePlugins(plugins: PluginSource, scope: TenantScope, plan: Plan): Promise<void> {
  refuseAbsent(
    await plugins.absent(scope, usedPlugins(plan)),
    'create the deployment without validating plugins',
  );
}

/** @param otherwise what else than uploading them would do */
export function refuseAbsent(absent: readonly PlanPlugin[], otherwise: string): void {
  if (absent.length === 0) return;
  const named = absent.map(
    ({ packageName, packageVersion }) => `${packageName}, version ${packageVersion ?? 'any'}`,
  );
  throw new DomainError(
    'invalid',
    'deployment-plugins-missing',
    `Required plugin ${named.join('; ')} is not installed on the manager: upload it, or ${otherwise}`,
    { details: { plugins: absent.map((plugin) => plugin.packageName) } },
  );
}

export function deploymentExists(id: string): DomainError {
  return new DomainError(
    'conflict',
    'deployment-exists',
    `deployment with id=${id} already exists on this tenant or with global visibility`,
  );
}

const LONGEST_NAME = 256;

/** @throws DomainError `invalid` (`display-name-invalid`) */
export function checkDisplayName(name: string | undefined): void {
  if (name === undefined || (name.length <= LONGEST_NAME && !/\p{Cc}/u.test(name))) return;
  throw new DomainError(
    'invalid',
    'display-name-invalid',
    `A display name has at most ${LONGEST_NAME} characters, and no control characters`,
  );
}

export const WIDTH: Readonly<Record<Visibility, number>> = { private: 0, tenant: 1, global: 2 };

/**
 * A deployment shows what its blueprint holds: whoever may not see the one must not see the other (cloudify-rest.md §C5).
 *
 * @throws DomainError `invalid` (`wider-than-blueprint`)
 */
export function checkWidth(id: string, visibility: Visibility, blueprint: VisibleBlueprint): void {
  if (WIDTH[visibility] <= WIDTH[blueprint.visibility]) return;
  throw new DomainError(
    'invalid',
    'wider-than-blueprint',
    `The visibility of deployment ${id} can't be ${visibility}, wider than that of its blueprint ${blueprint.id}, which is ${blueprint.visibility}`,
  );
}

interface VisibleBlueprint {
  readonly id: string;
  readonly visibility: Visibility;
}

export function prepareFor(
  plan: Plan,
  request: DeploymentRequest,
  caller: Caller,
  blueprintId: string,
  options: PrepareOptions = {},
): PreparedPlan {
  const context = {
    tenant: caller.tenant!.name,
    deployment: {
      id: request.id,
      name: request.displayName ?? request.id,
      blueprint: blueprintId,
      owner: caller.username,
    },
  };
  const outcome = prepare(plan, request.inputs ?? {}, context, options);
  switch (outcome.kind) {
    case 'prepared':
      return outcome.plan;
    case 'missing-inputs':
      throw new DomainError(
        'invalid',
        'deployment-inputs-missing',
        `Required inputs [${outcome.names.join(', ')}] were not specified - expected inputs: [${Object.keys(plan.inputs).join(', ')}]`,
        { details: { inputs: outcome.names } },
      );
    case 'unknown-inputs':
      throw new DomainError(
        'invalid',
        'deployment-inputs-unknown',
        `Unknown inputs [${outcome.names.join(', ')}] specified - expected inputs: [${Object.keys(plan.inputs).join(', ')}]`,
        { details: { inputs: outcome.names } },
      );
    case 'invalid-inputs':
      throw new DomainError(
        'invalid',
        'deployment-inputs-invalid',
        outcome.problems.map((problem) => problem.message).join('; '),
        {
          details: { problems: outcome.problems },
        },
      );
    case 'unresolvable':
      throw new DomainError('invalid', 'deployment-creation-failed', outcome.messages.join('\n'));
  }
}

export async function storeDeployment(
  pool: Pool,
  caller: Caller,
  scope: TenantScope,
  request: DeploymentRequest,
  visibility: Visibility,
  blueprint: BlueprintUid,
  plan: PreparedPlan,
  suffixLength: number,
  site: number | null,
  schedules: ScheduleSource,
): Promise<void> {
  const displayName = request.displayName ?? displayNameOf(plan) ?? request.id;
  const policies = policiesInUse(plan);
  const dependencies = dependenciesOf(plan);
  await inTransaction(pool, async (client) => {
    if ((await globalIdTaken.one(client, [request.id]))!.taken) throw deploymentExists(request.id);
    const row = await insertDeployment.one(client, scope.tenantId, [
      request.id,
      blueprint,
      displayName,
      request.description ?? plan.description,
      visibility,
      scope.userId,
      JSON.stringify(plan.inputValues),
      JSON.stringify(plan.outputs),
      JSON.stringify(plan.capabilities),
      JSON.stringify(plan.workflows),
      JSON.stringify(plan.groups),
      JSON.stringify(plan.scalingGroups),
      JSON.stringify(policies.policyTypes),
      JSON.stringify(policies.policyTriggers),
      JSON.stringify(plan.resourceTags),
      JSON.stringify(sharedTypes(plan)),
      JSON.stringify(restOf(plan)),
    ]);
    const uid = row!.uid;
    await insertNodes.run(client, scope.tenantId, [uid, JSON.stringify(plan.nodes.map(nodeRow))]);
    const instances = await storeSlices(
      client,
      scope.tenantId,
      uid,
      slices(plan, () => randomName(suffixLength)),
    );
    const labels = distinct([...planLabels(plan), ...normalLabels(request.labels ?? [])]);
    await adopt(client, scope, request.id, labels);
    await setLabels(client, scope, uid, labels);
    await recordPlanned(client, scope, { uid, id: request.id, visibility }, dependencies);
    if (site !== null) await setSite.run(client, scope.tenantId, [uid, site]);
    await schedules.createDefaults(client, scope, { uid, id: request.id }, plan);
    await tellCreation(client, scope, uid, visibility, request);
    await record(client, caller, {
      action: 'create',
      thing: 'deployment',
      id: request.id,
      details: { blueprint: request.blueprintId, nodes: plan.nodes.length, instances },
    });
  });
}

/** The name that the blueprint's settings give, where it is known by now. */
function displayNameOf({ settings }: PreparedPlan): string | undefined {
  const name = settings.display_name;
  if (typeof name !== 'string' || name === '') return undefined;
  checkDisplayName(name);
  return name;
}

/** Replaces all labels of a deployment. They are as `normalLabels` gives them. */
export async function setLabels(
  client: Client,
  scope: TenantScope,
  deployment: DeploymentUid,
  labels: readonly Label[],
): Promise<void> {
  await deleteLabels.run(client, scope.tenantId, [deployment]);
  if (labels.length > 0)
    await insertLabels.run(client, scope.tenantId, [deployment, scope.userId, JSON.stringify(labels)]);
  await showLabels.run(client, scope.tenantId, [deployment]);
}

async function tellCreation(
  client: Client,
  scope: TenantScope,
  deployment: DeploymentUid,
  visibility: Visibility,
  request: DeploymentRequest,
): Promise<void> {
  const now = new Date();
  const execution = await insertExecution.one(client, scope.tenantId, [
    newExecutionId(),
    deployment,
    CREATE_WORKFLOW,
    CREATE_WORKFLOW,
    'terminated',
    JSON.stringify({ deployment_id: request.id, inputs: request.inputs ?? {} }),
    false,
    false,
    false,
    false,
    600,
    visibility,
    scope.userId,
    now,
    now,
    currentTrace(),
  ]);
  await setCreateExecution.run(client, scope.tenantId, [deployment, execution!.uid]);
  await appendEvents(client, scope.tenantId, { executionUid: execution!.uid, deploymentUid: deployment }, [
    {
      kind: 'event',
      type: 'workflow_started',
      message: `Starting '${CREATE_WORKFLOW}' workflow execution`,
    },
    {
      kind: 'event',
      type: 'workflow_succeeded',
      message: `'${CREATE_WORKFLOW}' workflow execution succeeded`,
    },
  ]);
}

export function sharedTypes(plan: PreparedPlan): SharedTypes {
  const { nodeTypes, relationshipTypes, plugins, groups, scalingGroups } = plan;
  return { nodeTypes, relationshipTypes, plugins, groups, scalingGroups };
}

export function restOf(plan: PreparedPlan): DeploymentRest {
  return { settings: plan.settings, inputSchema: plan.inputs };
}

/** Of the policy types and triggers that come with the language only those that some group uses; all of the author's own. */
export function policiesInUse(plan: PreparedPlan): Pick<PreparedPlan, 'policyTypes' | 'policyTriggers'> {
  const used = JSON.stringify(plan.groups);
  const kept = (all: JsonObject) =>
    Object.fromEntries(
      Object.entries(all).filter(
        ([name]) => !name.startsWith('cloudify.policies.') || used.includes(`"${name}"`),
      ),
    );
  return { policyTypes: kept(plan.policyTypes), policyTriggers: kept(plan.policyTriggers) };
}

export function nodeRow(node: PreparedPlan['nodes'][number], ordinal: number) {
  const { min, max } = node.scaling;
  return {
    name: node.name,
    ordinal,
    type: node.type,
    host: node.host,
    definition: node,
    default: node.scaling.default,
    min,
    max,
  };
}

/** The request may repeat a label of the blueprint. */
function distinct(labels: readonly Label[]): Label[] {
  return [...new Map(labels.map((label) => [JSON.stringify([label.key, label.value]), label])).values()];
}

export function planLabels(plan: PreparedPlan): Label[] {
  return Object.entries(plan.labels).flatMap(([key, { values }]) =>
    values.filter((value) => typeof value === 'string').map((value) => ({ key: key.toLowerCase(), value })),
  );
}
