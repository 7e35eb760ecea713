/**
 * How uploads are told as executions. The catalog knows nothing of executions; whoever does implements this.
 *
 * Every call is made in the transaction of the fact it tells.
 */
import type { TenantScope } from '../caller.js';
import type { ExecutionUid, TenantId } from '../ids.js';
import type { Client } from '../store/pool.js';
import type { Visibility } from './blueprints.store.js';
import type { Label } from './labels.js';

export interface ToldUpload {
  readonly blueprint: string;
  readonly visibility: Visibility;
  readonly mainFile: string;
  readonly url: string | null;
  readonly labels: readonly Label[];
}

export interface UploadJournal {
  /** An upload has begun. */
  begin(client: Client, scope: TenantScope, upload: ToldUpload): Promise<ExecutionUid>;
  tell(client: Client, tenant: TenantId, execution: ExecutionUid, message: string): Promise<void>;
  /** @param error why it failed; null: it did not */
  end(client: Client, tenant: TenantId, execution: ExecutionUid, error: string | null): Promise<void>;
  /** Removes what tells of the upload of a blueprint that is about to go or to be uploaded again. */
  forget(client: Client, tenant: TenantId, blueprint: number): Promise<void>;
}
