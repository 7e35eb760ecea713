/** Nodes of deployments: what the plan says, with how many instances there are. Read only. */
import { type Caller, scopeFor } from '../caller.js';
import type { PlanNode, SharedTypes } from '../dsl/plan.js';
import type { DeploymentUid } from '../ids.js';
import { type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { type NodeField, nodeList, typesOfDeployments } from './nodes.store.js';

export type { NodeField } from './nodes.store.js';

/** A node with the types that its deployment shares, from which its operations are read (`dsl/plan.ts`). */
export interface NodeRecord {
  readonly id: string;
  readonly deploymentUid: DeploymentUid;
  readonly deploymentId: string;
  readonly deploymentDisplayName: string;
  readonly blueprintId: string;
  readonly hostId: string | null;
  readonly definition: PlanNode;
  readonly types: SharedTypes;
  readonly defaultInstances: number;
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Per instance of what contains it, as the numbers before and after are. */
  readonly currentInstances: number;
  /** Once the modification that is started is finished. */
  readonly plannedInstances: number;
  readonly actualInstances: number;
  readonly unavailableInstances: number;
  readonly driftedInstances: number;
  readonly visibility: 'private' | 'tenant' | 'global';
  readonly tenantName: string;
  readonly createdBy: string;
}

const EVERYTHING = Object.fromEntries(Object.keys(nodeList.fields).map((field) => [field, field])) as Record<
  string,
  NodeField
>;

export class Nodes {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** A page of nodes, in the order of deployments and of their blueprints. Needs `nodes.read`. */
  async list(
    caller: Caller,
    query: Omit<ListQuery<NodeField>, 'shape'>,
  ): Promise<{ records: NodeRecord[]; total: number }> {
    const scope = scopeFor(caller, 'nodes.read');
    const page = await listPage(this.#pool, nodeList, scope, { ...query, shape: EVERYTHING });
    const bare = JSON.parse(page.items) as Omit<NodeRecord, 'types'>[];
    const uids = [...new Set(bare.map((node) => node.deploymentUid))];
    const types = new Map(
      (await typesOfDeployments.all(this.#pool, [uids])).map((row) => [row.uid, row.types]),
    );
    return {
      total: page.total,
      records: bare.map((node) => ({ ...node, types: types.get(node.deploymentUid)! })),
    };
  }
}
