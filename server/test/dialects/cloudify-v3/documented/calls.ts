/**
 * Every call of the published document of `/api/v3`: what its example sends, and the status of a success. A call stands
 * here once for each documented form: with the words of its query after `?`, and those of its JSON body in braces.
 *
 * The document slips in places. Then the call stands here as it must be meant:
 *
 *   DELETE /blueprints/ID        its example leaves out /api/v3
 *   DELETE /users/ID             its heading says /tenants/ID, its example /users/ID
 *   GET /node-instances          its examples write `&_include` where `?_include` must stand
 *   GET /executions              its example signs nobody in
 *   GET /cluster/nodes           its examples give `--header` no header
 *   PUT /snapshots/ID/archive    its example leaves out the id
 *
 * Where it says two things, both stand here: adding a node to a cluster, downloading a snapshot.
 */
export const CALLS = {
  'Basics: chosen fields': 'GET /blueprints?_include 200',
  'Basics: filter, several values': 'GET /blueprints?_include&id 200',
  'Basics: sort by one field, descending': 'GET /deployments?_include&_sort 200',
  'Basics: sort by two fields': 'GET /deployments?_include&_sort 200',
  'Basics: pages': 'GET /events?_size&_offset&_include 200',
  'Basics: sign in by password': 'GET /status?_include 200',
  'Basics: get a token by password': 'GET /tokens 200',
  'Basics: sign in by token': 'GET /blueprints?_include 200',

  'Blueprints: get': 'GET /blueprints?id&_include 200',
  'Blueprints: upload from a URL': 'PUT /blueprints/ID?application_file_name&blueprint_archive_url 201',
  'Blueprints: upload an archive': 'PUT /blueprints/ID 201',
  'Blueprints: list': 'GET /blueprints?_include 200',
  'Blueprints: delete': 'DELETE /blueprints/ID 200',
  'Blueprints: download': 'GET /blueprints/ID/archive 200',

  'Cluster: get state': 'GET /cluster 200',
  'Cluster: get state with what is hidden': 'GET /cluster?_include 200',
  'Cluster: start': 'PUT /cluster {host_ip,node_name} 200',
  'Cluster: join': 'PUT /cluster {host_ip,node_name,credentials} 200',
  'Cluster: change settings': 'PATCH /cluster {config_key} 200',
  'Cluster: list nodes': 'GET /cluster/nodes 200',
  'Cluster: get node': 'GET /cluster/nodes/ID 200',
  'Cluster: add node, as its example': 'POST /cluster/nodes {host_ip,node_name} 200',
  'Cluster: add node, as its heading': 'PUT /cluster/nodes/ID {host_ip,node_name} 200',
  'Cluster: delete node': 'DELETE /cluster/nodes/ID 200',

  'Deployments: list': 'GET /deployments?_include 200',
  'Deployments: get': 'GET /deployments?id&_include 200',
  'Deployments: create': 'PUT /deployments/ID?_include {blueprint_id,inputs} 201',
  'Deployments: delete': 'DELETE /deployments/ID?_include 200',
  'Deployments: delete with live instances': 'DELETE /deployments/ID {ignore_live_nodes} 200',

  'Events: list': 'GET /events 200',
  'Events: list within a range': 'GET /events?_range 200',
  'Events: list since a time': 'GET /events?_range 200',
  'Events: list until a time': 'GET /events?_range 200',
  'Events: list with filters': 'GET /events?execution_id&node_id&event_type 200',

  'Executions: list': 'GET /executions?_include 200',
  'Executions: get': 'GET /executions/ID?_include 200',
  'Executions: start': 'POST /executions?_include {deployment_id,workflow_id} 201',
  'Executions: start with parameters':
    'POST /executions {deployment_id,workflow_id,parameters,allow_custom_parameters} 201',
  'Executions: start beside another': 'POST /executions {deployment_id,workflow_id,force} 201',
  'Executions: cancel': 'POST /executions/ID?_include {deployment_id,action} 200',
  'Executions: cancel by force': 'POST /executions/ID {deployment_id,action} 200',
  'Executions: update': 'PATCH /executions/ID?_include {status} 200',

  'Manager: status': 'GET /status 200',
  'Manager: version': 'GET /version?_include 200',

  'Node instances: list': 'GET /node-instances?_include 200',
  'Node instances: get': 'GET /node-instances/ID?_include 200',
  'Node instances: update': 'PATCH /node-instances/ID?_include {version,runtime_properties} 200',
  'Node instances: update the state': 'PATCH /node-instances/ID {version,state} 200',

  'Nodes: list': 'GET /nodes?_include 200',

  'Plugins: list': 'GET /plugins?_include 200',
  'Plugins: get': 'GET /plugins/ID?_include 200',
  'Plugins: delete': 'DELETE /plugins/ID?_include {force} 200',
  'Plugins: upload from a URL': 'POST /plugins?plugin_archive_url&_include 201',
  'Plugins: upload an archive': 'POST /plugins 201',
  'Plugins: download': 'GET /plugins/ID/archive 200',

  'Secrets: list': 'GET /secrets 200',
  'Secrets: get': 'GET /secrets/ID 200',
  'Secrets: create': 'PUT /secrets/ID {value} 200',
  'Secrets: update': 'PATCH /secrets/ID {value} 200',
  'Secrets: delete': 'DELETE /secrets/ID 200',

  'Snapshots: list': 'GET /snapshots?_include 200',
  'Snapshots: create': 'PUT /snapshots/ID 201',
  'Snapshots: create with its options': 'PUT /snapshots/ID {include_metrics,include_credentials} 201',
  'Snapshots: delete': 'DELETE /snapshots/ID 200',
  'Snapshots: restore':
    'POST /snapshots/ID/restore {recreate_deployments_envs,force,restore_certificates,no_reboot} 200',
  'Snapshots: download, as its example': 'GET /snapshot/ID/archive 200',
  'Snapshots: download, as its heading': 'GET /snapshots/ID/archive 200',
  'Snapshots: upload from a URL': 'PUT /snapshots/ID/archive?snapshot_archive_url 201',
  'Snapshots: upload an archive': 'PUT /snapshots/ID/archive 201',

  'Tenants: list': 'GET /tenants 200',
  'Tenants: get, as its example': 'GET /tenants/ID 200',
  'Tenants: get, as its heading': 'GET /tenants?name 200',
  'Tenants: create': 'POST /tenants/ID 201',
  'Tenants: delete': 'DELETE /tenants/ID 200',
  'Tenants: add user, as its example': 'PUT /tenants/users {username,tenant_name} 200',
  'Tenants: add user, as its table': 'PUT /tenants/users {username,tenants_name} 200',
  'Tenants: remove user, as its example': 'DELETE /tenants/users {username,tenants_name} 200',
  'Tenants: remove user, as its table': 'DELETE /tenants/users {username,tenant_name} 200',
  'Tenants: add user group, as its example': 'PUT /tenants/user-groups {group_name,tenant_name} 200',
  'Tenants: add user group, as its table': 'PUT /tenants/user-groups {group_name,tenants_name} 200',
  'Tenants: remove user group, as its example': 'DELETE /tenants/user-groups {group_name,tenants_name} 200',
  'Tenants: remove user group, as its table': 'DELETE /tenants/user-groups {group_name,tenant_name} 200',

  'Tokens: get': 'GET /tokens 200',

  'User groups: list': 'GET /user-groups 200',
  'User groups: get': 'GET /user-groups/ID 200',
  'User groups: create': 'POST /user-groups {group_name,ldap_group_dn} 201',
  'User groups: delete': 'DELETE /user-groups/ID 200',
  'User groups: add user': 'PUT /user-groups/users {username,group_name} 200',
  'User groups: remove user': 'DELETE /user-groups/users {username,group_name} 200',

  'Users: list': 'GET /users 200',
  'Users: get': 'GET /users/ID 200',
  'Users: create': 'PUT /users {username,password,role} 201',
  'Users: delete': 'DELETE /users/ID 200',
  'Users: set password': 'POST /users/ID {password} 200',
  'Users: set role': 'POST /users/ID {role} 200',
} as const;

export type Call = keyof typeof CALLS;

/** Calls that are not served yet. May only shrink. */
export const NOT_YET: readonly Call[] = [];

export interface CallForm {
  readonly method: string;
  /** Under `/api/v3`; the capital letters `ID` stand for any name. */
  readonly path: string;
  /** Words that the query holds. */
  readonly query: readonly string[];
  /** Words that the JSON body holds. */
  readonly body: readonly string[];
  readonly status: number;
}

export function formOf(call: Call): CallForm {
  const parts = /^(\w+) ([^ ?]+)(?:\?(\S+))?(?: \{(.+)\})? (\d+)$/.exec(CALLS[call]);
  if (parts === null) throw new Error(`${call} is not written as a call: ${CALLS[call]}`);
  const [, method, path, query, body, status] = parts;
  return {
    method: method!,
    path: path!,
    query: query?.split('&') ?? [],
    body: body?.split(',') ?? [],
    status: Number(status),
  };
}
