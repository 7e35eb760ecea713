/** The workflows of several deployments together, each definition once. */
import { type Caller, scopeFor } from '../caller.js';
import type { PlanWorkflow } from '../dsl/plan.js';
import { type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { type DeploymentField, deploymentList, workflowsOf } from './deployments.store.js';

export interface OfferedWorkflow extends PlanWorkflow {
  readonly name: string;
}

export class OfferedWorkflows {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Of the deployments that `query` selects, in the order of names. Deployments of one blueprint mostly have the very same
   * workflows, so only their digests are read of all. Needs `deployments.read`.
   */
  async list(
    caller: Caller,
    query: Pick<ListQuery<DeploymentField>, 'filters' | 'allTenants'>,
  ): Promise<OfferedWorkflow[]> {
    const page = await listPage(this.#pool, deploymentList, scopeFor(caller, 'deployments.read'), {
      ...query,
      shape: { uid: 'uid', digest: 'workflowsDigest' },
      sort: [],
      offset: 0,
      size: null,
    });
    const rows = JSON.parse(page.items) as { uid: number; digest: string }[];
    const one = new Map(rows.map(({ uid, digest }) => [digest, uid]));
    const known = new Map<string, OfferedWorkflow>();
    for (const { workflows } of await workflowsOf.all(this.#pool, [[...one.values()]])) {
      for (const [name, workflow] of Object.entries(workflows)) {
        known.set(JSON.stringify([name, workflow]), { name, ...workflow });
      }
    }
    return [...known.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }
}
