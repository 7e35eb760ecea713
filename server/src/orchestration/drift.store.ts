/** How many instances of a deployment check_drift has found to be other than they were configured to be. */
import { tenantStatement } from '../store/statement.js';

/** Counted while something works on the deployment; what it leaves is settled at its end. */
export const DRIFTED = `(case when d.health <> 'in-progress' then d.drifted_instances else (select count(*) from node_instances i
  where i.deployment_uid = d.uid and i.tenant_id = d.tenant_id and has_drifted(i.system_properties)) end)::integer`;

/** Locks the deployment of node instance `$2` until the transaction ends, as `holdDeployment` does. */
export const holdDeploymentOfInstance = tenantStatement<never>(
  'deployment_hold_of_instance',
  `select from deployments d
   where d.tenant_id = $1 and d.uid = (select i.deployment_uid from node_instances i where i.tenant_id = $1 and i.id = $2)
   for no key update of d`,
);

/** For whoever has changed or removed instances without an execution. */
export const recountDrifted = tenantStatement<never>(
  'deployment_recount_drifted',
  `update deployments d set drifted_instances = s.drifted
   from (select count(*) as drifted from node_instances i
         where i.tenant_id = $1 and i.deployment_uid = $2 and has_drifted(i.system_properties)) s
   where d.tenant_id = $1 and d.uid = $2 and d.drifted_instances <> s.drifted`,
);
