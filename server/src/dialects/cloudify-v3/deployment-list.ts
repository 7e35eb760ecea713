/** How a deployment is told, and which lists of them are. */
import Type from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { Plan } from '../../dsl/plan.js';
import type { DeploymentField } from '../../orchestration/deployments.js';
import type { ListQuery } from '../../store/list.js';
import { listQuery } from './described.js';
import { Anything, Count, Dict, Flag, ListOf, MaybeText, OWNERSHIP, Text, Time } from './fields.js';
import { type AttributeWords, conditionsFrom, type SearchWords } from './filter-rules.js';
import { Labels } from './labels.js';
import { booleanParam, type Params } from './lenient.js';
import { encodedListBody, type ListingOptions, narrowed, parseListing } from './listing.js';
import { wireScalingGroup, wireWorkflow } from './plan-declarations.js';
import { type Resource, schemaOf } from './resource.js';

const HEALTH_WORDS = {
  good: 'good',
  'in-progress': 'in_progress',
  'requires-attention': 'requires_attention',
} as const;

/**
 * @param workflowsOf the workflows of a deployment, told only where a single one is read
 * @param all deployments inside a deployment are counted with those inside them
 */
export function deploymentResource(
  workflowsOf: (id: string) => Promise<unknown>,
  all = true,
): Resource<DeploymentField> {
  return {
    name: 'Deployment',
    key: 'id',
    fields: {
      id: { from: 'id', schema: Text },
      display_name: { from: 'displayName', schema: Text },
      blueprint_id: { from: 'blueprintId', schema: Text },
      description: { from: 'description', schema: MaybeText },
      created_at: { from: 'createdAt', schema: Time },
      updated_at: { from: 'updatedAt', schema: Time },
      inputs: { from: 'inputs', schema: Dict },
      outputs: { from: 'outputs', schema: Dict },
      capabilities: { from: 'capabilities', schema: Dict },
      groups: { from: 'groups', schema: Dict },
      scaling_groups: {
        from: 'scalingGroups',
        schema: Dict,
        rework: { when: /"scaling_groups":\s*\{"/, map: wireScalingGroups },
      },
      policy_types: { from: 'policyTypes', schema: Dict },
      policy_triggers: { from: 'policyTriggers', schema: Dict },
      resource_tags: { from: 'resourceTags', schema: Dict },
      labels: { from: 'labels', schema: Labels },
      installation_status: {
        from: { field: 'installed', words: { true: 'active' }, otherwise: 'inactive' },
        schema: Text,
      },
      deployment_status: {
        from: { field: 'wholeHealth', words: HEALTH_WORDS },
        schema: Text,
      },
      unavailable_instances: { from: 'unavailableInstances', schema: Count },
      drifted_instances: { from: 'driftedInstances', schema: Count },
      latest_execution: { from: 'latestExecutionId', schema: MaybeText },
      latest_execution_status: {
        from: {
          field: 'latestExecutionStatus',
          words: {
            terminated: 'completed',
            failed: 'failed',
            cancelled: 'cancelled',
            queued: 'queued',
            scheduled: 'scheduled',
            pending: 'in_progress',
            started: 'in_progress',
            cancelling: 'in_progress',
            'force-cancelling': 'in_progress',
            'kill-cancelling': 'in_progress',
          },
        },
        schema: MaybeText,
      },
      latest_execution_workflow_id: { from: 'latestExecutionWorkflow', schema: MaybeText },
      latest_execution_total_operations: { from: 'latestExecutionTotalOperations', schema: Anything },
      latest_execution_finished_operations: { from: 'latestExecutionFinishedOperations', schema: Anything },
      create_execution: { from: 'createExecutionId', schema: MaybeText },
      site_name: { from: 'siteName', schema: MaybeText },
      permalink: { from: { constant: null }, schema: MaybeText },
      runtime_only_evaluation: { from: 'runtimeOnly', schema: Flag },
      deployment_groups: { from: 'groupIds', schema: Type.Array(Text) },
      sub_services_count: { from: all ? 'servicesCount' : 'directServicesCount', schema: Count },
      sub_services_status: { from: { field: 'servicesHealth', words: HEALTH_WORDS }, schema: MaybeText },
      sub_environments_count: { from: all ? 'environmentsCount' : 'directEnvironmentsCount', schema: Count },
      sub_environments_status: {
        from: { field: 'environmentsHealth', words: HEALTH_WORDS },
        schema: MaybeText,
      },
      environment_type: { from: 'environmentType', schema: Text },
      has_sub_deployments: { from: 'hasChildren', schema: Flag },
      ...OWNERSHIP,
    },
    derived: {
      workflows: {
        needs: ['id'],
        derive: ({ id }) => workflowsOf(id as string),
        schema: Type.Array(Anything),
        listed: false,
      },
    },
  };
}

function wireScalingGroups(stored: unknown): unknown {
  return Object.fromEntries(
    Object.entries(stored as Plan['scalingGroups']).map(([name, group]) => [name, wireScalingGroup(group)]),
  );
}

export function forCaller(core: Core, caller: Caller, all = true): Resource<DeploymentField> {
  return deploymentResource(
    async (id) =>
      Object.entries((await core.deployments.get(caller, id)).workflows).map(([name, workflow]) => ({
        name,
        ...wireWorkflow(workflow),
        created_at: null,
      })),
    all,
  );
}

export const DEPLOYMENT_LISTING: ListingOptions<DeploymentField> = {
  searches: { _search: 'id', _search_name: 'displayName' },
  acrossTenants: true,
  selections: { _group_id: 'group', _dependencies_of: 'dependencies-of' },
  storedFilters: true,
};

/** What filter rules may ask of deployments. */
export const DEPLOYMENT_WORDS: AttributeWords<DeploymentField> = {
  labelled: true,
  names: {
    id: 'id',
    display_name: 'displayName',
    blueprint_id: 'blueprintId',
    site_name: 'siteName',
    created_by: 'createdBy',
    tenant_name: 'tenantName',
    installation_status: 'installed',
    schedules: 'schedules',
  },
  values: { installation_status: { active: 'true', inactive: 'false' } },
  attributes: {
    id: { field: 'id' },
    displayName: { field: 'displayName' },
    blueprintId: { field: 'blueprintId' },
    siteName: { field: 'siteName' },
    createdBy: { field: 'createdBy' },
    tenantName: { field: 'tenantName' },
    installed: { field: 'installed' },
    schedules: { selection: 'schedules' },
  },
};

/** The list, narrowed by the rules of a search. */
export async function answerDeployments(
  core: Core,
  caller: Caller,
  params: Params,
  body: SearchWords = {},
): Promise<Buffer> {
  const listing = parseListing(forCaller(core, caller), params, DEPLOYMENT_LISTING);
  const conditions = await conditionsFrom(core, caller, 'deployments', DEPLOYMENT_WORDS, params, body);
  if (booleanParam(params, '_environments_only', false))
    conditions.push({ selection: 'environments', values: [] });
  const list = (query: ListQuery<DeploymentField>) => core.deployments.list(caller, query);
  const { query, filteredFrom } = await narrowed(listing, conditions, list);
  const page = await list(query);
  return encodedListBody(listing, page, filteredFrom === null ? null : filteredFrom - page.total);
}

/** As it is told, for the description. */
export const DEPLOYMENT_LIST = {
  question: () =>
    listQuery(
      deploymentResource(async () => []),
      DEPLOYMENT_LISTING,
    ),
  schema: () => ListOf(schemaOf(deploymentResource(async () => []))),
};
