/**
 * Tells the plugin of actions what each step of a run is (plugins/actions/), and keeps what it printed: sources are read when they run,
 * and never stand in an execution.
 */
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import type { UserId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import { type ActionRequest, actionRequest, requestProblem } from './action-request.js';
import { noteStep, type RunRow, selectRun } from './action-runs.store.js';
import { type About, actionScript, foundIn, shownOf } from './action-script.js';
import type { PlannedStep } from './action-task.js';
import { selectTenantByName } from './first-contents.store.js';
import { sourcesOf } from './order-facts.store.js';
import { selectOrderFacts } from './orders.store.js';
import type { KnownServer, ServerBook } from './server-book.js';

export interface StepRequest {
  /** Name. */
  readonly tenant: string;
  readonly run: number;
  readonly step: number;
  /** Id of the execution that asks. */
  readonly execution: string;
}

export type PreparedStep =
  | { readonly kind: 'script'; readonly inputs: JsonObject }
  | { readonly kind: 'request'; readonly request: ActionRequest }
  | { readonly kind: 'nothing'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string };

export type SendRequest = (
  request: ActionRequest,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly text: string }>;

/** Of what one action is told. */
const MOST_SERVERS = 200;
/** Characters, as they are kept of one step. */
const MOST_PRINTED = 90_000;

export class ActionWorks {
  readonly #pool: Pool;
  readonly #servers: ServerBook;
  /** Sends what a webhook sends, to hosts that users may have the server contact. Rejects with a DomainError. */
  readonly send: SendRequest;

  constructor(parts: { readonly pool: Pool; readonly servers: ServerBook; readonly send: SendRequest }) {
    this.#pool = parts.pool;
    this.#servers = parts.servers;
    this.send = parts.send;
  }

  async prepare(request: StepRequest): Promise<PreparedStep> {
    const found = await this.#stepOf(request);
    if (found === null) return refused('there is no such step of an action that this execution may run');
    const { run, step, before } = found;
    const condition = before.find(({ role }) => role === 'condition');
    if (condition !== undefined && run.found === null)
      return { kind: 'nothing', message: `${condition.name} has found nothing: there is nothing to do` };
    const [action] = await sourcesOf.all(this.#pool, run.tenantId, [[step.action]]);
    if (action === undefined) return refused(`action ${step.name} is not there any more`);
    const known = { inputs: run.task.inputs, about: await this.#about(run), found: run.found };
    if (action.kind !== 'webhook') return { kind: 'script', inputs: actionScript(action, known) };
    const problem = requestProblem(action.settings);
    if (problem !== null) return refused(`${step.name} cannot be run: ${problem}`);
    return { kind: 'request', request: actionRequest(action.settings, known) };
  }

  /** @throws DomainError `invalid` (`action-found-too-much`) */
  async conclude(request: StepRequest, printed: readonly string[]): Promise<void> {
    const known = await this.#stepOf(request);
    if (known === null) return;
    const { run, step } = known;
    const finds = step.role !== 'run';
    const found = finds ? foundIn(printed) : null;
    if (found === undefined) {
      throw new DomainError(
        'invalid',
        'action-found-too-much',
        `${step.name} has found more than an action can be given`,
      );
    }
    await noteStep.run(this.#pool, run.tenantId, [
      run.uid,
      String(request.step),
      storable(shownOf(printed)),
      finds,
      found === null ? null : storable(JSON.stringify(found)),
    ]);
  }

  async #stepOf({ tenant: name, run: uid, step, execution }: StepRequest): Promise<{
    run: RunRow;
    step: PlannedStep;
    before: readonly PlannedStep[];
  } | null> {
    const tenant = await selectTenantByName.one(this.#pool, [name]);
    const run = tenant === null ? null : await selectRun.one(this.#pool, tenant.id, [uid]);
    if (run === null || run.executionId !== execution || run.task.work.kind !== 'steps') return null;
    const { steps } = run.task.work;
    const asked = steps[step];
    return asked === undefined ? null : { run, step: asked, before: steps.slice(0, step) };
  }

  async #about(run: RunRow): Promise<About> {
    const { tenantId, tenantName, task } = run;
    const scope = { tenantId, tenantName, userId: 0 as UserId, seesPrivate: true };
    const [resource] =
      task.resource === null ? [] : await this.#servers.resourcesByUids(this.#pool, scope, [task.resource]);
    const servers =
      task.servers.length === 0 && resource !== undefined
        ? await this.#servers.ofResource(this.#pool, scope, resource.uid)
        : await this.#servers.byUids(this.#pool, scope, task.servers);
    const told = servers.slice(0, MOST_SERVERS).map(serverFacts);
    const order =
      run.orderUid === null ? null : await selectOrderFacts.one(this.#pool, tenantId, [run.orderUid]);
    return {
      run: { job_id: run.jobNumber, action: task.label, user: run.owner, point: run.triggerPoint },
      server: servers.length === 1 ? told[0]! : null,
      resource:
        resource === undefined
          ? null
          : {
              id: resource.number,
              name: resource.name,
              type: resource.type,
              parameters: resource.parameters,
              servers: told,
            },
      order:
        order === null
          ? null
          : {
              ...order,
              id: order.number,
              servers: told,
              hostnames: servers.map(({ name }) => name).join(' '),
            },
    };
  }
}

function serverFacts(server: KnownServer): JsonObject {
  return {
    id: server.number,
    hostname: server.name,
    ip: server.ip,
    status: server.status,
    cpus: server.cpus,
    memory_mb: server.memoryMb,
    disk_gb: server.diskGb,
    environment: server.environment?.name ?? null,
    parameters: server.parameters,
  };
}

/** The last of it, without what PostgreSQL cannot keep. */
function storable(text: string): string {
  return text.replaceAll('\0', '').replaceAll('\\u0000', '').slice(-MOST_PRINTED);
}

function refused(message: string): PreparedStep {
  return { kind: 'refused', message };
}

/** What the steps of a run have printed, as the output of its job. */
export function outputOf(printed: Readonly<Record<string, Json>>): string {
  return Object.keys(printed)
    .sort((a, b) => Number(a) - Number(b))
    .map((step) => String(printed[step]))
    .filter((text) => text !== '')
    .join('\n');
}
