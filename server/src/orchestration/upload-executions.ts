/**
 * Uploads of blueprints, told as executions: Cloudify's command line waits for the execution of an upload and shows its
 * logs. They have no deployment, so no worker ever walks one; the upload itself ends it, or the chore that finds it dead.
 */
import type { TenantScope } from '../caller.js';
import type { ToldUpload, UploadJournal } from '../catalog/upload-journal.js';
import { appendEvents, type NewEvent } from '../events/events.js';
import { type ExecutionUid, newExecutionId, type TenantId } from '../ids.js';
import type { Client } from '../store/pool.js';
import { currentTrace } from '../traces.js';
import { insertExecution } from './executions.store.js';
import { deleteUploadEvents, deleteUploadExecution, endUploadExecution } from './upload-executions.store.js';

/** What Cloudify's clients look for. */
const WORKFLOW = 'upload_blueprint';

export class UploadExecutions implements UploadJournal {
  async begin(client: Client, scope: TenantScope, upload: ToldUpload): Promise<ExecutionUid> {
    const parameters = {
      blueprint_id: upload.blueprint,
      app_file_name: upload.mainFile,
      url: upload.url,
      validate_only: false,
      labels: upload.labels.map(({ key, value }) => ({ key, value })),
    };
    const row = await insertExecution.one(client, scope.tenantId, [
      newExecutionId(),
      null,
      WORKFLOW,
      WORKFLOW,
      'started',
      JSON.stringify(parameters),
      false,
      false,
      false,
      true,
      600,
      upload.visibility,
      scope.userId,
      new Date(),
      null,
      currentTrace(),
    ]);
    await this.#append(client, scope.tenantId, row!.uid, {
      kind: 'event',
      type: 'workflow_started',
      message: `Starting '${WORKFLOW}' workflow execution`,
    });
    return row!.uid;
  }

  async tell(client: Client, tenant: TenantId, execution: ExecutionUid, message: string): Promise<void> {
    await this.#append(client, tenant, execution, { kind: 'log', level: 'info', logger: 'catalog', message });
  }

  async end(client: Client, tenant: TenantId, execution: ExecutionUid, error: string | null): Promise<void> {
    const status = error === null ? 'terminated' : 'failed';
    if ((await endUploadExecution.run(client, tenant, [execution, status, error ?? ''])) === 0) return;
    await this.#append(client, tenant, execution, {
      kind: 'event',
      type: error === null ? 'workflow_succeeded' : 'workflow_failed',
      message: `'${WORKFLOW}' workflow execution ${error === null ? 'succeeded' : `failed: ${error}`}`,
    });
  }

  async forget(client: Client, tenant: TenantId, blueprint: number): Promise<void> {
    await deleteUploadEvents.run(client, tenant, [blueprint]);
    await deleteUploadExecution.run(client, tenant, [blueprint]);
  }

  async #append(client: Client, tenant: TenantId, execution: ExecutionUid, event: NewEvent): Promise<void> {
    await appendEvents(client, tenant, { executionUid: execution, deploymentUid: null }, [event]);
  }
}
