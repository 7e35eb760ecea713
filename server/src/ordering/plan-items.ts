/**
 * What an item of an order means: everything that it names is looked up, everything that it wishes is checked, and nothing is
 * stored. So an order is planned whole before any of it is kept, and planned again when it is submitted and approved, since
 * what it names may have changed meanwhile.
 */
import { randomUUID } from 'node:crypto';
import type { Caller, TenantScope } from '../caller.js';
import { DomainError } from '../errors.js';
import type { Queryable } from '../store/statement.js';
import { fixedPart } from './hostnames.js';
import {
  applicationsOf,
  buildsOf,
  type EnvironmentFact,
  environmentsOfGroup,
  itemsOfOffer,
  parametersOf,
  preconfigurationsOf,
  selectRates,
  usesOf,
} from './order-facts.store.js';
import type {
  AskedItem,
  BuildPlan,
  ItemRequest,
  PlannedAction,
  PlannedServer,
  PlannedStep,
  ServerWish,
} from './order-items.js';
import { summaryOf } from './order-summary.js';
import { type ActParts, planAct } from './plan-act.js';
import { planChange, requirePasswords } from './plan-change.js';
import {
  actionInputs,
  narrowed,
  nodeName,
  offerFor,
  ownParameters,
  refuseUnbuildable,
  refuseUnknownParts,
  templateOf,
  USUAL_HOSTNAME,
  unbuildable,
} from './plan-offer.js';
import { planRemoval } from './plan-removal.js';
import {
  type PlannedServers,
  planServers,
  refOf,
  type ServerDefaults,
  type ServerFacts,
  templateFor,
} from './plan-servers.js';
import type { PlannedItem, PlanningOrder } from './planned.js';
import { type Rate, sum } from './rates.js';
import type { Rights } from './rights.js';
import type { NewPassword } from './sealed-password.js';
import type { ServerBook } from './server-book.js';
import { namedAs } from './wished-parameters.js';

type WithParameters = Pick<ServerWish, 'parameters'> & Partial<Pick<ServerWish, 'preconfigurations'>>;

const MOST_ITEMS = 100;

export class ItemPlanner {
  readonly #parts: Omit<ActParts, 'facts'>;
  readonly #servers: ServerBook;
  readonly #rights: Rights;

  constructor(parts: Omit<ActParts, 'facts'>) {
    this.#parts = parts;
    this.#servers = parts.servers;
    this.#rights = parts.rights;
  }

  /**
   * All of them or none.
   *
   * @throws DomainError `invalid`, `forbidden`, `not-found`, `conflict`: of the first item that cannot be, naming what is wrong
   */
  async plan(
    db: Queryable,
    caller: Caller,
    scope: TenantScope,
    order: PlanningOrder,
    requests: readonly ItemRequest[],
  ): Promise<readonly PlannedItem[]> {
    if (requests.length > MOST_ITEMS) {
      throw new DomainError('limit', 'too-many-items', `An order has at most ${MOST_ITEMS} items`);
    }
    if (requests.length === 0) return [];
    const facts = await this.#facts(db, scope, order, requests);
    const taken = new Set<string>();
    const planned: PlannedItem[] = [];
    for (const request of requests) {
      planned.push(await this.#one(db, caller, scope, order, request, facts, taken));
    }
    return planned;
  }

  async #one(
    db: Queryable,
    caller: Caller,
    scope: TenantScope,
    order: PlanningOrder,
    request: ItemRequest,
    facts: ServerFacts,
    taken: Set<string>,
  ): Promise<PlannedItem> {
    switch (request.kind) {
      case 'deploy':
        return this.#deploy(db, scope, order, request, facts, taken);
      case 'provision': {
        const defaults = { part: 'Server', hostnameTemplate: USUAL_HOSTNAME, environments: null };
        await this.#noteTaken(db, scope, request, defaults, taken);
        const of = planServers(request, defaults, 'server', facts, taken);
        const { asked, servers, environment, passwords } = of;
        await this.#requirePasswords(db, scope, of);
        const name = servers
          .map(({ hostname }) => hostname)
          .join(', ')
          .slice(0, 200);
        const plan: BuildPlan = {
          kind: 'build',
          offer: null,
          name,
          resourceType: null,
          blueprint: null,
          servers,
          actions: [],
          steps: [servers.map((_, at) => ({ kind: 'server', at }))],
        };
        return built({ kind: 'provision', ...asked }, plan, [environment], passwords);
      }
      case 'modify':
        return planChange(db, caller, scope, order, request, {
          servers: this.#servers,
          rights: this.#rights,
          facts,
        });
      case 'decommission':
        return planRemoval(db, caller, scope, order, request, {
          servers: this.#servers,
          rights: this.#rights,
          facts,
        });
      case 'act':
        return planAct(db, caller, scope, order, request, { ...this.#parts, facts });
    }
  }

  async #deploy(
    db: Queryable,
    scope: TenantScope,
    order: PlanningOrder,
    request: Extract<ItemRequest, { kind: 'deploy' }>,
    facts: ServerFacts,
    taken: Set<string>,
  ): Promise<PlannedItem> {
    const offer = await offerFor(db, scope, order, request.offer);
    const items = await itemsOfOffer.all(db, scope.tenantId, [offer.uid]);
    refuseUnknownParts(offer, items, Object.keys(request.parts));
    const parameters = ownParameters(offer, request.parameters);
    const asked = { kind: 'deploy' as const, offer: refOf(offer), name: request.name, parameters };
    if (offer.blueprint !== null) {
      const plan: BuildPlan = {
        kind: 'build',
        offer: refOf(offer),
        name: request.name === '' ? offer.name : request.name,
        resourceType: offer.resourceType,
        blueprint: { id: offer.blueprint, inputs: parameters },
        servers: [],
        actions: [],
        steps: [],
      };
      return built({ ...asked, parts: {} }, plan, [], []);
    }
    const servers: PlannedServer[] = [];
    const actions: PlannedAction[] = [];
    const steps: PlannedStep[] = [];
    const parts: Record<string, ServerWish<ReturnType<typeof refOf>>> = {};
    const environments: EnvironmentFact[] = [];
    const passwords: NewPassword[] = [];
    for (const [at, item] of items.entries()) {
      const wish = (Object.hasOwn(request.parts, item.name) ? request.parts[item.name] : undefined) ?? {
        parameters: {},
        preconfigurations: {},
        applications: [],
      };
      const step: PlannedStep[number][] = [];
      if (item.kind === 'server') {
        const defaults = {
          part: item.name,
          hostnameTemplate: templateOf(item),
          environments: narrowed(item),
        };
        await this.#noteTaken(db, scope, wish, defaults, taken);
        const of = planServers(wish, defaults, nodeName(item.name, at), facts, taken);
        await this.#requirePasswords(db, scope, of);
        passwords.push(...of.passwords);
        for (const server of of.servers) {
          step.push({ kind: 'server', at: servers.length });
          servers.push(server);
        }
        parts[item.name] = of.asked;
        environments.push(of.environment);
      } else if (item.kind === 'action' && item.action !== null) {
        refuseUnbuildable(offer, item);
        const { asked: own, inputs } = actionInputs(item.action, wish.parameters);
        step.push({ kind: 'action', at: actions.length });
        actions.push({
          node: nodeName(item.name, at),
          part: item.name,
          action: refOf(item.action),
          inputs,
        });
        if (Object.keys(own).length > 0)
          parts[item.name] = { parameters: own, preconfigurations: {}, applications: [] };
      } else {
        throw unbuildable(offer, item, `of a kind (${item.kind}) that cannot be built here`);
      }
      const before = items[at - 1];
      const together = item.inParallel && before?.inParallel === true && steps.length > 0;
      if (together) steps[steps.length - 1] = [...steps.at(-1)!, ...step];
      else steps.push(step);
    }
    const plan: BuildPlan = {
      kind: 'build',
      offer: refOf(offer),
      name: request.name === '' ? offer.name : request.name,
      resourceType: offer.resourceType,
      blueprint: null,
      servers,
      actions,
      steps,
    };
    return built({ ...asked, parts }, plan, environments, passwords);
  }

  async #requirePasswords(
    db: Queryable,
    scope: TenantScope,
    { servers, environment }: PlannedServers,
  ): Promise<void> {
    if (servers.every(({ password }) => password === undefined)) return;
    await requirePasswords(db, scope, this.#servers, environment);
  }

  /** Names that those of the wish could meet. */
  async #noteTaken(
    db: Queryable,
    scope: TenantScope,
    wish: ServerWish,
    defaults: ServerDefaults,
    taken: Set<string>,
  ): Promise<void> {
    const prefix = fixedPart(templateFor(wish, defaults)).toLowerCase();
    for (const name of await this.#servers.taken(db, scope, prefix)) taken.add(name);
  }

  async #facts(
    db: Queryable,
    scope: TenantScope,
    order: PlanningOrder,
    requests: readonly ItemRequest[],
  ): Promise<ServerFacts> {
    const wishes = requests.flatMap((request): readonly WithParameters[] => {
      if (request.kind === 'deploy') return Object.values(request.parts);
      return request.kind === 'decommission' || request.kind === 'act' ? [] : [request];
    });
    const names = new Set(
      wishes.flatMap((wish) =>
        [...Object.keys(wish.parameters), ...Object.keys(wish.preconfigurations ?? {})].map(namedAs),
      ),
    );
    const { tenantId } = scope;
    const environments = await environmentsOfGroup.all(db, tenantId, [order.group.uid]);
    const uids = environments.map(({ uid }) => uid);
    const builds = await buildsOf.all(db, tenantId, [uids]);
    const applications = await applicationsOf.all(db, tenantId, [uids]);
    const uses = await usesOf.all(db, tenantId, [uids, order.group.path]);
    const preconfigurations = await preconfigurationsOf.all(db, tenantId, [[...names]]);
    for (const use of uses) names.add(namedAs(use.name));
    for (const bundle of preconfigurations) {
      for (const choice of Object.values(bundle.choices))
        for (const name of Object.keys(choice)) names.add(namedAs(name));
    }
    const parameters = await parametersOf.all(db, tenantId, [[...names]]);
    const rates = (await selectRates.all(db, tenantId)) as readonly Rate[];
    return {
      group: order.group,
      owner: order.owner,
      environments,
      builds,
      applications,
      uses,
      preconfigurations,
      parameters,
      rates,
      drawId: randomUUID,
    };
  }
}

function built(
  asked: AskedItem,
  plan: BuildPlan,
  environments: readonly EnvironmentFact[],
  passwords: readonly NewPassword[],
): PlannedItem {
  return {
    asked,
    plan,
    rate: sum(plan.servers.map(({ cost }) => cost)),
    summary: summaryOf(plan),
    environments,
    passwords,
  };
}
