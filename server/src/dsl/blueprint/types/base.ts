/**
 * The types every blueprint builds on, written by us after cloudify-engine.md §2.12 and §1.7.
 *
 * A module that exports texts, not files: the language stays free of I/O. The three editions differ in little,
 * so they are made of shared parts.
 */
import { COMPONENT_TYPES, COMPONENT_TYPES_1_3, PASSWORD_SECRET } from './components.js';
import { WORKFLOWS, WORKFLOWS_1_3, WORKFLOWS_1_4 } from './workflows.js';

const HEAD = `
metadata:
  cloudify_types: true

plugins:
  agent: {executor: central_deployment_agent, install: false}
  default_workflows: {executor: central_deployment_agent, install: false}
  cfy_extensions: {executor: central_deployment_agent, install: false}
  script: {executor: host_agent, install: false}
`;

const nodeTypes = (validation: string) => `
node_types:
  cloudify.nodes.Root:
    properties:
      use_external_resource:
        description: The resource exists already; do not create it, only use it.
        type: boolean
        default: false
      resource_id:
        description: Name or id of the resource, given or to be found.
        required: false
    interfaces:
      cloudify.interfaces.lifecycle:
        precreate: {}
        create: {}
        configure: {}
        start: {}
        poststart: {}
        prestop: {}
        stop: {}
        delete: {}
        postdelete: {}
        preupdate: {}
        update: {}
        postupdate: {}
        update_config: {}
        update_apply: {}
        update_postapply: {}
        preheal: {}
        heal: {}
        postheal: {}
        pull: {}
        check_drift: {}
      cloudify.interfaces.validation: {${validation}creation: {}, deletion: {}}
      cloudify.interfaces.monitoring:
        start: {}
        stop: {}

  cloudify.nodes.Tier: {derived_from: cloudify.nodes.Root}

  cloudify.nodes.Compute:
    derived_from: cloudify.nodes.Root
    properties:
      ip: {default: ''}
      os_family:
        description: linux or windows.
        default: linux
      agent_config:
        type: cloudify.datatypes.AgentConfig
        default: {install_method: remote, port: 22, network: default}
      install_agent:
        description: Deprecated, use agent_config.install_method.
        default: ''
      cloudify_agent:
        description: Deprecated, use agent_config.
        default: {}
    interfaces:
      cloudify.interfaces.cloudify_agent:
        create: {implementation: agent.cloudify_agent.installer.operations.create, executor: central_deployment_agent}
        configure: {implementation: agent.cloudify_agent.installer.operations.configure, executor: central_deployment_agent}
        start: {implementation: agent.cloudify_agent.installer.operations.start, executor: central_deployment_agent}
        stop: {implementation: agent.cloudify_agent.installer.operations.stop, executor: central_deployment_agent}
        stop_amqp: {implementation: agent.cloudify_agent.operations.stop, executor: host_agent}
        delete: {implementation: agent.cloudify_agent.installer.operations.delete, executor: central_deployment_agent}
        restart: {implementation: agent.cloudify_agent.installer.operations.restart, executor: central_deployment_agent}
        restart_amqp: {implementation: agent.cloudify_agent.operations.restart, executor: host_agent}
        install_plugins: {implementation: agent.cloudify_agent.operations.install_plugins, executor: host_agent}
        uninstall_plugins: {implementation: agent.cloudify_agent.operations.uninstall_plugins, executor: host_agent}
        create_amqp:
          implementation: agent.cloudify_agent.operations.create_agent_amqp
          executor: central_deployment_agent
          inputs:
            install_agent_timeout: {default: 300}
            manager_ip: {default: ''}
            manager_certificate: {default: ''}
            stop_old_agent: {default: false}
        validate_amqp:
          implementation: agent.cloudify_agent.operations.validate_agent_amqp
          executor: central_deployment_agent
          inputs:
            validate_agent_timeout: {default: 20}
      cloudify.interfaces.host:
        get_state: {}
      cloudify.interfaces.monitoring_agent:
        install: {}
        start: {}
        stop: {}
        uninstall: {}

  cloudify.nodes.Container: {derived_from: cloudify.nodes.Compute}
  cloudify.nodes.Volume: {derived_from: cloudify.nodes.Root}

  cloudify.nodes.FileSystem:
    derived_from: cloudify.nodes.Root
    properties:
      use_external_resource: {type: boolean, default: false}
      partition_type: {type: integer, default: 83}
      fs_type: {type: string}
      fs_mount_path: {type: string}
    interfaces:
      cloudify.interfaces.lifecycle:
        configure:
          implementation: |
            #!/bin/bash -e
            # Puts one partition and a file system on the device the volume was attached as.
            if [ "$(ctx node properties use_external_resource)" = "True" ]; then exit 0; fi
            device=$(ctx instance runtime-properties device_name)
            [ -n "$device" ] || { ctx logger error "device_name is not set"; exit 1; }
            echo "type=$(ctx node properties partition_type)" | sudo sfdisk "$device"
            sudo udevadm settle || true
            sudo mkfs -t "$(ctx node properties fs_type)" "${'$'}{device}1"
            ctx instance runtime-properties filesys "${'$'}{device}1"

  cloudify.nodes.ObjectStorage: {derived_from: cloudify.nodes.Root}
  cloudify.nodes.Network: {derived_from: cloudify.nodes.Root}
  cloudify.nodes.Subnet: {derived_from: cloudify.nodes.Root}
  cloudify.nodes.Port: {derived_from: cloudify.nodes.Root}
  cloudify.nodes.Router: {derived_from: cloudify.nodes.Root}
  cloudify.nodes.LoadBalancer: {derived_from: cloudify.nodes.Root}
  cloudify.nodes.VirtualIP: {derived_from: cloudify.nodes.Root}
  cloudify.nodes.SecurityGroup: {derived_from: cloudify.nodes.Root}
  cloudify.nodes.SoftwareComponent: {derived_from: cloudify.nodes.Root}
  cloudify.nodes.DBMS: {derived_from: cloudify.nodes.SoftwareComponent}
  cloudify.nodes.Database: {derived_from: cloudify.nodes.Root}
  cloudify.nodes.WebServer:
    derived_from: cloudify.nodes.SoftwareComponent
    properties:
      port: {default: 80}
  cloudify.nodes.ApplicationServer: {derived_from: cloudify.nodes.SoftwareComponent}
  cloudify.nodes.MessageBusServer: {derived_from: cloudify.nodes.SoftwareComponent}
  cloudify.nodes.ApplicationModule: {derived_from: cloudify.nodes.Root}
  cloudify.nodes.CloudifyManager:
    derived_from: cloudify.nodes.SoftwareComponent
    properties:
      cloudify:
        default:
          resources_prefix: ''
          cloudify_agent: {min_workers: 2, max_workers: 5, remote_execution_port: 22, user: ubuntu}
          workflows: {task_retries: -1, task_retry_interval: 30}
          policy_engine: {start_timeout: 30}
      cloudify_packages: {}
`;

const DATA_TYPES = `
data_types:
  cloudify.datatypes.AgentConfig:
    properties:
      install_method:
        description: none, remote, init_script, plugin or provided.
        type: string
        required: true
      service_name: {type: string, required: false}
      network: {type: string, required: false}
      user: {type: string, required: false}
      key: {type: string, required: false}
      password: {type: string, required: false}
      port: {type: integer, required: false}
      min_workers: {type: integer, required: false}
      max_workers: {type: integer, required: false}
      log_max_bytes: {type: integer, required: false}
      log_max_history: {type: integer, required: false}
      disable_requiretty: {type: boolean, required: false}
      executable_temp_path: {type: string, required: false}
      log_level: {type: string, required: false}
      process_management: {required: false}
      heartbeat: {required: false}
      env: {required: false}
      extra: {required: false}
  cloudify.datatypes.Blueprint:
    properties:
      external_resource: {type: boolean, default: false}
      id: {type: BLUEPRINT_ID, required: false}
      main_file_name: {type: string, default: blueprint.yaml}
      blueprint_archive: {type: string, default: '', required: true}
      labels: {type: list, required: false}
  cloudify.datatypes.ComponentDeployment:
    properties:
      external_resource: {type: boolean, default: false}
      id: {type: DEPLOYMENT_ID, required: false}
      inputs: {type: dict, default: {}}
      logs: {type: boolean, required: false}
      auto_inc_suffix: {type: boolean, required: false}
      labels: {type: list, required: false}
  cloudify.datatypes.Component:
    properties:
      blueprint: {type: cloudify.datatypes.Blueprint, required: true}
      deployment: {type: cloudify.datatypes.ComponentDeployment, required: true}
      executions_start_args: {type: dict, default: {}}
  cloudify.datatypes.RemoteCloudifyManagerClient:
    properties:
      host: {type: string, required: false}
      port: {type: integer, required: false}
      protocol: {type: string, required: false}
      api_version: {type: string, required: false}
      headers: {type: dict, required: false}
      query_params: {type: dict, required: false}
      cert: {type: string, required: false}
      trust_all: {type: boolean, required: false}
      username: {type: string, required: false}
      password: {type: string, required: false}
      token: {type: string, required: false}
      tenant: {type: string, required: false}
  cloudify.datatypes.SharedResourceDeployment:
    properties:
      id: {type: DEPLOYMENT_ID, required: true}
  cloudify.datatypes.SharedResource:
    properties:
      deployment: {type: cloudify.datatypes.SharedResourceDeployment, required: true}
`;

function relationships(update: string): string {
  const operations = `{preconfigure: {}, postconfigure: {}, establish: {}, unlink: {}, ${update}, check_drift: {}}`;
  const runShared = `
          implementation: cfy_extensions.cloudify_types.shared_resource.execute_workflow
          inputs:
            workflow_id: {type: string}
            parameters: {type: dict, default: {}}
            timeout: {type: integer, default: 10}`;
  const sharedResource = `
    target_interfaces:
      cloudify.interfaces.relationship_lifecycle:
        establish:${runShared}
        unlink:${runShared}`;
  return `
relationships:
  cloudify.relationships.depends_on:
    properties:
      connection_type:
        description: all_to_all or all_to_one.
        default: all_to_all
    source_interfaces:
      cloudify.interfaces.relationship_lifecycle: ${operations}
    target_interfaces:
      cloudify.interfaces.relationship_lifecycle: ${operations}
  cloudify.relationships.connected_to: {derived_from: cloudify.relationships.depends_on}
  cloudify.relationships.contained_in: {derived_from: cloudify.relationships.depends_on}
  cloudify.relationships.depends_on_lifecycle_operation:
    derived_from: cloudify.relationships.depends_on
    properties:
      operation:
        description: The lifecycle operation of the target after which the source may start.
        type: string
  cloudify.relationships.depends_on_shared_resource:
    derived_from: cloudify.relationships.depends_on${sharedResource}
  cloudify.relationships.connected_to_shared_resource:
    derived_from: cloudify.relationships.connected_to${sharedResource}
  cloudify.relationships.file_system_depends_on_volume:
    derived_from: cloudify.relationships.depends_on
    source_interfaces:
      cloudify.interfaces.relationship_lifecycle:
        preconfigure:
          implementation: |
            #!/bin/bash -e
            # The device the volume came up as is what the file system is made on.
            ctx source instance runtime-properties device_name "$device_name"
          inputs:
            device_name: {default: {get_attribute: [TARGET, device_name]}}
  cloudify.relationships.file_system_contained_in_compute:
    derived_from: cloudify.relationships.contained_in
    source_interfaces:
      cloudify.interfaces.relationship_lifecycle:
        establish:
          implementation: |
            #!/bin/bash -e
            # Mounts the file system where the node says.
            path=$(ctx source node properties fs_mount_path)
            sudo mkdir -p "$path"
            sudo mount "$(ctx source instance runtime-properties filesys)" "$path"
            sudo chown "$(id -u)" "$path"
        unlink:
          implementation: |
            #!/bin/bash -e
            # Takes the file system away from its mount point.
            sudo umount "$(ctx source node properties fs_mount_path)"
`;
}

const POLICIES = `
policy_types:
  cloudify.policies.types.host_failure:
    source: policies/host_failure.clj
    properties: &event_properties
      policy_operates_on_group: {default: false}
      is_node_started_before_workflow: {default: true}
      interval_between_workflows: {default: 300}
      service: {default: [service]}
  cloudify.policies.types.threshold:
    source: policies/threshold.clj
    properties: &threshold_properties
      <<: *event_properties
      service: {default: service}
      threshold: {}
      upper_bound: {default: true}
      stability_time: {default: 0}
  cloudify.policies.types.ewma_stabilized:
    source: policies/ewma_stabilized.clj
    properties:
      <<: *threshold_properties
      ewma_timeless_r: {default: 0.5}

policy_triggers:
  cloudify.policies.triggers.execute_workflow:
    source: triggers/execute_workflow.clj
    parameters:
      workflow: {}
      workflow_parameters: {default: {}}
      force: {default: false}
      allow_custom_parameters: {default: false}
      socket_timeout: {default: 1000}
      conn_timeout: {default: 1000}
`;

const withObjectTypes = (text: string) =>
  text.replaceAll('BLUEPRINT_ID', 'blueprint_id').replaceAll('DEPLOYMENT_ID', 'deployment_id');
const withoutObjectTypes = (text: string) =>
  text.replaceAll('BLUEPRINT_ID', 'string').replaceAll('DEPLOYMENT_ID', 'string');

const NODE_TYPES = nodeTypes('create: {}, delete: {}, check_status: {}, ');

/**
 * Texts by edition: `1_3`, `1_4`, the newest for 1_5, and `1_2` for what came before: like the newest, but `create` and
 * `delete` are the names of one operation of a node each, as they always were there.
 */
export const BASE_TYPES: Readonly<Record<'1_2' | '1_3' | '1_4' | 'newest', string>> = {
  '1_2': [
    HEAD,
    nodeTypes('') + COMPONENT_TYPES + PASSWORD_SECRET,
    withObjectTypes(DATA_TYPES),
    relationships('update: {}'),
    WORKFLOWS,
    POLICIES,
  ].join(''),
  '1_3': [
    HEAD,
    NODE_TYPES + COMPONENT_TYPES_1_3,
    withoutObjectTypes(DATA_TYPES),
    relationships('update_preconfigure: {}, update_postconfigure: {}, update_establish: {}'),
    WORKFLOWS_1_3,
    POLICIES,
  ].join(''),
  '1_4': [
    HEAD,
    NODE_TYPES + COMPONENT_TYPES + PASSWORD_SECRET,
    withObjectTypes(DATA_TYPES),
    relationships('update: {}'),
    WORKFLOWS_1_4,
    POLICIES,
  ].join(''),
  newest: [
    HEAD,
    NODE_TYPES + COMPONENT_TYPES + PASSWORD_SECRET,
    withObjectTypes(DATA_TYPES),
    relationships('update: {}'),
    WORKFLOWS,
    POLICIES,
  ].join(''),
};
