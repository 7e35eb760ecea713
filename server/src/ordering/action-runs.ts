/**
 * What people have the server run: actions that are offered on servers and on resources, rules, and what a handler does with a server that
 * was found. Each is a job from the moment it is asked for; a worker begins its execution (`begin-runs.ts`).
 *
 * Who may: `server.run_action`, `resource.run_action` in the group of what it is about, or its owner; rules are administrators' affair.
 */
import type { Caller, TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import type { ActionTask } from './action-task.js';
import type { ActionUse, ActionUses } from './action-uses.js';
import type { Actions } from './actions.js';
import type { ConditionRules } from './condition-rules.js';
import type { Groups } from './groups.js';
import type { Jobs } from './jobs.js';
import type { ItemRequest } from './order-items.js';
import type { Orders } from './orders.js';
import type { OrdersByAction } from './orders-by-action.js';
import { type GroupPermission, OWNER_PERMISSIONS } from './permissions.js';
import { requireEnabled } from './plan-act.js';
import { planAction, problemOf } from './plan-action.js';
import { isOrderingAdmin, managingScope, orderingScope, type Rights } from './rights.js';
import type { KnownResource, KnownServer, ServerBook } from './server-book.js';
import { type NewRun, startRun } from './start-run.js';
import { keyText, type ThingKey } from './thing-key.js';

export interface ActionRunsParts {
  readonly pool: Pool;
  readonly rights: Rights;
  readonly actions: Actions;
  readonly actionUses: ActionUses;
  readonly conditionRules: ConditionRules;
  readonly servers: ServerBook;
  readonly jobs: Pick<Jobs, 'start' | 'ofOrders'>;
  readonly groups: Groups;
  readonly ordersByAction: Pick<OrdersByAction, 'remove'>;
  readonly orders: Pick<Orders, 'create'>;
  /** Told after a commit that there is something to begin. A hint. */
  readonly wake: { due(): void };
}

/** What is there to watch: a job, or an order that somebody has to submit or to approve. Numbers. */
export interface Begun {
  readonly job: number | null;
  readonly order: number | null;
  /** Whoever asked is to be answered when it is over. */
  readonly synchronous: boolean;
}

/** What an action is offered on. */
export interface Offered {
  readonly number: number;
  readonly code: string;
  readonly label: string;
}

interface AskedRun extends NewRun {
  readonly audit: { readonly action: string; readonly thing: string; readonly id: string };
}

export class ActionRuns {
  readonly #parts: ActionRunsParts;

  constructor(parts: ActionRunsParts) {
    this.#parts = parts;
  }

  /** What is offered on servers, or on resources of a type, and can be run here. */
  async offered(
    caller: Caller,
    on: 'server' | 'resource',
    resourceType: string | null,
  ): Promise<readonly Offered[]> {
    const { pool, actionUses, actions } = this.#parts;
    const scope = orderingScope(caller);
    const uses = await actionUses.enabled(pool, scope, on, { resourceType });
    const uids = uses.flatMap(({ actionUid }) => (actionUid === null ? [] : [actionUid]));
    const known = uids.length === 0 ? [] : await actions.byKeys(pool, scope, uids);
    return uses.filter(
      ({ actionUid, builtin }) =>
        builtin !== null || known.some((action) => action.uid === actionUid && problemOf(action) === null),
    );
  }

  /**
   * Runs an action on a server.
   *
   * @param given inputs, by any of their names
   * @throws DomainError `not-found`; `forbidden` (`group-permission-denied`); `conflict` (`server-over`, `action-disabled`);
   *   `invalid` (`action-not-runnable`, `parameter-…`)
   */
  async onServer(caller: Caller, key: ThingKey, action: ThingKey, given: JsonObject): Promise<Begun> {
    const { pool, servers, actionUses } = this.#parts;
    const scope = orderingScope(caller);
    const [server] = await servers.byKeys(pool, scope, [key]);
    if (server === undefined) throw notFound('Server', keyText(key));
    await this.#require(caller, 'Server', server, ['server.view', 'server.run_action']);
    if (server.status === 'historical')
      throw over(`Server ${server.name} is historical: nothing can be done with it`);
    const use = await actionUses.find(caller, 'server', action);
    if (use.requiresApproval)
      return this.#order(
        caller,
        server,
        { kind: 'act', on: 'server', target: key, action, inputs: given },
        use,
      );
    const planned = await this.#plan(scope, use, given);
    const job = await this.#start(caller, scope, {
      type: 'server_action',
      subject: server.name,
      groupUid: server.groupUid,
      task: { ...planned, servers: [server.uid], resource: null, home: null },
      audit: { action: 'run-action', thing: 'server', id: String(server.number) },
    });
    return { job, order: null, synchronous: use.synchronous };
  }

  /** Runs an action on what was built under one name; likewise. `Delete` takes it away, `Scale` is an order. */
  async onResource(caller: Caller, key: ThingKey, action: ThingKey, given: JsonObject): Promise<Begun> {
    const { pool, servers, actionUses, ordersByAction } = this.#parts;
    const scope = orderingScope(caller);
    const [resource] = await servers.resourcesByKeys(pool, scope, [key]);
    if (resource === undefined) throw notFound('Resource', keyText(key));
    await this.#require(caller, 'Resource', resource, ['resource.view', 'resource.run_action']);
    if (resource.over) throw over(`'${resource.name}' is Historical: nothing can be done with it`);
    const use = await actionUses.find(caller, 'resource', action);
    if (use.resourceType !== null && use.resourceType !== resource.type)
      throw notFound('Action', keyText(action));
    if (use.builtin === 'delete') {
      requireEnabled(use);
      const what = { servers: [], resources: [{ number: resource.number }] };
      if (use.requiresApproval) return this.#order(caller, resource, { kind: 'decommission', ...what }, use);
      const { job, order } = await ordersByAction.remove(caller, resource.groupUid, what);
      return { job, order: job === null ? order : null, synchronous: use.synchronous };
    }
    if (use.requiresApproval || use.builtin === 'scale')
      return this.#order(
        caller,
        resource,
        { kind: 'act', on: 'resource', target: key, action, inputs: given },
        use,
      );
    const planned = await this.#plan(scope, use, given);
    if (resource.deploymentId === null)
      throw over(`'${resource.name}' has no deployment (yet) on which something could be run`);
    const job = await this.#start(caller, scope, {
      type: 'resource_action',
      subject: resource.name,
      groupUid: resource.groupUid,
      task: { ...planned, servers: [], resource: resource.uid, home: null },
      audit: { action: 'run-action', thing: 'resource', id: String(resource.number) },
    });
    return { job, order: null, synchronous: use.synchronous };
  }

  /**
   * Asks the condition of a rule, and runs its action where that has found something. Needs `ordering.manage`.
   *
   * @throws DomainError `not-found`; `conflict` (`rule-disabled`); `invalid` (`rule-incomplete`, `action-not-runnable`)
   */
  async rule(caller: Caller, key: ThingKey): Promise<Begun> {
    const { pool, conditionRules, actions } = this.#parts;
    const scope = managingScope(caller);
    const rule = await conditionRules.find(caller, key);
    if (!rule.enabled)
      throw new DomainError('conflict', 'rule-disabled', `Rule '${rule.name}' is disabled: it does not run`);
    const { conditionUid, actionUid } = rule;
    if (conditionUid === null || actionUid === null) {
      throw new DomainError(
        'invalid',
        'rule-incomplete',
        `Rule '${rule.name}' has no ${conditionUid === null ? 'condition' : 'action'}: there is nothing that could be run`,
      );
    }
    const known = await actions.byKeys(pool, scope, [conditionUid, actionUid]);
    const steps = [conditionUid, actionUid].map((uid, at) => {
      const action = known.find((one) => one.uid === uid)!;
      const planned = planAction(action, {}, at === 0 ? 'condition' : 'run', false);
      if (planned.work.kind !== 'steps') {
        throw new DomainError(
          'invalid',
          'action-not-runnable',
          `Action '${action.name}' is a workflow of a deployment, and a rule has none`,
        );
      }
      return { inputs: planned.inputs, step: planned.work.steps[0]! };
    });
    const job = await this.#start(caller, scope, {
      type: 'rule',
      subject: rule.name,
      groupUid: null,
      task: {
        label: rule.name,
        work: { kind: 'steps', steps: steps.map(({ step }) => step) },
        inputs: Object.assign({}, ...steps.map(({ inputs }) => inputs)) as JsonObject,
        servers: [],
        resource: null,
        home: `rule-${rule.number}`,
      },
      audit: { action: 'run', thing: 'rule', id: rule.name },
    });
    return { job, order: null, synchronous: false };
  }

  /** What the handler of a server does with it, where no deployment has built it. Permissions are the caller's affair. */
  async operate(
    caller: Caller,
    server: {
      readonly uid: number;
      readonly number: number;
      readonly hostname: string;
      readonly groupUid: number | null;
    },
    operation: string,
    inputs: JsonObject,
  ): Promise<{ readonly number: number }> {
    const number = await this.#start(caller, orderingScope(caller), {
      type: 'server_action',
      subject: server.hostname,
      groupUid: server.groupUid,
      task: {
        label: operation,
        work: {
          kind: 'workflow',
          workflow: 'execute_operation',
          parameters: { operation: `orrery.interfaces.server.${operation}`, operation_kwargs: inputs },
          ofServer: true,
          custom: false,
        },
        inputs: {},
        servers: [server.uid],
        resource: null,
        home: null,
      },
      audit: { action: operation, thing: 'server', id: String(server.number) },
    });
    return { number };
  }

  async #plan(
    scope: TenantScope,
    use: ActionUse,
    given: JsonObject,
  ): Promise<Pick<ActionTask, 'label' | 'work' | 'inputs'>> {
    const { pool, actions } = this.#parts;
    requireEnabled(use);
    const [action] = use.actionUid === null ? [] : await actions.byKeys(pool, scope, [use.actionUid]);
    if (action === undefined) {
      throw new DomainError('invalid', 'action-not-runnable', `Action '${use.label}' is not there any more`);
    }
    return { ...planAction(action, given, 'run', true), label: use.label };
  }

  /** A cart where somebody is to agree, else an order that is submitted; its job, once it is active. */
  async #order(
    caller: Caller,
    thing: Pick<KnownServer | KnownResource, 'groupUid' | 'name'>,
    item: ItemRequest,
    use: ActionUse,
  ): Promise<Begun> {
    const { pool, groups, orders, jobs } = this.#parts;
    const scope = orderingScope(caller);
    const [group] = thing.groupUid === null ? [] : await groups.byKeys(pool, scope, [thing.groupUid]);
    if (group === undefined)
      throw new DomainError(
        'conflict',
        'server-in-no-group',
        `'${thing.name}' is in no group that could order anything`,
      );
    const order = await orders.create(caller, {
      group: { number: group.number },
      items: [item],
      submit: !use.requiresApproval,
    });
    const [job] = order.status === 'ACTIVE' ? await jobs.ofOrders(caller, [order.uid]) : [];
    if (job === undefined) return { job: null, order: order.number, synchronous: false };
    return { job: job.number, order: null, synchronous: use.synchronous };
  }

  async #start(caller: Caller, scope: TenantScope, run: AskedRun): Promise<number> {
    const { pool, jobs, wake } = this.#parts;
    const number = await inTransaction(pool, async (client) => {
      const job = await startRun(client, scope, jobs, { ...run, owner: scope.userId });
      await record(client, caller, { ...run.audit, details: { action: run.task.label, job: job.number } });
      return job.number;
    });
    wake.due();
    return number;
  }

  async #require(
    caller: Caller,
    what: string,
    thing: Pick<KnownServer | KnownResource, 'number' | 'name' | 'groupUid' | 'ownerId'>,
    [view, permission]: readonly [GroupPermission, GroupPermission],
  ): Promise<void> {
    if (isOrderingAdmin(caller)) return;
    const { rights } = this.#parts;
    const may = async (wanted: GroupPermission) =>
      (thing.ownerId === caller.userId && OWNER_PERMISSIONS.has(wanted)) ||
      (thing.groupUid !== null && (await rights.may(caller, wanted, thing.groupUid)));
    if (await may(permission)) return;
    if (!(await may(view)) && !caller.permissions.has('ordering.read'))
      throw notFound(what, String(thing.number));
    throw new DomainError(
      'forbidden',
      'group-permission-denied',
      `User ${caller.username} does not have the permission ${permission} for '${thing.name}'`,
      { details: { permission } },
    );
  }
}

function over(message: string): DomainError {
  return new DomainError('conflict', 'server-over', message);
}
