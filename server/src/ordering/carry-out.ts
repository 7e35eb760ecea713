/**
 * Carries out what approved orders need, once each, whatever dies in between.
 *
 * An errand is one execution on one deployment. Everything before that execution is made under ids derived from the order, so
 * whoever goes on after a crash finds it: a blueprint that is there is not uploaded again, a deployment that is there and carries
 * the errand's label is taken as it is. The execution itself is started in the transaction that marks the errand as begun,
 * so there is one and only one.
 *
 *   claimed ─► blueprint ─► deployment ─► [ execution + errand begun + jobs bound ]
 *
 * The owner of the order acts, with rights lent for exactly this: what was approved is permitted, also to somebody who may
 * order and nothing else.
 */
import type { Caller, Permission, TenantScope } from '../caller.js';
import type { BlueprintUploads } from '../catalog/blueprint-uploads.js';
import type { Blueprints } from '../catalog/blueprints.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import type { Callers } from '../identity/callers.js';
import type { TenantId } from '../ids.js';
import type { Deployments } from '../orchestration/deployments.js';
import type { Executions, StartedExecution } from '../orchestration/executions.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import type { ErrandTask } from './errand-task.js';
import {
  claimErrand,
  type ErrandRow,
  lockErrand,
  putOffErrand,
  selectErrand,
  setBegun,
} from './errands.store.js';
import type { Homes, Place } from './homes.js';
import { bindExecution } from './jobs.store.js';
import { ensureBlueprint } from './made-blueprints.js';
import { blueprintOf } from './order-blueprint.js';
import { sourcesOf } from './order-facts.store.js';
import type { ServerBook } from './server-book.js';
import type { Settlement } from './settle.js';
import type { Triggers } from './triggers.js';

export interface CarryOutParts {
  readonly pool: Pool;
  readonly callers: Callers;
  readonly blueprints: Blueprints;
  readonly uploads: BlueprintUploads;
  readonly deployments: Deployments;
  readonly executions: Executions;
  readonly servers: ServerBook;
  readonly settlement: Settlement;
  readonly homes: Homes;
  readonly triggers: Pick<Triggers, 'holds'>;
  /** For tests: called before each step with its name; what it throws is as if the process had died there. */
  readonly before?: ((step: Step, errand: number) => Promise<void>) | undefined;
}

export type Step = 'blueprint' | 'deployment' | 'execution' | 'begun';

/** Seconds. Longer than a blueprint takes to compile. */
const LEASE = 60;
const LENT: readonly Permission[] = [
  'blueprints.read',
  'blueprints.write',
  'deployments.read',
  'deployments.write',
  'executions.read',
  'executions.run',
  'nodes.read',
  'events.read',
  'secrets.read',
  'plugins.read',
];
const LABEL = 'orrery-order-errand';
const MOST_TRIES = 200;

export class CarryOut {
  readonly #parts: CarryOutParts;

  constructor(parts: CarryOutParts) {
    this.#parts = parts;
  }

  /** Carries out what is due. Any number of processes may do it at once. @returns how many errands were looked at */
  async all(): Promise<number> {
    let count = 0;
    for (;;) {
      const claimed = await claimErrand.one(this.#parts.pool, [LEASE]);
      if (claimed === null) return count;
      count += 1;
      await this.#one(claimed.tenantId, claimed.uid);
    }
  }

  async #one(tenant: TenantId, uid: number): Promise<void> {
    const { pool, settlement } = this.#parts;
    const errand = await selectErrand.one(pool, tenant, [uid]);
    if (errand === null || errand.state !== 'due') return;
    try {
      if (errand.cancelWanted) {
        await settlement.withoutExecution(errand, 'CANCELED', 'It was canceled before it began');
        return;
      }
      if (await this.#parts.triggers.holds(errand)) return;
      const { task } = errand;
      if (task.kind === 'remove' && errand.deploymentId === null && task.servers.length === 0) {
        await settlement.withoutExecution(errand, 'SUCCESS', 'Nothing of it was built');
        return;
      }
      await this.#carryOut(errand);
    } catch (error) {
      if (isFinal(error) || errand.tries > MOST_TRIES) {
        const message =
          error instanceof DomainError
            ? error.message
            : 'Something went wrong in the server; its log says more';
        await settlement.withoutExecution(errand, 'FAILURE', message);
        return;
      }
      await putOffErrand.run(pool, tenant, [uid, Math.min(60, 2 ** Math.min(errand.tries, 6))]);
      if (!(error instanceof DomainError)) throw error;
    }
  }

  async #carryOut(errand: ErrandRow): Promise<void> {
    const { before = async () => {} } = this.#parts;
    const caller = await this.actor(errand);
    if (errand.task.kind === 'build') {
      await before('blueprint', errand.uid);
      await this.#blueprint(caller, errand, errand.task);
      await before('deployment', errand.uid);
      await this.#deployment(caller, errand, errand.task);
    }
    await before('execution', errand.uid);
    await this.#begin(caller, errand);
  }

  /** Who acts for an errand. @throws DomainError `forbidden` where the owner is not there any more */
  async actor(errand: Pick<ErrandRow, 'owner' | 'tenantName' | 'orderNumber'>): Promise<Caller> {
    const caller = await this.#parts.callers.actingAs(
      errand.owner,
      errand.tenantName,
      `order ${errand.orderNumber}`,
      { visitor: true },
    );
    return lent(caller);
  }

  async #blueprint(
    caller: Caller,
    errand: ErrandRow,
    task: Extract<ErrandTask, { kind: 'build' }>,
  ): Promise<void> {
    const { pool } = this.#parts;
    const { blueprintId: id, plan } = task;
    if (plan.blueprint !== null) return;
    const text = async () => {
      const uids = plan.actions.map(({ action }) => action.uid);
      const sources = uids.length === 0 ? [] : await sourcesOf.all(pool, errand.tenantId, [uids]);
      const order = { number: errand.orderNumber, group: errand.groupName, owner: errand.owner };
      return blueprintOf(plan, order, sources);
    };
    await ensureBlueprint(this.#parts, caller, id, text, [{ key: LABEL, value: String(errand.uid) }]);
  }

  async #deployment(
    caller: Caller,
    errand: ErrandRow,
    task: Extract<ErrandTask, { kind: 'build' }>,
  ): Promise<void> {
    const { deployments } = this.#parts;
    const id = errand.deploymentId!;
    const label = { key: LABEL, value: String(errand.uid) };
    try {
      await deployments.create(caller, {
        id,
        blueprintId: task.blueprintId,
        displayName: task.plan.name,
        inputs: task.plan.blueprint?.inputs ?? {},
        labels: [label, { key: 'order', value: String(errand.orderNumber) }],
      });
    } catch (error) {
      if (!(error instanceof DomainError) || error.reason !== 'deployment-exists') throw error;
      const there = await deployments.get(caller, id);
      if (there.labels.some(({ key, value }) => key === label.key && value === label.value)) return;
      throw new DomainError(
        'invalid',
        'deployment-exists',
        `A deployment ${id} is there that was not made for this order`,
      );
    }
  }

  async #begin(caller: Caller, errand: ErrandRow): Promise<void> {
    const { pool, executions, servers, before = async () => {} } = this.#parts;
    const scope: TenantScope = {
      tenantId: errand.tenantId,
      tenantName: errand.tenantName,
      userId: caller.userId,
      seesPrivate: true,
    };
    const place = await this.#settledIn(caller, scope, errand);
    await inTransaction(pool, async (client) => {
      const held = await lockErrand.one(client, errand.tenantId, [errand.uid]);
      if (held?.state !== 'due') return;
      const task = place === null ? errand.task : standingIn(errand.task, place);
      const deploymentId = errand.deploymentId ?? place?.deploymentId ?? null;
      if (deploymentId === null) {
        throw new DomainError('invalid', 'server-not-built-here', 'No deployment has built it');
      }
      const execution = await start(executions, client, caller, deploymentId, task);
      if (task.kind === 'build') {
        await servers.bind(client, scope, deploymentId, {
          servers: task.servers.map(({ uid }) => uid),
          resource: task.resource,
        });
      }
      await bindJobs(client, errand, execution.uid);
      await before('begun', errand.uid);
    });
    executions.wakeWorkers();
  }

  /** Where a server stands that was found and is changed or taken away; null: a deployment has built it. */
  async #settledIn(caller: Caller, scope: TenantScope, { task }: ErrandRow): Promise<Place | null> {
    if (task.kind === 'build' || task.kind === 'act') return null;
    const { pool, servers, homes } = this.#parts;
    const named = task.kind === 'modify' ? [task.server] : task.servers;
    const known = await servers.byUids(
      pool,
      scope,
      named.map(({ uid }) => uid),
    );
    const found = known.find(({ deploymentId, status }) => deploymentId === null && status !== 'historical');
    return found === undefined ? null : homes.ofServer(caller, scope, found);
  }
}

function standingIn(task: ErrandTask, { node, instanceId }: Place): ErrandTask {
  return task.kind === 'modify' ? { ...task, server: { ...task.server, node, instanceId } } : task;
}

/** What was not installed to its end has to be taken down too, though the workflow does not offer itself for it. */
async function start(
  executions: Executions,
  client: Client,
  caller: Caller,
  deploymentId: string,
  task: ErrandTask,
): Promise<StartedExecution> {
  const request = { deploymentId, ...workflowOf(task), queue: true };
  try {
    return await executions.startWithin(client, caller, request);
  } catch (error) {
    const isHalfBuilt = error instanceof DomainError && error.reason === 'workflow-unavailable';
    if (!isHalfBuilt || task.kind !== 'remove') throw error;
    return executions.startWithin(client, caller, { ...request, force: true });
  }
}

/** The caller, with what carrying out an approved order takes. */
export function lent(caller: Caller): Caller {
  return { ...caller, permissions: new Set([...caller.permissions, ...LENT]) };
}

async function bindJobs(client: Client, errand: ErrandRow, execution: number): Promise<void> {
  await setBegun.run(client, errand.tenantId, [errand.uid, execution]);
  await bindExecution.run(client, errand.tenantId, [errand.uid, execution]);
}

/** What is asked of the engine. */
export function workflowOf(task: ErrandTask): { readonly workflow: string; readonly parameters: JsonObject } {
  switch (task.kind) {
    case 'build':
      return { workflow: 'install', parameters: {} };
    case 'modify': {
      const { cpus, memoryMb, grow, addGb, password } = task.plan.change;
      return {
        workflow: 'execute_operation',
        parameters: {
          operation: 'orrery.interfaces.server.resize',
          operation_kwargs: {
            cpus: cpus ?? null,
            memory_mb: memoryMb ?? null,
            disk: grow?.disk ?? '',
            disk_gb: grow?.gb ?? null,
            new_disk_gb: addGb ?? null,
            // The one that is kept for the server: nothing of it is told here.
            ...(password === undefined ? {} : { password: true }),
          },
          allow_kwargs_override: true,
          ...(task.server.instanceId === null
            ? { node_ids: [task.server.node] }
            : { node_instance_ids: [task.server.instanceId] }),
        },
      };
    }
    case 'act':
      throw new Error('the run of its job does what it asks for');
    case 'remove':
      return {
        workflow: 'uninstall',
        parameters: task.whole
          ? {}
          : {
              node_instance_ids: task.servers.flatMap(({ instanceId }) =>
                instanceId === null ? [] : [instanceId],
              ),
            },
      };
  }
}

/** No other try helps: what was asked for cannot be. */
function isFinal(error: unknown): boolean {
  return error instanceof DomainError && ['invalid', 'forbidden', 'not-found'].includes(error.kind);
}
