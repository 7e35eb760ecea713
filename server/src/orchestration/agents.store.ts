import type { DeploymentUid } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export type AgentField =
  | 'name'
  | 'instance'
  | 'node'
  | 'deploymentId'
  | 'state'
  | 'ip'
  | 'installMethod'
  | 'system'
  | 'version'
  | 'createdAt'
  | 'updatedAt'
  | 'visibility'
  | 'tenantName'
  | 'createdBy';

const CREDENTIALS = `worker_credentials c where c.kind = 'agent' and c.confined_to = a.tenant_id and c.host_instance = a.instance`;
/** One that we have put there and that says nothing any more is not as it was told last. */
const STATE = `case when a.state = 'started' and exists (select from ${CREDENTIALS}) and not exists (select from ${CREDENTIALS}
  and exists (select from pool_workers w where w.credential_uid = c.uid and w.left_at is null and w.seen_at > now() - make_interval(secs => w.lease)))
  then 'nonresponsive' else a.state end`;

export const agentList: ListSpec<AgentField> = {
  from: `agents a
    join deployments d on d.uid = a.deployment_uid
    join tenants t on t.id = a.tenant_id
    join users u on u.id = a.created_by`,
  fields: {
    name: { sql: 'a.name', type: 'text' },
    instance: { sql: 'a.instance', type: 'text' },
    node: { sql: `regexp_replace(a.instance, '_[a-z0-9]+$', '')`, type: 'text' },
    deploymentId: { sql: 'd.id', type: 'text' },
    state: { sql: STATE, type: 'text' },
    ip: { sql: 'a.ip', type: 'text' },
    installMethod: { sql: 'a.install_method', type: 'text' },
    system: { sql: 'a.system', type: 'text' },
    version: { sql: 'a.version', type: 'text' },
    createdAt: { sql: 'a.created_at', type: 'time' },
    updatedAt: { sql: 'a.updated_at', type: 'time' },
    visibility: { sql: 'd.visibility', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
  },
  confine: ownTenant('d', { visibility: true }),
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 'a.uid',
  search: ['name'],
};

/** The deployment of instance `$2`, as far as user `$3` may see it (`$4`: others' private ones too). */
export const deploymentOfInstance = tenantStatement<{ uid: DeploymentUid }>(
  'agent_deployment_of_instance',
  `select d.uid from node_instances i join deployments d on d.uid = i.deployment_uid
   where i.tenant_id = $1 and i.id = $2 and (d.visibility <> 'private' or d.created_by = $3 or $4)`,
);

/** A second agent of the name takes the place of the first where it is on the same instance. */
export const putAgent = tenantStatement<{ uid: number }>(
  'agent_put',
  `insert into agents (tenant_id, name, deployment_uid, instance, state, ip, install_method, system, version, created_by)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
   on conflict (tenant_id, name) do update set state = excluded.state, ip = excluded.ip, install_method = excluded.install_method,
     system = excluded.system, version = excluded.version, updated_at = now()
   where agents.instance = excluded.instance and agents.deployment_uid = excluded.deployment_uid
   returning uid`,
);

export const updateAgent = tenantStatement<never>(
  'agent_update',
  `update agents a set state = coalesce($3, a.state), system = coalesce($4, a.system), version = coalesce($5, a.version), updated_at = now()
   from deployments d
   where a.tenant_id = $1 and a.name = $2 and d.uid = a.deployment_uid and (d.visibility <> 'private' or d.created_by = $6 or $7)`,
);
