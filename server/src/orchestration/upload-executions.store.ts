import { tenantStatement } from '../store/statement.js';

/** `$2` execution, `$3` how it ended, `$4` why. */
export const endUploadExecution = tenantStatement(
  'upload_execution_end',
  `update executions x set status = $3, error = $4, ended_at = now()
   where x.tenant_id = $1 and x.uid = $2 and x.ended_at is null`,
);

/** What the upload of blueprint `$2` told. */
export const deleteUploadEvents = tenantStatement(
  'upload_events_delete',
  `delete from event_packs e using blueprints b
   where e.tenant_id = $1 and b.tenant_id = $1 and b.uid = $2 and e.execution_uid = b.upload_execution_uid`,
);

export const deleteUploadExecution = tenantStatement(
  'upload_execution_delete',
  `delete from executions x using blueprints b
   where x.tenant_id = $1 and b.tenant_id = $1 and b.uid = $2 and x.uid = b.upload_execution_uid`,
);
