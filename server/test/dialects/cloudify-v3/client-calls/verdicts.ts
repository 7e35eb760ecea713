/**
 * What the published client can send that is not served here, with the reason, and what is served only to be refused. Each
 * list may only shrink: what is served fails the test until it is taken off.
 */

/** Route -> why there is none. The answer is 404, or 405 where the path has other methods. */
export const NOT_THERE: Readonly<Record<string, string>> = {
  'PATCH /agents': 'there are no agents whose certificates could be replaced',
  'POST /audit': 'the trail tells what was done here, and nothing else',
  'PUT /blueprints/ID/archive': "for Cloudify's own workers: an upload fetches its archive itself",
  'POST /contacts': 'nobody is told who uses this server',
  'POST /deployment-updates': 'for restoring records; a snapshot restores all at once',
  'PUT /deployment-updates/ID': "for Cloudify's own workers: an update is made and carried out by one call",
  'PATCH /deployment-updates/ID': "for Cloudify's own workers: an update tells how it stands by itself",
  'POST /deployments/inter-deployment-dependencies/restore':
    'for restoring records; a snapshot restores all at once',
  'PUT /log-bundles/ID/archive': "for Cloudify's own workers: a worker here writes the archive itself",
  'POST /managers': 'managers are the nodes of the cluster, which join by themselves',
  'PUT /managers/ID': 'managers are the nodes of the cluster, which join by themselves',
  'DELETE /managers/ID': 'nodes are removed with DELETE /cluster/nodes/ID',
  'POST /brokers': 'there is no broker: the queue is in the database',
  'PUT /brokers/ID': 'there is no broker: the queue is in the database',
  'DELETE /brokers/ID': 'there is no broker: the queue is in the database',
  'POST /db-nodes': 'the one database is not managed from here',
  'POST /nodes': 'nodes are made by deployments and their updates alone',
  'PATCH /nodes/ID/ID': 'nodes are changed by modifications and updates alone',
  'DELETE /nodes/ID/ID': 'nodes are removed by updates alone',
  'POST /node-instances': 'instances are made by modifications and updates alone',
  'DELETE /node-instances/ID': 'instances are removed by modifications and updates alone',
  'GET /resources/deployments/ID/ID/': 'deployments have no folder of their own',
  'PUT /resources/deployments/ID/ID/': 'deployments have no folder of their own',
  'PUT /resources/deployments/ID/ID/ID': 'deployments have no folder of their own',
  'DELETE /resources/deployments/ID/ID/ID': 'deployments have no folder of their own',
  'GET /secrets-providers': 'secrets are kept here alone',
  'GET /secrets-providers/ID': 'secrets are kept here alone',
  'PUT /secrets-providers': 'secrets are kept here alone',
  'PATCH /secrets-providers/ID': 'secrets are kept here alone',
  'DELETE /secrets-providers/ID': 'secrets are kept here alone',
};

export interface Refusal {
  readonly path: string;
  readonly body?: unknown;
  readonly status: number;
  readonly code: string;
  readonly why: string;
}

/** Method of the client -> what it meets whatever it says. */
export const REFUSED: Readonly<Record<string, Refusal>> = {
  'permissions.add': {
    path: '/permissions/viewer/secret_create',
    status: 400,
    code: 'illegal_action_error',
    why: 'roles are fixed',
  },
  'permissions.delete': {
    path: '/permissions/viewer/secret_get',
    status: 400,
    code: 'illegal_action_error',
    why: 'roles are fixed',
  },
  'license.upload': {
    path: '/license',
    body: new Uint8Array([1]),
    status: 400,
    code: 'illegal_action_error',
    why: 'no licence is needed',
  },
  'license.delete': { path: '/license', status: 404, code: 'not_found_error', why: 'no licence is needed' },
  'ldap.set': {
    path: '/ldap',
    body: { ldap_server: 'ldap://127.0.0.1' },
    status: 400,
    code: 'illegal_action_error',
    why: 'users and their passwords are kept here',
  },
  'manager.put_config': {
    path: '/config/task_retries',
    body: { value: 1 },
    status: 409,
    code: 'conflict_error',
    why: 'settings are read at the start',
  },
};
