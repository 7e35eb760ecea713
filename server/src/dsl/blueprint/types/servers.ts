/**
 * Node types for servers that the inventory builds, as blueprints import them: `orrery/servers.yaml`. An ordinary file of the
 * language, beside the base types and derived from them. Operations declare no inputs, so that `execute_operation` may give what each takes.
 */
const OPERATIONS = (names: readonly string[]) =>
  names.map((name) => `        ${name}: {implementation: orrery_servers.${name}}`).join('\n');

export const SERVER_TYPES = `
plugins:
  orrery_servers: {executor: central_deployment_agent, install: false}

node_types:
  orrery.nodes.Server:
    derived_from: cloudify.nodes.Compute
    properties:
      cloud_account:
        description: Id or name of the cloud account to build in; empty, the first one of kind local.
        type: string
        default: ''
      hostname:
        description: Empty, made from the name of the node instance.
        type: string
        default: ''
      image:
        description: What it is made of, as the cloud account calls it; empty, the account's default.
        type: string
        default: ''
      cpus: {type: integer, default: 1}
      memory_mb: {type: integer, default: 1024}
      disk_gb: {type: integer, default: 10}
      networks:
        description: What its network cards are in, as the cloud account calls it.
        default: []
      username: {type: string, default: ''}
      password: {type: string, default: ''}
      script:
        description: Run on the server when it comes up, where the cloud account can.
        type: string
        default: ''
      tags: {default: {}}
      agent_config:
        type: cloudify.datatypes.AgentConfig
        default: {install_method: none, port: 22}
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: orrery_servers.build}
        start: {implementation: orrery_servers.power_on}
        stop: {implementation: orrery_servers.stop}
        delete: {implementation: orrery_servers.remove}
        pull: {implementation: orrery_servers.refresh}
      cloudify.interfaces.host:
        get_state: {implementation: orrery_servers.refresh}
      orrery.interfaces.server:
${OPERATIONS([
  'power_on',
  'power_off',
  'suspend',
  'reboot',
  'refresh',
  // {cpus, memory_mb, disk, disk_gb, new_disk_gb}: `disk` is the one that grows to `disk_gb`; empty: the first.
  'resize',
  // {name}
  'snapshot',
  // {snapshot}: an id or a name; empty: the newest.
  'revert_snapshot',
  'delete_snapshot',
])}
`;
