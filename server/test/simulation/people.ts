/** People at work, through the API's own service: they start, cancel, kill and resume, and do not always hear the answer. */
import { type Caller, PERMISSIONS } from '../../src/caller.js';
import { DomainError } from '../../src/errors.js';
import type { ExecutionId, TenantId, UserId } from '../../src/ids.js';
import type { CancelKind } from '../../src/orchestration/execution-state.js';
import { Executions } from '../../src/orchestration/executions.js';
import type { ResumeOptions } from '../../src/orchestration/resumption.js';
import { isOutage } from '../../src/orchestration/running/outage.js';
import type { Pool } from '../../src/store/pool.js';
import type { Laws } from './laws.js';
import { TENANT, USER } from './model-rows.js';
import type { Wish } from './scenario.js';

const CALLER: Caller = {
  userId: USER.id as UserId,
  username: USER.name,
  tenant: { id: TENANT.id as TenantId, name: TENANT.name },
  permissions: new Set(PERMISSIONS),
  requestId: 'simulation',
};

export class People {
  readonly #pool: Pool;
  readonly #executions: Executions;
  readonly #laws: Laws;
  readonly #send: (hint: string) => void;
  /** One call at a time for each execution: what was acknowledged last holds. */
  readonly #busy = new Set<string>();

  constructor(pool: Pool, laws: Laws, send: (hint: string) => void) {
    this.#pool = pool;
    this.#laws = laws;
    this.#send = send;
    this.#executions = new Executions(pool, {
      work: () => send('work'),
      changed: (id: ExecutionId) => send(`changed:${id}`),
    });
  }

  /** Asks until it is acknowledged. */
  async start({ uid, row }: Wish): Promise<void> {
    for (;;) {
      try {
        const query = { name: 'simulation_start', text: '', values: [uid, row] };
        await this.#pool.query(query);
        this.#send('work');
        return;
      } catch (error) {
        if (!isOutage(error)) throw error;
      }
    }
  }

  cancel(id: string, kind: CancelKind): Promise<boolean> {
    return this.#call(id, async () => {
      await this.#executions.cancel(CALLER, id, kind);
      this.#laws.acknowledgedCancel(id);
    });
  }

  resume(id: string, options: ResumeOptions): Promise<boolean> {
    return this.#call(id, async () => {
      // Whether it counts or not: a cancel of before does not hold for what runs now.
      this.#laws.acknowledgedResume(id);
      await this.#executions.resume(CALLER, id, options);
    });
  }

  /** @returns whether it was acknowledged */
  async #call(id: string, work: () => Promise<void>): Promise<boolean> {
    if (this.#busy.has(id)) return false;
    this.#busy.add(id);
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof DomainError) && !isOutage(error)) {
        this.#laws.broken(`a person was answered with ${String((error as Error).stack ?? error)}`);
      }
      return false;
    } finally {
      this.#busy.delete(id);
    }
  }
}
