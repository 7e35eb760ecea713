/** How many deployments, nodes, instances and executions there are of each kind. */
import { type Caller, type Permission, scopeFor } from '../caller.js';
import type { ListSpec } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { type SummaryQuery, type SummaryRow, summarize } from '../store/summary.js';
import { deploymentList } from './deployments.store.js';
import { executionList } from './executions.store.js';
import { instanceList, nodeList } from './nodes.store.js';

const LISTS = {
  deployments: deploymentList,
  nodes: nodeList,
  instances: instanceList,
  executions: executionList,
} as const;
const PERMISSIONS: Readonly<Record<keyof typeof LISTS, Permission>> = {
  deployments: 'deployments.read',
  nodes: 'nodes.read',
  instances: 'nodes.read',
  executions: 'executions.read',
};

export type Summarized = keyof typeof LISTS;
export type SummarizedField<Of extends Summarized> = keyof (typeof LISTS)[Of]['fields'] & string;

export class Summaries {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Needs the permission to list what is counted. */
  async of<Of extends Summarized>(
    caller: Caller,
    of: Of,
    query: SummaryQuery<SummarizedField<Of>>,
  ): Promise<{ rows: SummaryRow[]; total: number }> {
    const scope = scopeFor(caller, PERMISSIONS[of]);
    return summarize(this.#pool, LISTS[of] as ListSpec<SummarizedField<Of>>, scope, query);
  }
}
