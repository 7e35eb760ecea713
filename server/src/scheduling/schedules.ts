/**
 * Schedules: executions that start by themselves.
 *
 * When the next start is due is stored with the schedule. Whoever finds it due locks the row, starts the execution and stores
 * the time after it in one transaction: each time starts one execution, however many processes look. A start that is more than `slip`
 * minutes late, and a minute, is left out; one that is refused (because another execution runs) is told in the log and left out too.
 */
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { checkRule, type Recurrence, type Rule, upcoming } from '../dsl/recurrence.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { Callers } from '../identity/callers.js';
import type { Deployments } from '../orchestration/deployments.js';
import type { Executions } from '../orchestration/executions.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { type SummaryQuery, type SummaryRow, summarize } from '../store/summary.js';
import { inTransaction } from '../store/transaction.js';
import {
  claimDue,
  type DueSchedule,
  deleteSchedule,
  insertSchedule,
  lockSchedules,
  passDue,
  type ScheduleField,
  type ScheduleRow,
  scheduleList,
  updateSchedule,
} from './schedules.store.js';

export type { ScheduleField } from './schedules.store.js';

/** What the execution is started with; members of `ExecutionRequest`. */
export interface StartArguments {
  readonly allowCustomParameters?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly queue?: boolean;
  readonly waitAfterFail?: number;
}

export interface ScheduleRequest {
  readonly id: string;
  readonly deploymentId: string;
  readonly workflow: string;
  readonly parameters?: JsonObject;
  readonly arguments?: StartArguments;
  readonly rule: Rule;
  readonly since: Date;
  readonly until?: Date;
  /** Minutes. */
  readonly slip?: number;
  readonly stopOnFail?: boolean;
  readonly enabled?: boolean;
}

export interface ScheduleChange {
  readonly workflow?: string;
  readonly rule?: Rule;
  readonly since?: Date;
  readonly until?: Date;
  readonly slip?: number;
  readonly stopOnFail?: boolean;
  readonly enabled?: boolean;
}

/** A start that is this late is still on time: whoever looks does not look all the time. */
const GRACE_MS = 60_000;
/** Started by one look. */
const MOST_AT_ONCE = 100;
const LONGEST_SLIP = 525_600;

export class Schedules {
  readonly #pool: Pool;
  readonly #deployments: Deployments;
  readonly #executions: Executions;
  readonly #callers: Callers;
  readonly #notice: (details: object, message: string) => void;

  constructor(parts: {
    pool: Pool;
    deployments: Deployments;
    executions: Executions;
    callers: Callers;
    /** Told of starts that were left out. */
    notice: (details: object, message: string) => void;
  }) {
    this.#pool = parts.pool;
    this.#deployments = parts.deployments;
    this.#executions = parts.executions;
    this.#callers = parts.callers;
    this.#notice = parts.notice;
  }

  /** Needs `executions.read`. */
  async list(caller: Caller, query: ListQuery<ScheduleField>): Promise<ListPage> {
    return listPage(this.#pool, scheduleList, scopeFor(caller, 'executions.read'), query);
  }

  /** How many there are of each kind. Needs `executions.read`. */
  async summary(
    caller: Caller,
    query: SummaryQuery<ScheduleField>,
  ): Promise<{ rows: SummaryRow[]; total: number }> {
    return summarize(this.#pool, scheduleList, scopeFor(caller, 'executions.read'), query);
  }

  /**
   * Needs `executions.run`.
   *
   * @throws DomainError `not-found`; `invalid` (`schedule-rule-invalid`, `schedule-slip-invalid`, `workflow-unknown`); `conflict`
   *   (`schedule-exists`)
   */
  async create(caller: Caller, request: ScheduleRequest): Promise<void> {
    const scope = scopeFor(caller, 'executions.run');
    const { id, since, until = null, rule, slip = 0, stopOnFail = false, enabled = true } = request;
    checkRule(rule);
    checkSlip(slip);
    const deployment = await this.#deployments.get(caller, request.deploymentId);
    if (deployment.tenantId !== scope.tenantId) throw notFound('Deployment', request.deploymentId);
    requireWorkflow(deployment, request.workflow);
    await inTransaction(this.#pool, async (client) => {
      await insertSchedule.run(client, scope.tenantId, [
        id,
        deployment.uid,
        request.workflow,
        JSON.stringify(request.parameters ?? {}),
        JSON.stringify(request.arguments ?? {}),
        JSON.stringify(rule),
        since,
        until,
        slip,
        stopOnFail,
        enabled,
        nextOf({ rule, since, until }),
        scope.userId,
      ]);
      await record(client, caller, {
        action: 'create',
        thing: 'execution schedule',
        id,
        details: { deployment: request.deploymentId, workflow: request.workflow },
      });
    }).catch((error: unknown) => {
      if ((error as { constraint?: string }).constraint !== 'execution_schedules_deployment_uid_id_key')
        throw error;
      throw new DomainError(
        'conflict',
        'schedule-exists',
        `Execution schedule \`${id}\` of deployment ${request.deploymentId} already exists`,
      );
    });
  }

  /** What is not given stays. Needs `executions.run`. Throws as `create`. */
  async update(
    caller: Caller,
    id: string,
    deploymentId: string | null,
    change: ScheduleChange,
  ): Promise<void> {
    const scope = scopeFor(caller, 'executions.run');
    if (change.rule !== undefined) checkRule(change.rule);
    if (change.slip !== undefined) checkSlip(change.slip);
    if (change.workflow !== undefined && deploymentId !== null) {
      requireWorkflow(await this.#deployments.get(caller, deploymentId), change.workflow);
    }
    await inTransaction(this.#pool, async (client) => {
      const { uid, ...now } = await find(client, scope, id, deploymentId);
      const next = { ...now, ...change };
      await updateSchedule.run(client, scope.tenantId, [
        uid,
        next.workflow,
        JSON.stringify(next.rule),
        next.since,
        next.until,
        next.slip,
        next.stopOnFail,
        next.enabled,
        nextOf(next),
      ]);
      await record(client, caller, {
        action: 'update',
        thing: 'execution schedule',
        id,
        details: { changed: Object.keys(change) },
      });
    });
  }

  /** Needs `executions.run`. Throws `not-found`. */
  async remove(caller: Caller, id: string, deploymentId: string | null): Promise<void> {
    const scope = scopeFor(caller, 'executions.run');
    await inTransaction(this.#pool, async (client) => {
      const { uid } = await find(client, scope, id, deploymentId);
      await deleteSchedule.run(client, scope.tenantId, [uid]);
      await record(client, caller, { action: 'delete', thing: 'execution schedule', id });
    });
  }

  /** The rule that a schedule has. Needs `executions.read`. Throws `not-found`. */
  async ruleOf(caller: Caller, id: string, deploymentId: string | null): Promise<Rule> {
    const scope = scopeFor(caller, 'executions.read');
    return inTransaction(this.#pool, async (client) => (await find(client, scope, id, deploymentId)).rule);
  }

  /** Starts what is due. Periodic work; any number of processes may do it at once. @returns how many were started */
  async startDue(): Promise<number> {
    let started = 0;
    for (let count = 0; count < MOST_AT_ONCE; count += 1) {
      const outcome = await inTransaction(this.#pool, (client) => this.#startOne(client));
      if (outcome === 'none') break;
      if (outcome === 'started') started += 1;
    }
    if (started > 0) this.#executions.wakeWorkers();
    return started;
  }

  async #startOne(client: Client): Promise<'none' | 'passed' | 'started'> {
    const due = await claimDue.one(client);
    if (due === null) return 'none';
    const next = upcoming(due, due.now, 1)[0] ?? null;
    const late = due.now.getTime() - due.nextAt.getTime() > due.slip * 60_000 + GRACE_MS;
    const stopped = due.stopOnFail && due.latestStatus === 'failed';
    const execution = late || stopped ? null : await this.#start(client, due);
    await passDue.run(client, due.tenantId, [due.uid, next, !stopped, execution]);
    if (late || stopped) {
      const { id, tenantName: tenant, deploymentId: deployment } = due;
      this.#notice({ schedule: id, tenant, deployment, late, stopped }, 'a scheduled execution was left out');
    }
    return execution === null ? 'passed' : 'started';
  }

  async #start(client: Client, due: DueSchedule): Promise<number | null> {
    try {
      const caller = await this.#callers.actingAs(due.createdBy, due.tenantName, `schedule ${due.id}`);
      const request = { deploymentId: due.deploymentId, workflow: due.workflow, parameters: due.parameters };
      const asked = { ...request, ...(due.arguments as StartArguments) };
      return (await this.#executions.startWithin(client, caller, asked)).uid;
    } catch (error) {
      // Refused before anything was written: the time has passed, as if nobody had been there.
      if (!(error instanceof DomainError)) throw error;
      const { id, tenantName: tenant, deploymentId: deployment } = due;
      this.#notice(
        { schedule: id, tenant, deployment, reason: error.reason },
        'a scheduled execution was refused',
      );
      return null;
    }
  }
}

async function find(
  client: Client,
  scope: TenantScope,
  id: string,
  deploymentId: string | null,
): Promise<ScheduleRow> {
  const values = [id, deploymentId, scope.userId, scope.seesPrivate];
  const [found, another] = await lockSchedules.all(client, scope.tenantId, values);
  if (found === undefined) throw notFound('Execution schedule', id);
  if (another === undefined) return found;
  throw new DomainError(
    'conflict',
    'schedule-ambiguous',
    `Several deployments have an execution schedule \`${id}\`: say which one`,
  );
}

/** A first start that has passed is due at once, if it is not too late for it. */
export function nextOf(recurrence: Recurrence): Date | null {
  const now = new Date();
  const before = new Date(Math.min(now.getTime(), recurrence.since.getTime()) - 1);
  const first = upcoming(recurrence, before, 1)[0] ?? null;
  if (first === null || first > now || now.getTime() - first.getTime() < GRACE_MS) return first;
  return upcoming(recurrence, now, 1)[0] ?? null;
}

export function requireWorkflow(
  deployment: { id: string; workflows: Readonly<Record<string, unknown>> },
  name: string,
): void {
  if (Object.hasOwn(deployment.workflows, name)) return;
  throw new DomainError(
    'invalid',
    'workflow-unknown',
    `Workflow ${name} does not exist in deployment ${deployment.id}; it has: ${Object.keys(deployment.workflows).join(', ')}`,
  );
}

function checkSlip(slip: number): void {
  if (Number.isInteger(slip) && slip >= 0 && slip <= LONGEST_SLIP) return;
  throw new DomainError(
    'invalid',
    'schedule-slip-invalid',
    `The slip must be 0 to ${LONGEST_SLIP} minutes, not ${slip}`,
  );
}
