/**
 * Packages: an action, an offer or a rule with everything that it needs, to be carried to another installation.
 *
 * What comes in is kept whole or not at all. A name that is taken gets a number behind it, or, where the sender says so, what has it is
 * replaced. Actions that come along are taken for those that are here if they are the same.
 */
import type { Caller, TenantScope } from '../caller.js';
import { DomainError } from '../errors.js';
import { record } from '../identity/audit.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import type { ActionUse, ActionUses, NewActionUse, UsedOn } from './action-uses.js';
import type { Action, Actions, NewAction } from './actions.js';
import type { ConditionRules } from './condition-rules.js';
import type { Environments } from './environments.js';
import { selectTenantByName } from './first-contents.store.js';
import type { NewOffer, NewOfferItem, Offers } from './offers.js';
import {
  type CarriedPlaces,
  carriedPlaces,
  groupsHere,
  settingsHere,
  withoutPlaces,
} from './package-places.js';
import { type ContentRow, selectContentOf } from './packages.store.js';
import type { NewResourceType, ResourceTypes } from './resource-types.js';
import { managingScope } from './rights.js';
import type { ThingKey } from './thing-key.js';

export type { CarriedPlace, CarriedPlaces } from './package-places.js';

/** An item of a carried offer names its action. */
export type CarriedItem = Omit<NewOfferItem, 'actionUid' | 'nestedUid'> & { readonly action: string | null };

export type CarriedOffer = Pick<
  NewOffer,
  'name' | 'description' | 'position' | 'icon' | 'orderable' | 'anyGroup' | 'parameters' | 'code'
>;

export type CarriedUse = Omit<NewActionUse, 'runs' | 'resourceTypeUid'>;

export interface CarriedRule {
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly schedule: string | null;
}

export type Package =
  | { readonly kind: 'action'; readonly action: NewAction }
  | { readonly kind: 'use'; readonly usedOn: UsedOn; readonly use: CarriedUse; readonly action: NewAction }
  | {
      readonly kind: 'offer';
      readonly offer: CarriedOffer;
      readonly resourceType: NewResourceType | null;
      /** Id of the uploaded blueprint that it wraps: the other installation must have it. */
      readonly blueprint: string | null;
      readonly items: readonly CarriedItem[];
      readonly actions: readonly NewAction[];
      /** Null: it says nothing of an installation. */
      readonly places: CarriedPlaces | null;
    }
  | {
      readonly kind: 'rule';
      readonly rule: CarriedRule;
      readonly condition: NewAction | null;
      readonly action: NewAction | null;
    };

export interface PackagesParts {
  readonly pool: Pool;
  readonly actions: Actions;
  readonly actionUses: ActionUses;
  readonly conditionRules: ConditionRules;
  readonly offers: Offers;
  readonly resourceTypes: ResourceTypes;
  readonly environments: Environments;
}

/** Copies of one name that are tried. */
const MOST_COPIES = 1000;

export class Packages {
  readonly #parts: PackagesParts;

  constructor(parts: PackagesParts) {
    this.#parts = parts;
  }

  /** Needs `ordering.manage`, as all of these. Throws `not-found`. */
  async ofAction(caller: Caller, key: ThingKey): Promise<Package> {
    managingScope(caller);
    return { kind: 'action', action: carried(await this.#parts.actions.find(caller, key)) };
  }

  /** @throws DomainError `not-found`; `invalid` (`package-impossible`): the server does it itself */
  async ofUse(caller: Caller, usedOn: UsedOn, key: ThingKey): Promise<Package> {
    managingScope(caller);
    const use = await this.#parts.actionUses.find(caller, usedOn, key);
    const action = use.actionUid === null ? null : await this.#actionOf(caller, use.actionUid);
    if (action === null) throw impossible(`'${use.label}' is part of every server and cannot be carried`);
    return { kind: 'use', usedOn, use: carriedUse(use), action };
  }

  /** Throws `not-found`. */
  async ofRule(caller: Caller, key: ThingKey): Promise<Package> {
    managingScope(caller);
    const { name, description, enabled, schedule, conditionUid, actionUid } =
      await this.#parts.conditionRules.find(caller, key);
    return {
      kind: 'rule',
      rule: { name, description, enabled, schedule },
      condition: conditionUid === null ? null : await this.#actionOf(caller, conditionUid),
      action: actionUid === null ? null : await this.#actionOf(caller, actionUid),
    };
  }

  /**
   * @param withPlaces names the groups and environments of this installation too; else it is for every group and environment that
   *   the other one gives it to
   * @throws DomainError `not-found`; `invalid` (`package-impossible`): it nests another offer
   */
  async ofOffer(caller: Caller, key: ThingKey, withPlaces = false): Promise<Package> {
    managingScope(caller);
    const { pool, offers, actions, resourceTypes } = this.#parts;
    const offer = await offers.find(caller, key);
    const items = await offers.items(caller, offer);
    if (items.some(({ kind }) => kind === 'offer'))
      throw impossible(`'${offer.name}' holds another blueprint`);
    const uids = items.flatMap(({ actionUid }) => (actionUid === null ? [] : [actionUid]));
    const used = await actions.byKeys(pool, managingScope(caller), uids);
    const type =
      offer.resourceTypeUid === null ? null : await resourceTypes.byKey(caller, offer.resourceTypeUid);
    const { name, description, position, icon, orderable, anyGroup, code } = offer;
    return {
      kind: 'offer',
      offer: {
        name,
        description,
        position,
        icon,
        orderable,
        anyGroup,
        code,
        parameters: offer.parameters as never,
      },
      resourceType:
        type === null
          ? null
          : { name: type.name, label: type.label, icon: type.icon, lifecycle: type.lifecycle },
      blueprint: offer.blueprint,
      items: items.map((item) => ({
        name: item.name,
        phase: item.phase,
        description: item.description,
        kind: item.kind,
        position: item.position,
        shownOnOrderForm: item.shownOnOrderForm,
        inParallel: item.inParallel,
        continueOnFailure: item.continueOnFailure,
        settings: withoutPlaces(item.settings),
        action: item.actionName,
      })),
      actions: used.map(carried),
      places: withPlaces ? await carriedPlaces(this.#parts, caller, offer, items) : null,
    };
  }

  /**
   * Keeps what a package holds. Needs `ordering.manage`.
   *
   * @param replace what has the name is replaced; else the new one gets another name
   * @returns the number of the thing in its collection
   * @throws DomainError `invalid`, `not-found` (the blueprint that an offer wraps)
   */
  async take(caller: Caller, given: Package, replace: boolean): Promise<number> {
    const scope = managingScope(caller);
    const blueprint =
      given.kind === 'offer' && given.blueprint !== null
        ? await this.#parts.offers.wrapped(caller, given.blueprint)
        : null;
    return inTransaction(this.#parts.pool, async (client) => {
      // One package after the other, so that a name that is free stays free until it is taken.
      await nextNumber(client, scope.tenantId, 'package');
      const { number, name } = await this.#keep(client, scope, given, replace, blueprint);
      const details = { number, replace };
      await record(client, caller, { action: 'import', thing: given.kind, id: name, details });
      return number;
    });
  }

  /** Names of what can be carried, of the tenant of that name: for whoever may ask without being somebody. */
  async content(tenantName: string): Promise<readonly ContentRow[]> {
    const tenant = await selectTenantByName.one(this.#parts.pool, [tenantName]);
    return tenant === null ? [] : selectContentOf.all(this.#parts.pool, tenant.id);
  }

  async #keep(
    client: Client,
    scope: TenantScope,
    given: Package,
    replace: boolean,
    blueprintUid: number | null,
  ): Promise<{ number: number; name: string }> {
    const { actionUses, conditionRules } = this.#parts;
    switch (given.kind) {
      case 'action': {
        const kept = await this.#action(client, scope, given.action, replace, true);
        return { number: kept.number, name: given.action.name };
      }
      case 'use': {
        const { uid } = await this.#action(client, scope, given.action, replace, false);
        const { label } = given.use;
        const there = await actionUses.byLabel(client, scope, given.usedOn, label);
        if (there !== null && replace) {
          const use = { ...given.use, runs: { actionUid: uid } };
          await actionUses.replace(client, scope, given.usedOn, there.uid, use);
          return { number: there.number, name: label };
        }
        const free = await freeName(
          label,
          async (name) => (await actionUses.byLabel(client, scope, given.usedOn, name)) === null,
        );
        const use = { ...given.use, label: free, runs: { actionUid: uid } };
        return { number: (await actionUses.insert(client, scope, given.usedOn, use)).number, name: free };
      }
      case 'rule': {
        const keep = async (action: NewAction | null) =>
          action === null ? null : (await this.#action(client, scope, action, replace, false)).uid;
        const [conditionUid, actionUid] = [await keep(given.condition), await keep(given.action)];
        const there = await conditionRules.byName(client, scope, given.rule.name);
        if (there !== null && replace) {
          await conditionRules.replace(client, scope, there.uid, { ...given.rule, conditionUid, actionUid });
          return { number: there.number, name: there.name };
        }
        const name = await freeName(
          given.rule.name,
          async (each) => (await conditionRules.byName(client, scope, each)) === null,
        );
        const { number } = await conditionRules.insert(client, scope, {
          ...given.rule,
          name,
          conditionUid,
          actionUid,
        });
        return { number, name };
      }
      default:
        return this.#offer(client, scope, given, replace, blueprintUid);
    }
  }

  async #offer(
    client: Client,
    scope: TenantScope,
    given: Extract<Package, { kind: 'offer' }>,
    replace: boolean,
    blueprintUid: number | null,
  ): Promise<{ number: number; name: string }> {
    const { offers } = this.#parts;
    const uids = new Map<string, number>();
    for (const action of given.actions) {
      uids.set(action.name, (await this.#action(client, scope, action, replace, false)).uid);
    }
    const items: NewOfferItem[] = [];
    for (const { action, ...item } of given.items) {
      const settings = await settingsHere(client, scope, item, given.places);
      items.push({ ...item, settings, actionUid: actionFor(uids, item.name, action) });
    }
    const offer: NewOffer = {
      ...given.offer,
      blueprintUid,
      ...(given.resourceType === null ? {} : { resourceType: given.resourceType }),
      items,
      ...(given.places === null ? {} : { groups: await groupsHere(client, scope, given.places) }),
    };
    const there = await offers.byName(client, scope, offer.name);
    if (there !== null && replace) {
      await offers.replace(client, scope, there.uid, offer);
      return { number: there.number, name: there.name };
    }
    const name = await freeName(
      offer.name,
      async (each) => (await offers.byName(client, scope, each)) === null,
    );
    return { number: (await offers.insert(client, scope, { ...offer, name })).number, name };
  }

  /** @param wanted it is what the package is about; else it only comes along, and one that is the same will do */
  async #action(
    client: Client,
    scope: TenantScope,
    action: NewAction,
    replace: boolean,
    wanted: boolean,
  ): Promise<{ uid: number; number: number }> {
    const { actions } = this.#parts;
    const there = await actions.byName(client, scope, action.name);
    if (there === null) return actions.insert(client, scope, action);
    if (replace) {
      await actions.replace(client, scope, there.uid, action);
      return there;
    }
    if (!wanted && sameAction(there, action)) return there;
    const name = await freeName(
      action.name,
      async (each) => (await actions.byName(client, scope, each)) === null,
    );
    return actions.insert(client, scope, { ...action, name });
  }

  async #actionOf(caller: Caller, uid: number): Promise<NewAction | null> {
    const [action] = await this.#parts.actions.byKeys(this.#parts.pool, managingScope(caller), [uid]);
    return action === undefined ? null : carried(action);
  }
}

function carried(action: Action): NewAction {
  const { name, description, kind, shared, scriptFilename, source, settings, inputs, code } = action;
  return { name, description, kind, shared, scriptFilename, source, settings, inputs: inputs as never, code };
}

function carriedUse(use: ActionUse): CarriedUse {
  const {
    label,
    description,
    enabled,
    requiresApproval,
    synchronous,
    dangerous,
    position,
    triggerPoint,
    code,
  } = use;
  return {
    label,
    description,
    enabled,
    requiresApproval,
    synchronous,
    dangerous,
    position,
    triggerPoint,
    code,
  };
}

function sameAction(there: Action, given: NewAction): boolean {
  return there.kind === given.kind && there.source === (given.source ?? '');
}

function actionFor(uids: ReadonlyMap<string, number>, item: string, action: string | null): number | null {
  if (action === null) return null;
  const uid = uids.get(action);
  if (uid !== undefined) return uid;
  throw new DomainError(
    'invalid',
    'package-invalid',
    `Item '${item}' runs '${action}', which the package lacks`,
  );
}

/** The name, or the first of `name (2)`, `name (3)` that is free. */
async function freeName(name: string, isFree: (name: string) => Promise<boolean>): Promise<string> {
  if (await isFree(name)) return name;
  for (let copy = 2; copy <= MOST_COPIES; copy += 1) {
    const next = `${name.slice(0, 248)} (${copy})`;
    if (await isFree(next)) return next;
  }
  throw new DomainError('conflict', 'name-taken', `There are ${MOST_COPIES} copies of '${name}' already`);
}

function impossible(why: string): DomainError {
  return new DomainError('invalid', 'package-impossible', why);
}
