/** One workflow on all deployments of a group, so many at a time. What lets them go is orchestration/group-promotion.ts. */
import { randomUUID } from 'node:crypto';
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { Executions, ResumeOptions } from '../orchestration/executions.js';
import { promoteGroup, promoteWaitingGroups } from '../orchestration/group-promotion.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { type DeploymentGroups, groupKey } from './deployment-groups.js';
import {
  type ExecutionGroupField,
  executionGroupList,
  insertExecutionGroup,
  selectExecutionGroup,
  selectGroupExecutions,
  sortEnded,
  updateExecutionGroup,
} from './execution-groups.store.js';

export type { ExecutionGroupField } from './execution-groups.store.js';

export interface ExecutionGroupRequest {
  readonly deploymentGroupId: string;
  readonly workflow: string;
  readonly defaultParameters?: JsonObject;
  /** By deployment, laid over the default ones. */
  readonly parameters?: Readonly<Record<string, JsonObject>>;
  readonly allowCustomParameters?: boolean;
  readonly force?: boolean;
  readonly concurrency?: number;
}

export type GroupAction = 'cancel' | 'force-cancel' | 'kill' | 'resume' | 'force-resume';

const USUAL_CONCURRENCY = 5;
const MOST_CONCURRENT = 10_000;

export class ExecutionGroups {
  readonly #pool: Pool;
  readonly #groups: DeploymentGroups;
  readonly #executions: Executions;

  constructor(parts: { pool: Pool; groups: DeploymentGroups; executions: Executions }) {
    this.#pool = parts.pool;
    this.#groups = parts.groups;
    this.#executions = parts.executions;
  }

  /** Needs `executions.read`. */
  async list(caller: Caller, query: ListQuery<ExecutionGroupField>): Promise<ListPage> {
    return listPage(this.#pool, executionGroupList, scopeFor(caller, 'executions.read'), query);
  }

  /**
   * Starts the workflow on all of them, or on none. Needs `executions.run`.
   *
   * @returns the id of the group of executions
   * @throws DomainError `not-found`; `invalid` (`concurrency-invalid`, and what starting an execution throws)
   */
  async start(caller: Caller, request: ExecutionGroupRequest): Promise<string> {
    const scope = scopeFor(caller, 'executions.run');
    const { concurrency = USUAL_CONCURRENCY, parameters = {}, defaultParameters = {} } = request;
    checkConcurrency(concurrency);
    const members = await this.#groups.members(caller, request.deploymentGroupId);
    const names = new Set(members.map((member) => member.id));
    const stranger = Object.keys(parameters).find((name) => !names.has(name));
    if (stranger !== undefined) throw notFound('Deployment', stranger);
    const id = randomUUID();
    await inTransaction(this.#pool, async (client) => {
      const of = await groupKey(client, scope, request.deploymentGroupId);
      const values = [id, of, request.workflow, concurrency, scope.userId];
      const { uid } = (await insertExecutionGroup.one(client, scope.tenantId, values))!;
      for (const member of members) {
        const own = Object.hasOwn(parameters, member.id) ? parameters[member.id] : {};
        await this.#executions.startInGroup(
          client,
          caller,
          {
            deploymentId: member.id,
            workflow: request.workflow,
            parameters: { ...defaultParameters, ...own },
            allowCustomParameters: request.allowCustomParameters === true,
            force: request.force === true,
          },
          uid,
        );
      }
      await promoteGroup(client, uid);
      await record(client, caller, {
        action: 'start',
        thing: 'execution group',
        id,
        details: { group: request.deploymentGroupId, workflow: request.workflow, executions: members.length },
      });
    });
    this.#executions.wakeWorkers();
    return id;
  }

  /**
   * Does to each execution of the group what can be done to it. Those that are resumed wait for their turn again.
   * Needs `executions.run`. Throws `not-found`.
   */
  async act(
    caller: Caller,
    id: string,
    action: GroupAction,
    how: Pick<ResumeOptions, 'evenInMaintenance'> = {},
  ): Promise<void> {
    const scope = scopeFor(caller, 'executions.run');
    const group = await this.#find(this.#pool, scope, id);
    for (const one of await selectGroupExecutions.all(this.#pool, scope.tenantId, [group])) {
      try {
        if (action === 'resume' || action === 'force-resume') {
          await this.#executions.resume(caller, one.id, { ...how, force: action === 'force-resume' });
        } else {
          await this.#executions.cancel(caller, one.id, action);
        }
      } catch (error) {
        const passed = ['execution-action-illegal', 'execution-not-resumable', 'execution-already-running'];
        if (!(error instanceof DomainError) || !passed.includes(error.reason)) throw error;
      }
    }
    await this.#promote(group);
  }

  /**
   * How many at once from now on, and where deployments go whose execution ended well or badly. Needs `executions.run`.
   *
   * @throws DomainError `not-found`; `invalid` (`concurrency-invalid`)
   */
  async update(
    caller: Caller,
    id: string,
    change: { readonly concurrency?: number; readonly successGroup?: string; readonly failureGroup?: string },
  ): Promise<void> {
    const scope = scopeFor(caller, 'executions.run');
    if (change.concurrency !== undefined) checkConcurrency(change.concurrency);
    const group = await inTransaction(this.#pool, async (client) => {
      const uid = await this.#find(client, scope, id);
      const { successGroup, failureGroup } = change;
      await updateExecutionGroup.run(client, scope.tenantId, [
        uid,
        change.concurrency ?? null,
        successGroup === undefined ? null : await groupKey(client, scope, successGroup),
        failureGroup === undefined ? null : await groupKey(client, scope, failureGroup),
      ]);
      await sortEnded.run(client, scope.tenantId, [uid]);
      await record(client, caller, {
        action: 'update',
        thing: 'execution group',
        id,
        details: { ...change },
      });
      return uid;
    });
    await this.#promote(group);
  }

  /** Periodic work: lets go what nobody saw become due. */
  async promoteWaiting(): Promise<number> {
    const count = await promoteWaitingGroups(this.#pool);
    if (count > 0) this.#executions.wakeWorkers();
    return count;
  }

  async #promote(group: number): Promise<void> {
    const count = await inTransaction(this.#pool, (client) => promoteGroup(client, group));
    if (count > 0) this.#executions.wakeWorkers();
  }

  async #find(db: Pool | Client, scope: TenantScope, id: string): Promise<number> {
    const values = [id, scope.userId, scope.seesPrivate];
    const group = await selectExecutionGroup.one(db, scope.tenantId, values);
    if (group === null) throw notFound('Execution group', id);
    return group.uid;
  }
}

function checkConcurrency(concurrency: number): void {
  if (Number.isInteger(concurrency) && concurrency >= 0 && concurrency <= MOST_CONCURRENT) return;
  throw new DomainError(
    'invalid',
    'concurrency-invalid',
    `The concurrency must be a whole number from 0 to ${MOST_CONCURRENT}, not ${concurrency}`,
  );
}
