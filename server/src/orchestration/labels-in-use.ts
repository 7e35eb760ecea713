/** Which labels hang on the things of a tenant: their keys, and the values of a key. */
import { type Caller, scopeFor } from '../caller.js';
import { RESERVED_LABEL_KEYS } from '../catalog/labels.js';
import type { Pool } from '../store/pool.js';
import { labelKeys, labelValues } from './labels-in-use.store.js';

export type Labelled = 'blueprints' | 'deployments';

export class LabelsInUse {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** In the order of the alphabet. Needs `blueprints.read` or `deployments.read`. */
  async keys(caller: Caller, of: Labelled): Promise<string[]> {
    const { tenantId, userId, seesPrivate } = scopeFor(caller, `${of}.read`);
    return (await labelKeys[of].all(this.#pool, tenantId, [userId, seesPrivate])).map((row) => row.name);
  }

  /** Of one key, in the order of the alphabet. */
  async values(caller: Caller, of: Labelled, key: string): Promise<string[]> {
    const { tenantId, userId, seesPrivate } = scopeFor(caller, `${of}.read`);
    const values = [userId, seesPrivate, key.trim().toLowerCase()];
    return (await labelValues[of].all(this.#pool, tenantId, values)).map((row) => row.name);
  }

  /** Keys that the system gives a meaning and that people may set. */
  reserved(caller: Caller, of: Labelled): readonly string[] {
    scopeFor(caller, `${of}.read`);
    return RESERVED_LABEL_KEYS;
  }
}
