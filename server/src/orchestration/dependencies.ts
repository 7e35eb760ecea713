/**
 * Dependencies between deployments: one reads another's capabilities, or has it as a component (cloudify.md §4.3, §5.3).
 *
 * Those that a blueprint writes out are recorded with the deployment; others come from outside. They never lead in a
 * circle, and a deployment that others stand on is not removed, uninstalled, stopped, healed or updated without force. The one
 * that is stood on knows its consumers by the label `csys-consumer-id`.
 */
import { randomUUID } from 'node:crypto';
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { DeploymentUid } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  addConsumer,
  type DependencyField,
  deleteDependency,
  deleteOtherDependencies,
  deleteOutdatedDependencies,
  dependencyList,
  dropConsumer,
  insertExternal,
  selectDependency,
  selectDependents,
  standsOn,
  upsertDependencies,
} from './dependencies.store.js';
import { type DeploymentHead, lockDeployment, showLabels } from './deployments.store.js';
import type { PlannedDependency } from './planning/dependencies.js';

export type { DependencyField } from './dependencies.store.js';

/** Ends are told by id; one of them may be on another installation, told as that one tells it. */
export interface DependencyRequest {
  readonly creator: string;
  readonly source?: string;
  readonly target?: string;
  readonly targetFunction?: Json;
  readonly externalSource?: JsonObject;
  readonly externalTarget?: JsonObject;
}

const LONGEST = 1024;
const MOST = 1000;

export class Dependencies {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Needs `deployments.read`. */
  async list(caller: Caller, query: ListQuery<DependencyField>): Promise<ListPage> {
    return listPage(this.#pool, dependencyList, scopeFor(caller, 'deployments.read'), query);
  }

  /**
   * Records a dependency; one of the same source and creator is made anew. Needs `deployments.write`.
   *
   * @returns its id
   * @throws DomainError `not-found`; `invalid` (`dependency-invalid`, `dependency-circle`)
   */
  async create(caller: Caller, request: DependencyRequest): Promise<string> {
    const scope = scopeFor(caller, 'deployments.write');
    check(request);
    return inTransaction(this.#pool, async (client) => {
      const id = await this.#create(client, scope, request);
      await this.#record(client, caller, 'create', request);
      return id;
    });
  }

  /**
   * Records several of one deployment; with `replace` all others of it go. Needs `deployments.write`.
   *
   * @returns their ids
   * @throws as `create`
   */
  async createMany(
    caller: Caller,
    source: string,
    requests: readonly Omit<DependencyRequest, 'source' | 'externalSource'>[],
    { replace = false } = {},
  ): Promise<string[]> {
    const scope = scopeFor(caller, 'deployments.write');
    if (requests.length > MOST) throw invalid(`at most ${MOST} are accepted at once`);
    const all = requests.map((request) => ({ ...request, source }));
    for (const request of all) check(request);
    return inTransaction(this.#pool, async (client) => {
      const deployment = await lock(client, scope, source);
      if (replace) {
        const kept = requests.map(({ creator }) => creator);
        const gone = await deleteOtherDependencies.all(client, scope.tenantId, [deployment.uid, kept]);
        for (const { target } of gone) await forgetConsumer(client, scope, target, source);
      }
      const ids: string[] = [];
      for (const request of all) ids.push(await this.#create(client, scope, request));
      await record(client, caller, {
        action: replace ? 'replace' : 'create',
        thing: 'deployment dependency',
        id: source,
        details: { creators: requests.map(({ creator }) => creator).slice(0, 100) },
      });
      return ids;
    });
  }

  /** Needs `deployments.write`. Throws `not-found`. */
  async remove(caller: Caller, request: DependencyRequest): Promise<void> {
    const scope = scopeFor(caller, 'deployments.write');
    await inTransaction(this.#pool, async (client) => {
      const source = request.source === undefined ? null : await lock(client, scope, request.source);
      const found = await selectDependency.one(client, scope.tenantId, [
        request.creator,
        source?.uid ?? null,
        jsonOf(request.externalSource),
        jsonOf(request.externalTarget),
      ]);
      if (found === null) throw notFound('Inter deployment dependency', request.creator);
      await deleteDependency.run(client, scope.tenantId, [found.uid]);
      if (source !== null) await forgetConsumer(client, scope, found.targetUid, source.id);
      await this.#record(client, caller, 'delete', request);
    });
  }

  async #create(client: Client, scope: TenantScope, request: DependencyRequest): Promise<string> {
    const source = request.source === undefined ? null : await lock(client, scope, request.source);
    const target = request.target === undefined ? null : await lock(client, scope, request.target);
    if (source === null || request.externalTarget !== undefined) {
      const id = randomUUID();
      await insertExternal.run(client, scope.tenantId, [
        id,
        request.creator,
        source?.uid ?? null,
        target?.uid ?? null,
        jsonOf(request.externalSource),
        jsonOf(request.externalTarget),
        (source ?? target)?.visibility ?? 'tenant',
        scope.userId,
      ]);
      return id;
    }
    if (target !== null) await refuseCircle(client, scope, source, target);
    const planned = {
      creator: request.creator,
      target: request.target ?? null,
      targetFunction: request.targetFunction ?? null,
    };
    return (await store(client, scope, source, [planned]))[0]!;
  }

  async #record(
    client: Client,
    caller: Caller,
    action: string,
    { creator, source, target }: DependencyRequest,
  ): Promise<void> {
    const details = { creator, source: source ?? null, target: target ?? null };
    await record(client, caller, { action, thing: 'deployment dependency', id: creator, details });
  }
}

/** What a blueprint writes out, with the deployment that has just been made: nobody can stand on it yet. */
export async function recordPlanned(
  client: Client,
  scope: TenantScope,
  source: Pick<DeploymentHead, 'uid' | 'id' | 'visibility'>,
  planned: readonly PlannedDependency[],
): Promise<void> {
  if (planned.length > 0) await store(client, scope, source, planned);
}

/** What a deployment reads by another plan, in place of what it read by its last one; what others told of it stays. */
export async function recordReplanned(
  client: Client,
  scope: TenantScope,
  source: Pick<DeploymentHead, 'uid' | 'id' | 'visibility'>,
  planned: readonly PlannedDependency[],
): Promise<void> {
  const creators = planned.map(({ creator }) => creator.slice(0, LONGEST));
  const values = [source.uid, creators, '%.get\\_capability'];
  const gone = await deleteOutdatedDependencies.all(client, scope.tenantId, values);
  for (const target of new Set(gone.map((row) => row.target))) {
    await forgetConsumer(client, scope, target, source.id);
  }
  await recordPlanned(client, scope, source, planned);
}

/**
 * Refuses to pull the ground away from under others.
 *
 * @param what is to be done, as the message says it
 * @param withInside it is done to the deployments inside it first, so that they may stand on it
 * @throws DomainError `conflict` (`deployment-has-dependents`)
 */
export async function refuseWhileStoodOn(
  client: Client,
  caller: Caller,
  scope: TenantScope,
  deployment: { readonly uid: DeploymentUid; readonly id: string },
  what: string,
  withInside = false,
): Promise<void> {
  const values = [deployment.uid, caller.executionId ?? null, withInside];
  const dependents = await selectDependents.all(client, scope.tenantId, values);
  if (dependents.length === 0) return;
  const told = dependents.map(
    ({ id, creator }, index) =>
      `[${index + 1}] Deployment \`${id}\` depends on it via ${creator.startsWith('component.') ? 'a Component' : creator.startsWith('sharedresource.') ? 'a Shared Resource' : 'an Inter-Deployment Dependency'} (${creator})`,
  );
  throw new DomainError(
    'conflict',
    'deployment-has-dependents',
    `Can't ${what} deployment ${deployment.id} - others depend on it: ${told.join('; ')}. It can be forced`,
  );
}

async function store(
  client: Client,
  scope: TenantScope,
  source: Pick<DeploymentHead, 'uid' | 'id' | 'visibility'>,
  planned: readonly PlannedDependency[],
): Promise<string[]> {
  const rows = planned.map(({ creator, target, targetFunction }) => ({
    id: randomUUID(),
    creator: creator.slice(0, LONGEST),
    target,
    function: targetFunction,
  }));
  const values = [source.uid, scope.userId, source.visibility, JSON.stringify(rows)];
  const stored = await upsertDependencies.all(client, scope.tenantId, values);
  for (const target of new Set(stored.map((row) => row.target))) {
    if (target === null || target === source.uid) continue;
    if ((await addConsumer.run(client, scope.tenantId, [target, source.id, scope.userId])) > 0) {
      await showLabels.run(client, scope.tenantId, [target]);
    }
  }
  return stored.map((row) => row.id);
}

async function forgetConsumer(
  client: Client,
  scope: TenantScope,
  target: DeploymentUid | null,
  source: string,
): Promise<void> {
  if (target === null) return;
  if ((await dropConsumer.run(client, scope.tenantId, [target, source])) > 0) {
    await showLabels.run(client, scope.tenantId, [target]);
  }
}

/** Takes the labels by which others know a deployment that is about to go. */
export async function leaveTargets(
  client: Client,
  scope: TenantScope,
  source: { readonly uid: DeploymentUid; readonly id: string },
): Promise<void> {
  const gone = await deleteOtherDependencies.all(client, scope.tenantId, [source.uid, []]);
  for (const target of new Set(gone.map((row) => row.target))) {
    await forgetConsumer(client, scope, target, source.id);
  }
}

async function refuseCircle(
  client: Client,
  scope: TenantScope,
  source: DeploymentHead,
  target: DeploymentHead,
): Promise<void> {
  const itself = source.uid === target.uid;
  if (!itself && !(await standsOn.one(client, scope.tenantId, [target.uid, source.uid]))!.found) return;
  throw new DomainError(
    'invalid',
    'dependency-circle',
    `Deployment ${source.id} cannot depend on ${target.id}, which ${itself ? 'is itself' : `depends on ${source.id}`}`,
  );
}

async function lock(client: Client, scope: TenantScope, id: string): Promise<DeploymentHead> {
  const found = await lockDeployment.one(client, scope.tenantId, [id, scope.userId, scope.seesPrivate]);
  if (found === null) throw notFound('Deployment', id);
  return found;
}

function check({ creator, source, externalSource }: DependencyRequest): void {
  if (creator === '' || creator.length > LONGEST) {
    throw invalid(`what made it must have 1 to ${LONGEST} characters`);
  }
  if ((source === undefined) === (externalSource === undefined)) {
    throw invalid('it needs a source, here or on another installation, and not both');
  }
}

function invalid(why: string): DomainError {
  return new DomainError('invalid', 'dependency-invalid', `A dependency is not as it must be: ${why}`);
}

function jsonOf(value: JsonObject | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
