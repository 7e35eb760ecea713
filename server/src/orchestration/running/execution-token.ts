/**
 * The token with which an execution's operations call the API: made when the first of them asks, by the holder of the
 * fence alone, in the place of those that earlier holders had; gone with the transaction that ends the execution.
 */
import { issueExecutionToken, revokeExecutionTokens } from '../../identity/tokens.js';
import type { Pool } from '../../store/pool.js';
import { inTransaction } from '../../store/transaction.js';
import { Fenced } from './ledger.js';
import { type ClaimedExecution, holdExecution } from './running.store.js';

/** Issues at most one token, however many ask. */
export function executionToken(
  pool: Pool,
  execution: Pick<ClaimedExecution, 'uid' | 'id' | 'fence' | 'createdById' | 'tenantId'>,
): () => Promise<string> {
  const { uid, id, fence, createdById, tenantId } = execution;
  const issue = () =>
    inTransaction(pool, async (client) => {
      if ((await holdExecution.one(client, [uid, fence])) === null) throw new Fenced();
      await revokeExecutionTokens(client, id);
      return issueExecutionToken(client, createdById, tenantId, id);
    });
  let issued: Promise<string> | null = null;
  return () => {
    issued ??= issue().catch((error: unknown) => {
      issued = null;
      throw error;
    });
    return issued;
  };
}
