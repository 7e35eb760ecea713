/** Base types that stand for other deployments, blueprints and secrets. Continues the `node_types` section. */

const COMPONENT_LIFECYCLE = `
        create: {implementation: cfy_extensions.cloudify_types.component.upload_blueprint}
        configure: {implementation: cfy_extensions.cloudify_types.component.create}
        start:
          implementation: cfy_extensions.cloudify_types.component.execute_start
          inputs:
            workflow_id: {type: string, default: install}
            timeout: {type: integer, default: 1800}
            interval: {type: integer, default: 1}
        stop:
          implementation: cfy_extensions.cloudify_types.component.execute_start
          inputs:
            workflow_id: {default: uninstall}
            resource_config:
              default:
                blueprint: {get_property: [SELF, resource_config, blueprint]}
                deployment: {get_property: [SELF, resource_config, deployment]}
                executions_start_args: {allow_custom_parameters: true}
        delete: {implementation: cfy_extensions.cloudify_types.component.delete}
        refresh: {implementation: cfy_extensions.cloudify_types.component.refresh}`;

const COMPONENT_PROPERTIES = `
    properties:
      resource_config: {type: cloudify.datatypes.Component, default: {}}
      client: {type: cloudify.datatypes.RemoteCloudifyManagerClient, default: {}}
      plugins: {type: dict, default: {}}
      secrets: {type: dict, default: {}}`;

const SHARED_RESOURCE_PROPERTIES = `
    properties:
      resource_config: {type: cloudify.datatypes.SharedResource, default: {}}
      client: {type: cloudify.datatypes.RemoteCloudifyManagerClient, default: {}}`;

const SHARED_RESOURCE_LIFECYCLE = `
        create: {implementation: cfy_extensions.cloudify_types.shared_resource.connect_deployment}
        delete: {implementation: cfy_extensions.cloudify_types.shared_resource.disconnect_deployment}
        refresh: {implementation: cfy_extensions.cloudify_types.shared_resource.refresh}`;

const BLUEPRINT = `
  cloudify.nodes.Blueprint:
    derived_from: cloudify.nodes.Root
    properties:
      resource_config: {type: cloudify.datatypes.Blueprint, default: {}}
      client: {type: cloudify.datatypes.RemoteCloudifyManagerClient, default: {}}
      plugins: {type: dict, default: {}}
      secrets: {type: dict, default: {}}
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: cfy_extensions.cloudify_types.blueprint.upload}
        delete: {implementation: cfy_extensions.cloudify_types.blueprint.delete}
`;

export const COMPONENT_TYPES = `
  cloudify.nodes.Component:
    derived_from: cloudify.nodes.Root${COMPONENT_PROPERTIES}
    interfaces:
      cloudify.interfaces.lifecycle:${COMPONENT_LIFECYCLE}
        check_drift: {implementation: cfy_extensions.cloudify_types.component.check_drift}
        heal: {implementation: cfy_extensions.cloudify_types.component.heal}
        update: {implementation: cfy_extensions.cloudify_types.component.update}
      cloudify.interfaces.validation:
        check_status: {implementation: cfy_extensions.cloudify_types.component.check_status}
  cloudify.nodes.ServiceComponent: {derived_from: cloudify.nodes.Component}
  cloudify.nodes.SharedResource:
    derived_from: cloudify.nodes.Root${SHARED_RESOURCE_PROPERTIES}
    interfaces:
      cloudify.interfaces.lifecycle:${SHARED_RESOURCE_LIFECYCLE}
        check_drift: {implementation: cfy_extensions.cloudify_types.shared_resource.check_drift}
      cloudify.interfaces.validation:
        check_status: {implementation: cfy_extensions.cloudify_types.shared_resource.check_status}
${BLUEPRINT}`;

export const COMPONENT_TYPES_1_3 = `
  cloudify.nodes.Component:
    derived_from: cloudify.nodes.Root${COMPONENT_PROPERTIES}
    interfaces:
      cloudify.interfaces.lifecycle:${COMPONENT_LIFECYCLE}
  cloudify.nodes.ServiceComponent: {derived_from: cloudify.nodes.Component}
  cloudify.nodes.SharedResource:
    derived_from: cloudify.nodes.Root${SHARED_RESOURCE_PROPERTIES}
    interfaces:
      cloudify.interfaces.lifecycle:${SHARED_RESOURCE_LIFECYCLE}
${BLUEPRINT}`;

export const PASSWORD_SECRET = `
  cloudify.nodes.PasswordSecret:
    derived_from: cloudify.nodes.Root
    properties:
      length: {type: integer, default: 8}
      uppercase: {type: integer, default: 0, description: At least so many; -1 for none at all.}
      lowercase: {type: integer, default: 0}
      digits: {type: integer, default: 0}
      symbols: {type: integer, default: 0}
      secret_name: {type: string, required: false}
      use_secret_if_exists: {type: boolean, default: false}
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: cfy_extensions.cloudify_types.password_secret.create}
        delete: {implementation: cfy_extensions.cloudify_types.password_secret.delete}
      cloudify.interfaces.validation:
        create: {implementation: cfy_extensions.cloudify_types.password_secret.creation_validation}
`;
