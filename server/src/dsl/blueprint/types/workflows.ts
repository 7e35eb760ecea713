/** The built-in workflows and their parameters (cloudify-engine.md §1.7). */

interface Edition {
  /** Parameters name the kind of their items, and workflows say when they are available. */
  readonly rules: boolean;
  readonly recursive: boolean;
  readonly driftOrder: boolean;
  readonly cascadingChecks: boolean;
  /** heal may look before it reinstalls. */
  readonly healChecks: boolean;
}

const PREFIX = 'default_workflows.cloudify.plugins.workflows';

function workflowsOf({ rules, recursive, driftOrder, cascadingChecks, healChecks }: Edition): string {
  const list = (type: string) => (rules ? `{type: list, item_type: ${type}, default: []}` : '{default: []}');
  const filters = `
      type_names: ${list('node_type')}
      node_ids: ${list('node_id')}
      node_instance_ids: ${list('node_instance')}`;
  const available = (states: string, more = '') =>
    rules ? `\n    availability_rules: {node_instances_active: [${states}]${more}}` : '';
  const workflow = (
    name: string,
    states: string,
    parameters: string,
    { cascading = false, more = '', runs = name } = {},
  ) => `
  ${name}:
    mapping: ${PREFIX}.${runs}
    is_cascading: ${cascading}${states === '' ? '' : available(states, more)}
    parameters:${parameters}`;
  const order = (value: boolean) => `
      run_by_dependency_order: {default: ${value}}`;
  const operationParameters = (name = 'operation_parms') => `
      ${name}: {default: {}}`;
  const ignoreFailure = (value: boolean) => `
      ignore_failure: {type: boolean, default: ${value}}`;
  const someHosts = `
      node_ids: ${list('node_id')}
      node_instance_ids: ${list('node_instance')}
      install_methods: {default: null}`;
  const hosts = ', node_types_required: [cloudify.nodes.Compute]';
  const unsettled = 'none, partial';
  const settled = 'all, partial';
  return `
workflows:${[
    workflow('install', unsettled, filters),
    workflow(
      'uninstall',
      settled,
      `${ignoreFailure(false)}${recursive ? '\n      recursive: {type: boolean, default: false}' : ''}${filters}`,
    ),
    workflow('reinstall', settled, `${ignoreFailure(false)}${filters}`),
    workflow('start', unsettled, `${operationParameters()}${order(true)}${filters}`),
    workflow('stop', settled, `${operationParameters()}${order(true)}${filters}`),
    workflow(
      'restart',
      settled,
      `${operationParameters('stop_parms')}${operationParameters('start_parms')}${order(true)}${filters}`,
    ),
    workflow(
      'execute_operation',
      '',
      `
      operation: OPERATION_PARAMETER
      operation_kwargs: {default: {}}
      allow_kwargs_override: {default: null}${order(false)}${filters}`,
    ),
    workflow(
      'heal',
      settled,
      `
      node_instance_id: ${healChecks ? '{type: node_instance, required: false}' : '{}'}
      diagnose_value: {default: Not provided}${ignoreFailure(true)}${
        healChecks
          ? `
      check_status: {type: boolean, default: true}
      allow_reinstall: {type: boolean, default: true}
      force_reinstall: {type: boolean, default: false}`
          : ''
      }`,
      { runs: 'auto_heal_reinstall_node_subgraph' },
    ),
    workflow(
      'scale',
      settled,
      `
      scalable_entity_name: {}
      delta: {type: integer, default: 1}
      scale_compute: {default: false}
      include_instances: {default: null}
      exclude_instances: {default: null}${ignoreFailure(false)}
      rollback_if_failed: {default: true}
      abort_started: {type: boolean, default: false}`,
      { runs: 'scale_entity' },
    ),
    workflow(
      'rollback',
      settled,
      `${filters}
      full_rollback: {type: boolean, default: false}`,
    ),
    workflow('check_status', settled, `${order(false)}${filters}`, { cascading: cascadingChecks }),
    workflow('check_drift', settled, `${order(driftOrder)}${filters}`, { cascading: cascadingChecks }),
    workflow(
      'install_new_agents',
      settled,
      `
      install_agent_timeout: {default: 300}${someHosts}
      validate: {type: boolean, default: true}
      install: {type: boolean, default: true}
      install_script: {default: ''}
      manager_ip: {default: ''}
      manager_certificate: {default: ''}
      stop_old_agent: {type: boolean, default: false}`,
      { more: hosts },
    ),
    workflow('validate_agents', settled, someHosts, { more: hosts }),
    workflow('pull', settled, `${operationParameters()}${order(true)}${filters}`),
  ].join('')}
`;
}

export const WORKFLOWS = workflowsOf({
  rules: true,
  recursive: true,
  driftOrder: true,
  cascadingChecks: false,
  healChecks: true,
}).replaceAll('OPERATION_PARAMETER', '{type: operation_name}');
export const WORKFLOWS_1_4 = workflowsOf({
  rules: true,
  recursive: false,
  driftOrder: false,
  cascadingChecks: false,
  healChecks: true,
}).replaceAll('OPERATION_PARAMETER', '{}');
export const WORKFLOWS_1_3 = workflowsOf({
  rules: false,
  recursive: false,
  driftOrder: false,
  cascadingChecks: true,
  healChecks: false,
}).replaceAll('OPERATION_PARAMETER', '{}');
