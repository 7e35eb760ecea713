import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Plan, PlanNode, PlanOperation, PlanPlugin } from '../../dsl/plan.js';
import { expandPlan, nodeExpander } from './plan.js';

const NOOP: PlanOperation = {
  plugin: '',
  function: '',
  inputs: {},
  executor: null,
  maxRetries: null,
  retryInterval: null,
  timeout: null,
  timeoutRecoverable: null,
  hasFunctions: false,
  resumable: null,
};
const SCRIPT: PlanOperation = {
  ...NOOP,
  plugin: 'script',
  function: 'script_runner.tasks.run',
  inputs: { script_path: 'start.sh' },
};
const plugin = (name: string, executor: string): PlanPlugin => ({
  name,
  executor,
  install: false,
  source: null,
  installArguments: null,
  packageName: null,
  packageVersion: null,
  supportedPlatform: null,
  distribution: null,
  distributionVersion: null,
  distributionRelease: null,
  properties: {},
});
const node = (name: string, more: Partial<PlanNode> = {}): PlanNode => ({
  name,
  type: 'app',
  properties: {},
  operations: {},
  relationships: [],
  host: null,
  scaling: { default: 2, min: 0, max: -1 },
  ...more,
});

const PLAN: Plan = {
  language: 'cloudify_dsl_1_3',
  description: null,
  metadata: null,
  inputs: { port: { type: 'integer', default: 8080, displayLabel: 'Port' } },
  nodeTypes: {
    app: {
      hierarchy: ['cloudify.nodes.Root', 'app'],
      operations: {
        'cloudify.interfaces.lifecycle.create': NOOP,
        'cloudify.interfaces.lifecycle.start': SCRIPT,
        'cloudify.interfaces.validation.create': NOOP,
      },
    },
  },
  relationshipTypes: {
    linked: {
      hierarchy: ['cloudify.relationships.depends_on', 'linked'],
      properties: { connection_type: 'all_to_all' },
      sourceOperations: { 'cloudify.interfaces.relationship_lifecycle.establish': SCRIPT },
      targetOperations: {},
    },
  },
  dataTypes: {},
  nodes: [
    node('vm', { host: 'vm' }),
    node('web', {
      host: 'vm',
      operations: {
        'cloudify.interfaces.lifecycle.create': { ...SCRIPT, executor: 'central_deployment_agent' },
      },
      relationships: [
        {
          type: 'linked',
          target: 'vm',
          properties: { connection_type: 'all_to_one' },
          sourceOperations: {},
          targetOperations: {},
        },
      ],
    }),
  ],
  plugins: {
    script: plugin('script', 'host_agent'),
    default_workflows: plugin('default_workflows', 'central_deployment_agent'),
  },
  workflows: {
    install: {
      plugin: 'default_workflows',
      function: 'cloudify.plugins.workflows.install',
      parameters: { node_ids: { default: [] } },
      isCascading: false,
      availability: { instancesActive: ['none', 'partial'] },
    },
  },
  outputs: { url: { value: 'x', description: 'where' } },
  capabilities: {},
  groups: {},
  scalingGroups: { tier: { members: ['web'], scaling: { default: 1, min: 0, max: 4 } } },
  policies: {},
  policyTypes: {},
  policyTriggers: {},
  labels: {},
  blueprintLabels: {},
  resourceTags: {},
  settings: {},
  requirements: { secrets: ['key'], parentCapabilities: [] },
  importedBlueprints: [],
  namespaces: {},
};

/** What stands at a path of keys and indices. */
function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)[key], value);
}

const names = (plugins: unknown) =>
  (plugins as { name: string; executor: string }[]).map(({ name, executor }) => `${name} ${executor}`);

describe('the expanded plan', () => {
  const wire = expandPlan(PLAN);
  const vm = at(wire, 'nodes', 0);
  const web = at(wire, 'nodes', 1);

  test('operations stand under their full and their short names', () => {
    assert.deepEqual(Object.keys(at(vm, 'operations') as object), [
      'cloudify.interfaces.lifecycle.create',
      'cloudify.interfaces.lifecycle.start',
      'cloudify.interfaces.validation.create',
      'start',
    ]);
    assert.deepEqual(at(vm, 'operations', 'start'), {
      plugin: 'script',
      operation: 'script_runner.tasks.run',
      executor: 'host_agent',
      inputs: { script_path: 'start.sh' },
      has_intrinsic_functions: false,
      max_retries: null,
      retry_interval: null,
      timeout: null,
      timeout_recoverable: null,
    });
  });

  test('a node’s own operation replaces the type’s', () => {
    const create = 'cloudify.interfaces.lifecycle.create';
    assert.equal(at(web, 'operations', create, 'executor'), 'central_deployment_agent');
    assert.equal(at(vm, 'operations', create, 'plugin'), '');
  });

  test('nodes without operations of their own share one expanded table', () => {
    const expander = nodeExpander(PLAN);
    assert.equal(expander.expand(node('a')).operations, expander.expand(node('b')).operations);
  });

  test('a relationship holds its target, its merged properties and both sides’ operations', () => {
    const relationship = at(web, 'relationships', 0);
    assert.equal(at(relationship, 'target_id'), 'vm');
    assert.deepEqual(at(relationship, 'type_hierarchy'), ['cloudify.relationships.depends_on', 'linked']);
    assert.deepEqual(at(relationship, 'properties'), { connection_type: 'all_to_one' });
    assert.equal(at(relationship, 'source_operations', 'establish', 'operation'), 'script_runner.tasks.run');
    const declared = at(relationship, 'source_interfaces', 'cloudify.interfaces.relationship_lifecycle');
    assert.equal(at(declared, 'establish', 'implementation'), 'script.script_runner.tasks.run');
    assert.deepEqual(at(relationship, 'target_operations'), {});
  });

  test('plugins are listed where they must be installed', () => {
    assert.deepEqual(names(at(vm, 'plugins')), ['script host_agent']);
    assert.deepEqual(names(at(web, 'plugins')), ['script central_deployment_agent', 'script host_agent']);
    assert.deepEqual(names(at(vm, 'plugins_to_install')), ['script host_agent']);
    assert.equal(at(web, 'plugins_to_install'), undefined);
    assert.deepEqual(names(at(web, 'deployment_plugins_to_install')), ['script central_deployment_agent']);
    assert.deepEqual(names(at(wire, 'workflow_plugins_to_install')), [
      'default_workflows central_deployment_agent',
    ]);
  });

  test('scaling, inputs, workflows and version are in Cloudify’s words', () => {
    assert.deepEqual(at(web, 'capabilities', 'scalable', 'properties'), {
      min_instances: 0,
      max_instances: -1,
      default_instances: 2,
      current_instances: 2,
      planned_instances: 2,
    });
    assert.deepEqual(at(wire, 'inputs'), { port: { type: 'integer', default: 8080, display_label: 'Port' } });
    assert.deepEqual(at(wire, 'workflows', 'install'), {
      plugin: 'default_workflows',
      operation: 'cloudify.plugins.workflows.install',
      parameters: { node_ids: { default: [] } },
      is_cascading: false,
      availability_rules: { node_instances_active: ['none', 'partial'] },
    });
    assert.deepEqual(at(wire, 'version'), {
      raw: 'cloudify_dsl_1_3',
      definitions_name: 'cloudify_dsl',
      definitions_version: [1, 3],
    });
    assert.deepEqual(at(wire, 'requirements'), { secrets: ['key'], parent_capabilities: [] });
    assert.equal(at(wire, 'scaling_groups', 'tier', 'properties', 'max_instances'), 4);
  });
});
