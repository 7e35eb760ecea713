/** What the environment of the installation is: workflows ask for it, and administrators may say it. */
import { type Caller, requirePermission } from '../caller.js';
import { DomainError } from '../errors.js';
import { record } from '../identity/audit.js';
import { requirePerson } from '../identity/permission.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { type ProviderContext, selectContext, updateContext } from './provider-context.store.js';

export type { ProviderContext };

const LONGEST = 1024 * 1024;

export class ProviderContexts {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async get(caller: Caller): Promise<ProviderContext> {
    requirePermission(caller, 'settings.read');
    return (await selectContext.one(this.#pool))!;
  }

  /**
   * It is one for all tenants, so those who write settings in one tenant may not.
   *
   * @param again also where somebody has set it before
   * @throws DomainError `conflict` (`provider-context-exists`), `limit`
   */
  async set(caller: Caller, context: ProviderContext, again: boolean): Promise<void> {
    requirePermission(caller, 'tenants.manage');
    requirePerson(caller);
    const text = JSON.stringify(context.context);
    if (text.length > LONGEST || context.name.length > 256) {
      throw new DomainError('limit', 'provider-context', 'The provider context has at most a megabyte');
    }
    await inTransaction(this.#pool, async (client) => {
      if ((await updateContext.run(client, [context.name, text, again])) === 0) {
        throw new DomainError('conflict', 'provider-context-exists', 'Provider context already set');
      }
      await record(client, caller, { action: 'update', thing: 'provider-context', id: context.name });
    });
  }
}
